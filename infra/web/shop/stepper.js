// Putting things in the cart, from wherever they are shown.

import { fill, h, toast } from "/common/dom.js";
import * as cart from "./cart.js";
import { t } from "/common/i18n.js";
import { forget, learn } from "./instead.js";
import { on } from "/common/state.js";
import { sentence } from "/common/trouble.js";

/** "Add", and once it is in the cart: minus, how many, plus. Follows the cart by itself. */
export function stepper({ sku, name, soldOut = false, removable = false, large = false }) {
  const box = h("div", { class: "stepper" });
  let drawn = -1;

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
        on: { click: () => change(() => cart.add(sku, 1), t("added", { name })) },
      },
      t(large ? "add.large" : "add"),
    );
  }

  function counter(units) {
    const input = h("input", {
      type: "number",
      inputmode: "numeric",
      min: "0",
      max: "999",
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
        cart.set(sku, Math.max(0, cart.quantityOf(sku) - 1)),
      ),
      input,
      button("more", "+", t("another", { name }), () => cart.add(sku, 1)),
    ];
  }

  draw(true);
  const end = on("cart", () => (box.isConnected ? draw() : end()));
  return box;
}
