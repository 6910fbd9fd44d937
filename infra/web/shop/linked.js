// Orders that belong together: what was there, and what comes later as an order of its own.

import { Refused } from "/common/http.js";
import { h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { promiseText } from "./deliveries.js";
import { money, t } from "/common/i18n.js";

/** The orders linked to `order` that this browser may see; those placed here are kept as its own. */
export async function linkedOf(view, order) {
  const found = await Promise.all(
    order.linked_orders.map((id) =>
      (view.held ? api.readCart({ ...view.held, id }) : api.order(id)).catch((error) => {
        if (error instanceof Refused) return null;
        throw error;
      }),
    ),
  );
  const seen = found.filter(Boolean);
  if (view.held) for (const each of seen) cart.hold(each, view.held.token);
  return seen;
}

/** Whether the page is to ask for the payment of a linked order: its own comes first. */
export const isDue = (order, linked) => order.state !== "placed" && linked.state === "placed";

/** What is shown of a linked order; `payment` is the form for it while it is unpaid. */
export function linkedPanel(order, linked, payment) {
  const due = isDue(order, linked);
  return h(
    "section",
    { class: `panel stack linked ${due ? "due" : ""}`, "aria-labelledby": `linked-${linked.id}` },
    h(
      "div",
      { class: "row spread" },
      h("h2", { id: `linked-${linked.id}` }, t(due ? "linked.second" : "linked.other")),
      h("strong", { class: "numbers" }, money(linked.totals.gross)),
    ),
    h(
      "p",
      { class: "row" },
      h("a", { class: "mono", href: `#/order/${linked.id}` }, linked.tracking_number),
      h("span", { class: "soft" }, t(`status.${linked.state}`)),
    ),
    h(
      "ul",
      { class: "small" },
      linked.lines.map((line) => h("li", {}, `${line.quantity} × ${line.name}`)),
    ),
    expected(linked),
    due ? h("p", {}, t("linked.unpaid")) : null,
    due ? payment : null,
  );
}

function expected(order) {
  return ["placed", "confirmed"].includes(order.state) ? order.deliveries.map(promiseText) : null;
}
