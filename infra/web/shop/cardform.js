// The card fields, and paying an order with what they hold.

import { h } from "/common/dom.js";
import * as api from "./api.js";
import { has, t } from "/common/i18n.js";
import { confirmCard, TEST_CARDS } from "./payments.js";
import { field } from "/common/forms.js";

/** The fields, with a button to fill in each test card. */
export function cardFields() {
  const box = h(
    "div",
    { class: "card-fields stack" },
    h(
      "div",
      { class: "fields" },
      field("card_number", t("card.number"), {
        inputmode: "numeric",
        autocomplete: "cc-number",
        pattern: "[\\d ]{12,23}",
        placeholder: "1234 1234 1234 1234",
      }),
      field(
        "card_expiry",
        t("card.expiry"),
        {
          inputmode: "numeric",
          autocomplete: "cc-exp",
          pattern: "\\d\\d ?/ ?\\d\\d",
          placeholder: "12/34",
        },
        { kind: "half" },
      ),
      field(
        "card_cvc",
        t("card.cvc"),
        { inputmode: "numeric", autocomplete: "cc-csc", pattern: "\\d{3,4}", placeholder: "123" },
        { kind: "half" },
      ),
    ),
    h("p", { class: "soft small" }, t("card.note")),
    h(
      "div",
      { class: "row test-cards", role: "group", "aria-label": t("card.test") },
      h("span", { class: "soft small" }, t("card.test")),
      TEST_CARDS.map(({ number, name }) =>
        h(
          "button",
          {
            type: "button",
            class: "button small",
            "data-card": name,
            on: { click: () => fillIn(box, number) },
          },
          t(`card.${name}`),
        ),
      ),
    ),
  );
  return box;
}

function fillIn(box, number) {
  const put = (name, value) => {
    box.querySelector(`[name="${name}"]`).value = value;
  };
  put("card_number", number.replace(/(\d{4})(?=\d)/g, "$1 "));
  put("card_expiry", "12/34");
  put("card_cvc", "123");
}

function cardOf(form) {
  const value = (name) => form.elements.namedItem(name).value.trim();
  const [month, year] = value("card_expiry")
    .split("/")
    .map((part) => part.trim());
  return { number: value("card_number"), month, year, cvc: value("card_cvc") };
}

/**
 * Pay the placed order `held` ({id, token}) with the card in `form`. Null when it is paid or the
 * browser is on its way to the bank's page, else the reason why not, in words.
 */
export async function pay(held, form) {
  const payment = await api.once(`payment.${held.id}`, (key) => api.startPayment(held, key));
  return confirm(payment, form, `${location.origin}/shop/#/order/${held.id}`);
}

/** The same for a payment that was started, with the page to come `back` to from the bank's. */
export async function confirm(payment, form, back) {
  if (payment.status === "authorized" || payment.status === "captured") return null;
  const { outcome, url, reason } = await confirmCard(payment, cardOf(form), back);
  if (outcome === "ask") {
    location.href = url;
    await new Promise(() => undefined); // until the bank's page has loaded
  }
  return outcome === "declined" ? declined(reason) : null;
}

function declined({ code, decline_code: decline, message }) {
  if (has(`declined.${decline}`)) return t(`declined.${decline}`);
  return code === "card_declined" ? t("declined") : t("declined.other", { message });
}
