// What of the cart is there, what comes later, and what the customer wants done about that.

import { h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { form } from "/common/forms.js";
import { day, days, money, t } from "/common/i18n.js";
import { tell, unmark } from "/common/trouble.js";

let known = null; // {id, version, found}: what the API said of the cart as it was then

/** What is there of the cart and what can be chosen; null while a delivery is still to be chosen. */
export async function availability({ fresh = false } = {}) {
  const seen = cart.current();
  if (!seen.deliveries.every((delivery) => delivery.service)) {
    known = null;
  } else if (fresh || known?.id !== seen.id || known.version !== seen.version) {
    const found = await api.availability(cart.reference());
    known = { id: seen.id, version: seen.version, found };
  }
  return known?.found ?? null;
}

/** The same as it was last told. */
export const told = () => known?.found ?? null;

/** Whether something must be chosen. */
export const isShort = () => Boolean(known) && !known.found.complete;

/** What becomes of the cart as things are; null while it is still to be chosen. */
export function chosen() {
  if (!known) return null;
  const { complete, choices } = known.found;
  if (complete) return choices[0];
  return choices.find(({ shortage }) => shortage === cart.current().shortage) ?? null;
}

/** What the customer is asked to agree to: what all orders that it leads to come to. */
export function agreed() {
  const choice = chosen();
  return choice ? sum(choice) : cart.current().totals.gross;
}

const sum = ({ orders }) => ({
  minor: orders.reduce((all, { total }) => all + total.minor, 0),
  currency: orders[0].total.currency,
});

/** SKU -> {now, later: [{quantity, due}], none} of a choice's orders, or of all that can be had. */
export function units(choice = null) {
  const choices = known?.found.choices ?? [];
  const most =
    choice ?? choices.find(({ shortage }) => shortage === "ship_available") ?? choices.at(-1);
  const parts = (most?.orders ?? []).flatMap(({ lines }) => lines);
  return new Map(
    cart.current().lines.map(({ sku, quantity }) => {
      const of = parts.filter((line) => line.sku === sku);
      const now = of.reduce((all, line) => all + line.now, 0);
      const later = of.flatMap((line) => line.later);
      const waiting = later.reduce((all, each) => all + each.quantity, 0);
      return [sku, { now, later, none: quantity - now - waiting }];
    }),
  );
}

/** A line's units in words: how many there now, how many when. */
export function thereText({ now, later, none }, { dropped = false } = {}) {
  const parts = now ? [t(later.length || none ? "there.now" : "there.all", { count: now })] : [];
  for (const { quantity, due } of later)
    parts.push(
      due
        ? t("there.later", { count: quantity, day: day(due) })
        : t("there.sometime", { count: quantity }),
    );
  if (none) parts.push(t(dropped ? "left.out" : "there.none", { count: none }));
  return parts.join(" · ");
}

/** The step: what is short, and the choice. */
export function shortageStep(view) {
  const { choices } = told();
  const offered = distinct(choices);
  if (!offered.length) return h("div", { class: "notice warn" }, t("choose.none"));
  const element = form(
    { class: "stack", id: "shortage" },
    async () => {
      unmark(element);
      const shortage = new FormData(element).get("shortage");
      if (!shortage) {
        tell(element, t("choose.pick"));
        return;
      }
      try {
        await cart.change((held) => api.describe(held, { shortage }));
        await view.next("shortage");
      } catch (error) {
        tell(element, error);
      }
    },
    whatIsShort(),
    h(
      "fieldset",
      { class: "options-box" },
      h("legend", {}, t("choose.how")),
      h(
        "ul",
        { class: "choices" },
        offered.map((choice) => card(choice, offered.length === 1)),
      ),
    ),
    h("button", { class: "button primary" }, t("continue")),
  );
  return element;
}

/** The choice that was made, in one line. */
export function shortageText() {
  const choice = chosen();
  return choice?.shortage ? `${t(`choice.${choice.shortage}`)} · ${money(sum(choice))}` : "";
}

/** Choices that differ in what comes of them: with nothing there, waiting is waiting. */
function distinct(choices) {
  const outcomes = new Set();
  return choices.filter(({ orders }) => {
    const outcome = JSON.stringify(orders);
    return !outcomes.has(outcome) && outcomes.add(outcome);
  });
}

function whatIsShort() {
  const there = units();
  const short = cart.current().lines.filter(({ sku }) => {
    const { later, none } = there.get(sku);
    return later.length || none;
  });
  return h(
    "ul",
    { class: "short-lines" },
    short.map((line) =>
      h(
        "li",
        {},
        h("span", {}, `${line.quantity} × ${line.name}`),
        h("span", { class: "soft small" }, thereText(there.get(line.sku))),
      ),
    ),
  );
}

function card(choice, only) {
  const { shortage, orders } = choice;
  const several = orders.length > 1;
  return h(
    "li",
    {},
    h(
      "label",
      { class: "choice outcome" },
      h("input", {
        type: "radio",
        name: "shortage",
        value: shortage,
        checked: only || shortage === cart.current().shortage,
      }),
      h(
        "span",
        { class: "grow" },
        h("strong", {}, t(`choice.${shortage}`)),
        h("span", { class: "soft small" }, explained(choice)),
        several
          ? orders.map((order, index) =>
              h(
                "span",
                { class: "outcome-order" },
                h("span", {}, t(index ? "nth.order.later" : "nth.order.now")),
                h("span", { class: "soft small" }, arrival(order, shortage)),
                h("span", { class: "numbers" }, money(order.total)),
              ),
            )
          : h("span", { class: "small arrival" }, arrival(orders[0], shortage)),
      ),
      h("strong", { class: "numbers" }, money(sum(choice))),
    ),
  );
}

function explained(choice) {
  const all = cart.current().totals.gross;
  const total = sum(choice);
  if (choice.shortage === "drop") {
    const there = units(choice);
    const items = cart
      .current()
      .lines.filter(({ sku }) => there.get(sku).none)
      .map(({ sku, name }) => `${there.get(sku).none} × ${name}`)
      .join(", ");
    return t("choice.drop.text", { items, total: money(total), before: money(all) });
  }
  const text = t(`choice.${choice.shortage}.text`);
  if (choice.shortage !== "separate_order" || total.minor <= all.minor) return text;
  const more = money({ minor: total.minor - all.minor, currency: total.currency });
  return `${text} ${t("total.more", { more })}`;
}

/** When the deliveries of an order would be there, a line each; they are the cart's, by group. */
export function arrival({ deliveries, lines }, shortage) {
  const inCart = cart.current().deliveries;
  const late = new Set(lines.filter(({ later }) => later.length).map(({ sku }) => sku));
  const parts = shortage !== "ship_complete" && lines.some(({ now }) => now);
  return deliveries.map(({ group, from_date: from, to_date: to }) => {
    const index = inCart.findIndex((delivery) => delivery.group === group);
    if (index < 0) return null;
    const kind = inCart[index].method === "pickup" ? "ready" : "arrives";
    const split = parts && from !== to && inCart[index].lines.some(({ sku }) => late.has(sku));
    const text = windowText(kind, from, to, split);
    const named = inCart.length > 1 ? `${t("nth.delivery", { number: index + 1 })}: ` : "";
    return h("span", { class: "line-of" }, named, text);
  });
}

function windowText(kind, from, to, split) {
  if (!from) return t("arrives.unknown");
  return split
    ? t(`${kind}.parts`, { first: day(from), last: day(to) })
    : t(kind, { days: days(from, to) });
}
