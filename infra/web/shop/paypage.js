// Paying what is open of an order, for who has the link of its mails.

import { fill, h } from "/common/dom.js";
import { Refused } from "/common/http.js";
import * as api from "./api.js";
import { cardFields, confirm } from "./cardform.js";
import { form } from "/common/forms.js";
import { moment, money, t } from "/common/i18n.js";
import { recall, remember } from "/common/state.js";
import { notice, sentence } from "/common/trouble.js";

/** The page of the order with this tracking number, opened with its link's token. */
export async function payPage(main, number, token) {
  const view = { main, number, token, id: `link.${number}` };
  fill(main, h("p", { class: "empty" }, t("loading")));
  await refresh(view);
}

async function refresh(view) {
  const { main, number, token } = view;
  try {
    const path = `/track/${encodeURIComponent(number)}?k=${encodeURIComponent(token)}`;
    const order = await api.track(path);
    fill(main, order.to_pay ? due(view, order) : nothing(order));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    fill(main, notice(error));
  }
}

function nothing(order) {
  return [
    h("p", { class: "soft numbers" }, `${t("order")} ${order.number}`),
    h("h1", { id: "pay-status", role: "status" }, t("link.paid")),
    h("p", { class: "soft" }, order.text),
  ];
}

function due(view, order) {
  const trouble = recall(`trouble.${view.id}`);
  const total = money(order.to_pay);
  return [
    h("p", { class: "soft numbers" }, `${t("order")} ${order.number}`),
    h("h1", { id: "pay-status" }, t("link.open", { total })),
    order.pay_until
      ? h("p", { class: "soft" }, t("link.until", { time: moment(order.pay_until) }))
      : null,
    form(
      { class: "panel stack pay-again" },
      async (element) => {
        const button = element.querySelector("button.primary");
        button.textContent = t("paying");
        const reason = await pay(view, element).catch((error) => sentence(error));
        remember(`trouble.${view.id}`, reason);
        if (reason) return refresh(view);
        fill(view.main, h("h1", { id: "pay-status", role: "status" }, t("order.confirming")));
        setTimeout(() => refresh(view), 3000); // the shop hears of it from the provider
      },
      trouble ? h("div", { class: "notice bad", role: "alert" }, trouble) : null,
      cardFields(),
      h("button", { class: "button primary wide" }, t("pay", { total })),
    ),
  ];
}

async function pay({ number, token, id }, element) {
  const start = (key) => api.startLinkedPayment(number, token, key);
  const payment = await api.once(`payment.${id}`, start);
  const page = `#/pay/${encodeURIComponent(number)}/${encodeURIComponent(token)}`;
  return confirm(payment, element, `${location.origin}/shop/${page}`);
}
