// What a node may say to a shipment besides sending it: the part of each shipment that folds open.

import { h } from "/common/dom.js";

const REJECTIONS = {
  out_of_stock: "Not there",
  damaged: "Damaged",
  capacity: "No room or time",
  closed: "Closed",
  other: "Something else",
};
const HOLDS = {
  address: "The address",
  goods: "The goods",
  papers: "The papers",
  customer: "The customer asks for it",
  suspicion: "Something is suspicious",
  other: "Something else",
};
const UNFIT = { damaged: "are damaged", lost: "are missing" };
const FATES = { "": "Send again once", send_again: "Send again anyway", cancel: "Cancel" };
const open = new Set(); // shipments whose part is open: the list is drawn anew now and then

/** Whether its node has accepted a shipment, and what holds it. */
export function marks(one) {
  return [
    one.held
      ? h("span", { class: "badge bad" }, `On hold: ${(HOLDS[one.held] ?? one.held).toLowerCase()}`)
      : null,
    one.accepted_at && one.status === "released"
      ? h("span", { class: "badge good" }, "Accepted")
      : null,
  ];
}

/** Buttons and forms; `report(what, body)` tells the shop, `nodes` are where it could go instead. */
export function atNode(one, report, nodes) {
  if (one.status === "shipped") return fold(one, [astray(one, report)]);
  const unpacked = one.status === "released";
  const parts = [
    unpacked && !one.accepted_at
      ? h("div", { class: "row" }, button("Accept", "accept", () => report("accept")))
      : null,
    unpacked ? quantities(one, report) : null,
    choice("Reject because of", "reject", REJECTIONS, (reason) => report("reject", { reason })),
    one.held
      ? h(
          "div",
          { class: "row" },
          one.held_note ? h("span", { class: "small" }, one.held_note) : null,
          button("Release the hold", "release-hold", () => report("release-hold")),
        )
      : one.status === "ready_for_pickup"
        ? null
        : choice("Hold because of", "hold", HOLDS, (reason) => report("hold", { reason })),
    unpacked && one.method === "delivery"
      ? choice(
          "Have it sent by",
          "move",
          Object.fromEntries(
            nodes.filter(({ id }) => id !== one.node).map(({ id, name }) => [id, name]),
          ),
          (node) => report("move", { node }),
        )
      : null,
  ];
  return fold(one, parts);
}

/** What came back of a parcel that did not get to its store. */
export function cameBack(one, report) {
  const inputs = one.lines.map(units);
  const unfit = select("unfit", UNFIT);
  const then = select("then", FATES);
  const lines = () =>
    one.lines.map((line, index) => ({ sku: line.sku, fit: inputs[index].valueAsNumber }));
  return h(
    "form",
    { on: { submit: (event) => event.preventDefault() } },
    h(
      "div",
      { class: "parcel-form" },
      one.lines.map((line, index) => labelled(`${line.name}: fit to be sent`, inputs[index])),
      labelled("The others", unfit),
      labelled("Then", then),
    ),
    h(
      "div",
      { class: "row" },
      button("Came back", "came-back", () =>
        report("came-back", { lines: lines(), unfit: unfit.value, then: then.value || null }),
      ),
    ),
  );
}

/** A parcel that does not come. */
function astray(one, report) {
  const then = select("then", FATES);
  return h(
    "div",
    { class: "parcel-form" },
    labelled("It does not come", then),
    button("Lost", "lost", () => report("lost", { then: then.value || null })),
  );
}

function fold(one, parts) {
  const box = h(
    "details",
    {
      class: "at-node",
      open: open.has(one.id),
      on: { toggle: () => (box.open ? open.add(one.id) : open.delete(one.id)) },
    },
    h("summary", {}, "Something is different"),
    parts,
  );
  return box;
}

/** Units of each line: how many were found, or how many go in another parcel. */
function quantities(one, report) {
  const inputs = one.lines.map(units);
  const named = (key) =>
    one.lines
      .map((line, index) => ({ sku: line.sku, [key]: inputs[index].valueAsNumber }))
      .filter((line) => line[key] > 0 || key === "picked");
  return h(
    "form",
    { on: { submit: (event) => event.preventDefault() } },
    h(
      "div",
      { class: "parcel-form" },
      one.lines.map((line, index) => labelled(line.name, inputs[index])),
    ),
    h(
      "div",
      { class: "row" },
      button("Only these were found", "short-pick", () =>
        report("short-pick", { lines: named("picked") }),
      ),
      button("These in another parcel", "split", () =>
        report("split", { lines: named("quantity") }),
      ),
    ),
  );
}

function choice(label, what, options, act) {
  const chosen = select(what, options);
  const words = what[0].toUpperCase() + what.slice(1);
  return h(
    "div",
    { class: "parcel-form" },
    labelled(label, chosen),
    button(words, what, () => act(chosen.value)),
  );
}

function units(line) {
  return h("input", {
    type: "number",
    name: line.sku,
    min: "0",
    max: String(line.quantity),
    value: String(line.quantity),
    required: true,
  });
}

function select(name, options) {
  return h(
    "select",
    { name },
    Object.entries(options).map(([value, words]) => h("option", { value }, words)),
  );
}

function labelled(words, control) {
  return h("label", { class: "field" }, h("span", {}, words), control);
}

function button(words, what, act) {
  return h(
    "button",
    { class: "button small", type: "button", "data-act": what, on: { click: act } },
    words,
  );
}
