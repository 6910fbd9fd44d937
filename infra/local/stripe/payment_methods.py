"""From what a client sends as a card to a payment method and its test behaviour."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from infra.local.stripe import cards
from infra.local.stripe.errors import Json, invalid, missing
from infra.local.stripe.intents import PresentedCard
from infra.local.stripe.upstream import Localstripe


@dataclass(slots=True)
class Wallet:
    """Payment methods are localstripe's; here is only which test card each of them is."""

    upstream: Localstripe
    _numbers: dict[str, str] = field(default_factory=dict)

    async def create(self, params: Json) -> Json:
        """Make a payment method of `type=card`. Raises Refusal for a card that is not a test card.

        localstripe knows fewer parameters than Stripe; the ones it does not know change nothing
        about the payment and are left out.
        """
        if params.get("type") != "card":
            raise invalid("Only cards can be paid with here.", param="type")
        card = params.get("card")
        if not isinstance(card, dict):
            raise invalid("Missing required param: card.", code="parameter_missing", param="card")
        if "token" in card:
            card = _ready_made(_named(str(card["token"]), "tok_"))
        number = str(card.get("number", "")).replace(" ", "")
        cards.behaviour(number)
        today = time.gmtime()
        month, year = str(card.get("exp_month", "")), str(card.get("exp_year", ""))
        cards.check_expiry(month, year, now_year=today.tm_year, now_month=today.tm_mon)
        method = await self.upstream.call(
            "POST",
            "/v1/payment_methods",
            {
                "type": "card",
                "card": {
                    "number": number,
                    "exp_month": month,
                    "exp_year": year,
                    "cvc": str(card.get("cvc", "123")),
                },
                "billing_details": params.get("billing_details", {}),
                "metadata": params.get("metadata", {}),
            },
        )
        self._numbers[method["id"]] = number
        return method

    async def present(self, params: Json) -> PresentedCard | None:
        """The card that `payment_method` or `payment_method_data` name, None without either."""
        if data := params.get("payment_method_data"):
            return self._presented(await self.create(data if isinstance(data, dict) else {}))
        reference = params.get("payment_method")
        if not reference:
            return None
        if str(reference).startswith("pm_card_"):
            card = _ready_made(_named(str(reference), "pm_card_"))
            return self._presented(await self.create({"type": "card", "card": card}))
        if reference not in self._numbers:
            raise missing("PaymentMethod", str(reference))
        return self._presented(await self.upstream.call("GET", f"/v1/payment_methods/{reference}"))

    def _presented(self, method: Json) -> PresentedCard:
        number = self._numbers[method["id"]]
        method["card"]["brand"] = cards.brand(number)
        return PresentedCard(method, cards.behaviour(number))


def _named(reference: str, prefix: str) -> str:
    name = reference.removeprefix(prefix)
    if not reference.startswith(prefix) or name not in cards.NAMED:
        raise missing("PaymentMethod", reference)
    return cards.NAMED[name]


def _ready_made(number: str) -> Json:
    return {"number": number, "exp_month": "12", "exp_year": str(time.gmtime().tm_year + 3)}
