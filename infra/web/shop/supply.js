// How much of a product can be had for as many units as are wanted, and when.

import { fill, h } from "/common/dom.js";
import { Refused } from "/common/http.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { day, days, t } from "/common/i18n.js";
import { thereText } from "./shortage.js";
import { on } from "/common/state.js";
import { sentence } from "/common/trouble.js";

const COUNTRY = "US"; // where to, until the customer says so

/** On a product's page: what is told of the units in the cart, or of the least that one orders. */
export function supplyNote(product) {
  const box = h("div", { class: "supply small", role: "status" });
  const follow = () => show(box, product, cart.quantityOf(product.sku) || product.min_quantity);
  const end = on("cart", () => (box.isConnected ? follow() : end()));
  follow();
  return box;
}

/** In the cart: what comes later of a line, nothing while all of it is there. */
export function lineNote(line) {
  const box = h("p", { class: "line-note small" });
  api.product(line.sku).then(
    async ({ availability: { delivery } }) => {
      if (delivery >= line.quantity) return;
      const answer = await ask(line.sku, line.quantity);
      if (answer.now < line.quantity) fill(box, thereText(there(answer)));
    },
    () => undefined, // the checkout will say it
  );
  return box;
}

const ask = (sku, quantity) => api.supply(sku, { quantity, country: COUNTRY });

async function show(box, product, quantity) {
  const asked = String(quantity);
  if (box.dataset.quantity === asked) return;
  box.dataset.quantity = asked;
  try {
    const answer = await ask(product.sku, quantity);
    if (box.dataset.quantity === asked) fill(box, told(answer));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    fill(box, h("p", { class: "line-note" }, sentence(error)));
  }
}

function told(answer) {
  const { state, quantity, now, most, available_from: from } = answer;
  const lines = [];
  if (quantity > 1 && (now < quantity || state === "low_stock"))
    lines.push(t("supply.of", { count: quantity, text: thereText(there(answer)) }));
  if (state === "preorder") lines.push(t("supply.preorder", { day: day(from) }));
  if (state === "backorder") lines.push(t("supply.backorder", { day: day(from) }));
  if (state === "out_of_stock" && most) lines.push(t("supply.most", { count: most }));
  if (answer.from_date)
    lines.push(t("supply.arrives", { days: days(answer.from_date, answer.to_date) }));
  return lines.map((text) => h("p", { class: "soft" }, text));
}

function there({ quantity, now, later }) {
  const coming = later.reduce((all, each) => all + each.quantity, 0);
  return { now, later, none: quantity - now - coming };
}
