// Taking an order for somebody: goods, places, prices, and placing it; or selling it over a counter.
// The state is the API's cart.

import { fill, fillIfChanged, h, toast } from "/common/dom.js";
import { newKey, Refused } from "/common/http.js";
import { t } from "/common/i18n.js";
import { notice, sentence } from "/common/trouble.js";
import * as api from "./api.js";
import { buyerSection } from "./buyer.js";
import { choiceSection } from "./choice.js";
import { draft, drafts, drop, hold } from "./drafts.js";
import { goodsSection } from "./goods.js";
import { placedPanel, priceSection } from "./price.js";
import { placesSection } from "./places.js";
import { keepingTyped, wasSent } from "./typed.js";
import { soldPanel, tillSection } from "./till.js";

/** Begin an order for a customer, or for a guest where there is none, and go to it. */
export const beginFor = (customer) => begin(customer, { channel: "phone", cause: "phone_order" });

/** The same for somebody who stands at the counter. */
export const beginSale = (customer) => begin(customer, { channel: "in_person", cause: "counter_order" });

async function begin(customer, body) {
  if (customer) body.customer_id = customer.id;
  try {
    const answer = await api.beginCart(body, newKey());
    hold(answer, customer?.name ?? "", body.channel);
    location.hash = `#/entry/${answer.order.id}`;
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

/** Go on with a cart that somebody else began, or whose grant is over. */
export async function goOn(id, title) {
  const answer = await api.openCart(id, "assistance", newKey());
  hold(answer, title, answer.order.channel);
  location.hash = `#/entry/${id}`;
}

/** The page; returns what ends its keys. */
export async function entryPage(main, id) {
  const held = draft(id);
  if (!held) {
    const show = () => dispatchEvent(new HashChangeEvent("hashchange"));
    fill(main, ended(() => goOn(id, "").then(show)));
    return undefined;
  }
  fill(main, h("p", { class: "soft" }, t("loading")));
  const [order, facts] = await Promise.all([api.readCart(held), api.deskFacts()]);
  const own = (await ownerOf(id)) ?? null;
  const view = { held, order, facts, own, found: null, adjustments: [], names: {}, work: Promise.resolve() };
  view.change = (act, where) => inTurn(view, act, where);
  view.redraw = () => redraw(view);
  view.failed = (error) => failed(view, error);
  view.atCounter = order.channel === "in_person";
  view.done = (panel) => {
    drop(id);
    fill(main, panel);
    main.querySelector("button, a")?.focus();
  };
  view.next = () => main.querySelector("#cash")?.focus();
  view.placed = (placed) => view.done(placedPanel(placed));
  view.sold = (sale) => view.done(soldPanel(sale, beginSale));
  build(view, main);
  await learn(view);
  redraw(view);
  const keys = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      main.querySelector("#place-order, #sell.button")?.click();
    }
  };
  addEventListener("keydown", keys);
  return () => removeEventListener("keydown", keys);
}

/** The record of whom the cart is for, as far as it says; its addresses are offered. */
async function ownerOf(id) {
  const seen = await api.order(id).catch(() => null);
  const customerId = seen?.customer_id;
  return customerId ? (await api.customer(customerId, t("reason.order")).catch(() => null))?.customer : null;
}

function build(view, main) {
  view.trouble = h("div", { class: "trouble", "aria-live": "assertive" });
  view.goods = goodsSection(view);
  view.buyer = h("section", { class: "panel stack", "aria-labelledby": "h-buyer" });
  view.places = h("section", { class: "panel stack", "aria-labelledby": "h-places" });
  view.choice = h("section", { class: "panel stack", "aria-labelledby": "h-choice" });
  view.price = h("section", { class: "panel stack price", "aria-labelledby": "h-price" });
  fill(
    main,
    h("h1", { class: "out-of-sight" }, `${t(view.atCounter ? "till.begin" : "order")}: ${view.own?.name ?? t("guest")}`),
    view.trouble,
    h(
      "div",
      { class: "entry" },
      h("div", { class: "stack" }, view.goods.element, view.choice),
      view.atCounter
        ? h("div", { class: "stack" }, view.price)
        : h("div", { class: "stack" }, view.buyer, view.places, view.price),
    ),
  );
  view.goods.focus();
}

function redraw(view) {
  const { order } = view;
  view.goods.redraw();
  const draw = (element, key, make) => keepingTyped(element, () => fillIfChanged(element, key, () => make(view)));
  if (view.atCounter) {
    view.choice.hidden = true;
    draw(view.price, [order.version, view.adjustments, order.totals], tillSection);
    return;
  }
  const { contact, billing_address: billing, purchase_order: number, approval } = order;
  draw(view.buyer, [contact, billing, number, approval, order.lines.length, view.editing], buyerSection);
  draw(view.places, [order.deliveries, order.lines.map((l) => [l.sku, l.quantity])], placesSection);
  view.choice.hidden = !view.found || view.found.complete;
  draw(view.choice, [view.found, order.shortage], choiceSection);
  draw(
    view.price,
    [order.version, view.found, view.adjustments, view.methods, order.totals, order.gift_cards],
    priceSection,
  );
}

/** What is there of the cart, how it can be paid for, and what staff changed about its price. */
async function learn(view) {
  const { held, order } = view;
  const whole = !view.atCounter && order.lines.length && order.deliveries.every((each) => each.service);
  const quietly = (promise, otherwise) => promise.catch(() => otherwise);
  const [found, methods, seen] = await Promise.all([
    whole ? quietly(api.availability(held), null) : null,
    quietly(api.paymentMethods(held), { methods: [] }),
    quietly(api.order(order.id), null),
  ]);
  view.found = found;
  view.methods = methods.methods;
  view.adjustments = seen?.adjustments ?? view.adjustments;
}

/** Change the cart by `act(held)`, which answers it; one change after the other. */
function inTurn(view, act, where = null) {
  const turn = view.work.then(async () => {
    try {
      const answer = await act(view.held);
      view.order = answer.order ?? answer;
      if (where) wasSent(where);
      fill(view.trouble);
      await learn(view);
      redraw(view);
      return true;
    } catch (error) {
      const over = error instanceof Refused && error.code === "grant-over";
      if (where && !over) throw error;
      failed(view, error);
      return false;
    }
  });
  view.work = turn.catch(() => undefined);
  return turn;
}

/** What went wrong, where it is seen from anywhere on the page; what was typed stays. */
function failed(view, error) {
  if (error.code === "grant-over") fill(view.trouble, ended(() => openAgain(view)));
  else if (error.code === "incomplete-checkout") missing(view, error);
  else fill(view.trouble, notice(error, names(view)));
}

/** What an order still needs, in the words of the page; the first of it is gone to. */
function missing(view, { problem }) {
  const parts = problem.missing.map((pointer) => (pointer.startsWith("/deliveries/") ? "/delivery" : pointer).slice(1));
  fill(view.trouble, notice(t("problem.missing", { parts: parts.map((part) => t(`part.${part}`)).join(", ") })));
  const places = {
    purchase_order: "#po input",
    contact: "#buyer input",
    billing_address: "#buyer input",
    delivery: "#place input, #place select",
    payment_method: "[name=method]",
  };
  document.querySelector(places[parts[0]])?.focus();
}

/** What the goods are called: those that were to be put in, and those that are. */
const names = (view) => ({ ...view.names, ...Object.fromEntries(view.order.lines.map((line) => [line.sku, line.name])) });

/** Another grant for the order that is on the page: what was typed stays where it is. */
async function openAgain(view) {
  const { id } = view.held;
  const title = drafts().find((each) => each.id === id)?.title ?? "";
  view.held = hold(await api.openCart(id, "assistance", newKey()), title, view.order.channel);
  fill(view.trouble, h("p", { class: "notice", role: "status" }, t("grant.open")));
}

/** A grant is over after a while; whoever is signed in can open another, which is on record. */
function ended(open) {
  return h(
    "div",
    { class: "notice warn row spread", role: "alert" },
    h("span", {}, t("grant.over")),
    h(
      "button",
      {
        class: "button small",
        id: "open-again",
        on: { click: () => open().catch((error) => toast(sentence(error), "bad")) },
      },
      t("grant.again"),
    ),
  );
}
