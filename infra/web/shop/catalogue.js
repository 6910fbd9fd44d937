// Finding products: words, facets, sorting, pages. What is asked for is in the address.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { has, money, t, toMajor, toMinor } from "./i18n.js";
import { stepper } from "./stepper.js";
import { tile } from "./tiles.js";
import { notice } from "./trouble.js";

const PAGE = 24;
const BRANDS_SHOWN = 12;
const SHELVES = 3;
const ON_A_SHELF = 6;
const FIRST_SHELVES = ["Produce", "Bakery", "Deli"];
const SORTS = ["relevance", "price_asc", "price_desc", "name", "newest"];

/** The address of a search; `changes` on top of `asked`, empty values leave a filter out. */
export function address(asked, changes = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...asked, ...changes })) if (value) query.set(name, value);
  const text = query.toString();
  return text ? `#/?${text}` : "#/";
}

/** The start page: the departments, and a shelf of some of them. */
export async function homePage(main) {
  const nav = h("nav", { class: "departments-box", "aria-label": t("departments") });
  const shelves = h("div", { class: "shelves" }, skeletons());
  fill(main, h("section", { class: "hero" }, h("h1", {}, t("hero.title")), h("p", { class: "soft" }, t("hero.text")), nav), shelves);
  try {
    const { facets: { categories } } = await api.find({ limit: 1 });
    fill(nav, departments(categories));
    const names = categories.map(({ value }) => value);
    const shown = [...FIRST_SHELVES.filter((name) => names.includes(name)), ...names.filter((name) => !FIRST_SHELVES.includes(name))].slice(0, SHELVES);
    fill(shelves, await Promise.all(shown.map(shelf)));
  } catch (error) {
    fill(shelves, notice(error));
  }
}

async function shelf(category) {
  const found = await api.find({ category, in_stock: "true", limit: 4 * ON_A_SHELF, facets: "false" });
  api.keep(found.products);
  return h("section", { "aria-label": category },
    h("div", { class: "row spread" }, h("h2", {}, category), h("a", { href: address({ category }) }, t("shelf.all", { count: found.total }))),
    h("ul", { class: "grid shelf" }, varied(found.products).map(card)));
}

/** As few as possible of the same kind. */
function varied(products) {
  const kinds = new Map();
  for (const each of products) {
    const kind = each.category[1];
    kinds.set(kind, [...(kinds.get(kind) ?? []), each]);
  }
  const rows = [...kinds.values()];
  const turns = Math.max(...rows.map((row) => row.length), 0);
  const mixed = Array.from({ length: turns }, (_, turn) => rows.map((row) => row[turn])).flat();
  return mixed.filter(Boolean).slice(0, ON_A_SHELF);
}

/** The page for the search that `query` (URLSearchParams) asks for. */
export function cataloguePage(main, query) {
  const asked = Object.fromEntries(query);
  const results = h("section", { class: "results", "aria-label": t("search") }, skeletons());
  const side = h("details", { class: "filters" });
  side.open = matchMedia("(min-width: 56rem)").matches;
  const top = h("div", { class: "catalogue-top" });
  fill(main, top, h("div", { class: "catalogue" }, side, results));
  fill(top, heading(asked, null));
  load(asked, { results, side, top });
}

async function load(asked, { results, side, top }) {
  try {
    const found = await api.find({ ...asked, limit: PAGE });
    api.keep(found.products);
    fill(top, heading(asked, found));
    fill(side, h("summary", {}, filtersTitle(asked)), facets(asked, found));
    fill(results, notes(asked, found), toolbar(asked, found), listing(asked, found));
  } catch (error) {
    fill(results, notice(error));
  }
}

function departments(categories) {
  return h("ul", { class: "departments" }, categories.map(({ value, count }) => h(
    "li", {}, h("a", { href: address({ category: value }) }, tile({ category: [value] }), h("span", {}, value),
      h("small", { class: "soft numbers" }, count)),
  )));
}

function heading(asked, found) {
  const path = (asked.category ?? "").split(">").filter(Boolean);
  const crumbs = path.length ? h(
    "nav", { class: "crumbs small", "aria-label": t("filter.category") },
    h("a", { href: address(asked, { category: "" }) }, t("all")),
    path.slice(0, -1).map((name, index) => [" / ", h("a", {
      href: address(asked, { category: path.slice(0, index + 1).join(">") }),
    }, name)]),
  ) : null;
  const title = asked.q ? t("results.for", { q: asked.q }) : path.at(-1) ?? t("all");
  const total = found ? h("span", { class: "soft numbers" }, t("results", { count: found.total })) : null;
  return [crumbs, h("div", { class: "row heading" }, h("h1", {}, title), total)];
}

function notes(asked, found) {
  const corrected = Object.entries(found.corrected).map(([from, to]) => t("results.corrected", { from, to }));
  const all = [...corrected, ...(found.relaxed ? [t("results.relaxed")] : [])];
  return all.map((text) => h("p", { class: "notice small" }, text));
}

function chosen(asked, currency = "") {
  const brands = (asked.brand ?? "").split("|").filter(Boolean);
  const chips = brands.map((brand) => [brand, { brand: brands.filter((each) => each !== brand).join("|") }]);
  if (asked.min_price || asked.max_price) chips.push([currency && priceName(asked, currency), { min_price: "", max_price: "" }]);
  if (asked.in_stock) chips.push([t("filter.stock"), { in_stock: "" }]);
  return chips;
}

function priceName(asked, currency) {
  const show = (minor) => money({ minor: Number(minor), currency });
  if (!asked.max_price) return t("filter.from", { low: show(asked.min_price) });
  return `${show(asked.min_price ?? 0)} – ${show(asked.max_price)}`;
}

function filtersTitle(asked) {
  const count = chosen(asked).length + (asked.category ? 1 : 0);
  return count ? `${t("filters")} (${count})` : t("filters");
}

function toolbar(asked, found) {
  const select = h("select", { id: "sort", on: { change: () => { location.hash = address(asked, { sort: select.value }); } } },
    SORTS.map((name) => h("option", { value: name }, t(`sort.${name}`))));
  select.value = asked.sort ?? "relevance";
  return h(
    "div", { class: "toolbar" },
    h("ul", { class: "row chips" }, chosen(asked, currencyOf(found)).map(([name, changes]) => h("li", {}, h(
      "a", { class: "chip", href: address(asked, changes), "aria-label": t("filter.remove", { name }) }, name, " ×",
    )))),
    h("label", { class: "row small", for: "sort" }, h("span", { class: "soft" }, t("sort")), select),
  );
}

// The search tells no currency when it finds nothing; the shop has one only.
let lastCurrency = "USD";

function currencyOf(found) {
  lastCurrency = found.products[0]?.price.currency ?? lastCurrency;
  return lastCurrency;
}

function facets(asked, found) {
  const counts = found.facets;
  const currency = currencyOf(found);
  return h(
    "div", { class: "facets stack" },
    h("label", { class: "check" }, h("input", {
      type: "checkbox", checked: Boolean(asked.in_stock),
      on: { change: (event) => { location.hash = address(asked, { in_stock: event.target.checked ? "true" : "" }); } },
    }), t("filter.stock")),
    group(t("filter.category"), counts.categories.map(({ value, count }) => option(
      address(asked, { category: [...(asked.category ?? "").split(">").filter(Boolean), value].join(">") }), value, count,
    ))),
    group(t("filter.price"), counts.prices.filter((band) => band.count).map(({ low, high, count }) => option(
      address(asked, { min_price: String(low), max_price: high === null ? "" : String(high - 1) }),
      high === null ? t("filter.from", { low: money({ minor: low, currency }) })
        : `${money({ minor: low, currency })} – ${money({ minor: high - 1, currency })}`,
      count,
      String(low) === (asked.min_price ?? "") && (asked.max_price ?? "") === (high === null ? "" : String(high - 1)),
    )), priceForm(asked, currency)),
    group(t("filter.brand"), brands(asked, counts.brands)),
    h("a", { href: address(asked.q ? { q: asked.q } : {}) }, t("filters.clear")),
  );
}

function group(name, options, more) {
  if (!options.length) return null;
  return h("section", {}, h("h3", {}, name), h("ul", { class: "options" }, options), more);
}

function option(href, name, count, active = false) {
  return h("li", {}, h("a", { href, "aria-current": active ? "true" : undefined }, h("span", {}, name), h("small", { class: "soft numbers" }, count)));
}

function brands(asked, buckets) {
  const picked = (asked.brand ?? "").split("|").filter(Boolean);
  const shown = buckets.filter(({ value }, index) => index < BRANDS_SHOWN || picked.includes(value));
  return shown.map(({ value, count }) => h("li", {}, h("label", { class: "check" },
    h("input", {
      type: "checkbox", checked: picked.includes(value),
      on: {
        change: () => {
          const now = picked.includes(value) ? picked.filter((each) => each !== value) : [...picked, value];
          location.hash = address(asked, { brand: now.join("|") });
        },
      },
    }), h("span", { class: "grow" }, value), h("small", { class: "soft numbers" }, count))));
}

function priceForm(asked, currency) {
  const field = (name, words) => h("input", {
    class: "input", name, type: "number", min: "0", step: "0.01", placeholder: words, "aria-label": `${t("filter.price")}: ${words}`,
    value: asked[name] ? toMajor(Number(asked[name]), currency) : "",
  });
  const form = h("form", {
    class: "price-form",
    on: {
      submit: (event) => {
        event.preventDefault();
        const minor = (name) => form.elements[name].value && String(toMinor(form.elements[name].value, currency));
        location.hash = address(asked, { min_price: minor("min_price"), max_price: minor("max_price") });
      },
    },
  }, field("min_price", t("filter.min")), field("max_price", t("filter.max")),
  h("button", { class: "button small" }, t("filter.apply")));
  return form;
}

function listing(asked, found) {
  if (!found.products.length) return h("p", { class: "empty" }, t("results.none"));
  const grid = h("ul", { class: "grid" }, found.products.map(card));
  const box = h("div", { class: "stack" }, grid);
  let cursor = found.next_cursor;
  const button = h("button", { class: "button", on: { click: more } }, t("more"));
  const foot = h("p", { class: "more" }, button);
  if (cursor) box.append(foot);

  async function more() {
    button.disabled = true;
    try {
      const next = await api.find({ ...asked, limit: PAGE, cursor, facets: "false" });
      api.keep(next.products);
      const cards = next.products.map(card);
      grid.append(...cards);
      cards[0]?.querySelector("a").focus();
      cursor = next.next_cursor;
      if (!cursor) foot.remove();
    } catch (error) {
      foot.append(notice(error));
    }
    button.disabled = false;
  }

  return box;
}

function card(product) {
  const soldOut = product.availability.state === "out_of_stock";
  return h(
    "li", { class: "card", "data-sku": product.sku },
    h("a", { class: "card-link", href: `#/product/${encodeURIComponent(product.sku)}` }, tile(product), h("span", { class: "card-name" }, product.name)),
    h("p", { class: "soft small" }, product.brand),
    h("div", { class: "row spread buy" }, h("strong", { class: "numbers price" }, money(product.price)),
      stepper({ sku: product.sku, name: product.name, soldOut })),
    stockNote(product),
  );
}

/** How much there is, in words. */
export function stockNote({ availability: { state, delivery, pickup } }) {
  const units = Math.max(delivery, ...Object.values(pickup));
  return h("p", { class: `stock ${state}` }, t(`stock.${state}`, { units }));
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
  fill(main, h(
    "article", { class: "product" },
    h("nav", { class: "crumbs small", "aria-label": t("filter.category") }, path.map((name, index) => [
      index ? " / " : null, h("a", { href: address({ category: path.slice(0, index + 1).join(">") }) }, name),
    ])),
    tile(product),
    h(
      "div", { class: "stack" },
      h("p", { class: "soft" }, product.brand),
      h("h1", {}, product.name),
      h("p", { class: "row" }, h("strong", { class: "numbers price" }, money(product.price)),
        h("span", { class: "soft small" }, t(product.tax_included ? "product.tax_included" : "product.tax"))),
      stockNote(product),
      stepper({ sku: product.sku, name: product.name, soldOut, large: true }),
      h("p", {}, product.description),
      h("h2", {}, t("product.details")),
      details(product),
    ),
  ));
}

function details(product) {
  const { delivery, pickup } = product.availability;
  const rows = [
    ...Object.entries(product.attributes).map(([name, value]) => [has(`attribute.${name}`) ? t(`attribute.${name}`) : name, value]),
    [t("product.weight"), `${product.weight_grams} g`],
    [t("product.delivery"), units(delivery)],
    [t("product.pickup"), h("ul", {}, Object.entries(pickup).map(([store, count]) => h("li", {}, `${storeName(store)}: ${units(count)}`)))],
    [t("product.sku"), h("span", { class: "mono" }, product.sku)],
  ];
  return h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

const units = (count) => (count ? t("product.units", { count }) : t("product.none"));

// The API tells stores by id here; their names come with the delivery options only.
function storeName(id) {
  return id.replace(/^store-/, "").replace(/-/g, " ").replace(/\b\w/g, (letter) => letter.toUpperCase());
}

function skeletons() {
  return h("ul", { class: "grid", "aria-hidden": "true" }, Array.from({ length: 8 }, () => h("li", { class: "card skeleton" }, h("div", { class: "tile" }))));
}
