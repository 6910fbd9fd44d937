// Kits of a cart or an order, and its lines as they are beside them: an article's units that belong
// to kits are shown with those.

import { h } from "./dom.js";
import { t } from "./i18n.js";

/** How many units of an article belong to kits. */
export const inKits = (order, sku) =>
  order.kits.reduce((sum, kit) => sum + kit.quantity * (kit.components[sku] ?? 0), 0);

/** The lines without the units of kits, and without what those save. */
export const looseLines = (order) =>
  order.lines
    .map((line) => ({
      ...line,
      quantity: line.quantity - inKits(order, line.sku),
      discounts: line.discounts.filter(({ source }) => source !== "kit"),
    }))
    .filter(({ quantity }) => quantity);

/** The kits as lines, each with what is `inside`: [name, units] of its articles. */
export function kitLines(order) {
  const names = Object.fromEntries(order.lines.map(({ sku, name }) => [sku, name]));
  const shown = new Set(looseLines(order).map(({ sku }) => sku)); // these tell themselves
  return order.kits.map((kit) => ({
    ...kit,
    discounts: [],
    expected: order.lines
      .filter(({ sku }) => kit.components[sku] && !shown.has(sku))
      .flatMap(({ expected }) => expected),
    inside: Object.entries(kit.components).map(([sku, units]) => [names[sku] ?? sku, units]),
  }));
}

/** What is in a kit, in words; nothing for an article. */
export const insideNote = ({ inside }) =>
  inside
    ? h(
        "span",
        { class: "line-note small inside" },
        t("kit.inside", { items: inside.map(([name, units]) => `${units} × ${name}`).join(", ") }),
      )
    : null;
