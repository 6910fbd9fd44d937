// The orders that this tab has open at the API, each with the token that opens it for a while.

import { tell } from "/common/state.js";

const NAME = "parcelway.desk.drafts";

/** [{id, token, grant, until, title, channel}], the one begun last first. */
export function drafts() {
  return JSON.parse(sessionStorage.getItem(NAME)) ?? [];
}

/** The one with an id, or null. */
export const draft = (id) => drafts().find((each) => each.id === id) ?? null;

/** Keep what `POST /staff/carts` or a grant answered. */
export function hold(answer, title, channel) {
  const entry = {
    id: answer.order.id,
    token: answer.cart_token,
    grant: answer.grant,
    until: Date.parse(answer.expires_at),
    title,
    channel,
  };
  write([entry, ...drafts().filter((each) => each.id !== entry.id)]);
  return entry;
}

/** Forget one: it was placed, or is somebody else's business from now on. */
export const drop = (id) => write(drafts().filter((each) => each.id !== id));

/** Forget all. */
export const dropAll = () => write([]);

function write(entries) {
  sessionStorage.setItem(NAME, JSON.stringify(entries));
  tell("drafts");
}
