// What is ordered: a box to type articles into, and the lines.

import { fill, h } from "/common/dom.js";
import { newKey } from "/common/http.js";
import { day, money, t } from "/common/i18n.js";
import { inKits, insideNote, kitLines, looseLines } from "/common/kits.js";
import * as api from "./api.js";

const PAUSE = 150; // milliseconds without a key before articles are looked for

/** {element, focus, redraw}. "3 soup" puts three in at once. */
export function goodsSection(view) {
  const lines = h("ul", { class: "lines", id: "lines" });
  const box = productBox(view);
  const element = h(
    "section",
    { class: "panel stack", "aria-labelledby": "h-goods" },
    h("h2", { id: "h-goods" }, t("goods")),
    box.element,
    lines,
  );
  const redraw = () => drawLines(view, lines);
  redraw();
  return { element, focus: () => box.input.focus(), redraw };
}

/** How many of what: "3 soup" and "3x soup" are three of soup. */
export function wanted(text) {
  const found = /^(\d{1,4})\s*[x×*]?\s+(.+)$/i.exec(text.trim());
  return found ? { units: Number(found[1]), words: found[2] } : { units: 1, words: text.trim() };
}

function productBox(view) {
  let asked = 0;
  let timer = 0;
  let leaving = 0;
  let active = 0;
  let offered = [];
  const list = h("ul", { id: "products", class: "offers", role: "listbox", hidden: true, "aria-label": t("goods") });
  const input = h("input", {
    class: "input",
    id: "article",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    maxlength: "200",
    "aria-expanded": "false",
    "aria-controls": "products",
    "aria-autocomplete": "list",
    "aria-label": t("goods.add"),
    placeholder: t("goods.placeholder"),
    on: {
      input: () => {
        clearTimeout(timer);
        timer = setTimeout(offer, PAUSE);
      },
      keydown: keys,
      blur: () => (leaving = setTimeout(close, 150)),
      focus: () => clearTimeout(leaving),
    },
  });

  async function offer() {
    const mine = ++asked;
    const { words } = wanted(input.value);
    if (!words) {
      close();
      return;
    }
    const found = await api.products(view.held, words).catch((error) => {
      if (mine === asked) view.failed(error);
      return null;
    });
    if (!found) return;
    if (mine !== asked || document.activeElement !== input) return;
    offered = found.products;
    active = 0;
    show();
  }

  function show() {
    fill(
      list,
      offered.length
        ? offered.map((each, index) =>
            h(
              "li",
              {
                role: "option",
                id: `product-${index}`,
                "data-sku": each.sku,
                "aria-selected": String(index === active),
                on: {
                  mousedown: (event) => {
                    event.preventDefault();
                    put(each);
                  },
                },
              },
              h("span", {}, h("strong", {}, each.name), h("small", { class: "soft mono" }, ` ${each.sku}`)),
              h("span", { class: `badge ${tone(each.availability.state)}` }, stockText(each.availability)),
              h("span", { class: "numbers right" }, money(each.price)),
            ),
          )
        : h("li", { class: "soft" }, t("goods.none")),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (offered.length) input.setAttribute("aria-activedescendant", `product-${active}`);
  }

  function close() {
    asked += 1;
    clearTimeout(timer);
    list.hidden = true;
    offered = [];
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  async function put(product) {
    const typed = input.value;
    const { units } = wanted(typed);
    const key = newKey();
    close();
    input.value = "";
    view.names[product.sku] = product.name;
    const done = await view.change((held) => api.addLine(held, product.sku, units, key));
    if (!done && !input.value) input.value = typed; // to be tried again
    input.focus();
  }

  function keys(event) {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (!input.value.trim()) view.next?.();
      else if (!list.hidden && offered[active]) put(offered[active]);
      else offer();
    }
    if (list.hidden || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    active = (active + (event.key === "ArrowDown" ? 1 : -1) + offered.length) % offered.length;
    show();
  }

  return { input, element: h("div", { class: "article" }, input, list) };
}

const tone = (state) => ({ in_stock: "good", low_stock: "good", out_of_stock: "bad" })[state] ?? "warn";

const stockText = ({ state, delivery, available_from: from }) =>
  t(`stock.${state}`, { units: delivery, date: from ? day(from) : "" });

function drawLines(view, list) {
  const { order } = view;
  const focused = document.activeElement?.dataset?.line;
  fill(
    list,
    order.lines.length
      ? [...kitLines(order), ...looseLines(order)].map((line) => lineRow(view, line))
      : h("li", { class: "empty" }, t("goods.empty")),
  );
  if (focused) list.querySelector(`[data-line="${CSS.escape(focused)}"]`)?.focus();
}

function lineRow(view, line) {
  const off = line.discounts.reduce((sum, each) => sum + each.amount.minor, 0);
  const { currency } = line.unit_price;
  const listed = line.unit_price.minor * line.quantity;
  const kits = line.inside ? 0 : inKits(view.order, line.sku); // their units stay
  const set = (units) => view.change((held) => api.setLine(held, line.sku, units + kits));
  return h(
    "li",
    { class: "line", "data-sku": line.sku },
    h("input", {
      class: "input units numbers",
      type: "number",
      min: "0",
      max: "9999",
      value: String(line.quantity),
      "data-line": line.sku,
      "aria-label": t("quantity", { name: line.name }),
      on: {
        change: ({ target }) => {
          const units = Number(target.value);
          if (Number.isInteger(units) && units >= 0) set(units);
          else target.value = String(line.quantity);
        },
        keydown: (event) => event.key === "Enter" && !event.ctrlKey && event.target.blur(),
      },
    }),
    h(
      "span",
      {},
      h("strong", {}, line.name),
      h("small", { class: "soft" }, ` ${t("each", { price: money(line.unit_price) })}`),
      insideNote(line),
      line.discounts.map((each) =>
        h("small", { class: "off" }, `${each.name}: −${money(each.amount)}`),
      ),
    ),
    h("span", { class: "numbers right" }, money({ minor: listed - off, currency })),
    h(
      "button",
      { class: "link small", "aria-label": t("remove.of", { name: line.name }), on: { click: () => set(0) } },
      t("remove"),
    ),
  );
}
