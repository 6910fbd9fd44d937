// What is taken off, line by line, and the codes that take it off.

import { h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { field, form } from "/common/forms.js";
import { money, t } from "/common/i18n.js";
import { notice } from "/common/trouble.js";

const sum = (discounts) => discounts.reduce((off, { amount }) => off + amount.minor, 0);
const of = (minor, currency) => money({ minor, currency });
const minus = (minor, currency) => `−${of(minor, currency)}`;

/** What a line's units cost before anything is taken off, in minor units. */
export const listed = (line) => line.unit_price.minor * line.quantity;

/** What a line comes to; where something is taken off, beside what it would have been. */
export function lineSum(line) {
  const currency = line.unit_price.currency;
  const now = of(listed(line) - sum(line.discounts), currency);
  if (!line.discounts.length) return now;
  return [h("s", { class: "soft small" }, of(listed(line), currency)), " ", now];
}

/** What an order's kits save, in minor units. */
export const savedByKits = (order) =>
  sum(order.lines.flatMap(({ discounts }) => discounts.filter(({ source }) => source === "kit")));

/** Why a line costs less: a line of text for each reason. */
export const lineDiscounts = (line) =>
  line.discounts.map(({ name, amount }) =>
    h("span", { class: "line-note small off" }, `${name}: ${minus(amount.minor, amount.currency)}`),
  );

/** [what it is called, how much] for everything that is taken off an order, each once. What kits
 * save is in their price. */
export function reductions(order) {
  const found = new Map();
  const all = [
    ...order.lines.flatMap((line) => line.discounts),
    ...order.deliveries.flatMap((delivery) => delivery.charge_discounts),
  ];
  for (const { source, id, name, amount } of all.filter(({ source }) => source !== "kit")) {
    const key = `${source} ${id}`;
    const called = source === "coupon" ? `${name} (${id})` : name;
    found.set(key, [called, (found.get(key)?.[1] ?? 0) + amount.minor]);
  }
  return [...found.values()].map(([called, minor]) => [called, minus(minor, order.currency)]);
}

/** The codes in the cart, and a field for another. */
export function codes() {
  return h(
    "div",
    { class: "codes stack" },
    h("ul", {}, cart.current().coupons.map(entered)),
    codeForm("promotion-code", t("code"), api.enterCode),
  );
}

/** A field for a code, and what is wrong with the one that was entered. */
export function codeForm(id, label, enter) {
  return form(
    { class: "row code-form" },
    async (element) => {
      const code = element.elements.namedItem("code").value.trim();
      try {
        await cart.change((held) => enter(held, code));
      } catch (error) {
        element.parentElement.querySelector(".notice")?.remove();
        element.before(notice(error));
      }
    },
    field(
      "code",
      label,
      { autocomplete: "off", maxlength: 40, id, required: true },
      { kind: "grow" },
    ),
    h("button", { class: "button" }, t("code.use")),
  );
}

const entered = ({ code, applied }) =>
  h(
    "li",
    { class: "row spread", "data-code": code },
    h("span", {}, code, applied ? null : h("span", { class: "soft small" }, ` ${t("code.waits")}`)),
    h(
      "button",
      {
        class: "link small",
        "aria-label": t("remove.of", { name: code }),
        on: { click: () => cart.change((held) => api.removeCode(held, code)) },
      },
      t("remove"),
    ),
  );
