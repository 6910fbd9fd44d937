"""The simulated provider against the loopback stand-in: the same calls, the same answers.

Both get the same random sequences through the real SDK. Compared are the outcome of each call
(the whole answer or the whole error), and in the end every event, with ids and times left out.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
import stripe

from infra.local.patching import Patches
from infra.local.stripe import client
from infra.local.stripe.client import StandIn, Unanswered
from infra.local.stripe.errors import Refusal
from infra.sim.stripe.provider import Provider
from infra.sim.stripe.transport import installed
from tests.sim.stripe_calls import RETURN_URL, Json, Step, draw

SEQUENCES = [*((seed, True) for seed in range(10)), *((seed, False) for seed in range(10, 13))]


# who is called


class Other(Protocol):
    """What the two providers can do beside the API."""

    def confirm(self, client_secret: str, card: str, authenticate: bool | None) -> str: ...
    def travel(self, by: timedelta) -> None: ...
    def fail_refund(self, refund: str) -> None: ...


@dataclass
class Side:
    """One provider through the SDK, and what was made there."""

    sdk: stripe.StripeClient
    other: Other
    intents: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    refunds: list[str] = field(default_factory=list)

    def take(self, step: Step) -> Json:
        """Make the call; its outcome as JSON, whatever it is."""
        try:
            return self._call(step)
        except stripe.StripeError as error:
            assert error.json_body, error
            return {type(error).__name__: error.http_status, "body": error.json_body}
        except (Unanswered, Refusal) as error:
            return {"refused": str(error)}

    def _call(self, step: Step) -> Json:
        intent = self.intents[step.intent % len(self.intents)] if self.intents else "pi_none"
        if step.kind == "browser":
            secret = self.secrets.get(intent, "pi_none_secret_none")
            return {"status": self.other.confirm(secret, **step.params)}
        if step.kind == "travel":
            self.other.travel(timedelta(**step.params))
            return {}
        if step.kind == "fail_refund":
            self.other.fail_refund(
                self.refunds[step.intent % len(self.refunds)] if self.refunds else "re_none"
            )
            return {}
        answer = self._through_sdk(step, intent)
        if step.kind == "create":
            self.intents.append(answer["id"])
            self.secrets[answer["id"]] = answer["client_secret"]
        if step.kind == "refund":
            self.refunds.append(answer["id"])
        return answer

    def _through_sdk(self, step: Step, intent: str) -> Json:
        payments: Any = self.sdk.v1.payment_intents
        refunds: Any = self.sdk.v1.refunds
        if step.kind == "refunds":
            listed = refunds.list({"payment_intent": intent, **step.params})
            return {"all": [refund.to_dict() for refund in listed.auto_paging_iter()]}
        if step.kind == "payments":
            first = payments.retrieve(self.intents[0]).created if self.intents else 0
            query = {"created": {"gte": first}, "starting_after": intent, **step.params}
            listed = payments.list(query)
            made = [each.to_dict() for each in listed.auto_paging_iter()]
            return {"all": [each for each in made if each["id"] in self.intents]}
        if step.kind == "read":
            return _body(payments.retrieve(intent, step.params))
        options = {"idempotency_key": step.key}
        if step.kind == "create":
            return _body(payments.create(step.params, options))
        if step.kind == "refund":
            return _body(refunds.create({"payment_intent": intent, **step.params}, options))
        return _body(getattr(payments, step.kind)(intent, step.params, options))

    def events(self, known: set[str]) -> list[Json]:
        """What happened since to our payments, oldest first; `known` grows by all there was."""
        fresh: list[Json] = []
        for event in self.sdk.v1.events.list({"limit": 100}).auto_paging_iter():
            if event.id in known:
                break
            known.add(event.id)
            fresh.append(event.to_dict())
        ours = set(self.intents)
        return [
            {"type": event["type"], "data": event["data"]}
            for event in fresh[::-1]
            if {event["data"]["object"]["id"], event["data"]["object"].get("payment_intent")} & ours
        ]


def _body(answer: Any) -> Json:
    body: Json = answer.last_response.data
    return body


@dataclass
class Loopback:
    """The stand-in, as Other."""

    standin: StandIn

    def confirm(self, client_secret: str, card: str, authenticate: bool | None) -> str:
        shown = self.standin.confirm(client_secret, card, authenticate, RETURN_URL)
        return str(shown["status"])

    def travel(self, by: timedelta) -> None:
        self.standin.travel(by)

    def fail_refund(self, refund: str) -> None:
        self.standin.fail_refund(refund)


@dataclass
class Simulated:
    """The provider, as Other."""

    multicapture: bool
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.provider = Provider(
            lambda: self.moment,
            lambda prefix: f"{prefix}_{next(self.numbers)}",
            "whsec_sim",
            multicapture=self.multicapture,
        )
        self.confirm = self.provider.confirm
        self.fail_refund = self.provider.fail_refund

    def travel(self, by: timedelta) -> None:
        self.moment += by


@contextmanager
def simulated(multicapture: bool) -> Iterator[Side]:
    world, patches = Simulated(multicapture), Patches()
    installed(world.provider, patches)
    try:
        sdk = stripe.StripeClient("sk_test_sim", http_client=stripe.RequestsClient())
        yield Side(sdk, world)
    finally:
        patches.undo()


# what is compared

_ID = re.compile(r"(?<![a-z_])(pi|ch|re|pm|txn|po|du|evt)_[0-9A-Za-z]+(?:_secret_[0-9A-Za-z]+)?")
# localstripe's payment methods have more fields than ours; what a decline is about is the card. It
# lets every card be French, where those of docs.stripe.com/testing used here are of the US.
_CARD = ("brand", "last4", "funding")
_VOLATILE = (
    *("created", "canceled_at", "exp_year", "country"),
    *("available_on", "arrival_date", "due_by"),
)


def plain(outcomes: list[Json]) -> list[Json]:
    """Outcomes with ids numbered in order of appearance, and without times and addresses."""
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"{found[1]}#{len(names)}")

    text = json.dumps([_without(outcome) for outcome in outcomes], sort_keys=True)
    result: list[Json] = json.loads(_ID.sub(name, text))
    return result


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("object") == "payment_method":
        return {"id": value["id"], **{name: value["card"].get(name) for name in _CARD}}
    kept = {name: _without(item) for name, item in value.items()}
    if value.get("object") == "charge":
        _count_hold(kept, value["created"])
    for volatile in _VOLATILE:
        if kept.get(volatile) is not None:
            kept[volatile] = "set"
    if "redirect_to_url" in kept:
        kept["redirect_to_url"].pop("url")
    return kept


def _count_hold(charge: Json, created: int) -> None:
    """Put in hours how long the charge's hold lasts: the clocks differ, and seconds may pass."""
    card = charge["payment_method_details"]["card"]
    if "capture_before" in card:
        card["capture_before"] = f"{round((card['capture_before'] - created) / 3600)} hours"


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            yield from differences(
                one.get(name, "absent"), other.get(name, "absent"), f"{path}.{name}"
            )
    elif one != other:
        yield f"{path}: {one!r} there, {other!r} here"


@pytest.fixture(scope="module")
def loopbacks() -> Iterator[dict[bool, tuple[StandIn, set[str]]]]:
    """A stand-in with and one without multicapture, and the events already seen there."""
    with client.start() as several, client.start(multicapture=False) as one:
        yield {True: (several, set()), False: (one, set())}


@pytest.mark.parametrize(("seed", "multicapture"), SEQUENCES)
def test_both_providers_answer_alike(
    loopbacks: dict[bool, tuple[StandIn, set[str]]], seed: int, multicapture: bool
) -> None:
    standin, known = loopbacks[multicapture]
    steps = draw(seed)
    http = stripe.RequestsClient()
    sdk = stripe.StripeClient(
        standin.secret_key, base_addresses={"api": standin.api_base}, http_client=http
    )
    theirs = Side(sdk, Loopback(standin))
    expected = plain([*map(theirs.take, steps), *theirs.events(known)])
    with simulated(multicapture) as ours:
        happened = plain([*map(ours.take, steps), *ours.events(set())])
    for step, one, other in itertools.zip_longest(steps, expected, happened):
        assert not (found := list(differences(one, other))), f"seed {seed}: {step}: {found}"


def settled(
    side: Side, desk: StandIn | Provider, travel: Callable[[timedelta], None]
) -> list[Json]:
    """A week of charges, refunds, disputes, fees and payouts; all that is told of them."""
    desk.set_pricing(tax=700, rates={"jpy": ["usd", "0.0067"]})
    made: list[Json] = []
    cards = ("4242424242424242", "4000000000000077", "4000000000000259", "4000000000001976")
    for number, card in enumerate(cards):
        currency = "jpy" if card.endswith("77") else "usd"
        create = Step("create", {"amount": 5000, "currency": currency}, f"settled-{number}")
        browser = Step("browser", {"card": card, "authenticate": None}, "", -1)
        made += [side.take(create), side.take(browser)]
    made.append(side.take(Step("refund", {"amount": 900}, "settled-refund", 0)))
    desk.charge_fee(40, "usd")
    first = desk.pay_out()
    desk.end_dispute(desk.dispute(side.intents[0], amount=700, reason="duplicate"), won=True)
    travel(timedelta(days=3))
    second = desk.pay_out()
    desk.fail_payout(second[0])
    for call, query in (
        *((side.sdk.v1.balance_transactions, {"payout": payout}) for payout in first + second),
        (side.sdk.v1.disputes, {"payment_intent": side.intents[2]}),
        (side.sdk.v1.payouts, {"limit": 2}),
    ):
        made += [each.to_dict() for each in call.list(query).auto_paging_iter()]
    return made


def test_both_settle_alike() -> None:
    with client.start() as standin:
        http = stripe.RequestsClient()
        sdk = stripe.StripeClient(
            standin.secret_key, base_addresses={"api": standin.api_base}, http_client=http
        )
        there = Side(sdk, Loopback(standin))
        expected = plain([*settled(there, standin, standin.travel), *there.events(set())])
    with simulated(True) as here:
        assert isinstance(here.other, Simulated)
        provider = here.other.provider
        happened = plain([*settled(here, provider, here.other.travel), *here.events(set())])
    assert len(happened) > 40
    for one, other in itertools.zip_longest(expected, happened):
        assert not (found := list(differences(one, other))), found


def test_the_sequences_reach_every_rule() -> None:
    outcomes: list[Json] = []
    events: list[Json] = []
    for seed, multicapture in SEQUENCES:
        with simulated(multicapture) as side:
            outcomes += map(side.take, draw(seed))
            events += side.events(set())
    errors = [outcome["body"]["error"] for outcome in outcomes if "body" in outcome]
    assert {(error.get("code"), error.get("decline_code")) for error in errors} >= {
        ("card_declined", "generic_decline"),
        ("amount_too_small", None),
        ("amount_too_large", None),
        ("parameter_unknown", None),
        ("invalid_expiry_month", None),
        ("invalid_expiry_year", None),
        ("parameter_invalid_integer", None),
        ("url_invalid", None),
        ("resource_missing", None),
        ("payment_intent_unexpected_state", None),
        ("charge_already_refunded", None),
    }
    assert {(error["type"], error.get("param")) for error in errors} >= {
        ("idempotency_error", None),
        ("invalid_request_error", "final_capture"),
        ("invalid_request_error", "expand"),
        ("invalid_request_error", "amount"),
        ("invalid_request_error", "cancellation_reason"),
        ("invalid_request_error", "metadata"),
        ("invalid_request_error", "limit"),
    }
    assert {event["type"] for event in events} == {
        *("payment_intent.created", "payment_intent.requires_action"),
        *("payment_intent.amount_capturable_updated", "payment_intent.succeeded"),
        *("payment_intent.payment_failed", "payment_intent.canceled"),
        *("charge.succeeded", "charge.failed", "charge.updated", "charge.captured"),
        *("charge.expired", "charge.refunded"),
        *("refund.created", "refund.updated", "refund.failed"),
    }
