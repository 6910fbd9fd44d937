// Gift cards and store credit: they pay first, and the card the customer has pays the rest.

import { h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { codeForm } from "./discounts.js";
import { money, t } from "/common/i18n.js";

const minus = (amount) => `−${money(amount)}`;
const named = ({ kind, ending }) => `${t(`card.${kind}`)} …${ending}`;

/** What gift cards leave of an order to be paid in another way, in minor units. */
export const leftToPay = ({ totals, gift_cards }) =>
  gift_cards.reduce((left, { amount }) => left - amount.minor, totals.gross.minor);

/** [what it is called, how much] for each card that pays, and what is left then; none without. */
export function paidByCards(order) {
  if (!order.gift_cards.length) return [];
  const left = { minor: leftToPay(order), currency: order.currency };
  return [
    ...order.gift_cards.map((card) => [named(card), minus(card.amount)]),
    [t("left"), money(left)],
  ];
}

/** The gift cards in the cart, and a field for the code of another. */
export function giftCards() {
  return h(
    "div",
    { class: "gift-cards stack" },
    h("ul", {}, cart.current().gift_cards.map(entered)),
    codeForm("gift-card", t("gift.code"), api.addGiftCard),
  );
}

const entered = (card) =>
  h(
    "li",
    { class: "row spread", "data-gift": card.ending },
    h("span", {}, named(card)),
    h(
      "button",
      {
        class: "link small",
        "aria-label": t("remove.of", { name: named(card) }),
        on: { click: () => cart.change((held) => api.removeGiftCard(held, card.card)) },
      },
      t("remove"),
    ),
  );
