"""The real store on the model: the tables of template.yaml, whole stories, the same contents as in
moto, and as in DynamoDB Local where that is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.store import catalogue, orders, saving, series
from parcelway.store.commit import Stale, Write, commit
from parcelway.store.database import Database

from infra.bench.tables import container
from infra.sim.dynamodb import DynamoDB
from infra.sim.dynamodb.client import ModelClient
from tests.orders import Stage, Story, at, store
from tests.sim import dynamodb_local
from tests.sim.dynamodb_local import tidied
from tests.sim.template_tables import contents, definitions, in_moto

NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
STAGES: tuple[Stage, ...] = ("draft", "placed", "confirmed", "shipped", "closed")


def tables(model: DynamoDB) -> Database:
    for definition in definitions().values():
        model.create_table(definition)
    return container(ModelClient(model))


@pytest.fixture
def model() -> DynamoDB:
    return DynamoDB(lambda: NOW.timestamp())


@pytest.fixture
def db(model: DynamoDB) -> Database:
    return tables(model)


@pytest.fixture
def moto() -> Iterator[Database]:
    with in_moto() as client:
        yield container(client)


@pytest.fixture
def peer() -> Iterator[Database]:
    if (absent := dynamodb_local.why_absent()) is not None:
        pytest.skip(absent)
    with dynamodb_local.running() as client:
        for definition in definitions().values():
            client.create_table(**definition)
        yield container(client)


def stories() -> list[Story]:
    """Orders at many stages, in one shop; one of them with an invoice, whose number is 1."""
    found = [at(stage, seed=f"s{number}") for number, stage in enumerate(STAGES)]
    found.append(at("packed", seed="c1").cancelled())
    found.append(at("placed", seed="e1").expired())
    found.append(at("packed", seed="p1", method="pickup"))
    return found


def test_stories_leave_the_same_as_in_moto(db: Database, moto: Database) -> None:
    for story in stories():
        store(db, story)
        store(moto, story)
    assert contents(db) == tidied(contents(moto))


def test_stories_leave_the_same_as_in_dynamodb_local(db: Database, peer: Database) -> None:
    for story in stories():
        store(db, story)
        store(peer, story)
    assert contents(db) == tidied(contents(peer))
    assert lookups(db) == lookups(peer)


def lookups(db: Database) -> dict[str, Any]:
    """What the store finds by its indexes and queries."""
    due = orders.due_orders(db, NOW + timedelta(days=30), 3)
    return {
        "due": sorted(due, key=lambda found: found.order_id),
        "customer": [orders.orders_of(db, f"cus_{number}", 2) for number in range(3)],
        "queue": [orders.queue_of(db, node, 2) for node in ("dc-1", "dc-2", "store-1")],
        "dossiers": [orders.get_dossier(db, story.order.id) for story in stories()],
        "counter": series.get_counter(db, "2026"),
    }


def test_everything_of_a_story_is_found_again(db: Database) -> None:
    story = at("closed")
    store(db, story)
    dossier = orders.get_dossier(db, story.order.id)
    assert dossier is not None
    assert dossier.order == story.order
    assert {shipment.id for shipment in dossier.shipments} == set(story.by_id)
    assert [event.sequence for event in dossier.events] == [e.sequence for e in story.events]
    assert orders.order_of_tracking(db, str(story.order.tracking_number)) == story.order.id


def test_events_come_out_of_the_stream_once_and_in_order(model: DynamoDB, db: Database) -> None:
    story = at("closed")
    store(db, story)
    records = [record["dynamodb"] for record in model.records(db.orders, 0)]
    news = [body["NewImage"] for body in records if body["Keys"]["sk"]["S"].startswith("EVT#")]
    assert [image["event"]["M"]["type"]["S"] for image in news] == [e.type for e in story.events]
    assert all("OldImage" not in body for body in records)
    numbers = [body["SequenceNumber"] for body in records]
    assert numbers == sorted(set(numbers))


def test_a_stale_decision_writes_nothing(db: Database) -> None:
    story = at("placed")
    store(db, story)
    before = contents(db)
    made, now = story.decisions[-1]
    with pytest.raises(Stale):
        saving.save(db, made, now)
    assert contents(db) == before


def test_a_put_that_was_sent_twice_counts_as_done(db: Database) -> None:
    write = Write(db.stock, "attribute_not_exists(pk)", {"pk": "A", "sk": "B", "n": 1})
    commit(db.client, [write])
    commit(db.client, [write])
    assert db.get(db.stock, "A", "B") == {"pk": "A", "sk": "B", "n": 1}


def test_products_by_batches_and_by_scan(db: Database) -> None:
    products = [Product(f"S{n:03d}", f"Thing {n}", Money(n, "USD")) for n in range(130)]
    assert catalogue.upsert(db, products, NOW).added == 130
    assert catalogue.upsert(db, products, NOW).unchanged == 130
    assert catalogue.get_many(db, [p.sku for p in products]) == {p.sku: p for p in products}
    assert sorted(entry.product.sku for entry in catalogue.every(db)) == [p.sku for p in products]
