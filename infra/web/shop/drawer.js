// The cart at the side of every page.

import { fill, h, toast } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { lineDiscounts, lineSum } from "./discounts.js";
import { money, t } from "/common/i18n.js";
import { insteadOf } from "./instead.js";
import { insideNote, kitLines, looseLines } from "/common/kits.js";
import { on } from "/common/state.js";
import { stepper } from "./stepper.js";
import { totals } from "./summary.js";
import { lineNote } from "./supply.js";
import { tile } from "./tiles.js";
import { sentence } from "/common/trouble.js";

const drawer = h("dialog", {
  class: "drawer",
  "aria-labelledby": "drawer-title",
  on: { click: (event) => event.target === drawer && drawer.close() },
});
const rows = new Map(); // SKU -> its row, so that a change keeps the focus

/** Put the drawer on the page; it shows nothing until it is opened. */
export function install() {
  document.body.append(drawer);
  on("cart", draw);
  on("language", () => {
    rows.clear();
    draw();
  });
}

export async function open() {
  draw();
  drawer.showModal();
  try {
    await cart.load();
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

export const close = () => drawer.close();

function draw() {
  const seen = cart.current();
  const lines = seen ? [...kitLines(seen), ...looseLines(seen)] : [];
  const known = new Set(lines.map((line) => line.sku));
  for (const sku of [...rows.keys()]) if (!known.has(sku)) rows.delete(sku);
  if (!drawer.querySelector(".drawer-lines")) fill(drawer, frame());
  const title = drawer.querySelector("h2");
  title.textContent = t("cart");
  drawer.querySelector(".close").setAttribute("aria-label", t("close"));
  const list = drawer.querySelector(".drawer-lines");
  const wanted = lines.map(row);
  for (const old of [...list.children]) if (!wanted.includes(old)) old.remove();
  wanted.forEach((each, index) => {
    if (list.children[index] !== each) list.insertBefore(each, list.children[index] ?? null);
  });
  fill(
    drawer.querySelector(".drawer-foot"),
    lines.length ? foot(seen) : h("p", { class: "empty" }, t("cart.empty")),
  );
}

function frame() {
  return [
    h(
      "header",
      { class: "row spread" },
      h("h2", { id: "drawer-title" }),
      h("button", { class: "close", on: { click: close } }, "×"),
    ),
    h("ul", { class: "drawer-lines" }),
    h("div", { class: "drawer-foot stack" }),
  ];
}

function row(line) {
  if (!rows.has(line.sku)) {
    const picture = h("span", { class: "line-tile" });
    api.product(line.sku).then(
      (product) => fill(picture, tile(product)),
      () => undefined,
    );
    rows.set(
      line.sku,
      h(
        "li",
        { class: "drawer-line", "data-sku": line.sku },
        picture,
        h(
          "div",
          {},
          h(
            "a",
            { href: `#/product/${encodeURIComponent(line.sku)}`, on: { click: close } },
            line.name,
          ),
          h("p", { class: "soft small" }, t("each", { price: money(line.unit_price) })),
          insideNote(line),
          h("div", { class: "off-lines" }),
          h("div", { class: "there" }),
          insteadOf(line.sku),
        ),
        stepper({ sku: line.sku, name: line.name, removable: true }),
        h("strong", { class: "numbers sum" }),
        h(
          "button",
          {
            class: "link small remove",
            "aria-label": t("remove.of", { name: line.name }),
            on: {
              click: () => cart.set(line.sku, 0).catch((error) => toast(sentence(error), "bad")),
            },
          },
          t("remove"),
        ),
      ),
    );
  }
  const element = rows.get(line.sku);
  fill(element.querySelector(".sum"), lineSum(line));
  fill(element.querySelector(".off-lines"), lineDiscounts(line));
  if (element.dataset.quantity !== String(line.quantity)) {
    element.dataset.quantity = String(line.quantity);
    fill(element.querySelector(".there"), lineNote(line));
  }
  return element;
}

function foot(seen) {
  return [
    totals(seen),
    h(
      "a",
      { class: "button primary wide", href: "#/checkout", on: { click: close } },
      t("cart.checkout"),
    ),
  ];
}
