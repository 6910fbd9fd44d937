// The public API as this storefront uses it: one function per route, and who is signed in.

import { configuration, newKey, Refused, request } from "/common/http.js";
import { recall, remember, tell } from "/common/state.js";

const EARLY = 60_000; // milliseconds before their end at which tokens are renewed

async function call(method, path, { body, query, key, headers = {}, signed = false } = {}) {
  const { api } = await configuration();
  const url = new URL(api + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const token = signed ? await idToken() : "";
  const all = token ? { ...headers, Authorization: `Bearer ${token}` } : headers;
  return request(method, url, { body, key, headers: all });
}

const segment = encodeURIComponent;
const held = (cart) => ({ "Cart-Token": cart.token });

// --- products, as who buys with the cart may see them ---

/** A request of the catalogue: with the cart, if there is one, whose buyer it is for. */
function browse(path, query) {
  const cart = recall("cart");
  if (!cart) return call("GET", path, { query });
  return call("GET", path, { query: { ...query, cart: cart.id }, headers: held(cart) });
}

export const find = (query) => browse("/products", query);
export const suggest = (q) => browse("/products/suggest", { q });
const products = new Map();

export async function product(sku, { fresh = false } = {}) {
  if (fresh || !products.has(sku)) {
    products.set(sku, await browse(`/products/${segment(sku)}`));
  }
  return products.get(sku);
}

/** What can be had of `wanted` {quantity, country}, and when. */
export const supply = (sku, wanted) => browse(`/products/${segment(sku)}/availability`, wanted);

/** What a search has just told about products need not be asked for again to draw a cart. */
export function keep(found) {
  for (const each of found) products.set(each.sku, each);
}

// --- carts; `cart` is {id, token} ---

export const createCart = (language, key) => call("POST", "/carts", { body: { language }, key });
export const readCart = (cart) => call("GET", `/carts/${cart.id}`, { headers: held(cart) });
export const addLine = (cart, sku, quantity, key) =>
  call("POST", `/carts/${cart.id}/lines`, { body: { sku, quantity }, key, headers: held(cart) });
export const setLine = (cart, sku, quantity) =>
  call("PUT", `/carts/${cart.id}/lines/${segment(sku)}`, {
    body: { quantity },
    headers: held(cart),
  });
export const removeLine = (cart, sku) =>
  call("DELETE", `/carts/${cart.id}/lines/${segment(sku)}`, { headers: held(cart) });
export const enterCode = (cart, code) =>
  call("PUT", `/carts/${cart.id}/coupons/${segment(code)}`, { headers: held(cart) });
export const removeCode = (cart, code) =>
  call("DELETE", `/carts/${cart.id}/coupons/${segment(code)}`, { headers: held(cart) });
export const addGiftCard = (cart, code) =>
  call("PUT", `/carts/${cart.id}/gift-cards`, { body: { code }, headers: held(cart) });
export const removeGiftCard = (cart, card) =>
  call("DELETE", `/carts/${cart.id}/gift-cards/${segment(card)}`, { headers: held(cart) });
export const describe = (cart, details) =>
  call("PATCH", `/carts/${cart.id}`, { body: details, headers: held(cart) });
/** `where` is {country, postal_code, group}; without a group it is asked for the whole cart. */
export const deliveryOptions = (cart, where) =>
  call("GET", `/carts/${cart.id}/delivery-options`, { query: where, headers: held(cart) });
export const availability = (cart) =>
  call("GET", `/carts/${cart.id}/availability`, { headers: held(cart) });
export const deliver = (cart, delivery) =>
  call("PUT", `/carts/${cart.id}/delivery`, { body: delivery, headers: held(cart) });
export const divide = (cart, deliveries) =>
  call("PUT", `/carts/${cart.id}/deliveries`, { body: { deliveries }, headers: held(cart) });
/** Have the approvers of the cart's business account asked about it. */
export const askApprovers = (cart, key) =>
  call("POST", `/carts/${cart.id}/approval`, { body: {}, key, headers: held(cart) });
export const place = (cart, expectedTotal, key) =>
  call("POST", `/carts/${cart.id}/checkout`, {
    body: { expected_total: expectedTotal },
    key,
    headers: held(cart),
  });
export const startPayment = (cart, key) =>
  call("POST", `/carts/${cart.id}/payment`, { body: {}, key, headers: held(cart) });
export const cancelHeld = (cart, key, lines) =>
  call("POST", `/carts/${cart.id}/cancel`, { body: { lines }, key, headers: held(cart) });
export async function claim(cart) {
  const theirs = await call("POST", `/carts/${cart.id}/claim`, {
    headers: held(cart),
    signed: true,
  });
  products.clear(); // they may have other prices
  return theirs;
}

// --- orders of who is signed in, and tracking ---

export const orders = (cursor) => call("GET", "/orders", { query: { cursor }, signed: true });
export const order = (id) => call("GET", `/orders/${id}`, { signed: true });
export const cancelOwn = (id, key, lines) =>
  call("POST", `/orders/${id}/cancel`, { body: { lines }, key, signed: true });
export const startLinkedPayment = (number, token, key) =>
  call("POST", `/track/${encodeURIComponent(number)}/payment`, { body: {}, query: { k: token }, key });
export const track = (path) => call("GET", path);
export async function trackingPage(path) {
  return (await configuration()).api + path;
}

// --- what the approvers of a business account decide on ---

export const approvals = (cursor) =>
  call("GET", "/account/approvals", { query: { cursor }, signed: true });
/** `verdict` is approve or reject; `body` {approval_id, reason}. */
export const decide = (cartId, verdict, body, key) =>
  call("POST", `/account/approvals/${segment(cartId)}/${verdict}`, { body, key, signed: true });

// --- accounts ---

export const signUp = (customer, key) => call("POST", "/customers", { body: customer, key });
export const confirm = (email, code, signUpName) =>
  call("POST", "/customers/confirmation", { body: { email, code, sign_up: signUpName } });
export const resend = (email) =>
  call("POST", "/customers/confirmation/resend", { body: { email } });
export const me = () => call("GET", "/customers/me", { signed: true });
/** With the `version` that was read nothing is changed that somebody else has changed since. */
export const editMe = (changes, version) =>
  call("PATCH", "/customers/me", {
    body: changes,
    headers: version === undefined ? {} : { "If-Match": `"${version}"` },
    signed: true,
  });
/** The question by which the service desk recognises a caller; its answer is shown to nobody. */
export const question = () => call("GET", "/customers/me/challenge", { signed: true });
export const setQuestion = (body) =>
  call("PUT", "/customers/me/challenge", { body, signed: true });
export const withdrawQuestion = () => call("DELETE", "/customers/me/challenge", { signed: true });
export const addAddress = (entry, key) =>
  call("POST", "/customers/me/addresses", { body: entry, key, signed: true });
export const removeAddress = (id) =>
  call("DELETE", `/customers/me/addresses/${id}`, { signed: true });

export async function signIn(email, password) {
  start(email, await call("POST", "/sessions", { body: { email, password } }));
}

/** Finish a sign-in with a password of one's own; `session` is the refusal's. */
export async function choosePassword(email, session, password) {
  start(email, await call("POST", "/sessions/new-password", { body: { session, password } }));
}

/** Set the first password with what the link of an invitation holds, and sign in. */
export async function acceptInvitation(email, secret, password) {
  try {
    await signIn(email, secret);
  } catch (error) {
    if (error.code === "new-password-required")
      await choosePassword(email, error.problem.session, password);
    // A try before this one may have set it, and its answer have been lost.
    else if (error.code === "sign-in-failed") await signIn(email, password);
    else throw error;
  }
}

export const forgot = (email) => call("POST", "/passwords/reset", { body: { email } });
export const resetPassword = (email, code, password) =>
  call("POST", "/passwords/reset/confirmation", { body: { email, code, password } });

export async function signOut() {
  const session = recall("session");
  try {
    await call("DELETE", "/sessions", {
      body: { access_token: session.access_token },
      signed: true,
    });
  } finally {
    end();
  }
}

/** The signed-in e-mail address, or null. */
export const signedIn = () => recall("session")?.email ?? null;

function start(email, tokens) {
  remember("session", { ...tokens, email, until: Date.now() + tokens.expires_in * 1000 });
  tell("session");
}

function end() {
  remember("session", null);
  tell("session");
}

async function idToken() {
  const session = recall("session");
  if (!session) throw new Refused(401, { detail: "Sign in first.", type: ":unauthenticated" });
  if (session.until - EARLY > Date.now()) return session.id_token;
  try {
    start(
      session.email,
      await call("POST", "/sessions/refresh", {
        body: { refresh_token: session.refresh_token },
      }),
    );
  } catch (refused) {
    if (refused instanceof Refused) end();
    throw refused;
  }
  return recall("session").id_token;
}

// --- keys: one per intention, kept until it is known how it ended ---

/** Run `act(key)` with the key of `intention`; a repeat after an unknown outcome has the same one. */
export async function once(intention, act) {
  const name = `key.${intention}`;
  const key = recall(name) ?? newKey();
  remember(name, key);
  const answer = await act(key).catch((error) => {
    if (error instanceof Refused && error.status < 500) remember(name, null);
    throw error;
  });
  remember(name, null);
  return answer;
}
