"""Two parcels' money taken at the same moment as the bank questions it: in every order in which
they can meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from parcelway.domain.dispute import Dispute
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayPayment
from parcelway.ports import clock
from parcelway.ports.payments import GatewayRefused
from parcelway.store.database import Database

from infra.sim.kernel import Kernel
from infra.verify import breaks
from tests.functions.calls import Context, failed, load, queue_event
from tests.functions.outside import Bank, Provider, told
from tests.orders import SPLIT_STOCK, Story, dossier_of, store
from tests.races.desk import tables
from tests.races.interleavings import Caller, GivingWay, in_every_order


@pytest.fixture
def db() -> Iterator[Database]:
    yield tables()
    clock.reset()


@dataclass
class Acquirer(Provider):
    """A provider that takes part of what it holds, each step under a key once; others may go on
    before each call."""

    keys: dict[str, GatewayPayment] = field(default_factory=dict)
    kernel: Kernel | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def retrieve(self, reference: str) -> GatewayPayment:
        self._give_way()
        return super().retrieve(reference)

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        self._give_way()
        return self._once(key, lambda: self._captured(reference, amount, final))

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        self._give_way()
        return self._once(key, lambda: self._refunded(reference, amount))

    def _captured(self, reference: str, amount: Money, final: bool) -> GatewayPayment:
        payment = self.payments[reference]
        captured = payment.captured + amount
        if payment.status != "authorized" or payment.authorized < captured:
            raise GatewayRefused("amount_too_large")
        status = "captured" if final or captured == payment.authorized else "authorized"
        return replace(payment, captured=captured, status=status)

    def _refunded(self, reference: str, amount: Money) -> GatewayPayment:
        payment = self.payments[reference]
        if payment.captured < payment.refunded + amount:
            raise GatewayRefused("charge_already_refunded")
        return replace(payment, refunded=payment.refunded + amount)

    def _once(self, key: str, does: Callable[[], GatewayPayment]) -> GatewayPayment:
        if key not in self.keys:
            self.keys[key] = done = does()
            self.payments[done.reference] = done
        return self.keys[key]

    def _give_way(self) -> None:
        if self.kernel is not None:
            self.kernel.pause()


def two_parcels(db: Database, bank: Acquirer) -> Story:
    """An order in two parcels, both sent and invoiced, whose money is held."""
    story = Story(seed="1", stock=SPLIT_STOCK, now=clock.now())
    story.filled().placed().confirmed().scheduled().released().packed().shipped().invoiced()
    store(db, story)
    bank.holds(story, multicapture=True)
    return story


def function(name: str, bank: Acquirer, disputes: Bank, event: dict[str, Any]) -> Caller:
    """A container of a function that is handed an event until it has handled it."""

    def handled(db: Database) -> str:
        loaded: Any = load(name)
        loaded.db = lambda: db
        loaded.gateway = lambda _: bank
        loaded.disputes = lambda: disputes
        if isinstance(db.client, GivingWay):
            bank.kernel = db.client.kernel
        for _ in range(100):
            if not failed(loaded.handler(event, Context()) or {"batchItemFailures": []}):
                return "done"
        raise AssertionError("it was never handled")

    return handled


def capturing(bank: Acquirer, story: Story) -> Caller:
    """What the state machine asks for when a parcel was invoiced."""
    return function("capture", bank, Bank(), {"order_id": story.order.id})


def disputed(bank: Acquirer, story: Story) -> Caller:
    """The webhook about a dispute over all of it."""
    disputes, reference = Bank(), next(iter(bank.payments))
    gross = totals(story.order).gross
    dispute = Dispute("du_1", reference, gross, "fraudulent", "needs_response", clock.now())
    disputes.disputes[reference] = [dispute]
    return function(
        "payment_worker", bank, disputes, queue_event(told(reference, story, "dispute"))
    )


def test_what_is_captured_at_once_is_captured_once_and_a_dispute_is_on_the_books(
    db: Database,
) -> None:
    bank = Acquirer()
    story = two_parcels(db, bank)
    (reference,), start = bank.payments, dict(bank.payments)
    gross = totals(story.order).gross

    def begin() -> None:
        bank.payments, bank.keys, bank.kernel = dict(start), {}, None

    def check(_: Sequence[str]) -> None:
        bank.kernel = None
        dossier = dossier_of(db, story.order.id)
        assert bank.payments[reference].captured == gross
        assert (dossier.order.captured, dossier.order.charged_back) == (gross.minor, gross.minor)
        assert [hold.code for hold in dossier.order.holds] == ["dispute"]
        assert {alert.code for alert in dossier.order.alerts} <= {"dispute_opened"}
        kinds = [event.type for event in dossier.events]
        assert kinds.count("dispute.opened") == 1
        assert list(map(str, breaks(db, clock.now()))) == []

    callers = [capturing(bank, story), capturing(bank, story), disputed(bank, story)]
    played = in_every_order(db, callers, check, begin=begin, switches=1)
    assert sum(played.values()) > 20
