// Gift cards and store credit: looked at by the desk, issued and blocked by supervisors.

import { fill, h, toast } from "/common/dom.js";
import { newKey, Refused } from "/common/http.js";
import { field, form } from "/common/forms.js";
import { has, money, moment, t, toMinor } from "/common/i18n.js";
import { tell } from "/common/trouble.js";
import * as api from "./api.js";
import { decides } from "./session.js";

/** The page: a card by its id, and a new one; `query` may say for whom. */
export async function cardsPage(main, query) {
  const facts = decides() ? await api.deskFacts() : null;
  const look = form(
    { class: "panel stack", id: "look-card" },
    () => {
      location.hash = `#/card/${encodeURIComponent(look.elements.namedItem("card").value.trim())}`;
    },
    h("h2", {}, t("cards.look")),
    h("p", { class: "soft small" }, t("cards.look.note")),
    field("card", t("cards.id"), { maxlength: "60", autocomplete: "off", placeholder: "gft_…" }),
    h("button", { class: "button primary small" }, t("account.open")),
  );
  fill(main, h("h1", { class: "head" }, t("cards")), h("div", { class: "two" }, facts ? issueForm(facts, query) : null, look));
  main.querySelector("form input, form select").focus();
}

function issueForm(facts, query) {
  const [currency] = facts.currencies;
  let key = newKey(); // the code comes from it: a repeat is the same card
  const element = form(
    { class: "panel stack", id: "issue-card" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const body = {
        kind: value("kind"),
        value: { minor: toMinor(value("value/minor"), currency), currency },
        reason: value("reason"),
        valid_until: value("valid_until") || null,
        customer_id: value("customer_id"),
      };
      try {
        const made = await api.issueCard(body, key);
        key = newKey();
        element.replaceWith(issued(made));
        document.getElementById("code-of-card").focus();
      } catch (error) {
        if (error instanceof Refused) key = newKey();
        tell(element, error);
      }
    },
    h("h2", {}, t("cards.issue")),
    h(
      "div",
      { class: "fields" },
      field("kind", t("adjust.kind"), { options: ["store_credit", "gift_card"].map((kind) => h("option", { value: kind }, t(`card.${kind}`))) }, { kind: "half" }),
      field("value/minor", `${t("adjust.value")} (${currency})`, { inputmode: "decimal", pattern: "[0-9]+([.][0-9]+)?" }, { kind: "half" }),
      field("valid_until", t("cards.until"), { type: "date", required: false }, { kind: "half" }),
      field("customer_id", t("cards.customer"), { maxlength: "40", required: false, value: query.get("customer") ?? "" }, { kind: "half" }),
    ),
    field("reason", t("field.reason"), { maxlength: "200" }, { hint: t("cards.reason.hint") }),
    h("button", { class: "button primary small" }, t("cards.issue.do")),
  );
  return element;
}

/** The code is shown this once: it is kept nowhere. */
const issued = ({ card, code }) =>
  h(
    "section",
    { class: "panel stack", id: "issued" },
    h("h2", {}, t("cards.issued", { value: money(card.balance) })),
    h("p", { class: "notice warn" }, t("cards.once")),
    h("p", {}, h("output", { class: "mono code", id: "code-of-card", tabindex: "0" }, code)),
    h("p", {}, h("a", { href: `#/card/${card.id}` }, card.id)),
  );

/** One card with its history. */
export async function cardPage(main, id) {
  fill(main, h("p", { class: "soft" }, t("loading")));
  draw(main, await api.card(id));
}

function draw(main, { card, history }) {
  fill(
    main,
    h(
      "div",
      { class: "head" },
      h("h1", {}, `${t(`card.${card.kind}`)} …${card.ending}`),
      h(
        "p",
        { class: "row" },
        h("span", { class: `badge ${card.blocked ? "bad" : "good"}`, id: "card-state" }, t(card.blocked ? "cards.blocked" : "cards.usable")),
        card.valid_until ? h("span", { class: "badge" }, t("cards.valid", { date: card.valid_until })) : null,
        card.customer_id ? h("a", { class: "badge", href: `#/customer/${card.customer_id}` }, t("record")) : null,
        h("span", { class: "soft small mono" }, card.id),
      ),
    ),
    h(
      "div",
      { class: "two" },
      h(
        "section",
        { class: "panel stack" },
        h("p", { class: "due row spread" }, h("span", {}, t("cards.balance")), h("strong", { class: "numbers", id: "balance" }, money(card.balance))),
        h("ol", { class: "timeline", id: "card-history" }, history.map((entry) => happened(entry, card))),
      ),
      decides() ? blockForm(main, card) : null,
    ),
  );
}

const happened = ({ at, kind, change, reason, order_id: order }, card) =>
  h(
    "li",
    {},
    h("time", { class: "soft small numbers" }, moment(at)),
    h("span", {}, has(`card_entry.${kind}`) ? t(`card_entry.${kind}`) : kind, " ", order ? h("a", { class: "small", href: `#/order/${order}` }, t("order")) : null),
    h("span", { class: "numbers" }, change ? money({ minor: change, currency: card.balance.currency }) : ""),
    reason ? h("p", { class: "said" }, reason) : null,
  );

function blockForm(main, card) {
  const verdict = card.blocked ? "unblock" : "block";
  let key = newKey();
  const element = form(
    { class: "panel stack", id: "block-card" },
    async () => {
      try {
        draw(main, await api.blockCard(card.id, verdict, element.elements.namedItem("reason").value.trim(), key));
        toast(t("saved.done"));
      } catch (error) {
        if (error instanceof Refused) key = newKey();
        tell(element, error);
      }
    },
    h("h2", {}, t(`cards.${verdict}`)),
    field("reason", t("field.reason"), { maxlength: "200" }),
    h("button", { class: "button small primary" }, t(`cards.${verdict}`)),
  );
  return element;
}

/** In a cart: cards that pay for it, and a field for the code of another. */
export function cardsOf(view) {
  const { order } = view;
  const element = form(
    { class: "row", id: "gift-card" },
    async () => {
      const input = element.elements.namedItem("code");
      try {
        await view.change((held) => api.putGiftCard(held, input.value.trim()), element);
      } catch (error) {
        tell(element, error);
      }
    },
    h("input", { class: "input grow", name: "code", maxlength: "60", required: true, autocomplete: "off", "aria-label": t("cards.code"), placeholder: t("cards.code") }),
    h("button", { class: "button small" }, t("code.use")),
  );
  return h(
    "div",
    { class: "stack gift-cards" },
    h(
      "ul",
      {},
      order.gift_cards.map((each) =>
        h(
          "li",
          { class: "row spread", "data-gift": each.ending },
          h("span", {}, `${t(`card.${each.kind}`)} …${each.ending}`),
          h("span", { class: "numbers" }, `−${money(each.amount)}`),
          h("button", { class: "link small", "aria-label": t("remove.of", { name: `…${each.ending}` }), on: { click: () => view.change((held) => api.removeGiftCard(held, each.card)) } }, t("remove")),
        ),
      ),
    ),
    element,
  );
}
