// What an order comes to, and beside the checkout what becomes of the cart.

import { h } from "/common/dom.js";
import * as cart from "./cart.js";
import {
  codes,
  lineDiscounts,
  lineSum,
  listed,
  reductions,
  savedByKits,
} from "./discounts.js";
import { giftCards, paidByCards } from "./giftcards.js";
import { money, t } from "/common/i18n.js";
import { insideNote, kitLines, looseLines } from "/common/kits.js";
import { agreed, arrival, chosen, isShort, thereText, units } from "./shortage.js";

/** The cart as it will be ordered: lines with what is there and what is not, dates, totals. */
export function summary() {
  const seen = cart.current();
  const choice = chosen();
  const there = isShort() ? units(choice) : new Map();
  return [
    h("h2", {}, t("summary")),
    h(
      "ul",
      { class: "summary-lines" },
      [...kitLines(seen), ...looseLines(seen)].map((line) => summaryLine(line, there, choice)),
    ),
    choice ? dates(choice) : null,
    choice?.shortage === "drop" || choice?.orders.length > 1 ? outcome(choice) : totals(seen),
    codes(),
    giftCards(),
  ];
}

function summaryLine(line, units, choice) {
  const dropped = choice?.shortage === "drop";
  const names = cart.names();
  const texts = Object.keys(line.components ?? { [line.sku]: 1 }).map((sku) => {
    const there = units.get(sku);
    if (!there || !(there.later.length || there.none)) return "";
    return `${line.components ? `${names[sku]}: ` : ""}${thereText(there, { dropped })}`;
  });
  const text = texts.filter(Boolean).join("; ");
  return h(
    "li",
    {},
    h("span", { class: "soft numbers" }, `${line.quantity} ×`),
    h(
      "span",
      {},
      line.name,
      insideNote(line),
      lineDiscounts(line),
      text ? h("span", { class: "line-note small" }, text) : null,
    ),
    h("span", { class: "numbers" }, lineSum(line)),
  );
}

function dates({ shortage, orders }) {
  return h(
    "ul",
    { class: "summary-dates small" },
    orders.map((order, index) =>
      h(
        "li",
        {},
        orders.length > 1 ? t(index ? "nth.order.later" : "nth.order.now") : null,
        arrival(order, shortage),
      ),
    ),
  );
}

/** The total of a choice that is not simply the cart's. */
function outcome({ orders }) {
  const rows =
    orders.length > 1
      ? orders.map(({ total }, index) => row(t("nth.order", { number: index + 1 }), money(total)))
      : row(t("total.before"), h("s", {}, money(cart.current().totals.gross)));
  const last = t(orders.length > 1 ? "together" : "total");
  return h("dl", { class: "totals" }, rows, row(last, money(agreed()), "total"));
}

/** What an order or a cart comes to, added up from prices before anything was taken off, of kits
 * from theirs. */
export function totals(order) {
  const { currency, totals: sums } = order;
  const goods = order.lines.reduce((sum, line) => sum + listed(line), 0) - savedByKits(order);
  const charges = order.deliveries.reduce((sum, { charge }) => sum + (charge?.minor ?? 0), 0);
  const shipping = !order.deliveries.every((delivery) => delivery.service)
    ? t("shipping.later")
    : charges
      ? money({ minor: charges, currency })
      : t("shipping.free");
  const off = sums.discount.minor - savedByKits(order);
  const included = goods + charges - off === sums.gross.minor;
  return h(
    "dl",
    { class: "totals" },
    row(t("goods"), money({ minor: goods, currency })),
    row(t("shipping"), shipping),
    order.deliveries.length > 1 ? order.deliveries.map(charge) : null,
    reductions(order).map(([name, amount]) => row(name, amount, "off")),
    row(t(included && sums.tax.minor ? "tax.included" : "tax"), money(sums.tax)),
    row(t("total"), money(sums.gross), "total"),
    paidByCards(order).map(([name, amount]) => row(name, amount, "paid")),
  );
}

const charge = (delivery, index) =>
  delivery.charge &&
  row(
    t("nth.delivery", { number: index + 1 }),
    delivery.charge.minor ? money(delivery.charge) : t("shipping.free"),
    "sub small",
  );

const row = (name, value, kind) =>
  h("div", { class: kind }, h("dt", {}, name), h("dd", { class: "numbers" }, value));
