// A product on its own page, and as a card among others.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { day, has, money, t } from "/common/i18n.js";
import { insteadOf } from "./instead.js";
import { address } from "./places.js";
import { orderedBy, stepper } from "./stepper.js";
import { supplyNote } from "./supply.js";
import { tile } from "./tiles.js";
import { notice } from "/common/trouble.js";

/** A product among others. */
export function card(product) {
  orderedBy(product);
  const soldOut = product.availability.state === "out_of_stock";
  return h(
    "li",
    { class: "card", "data-sku": product.sku },
    h(
      "a",
      { class: "card-link", href: `#/product/${encodeURIComponent(product.sku)}` },
      tile(product),
      h("span", { class: "card-name" }, product.name),
    ),
    h("p", { class: "soft small" }, product.brand),
    h(
      "div",
      { class: "row spread buy" },
      h("strong", { class: "numbers price" }, money(product.price)),
      stepper({ sku: product.sku, name: product.name, soldOut }),
    ),
    stockNote(product),
  );
}

/** How much there is, or from when on, in words. */
export function stockNote({ availability: { state, delivery, pickup, available_from } }) {
  const units = Math.max(delivery, ...Object.values(pickup));
  const date = available_from && day(available_from);
  return h("p", { class: `stock ${state}` }, t(`stock.${state}`, { units, date }));
}

/** One product in full. */
export async function productPage(main, sku) {
  fill(main, h("p", { class: "empty" }, t("loading")));
  let product;
  try {
    product = await api.product(sku, { fresh: true });
  } catch (error) {
    fill(main, notice(error));
    return;
  }
  const soldOut = product.availability.state === "out_of_stock";
  const path = product.category;
  orderedBy(product);
  fill(
    main,
    h(
      "article",
      { class: "product" },
      h(
        "nav",
        { class: "crumbs small", "aria-label": t("filter.category") },
        path.map((name, index) => [
          index ? " / " : null,
          h("a", { href: address({ category: path.slice(0, index + 1).join(">") }) }, name),
        ]),
      ),
      tile(product),
      h(
        "div",
        { class: "stack" },
        h("p", { class: "soft" }, product.brand),
        h("h1", {}, product.name),
        h(
          "p",
          { class: "row" },
          h("strong", { class: "numbers price" }, money(product.price)),
          h(
            "span",
            { class: "soft small" },
            t(product.tax_included ? "product.tax_included" : "product.tax"),
          ),
        ),
        stockNote(product),
        stepper({ sku: product.sku, name: product.name, soldOut, large: true }),
        insteadOf(product.sku),
        soldOut ? null : supplyNote(product),
        h("p", {}, product.description),
        inside(product),
        h("h2", {}, t("product.details")),
        details(product),
      ),
    ),
  );
}

/** What a kit is made of, each with the way to its own page. */
function inside({ components }) {
  if (!components.length) return null;
  return [
    h("h2", {}, t("kit.components")),
    h(
      "ul",
      { class: "components" },
      components.map(({ sku, name, quantity }) =>
        h(
          "li",
          {},
          h("span", { class: "soft numbers" }, `${quantity} × `),
          h("a", { href: `#/product/${encodeURIComponent(sku)}` }, name),
        ),
      ),
    ),
  ];
}

function details(product) {
  const { delivery, pickup } = product.availability;
  const rows = [
    ...Object.entries(product.attributes).map(([name, value]) => [
      has(`attribute.${name}`) ? t(`attribute.${name}`) : name,
      value,
    ]),
    [t("product.weight"), `${product.weight_grams} g`],
    [t("product.delivery"), units(delivery)],
    [
      t("product.pickup"),
      h(
        "ul",
        {},
        Object.entries(pickup).map(([store, count]) =>
          h("li", {}, `${storeName(store)}: ${units(count)}`),
        ),
      ),
    ],
    [t("product.sku"), h("span", { class: "mono" }, product.sku)],
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

const units = (count) => (count ? t("product.units", { count }) : t("product.none"));

// The API tells stores by id here; their names come with the delivery options only.
function storeName(id) {
  return id
    .replace(/^store-/, "")
    .replace(/-/g, " ")
    .replace(/\b\w/g, (letter) => letter.toUpperCase());
}
