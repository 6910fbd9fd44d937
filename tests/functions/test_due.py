"""What is looked after when nothing else happens, and what the tables must be able to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace

import pytest
from parcelway.domain import delivery, dunning, fulfilment, pickup
from parcelway.domain.attention import PATIENCE, QUIET, due_at
from parcelway.domain.authorization import vanished
from parcelway.domain.dues import pay_until
from parcelway.domain.order import Event, totals
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Checkpoint
from parcelway.domain.term import BEFORE_DUE, GRACE
from parcelway.ports import clock
from parcelway.store.commit import Stale
from parcelway.store.database import Database
from parcelway.store.orders import order_of_parcel
from parcelway.store.saving import save, writes

from infra.verify.check import breaks
from tests import orders
from tests.functions import tables
from tests.functions.calls import load
from tests.orders import CARRIER, PRODUCTS, SHOP, WAREHOUSE, Stage, Story, at, dossier_of, store


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch, EVENT_BUS="bus") as made:
        yield made
    clock.reset()


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_an_ended_order_with_an_open_payment_is_looked_after(db: Database, end: str) -> None:
    story = at("placed").pays("awaiting_customer", authorized=0)
    story = story.expired() if end == "expired" else story.cancelled()
    item = writes(db, story.decisions[-1][0], story.now)[0].item
    assert item is not None
    assert "due_at" in item
    story.pays("voided", authorized=0)
    settled = writes(db, story.decisions[-1][0], story.now)[0].item
    assert settled is not None
    assert "due_at" not in settled


def test_an_ended_order_whose_only_payment_vanished_rests(db: Database) -> None:
    """A card that was declined may be followed by another on the same payment; one that the
    provider does not know any more is over for good."""
    story = at("placed").pays("awaiting_customer", authorized=0).cancelled()
    assert story.payment is not None and story.seen is not None
    story.seen = replace(story.seen, failure_code="card_declined")
    story.pays("awaiting_customer")
    assert story.order.payment_status == "failed"
    assert due_at(story.order, story.now) is not None
    story.seen = vanished(story.payment)
    story.pays("failed")
    assert (story.order.payment_status, story.order.open_payments) == ("failed", 0)
    store(db, story)
    assert swept(db, story.now + timedelta(days=9)) == {}


STEPS: tuple[tuple[Stage, timedelta], ...] = (
    ("confirmed", QUIET),
    ("scheduled", QUIET),
    ("released", PATIENCE),
    ("packed", PATIENCE),
    ("shipped", QUIET),
    ("invoiced", QUIET),
    ("captured", PATIENCE),
    ("delivered", QUIET),
)


@pytest.mark.parametrize(("stage", "pause"), STEPS)
def test_what_waits_for_people_is_left_alone_for_longer(
    db: Database, stage: Stage, pause: timedelta
) -> None:
    """Where the next move is ours the sweeper looks soon: an event that got lost is told again."""
    story = at(stage)
    decision, now = story.decisions[-1]
    item = writes(db, decision, now)[0].item
    assert item is not None
    due = datetime.fromisoformat(item["due_at"])
    whole = QUIET if pause == QUIET else timedelta(days=1)
    assert pause <= due - now < pause + whole
    assert (due - datetime(2000, 1, 1, tzinfo=UTC)) % whole == timedelta(0)


def test_a_free_order_that_was_sent_waits_for_nobody_but_us(db: Database) -> None:
    story = at("shipped")
    decision, now = story.decisions[-1]
    free = replace(decision, order=replace(decision.order, authorized=0, captured=0))
    item = writes(db, free, now)[0].item
    assert item is not None
    assert datetime.fromisoformat(item["due_at"]) - now <= 2 * QUIET


def test_the_parcel_is_found_however_the_carriers_name_is_written(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    shipment = story.shipments[0]
    for carrier in (shipment.carrier, shipment.carrier.upper(), f" {shipment.carrier.lower()} "):
        assert order_of_parcel(db, carrier, shipment.parcel_number) == (story.order.id, shipment.id)


def test_the_earliest_time_there_is_can_be_kept(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    zero = Checkpoint("e1", "in_transit", datetime(1, 1, 1, tzinfo=UTC), "")
    made = fulfilment.track(story.order, story.shipments[0], zero, CARRIER, story.facts)
    assert made is not None
    save(db, made, story.now)
    dossier = dossier_of(db, story.order.id)
    assert dossier.shipments[0].checkpoints == (zero,)


def test_one_order_that_cannot_be_read_does_not_stop_the_sweeper(db: Database) -> None:
    placed = [at("placed", seed=str(number)) for number in range(12)]
    for story in placed:
        store(db, story)
    broken = placed[0].order.id
    db.client.update_item(
        TableName=db.orders,
        Key={"pk": {"S": f"ORD#{broken}"}, "sk": {"S": "ORDER"}},
        UpdateExpression="SET #order = :nonsense",
        ExpressionAttributeNames={"#order": "order"},
        ExpressionAttributeValues={":nonsense": {"B": b"?"}},
    )
    sweeper = load("sweeper")
    sweeper.db = lambda: db
    sweeper.bus = lambda: SimpleNamespace(publish=len)
    counts = sweeper.handler({}, None)
    assert (counts["lapsed"], counts["failed"]) == (len(placed) - 1, 1)


def test_orders_that_fail_each_time_do_not_starve_those_due_after_them(db: Database) -> None:
    """A sweep sees a hundred orders of each part of the index."""
    story = at("placed")
    store(db, story)
    key = {"pk": {"S": f"ORD#{story.order.id}"}, "sk": {"S": "ORDER"}}
    healthy = db.client.get_item(TableName=db.orders, Key=key)["Item"]
    for number in range(100):
        other = {"pk": {"S": f"ORD#broken-{number}"}, "order": {"B": b"?"}}
        earlier = {"due_at": {"S": "2026-01-01T00:00:00.000Z"}}
        db.client.put_item(TableName=db.orders, Item=healthy | other | earlier)
    sweeper = load("sweeper")
    sweeper.db = lambda: db
    sweeper.bus = lambda: SimpleNamespace(publish=len)
    first, second, third = (sweeper.handler({}, None) for _ in range(3))
    assert (first["failed"], first["lapsed"]) == (100, 0)
    assert (second["failed"], second["lapsed"]) == (0, 1)
    assert (third["failed"], third["lapsed"]) == (0, 0)
    clock.travel(QUIET + timedelta(minutes=1))
    assert sweeper.handler({}, None)["failed"] == 100  # they are looked at again


def test_an_order_over_many_nodes_fits_one_transaction_or_is_refused(db: Database) -> None:
    def spread(lines: int, places: int) -> Story:
        nodes = {
            f"n{i:02}": replace(orders.SHOP.nodes["dc-1"], id=f"n{i:02}") for i in range(places)
        }
        products = {f"S{i:02}": replace(PRODUCTS["TEA-9"], sku=f"S{i:02}") for i in range(lines)}
        return Story(
            shop=replace(orders.SHOP, nodes=nodes),
            products=products,
            basket=dict.fromkeys(products, 1),
            stock={(sku, f"n{i % places:02}"): 5 for i, sku in enumerate(products)},
        )

    story = spread(80, 14)
    story.filled().placed().confirmed().scheduled()
    assert len(story.shipments) == 14
    assert all(len(writes(db, decision, now)) <= 100 for decision, now in story.decisions)
    with pytest.raises(Refusal) as refused:
        spread(84, 14).filled().placed()
    assert refused.value.reason is Reason.TOO_MANY_LINES


def test_a_quiet_order_is_told_again_once_and_then_only_set_in_motion(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    published: list[list[str]] = []

    def publish(events: Sequence[Event]) -> int:
        published.append([event.type for event in events])
        return len(events)

    sweeper = load("sweeper")
    sweeper.db = lambda: db
    sweeper.bus = lambda: SimpleNamespace(publish=publish)
    pauses = []
    for _ in range(8):
        clock.travel(timedelta(days=1, minutes=1))
        assert sweeper.handler({}, None)["nudged"] == 1
        item = db.get(db.orders, f"ORD#{story.order.id}", "ORDER")
        assert item is not None
        pauses.append(datetime.fromisoformat(item["due_at"]) - clock.now())
    first, *later = published
    dossier = dossier_of(db, story.order.id)
    assert first == [event.type for event in dossier.events]
    assert later == [["order.confirmed"]] * 7
    assert max(pauses) <= timedelta(days=1)


def test_what_happened_since_is_told_again_too(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    sweeper = load("sweeper")
    sweeper.db = lambda: db
    told: list[str] = []
    sweeper.bus = lambda: SimpleNamespace(
        publish=lambda events: told.extend(event.type for event in events) or len(events)
    )
    clock.travel(timedelta(days=1))
    sweeper.handler({}, None)
    dossier = dossier_of(db, story.order.id)
    facts = replace(story.facts, now=clock.now())
    here = Checkpoint("e9", "in_transit", clock.now(), "")
    moved = fulfilment.track(dossier.order, dossier.shipments[0], here, CARRIER, facts)
    assert moved is not None
    save(db, moved, clock.now())
    told.clear()
    clock.travel(timedelta(days=1))
    sweeper.handler({}, None)
    assert told == ["order.confirmed", "shipment.in_transit"]


def swept(db: Database, at: datetime) -> dict[str, int]:
    """What the sweeper did at a moment."""
    clock.reset()
    clock.travel(at - clock.now())
    sweeper = load("sweeper")
    sweeper.db = lambda: db
    sweeper.bus = lambda: SimpleNamespace(publish=len)
    counts: dict[str, int] = sweeper.handler({}, None)
    return {what: count for what, count in counts.items() if count}


def test_a_pickup_is_seen_to_on_time_and_each_thing_once(db: Database) -> None:
    story = at("shipped", method="pickup")
    store(db, story)
    (shipment,) = story.shipments
    remind, last = story.order.uncollected[shipment.id], shipment.collect_by
    assert last is not None
    second = timedelta(seconds=1)
    assert swept(db, remind - second) == {}
    assert swept(db, remind + second) == {"seen_to": 1}
    assert swept(db, remind + 2 * second) == {}
    assert swept(db, last - second) == {"nudged": 1}  # it is quiet as well
    assert swept(db, last + second) == {"seen_to": 1}
    dossier = dossier_of(db, story.order.id)
    assert dossier.order.cancel_reason == "not_collected"
    assert [event.type for event in dossier.events[-3:]] == [
        "shipment.pickup_reminder",
        "order.cancelled",
        "shipment.pickup_expired",
    ]


def test_a_nudge_that_was_not_published_is_made_again(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    sweeper = load("sweeper")
    sweeper.db = lambda: db
    sweeper.bus = lambda: SimpleNamespace(publish=lambda events: len(events) - 1)
    clock.travel(timedelta(days=1))
    assert sweeper.handler({}, None)["left"] == 1
    dossier = dossier_of(db, story.order.id)
    assert dossier.order.told_again == 0


@pytest.mark.parametrize("lines", [1, 30, 31, 84])
def test_a_store_can_receive_whatever_an_order_can_have(db: Database, lines: int) -> None:
    skus = [f"MUG-{n}" for n in range(lines)]
    fetch = replace(
        SHOP.services["collect"], id="fetch", via="ship_to_store", carrier="acme", countries=("US",)
    )
    story = at(
        "draft",
        shop=replace(SHOP, services={**SHOP.services, "fetch": fetch}),
        products={s: replace(PRODUCTS["MUG-1"], sku=s, weight_grams=1) for s in skus},
        basket=dict.fromkeys(skus, 1),
        stock={(sku, "dc-1"): 1 for sku in skus},
    )
    story._apply(delivery.pick_up_at(story.order, "store-1", "fetch", "", story.facts))
    story.placed().confirmed().scheduled().released().packed()
    (box,) = story.shipments
    story._apply(fulfilment.ship(story.order, box, "acme", "ACME1", WAREHOUSE, story.facts))
    (box,) = story.shipments
    made = pickup.received(story.order, box, WAREHOUSE, story.facts)
    assert made is not None
    assert len(writes(db, made, story.now)) <= 100


def test_an_invoice_is_reminded_of_on_time_each_time_once(db: Database) -> None:
    story = at("closed", due_days=30)
    store(db, story)
    (invoice,) = story.invoices
    assert invoice.due_on is not None
    due = datetime.combine(invoice.due_on, time(14), tzinfo=UTC)
    minute = timedelta(minutes=1)
    first, second = due - BEFORE_DUE, due + GRACE
    assert swept(db, first - minute) == {}
    assert swept(db, first + minute) == {"seen_to": 1}
    assert swept(db, second - minute) == {}
    assert swept(db, second + minute) == {"seen_to": 1}
    assert swept(db, second + timedelta(days=60)) == {}
    events = dossier_of(db, story.order.id).events
    assert [event.type for event in events[-2:]] == ["invoice.falls_due", "invoice.overdue"]
    assert [found.kind for found in breaks(db, second) if found.kind.startswith("order.")] == []


def test_whoever_pays_while_the_sweeper_looks_is_first_or_reminded_before(db: Database) -> None:
    """A reminder that was decided on when nothing was paid yet is not written after the money."""
    story = at("closed", due_days=30)
    store(db, story)
    story.later(days=28)
    late = dunning.see_to(story.order, story.now)
    assert late is not None
    story.pays("captured", received=totals(story.order).gross.minor)
    save(db, *story.decisions[-1])
    with pytest.raises(Stale):
        save(db, late, story.now)
    assert swept(db, story.now + timedelta(days=9)) == {}


def test_what_nobody_pays_anew_is_cancelled_in_time(db: Database) -> None:
    story = at("released").pays("voided", authorized=0)
    until = pay_until(story.order)
    assert until is not None
    store(db, story)
    swept(db, until - timedelta(minutes=1))
    assert dossier_of(db, story.order.id).order.state == "confirmed"
    assert swept(db, until + timedelta(minutes=1)) == {"seen_to": 1}
    dossier = dossier_of(db, story.order.id)
    assert (dossier.order.state, dossier.order.cancel_reason) == ("cancelled", "not_paid")
