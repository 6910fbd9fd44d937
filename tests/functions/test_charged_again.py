"""The card that was kept for an order: charged when goods come and nothing secures them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from parcelway.domain import authorization
from parcelway.domain.attention import due_at
from parcelway.domain.cancellation import Units, cancel_units
from parcelway.domain.dues import to_pay
from parcelway.domain.money import Money
from parcelway.domain.order import Event, totals
from parcelway.domain.parties import GUEST, SYSTEM
from parcelway.domain.payment import GatewayPayment
from parcelway.ports.payments import GatewayRefused, GatewayUnavailable
from parcelway.store.database import Database
from parcelway.store.orders import Dossier
from parcelway.store.saving import save

from tests.functions import tables
from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.outside import Provider, told
from tests.orders import Stage, Story, at, dossier_of, store


def nothing_else() -> None:
    """Nothing happens meanwhile."""


@dataclass
class Cards(Provider):
    """Charges a kept card: `refuses` with a code of the bank, `unable` of the provider. `meanwhile`
    is what others do while it is at it; `taken` are attempts that others have made."""

    refuses: str = ""
    unable: str = ""
    meanwhile: Callable[[], None] = nothing_else
    taken: set[int] = field(default_factory=set)
    charged: list[int] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def charge_again(self, *, attempt: int, amount: Money, **asked: Any) -> GatewayPayment:
        if attempt in self.taken:
            raise GatewayRefused("idempotency_error")
        if self.unable:
            raise GatewayRefused(self.unable)
        reference = f"pi_again_{attempt}"
        if reference not in self.payments:
            self.charged.append(attempt)
            self.payments[reference] = replace(
                self.payments[asked["like"]],
                reference=reference,
                attempt=attempt,
                status="awaiting_customer" if self.refuses else "authorized",
                amount=amount,
                authorized=Money(0, amount.currency) if self.refuses else amount,
                failure_code=self.refuses,
                keeps_card=False,
                off_session=True,
            )
        self.meanwhile()
        return self.payments[reference]

    def forget_card(self, reference: str) -> None:
        self.forgotten.append(reference)
        self.payments[reference] = replace(self.payments[reference], keeps_card=False)
        self.meanwhile()


@dataclass
class World:
    db: Database
    cards: Cards
    story: Story

    def asks(self) -> list[str]:
        """The event comes, twice; the messages that stay in the queue."""
        due = self.story.event("payment.due")
        return self._handles(bus_event(due), bus_event(due))

    def hears(self, event: Event) -> list[str]:
        """Another event comes."""
        return self._handles(bus_event(event))

    def tells(self, reference: str) -> list[str]:
        """The provider's webhook comes."""
        return self._handles(told(reference, self.story))

    def _handles(self, *messages: dict[str, Any]) -> list[str]:
        worker = load("payment_worker")
        worker.db = lambda: self.db
        worker.cards = lambda: self.cards
        worker.gateway = lambda _method: self.cards
        return failed(worker.handler(queue_event(*messages), Context()))

    @property
    def dossier(self) -> Dossier:
        return dossier_of(self.db, self.story.order.id)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.dossier.events]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An order whose hold has lapsed before it could be sent."""
    story = at("placed").pays("awaiting_customer", authorized=0)
    assert story.seen is not None
    story.seen = replace(story.seen, keeps_card=True)
    story.pays("authorized", authorized=totals(story.order).gross.minor)
    story.pays("voided", authorized=0)
    with tables.aws(monkeypatch) as db:
        store(db, story)
        cards = Cards()
        cards.payments[story.seen.reference] = story.seen
        yield World(db, cards, story)


def test_the_card_is_charged_once_and_the_customer_not_written_to(world: World) -> None:
    assert world.asks() == []
    assert world.cards.charged == [2]
    order = world.dossier.order
    assert (order.secured, bool(to_pay(order)), order.holds) == (order.authorized, False, ())
    assert world.types.count("order.funded") == 1
    assert "payment.needed" not in world.types


def test_the_card_of_who_has_chosen_another_method_is_not_charged(world: World) -> None:
    """What it would hold could not be counted: it would be held and released for days."""
    dossier = world.dossier
    chosen = authorization.switch(
        dossier.order, dossier.payments[-1], "invoice", GUEST, world.story.now
    )
    assert chosen is not None
    save(world.db, chosen, world.story.now)
    assert world.asks() == []
    assert world.cards.charged == []


def test_a_declined_card_has_the_customer_asked_once(world: World) -> None:
    world.cards.refuses = "authentication_required"
    assert world.asks() == []
    assert world.asks() == []
    assert world.cards.charged == [2]
    assert world.types.count("payment.needed") == 1
    assert world.dossier.order.holds
    last = world.dossier.payments[-1]
    # with the customer at hand the same payment may still succeed
    assert (
        authorization.next_attempt(world.dossier.order, last, world.story.now) == last.number == 2
    )


def test_a_declined_payment_that_nobody_needs_any_more_is_ended(world: World) -> None:
    world.cards.refuses = "authentication_required"
    assert world.asks() == []
    order, now = world.dossier.order, world.story.now
    cancelled = cancel_units(
        order,
        world.dossier.shipments,
        [Units(line.sku, 1) for line in order.lines[:1]],
        "changed her mind",
        SYSTEM,
        now,
    )
    save(world.db, cancelled, now)
    assert world.hears(cancelled.events[0]) == []
    assert world.cards.written == []  # of another amount now, but something is to be paid
    link = replace(world.cards.payments["pi_again_2"], reference="pi_link", attempt=3)
    amount = to_pay(world.dossier.order)
    paid = replace(link, status="authorized", amount=amount, authorized=amount, failure_code="")
    world.cards.payments["pi_link"] = paid
    assert world.tells("pi_link") == []
    assert world.hears(world.dossier.events[-1]) == []
    assert world.cards.written == [("void", "pi_again_2")]


def test_a_card_that_is_gone_has_the_customer_asked_once(world: World) -> None:
    world.cards.unable = "card_not_kept"
    assert world.asks() == []
    assert world.types.count("payment.needed") == 1
    assert [payment.number for payment in world.dossier.payments] == [1]


def test_an_attempt_that_the_link_has_made_already_is_left_to_it(world: World) -> None:
    world.cards.taken = {2}
    assert world.asks() == []
    assert world.cards.charged == [3]
    assert not world.dossier.order.holds


def test_who_pays_by_the_link_at_the_same_moment_pays_once(world: World) -> None:
    """The link's attempt takes the same number as the card's next would: it is refused as such."""
    world.cards.taken = {2}

    def pays_by_link() -> None:
        world.cards.meanwhile = nothing_else
        order = world.dossier.order
        first = world.cards.payments[world.story.order.card]
        amount = to_pay(order)
        link = replace(first, reference="pi_link", attempt=2, amount=amount, keeps_card=False)
        nothing = Money(0, amount.currency)
        begun = replace(link, status="awaiting_customer", authorized=nothing)
        kept = authorization.start(order, begun, world.story.now)
        assert kept is not None
        save(world.db, kept, world.story.now)
        world.cards.payments["pi_link"] = replace(link, status="authorized", authorized=amount)
        assert world.tells("pi_link") == []

    world.cards.meanwhile = pays_by_link
    assert world.asks() == []
    assert world.cards.written == [("void", "pi_again_3")]
    order = world.dossier.order
    assert (order.secured, bool(to_pay(order)), order.holds) == (order.authorized, False, ())
    assert {p.reference: p.counts for p in world.dossier.payments} == {
        world.story.order.card: True,
        "pi_link": True,
        "pi_again_3": False,
    }


# ---- when it is of no more use


def kept_at(stage: Stage) -> Story:
    """An order at a stage, paid with a card that was kept for it."""
    story = at("placed").pays("awaiting_customer", authorized=0)
    assert story.seen is not None
    story.seen = replace(story.seen, keeps_card=True)
    story.pays("authorized", authorized=totals(story.order).gross.minor)
    steps = (Story.scheduled, Story.released, Story.packed, Story.shipped, Story.invoiced)
    for step in (*steps, Story.captured, Story.delivered) if stage == "closed" else ():
        step(story)
    return story.closed() if stage == "closed" else story


@contextmanager
def living(monkeypatch: pytest.MonkeyPatch, story: Story) -> Iterator[World]:
    """The tables with an order in them, and its payment at the provider."""
    with tables.aws(monkeypatch) as db:
        store(db, story)
        world = World(db, Cards(), story)
        assert story.seen is not None
        world.cards.payments[story.seen.reference] = story.seen
        yield world


@pytest.mark.parametrize("ends", ["closed", "cancelled"])
def test_the_card_of_an_order_that_is_over_is_deleted_once(
    monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    story = kept_at("closed") if ends == "closed" else kept_at("confirmed").cancelled()
    told = "payment.card_released" if ends == "closed" else "order.cancelled"
    with living(monkeypatch, story) as world:
        before = world.dossier.order
        assert (before.card, due_at(before, story.now) is None) == (story.order.card, False)
        assert world.hears(story.event(told)) == []
        assert world.cards.forgotten == [before.card]
        after = world.dossier.order
        assert (after.card, due_at(after, story.now)) == ("", None)
        assert world.hears(story.event(told)) == []
        assert world.cards.forgotten == [before.card]
        assert world.types.count("payment.card_deleted") == 1


def test_who_dies_after_the_deletion_has_it_noted_when_the_event_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = kept_at("closed")

    def dies() -> None:
        world.cards.meanwhile = nothing_else
        raise GatewayUnavailable

    with living(monkeypatch, story) as world:
        world.cards.meanwhile = dies
        assert world.hears(story.event("payment.card_released")) == ["m0"]
        assert world.dossier.order.card
        assert world.hears(story.event("payment.card_released")) == []
        assert (world.dossier.order.card, len(world.cards.forgotten)) == ("", 1)


def test_a_card_that_the_order_may_charge_yet_stays(world: World) -> None:
    assert world.tells(world.story.order.card) == []  # its hold has lapsed
    assert world.cards.forgotten == []
    assert world.asks() == []
    assert world.cards.forgotten == []


def test_a_card_that_cannot_be_charged_is_deleted_before_the_order_is_over(world: World) -> None:
    card = world.story.order.card
    world.cards.refuses = "authentication_required"
    assert world.asks() == []
    (released,) = [e for e in world.dossier.events if e.type == "payment.card_released"]
    assert world.hears(released) == []
    assert world.cards.forgotten == [card]
    assert world.dossier.order.state == "confirmed"


def test_a_card_kept_with_a_payment_that_is_undone_goes_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = at("placed").pays("awaiting_customer", authorized=0).cancelled()
    with living(monkeypatch, story) as world:
        assert story.seen is not None
        gross = totals(story.order).gross
        paid = replace(story.seen, status="authorized", authorized=gross, keeps_card=True)
        world.cards.payments[paid.reference] = paid
        assert world.tells(paid.reference) == []
        assert world.cards.written == [("void", paid.reference)]
        assert world.cards.forgotten == [paid.reference]
