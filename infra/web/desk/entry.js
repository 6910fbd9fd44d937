// Taking an order for somebody: goods, places, prices, and placing it. The state is the API's cart.

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

/** Begin an order for a customer, or for a guest where there is none, and go to it. */
export async function beginFor(customer) {
  const body = { channel: "phone", cause: "phone_order" };
  if (customer) body.customer_id = customer.id;
  try {
    const answer = await api.beginCart(body, newKey());
    hold(answer, customer?.name ?? "");
    location.hash = `#/entry/${answer.order.id}`;
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

/** Go on with a cart that somebody else began, or whose grant is over. */
export async function goOn(id, title) {
  hold(await api.openCart(id, "assistance", newKey()), title);
  location.hash = `#/entry/${id}`;
}

/** The page; returns what ends its keys. */
export async function entryPage(main, id) {
  const held = draft(id);
  if (!held) {
    fill(main, ended(id));
    return undefined;
  }
  fill(main, h("p", { class: "soft" }, t("loading")));
  const [order, facts] = await Promise.all([api.readCart(held), api.deskFacts()]);
  const own = (await ownerOf(id)) ?? null;
  const view = { held, order, facts, own, found: null, adjustments: [], work: Promise.resolve() };
  view.change = (act, where) => inTurn(view, act, where);
  view.redraw = () => redraw(view);
  view.done = (placed) => {
    drop(id);
    fill(main, placedPanel(placed));
    main.querySelector("button, a")?.focus();
  };
  build(view, main);
  await learn(view);
  redraw(view);
  const keys = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      main.querySelector("#place")?.click();
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
    view.trouble,
    h(
      "div",
      { class: "entry" },
      h("div", { class: "stack" }, view.goods.element, view.choice),
      h("div", { class: "stack" }, view.buyer, view.places, view.price),
    ),
  );
  view.goods.focus();
}

function redraw(view) {
  const { order } = view;
  view.goods.redraw();
  const draw = (element, key, make) => fillIfChanged(element, key, () => make(view));
  draw(view.buyer, [order.contact, order.billing_address, view.editing], buyerSection);
  draw(view.places, [order.deliveries, order.lines.map((l) => [l.sku, l.quantity])], placesSection);
  view.choice.hidden = !view.found || view.found.complete;
  draw(view.choice, [view.found, order.shortage], choiceSection);
  draw(
    view.price,
    [order.version, view.found, view.adjustments, view.methods, order.totals],
    priceSection,
  );
}

/** What is there of the cart, how it can be paid for, and what staff changed about its price. */
async function learn(view) {
  const { held, order } = view;
  const whole = order.lines.length && order.deliveries.every((each) => each.service);
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
      fill(view.trouble);
      await learn(view);
      redraw(view);
      return true;
    } catch (error) {
      if (error instanceof Refused && error.code === "grant-over") {
        drop(view.held.id);
        fill(view.trouble, ended(view.held.id));
        return false;
      }
      if (where) throw error;
      fill(view.trouble, notice(error, names(view.order)));
      return false;
    }
  });
  view.work = turn.catch(() => undefined);
  return turn;
}

const names = (order) => Object.fromEntries(order.lines.map((line) => [line.sku, line.name]));

/** A grant is over after a while; whoever is signed in can open another, which is on record. */
function ended(id) {
  return h(
    "div",
    { class: "notice warn row spread", role: "alert" },
    h("span", {}, t("grant.over")),
    h(
      "button",
      {
        class: "button small",
        on: {
          click: async () => {
            try {
              await goOn(id, drafts().find((each) => each.id === id)?.title ?? "");
              dispatchEvent(new HashChangeEvent("hashchange"));
            } catch (error) {
              toast(sentence(error), "bad");
            }
          },
        },
      },
      t("grant.again"),
    ),
  );
}
