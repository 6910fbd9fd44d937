"""Invoicing: numbers without a gap and none twice, whatever crashes and whoever else is at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from parcelway.domain.money import total
from parcelway.domain.order import EVENTS_PER_COMMIT, totals
from parcelway.store.database import Database
from parcelway.store.issuing import MOST_READ, MOST_WRITTEN
from parcelway.store.items import to_item
from parcelway.store.orders import Dossier
from parcelway.store.series import get_counter, numbers_given
from parcelway.store.shop import forget_shop, load_shop, put_settings

from infra.bench.tables import container, in_model
from tests.functions import tables
from tests.functions.calls import Context, load, queue_event
from tests.functions.together import Together
from tests.orders import SPLIT_STOCK, STOCK, Story, at, dossier_of, store, two_companies

SERIES = "INV"


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch) as made:
        yield made


@pytest.fixture
def quick() -> Database:
    """The tables in our own model: for many orders."""
    return container(in_model())


class Calls:
    """A DynamoDB client that counts what is asked of it, and loses the answer of the first
    transaction when it is to crash."""

    def __init__(self, client: Any, *, crashing: bool = False) -> None:
        self._client = client
        self._crashing = crashing
        self.transactions: list[int] = []
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, **request: Any) -> Any:
        self.reads += 1
        return self._client.batch_get_item(**request)

    def get_paginator(self, name: str) -> Any:
        self.reads += 1
        return self._client.get_paginator(name)

    def transact_write_items(self, **request: Any) -> Any:
        self.transactions.append(len(request["TransactItems"]))
        answer = self._client.transact_write_items(**request)
        if self._crashing:
            self._crashing = False
            raise ReadTimeoutError(endpoint_url="https://dynamodb.test")
        return answer


def function(db: Database) -> ModuleType:
    """A new container."""
    loaded = load("invoicing")
    loaded.db = lambda: db
    return loaded


def asked(story: Story, parcel: int = 0) -> dict[str, str]:
    """What the state machine asks for."""
    return {"order_id": story.order.id, "shipment_id": story.shipments[parcel].id}


def issue(db: Database, *bodies: dict[str, str]) -> list[str]:
    """Hand the writer a batch; the messages that failed, which are named m0, m1, ..."""
    answer = function(db).handler(queue_event(*bodies), Context())
    assert set(answer) == {"batchItemFailures"}
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def dossier(db: Database, story: Story) -> Dossier:
    return dossier_of(db, story.order.id)


def numbers(db: Database, *stories: Story) -> list[str]:
    """The numbers of the orders' invoices, as each order has them."""
    return [invoice.number for story in stories for invoice in dossier(db, story).invoices]


def shipped(db: Database, count: int) -> list[Story]:
    """So many orders that have left in one parcel each."""
    plenty = dict.fromkeys(STOCK, 200)
    stories = [at("shipped", seed=str(number), stock=plenty) for number in range(count)]
    for story in stories:
        store(db, story)
    return stories


def named(*sequence: int) -> list[str]:
    return [f"INV-{number:06d}" for number in sequence]


def test_a_shipment_is_invoiced_once_however_often_it_is_asked_for(db: Database) -> None:
    (story,) = shipped(db, 1)
    assert issue(db, asked(story), asked(story)) == []
    once = dossier(db, story)
    assert issue(db, asked(story)) == []
    assert dossier(db, story) == once
    (invoice,) = once.invoices
    assert (invoice.number, invoice.gross) == ("INV-000001", totals(story.order).gross)
    assert once.shipments[0].invoice_number == "INV-000001"
    assert [event.type for event in once.events].count("invoice.issued") == 1
    assert get_counter(db, SERIES).last == 1


def test_a_batch_gets_numbers_in_the_order_in_which_it_came(quick: Database) -> None:
    stories = shipped(quick, MOST_READ + 3)
    client = Calls(quick.client)
    load_shop(quick)
    assert issue(replace(quick, client=client), *map(asked, stories)) == []
    assert numbers(quick, *stories) == named(*range(1, MOST_READ + 4))
    assert numbers_given(quick, SERIES) == set(range(1, MOST_READ + 4))
    full = 6 * MOST_WRITTEN + 1
    assert (client.reads, client.transactions) == (2, [full, full, full, 6 * 3 + 1])
    assert full <= 100


def test_a_crash_after_the_transaction_costs_no_number(db: Database) -> None:
    stories = shipped(db, 3)
    crashing = replace(db, client=Calls(db.client, crashing=True))
    assert issue(crashing, *map(asked, stories)) == []  # looks again, and finds them
    assert numbers(db, *stories) == named(1, 2, 3)
    assert get_counter(db, SERIES).last == 3
    for story in stories:
        assert len(db.query(db.ledger, f"ORD#{story.order.id}", "POST#invoice:")) == 1


class Torn:
    """A DynamoDB client of whose first batch one item is read earlier than the others."""

    def __init__(self, client: Any, earlier: dict[str, Any]) -> None:
        self._client, self._earlier = client, [earlier]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, **request: Any) -> Any:
        answer = self._client.batch_get_item(**request)
        for earlier in self._earlier:
            for items in answer["Responses"].values():
                items[:] = [
                    earlier if (each["pk"], each["sk"]) == (earlier["pk"], earlier["sk"]) else each
                    for each in items
                ]
        self._earlier = []
        return answer


def test_a_shipment_that_was_read_before_its_order_gets_no_second_number(db: Database) -> None:
    """A batch is not read at one moment: another writer may be done between the two."""
    (story,) = shipped(db, 1)
    key = {"pk": f"ORD#{story.order.id}", "sk": f"SHP#{story.shipments[0].id}"}
    earlier = db.client.get_item(TableName=db.orders, Key=to_item(key))["Item"]
    assert issue(db, asked(story)) == []
    before = dossier(db, story)
    assert issue(replace(db, client=Torn(db.client, earlier)), asked(story)) == []
    assert dossier(db, story) == before
    assert numbers(db, story) == named(1)


def test_two_parcels_have_two_numbers_and_share_the_order_between_them(db: Database) -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    store(db, story)
    assert issue(db, *(asked(story, parcel) for parcel in (1, 0, 1))) == []
    issued = sorted(dossier(db, story).invoices, key=lambda invoice: invoice.sequence)
    assert [invoice.number for invoice in issued] == named(1, 2)
    assert total((invoice.gross for invoice in issued), "USD") == totals(story.order).gross
    assert [invoice.shipment_id for invoice in issued] == [
        story.shipments[1].id,
        story.shipments[0].id,
    ]
    charged = [[line.kind for line in invoice.lines].count("shipping") for invoice in issued]
    assert charged == [1, 0]


def test_what_cannot_be_issued_takes_no_number_and_is_in_nobodys_way(db: Database) -> None:
    packed, (first, second) = at("packed", seed="packed"), shipped(db, 2)
    store(db, packed)
    unknown = asked(at("shipped", seed="never stored"))
    garbled = {"order_id": first.order.id}
    batch = (asked(packed), asked(first), unknown, garbled, asked(second))
    assert issue(db, *batch) == ["m3", "m0", "m2"]
    assert numbers(db, packed, first, second) == named(1, 2)
    assert get_counter(db, SERIES).last == 2


def _unreadable(db: Database, story: Story) -> None:
    key = {"pk": f"ORD#{story.order.id}", "sk": "ORDER"}
    item = {**key, "version": story.order.version, "order": "rubbish"}
    db.client.put_item(TableName=db.orders, Item=to_item(item))


def _garbled(db: Database, story: Story) -> None:
    key = {"pk": f"ORD#{story.order.id}", "sk": "ORDER"}
    item = {**to_item(key), "order": {"B": b"not packed"}}
    db.client.put_item(TableName=db.orders, Item=item)


def _in_the_way(db: Database, story: Story) -> None:
    """What its transaction would put is there already, so that it never goes through."""
    sequence = (story.order.version + 1) * EVENTS_PER_COMMIT
    item = {"pk": f"ORD#{story.order.id}", "sk": f"EVT#{sequence:012d}"}
    db.client.put_item(TableName=db.orders, Item=to_item(item))


@pytest.mark.parametrize("spoil", [_unreadable, _garbled, _in_the_way])
def test_one_that_fails_in_the_midst_of_a_batch_fails_alone(
    quick: Database, spoil: Callable[[Database, Story], None]
) -> None:
    stories = shipped(quick, 20)
    spoil(quick, stories[7])
    assert issue(quick, *map(asked, stories)) == ["m7"]
    good = stories[:7] + stories[8:]
    assert numbers(quick, *good) == named(*range(1, 20))
    assert numbers_given(quick, SERIES) == set(range(1, 20))
    assert get_counter(quick, SERIES).last == 19


def test_each_legal_entity_has_a_series_of_its_own(quick: Database) -> None:
    tea, book = {("TEA-9", "dc-1"): 50}, {("BOOK-3", "dc-2"): 50}
    shop = two_companies()
    both = at("shipped", seed="both", shop=shop, stock=tea | book, basket={"TEA-9": 1, "BOOK-3": 1})
    north = [at("shipped", seed=f"n{n}", shop=shop, stock=tea, basket={"TEA-9": 1}) for n in "12"]
    south = [at("shipped", seed=f"s{n}", shop=shop, stock=book, basket={"BOOK-3": 1}) for n in "12"]
    for story in (both, *north, *south):
        store(quick, story)
    batch = [south[0], north[0], south[1], both, north[1]]
    assert issue(quick, *map(asked, batch), asked(both, 1)) == []
    assert numbers(quick, *south) == ["SOUTH-000001", "SOUTH-000002"]
    assert numbers(quick, *north) == ["INV-000001", "INV-000003"]
    assert sorted(numbers(quick, both)) == ["INV-000002", "SOUTH-000003"]
    sellers = {i.series: i.seller.name for s in batch for i in dossier(quick, s).invoices}
    assert sellers == {"INV": "Teapot & Co., Inc.", "SOUTH": "Teapot South, Inc."}
    for series in sellers:
        assert numbers_given(quick, series) == {1, 2, 3}


def test_what_a_node_sent_that_nobody_knows_any_more_waits_for_somebody(quick: Database) -> None:
    shop = two_companies()
    gone = at("shipped", seed="gone", shop=shop)
    store(quick, gone)
    settings = replace(shop.settings, legal_entities={})
    key = to_item({"pk": "SHOP", "sk": f"NODE#{gone.shipments[0].node}"})
    quick.client.delete_item(TableName=quick.catalogue, Key=key)
    forget_shop(quick)
    assert issue(quick, asked(gone)) == ["m0"]  # whose is it?
    put_settings(quick, settings)
    assert issue(quick, asked(gone)) == []
    assert numbers(quick, gone) == named(1)


def test_prestashop_42821_eight_at_once_get_eight_numbers_without_a_gap(db: Database) -> None:
    """There, the next number was the greatest there was and one more, read and written without a
    lock: two orders at once had invoices of one number."""
    stories = shipped(db, 8)
    client = Together(db.client, len(stories))
    shared = function(replace(db, client=client))
    events = [queue_event(asked(story)) for story in stories]
    with ThreadPoolExecutor(len(events)) as pool:
        answers = list(pool.map(lambda event: shared.handler(event, Context()), events))
    assert answers == [{"batchItemFailures": []}] * 8
    assert sorted(numbers(db, *stories)) == named(*range(1, 9))
    assert client.refused >= 7  # all had read the same counter
    assert get_counter(db, SERIES).last == 8
    assert numbers_given(db, SERIES) == set(range(1, 9))


def test_one_shipment_asked_for_by_eight_at_once_has_one_number(db: Database) -> None:
    (story,) = shipped(db, 1)
    shared = function(replace(db, client=Together(db.client, 8)))
    event = queue_event(asked(story))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shared.handler(event, Context()), range(8)))
    assert answers == [{"batchItemFailures": []}] * 8
    assert numbers(db, story) == named(1)
    assert numbers_given(db, SERIES) == {1}
