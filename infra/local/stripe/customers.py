"""Customers, and the cards that they left for later payments.

A card is kept when a payment with a customer and `setup_future_usage` succeeds, and is charged
without its holder by a payment with `off_session`: docs.stripe.com/payments/save-during-payment.
"""

from __future__ import annotations

from dataclasses import replace

from infra.local.stripe.account import Account, merge_metadata
from infra.local.stripe.cards import AUTHENTICATION_REQUIRED, CardBehaviour, PresentedCard
from infra.local.stripe.errors import Json, invalid

_REFUSED = CardBehaviour("card_declined", "do_not_honor", "Your card was declined.")


def create(account: Account, params: Json) -> Json:
    """A new customer."""
    fields = ("description", "email", "name", "phone")
    made = account.add("customer", {**{name: params.get(name) for name in fields}, "metadata": {}})
    merge_metadata(made, params.get("metadata"))
    return made


def delete(account: Account, reference: str) -> Json:
    """A customer and the cards kept for them are gone; payments stay (api/customers/delete)."""
    present(account, reference)
    deleted = {"id": reference, "object": "customer", "deleted": True}
    account.objects["customer"][reference] = deleted
    kept = account.saved.items()
    account.saved = {key: c for key, c in kept if c.payment_method["customer"] != reference}
    return deleted


def present(account: Account, reference: str) -> Json:
    """A customer who was not deleted. Raises Refusal `resource_missing`."""
    found = account.objects["customer"].get(reference, {"deleted": True})
    if found.get("deleted"):
        message = f"No such customer: '{reference}'"
        raise invalid(message, code="resource_missing", param="customer")
    return found


def saved_card(account: Account, params: Json) -> PresentedCard | None:
    """The kept card that a new payment names; None when it names none, or another card.

    Raises Refusal for a card of somebody else.
    """
    card = account.saved.get(str(params.get("payment_method") or ""))
    customer = params.get("customer")
    if customer:
        present(account, str(customer))
    if card is not None and card.payment_method["customer"] != customer:
        message = "The payment method supplied belongs to a Customer. Please include the Customer."
        raise invalid(message, param="payment_method")
    return card


def keep(account: Account, intent: Json, card: PresentedCard) -> None:
    """Keep a card that has paid, if that was asked for."""
    if not (intent["customer"] and intent["setup_future_usage"]):
        return
    method = {**card.payment_method, "customer": intent["customer"]}
    set_up = intent["setup_future_usage"] == "off_session"
    account.saved[method["id"]] = replace(card, payment_method=method, set_up=set_up)


def without_holder(account: Account, card: PresentedCard) -> PresentedCard:
    """The card as it behaves when its holder is not there to authenticate."""
    if account.refusals > 0:
        account.refusals -= 1
        return replace(card, behaviour=_REFUSED)
    behaviour = card.behaviour
    if behaviour.three_d_secure and not (behaviour.unless_set_up and card.set_up):
        return replace(card, behaviour=AUTHENTICATION_REQUIRED)
    return replace(card, behaviour=replace(behaviour, three_d_secure=False))
