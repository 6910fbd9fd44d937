// Narrowing a search: facets, what is chosen of them, sorting.

import { h } from "/common/dom.js";
import { money, t, toMajor, toMinor } from "/common/i18n.js";
import { address } from "./places.js";

const BRANDS_SHOWN = 12;
const SORTS = ["relevance", "price_asc", "price_desc", "name", "newest"];

/** What the filters are called, with how many are chosen. */
export function filtersTitle(asked) {
  const count = chosen(asked).length + (asked.category ? 1 : 0);
  return count ? `${t("filters")} (${count})` : t("filters");
}

/** What is chosen, each to be taken away, and the sorting. */
export function toolbar(asked, found) {
  const select = h(
    "select",
    {
      id: "sort",
      on: {
        change: () => {
          location.hash = address(asked, { sort: select.value });
        },
      },
    },
    SORTS.map((name) => h("option", { value: name }, t(`sort.${name}`))),
  );
  select.value = asked.sort ?? "relevance";
  return h(
    "div",
    { class: "toolbar" },
    h(
      "ul",
      { class: "row chips" },
      chosen(asked, currencyOf(found)).map(([name, changes]) =>
        h(
          "li",
          {},
          h(
            "a",
            {
              class: "chip",
              href: address(asked, changes),
              "aria-label": t("filter.remove", { name }),
            },
            name,
            " ×",
          ),
        ),
      ),
    ),
    h(
      "label",
      { class: "row small", for: "sort" },
      h("span", { class: "soft" }, t("sort")),
      select,
    ),
  );
}

/** All filters, with how many products each would leave. */
export function facets(asked, found) {
  const counts = found.facets;
  const currency = currencyOf(found);
  return h(
    "div",
    { class: "facets stack" },
    h(
      "label",
      { class: "check" },
      h("input", {
        type: "checkbox",
        checked: Boolean(asked.in_stock),
        on: {
          change: (event) => {
            location.hash = address(asked, { in_stock: event.target.checked ? "true" : "" });
          },
        },
      }),
      t("filter.stock"),
    ),
    group(
      t("filter.category"),
      counts.categories.map(({ value, count }) =>
        option(
          address(asked, {
            category: [...(asked.category ?? "").split(">").filter(Boolean), value].join(">"),
          }),
          value,
          count,
        ),
      ),
    ),
    group(
      t("filter.price"),
      counts.prices
        .filter((band) => band.count)
        .map(({ low, high, count }) =>
          option(
            address(asked, {
              min_price: String(low),
              max_price: high === null ? "" : String(high - 1),
            }),
            high === null
              ? t("filter.from", { low: money({ minor: low, currency }) })
              : `${money({ minor: low, currency })} – ${money({ minor: high - 1, currency })}`,
            count,
            String(low) === (asked.min_price ?? "") &&
              (asked.max_price ?? "") === (high === null ? "" : String(high - 1)),
          ),
        ),
      priceForm(asked, currency),
    ),
    group(t("filter.brand"), brands(asked, counts.brands)),
    h("a", { href: address(asked.q ? { q: asked.q } : {}) }, t("filters.clear")),
  );
}

function chosen(asked, currency = "") {
  const brands = (asked.brand ?? "").split("|").filter(Boolean);
  const chips = brands.map((brand) => [
    brand,
    { brand: brands.filter((each) => each !== brand).join("|") },
  ]);
  if (asked.min_price || asked.max_price)
    chips.push([currency && priceName(asked, currency), { min_price: "", max_price: "" }]);
  if (asked.in_stock) chips.push([t("filter.stock"), { in_stock: "" }]);
  if (asked.availability === "preorder") chips.push([t("shelf.coming"), { availability: "" }]);
  return chips;
}

function priceName(asked, currency) {
  const show = (minor) => money({ minor: Number(minor), currency });
  if (!asked.max_price) return t("filter.from", { low: show(asked.min_price) });
  return `${show(asked.min_price ?? 0)} – ${show(asked.max_price)}`;
}

// The search tells no currency when it finds nothing; the shop has one only.
let lastCurrency = "USD";

function currencyOf(found) {
  lastCurrency = found.products[0]?.price.currency ?? lastCurrency;
  return lastCurrency;
}

function group(name, options, more) {
  if (!options.length) return null;
  return h("section", {}, h("h3", {}, name), h("ul", { class: "options" }, options), more);
}

function option(href, name, count, active = false) {
  return h(
    "li",
    {},
    h(
      "a",
      { href, "aria-current": active ? "true" : undefined },
      h("span", {}, name),
      h("small", { class: "soft numbers" }, count),
    ),
  );
}

function brands(asked, buckets) {
  const picked = (asked.brand ?? "").split("|").filter(Boolean);
  const shown = buckets.filter(
    ({ value }, index) => index < BRANDS_SHOWN || picked.includes(value),
  );
  return shown.map(({ value, count }) =>
    h(
      "li",
      {},
      h(
        "label",
        { class: "check" },
        h("input", {
          type: "checkbox",
          checked: picked.includes(value),
          on: {
            change: () => {
              const now = picked.includes(value)
                ? picked.filter((each) => each !== value)
                : [...picked, value];
              location.hash = address(asked, { brand: now.join("|") });
            },
          },
        }),
        h("span", { class: "grow" }, value),
        h("small", { class: "soft numbers" }, count),
      ),
    ),
  );
}

function priceForm(asked, currency) {
  const field = (name, words) =>
    h("input", {
      class: "input",
      name,
      type: "number",
      min: "0",
      step: "0.01",
      placeholder: words,
      "aria-label": `${t("filter.price")}: ${words}`,
      value: asked[name] ? toMajor(Number(asked[name]), currency) : "",
    });
  const form = h(
    "form",
    {
      class: "price-form",
      on: {
        submit: (event) => {
          event.preventDefault();
          const minor = (name) =>
            form.elements[name].value && String(toMinor(form.elements[name].value, currency));
          location.hash = address(asked, {
            min_price: minor("min_price"),
            max_price: minor("max_price"),
          });
        },
      },
    },
    field("min_price", t("filter.min")),
    field("max_price", t("filter.max")),
    h("button", { class: "button small" }, t("filter.apply")),
  );
  return form;
}
