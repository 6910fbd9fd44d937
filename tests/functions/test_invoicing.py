"""Invoicing: numbers without a gap and none twice, whatever crashes and whoever else is at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from parcelway.domain.money import total
from parcelway.domain.order import totals
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.database import Database
from parcelway.store.orders import Dossier, get_counter

from tests.functions import tables
from tests.functions.calls import Context, load
from tests.orders import SPLIT_STOCK, Story, at, dossier_of, store

SERIES = "INV"


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch) as made:
        yield made


class Crashing:
    """A DynamoDB client whose first transaction is committed, and its answer lost."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        answer = self._client.transact_write_items(**request)
        if not self.lost:
            self.lost += 1
            raise ReadTimeoutError(endpoint_url="https://dynamodb.test")
        return answer


class Together:
    """A DynamoDB client for threads: each call is whole, as a table's are and moto's are not, and
    every thread's first transaction waits until all have come that far."""

    def __init__(self, client: Any, threads: int) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._ready = threading.Barrier(threads, timeout=30)
        self._seen = threading.local()
        self.refused = 0

    def get_paginator(self, name: str) -> Any:
        return _Whole(self._client.get_paginator(name), self._lock)

    def get_item(self, **request: Any) -> Any:
        with self._lock:
            return self._client.get_item(**request)

    def transact_write_items(self, **request: Any) -> Any:
        if not hasattr(self._seen, "ready"):
            self._seen.ready = True
            self._ready.wait()
        with self._lock:
            try:
                return self._client.transact_write_items(**request)
            except self._client.exceptions.TransactionCanceledException:
                self.refused += 1
                raise


class _Whole:
    def __init__(self, paginator: Any, lock: threading.Lock) -> None:
        self._paginator, self._lock = paginator, lock

    def paginate(self, **request: Any) -> list[Any]:
        with self._lock:
            return list(self._paginator.paginate(**request))


def function(db: Database) -> ModuleType:
    """A new container."""
    loaded = load("invoicing")
    loaded.db = lambda: db
    return loaded


def issue(db: Database, story: Story, parcel: int = 0) -> str:
    """Ask for the invoice of a shipment; its number."""
    event = {"order_id": story.order.id, "shipment_id": story.shipments[parcel].id}
    answer = function(db).handler(event, Context())
    assert set(answer) == {"invoice"}
    return str(answer["invoice"])


def dossier(db: Database, story: Story) -> Dossier:
    return dossier_of(db, story.order.id)


def numbers(db: Database) -> list[str]:
    """Every number of the series that was given."""
    items = db.query(db.orders, f"SERIES#{SERIES}")
    return [item["sk"] for item in items if item["sk"] != "COUNTER"]


def test_a_shipment_is_invoiced_once_however_often_it_is_asked_for(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    assert issue(db, story) == "INV-000001"
    once = dossier(db, story)
    assert issue(db, story) == "INV-000001"
    assert dossier(db, story) == once
    (invoice,) = once.invoices
    assert (invoice.number, invoice.gross) == ("INV-000001", totals(story.order).gross)
    assert once.shipments[0].invoice_number == "INV-000001"
    assert [event.type for event in once.events].count("invoice.issued") == 1
    assert get_counter(db, SERIES).last == 1


def test_a_crash_after_the_transaction_costs_no_number(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    client = Crashing(db.client)
    crashing = replace(db, client=client)
    with pytest.raises(ReadTimeoutError):
        issue(crashing, story)
    assert client.lost == 1
    assert issue(crashing, story) == "INV-000001"
    assert get_counter(db, SERIES).last == 1
    assert [invoice.number for invoice in dossier(db, story).invoices] == ["INV-000001"]
    postings = db.query(db.ledger, f"ORD#{story.order.id}", "POST#invoice:")
    assert len(postings) == 1


def test_two_parcels_have_two_numbers_and_share_the_order_between_them(db: Database) -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    store(db, story)
    assert [issue(db, story, parcel) for parcel in (1, 0, 1)] == [
        "INV-000001",
        "INV-000002",
        "INV-000001",
    ]
    issued = dossier(db, story).invoices
    assert [invoice.sequence for invoice in issued] == [1, 2]
    assert total((invoice.gross for invoice in issued), "USD") == totals(story.order).gross
    assert [invoice.shipment_id for invoice in issued] == [
        story.shipments[1].id,
        story.shipments[0].id,
    ]


def test_a_refused_invoice_uses_no_number(db: Database) -> None:
    packed, shipped = at("packed", seed="1"), at("shipped", seed="2")
    store(db, packed)
    store(db, shipped)
    with pytest.raises(Refusal) as refused:
        issue(db, packed)
    assert refused.value.reason is Reason.ILLEGAL_STATE
    with pytest.raises(LookupError):
        issue(db, at("shipped", seed="never stored"))
    assert get_counter(db, SERIES).last == 0
    assert issue(db, shipped) == "INV-000001"


def test_eight_at_once_get_eight_numbers_without_a_gap(db: Database) -> None:
    stories = [at("shipped", seed=str(number)) for number in range(8)]
    for story in stories:
        store(db, story)
    client = Together(db.client, len(stories))
    shared = function(replace(db, client=client))
    events = [{"order_id": s.order.id, "shipment_id": s.shipments[0].id} for s in stories]
    with ThreadPoolExecutor(len(events)) as pool:
        given = list(pool.map(lambda event: shared.handler(event, Context())["invoice"], events))
    assert sorted(given) == [f"INV-{number:06d}" for number in range(1, 9)]
    assert client.refused >= 7  # all had read the same counter
    assert get_counter(db, SERIES).last == 8
    assert numbers(db) == [f"{number:012d}" for number in range(1, 9)]
    for story, number in zip(stories, given, strict=True):
        assert [invoice.number for invoice in dossier(db, story).invoices] == [number]


def test_one_shipment_asked_for_by_eight_at_once_has_one_number(db: Database) -> None:
    story = at("shipped")
    store(db, story)
    shared = function(replace(db, client=Together(db.client, 8)))
    event = {"order_id": story.order.id, "shipment_id": story.shipments[0].id}
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: shared.handler(event, Context())["invoice"], range(8)))
    assert given == ["INV-000001"] * 8
    assert numbers(db) == ["000000000001"]
