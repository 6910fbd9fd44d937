// The cart: a draft order at the API, whose id and token this browser remembers.

import { newKey, Refused } from "/common/http.js";
import * as api from "./api.js";
import { currentLanguage } from "/common/i18n.js";
import { inKits, looseLines } from "/common/kits.js";
import { recall, remember, tell } from "/common/state.js";

let cart = null; // as the API shows it
let work = Promise.resolve(); // changes one after the other, in the order of the clicks

/** The cart as it was last seen; null while there is none. */
export const current = () => cart;

/** Its {id, token}. */
export const reference = () => recall("cart");

/** How many kits of a SKU are in it, or units besides those that kits have. */
export function quantityOf(sku) {
  const found = (order) => order.find((each) => each.sku === sku)?.quantity ?? 0;
  return cart ? found(cart.kits) || found(looseLines(cart)) : 0;
}

/** How many kits, and units besides, are in it. */
export function count() {
  const all = cart ? [...cart.kits, ...looseLines(cart)] : [];
  return all.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** SKU -> name of what is in it. */
export function names() {
  const all = cart ? [...cart.lines, ...cart.kits] : [];
  return Object.fromEntries(all.map(({ sku, name }) => [sku, name]));
}

/** Read it anew. A cart that is gone is forgotten; one that was ordered elsewhere becomes an order. */
export function load() {
  return inTurn(async () => {
    const held = reference();
    if (!held) return;
    try {
      show(await api.readCart(held));
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) throw error;
      remember("cart", null);
      show(null);
    }
  });
}

/** Who is signed in has a cart from the start: what they may see and what it costs go by it. */
export async function ready() {
  if (api.signedIn() && !reference()) await inTurn(held);
}

/** Put `quantity` more units of a SKU in it. */
export function add(sku, quantity) {
  const key = newKey();
  return inTurn(async () => show(await api.addLine(await held(), sku, quantity, key)));
}

/** Have exactly so many kits of a SKU in it, or units besides those that kits have. */
export function set(sku, quantity) {
  return inTurn(async () => {
    const cartHeld = await held();
    const units = quantity + (cart ? inKits(cart, sku) : 0);
    show(units ? await api.setLine(cartHeld, sku, units) : await api.removeLine(cartHeld, sku));
  });
}

/** Change it by `act({id, token})`, which answers the cart as it is then. */
export function change(act) {
  return inTurn(async () => show(await act(await held())));
}

/** It was placed: from now on it is an order that this browser holds. */
export function placed(order) {
  hold(order, reference().token);
  remember("cart", null);
  cart = null;
  tell("cart");
}

/** Keep an order whose token this browser knows among those placed in it. */
export function hold(order, token) {
  const known = recall("orders", []);
  if (known.some((each) => each.id === order.id)) return;
  const entry = { id: order.id, token, placedAt: order.placed_at, number: order.tracking_number };
  remember("orders", [entry, ...known].slice(0, 50));
}

/** {id, token} of an order that was placed in this browser. */
export function heldOrder(id) {
  return recall("orders", []).find((each) => each.id === id) ?? null;
}

function inTurn(act) {
  const turn = work.then(act);
  work = turn.catch(() => undefined);
  return turn;
}

async function held() {
  if (!reference()) {
    const made = await api.once("cart", (key) => api.createCart(currentLanguage(), key));
    remember("cart", { id: made.cart.id, token: made.cart_token });
    if (api.signedIn()) await api.claim(reference());
  }
  return reference();
}

function show(seen) {
  if (seen && seen.state !== "draft") {
    placed(seen);
    return;
  }
  cart = seen;
  tell("cart");
}
