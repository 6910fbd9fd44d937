// What the payment provider's own script does in a browser: card data goes to the provider only.

import { configuration } from "/common/http.js";

/** The provider's test cards, as its documentation lists them. */
export const TEST_CARDS = [
  { number: "4242424242424242", name: "succeeds" },
  { number: "4000002500003155", name: "asks" },
  { number: "4000000000000002", name: "declined" },
  { number: "4000000000009995", name: "no_funds" },
  { number: "4000000000007726", name: "refund" },
];

/**
 * Confirm the payment with a card. Answers {outcome: "paid" | "ask" | "declined", url, reason}:
 * for "ask" the browser has to go to `url`, the bank's page, which comes back to `returnUrl`.
 */
export async function confirmCard(payment, card, returnUrl) {
  const { payments } = await configuration();
  const intent = payment.client_secret.split("_secret_")[0];
  const form = new URLSearchParams({
    client_secret: payment.client_secret,
    return_url: returnUrl,
    "payment_method_data[type]": "card",
    "payment_method_data[card][number]": card.number.replace(/\s/g, ""),
    "payment_method_data[card][exp_month]": card.month,
    "payment_method_data[card][exp_year]": card.year,
    "payment_method_data[card][cvc]": card.cvc,
  });
  const answer = await fetch(`${payments}/v1/payment_intents/${intent}/confirm`, {
    method: "POST",
    headers: { Authorization: `Bearer ${payment.publishable_key}` },
    body: form,
  });
  const value = await answer.json();
  if (!answer.ok) return { outcome: "declined", reason: value.error };
  if (value.status === "requires_action") {
    return { outcome: "ask", url: value.next_action.redirect_to_url.url };
  }
  return { outcome: "paid" };
}
