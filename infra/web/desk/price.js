// What it comes to: codes, what staff take off, how it is paid; and placing it.

import { h, toast } from "/common/dom.js";
import { newKey, Refused } from "/common/http.js";
import { field, form } from "/common/forms.js";
import { money, named, t, toMinor } from "/common/i18n.js";
import { sentence, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { cardsOf } from "./cards.js";

/** The section's content. */
export function priceSection(view) {
  const { order } = view;
  const { totals } = order;
  const term = (name, amount) => [h("dt", {}, name), h("dd", { class: "numbers right" }, amount)];
  return [
    h("h2", { id: "h-price" }, t("price")),
    codes(view),
    cardsOf(view),
    adjustments(view),
    h(
      "dl",
      { class: "sums" },
      term(t("goods"), money(totals.goods)),
      term(t("shipping"), money(totals.shipping)),
      totals.discount.minor ? term(t("off"), `−${money(totals.discount)}`) : null,
      term(t("tax"), money(totals.tax)),
      h("dt", {}, h("strong", {}, t("total"))),
      h("dd", { class: "numbers right", id: "total" }, h("strong", {}, money(agreed(view)))),
    ),
    leftOf(view),
    methods(view),
    h(
      "button",
      { class: "button primary wide", id: "place-order", title: "Ctrl+Enter", on: { click: ({ target }) => place(view, target) } },
      t("place"),
    ),
  ];
}

/** What gift cards leave to be paid in another way. */
function leftOf(view) {
  const cards = view.order.gift_cards.reduce((sum, { amount }) => sum + amount.minor, 0);
  if (!cards) return null;
  const { minor, currency } = agreed(view);
  const left = money({ minor: minor - cards, currency });
  return h("p", { class: "row spread", id: "left" }, h("span", {}, t("left")), h("span", { class: "numbers" }, left));
}

/** What the customer agrees to: the sum of all orders that it leads to. */
function agreed({ order, found }) {
  const choice = found?.complete
    ? found.choices[0]
    : found?.choices.find(({ shortage }) => shortage === order.shortage);
  if (!choice) return order.totals.gross;
  const minor = choice.orders.reduce((sum, { total }) => sum + total.minor, 0);
  return { minor, currency: order.currency };
}

async function place(view, button) {
  view.placing ??= newKey(); // until it is known how it ended, a repeat is the same request
  button.disabled = true;
  const placed = await view.change(async (held) => {
    try {
      return await api.place(held, agreed(view), view.placing);
    } catch (error) {
      if (error instanceof Refused) view.placing = null;
      throw error;
    }
  });
  button.disabled = false;
  if (placed) view.placed(view.order);
}

/** What was placed, and how the customer comes to pay for it. */
export function placedPanel(order) {
  const ids = [order.id, ...order.linked_orders];
  return h(
    "section",
    { class: "panel stack narrow", id: "placed" },
    h("h1", {}, t("placed")),
    h("p", {}, t("placed.number", { number: order.tracking_number })),
    ids.map((id, index) =>
      h(
        "p",
        { class: "row spread" },
        h("a", { href: `#/order/${id}` }, ids.length > 1 ? t("nth.order", { number: index + 1 }) : t("order")),
        linkButton(id),
      ),
    ),
    h("p", {}, h("a", { href: "#/", class: "button" }, t("find"))),
  );
}

/** A button that mails the customer a link to pay by. */
export function linkButton(id) {
  const key = newKey();
  return h(
    "button",
    {
      class: "button small",
      "data-link": id,
      on: {
        click: async ({ target }) => {
          target.disabled = true;
          try {
            await api.sendPaymentLink(id, key);
            toast(t("link.sent"));
          } catch (error) {
            target.disabled = false;
            toast(sentence(error), "bad");
          }
        },
      },
    },
    t("link.send"),
  );
}

/** The promotion codes, and a field for another. */
export function codes(view) {
  const { order } = view;
  const element = form(
    { class: "row", id: "code" },
    async () => {
      const code = element.elements.namedItem("code").value.trim();
      try {
        await view.change(() => api.enterCode(order.id, code), element);
      } catch (error) {
        tell(element, error);
      }
    },
    h("input", { class: "input grow", name: "code", maxlength: "40", required: true, autocomplete: "off", "aria-label": t("code"), placeholder: t("code") }),
    h("button", { class: "button small" }, t("code.use")),
  );
  return h(
    "div",
    { class: "stack" },
    order.coupons.length
      ? h(
          "ul",
          {},
          order.coupons.map(({ code, applied }) =>
            h(
              "li",
              { class: "row spread" },
              h("span", {}, code, applied ? null : h("small", { class: "soft" }, ` ${t("code.waits")}`)),
              h(
                "button",
                { class: "link small", "aria-label": t("remove.of", { name: code }), on: { click: () => view.change(() => api.removeCode(order.id, code)) } },
                t("remove"),
              ),
            ),
          ),
        )
      : null,
    element,
  );
}

/** What staff changed about the price, and a form for another change. */
export function adjustments(view) {
  const { order } = view;
  view.adjusting ??= view.adjustments.length > 0;
  return h(
    "details",
    {
      open: view.adjusting,
      on: { toggle: ({ target }) => (view.adjusting = target.open) },
    },
    h("summary", {}, t("adjust")),
    h(
      "ul",
      { class: "stack", id: "adjustments" },
      view.adjustments.map((each) =>
        h(
          "li",
          { class: "row spread", "data-status": each.status },
          h(
            "span",
            {},
            `${t(`adjust.${each.kind}`)}: ${money(each.old)} → ${money(each.new)} `,
            h("span", { class: `badge ${each.status === "applied" ? "good" : "warn"}` }, t(`adjusted.${each.status}`)),
          ),
          each.status === "rejected"
            ? null
            : h(
                "button",
                { class: "link small", on: { click: () => view.change(() => api.removeAdjustment(order.id, each.id)) } },
                t("remove"),
              ),
        ),
      ),
    ),
    keptForm(view),
  );
}

/** The form, the same one as long as what it offers is the same: half of it may be filled in. */
function keptForm(view) {
  const { deliveries, lines } = view.order;
  const about = JSON.stringify([deliveries.map((each) => each.group), lines.map((line) => line.sku)]);
  if (view.adjustForm?.about !== about) view.adjustForm = { about, element: adjustForm(view) };
  return view.adjustForm.element;
}

function adjustForm(view) {
  const { order, facts } = view;
  let key = newKey();
  const targets = h("select", { name: "target", "aria-label": t("adjust.what") });
  const kinds = h(
    "select",
    { name: "kind", "aria-label": t("adjust.kind"), on: { change: () => offer() } },
    ["amount_off", "shipping_override", "price_override"].map((kind) => h("option", { value: kind }, t(`adjust.${kind}`))),
  );
  const offer = () => {
    const found = {
      amount_off: [],
      shipping_override: order.deliveries.map((each, index) => [each.group, t("nth.delivery", { number: index + 1 })]),
      price_override: order.lines.map((line) => [line.sku, line.name]),
    }[kinds.value];
    targets.replaceChildren(...found.map(([value, text]) => h("option", { value }, text)));
    targets.hidden = found.length < 2;
  };
  const element = form(
    { class: "stack", id: "adjust" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value;
      const body = {
        kind: value("kind"),
        target: value("target"),
        value: { minor: toMinor(value("value"), order.currency), currency: order.currency },
        reason: value("reason"),
        note: value("note").trim(),
      };
      try {
        await view.change(() => api.adjust(order.id, body, key), element);
        key = newKey();
        element.reset();
      } catch (error) {
        tell(element, error);
      }
    },
    h(
      "div",
      { class: "fields" },
      h("label", { class: "field half" }, h("span", {}, t("adjust.kind")), kinds, targets),
      field("value", `${t("adjust.value")} (${order.currency})`, { type: "number", min: "0", step: "any" }, { kind: "half" }),
      field(
        "reason",
        t("field.reason"),
        { options: Object.entries(facts.adjustment_reasons).map(([code, texts]) => h("option", { value: code }, named(texts))) },
        { kind: "half" },
      ),
      field("note", t("field.note"), { required: false, maxlength: "200" }, { kind: "half" }),
    ),
    h("p", { class: "soft small" }, t("adjust.cap")),
    h("button", { class: "button small" }, t("adjust.do")),
  );
  offer();
  return element;
}

function methods(view) {
  const { order } = view;
  return h(
    "fieldset",
    { class: "methods" },
    h("legend", { class: "soft small" }, t("pay.by")),
    (view.methods ?? [])
      .filter((each) => each.offered)
      .map(({ method }) =>
        h(
          "label",
          { class: "check" },
          h("input", {
            type: "radio",
            name: "method",
            value: method,
            checked: method === order.payment_method,
            on: { change: () => view.change((held) => api.describe(held, { payment_method: method })) },
          }),
          t(`method.${method}`),
        ),
      ),
  );
}
