"""Which calls of Stripe's API there are, and what each does to the account.

The state machine itself is the stand-in's (`intents.py`, `refunds.py`); every answer is a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from infra.local.stripe import intents, refunds
from infra.local.stripe.errors import Json, invalid, unexpected_state
from infra.local.stripe.intents import PresentedCard
from infra.sim.stripe.account import VirtualAccount
from infra.sim.stripe.wallet import presented

_BANK = "https://bank.example/3ds"

# "POST payment_intents/*/capture" -> (the SDK's name of the call, the method of Endpoints)
ROUTES = {
    "POST payment_intents": ("PaymentIntentCreate", "create"),
    "GET payment_intents": ("PaymentIntentList", "list_intents"),
    "GET payment_intents/*": ("PaymentIntentRetrieve", "read_intent"),
    "POST payment_intents/*": ("PaymentIntentUpdate", "update"),
    "POST payment_intents/*/confirm": ("PaymentIntentConfirm", "pay"),
    "POST payment_intents/*/capture": ("PaymentIntentCapture", "capture"),
    "POST payment_intents/*/cancel": ("PaymentIntentCancel", "cancel"),
    "POST refunds": ("RefundCreate", "refund"),
    "GET refunds": ("RefundList", "list_refunds"),
    "GET refunds/*": ("RefundRetrieve", "read_refund"),
    "GET charges/*": ("ChargeRetrieve", "read_charge"),
    "GET events": ("EventList", "list_events"),
    "GET events/*": ("EventRetrieve", "read_event"),
}


def route(method: str, path: str) -> tuple[str, str]:
    """The key of ROUTES for a request, found there or not, and the id in its path or ''."""
    version, _, rest = path.lstrip("/").partition("/")
    parts = rest.split("/")
    reference = parts[1] if len(parts) > 1 else ""
    if reference:
        parts[1] = "*"
    return (f"{method} {'/'.join(parts)}" if version == "v1" else "", reference)


@dataclass(slots=True)
class Endpoints:
    """The calls on one account: each takes the id in the path and the parameters.

    By intent: `cards` holds what it was created with, `challenged` what is or was to be
    authenticated, `captures` the amounts taken, in order. `new_id` names payment methods, which
    nobody looks up again.
    """

    account: VirtualAccount
    now: Callable[[], datetime]
    new_id: Callable[[str], str]
    cards: dict[str, PresentedCard] = field(default_factory=dict)
    challenged: dict[str, PresentedCard] = field(default_factory=dict)
    captures: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def create(self, _: str, params: Json) -> Json:
        """A new payment, with `confirm` charged at once. Customers are none of this provider's."""
        card = self._presented(params)
        if customer := params.get("customer"):
            message = f"No such customer: '{customer}'"
            raise invalid(message, code="resource_missing", param="customer")
        if params.get("confirm") == "true" and card is None:
            raise invalid("A payment method is needed to confirm.", param="payment_method")
        intent = intents.create(self.account, params)
        if card:
            self.cards[intent["id"]] = card
            intent |= {"status": "requires_confirmation"}
            intent |= {"payment_method": card.payment_method["id"]}
        if params.get("confirm") == "true":
            return self.pay(intent["id"], {"return_url": params.get("return_url", "")})
        return self.account.expanded(intent, params.get("expand"))

    def pay(self, reference: str, params: Json) -> Json:
        """Charge the card presented now or at creation, or ask for 3-D Secure."""
        intent = self.account.get("payment_intent", reference)
        card = self._presented(params) or self.cards.get(reference)
        if card is None:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise unexpected_state(self.account.expanded(intent, None), message)
        return_url = params.get("return_url", "")
        if return_url and not return_url.startswith(("http://", "https://")):
            raise invalid("Invalid URL", code="url_invalid", param="return_url")
        intents.confirm(self.account, intent, card, f"{_BANK}/{reference}", return_url)
        if intent["status"] == "requires_action":
            self.challenged[reference] = card
        self._note_capture(intent)
        return self.account.expanded(intent, params.get("expand"))

    def authenticate(self, intent: Json, passed: bool) -> None:
        """Answer the open 3-D Secure challenge of `intent`."""
        intents.authenticate(self.account, intent, self.challenged[intent["id"]], passed)
        self._note_capture(intent)

    def update(self, reference: str, params: Json) -> Json:
        """Change metadata, description or an amount not paid yet."""
        intent = self.account.get("payment_intent", reference)
        intents.update(self.account, intent, params)
        return self.account.expanded(intent, params.get("expand"))

    def capture(self, reference: str, params: Json) -> Json:
        """Take money from the hold."""
        intent = self.account.get("payment_intent", reference)
        intents.capture(self.account, intent, params)
        self._note_capture(intent)
        return self.account.expanded(intent, params.get("expand"))

    def cancel(self, reference: str, params: Json) -> Json:
        """Give the payment up and release its hold."""
        intent = self.account.get("payment_intent", reference)
        intents.cancel(self.account, intent, params)
        return self.account.expanded(intent, params.get("expand"))

    def refund(self, _: str, params: Json) -> Json:
        """Give money back."""
        return self.account.expanded(refunds.create(self.account, params), params.get("expand"))

    def read_intent(self, reference: str, params: Json) -> Json:
        """One payment."""
        return self._read("payment_intent", reference, params)

    def read_refund(self, reference: str, params: Json) -> Json:
        """One refund."""
        return self._read("refund", reference, params)

    def read_charge(self, reference: str, params: Json) -> Json:
        """One charge."""
        return self._read("charge", reference, params)

    def read_event(self, reference: str, params: Json) -> Json:
        """One event."""
        return self._read("event", reference, params)

    def list_intents(self, _: str, params: Json) -> Json:
        """A page of payments, newest first."""
        return self.account.page("payment_intent", "/v1/payment_intents", params, ["customer"])

    def list_refunds(self, _: str, params: Json) -> Json:
        """A page of refunds, newest first."""
        return self.account.page("refund", "/v1/refunds", params, ["charge", "payment_intent"])

    def list_events(self, _: str, params: Json) -> Json:
        """A page of events, newest first."""
        return self.account.page("event", "/v1/events", params, ["type"])

    def _presented(self, params: Json) -> PresentedCard | None:
        return presented(params, self.new_id, self.now())

    def _read(self, kind: str, reference: str, params: Json) -> Json:
        subject = self.account.get(kind, reference)
        return self.account.expanded(subject, params.get("expand"))

    def _note_capture(self, intent: Json) -> None:
        noted = self.captures.get(intent["id"], ())
        if moved := intent["amount_received"] - sum(noted):
            self.captures[intent["id"]] = (*noted, moved)
