"""From the card that a call names to the payment method and what our table says it will do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from infra.local.stripe import cards
from infra.local.stripe.account import merge_metadata
from infra.local.stripe.errors import Json, invalid, missing
from infra.local.stripe.intents import PresentedCard


def presented(params: Json, new_id: Callable[[str], str], now: datetime) -> PresentedCard | None:
    """The card in `payment_method_data` or a ready-made `payment_method` (docs.stripe.com/testing).

    None when neither is there. Raises Refusal for what is no test card or no longer valid.
    """
    if data := params.get("payment_method_data"):
        return _from_data(data if isinstance(data, dict) else {}, new_id, now)
    reference = str(params.get("payment_method") or "")
    if not reference:
        return None
    name = reference.removeprefix("pm_card_")
    if name == reference or name not in cards.NAMED:
        raise missing("PaymentMethod", reference)
    card = {"number": cards.NAMED[name], "exp_month": "12", "exp_year": str(now.year + 3)}
    return _from_data({"type": "card", "card": card}, new_id, now)


def _from_data(data: Json, new_id: Callable[[str], str], now: datetime) -> PresentedCard:
    if data.get("type") != "card":
        raise invalid("Only cards can be paid with here.", param="type")
    card = data.get("card")
    if not isinstance(card, dict):
        raise invalid("Missing required param: card.", code="parameter_missing", param="card")
    number = str(card.get("number", "")).replace(" ", "")
    behaviour = cards.behaviour(number)
    month, year = str(card.get("exp_month", "")), str(card.get("exp_year", ""))
    cards.check_expiry(month, year, now_year=now.year, now_month=now.month)
    method: Json = {
        "id": new_id("pm"),
        "object": "payment_method",
        "type": "card",
        "created": int(now.timestamp()),
        "livemode": False,
        "customer": None,
        "metadata": {},
        "billing_details": data.get("billing_details", {}),
        "card": {
            "brand": cards.brand(number),
            "last4": number[-4:],
            "exp_month": int(month),
            "exp_year": int(year) + (2000 if len(year) == 2 else 0),
            "country": "US",
            "funding": "credit",
        },
    }
    merge_metadata(method, data.get("metadata"))
    return PresentedCard(method, behaviour)
