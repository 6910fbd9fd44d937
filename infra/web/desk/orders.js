// All orders, from whatever channel, newest first.

import { fill, h } from "/common/dom.js";
import { money, moment, t } from "/common/i18n.js";
import { notice } from "/common/trouble.js";
import * as api from "./api.js";

export const CHANNELS = ["online", "mobile", "phone", "in_person", "marketplace"];
const STATUSES = [
  "placed",
  "none",
  "reserved",
  "backordered",
  "scheduled",
  "partially_shipped",
  "shipped",
  "partially_delivered",
  "delivered",
  "closed",
  "cancelled",
  "expired",
];

/** The page; what is shown is in its address. */
export async function ordersPage(main, query) {
  const list = h("div", { "aria-live": "polite" });
  const choose = (name, values, words) =>
    h(
      "select",
      { name, "aria-label": t(name), on: { change: ({ target }) => filter(query, name, target.value) } },
      h("option", { value: "" }, t(`all.${name}`)),
      values.map((value) => h("option", { value, selected: query.get(name) === value }, t(`${words}.${value}`))),
    );
  fill(
    main,
    h(
      "div",
      { class: "row spread head" },
      h("h1", {}, t("orders")),
      h("div", { class: "row" }, choose("channel", CHANNELS, "channel"), choose("status", STATUSES, "status")),
    ),
    list,
  );
  await show(list, Object.fromEntries(query), []);
}

function filter(query, name, value) {
  if (value) query.set(name, value);
  else query.delete(name);
  location.hash = `#/orders?${query}`;
}

async function show(list, wanted, before) {
  try {
    const page = await api.orders(wanted);
    const all = [...before, ...page.orders];
    fill(
      list,
      all.length ? table(all) : h("p", { class: "empty" }, t("orders.none")),
      page.next_cursor
        ? h(
            "button",
            { class: "button small", on: { click: () => show(list, { ...wanted, cursor: page.next_cursor }, all) } },
            t("more"),
          )
        : null,
    );
  } catch (error) {
    fill(list, notice(error));
  }
}

const table = (all) =>
  h(
    "table",
    { id: "orders" },
    h("thead", {}, h("tr", {}, ["number", "placed_at", "name", "channel", "status", "total"].map((name) => h("th", { scope: "col" }, t(`th.${name}`))))),
    h(
      "tbody",
      {},
      all.map((each) =>
        h(
          "tr",
          { "data-order": each.id },
          h("td", {}, h("a", { href: `#/order/${each.id}` }, each.tracking_number || each.id)),
          h("td", { class: "numbers" }, each.placed_at ? moment(each.placed_at) : ""),
          h("td", {}, each.name),
          h("td", {}, t(`channel.${each.channel}`)),
          h("td", {}, h("span", { class: "badge" }, t(`status.${each.status}`))),
          h("td", { class: "numbers right" }, money(each.total)),
        ),
      ),
    ),
  );
