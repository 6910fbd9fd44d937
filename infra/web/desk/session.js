// Who of the staff is signed in, and requests in their name. A tab that is closed is signed out.
// A session that ends by itself ends nothing else: who it was signs in over the page, and what was
// asked for goes on.

import { newKey, Refused, request } from "/common/http.js";
import { tell } from "/common/state.js";

const EARLY = 60_000; // milliseconds before their end at which tokens are renewed
const NAME = "parcelway.desk.session";
const DESK = ["csr", "csr_supervisor", "admin"];

let config = null;
let renewing = null;
let asking = null;
let ask = () => Promise.reject(unauthenticated());

/** Where the API is, the shop's name and what else the page is set up with. */
export function configuration() {
  config ??= request("GET", "/desk/config.json");
  return config;
}

/** {name, email, subject, groups, …} of who is signed in, or null. */
export function member() {
  return JSON.parse(sessionStorage.getItem(NAME));
}

/** Whether who is signed in has one of these roles; the API decides, the page only offers less. */
export const isOne = (...roles) => member()?.groups.some((group) => roles.includes(group)) ?? false;

/** Whether they may decide on what others propose, and on customers' records and data. */
export const decides = () => isOne("csr_supervisor", "admin");

/** `handler` has whoever sits there sign in again, or rejects when they will not. */
export function whenOver(handler) {
  ask = handler;
}

/** Sign in. Raises Refused; with code `new-password-required` its problem has a `session`. */
export async function signIn(email, password) {
  start(await call("POST", "/sessions", { body: { email, password } }));
}

/** Finish a first sign-in by a password of one's own. */
export async function choosePassword(session, password) {
  start(await call("POST", "/sessions/new-password", { body: { session, password } }));
}

/** Sign out here and, if it can be reached and the session is not over, at the user pool. */
export async function signOut() {
  const { access_token, id_token } = member();
  try {
    const headers = { Authorization: `Bearer ${id_token}` };
    await call("DELETE", "/sessions", { body: { access_token }, headers });
  } finally {
    end();
  }
}

/** A request of a public route; `query` without the values that are "", null or undefined. */
export async function call(method, path, { body, query, key, headers = {} } = {}) {
  const { api } = await configuration();
  const url = new URL(api + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return request(method, url, { body, key, headers });
}

/**
 * A request in the name of who is signed in; each POST has a key of its own unless one is given. One
 * that comes too late for the session goes on with new tokens, or waits until somebody has signed in
 * again.
 */
export async function signed(method, path, options = {}) {
  const key = options.key ?? (method === "POST" ? newKey() : undefined);
  for (let refused = 0; ; refused += 1) {
    const headers = { ...options.headers, Authorization: `Bearer ${await idToken()}` };
    try {
      return await call(method, path, { ...options, key, headers });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401 || refused === 2) throw error;
      if (refused) expire();
      else keep({ ...member(), until: 0 });
    }
  }
}

function start(tokens) {
  const claims = claimsOf(tokens.id_token);
  const groups = claims["cognito:groups"] ?? [];
  if (!groups.some((group) => DESK.includes(group))) {
    throw new Refused(403, { type: ":forbidden", detail: "" });
  }
  keep({
    ...tokens,
    until: Date.now() + tokens.expires_in * 1000,
    subject: claims.sub,
    email: claims.email,
    name: claims.name ?? claims.email,
    groups,
  });
  tell("session");
}

function claimsOf(token) {
  const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))));
}

function keep(session) {
  sessionStorage.setItem(NAME, JSON.stringify(session));
}

function end() {
  sessionStorage.removeItem(NAME);
  tell("session");
}

/** Who it was stays known, so that the page they work on stays. */
function expire() {
  keep({ ...member(), until: 0, refresh_token: "" });
}

const unauthenticated = () => new Refused(401, { type: ":unauthenticated", detail: "" });

async function idToken() {
  const session = member();
  if (!session) throw unauthenticated();
  if (session.until - EARLY > Date.now()) return session.id_token;
  renewing ??= renew(session).finally(() => (renewing = null));
  await renewing;
  return member().id_token;
}

async function renew(session) {
  if (session.refresh_token) {
    try {
      const body = { refresh_token: session.refresh_token };
      const tokens = await call("POST", "/sessions/refresh", { body });
      keep({ ...session, ...tokens, until: Date.now() + tokens.expires_in * 1000 });
      return;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      expire();
    }
  }
  asking ??= ask().finally(() => (asking = null));
  await asking;
}
