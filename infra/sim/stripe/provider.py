"""Stripe's API as a function: a request in, an answer out, the events kept in order.

The calls and the rules about payments, refunds, cards, parameters and errors are the loopback
stand-in's (infra/local/stripe, each with its page of docs.stripe.com); here is what stands around
them without a socket: keys, time, the customer's browser, and what an invariant asks.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from infra.local.stripe import balance, customers, disputes, forms, intents, payouts, refunds
from infra.local.stripe.account import Account
from infra.local.stripe.endpoints import CALLS, Call, Endpoints
from infra.local.stripe.errors import Json, Refusal, invalid
from infra.local.stripe.idempotency import Answer, Keys
from infra.local.stripe.intents import PresentedCard
from infra.local.stripe.parameters import check_parameters
from infra.sim.stripe.bank import Bank
from infra.sim.stripe.views import Delivery, Event, Intent
from infra.sim.stripe.wallet import presented

_RETURN_URL = "https://shop.example/return"


def route(method: str, path: str) -> tuple[Call | None, str]:
    """The call that a request makes, None for none, and the id in its path or ''."""
    version, _, rest = path.lstrip("/").partition("/")
    parts = rest.split("/")
    reference = parts[1] if len(parts) > 1 else ""
    if reference:
        parts[1] = "*"
    return (CALLS.get(f"{method} {'/'.join(parts)}") if version == "v1" else None, reference)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a provider knows at one moment; can be restored any number of times."""

    objects: bytes
    events: tuple[Event, ...]
    keys: dict[str, Any]
    cards: dict[str, PresentedCard]
    challenged: dict[str, PresentedCard]
    captures: dict[str, tuple[int, ...]]
    bundles: dict[str, tuple[str, ...]]
    saved: dict[str, PresentedCard]
    multicapture: bool
    refusals: int


class Provider:
    """One Stripe account, called one request at a time.

    `now` is the virtual time in UTC; `new_id` makes an id from its prefix (`pi` -> `pi_...`) and
    never the same one twice. When both are repeatable, so is everything here. With `multicapture`
    False a hold allows one capture, as on accounts without that feature.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        new_id: Callable[[str], str],
        webhook_secret: str,
        *,
        multicapture: bool = True,
    ) -> None:
        self._now = now
        self._new_id = new_id
        self._secret = webhook_secret
        self._events: list[Event] = []
        self._keys = Keys(self._seconds)
        self._account = Account(self._remember, multicapture, self._seconds, new_id)
        self._bank = Bank()
        self._endpoints = Endpoints(self._account, self._bank)
        self._captures: dict[str, tuple[int, ...]] = {}  # the amounts taken by payment, in order

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None
    ) -> tuple[int, dict[str, str], str]:
        """One HTTP request to the API: the answer's status, headers and JSON text.

        Refuses what Stripe refuses: no secret key (401), unknown routes (404), unknown parameters
        (400), another request under a used key (400). A repeated key gets the first answer again
        and the header `Idempotent-Replayed` (docs.stripe.com/api/idempotent_requests).
        """
        sent = {name.lower(): value for name, value in headers.items()}
        answered = {"Content-Type": "application/json", "Request-Id": self._new_id("req")}
        try:
            answer, replayed = self._answer(method.upper(), url, sent, body or "")
        except Refusal as refusal:
            answer, replayed = Answer(refusal.status, refusal.body), False
        if replayed:
            answered["Idempotent-Replayed"] = "true"
        return answer.status, answered, json.dumps(answer.body)

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: str
    ) -> tuple[Answer, bool]:
        if not headers.get("authorization", "").startswith("Bearer sk_"):
            raise invalid("Invalid API Key provided", status=401)
        parts = urlsplit(url)
        call, reference = route(method, parts.path)
        if call is None:
            raise invalid(f"Unrecognized request URL ({method}: {parts.path}).", status=404)
        params = forms.parse(body or parts.query)
        check_parameters(call.name, params)
        key = headers.get("idempotency-key", "") if method == "POST" else ""
        if key:
            fingerprint = json.dumps([parts.path, params], sort_keys=True)
            if first := self._keys.begin(key, fingerprint):
                return first, True
        answer = None
        try:
            answer = self._executed(call, reference, params)
        finally:
            if key:
                self._keys.end(key, answer)
        return answer, False

    def _executed(self, call: Call, reference: str, params: Json) -> Answer:
        intents.expire_holds(self._account)
        try:
            return Answer(200, self._called(call, reference, params))
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body, refusal.executed)

    def _called(self, call: Call, reference: str, params: Json) -> Json:
        if call.does == "capture" and self._bank.declines:
            self._bank.declines -= 1
            error = {"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor"}
            raise Refusal(402, {**error, "message": "Your card was declined."})
        does = getattr(self._endpoints, call.does)
        if not call.presents:
            answer: Json = does(reference, params)
        else:
            if reference:
                self._account.get("payment_intent", reference)
            card = customers.saved_card(self._account, params)
            card = card or presented(params, self._new_id, self._now())
            answer = does(reference, params, card)
        if answer["object"] == "payment_intent":
            self._note_capture(answer)
        return answer

    # the customer and the bank

    def confirm(
        self, client_secret: str, card: str = "4242424242424242", authenticate: bool | None = True
    ) -> str:
        """Pay like Stripe.js with a test card; the payment's status afterwards.

        If the bank wants 3-D Secure, `authenticate` answers it, None leaves it unanswered. A
        decline is no exception, nor is a payment that is already past this. Raises Refusal for a
        number that is no test card and for a wrong secret.
        """
        intents.expire_holds(self._account)
        intent = self._by_secret(client_secret)
        expiry = {"exp_month": "12", "exp_year": str(self._now().year + 8)}
        method = {"type": "card", "card": {"number": card, **expiry, "cvc": "123"}}
        params = {"payment_method_data": method, "return_url": _RETURN_URL}
        try:
            self._called(CALLS["POST payment_intents/*/confirm"], intent["id"], params)
        except Refusal as refusal:
            if "payment_intent" not in refusal.body["error"]:
                raise
        if authenticate is not None:
            return self.authenticate(client_secret, authenticate)
        return str(intent["status"])

    def authenticate(self, client_secret: str, passed: bool) -> str:
        """Answer an open 3-D Secure challenge; the payment's status afterwards.

        Without one nothing changes, like the second press of the button at the bank.
        """
        intent = self._by_secret(client_secret)
        if intent["status"] == "requires_action":
            card = self._bank.challenged[intent["id"]]
            self._note_capture(intents.authenticate(self._account, intent, card, passed))
        return str(intent["status"])

    def lapse(self, reference: str) -> None:
        """Let a hold lapse now (docs.stripe.com/payments/place-a-hold-on-a-payment-method).

        By itself that happens seven days after the confirmation. Nothing happens without a hold.
        """
        intents.expire_holds(self._account)
        intent = self._account.get("payment_intent", reference)
        if intent["status"] == "requires_capture":
            charge = self._account.get("charge", intent["latest_charge"])
            charge["payment_method_details"]["card"]["capture_before"] = self._account.now()
            intents.expire_holds(self._account)

    def forget(self, reference: str) -> None:
        """Have a payment be gone, as if this were another account."""
        del self._account.objects["payment_intent"][reference]

    def decline_captures(self, times: int) -> None:
        """The bank says no to the next captures, each under a key of its own; the holds stay."""
        self._bank.declines = times

    def allow_one_capture(self) -> None:
        """From now on a hold ends with its first capture, as on accounts without multicapture."""
        self._account.multicapture = False

    def decline_off_session(self, times: int) -> None:
        """The bank says no to the next charges of a kept card without its holder."""
        self._account.refusals = times

    def pay_out(self) -> list[str]:
        """The day's payouts, one for each currency: their ids."""
        return [payout["id"] for payout in payouts.pay_out(self._account)]

    def fail_payout(self, reference: str) -> None:
        """The shop's bank sends a payout back."""
        payouts.fail(self._account, reference)

    def charge_fee(self, amount: int, currency: str) -> None:
        """Take a fee that is for no payment."""
        balance.charge_fee(self._account, amount, currency, "Radar for Fraud Teams")

    def set_pricing(self, **prices: object) -> None:
        """Change what the account pays and settles in: the fields of `pricing.Pricing`."""
        self._account.pricing = self._account.pricing.changed(dict(prices))

    def dispute(self, reference: str, **details: object) -> str:
        """The cardholder disputes a payment (`amount`, `reason`, `inquiry`); the dispute's id."""
        made = disputes.of_payment(self._account, {"payment": reference, **details})
        return str(made["id"])

    def end_dispute(self, reference: str, *, won: bool) -> None:
        """The customer's bank has decided a dispute."""
        disputes.end(self._account, self._account.get("dispute", reference), won=won)

    def fail_refund(self, reference: str) -> None:
        """The customer's bank sends a refund back (docs.stripe.com/refunds#failed-refunds)."""
        refunds.fail(self._account, reference)

    # what the simulation asks

    @property
    def events(self) -> list[Event]:
        """Every event so far, oldest first, those of holds that have lapsed by now included."""
        intents.expire_holds(self._account)
        return list(self._events)

    def delivery(self, event: Event) -> Delivery:
        """The webhook that tells of `event`."""
        return Delivery(event.id, json.dumps(event.payload).encode(), self._secret)

    def signed(self, event: Event, now: datetime) -> tuple[dict[str, str], bytes]:
        """The headers and body of the webhook of `event`, sent at `now`."""
        delivery = self.delivery(event)
        return delivery.sign(now), delivery.body

    def intents_of(self, order_id: str) -> list[Intent]:
        """Every payment made for an order, by its metadata `order_id`, oldest first."""
        intents.expire_holds(self._account)
        return [
            self._truth(intent, order_id)
            for intent in self._account.objects["payment_intent"].values()
            if intent["metadata"].get("order_id") == order_id
        ]

    def kept_cards(self, order_id: str) -> list[str]:
        """The cards that are kept for an order and could be charged without their holder."""
        customers = self._account.objects["customer"]
        ours = {
            name
            for name, customer in customers.items()
            if customer.get("metadata", {}).get("order_id") == order_id
        }
        kept = self._account.saved.items()
        return [card for card, held in kept if held.payment_method["customer"] in ours]

    def make_by_hand(self, order_id: str, attempt: int, amount: int, deployment: str) -> str:
        """Somebody has a card pay for an order with the provider, and marks it as the shop does;
        the payment. Its money is held."""
        values: Json = {
            "amount": amount,
            "currency": "usd",
            "capture_method": "manual",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": _RETURN_URL,
            "metadata": {
                "order_id": order_id,
                "attempt": str(attempt),
                "deployment": deployment,
            },
        }
        url, headers = "https://api.stripe.com/v1/payment_intents", {"Authorization": "Bearer sk_x"}
        status, _, body = self.request("POST", url, headers, forms.encode(values))
        if status != 200:
            raise ValueError(body)
        return str(json.loads(body)["id"])

    def snapshot(self) -> Snapshot:
        """Everything as it is now. Time and ids are the caller's to keep."""
        changing = {name: kept for name, kept in self._account.objects.items() if name != "event"}
        return Snapshot(
            objects=pickle.dumps(changing),
            events=tuple(self._events),
            keys=dict(self._keys.seen),
            cards=dict(self._endpoints.cards),
            challenged=dict(self._bank.challenged),
            captures=dict(self._captures),
            bundles={payout: tuple(made) for payout, made in self._account.bundles.items()},
            saved=dict(self._account.saved),
            multicapture=self._account.multicapture,
            refusals=self._account.refusals,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Be as at `snapshot`."""
        objects = pickle.loads(snapshot.objects)
        objects["event"] = {event.id: event.payload for event in snapshot.events}
        self._account.objects = objects
        self._events = list(snapshot.events)
        self._keys = Keys(self._seconds, dict(snapshot.keys))
        self._endpoints.cards = dict(snapshot.cards)
        self._bank.challenged = dict(snapshot.challenged)
        self._captures = dict(snapshot.captures)
        self._account.saved = dict(snapshot.saved)
        self._account.multicapture = snapshot.multicapture
        self._account.refusals = snapshot.refusals
        self._account.bundles = {payout: list(made) for payout, made in snapshot.bundles.items()}

    def _seconds(self) -> float:
        return self._now().timestamp()

    def _note_capture(self, intent: Json) -> None:
        noted = self._captures.get(intent["id"], ())
        if moved := intent["amount_received"] - sum(noted):
            self._captures[intent["id"]] = (*noted, moved)

    def _remember(self, payload: Json) -> None:
        subject = payload["data"]["object"]
        kept = Event(payload["id"], payload["type"], payload["created"], subject, payload)
        self._events.append(kept)

    def _by_secret(self, client_secret: str) -> Json:
        intent = self._account.get("payment_intent", client_secret.partition("_secret_")[0])
        if intent["client_secret"] != client_secret:
            message = "The client_secret provided does not match this PaymentIntent's."
            code = "payment_intent_invalid_parameter"
            raise invalid(message, code=code, param="client_secret")
        return intent

    def _truth(self, intent: Json, order_id: str) -> Intent:
        charge = self._account.objects["charge"].get(intent["latest_charge"] or "")
        made = self._account.objects["refund"].values()
        ours = (refund for refund in made if refund["payment_intent"] == intent["id"])
        return Intent(
            reference=intent["id"],
            order_id=order_id,
            status=intent["status"],
            currency=intent["currency"],
            amount=intent["amount"],
            capturable=intent["amount_capturable"],
            captured=intent["amount_received"],
            refunded=charge["amount_refunded"] if charge else 0,
            captures=self._captures.get(intent["id"], ()),
            refunds=tuple(r["amount"] for r in ours if r["status"] != "failed"),
        )
