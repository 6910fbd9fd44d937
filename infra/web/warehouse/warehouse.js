// The buttons that people at a node and a carrier's driver would press.

import { every, fill, fillIfChanged, h } from "/common/dom.js";
import { configuration, newKey, Refused, request } from "/common/http.js";
import { atNode, cameBack, marks } from "/warehouse/node.js";

const EARLY = 60_000; // milliseconds before its end at which the session is renewed
const OPEN = new Map([
  ["label_created", "Handed over"],
  ["in_transit", "In transit"],
  ["out_for_delivery", "Out for delivery"],
  ["available_for_pickup", "At a pick-up point"],
  ["failed_attempt", "Attempt failed"],
  ["exception", "Problem"],
  ["returned", "Returned"],
  ["delivered", "Delivered"],
]);
const REPORTS = ["in_transit", "out_for_delivery", "failed_attempt", "returned", "delivered"];
const FINAL = ["delivered", "returned"];

const FILTERS = {
  all: () => true,
  new: (one) => one.status === "released" && !one.accepted_at && !one.held,
  pack: (one) => one.status === "released" && !one.held,
  send: (one) => one.status === "packed" && !one.held,
  collect: (one) => one.status === "ready_for_pickup",
  held: (one) => one.held !== "",
};

const nodes = document.getElementById("nodes");
const filter = document.getElementById("filter");
const shipments = document.getElementById("shipments");
const parcels = document.getElementById("parcels");
const state = document.getElementById("state");
const config = await configuration();
const queues = new Map(); // node -> what waits there
const numbers = new Map(); // shipment -> the parcel number made up for it
let session = null;
let chosen = new URLSearchParams(location.search).get("node") ?? config.nodes[0].id;

async function token() {
  if (!session || session.until - EARLY < Date.now()) {
    const tokens = await request("POST", "/local/staff-session", { body: {} });
    session = { ...tokens, until: Date.now() + tokens.expires_in * 1000 };
  }
  return session.id_token;
}

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${await token()}` };
  try {
    return await request(method, config.api + path, {
      body,
      headers,
      key: method === "POST" ? newKey() : undefined,
    });
  } catch (error) {
    if (error instanceof Refused && error.status === 401) session = null;
    throw error;
  }
}

async function queue(node) {
  const found = [];
  let cursor = "";
  do {
    const query = new URLSearchParams({ limit: "50", ...(cursor ? { cursor } : {}) });
    const page = await call(
      "GET",
      `/warehouse/nodes/${encodeURIComponent(node)}/shipments?${query}`,
    );
    found.push(...page.shipments);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

async function refresh() {
  try {
    for (const node of config.nodes) queues.set(node.id, await queue(node.id));
    const books = await request("GET", "/local/parcels");
    state.textContent = "Signed in as demo staff";
    draw(books.parcels);
  } catch (error) {
    state.textContent = error instanceof Refused ? error.message : "The application has stopped.";
  }
}

function draw(sent) {
  fillIfChanged(nodes, [chosen, [...queues].map(([id, waiting]) => [id, waiting.length])], () =>
    config.nodes.map((node) =>
      h(
        "button",
        {
          class: "button small",
          "aria-pressed": String(node.id === chosen),
          "data-node": node.id,
          on: {
            click: () => {
              chosen = node.id;
              draw(sent);
              nodes.querySelector(`[data-node="${chosen}"]`).focus();
            },
          },
        },
        node.name.replace(/ \(.*\)/, ""),
        h("span", { class: "badge" }, queues.get(node.id)?.length ?? 0),
      ),
    ),
  );
  each(
    shipments,
    (queues.get(chosen) ?? []).filter(FILTERS[filter.value]),
    (one) => one.id,
    (one) => one,
    shipment,
    "Nothing waits here.",
  );
  each(
    parcels,
    sent,
    (one) => one.carrier + one.parcel_number,
    (one) => one,
    parcel,
    "No parcels yet: pack and ship one.",
  );
}

/** Keeps the elements of what has not changed, so that what is being typed or focused stays. */
function each(list, values, id, key, make, nothing) {
  const before = new Map([...list.children].map((child) => [child.dataset.id, child]));
  fill(
    list,
    values.length
      ? values.map((value) => {
          const old = before.get(id(value));
          const text = JSON.stringify(key(value));
          if (old?.dataset.key === text) return old;
          const made = make(value);
          made.dataset.id = id(value);
          made.dataset.key = text;
          return made;
        })
      : h("li", { class: "empty panel" }, nothing),
  );
}

// --- the node ---

const WORDS = {
  released: "To pack",
  packed: "Packed",
  shipped: "On its way here",
  ready_for_pickup: "Waits for its customer",
};

function shipment(one) {
  const trouble = h("p", { class: "notice bad trouble", role: "alert" });
  const report = (what, body = {}) =>
    act(trouble, () =>
      call("POST", `/warehouse/orders/${one.order_id}/shipments/${one.id}/${what}`, body),
    );
  const where = one.ship_to ?? null;
  return h(
    "li",
    { class: "panel shipment", "data-order": one.order_id, "data-status": one.status },
    h(
      "div",
      { class: "row spread" },
      h("h2", {}, place(one)),
      h(
        "span",
        { class: "row" },
        marks(one),
        h(
          "span",
          { class: `badge ${one.status === "released" ? "warn" : "good"}` },
          one.tracking === "returned" ? "Coming back" : WORDS[one.status],
        ),
      ),
    ),
    h("p", { class: "soft small" }, h("span", { class: "mono" }, one.id), " · ", one.service),
    where
      ? h(
          "address",
          { class: "small" },
          [
            where.company,
            where.line1,
            where.line2,
            `${where.city}, ${where.region} ${where.postal_code}`,
          ]
            .filter(Boolean)
            .join(" · "),
        )
      : null,
    one.instructions ? h("p", { class: "small" }, `“${one.instructions}”`) : null,
    Object.entries(one.preferences).map(([name, wanted]) =>
      h("p", { class: "small" }, `${name.replaceAll("_", " ")}: ${wanted}`),
    ),
    h(
      "ul",
      { class: "items" },
      one.lines.map((line) =>
        h(
          "li",
          {},
          h("strong", { class: "numbers" }, `${line.quantity} ×`),
          h("span", {}, line.name),
          h("span", { class: "soft mono" }, line.sku),
        ),
      ),
    ),
    one.held ? null : buttons(one, report),
    atNode(one, report, config.nodes),
    trouble,
  );
}

function place(one) {
  if (one.ship_to) return `${one.ship_to.name}, ${one.ship_to.city}`;
  return one.to_store && one.node !== one.to_store
    ? `Pick-up in ${one.to_store}`
    : "Pick-up in the store";
}

function buttons(one, report) {
  const button = (words, what) =>
    h(
      "button",
      {
        class: "button small primary",
        "data-act": what,
        on: { click: () => report(what) },
      },
      words,
    );
  if (one.status === "released") return h("div", { class: "row" }, button("Packed", "pack"));
  if (one.status === "ready_for_pickup") return handing(one, report);
  if (one.status === "shipped") {
    if (one.tracking === "returned") return cameBack(one, report);
    return h("div", { class: "row" }, button("Received", "received"));
  }
  if (one.method === "pickup" && (!one.to_store || one.node === one.to_store))
    return h("div", { class: "row" }, button("Ready to collect", "ready"));
  return shipping(one, report);
}

const DOCUMENTS = {
  identity_card: "Identity card",
  passport: "Passport",
  driving_licence: "Driving licence",
  residence_permit: "Residence permit",
};

// The code as it was typed, by shipment: the list is drawn anew while somebody types.
const codes = new Map();

function handing(one, report) {
  const locked = one.wrong_codes >= 5;
  const code = h("input", {
    name: "code",
    value: codes.get(one.id) ?? "",
    inputmode: "numeric",
    autocomplete: "off",
    pattern: "[0-9]{6}",
    maxlength: "6",
    disabled: locked,
    on: { input: () => codes.set(one.id, code.value) },
  });
  const shown = h(
    "select",
    { name: "identity_checked" },
    h("option", { value: "" }, "None"),
    Object.entries(DOCUMENTS).map(([value, words]) => h("option", { value }, words)),
  );
  const until = one.collect_by ? `Kept until ${new Date(one.collect_by).toLocaleString()}.` : "";
  return h(
    "form",
    {
      on: {
        submit: (event) => {
          event.preventDefault();
          codes.delete(one.id);
          report(
            "hand-over",
            shown.value ? { identity_checked: shown.value } : { code: code.value.trim() },
          );
        },
      },
    },
    h(
      "p",
      { class: "soft small" },
      locked ? `${until} Too many wrong codes: check a document.` : until,
    ),
    h(
      "div",
      { class: "parcel-form" },
      h("label", { class: "field" }, h("span", {}, "The customer's code"), code),
      h("label", { class: "field" }, h("span", {}, "or a document checked"), shown),
    ),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button small primary", "data-act": "hand-over" }, "Handed over"),
    ),
  );
}

function shipping(one, report) {
  if (!numbers.has(one.id)) numbers.set(one.id, parcelNumber());
  const carrier = h(
    "select",
    { name: "carrier" },
    [...new Set(Object.values(config.carriers))].map((name) =>
      h("option", { selected: config.carriers[one.service] === name }, name),
    ),
  );
  const number = h("input", {
    name: "parcel_number",
    value: numbers.get(one.id),
    required: true,
    maxlength: "60",
    on: { input: () => numbers.set(one.id, number.value) },
  });
  return h(
    "form",
    {
      on: {
        submit: (event) => {
          event.preventDefault();
          report("ship", { carrier: carrier.value, parcel_number: number.value.trim() });
        },
      },
    },
    h(
      "div",
      { class: "parcel-form" },
      h("label", { class: "field" }, h("span", {}, "Carrier"), carrier),
      h("label", { class: "field" }, h("span", {}, "Parcel number"), number),
    ),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button small primary", "data-act": "ship" }, "Shipped"),
    ),
  );
}

function parcelNumber() {
  const digits = crypto.getRandomValues(new Uint32Array(2));
  return `SP${String(digits[0] % 1e6).padStart(6, "0")}${String(digits[1] % 1e6).padStart(6, "0")}`;
}

// --- the carrier ---

function parcel(one) {
  const trouble = h("p", { class: "notice bad trouble", role: "alert" });
  const report = (status) =>
    act(trouble, () =>
      request("POST", "/local/carrier-event", {
        body: { carrier: one.carrier, parcel_number: one.parcel_number, status },
      }),
    );
  const done = FINAL.includes(one.tracking);
  const time = (text) =>
    new Intl.DateTimeFormat("en-GB", {
      day: "numeric",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
    }).format(new Date(text));
  return h(
    "li",
    { class: "panel", "data-parcel": one.parcel_number, "data-tracking": one.tracking },
    h(
      "div",
      { class: "row spread" },
      h("h2", { class: "mono" }, one.parcel_number),
      h(
        "span",
        { class: `badge ${done ? "good" : "warn"}` },
        OPEN.get(one.tracking) ?? one.tracking,
      ),
    ),
    h("p", { class: "soft small" }, `${one.carrier}, from ${one.node}`),
    one.checkpoints.length
      ? h(
          "ol",
          { class: "checkpoints" },
          one.checkpoints.map((point) =>
            h(
              "li",
              {},
              OPEN.get(point.status) ?? point.status,
              h("time", { class: "soft", datetime: point.at }, time(point.at)),
            ),
          ),
        )
      : null,
    done
      ? null
      : h(
          "div",
          { class: "row" },
          REPORTS.map((status) =>
            h(
              "button",
              {
                class: `button small ${status === "delivered" ? "primary" : ""}`,
                "data-act": status,
                on: { click: () => report(status) },
              },
              OPEN.get(status),
            ),
          ),
        ),
    trouble,
  );
}

async function act(trouble, send) {
  const box = trouble.closest("li");
  for (const button of box.querySelectorAll("button")) button.disabled = true;
  trouble.textContent = "";
  try {
    await send();
    await refresh();
  } catch (error) {
    trouble.textContent = error.message;
  } finally {
    for (const button of box.querySelectorAll("button")) button.disabled = false;
  }
}

filter.addEventListener("change", refresh);
every(3, refresh);
