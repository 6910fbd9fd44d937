// The start page, and what a search finds. What is asked for is in the address.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { facets, filtersTitle, toolbar } from "./facets.js";
import { t } from "/common/i18n.js";
import { address } from "./places.js";
import { card } from "./product.js";
import { tile } from "./tiles.js";
import { notice } from "/common/trouble.js";

const PAGE = 24;
const SHELVES = 3;
const ON_A_SHELF = 6;
const FIRST_SHELVES = ["Produce", "Bakery", "Deli"];

/** The start page: the departments, and a shelf of some of them. */
export async function homePage(main) {
  const nav = h("nav", { class: "departments-box", "aria-label": t("departments") });
  const shelves = h("div", { class: "shelves" }, skeletons());
  fill(
    main,
    h(
      "section",
      { class: "hero" },
      h("h1", {}, t("hero.title")),
      h("p", { class: "soft" }, t("hero.text")),
      nav,
    ),
    shelves,
  );
  try {
    const {
      facets: { categories },
    } = await api.find({ limit: 1 });
    fill(nav, departments(categories));
    const names = categories.map(({ value }) => value);
    const shown = [
      ...FIRST_SHELVES.filter((name) => names.includes(name)),
      ...names.filter((name) => !FIRST_SHELVES.includes(name)),
    ].slice(0, SHELVES);
    fill(shelves, await Promise.all([...shown.map(shelf), comingSoon()]));
  } catch (error) {
    fill(shelves, notice(error));
  }
}

async function shelf(category) {
  const found = await api.find({
    category,
    in_stock: "true",
    limit: 4 * ON_A_SHELF,
    facets: "false",
  });
  api.keep(found.products);
  return h(
    "section",
    { "aria-label": category },
    h(
      "div",
      { class: "row spread" },
      h("h2", {}, category),
      h("a", { href: address({ category }) }, t("shelf.all", { count: found.total })),
    ),
    h("ul", { class: "grid shelf" }, varied(found.products).map(card)),
  );
}

/** What can be pre-ordered, if there is any. */
async function comingSoon() {
  const asked = { availability: "preorder" };
  const found = await api.find({ ...asked, limit: ON_A_SHELF, facets: "false" });
  if (!found.products.length) return null;
  api.keep(found.products);
  return h(
    "section",
    { "aria-label": t("shelf.coming") },
    h(
      "div",
      { class: "row spread" },
      h("h2", {}, t("shelf.coming")),
      h("a", { href: address(asked) }, t("shelf.all", { count: found.total })),
    ),
    h("ul", { class: "grid shelf" }, found.products.map(card)),
  );
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
  return h(
    "ul",
    { class: "departments" },
    categories.map(({ value, count }) =>
      h(
        "li",
        {},
        h(
          "a",
          { href: address({ category: value }) },
          tile({ category: [value] }),
          h("span", {}, value),
          h("small", { class: "soft numbers" }, count),
        ),
      ),
    ),
  );
}

function heading(asked, found) {
  const path = (asked.category ?? "").split(">").filter(Boolean);
  const crumbs = path.length
    ? h(
        "nav",
        { class: "crumbs small", "aria-label": t("filter.category") },
        h("a", { href: address(asked, { category: "" }) }, t("all")),
        path.slice(0, -1).map((name, index) => [
          " / ",
          h(
            "a",
            {
              href: address(asked, { category: path.slice(0, index + 1).join(">") }),
            },
            name,
          ),
        ]),
      )
    : null;
  const title = asked.q ? t("results.for", { q: asked.q }) : (path.at(-1) ?? t("all"));
  const total = found
    ? h("span", { class: "soft numbers" }, t("results", { count: found.total }))
    : null;
  return [crumbs, h("div", { class: "row heading" }, h("h1", {}, title), total)];
}

function notes(asked, found) {
  const corrected = Object.entries(found.corrected).map(([from, to]) =>
    t("results.corrected", { from, to }),
  );
  const all = [...corrected, ...(found.relaxed ? [t("results.relaxed")] : [])];
  return all.map((text) => h("p", { class: "notice small" }, text));
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

function skeletons() {
  return h(
    "ul",
    { class: "grid", "aria-hidden": "true" },
    Array.from({ length: 8 }, () =>
      h("li", { class: "card skeleton" }, h("div", { class: "tile" })),
    ),
  );
}
