"""Which calls of Stripe's API there are, and what each does to the account; every answer is a copy.

Reached over HTTP in `front.py`, and in process by the simulation (infra/sim/stripe).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from infra.local.stripe import balance, customers, disputes, intents, refunds
from infra.local.stripe.account import Account
from infra.local.stripe.errors import Json, invalid, unexpected_state
from infra.local.stripe.intents import PresentedCard


class Call(NamedTuple):
    """`name` is the SDK's, `does` the method of Endpoints; `presents`: a card may come with it, by
    a browser, too, where `public`."""

    name: str
    does: str
    presents: bool = False
    public: bool = False


CALLS: Mapping[str, Call] = {
    "POST payment_intents": Call("PaymentIntentCreate", "create", presents=True),
    "GET payment_intents": Call("PaymentIntentList", "list_intents"),
    "GET payment_intents/*": Call("PaymentIntentRetrieve", "read_intent", public=True),
    "POST payment_intents/*": Call("PaymentIntentUpdate", "update"),
    "POST payment_intents/*/confirm": Call("PaymentIntentConfirm", "pay", True, public=True),
    "POST payment_intents/*/capture": Call("PaymentIntentCapture", "capture"),
    "POST payment_intents/*/cancel": Call("PaymentIntentCancel", "cancel"),
    "POST customers": Call("CustomerCreate", "create_customer"),
    "GET customers/*": Call("CustomerRetrieve", "read_customer"),
    "DELETE customers/*": Call("CustomerDelete", "delete_customer"),
    "POST refunds": Call("RefundCreate", "refund"),
    "GET refunds": Call("RefundList", "list_refunds"),
    "GET refunds/*": Call("RefundRetrieve", "read_refund"),
    "GET charges/*": Call("ChargeRetrieve", "read_charge"),
    "GET disputes": Call("DisputeList", "list_disputes"),
    "GET disputes/*": Call("DisputeRetrieve", "read_dispute"),
    "POST disputes/*": Call("DisputeUpdate", "answer_dispute"),
    "POST disputes/*/close": Call("DisputeClose", "close_dispute"),
    "GET balance_transactions": Call("BalanceTransactionList", "list_transactions"),
    "GET balance_transactions/*": Call("BalanceTransactionRetrieve", "read_transaction"),
    "GET payouts": Call("PayoutList", "list_payouts"),
    "GET payouts/*": Call("PayoutRetrieve", "read_payout"),
    "GET events": Call("EventList", "list_events"),
    "GET events/*": Call("EventRetrieve", "read_event"),
}
"""By method and path below /v1; `*` stands for an id."""


class Bank(Protocol):
    """Where customers authenticate."""

    def url(self, reference: str) -> str:
        """The page for a payment."""
        ...

    def open(self, reference: str, card: PresentedCard, return_url: str) -> None:
        """Wait for the customer, whose browser goes on to `return_url`."""
        ...


@dataclass(slots=True)
class Endpoints:
    """The calls on one account: each takes the id in the path and the parameters, and those that
    present a card that card or None. `cards` holds what a payment was created with."""

    account: Account
    bank: Bank
    cards: dict[str, PresentedCard] = field(default_factory=dict)

    def create(self, _: str, params: Json, card: PresentedCard | None) -> Json:
        """A new payment, with `confirm` charged at once."""
        if params.get("confirm") == "true" and card is None:
            raise invalid("A payment method is needed to confirm.", param="payment_method")
        if params.get("off_session") == "true" and params.get("confirm") != "true":
            raise invalid("off_session can only be used with confirm.", param="off_session")
        intent = intents.create(self.account, params)
        if card:
            self.cards[intent["id"]] = card
            intent |= {"status": "requires_confirmation"}
            intent |= {"payment_method": card.payment_method["id"]}
        if card and params.get("off_session") == "true":
            intents.confirm_without_holder(self.account, intent, card)
        elif params.get("confirm") == "true":
            return self.pay(intent["id"], {"return_url": params.get("return_url", "")}, card)
        return self._shown(intent, params)

    def pay(self, reference: str, params: Json, card: PresentedCard | None) -> Json:
        """Charge the card presented now or at creation, or ask for 3-D Secure."""
        intent = self.account.get("payment_intent", reference)
        card = card or self.cards.get(reference)
        if card is None:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise unexpected_state(self.account.expanded(intent, None), message)
        return_url = params.get("return_url", "")
        if return_url and not return_url.startswith(("http://", "https://")):
            raise invalid("Invalid URL", code="url_invalid", param="return_url")
        intents.confirm(self.account, intent, card, self.bank.url(reference), return_url)
        if intent["status"] == "requires_action":
            self.bank.open(reference, card, return_url)
        return self._shown(intent, params)

    def create_customer(self, _: str, params: Json) -> Json:
        """A new customer."""
        return self._shown(customers.create(self.account, params), params)

    def read_customer(self, reference: str, params: Json) -> Json:
        """One customer, deleted or not."""
        return self._shown(self.account.get("customer", reference), params)

    def delete_customer(self, reference: str, params: Json) -> Json:
        """Forget a customer and the cards kept for them."""
        return self._shown(customers.delete(self.account, reference), params)

    def update(self, reference: str, params: Json) -> Json:
        """Change metadata, description or an amount not paid yet."""
        intent = self.account.get("payment_intent", reference)
        return self._shown(intents.update(self.account, intent, params), params)

    def capture(self, reference: str, params: Json) -> Json:
        """Take money from the hold."""
        intent = self.account.get("payment_intent", reference)
        return self._shown(intents.capture(self.account, intent, params), params)

    def cancel(self, reference: str, params: Json) -> Json:
        """Give the payment up and release its hold."""
        intent = self.account.get("payment_intent", reference)
        return self._shown(intents.cancel(self.account, intent, params), params)

    def refund(self, _: str, params: Json) -> Json:
        """Give money back."""
        return self._shown(refunds.create(self.account, params), params)

    def answer_dispute(self, reference: str, params: Json) -> Json:
        """Evidence in a dispute."""
        dispute = self.account.get("dispute", reference)
        return self._shown(disputes.update(self.account, dispute, params), params)

    def close_dispute(self, reference: str, params: Json) -> Json:
        """Give a dispute up."""
        dispute = self.account.get("dispute", reference)
        return self._shown(disputes.close(self.account, dispute), params)

    def read_intent(self, reference: str, params: Json) -> Json:
        """One payment."""
        return self._shown(self.account.get("payment_intent", reference), params)

    def read_refund(self, reference: str, params: Json) -> Json:
        """One refund."""
        return self._shown(self.account.get("refund", reference), params)

    def read_charge(self, reference: str, params: Json) -> Json:
        """One charge."""
        return self._shown(self.account.get("charge", reference), params)

    def read_dispute(self, reference: str, params: Json) -> Json:
        """One dispute."""
        return self._shown(self.account.get("dispute", reference), params)

    def read_transaction(self, reference: str, params: Json) -> Json:
        """One movement of the balance."""
        balance.settle(self.account)
        return self._shown(self.account.get("balance_transaction", reference), params)

    def read_payout(self, reference: str, params: Json) -> Json:
        """One payout."""
        return self._shown(self.account.get("payout", reference), params)

    def read_event(self, reference: str, params: Json) -> Json:
        """One event."""
        return self._shown(self.account.get("event", reference), params)

    def list_intents(self, _: str, params: Json) -> Json:
        """A page of payments, newest first."""
        return self.account.page("payment_intent", "/v1/payment_intents", params, ["customer"])

    def list_refunds(self, _: str, params: Json) -> Json:
        """A page of refunds, newest first."""
        return self.account.page("refund", "/v1/refunds", params, ["charge", "payment_intent"])

    def list_disputes(self, _: str, params: Json) -> Json:
        """A page of disputes, newest first."""
        return self.account.page("dispute", "/v1/disputes", params, ["charge", "payment_intent"])

    def list_transactions(self, _: str, params: Json) -> Json:
        """A page of the balance's movements, newest first."""
        return balance.page(self.account, params)

    def list_payouts(self, _: str, params: Json) -> Json:
        """A page of payouts, newest first."""
        return self.account.page("payout", "/v1/payouts", params, ["status"])

    def list_events(self, _: str, params: Json) -> Json:
        """A page of events, newest first."""
        return self.account.page("event", "/v1/events", params, ["type"])

    def _shown(self, subject: Json, params: Json) -> Json:
        return self.account.expanded(subject, params.get("expand"))
