// Finding a customer, or an order by its number, by whatever one thing the caller can tell.

import { fill, h } from "/common/dom.js";
import { t } from "/common/i18n.js";
import { sentence } from "/common/trouble.js";
import * as api from "./api.js";
import { beginFor } from "./entry.js";

const KINDS = [
  "name",
  "given_name",
  "family_name",
  "phone",
  "email",
  "logon",
  "postal_code",
  "account",
  "order_id",
  "tracking_number",
  "invoice_number",
];
const REASONS = ["order", "delivery", "payment", "account", "complaint"];

/** Which kind of thing has been typed, as far as its form tells. */
export function guess(text) {
  const typed = text.trim();
  if (/@/.test(typed)) return "email";
  if (/^ord_/i.test(typed)) return "order_id";
  if (/^pw-/i.test(typed)) return "tracking_number";
  if (/^[+(]?[\d\s()/.-]{6,}$/.test(typed) && (typed.match(/\d/g) ?? []).length >= 6) return "phone";
  if (/^\d{4,5}(-\d{4})?$/.test(typed)) return "postal_code";
  return "name";
}

/** What the API is asked, one after the other until somebody is found. */
export function questions(by, text) {
  if (by !== "name") return [{ [by]: text }];
  const words = text.trim().split(/\s+/);
  if (words.length === 1) return [{ family_name: text }, { given_name: text }];
  const [first, ...rest] = words;
  return [
    { given_name: first, family_name: rest.join(" ") },
    { given_name: words.slice(1).join(" "), family_name: first },
    { family_name: text },
  ];
}

/** The page; what is looked for is in its address. */
export async function findPage(main, query) {
  const found = h("div", { id: "found", "aria-live": "polite" });
  fill(main, h("h1", { class: "out-of-sight" }, t("find")), findForm(query), found);
  const q = query.get("q") ?? "";
  const input = document.getElementById("q");
  if (!q) {
    input.focus();
    return;
  }
  await look(found, query);
}

function findForm(query) {
  const q = query.get("q") ?? "";
  const by = h(
    "select",
    { id: "by", "aria-label": t("find.by") },
    h("option", { value: "" }, t("find.guess")),
    KINDS.map((kind) =>
      h("option", { value: kind, selected: kind === query.get("by") }, t(`find.${kind}`)),
    ),
  );
  const reason = h(
    "select",
    { id: "reason", "aria-label": t("find.why") },
    REASONS.map((code) =>
      h("option", { value: code, selected: code === query.get("reason") }, t(`reason.${code}`)),
    ),
  );
  const input = h("input", {
    id: "q",
    type: "search",
    autocomplete: "off",
    maxlength: "200",
    "aria-label": t("find.what"),
    placeholder: t("find.placeholder"),
    value: q,
  });
  return h(
    "form",
    {
      class: "find",
      role: "search",
      on: {
        submit: (event) => {
          event.preventDefault();
          const text = input.value.trim();
          if (!text) return;
          const kind = by.value || guess(text);
          const wanted = new URLSearchParams({ q: text, by: kind, reason: reason.value });
          const hash = `#/?${wanted}`;
          if (location.hash === hash) dispatchEvent(new HashChangeEvent("hashchange"));
          location.hash = hash;
        },
      },
    },
    input,
    by,
    h("label", { class: "row small" }, h("span", { class: "soft" }, t("find.because")), reason),
    h("button", { class: "button primary" }, t("find")),
    h("a", { class: "button", href: "#/new", title: "n" }, t("customer.new")),
  );
}

async function look(found, query) {
  const text = query.get("q");
  const by = query.get("by");
  const reason = t(`reason.${query.get("reason")}`);
  fill(found, h("p", { class: "soft" }, t("loading")));
  try {
    let wanted = null;
    let page = null;
    for (const clue of questions(by, text)) {
      wanted = { ...clue, reason };
      page = await api.findCustomers(wanted);
      if (page.customers.length || page.order) break;
    }
    draw(found, wanted, page, []);
  } catch (error) {
    fill(found, h("p", { class: "notice bad", role: "alert" }, sentence(error)));
  }
}

function draw(found, wanted, page, before) {
  const named = page.order ? [{ ...page.customers[0], order_id: page.order.order_id, number: page.order.tracking_number }] : [];
  const rows = [...before, ...named, ...page.customers];
  if (!rows.length) {
    fill(
      found,
      h("p", { class: "empty" }, t("find.none")),
      h(
        "p",
        { class: "row" },
        h("a", { class: "button", href: `#/new?${new URLSearchParams(wanted)}` }, t("customer.new")),
        h("button", { class: "button", on: { click: () => beginFor(null) } }, t("begin.guest")),
      ),
    );
    return;
  }
  const list = h(
    "ul",
    { class: "rows", role: "listbox", tabindex: "0", "aria-label": t("find.found"), id: "rows" },
    rows.map(row),
  );
  list.addEventListener("keydown", (event) => walk(event, list));
  fill(
    found,
    list,
    page.next_cursor
      ? h(
          "button",
          {
            class: "button small",
            on: {
              click: async () =>
                draw(found, wanted, await api.findCustomers({ ...wanted, cursor: page.next_cursor }), rows),
            },
          },
          t("more"),
        )
      : null,
  );
  if (!before.length) {
    list.focus();
    list.firstElementChild.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", list.firstElementChild.id);
  }
}

const target = (each) => (each.order_id ? `#/order/${each.order_id}` : `#/customer/${each.id}`);

const row = (each, index) =>
  h(
    "li",
    { role: "option", id: `row-${index}`, "data-customer": each.id },
    h(
      "a",
      { href: target(each), tabindex: "-1" },
      h("strong", {}, each.order_id ? `${t("order")} ${each.number || t("draft")}` : each.name),
      each.order_id ? h("span", {}, each.name || t("guest")) : null,
      h("span", { class: "soft" }, each.email),
      h("span", { class: "soft numbers" }, each.phone),
      h("span", { class: "soft" }, [each.postal_code, each.city].filter(Boolean).join(" ")),
      each.account ? h("span", { class: "badge" }, each.account) : null,
      each.state && each.state !== "enabled"
        ? h("span", { class: "badge warn" }, t(`state.${each.state}`))
        : null,
    ),
  );

/** Up and down through a list, Enter opens. */
function walk(event, list) {
  const rows = [...list.children];
  const at = rows.findIndex((each) => each.getAttribute("aria-selected") === "true");
  if (event.key === "Enter" && at >= 0 && event.target === list) {
    location.hash = rows[at].querySelector("a").getAttribute("href");
    return;
  }
  if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  const next = Math.min(rows.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)));
  rows.forEach((each, index) => each.setAttribute("aria-selected", String(index === next)));
  list.setAttribute("aria-activedescendant", rows[next].id);
  rows[next].scrollIntoView({ block: "nearest" });
}
