// What could be had instead of what there is too little of, as the last refusal said.

import { fill, h, toast } from "/common/dom.js";
import * as cart from "./cart.js";
import { money, t } from "/common/i18n.js";
import { on, tell } from "/common/state.js";
import { sentence } from "/common/trouble.js";

const known = new Map(); // SKU -> {wanted, alternatives}

/** Keep what a refusal offers instead of its lines. */
export function learn(error) {
  for (const { sku, wanted, alternatives = [] } of error.problem?.lines ?? [])
    known.set(sku, { wanted, alternatives });
  tell("instead");
}

/** There is enough of it now. */
export function forget(sku) {
  if (known.delete(sku)) tell("instead");
}

/** At the line or on the page of a product: what could be had instead, if it is refused. */
export function insteadOf(sku) {
  const box = h("div", { class: "instead small", role: "status" });
  const draw = () => fill(box, offer(sku));
  const end = on("instead", () => (box.isConnected ? draw() : end()));
  draw();
  return box;
}

function offer(sku) {
  const { wanted, alternatives } = known.get(sku) ?? { alternatives: [] };
  if (!alternatives.length) return null;
  return [
    h("p", {}, t("instead", { count: wanted })),
    h(
      "ul",
      {},
      alternatives.map((other) =>
        h(
          "li",
          { "data-sku": other.sku },
          h("a", { href: `#/product/${encodeURIComponent(other.sku)}` }, other.name),
          h("span", { class: "numbers" }, money(other.price)),
          h(
            "button",
            {
              type: "button",
              class: "button small",
              "aria-label": t("instead.take.of", { name: other.name }),
              on: { click: ({ target }) => take(target, sku, other, wanted) },
            },
            t("instead.take"),
          ),
        ),
      ),
    ),
  ];
}

async function take(button, sku, other, wanted) {
  button.disabled = true;
  try {
    await cart.add(other.sku, wanted);
    if (cart.quantityOf(sku)) await cart.set(sku, 0);
    forget(sku);
    toast(t("added", { name: other.name }));
  } catch (error) {
    button.disabled = false;
    toast(sentence(error, { ...cart.names(), [other.sku]: other.name }), "bad");
  }
}
