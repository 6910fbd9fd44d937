// The ways to get the goods that the API offers, as choices.

import { h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { addressLines } from "/common/forms.js";
import { days, kilometres, moment, money, named, t } from "/common/i18n.js";
import { recall, remember } from "/common/state.js";

/** What is offered for {country, postal_code, group}; the names are kept for later. */
export async function optionsFor(where) {
  const { options } = await api.deliveryOptions(cart.reference(), where);
  const names = recall("service-names", {});
  for (const each of options)
    names[each.service + each.store] = each.store ? { en: each.store_name } : each.name;
  remember("service-names", names);
  return options;
}

/** How and where, in one line; "" while nothing is chosen. */
export function deliveryText(delivery) {
  if (!delivery.service) return "";
  const name = recall("service-names", {})[delivery.service + delivery.store];
  const where = delivery.address ? addressLines(delivery.address).slice(0, 4).join(", ") : "";
  return [name ? named(name) : delivery.service, where].filter(Boolean).join(" · ");
}

/** Where alone. */
export function placeText(delivery, offered) {
  if (delivery.address) return addressLines(delivery.address).slice(0, 5).join(", ");
  const found = offered.find((each) => each.store === delivery.store);
  return found ? `${found.store_name}, ${found.store_address.city}` : delivery.store;
}

/** One of them as a radio button. */
export function option(each, { name = "service", chosen = "" } = {}) {
  const value = each.store && name === "service" ? `${each.service}@${each.store}` : each.service;
  const lacks = each.store ? missingText(each) : "";
  return h(
    "li",
    {},
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name, value, checked: value === chosen }),
      h(
        "span",
        { class: "grow" },
        h("strong", {}, each.store ? each.store_name : named(each.name)),
        h(
          "span",
          { class: "soft small" },
          each.store ? storeText(each) : `${each.carrier} · ${days(each.from_date, each.to_date)}`,
        ),
        lacks ? h("span", { class: "line-note small" }, lacks) : null,
      ),
      h("span", { class: "numbers" }, each.price.minor ? money(each.price) : t("shipping.free")),
    ),
  );
}

/** Where a store is, how far away, when the goods would be ready and when it is open today. */
function storeText(each) {
  const at = each.store_address;
  const hours = each.open_today.map(({ opens, closes }) => `${opens}–${closes}`).join(", ");
  const ready = each.ready_by
    ? t("delivery.ready", { days: moment(each.ready_by, each.time_zone) })
    : t("delivery.ready", { days: days(each.from_date, each.to_date) });
  return [
    `${at.line1}, ${at.city}`,
    each.distance_km === null ? "" : kilometres(each.distance_km),
    each.missing.length ? "" : ready,
    hours ? t("delivery.open", { hours }) : t("delivery.closed"),
  ]
    .filter(Boolean)
    .join(" · ");
}

function missingText({ missing }) {
  const names = cart.names();
  const items = missing.map(({ sku, quantity }) => `${quantity} × ${names[sku] ?? sku}`);
  return items.length ? t("delivery.lacks", { items: items.join(", ") }) : "";
}
