// Putting things in the cart, from wherever they are shown.

import { fill, h, toast } from "/common/dom.js";
import * as cart from "./cart.js";
import { t } from "/common/i18n.js";
import { forget, learn } from "./instead.js";
import { on } from "/common/state.js";
import { sentence } from "/common/trouble.js";

const rules = new Map(); // SKU -> {least, step}: how it is ordered, of products that were shown

/** How a product is ordered, learned from it. */
export function orderedBy({ sku, min_quantity: least, quantity_step: step }) {
  rules.set(sku, { least, step });
}

/** "Add", and once it is in the cart: minus, how many, plus. Follows the cart by itself. */
export function stepper({ sku, name, soldOut = false, removable = false, large = false }) {
  const box = h("div", { class: "stepper" });
  let drawn = -1;
  const rule = () => rules.get(sku) ?? { least: 1, step: 1 };

  async function change(act, words) {
    box.setAttribute("aria-busy", "true");
    try {
      await act();
      forget(sku);
      if (words) toast(words);
    } catch (error) {
      learn(error);
      toast(sentence(error, { ...cart.names(), [sku]: name }), "bad");
      draw(true);
    } finally {
      box.removeAttribute("aria-busy");
    }
  }

  function draw(anyway = false) {
    const units = cart.quantityOf(sku);
    if (units === drawn && !anyway) return;
    const focused = box.contains(document.activeElement)
      ? document.activeElement.dataset.part
      : null;
    drawn = units;
    fill(box, units || removable ? counter(units) : first());
    if (focused)
      (box.querySelector(`[data-part="${focused}"]`) ?? box.querySelector("button"))?.focus();
  }

  function first() {
    return h(
      "button",
      {
        class: large ? "button primary" : "button small",
        "data-part": "more",
        disabled: soldOut,
        "aria-label": t("add.to", { name }),
        on: { click: () => change(() => cart.add(sku, rule().least), t("added", { name })) },
      },
      t(large ? "add.large" : "add"),
    );
  }

  /** One step less, or none at all below the least. */
  function fewer(units) {
    const left = units - rule().step;
    return left < rule().least ? 0 : left;
  }

  function counter(units) {
    const input = h("input", {
      type: "number",
      inputmode: "numeric",
      min: "0",
      max: "999",
      step: String(rule().step),
      value: String(units),
      "data-part": "count",
      "aria-label": t("quantity", { name }),
      on: {
        change: () => {
          const wanted = Math.max(0, Math.trunc(Number(input.value) || 0));
          change(() => cart.set(sku, wanted));
        },
      },
    });
    const button = (part, sign, label, act) =>
      h(
        "button",
        {
          type: "button",
          "data-part": part,
          "aria-label": label,
          on: { click: () => change(act) },
        },
        sign,
      );
    return [
      button("fewer", "−", t("fewer", { name }), () =>
        cart.set(sku, fewer(cart.quantityOf(sku))),
      ),
      input,
      button("more", "+", t("another", { name }), () => cart.add(sku, rule().step)),
    ];
  }

  draw(true);
  const end = on("cart", () => (box.isConnected ? draw() : end()));
  return box;
}
