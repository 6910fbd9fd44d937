// The public API as the service desk uses it: one function per route.

import { newKey } from "/common/http.js";
import { call, signed } from "./session.js";

const segment = encodeURIComponent;

// --- customers ---

/** `query` is one thing that a caller tells by its name, or two names, with {reason, cursor}. */
export const findCustomers = (query) => signed("GET", "/staff/customers", { query });
export const customer = (id, reason) =>
  signed("GET", `/staff/customers/${segment(id)}`, { query: { reason } });
export const createCustomer = (body, key) => signed("POST", "/staff/customers", { body, key });
export const editCustomer = (id, body, version) =>
  signed("PATCH", `/staff/customers/${segment(id)}`, { body, headers: ifMatch(version) });
export const addAddress = (id, body, key) =>
  signed("POST", `/staff/customers/${segment(id)}/addresses`, { body, key });
export const replaceAddress = (id, address, body, version) =>
  signed("PUT", `/staff/customers/${segment(id)}/addresses/${segment(address)}`, { body, headers: ifMatch(version) });
export const removeAddress = (id, address, version) =>
  signed("DELETE", `/staff/customers/${segment(id)}/addresses/${segment(address)}`, { headers: ifMatch(version) });
export const setState = (id, body, version) =>
  signed("PUT", `/staff/customers/${segment(id)}/state`, { body, headers: ifMatch(version) });
/** `body` is {groups, account}. */
export const setStanding = (id, body, version) =>
  signed("PUT", `/staff/customers/${segment(id)}/standing`, { body, headers: ifMatch(version) });
export const inviteAgain = (id, key) => signed("POST", `/staff/customers/${segment(id)}/invitation`, { key });
export const history = (id, query) => signed("GET", `/staff/customers/${segment(id)}/history`, { query });
/** Who looked at the record. */
export const audit = (id, query) => signed("GET", `/staff/customers/${segment(id)}/audit`, { query });
/** Have `body.duplicate` become part of the customer. */
export const merge = (id, body, version, key) =>
  signed("POST", `/staff/customers/${segment(id)}/merge`, { body, key, headers: ifMatch(version) });

export const challenge = (id) => signed("GET", `/staff/customers/${segment(id)}/challenge`);
export const setChallenge = (id, body) => signed("PUT", `/staff/customers/${segment(id)}/challenge`, { body });
export const verifyAnswer = (id, answer, key) =>
  signed("POST", `/staff/customers/${segment(id)}/challenge/verify`, { body: { answer }, key });

/** `query` is {use, reason}. */
export const demographics = (id, query) =>
  signed("GET", `/staff/customers/${segment(id)}/demographics`, { query });
export const setDemographics = (id, body) =>
  signed("PUT", `/staff/customers/${segment(id)}/demographics`, { body });
export const forgetDemographics = (id) => signed("DELETE", `/staff/customers/${segment(id)}/demographics`);

// --- a person's data ---

/** `query` is {reason, cursor}. */
export const exported = (id, query) => signed("GET", `/staff/customers/${segment(id)}/export`, { query });
export const erase = (id, grounds, key) =>
  signed("POST", `/staff/customers/${segment(id)}/erasure`, { body: { grounds }, key });
/** `body` is {email, grounds}. */
export const eraseGuest = (body, key) => signed("POST", "/staff/erasures", { body, key });

// --- business accounts ---

export const account = (name) => signed("GET", `/staff/accounts/${segment(name)}`);
export const setAccount = (name, body, version) =>
  signed("PUT", `/staff/accounts/${segment(name)}`, { body, headers: ifMatch(version) });
export const credit = (name) => signed("GET", `/staff/accounts/${segment(name)}/credit`);
/** `body` is {limit, days}. */
export const setCredit = (name, body) => signed("PUT", `/staff/accounts/${segment(name)}/credit`, { body });

// --- gift cards and store credit ---

/** `body` is {kind, value, reason, valid_until, customer_id}. */
export const issueCard = (body, key) => signed("POST", "/staff/gift-cards", { body, key });
export const card = (id) => signed("GET", `/staff/gift-cards/${segment(id)}`);
/** `verdict` is block or unblock. */
export const blockCard = (id, verdict, reason, key) =>
  signed("POST", `/staff/gift-cards/${segment(id)}/${verdict}`, { body: { reason }, key });

// --- channels ---

export const channel = (name) => signed("GET", `/staff/channels/${segment(name)}`);
export const setChannel = (name, body, version) =>
  signed("PUT", `/staff/channels/${segment(name)}`, { body, headers: ifMatch(version) });

// --- carts that a grant opens; `held` is {id, token} ---

const cart = (method, held, path = "", options = {}) =>
  call(method, `/carts/${held.id}${path}`, { ...options, headers: { "Cart-Token": held.token } });

/** `body` is {channel, customer_id, cause, currency, language}. */
export const beginCart = (body, key) => signed("POST", "/staff/carts", { body, key });
export const openCart = (id, cause, key) =>
  signed("POST", `/staff/carts/${segment(id)}/grants`, { body: { cause }, key });
export const readCart = (held) => cart("GET", held);
export const addLine = (held, sku, quantity, key) =>
  cart("POST", held, "/lines", { body: { sku, quantity }, key });
export const setLine = (held, sku, quantity) =>
  quantity
    ? cart("PUT", held, `/lines/${segment(sku)}`, { body: { quantity } })
    : cart("DELETE", held, `/lines/${segment(sku)}`);
export const describe = (held, body) => cart("PATCH", held, "", { body });
/** `where` is {country, postal_code, group}. */
export const deliveryOptions = (held, where) =>
  cart("GET", held, "/delivery-options", { query: where });
export const deliver = (held, body) => cart("PUT", held, "/delivery", { body });
export const divide = (held, deliveries) =>
  cart("PUT", held, "/deliveries", { body: { deliveries } });
export const availability = (held) => cart("GET", held, "/availability");
export const paymentMethods = (held) => cart("GET", held, "/payment-methods");
export const place = (held, expected, key) =>
  cart("POST", held, "/checkout", { body: { expected_total: expected }, key });
/** Put what was ordered once into the cart, as far as it is to be had: {order, left_out}. */
export const reorder = (held, id, key) =>
  cart("POST", held, "/reorder", { body: { order_id: id }, key });
export const enterCode = (id, code) =>
  signed("PUT", `/staff/carts/${segment(id)}/coupons/${segment(code)}`);
export const removeCode = (id, code) =>
  signed("DELETE", `/staff/carts/${segment(id)}/coupons/${segment(code)}`);

/** Have the approvers of the cart's business account asked about it. */
export const askApprovers = (held, key) => cart("POST", held, "/approval", { body: {}, key });
export const putGiftCard = (held, code) => cart("PUT", held, "/gift-cards", { body: { code } });
export const removeGiftCard = (held, card) => cart("DELETE", held, `/gift-cards/${segment(card)}`);

// --- at a counter ---

/** The stores in which a channel sells. */
export const stores = (channel) => call("GET", "/stores", { query: { channel, limit: 100 } });

/** `body` is {store, tenders, expected_total}. */
export const sellOverCounter = (id, body, key) =>
  signed("POST", `/staff/carts/${segment(id)}/counter-sale`, { body, key });

const NO_TOTAL = 10 ** 12; // minor units; nothing comes to that

/**
 * What a cart comes to in a store: asked by a total that it cannot have, at which nothing is sold.
 * Raises Refused when it cannot be sold there.
 */
export async function counterTotal({ id, currency }, store) {
  const body = { store, tenders: [], expected_total: { minor: NO_TOTAL, currency } };
  try {
    await sellOverCounter(id, body, newKey());
  } catch (error) {
    if (error.code === "total-changed") return error.problem.total;
    throw error;
  }
  throw new Error("a sale at no total");
}

// --- what staff change about a price ---

export const adjust = (id, body, key) =>
  signed("POST", `/staff/carts/${segment(id)}/adjustments`, { body, key });
export const removeAdjustment = (id, adjustment) =>
  signed("DELETE", `/staff/carts/${segment(id)}/adjustments/${segment(adjustment)}`);
/** `verdict` is approve or reject. */
export const decide = (id, adjustment, verdict) =>
  signed("POST", `/staff/carts/${segment(id)}/adjustments/${segment(adjustment)}/${verdict}`);
export const proposals = (cursor) => signed("GET", "/staff/adjustments", { query: { cursor } });

// --- orders ---

export const orders = (query) => signed("GET", "/staff/orders", { query });
export const order = (id) => signed("GET", `/staff/orders/${segment(id)}`);
export const timeline = (id) => signed("GET", `/staff/orders/${segment(id)}/timeline`);
export const addNote = (id, text, key) =>
  signed("POST", `/staff/orders/${segment(id)}/notes`, { body: { text }, key });
export const sendPaymentLink = (id, key) =>
  signed("POST", `/staff/orders/${segment(id)}/payment-link`, { body: {}, key });
export const cancel = (id, reason, key) =>
  signed("POST", `/staff/orders/${segment(id)}/cancel`, { body: { reason }, key });

// --- goods ---

/** As the customer of a cart would find them. */
export const products = (held, q) =>
  call("GET", "/products", {
    query: { q, cart: held.id, limit: 8, facets: false },
    headers: { "Cart-Token": held.token },
  });

const ifMatch = (version) => ({ "If-Match": `"${version}"` });

/** What the desk may choose from: languages, currencies, reasons, and what the caller may give away. */
let told = null;
export function deskFacts() {
  told ??= signed("GET", "/staff/desk").catch((error) => {
    told = null;
    throw error;
  });
  return told;
}
