"""The stock books' routes: each document is booked once, or refused for a named reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.books import Booked, period_of
from parcelway.domain.ledger import balances
from parcelway.domain.stock import Balance, Move, after, expecting
from parcelway.ports import clock
from parcelway.store import catalogue, shards
from parcelway.store.alerts import look_at
from parcelway.store.codec import iso
from parcelway.store.commit import commit
from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item
from parcelway.store.ledger import journal
from parcelway.store.shop import put_settings
from parcelway.store.stock import move_writes, read_balances, to_entry

from infra.bench.tables import container, in_model
from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import PRODUCTS, SHOP, store_shop

SKU, NODE = "MUG-1", "dc-1"
KEY = (SKU, NODE)
PLACE = "/stock/{sku}/nodes/{node}"
STAFF = {"sub": "w1", "cognito:groups": "warehouse"}
DUE = (clock.now().date() + timedelta(days=9)).isoformat()


class Books(World):
    """The function, and what its tables say."""

    def tell(
        self, what: str, body: Any, key: str = "", method: str = "POST", **path: str
    ) -> Answer:
        """A document about the mugs at the warehouse."""
        path = {"sku": SKU, "node": NODE} | path
        return self.call(
            method,
            f"{PLACE}/{what}",
            path,
            body,
            claims=STAFF,
            idempotency_key=key or new_key(),
        )

    def expect(self, reference: str, due: str, quantity: int, key: str = "") -> Answer:
        body = {"due": due, "quantity": quantity}
        return self.tell("supplies/{reference}", body, key, "PUT", reference=reference)

    def balance(self) -> Balance:
        return read_balances(self.db, [KEY], consistent=True).get(KEY, Balance(*KEY))

    def entries(self) -> list[dict[str, Any]]:
        path = {"sku": SKU, "node": NODE}
        found: list[dict[str, Any]] = ok(self.call("GET", f"{PLACE}/journal", path, claims=STAFF))[
            "entries"
        ]
        return found

    def move(self, kind: Any, quantity: int) -> None:
        """What an order does."""
        moves = [Move(*KEY, kind, quantity)]
        commit(self.db.client, move_writes(self.db, new_key(), 1, clock.now(), moves))


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with aws(monkeypatch) as db:
        store_shop(db)
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield Books(db, "stock")
    clock.reset()


def test_units_come_in_break_are_mended_thrown_away_sold_and_come_back(books: Books) -> None:
    for what, body, on_hand, damaged in (
        ("receipts", {"quantity": 10}, 10, 0),
        ("damage", {"quantity": 4}, 10, 4),
        ("repairs", {"quantity": 1}, 10, 3),
        ("scrap", {"quantity": 2}, 8, 1),
        ("sales", {"quantity": 3}, 5, 1),
        ("returns", {"quantity": 1}, 6, 1),
        ("returns", {"quantity": 1, "damaged": True}, 7, 2),
        ("adjustments", {"quantity": -2, "reason": "shrinkage"}, 5, 2),
        ("adjustments", {"quantity": 1, "reason": "found"}, 6, 2),
        ("counts", {"quantity": 9, "counted_at": iso(clock.now())}, 9, 2),
    ):
        answer = ok(books.tell(what, body))
        balance = answer["balance"]
        assert (balance["on_hand"], balance["damaged"]) == (on_hand, damaged), what
        assert balance["available"] == on_hand - damaged
        assert books.balance().on_hand == on_hand
    kept = ok(books.tell("safety", {"quantity": 5}, method="PUT"))["balance"]
    assert (kept["safety"], kept["available"]) == (5, 2)
    kept = ok(books.tell("safety", {"quantity": 1}, method="PUT"))["balance"]
    assert (kept["safety"], kept["available"]) == (1, 6)


WORTH: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
    "receipt": ("receipts", {"quantity": 10}, {"inventory": 10, "goods_received": -10}),
    "return": ("returns", {"quantity": 1}, {"inventory": 1, "cost_of_goods_sold": -1}),
    "sale": ("sales", {"quantity": 3}, {"inventory": -3, "cost_of_goods_sold": 3}),
    "found less": (
        "counts",
        {"quantity": 5, "counted_at": iso(clock.now())},
        {"inventory": -15, "inventory_adjustments": 15},
    ),
    "thrown away": ("scrap", {"quantity": 2}, {"inventory": -2, "inventory_adjustments": 2}),
    "broken": ("damage", {"quantity": 2}, {}),
    "kept back": ("safety", {"quantity": 2}, {}),
}


@pytest.mark.parametrize("case", WORTH)
def test_what_a_document_does_to_goods_is_in_the_money_books_at_cost(
    books: Books, case: str
) -> None:
    what, body, units = WORTH[case]
    ok(books.tell("receipts", {"quantity": 20}))
    ok(books.tell("damage", {"quantity": 5}))
    before, key = {p.number for p in posted(books.db)}, new_key()
    for _ in range(2):
        ok(books.tell(what, body, key, method="PUT" if what == "safety" else "POST"))
    news = [p.posting for p in posted(books.db) if p.number not in before]
    cost = PRODUCTS[SKU].unit_cost
    assert cost
    assert dict(balances(news)) == {name: count * cost.minor for name, count in units.items()}


def test_goods_whose_cost_nobody_knows_are_in_no_money_books(books: Books) -> None:
    unknown = replace(PRODUCTS[SKU], sku="GIFT-1", unit_cost=None)
    catalogue.upsert(books.db, [unknown], clock.now())
    ok(books.tell("receipts", {"quantity": 20}, sku="GIFT-1"))
    assert posted(books.db) == []


def posted(db: Database) -> list[Booked]:
    """This month's postings."""
    return journal(db, period_of(clock.now()))[0]


@pytest.mark.parametrize(
    ("what", "body", "method"),
    [
        ("receipts", {"quantity": 2}, "POST"),
        ("returns", {"quantity": 2}, "POST"),
        ("adjustments", {"quantity": -2, "reason": "lost"}, "POST"),
        ("counts", {"quantity": 2, "counted_at": "2026-11-01T10:00:00Z"}, "POST"),
        ("sales", {"quantity": 2}, "POST"),
        ("damage", {"quantity": 2}, "POST"),
        ("safety", {"quantity": 2}, "PUT"),
    ],
)
def test_a_document_is_booked_once_for_ever(
    books: Books, what: str, body: Any, method: str
) -> None:
    ok(books.tell("receipts", {"quantity": 10}))
    first = ok(books.tell(what, body, "k1", method))
    once = books.dump()
    assert ok(books.tell(what, body, "k1", method)) == first
    clock.travel(timedelta(days=400))
    assert ok(books.tell(what, body, "k1", method)) == first
    refused(books.tell(what, body | {"quantity": 1}, "k1", method), 422, "idempotency-key-reused")
    refused(books.tell("repairs", {"quantity": 1}, "k1"), 422, "idempotency-key-reused")
    assert books.dump() == once


@pytest.mark.parametrize("operation", ["transact_write_items", "get_item"])
@pytest.mark.parametrize("done", [False, True])
def test_a_receipt_whose_answer_is_lost_is_booked_once(
    books: Books, operation: str, done: bool
) -> None:
    def receive() -> Answer:
        return books.tell("receipts", {"quantity": 7}, "k1")

    assert books.breaking(operation, done=done, request=receive)["statusCode"] == 503
    assert ok(receive())["balance"]["on_hand"] == 7
    assert len(books.entries()) == 1


def test_a_source_is_booked_once_whoever_sends_it(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 10}))
    sale = {"quantity": 2, "source": "till-2/0815/1"}
    for _ in range(3):
        assert ok(books.tell("sales", sale))["balance"]["on_hand"] == 8
    body = refused(books.tell("sales", sale | {"quantity": 3}), 422, "idempotency-key-reused")
    assert body["pointer"] == "/source"
    assert ok(books.tell("sales", sale | {"source": "till-2/0815/2"}))["balance"]["on_hand"] == 6


def test_a_sale_of_what_the_books_do_not_have_is_booked_and_flagged(books: Books) -> None:
    """A till was off line: not clamped, not lost."""
    ok(books.tell("receipts", {"quantity": 1}))
    answer = ok(books.tell("sales", {"quantity": 3}))
    assert answer["entry"]["oversold"] == 2
    assert (answer["balance"]["on_hand"], answer["balance"]["short"]) == (-2, True)
    assert books.entries()[0]["oversold"] == 2
    answer = ok(books.tell("sales", {"quantity": 1}))
    assert (answer["entry"]["oversold"], answer["balance"]["on_hand"]) == (1, -3)
    now = iso(clock.now())
    answer = ok(books.tell("counts", {"quantity": 4, "counted_at": now}))
    assert (answer["balance"]["on_hand"], answer["balance"]["short"]) == (4, False)


def test_a_sale_at_the_till_takes_what_was_promised_on_line(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 5}))
    books.move("reserve", 5)
    answer = ok(books.tell("sales", {"quantity": 2}))
    assert answer["entry"]["oversold"] == 0
    balance = answer["balance"]
    assert (balance["reserved"], balance["available"], balance["short"]) == (5, -2, True)


def test_a_count_leaves_reservations_and_is_never_overtaken_by_an_older_one(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 9}))
    books.move("reserve", 6)
    noon = clock.now()
    balance = ok(books.tell("counts", {"quantity": 4, "counted_at": iso(noon)}))["balance"]
    assert (balance["on_hand"], balance["reserved"], balance["available"]) == (4, 6, -2)
    assert balance["short"]
    for older in (noon, noon - timedelta(seconds=1)):
        body = refused(
            books.tell("counts", {"quantity": 50, "counted_at": iso(older)}), 409, "stale-count"
        )
        assert body["last_counted_at"] == iso(noon).replace(".000Z", "Z") or body["pointer"]
    ahead = iso(clock.now() + timedelta(hours=1))
    refused(books.tell("counts", {"quantity": 5, "counted_at": ahead}), 422, "invalid-request")
    assert books.balance().on_hand == 4


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("adjustments", {"quantity": -4, "reason": "lost"}),
        ("damage", {"quantity": 4}),
        ("repairs", {"quantity": 1}),
        ("scrap", {"quantity": 1}),
    ],
)
def test_nothing_can_happen_to_units_that_are_not_there(books: Books, what: str, body: Any) -> None:
    ok(books.tell("receipts", {"quantity": 3}))
    before = books.dump()
    assert refused(books.tell(what, body), 409, "out-of-stock")["available"] in (0, 3)
    assert books.dump() == before


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("receipts", {"quantity": 0}),
        ("receipts", {"quantity": -1}),
        ("receipts", {"quantity": 10**9 + 1}),
        ("receipts", {"quantity": 1.5}),
        ("receipts", {"quantity": "1"}),
        ("receipts", {}),
        ("sales", {"quantity": -1}),
        ("adjustments", {"quantity": 1}),
        ("adjustments", {"quantity": 1, "reason": "because"}),
        ("counts", {"quantity": -1, "counted_at": "2026-11-01T10:00:00Z"}),
        ("counts", {"quantity": 1, "counted_at": "2026-11-01T10:00:00"}),
        ("counts", {"quantity": 1, "counted_at": "0001-01-01T00:00:00+14:00"}),
        ("counts", {"quantity": 1}),
    ],
)
def test_wrong_quantities_are_refused(books: Books, what: str, body: Any) -> None:
    """A negative receipt (medusa and others book it) takes nothing away."""
    before = books.dump()
    refused(books.tell(what, body), 422, "invalid-request")
    assert books.dump() == before


def test_unknown_products_and_nodes_are_named(books: Books) -> None:
    before = books.dump()
    told = {"quantity": 1}
    refused(books.tell("receipts", told, sku="NONE"), 404, "not-found")
    refused(books.tell("receipts", told, node="nowhere"), 404, "not-found")
    refused(books.call("GET", "/stock/{sku}", {"sku": "NONE"}, claims=STAFF), 404, "not-found")
    assert books.dump() == before


# Supplies


def test_a_supply_is_announced_moves_shrinks_arrives_and_ends(books: Books) -> None:
    later = (clock.now().date() + timedelta(days=20)).isoformat()
    ok(books.expect("PO-2", DUE, 5))
    ok(books.expect("PO-1", DUE, 7))
    shown = ok(books.expect("PO-2", later, 4))["balance"]["supplies"]
    assert shown == [
        {"reference": "PO-1", "due": DUE, "quantity": 7},
        {"reference": "PO-2", "due": later, "quantity": 4},
    ]
    answer = ok(books.tell("receipts", {"quantity": 3, "supply": "PO-1"}))
    assert answer["balance"]["on_hand"] == 3
    assert answer["balance"]["supplies"][0]["quantity"] == 4
    answer = ok(books.tell("receipts", {"quantity": 6, "supply": "PO-1"}))  # two more than told
    assert [supply["reference"] for supply in answer["balance"]["supplies"]] == ["PO-2"]
    refused(books.tell("receipts", {"quantity": 1, "supply": "PO-1"}), 404, "not-found")
    answer = ok(books.expect("PO-2", later, 0))
    assert (answer["balance"]["supplies"], answer["balance"]["on_hand"]) == ([], 9)
    assert books.balance().supplied == 6


def test_what_is_known_of_a_supply_already_changes_nothing(books: Books) -> None:
    ok(books.expect("PO-1", DUE, 7))
    once = books.dump()
    assert ok(books.expect("PO-1", DUE, 7))["entry"] is None
    assert ok(books.expect("PO-9", DUE, 0))["entry"] is None
    assert books.dump() == once


def test_a_supply_that_is_repeated_late_does_not_undo_the_news(books: Books) -> None:
    ok(books.expect("PO-1", DUE, 7, "k1"))
    ok(books.expect("PO-1", DUE, 5, "k2"))
    assert ok(books.expect("PO-1", DUE, 7, "k1"))["balance"]["supplies"][0]["quantity"] == 5


def test_supplies_of_the_past_and_too_many_are_refused(books: Books) -> None:
    past = (clock.now().date() - timedelta(days=2)).isoformat()
    assert refused(books.expect("PO", past, 1), 422, "invalid-request")["pointer"] == "/due"
    refused(books.expect("trf_1", DUE, 1), 422, "invalid-request")
    for number in range(20):
        ok(books.expect(f"PO-{number}", DUE, 1))
    before = books.dump()
    refused(books.expect("PO-20", DUE, 1), 422, "quantity-limit")
    assert books.dump() == before
    ok(books.expect("PO-19", DUE, 2))


# Reading


def test_the_journal_lists_documents_newest_first_by_cursor(books: Books) -> None:
    for quantity in range(1, 6):
        ok(books.tell("receipts", {"quantity": quantity}))
        clock.travel(timedelta(minutes=1))
    ok(books.tell("receipts", {"quantity": 99}, node="store-1"))
    seen: list[int] = []
    query = {"limit": "2"}
    while True:
        page = ok(
            books.call(
                "GET", f"{PLACE}/journal", {"sku": SKU, "node": NODE}, query=query, claims=STAFF
            )
        )
        seen += [entry["moves"][0]["quantity"] for entry in page["entries"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [5, 4, 3, 2, 1]
    foreign = books.call(
        "GET", f"{PLACE}/journal", {"sku": SKU, "node": "store-1"}, query=query, claims=STAFF
    )
    refused(foreign, 400, "malformed-request")


def test_all_nodes_of_a_product_are_shown(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 3}))
    ok(books.tell("receipts", {"quantity": 4}, node="store-1"))
    shown = ok(books.call("GET", "/stock/{sku}", {"sku": SKU}, claims=STAFF))
    assert {b["node"]: b["available"] for b in shown["balances"]} == {"dc-1": 3, "store-1": 4}


@pytest.mark.parametrize("kind", ["receipts", "sales", "counts", "supplies"])
def test_a_balance_on_several_items_is_booked_like_any_other(books: Books, kind: str) -> None:
    ok(books.tell("receipts", {"quantity": 100}))
    shards.split(books.db, *KEY, 1, clock.now())
    if kind == "supplies":
        ok(books.expect("PO", DUE, 1))
    else:
        body: dict[str, Any] = {"quantity": 60}
        body |= {"counted_at": iso(clock.now())} if kind == "counts" else {}
        ok(books.tell(kind, body))
    wanted = {"receipts": 160, "sales": 40, "counts": 60, "supplies": 100}
    assert books.balance().on_hand == wanted[kind]


def test_the_journal_replayed_gives_the_balance(books: Books) -> None:
    ok(books.expect("PO-1", DUE, 7))
    ok(books.tell("receipts", {"quantity": 9, "supply": "PO-1"}))
    ok(books.expect("PO-2", DUE, 3))
    ok(books.tell("damage", {"quantity": 2}))
    ok(books.tell("safety", {"quantity": 4}, method="PUT"))
    ok(books.tell("sales", {"quantity": 20}))
    found = books.db.client.scan(TableName=books.db.stock)["Items"]
    entries = [to_entry(item) for item in map(from_item, found) if item["pk"].startswith("JRN#")]
    assert len(entries) == 6
    balance = after({}, [move for entry in entries for move in entry.moves])[KEY]
    told = [expected for entry in entries for expected in entry.expected]
    for expected in sorted(told, key=lambda each: each.supplied):
        balance = expecting(balance, expected)
    assert balance == replace(books.balance(), counted_at=None)


# Transfers


TRANSFER = {"from_node": NODE, "to_node": "store-1", "due": DUE}


def send(books: Books, quantity: int, key: str = "", **changes: Any) -> Answer:
    body = TRANSFER | {"lines": [{"sku": SKU, "quantity": quantity}]} | changes
    return books.call(
        "POST", "/stock/transfers", {}, body, claims=STAFF, idempotency_key=key or new_key()
    )


def stock_of(books: Books) -> Any:
    return ok(books.call("GET", "/stock/{sku}", {"sku": SKU}, claims=STAFF))


def test_a_transfer_is_on_its_way_until_it_arrives(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 10}))
    sent = ok(send(books, 6, "k1"))
    assert ok(send(books, 6, "k1")) == sent
    assert sent["lines"] == [{"sku": SKU, "quantity": 6, "in_transit": 6}]
    shown = stock_of(books)
    assert shown["in_transit"] == 6
    assert {b["node"]: b["available"] for b in shown["balances"]} == {NODE: 4, "store-1": 0}
    arrived = {"quantity": 4, "supply": sent["id"]}
    ok(books.tell("receipts", arrived, node="store-1"))
    path = {"transfer_id": sent["id"]}
    asked = ok(books.call("GET", "/stock/transfers/{transfer_id}", path, claims=STAFF))
    assert asked["lines"][0]["in_transit"] == 2
    cancel = "/stock/transfers/{transfer_id}/cancel"
    for _ in range(2):
        back = ok(books.call("POST", cancel, path, {}, claims=STAFF, idempotency_key=new_key()))
        assert back["lines"][0]["in_transit"] == 0
    shown = stock_of(books)
    assert {b["node"]: b["on_hand"] for b in shown["balances"]} == {NODE: 6, "store-1": 4}
    assert shown["in_transit"] == 0
    refused(books.tell("receipts", arrived, node="store-1"), 404, "not-found")


def test_a_transfer_that_cannot_be_changes_nothing(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 10}))
    books.move("reserve", 7)
    before = books.dump()
    body = refused(send(books, 4), 409, "out-of-stock")
    assert (body["available"], body["sku"], body["node"]) == (3, SKU, NODE)
    refused(send(books, 1, to_node="mars"), 422, "unknown-node")
    refused(send(books, 1, to_node=NODE), 422, "invalid-request")
    refused(send(books, 1, lines=[{"sku": "NONE", "quantity": 1}]), 422, "unknown-sku")
    refused(send(books, 1, due="2020-01-01"), 422, "invalid-request")
    twice = [{"sku": SKU, "quantity": 2}, {"sku": SKU, "quantity": 2}]
    refused(send(books, 1, lines=twice), 409, "out-of-stock")  # two lines, one stock
    assert books.dump() == before
    path = {"transfer_id": "trf_none"}
    refused(
        books.call("GET", "/stock/transfers/{transfer_id}", path, claims=STAFF), 404, "not-found"
    )


# The feed


def test_a_feed_is_booked_row_by_row_and_can_be_repeated(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 10}))
    books.move("reserve", 8)
    noon = iso(clock.now())
    row = {"sku": SKU, "node": NODE, "mode": "absolute", "quantity": 5, "as_of": noon}
    delta = {"sku": SKU, "node": "store-1", "mode": "delta", "quantity": 3, "source": "d1"}
    rows = [
        row,
        delta,
        row | {"quantity": 6},  # no newer
        row | {"sku": "NONE"},
        row | {"node": "mars"},
        delta | {"quantity": -4, "source": "d2"},
        delta,
        {"sku": SKU, "node": NODE, "mode": "absolute", "quantity": 5},
    ]

    def feed(key: str) -> list[dict[str, Any]]:
        answer = books.call(
            "POST", "/stock/feed", {}, {"rows": rows}, claims=STAFF, idempotency_key=key
        )
        found: list[dict[str, Any]] = ok(answer)["rows"]
        return found

    told = feed("k1")
    assert [row["booked"] for row in told] == [True, True, *[False] * 4, True, False]
    assert [row["refused"] for row in told][2:6] == [
        *("stale-count", "unknown-sku", "unknown-node", "out-of-stock"),
    ]
    assert told[0]["available"] == -3  # what is held stays held
    assert books.balance().reserved == 8
    once = books.dump()
    assert feed("k1") == told
    again = feed("k2")  # as another request: the source is the same, the count no newer
    assert [row["booked"] for row in again] == [False, True, *[False] * 4, True, False]
    assert books.dump() == once


def fed(books: Books, rows: list[dict[str, Any]], key: str = "") -> list[dict[str, Any]]:
    answer = books.call(
        "POST", "/stock/feed", {}, {"rows": rows}, claims=STAFF, idempotency_key=key or new_key()
    )
    found: list[dict[str, Any]] = ok(answer)["rows"]
    return found


class Watched:
    """A DynamoDB client that notes what is called, and calls `before` first."""

    def __init__(self, client: Any, before: Callable[[str, Any], None] | None = None) -> None:
        self._client, self._before = client, before
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*named: Any, **request: Any) -> Any:
            self.calls.append(name)
            if self._before:
                self._before(name, request)
            return method(*named, **request)

        return call


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Books:
    """The function with tables in the model, which are quick when they are large."""
    db = container(in_model())
    store_shop(db)
    catalogue.upsert(db, PRODUCTS.values(), clock.now())
    return Books(db, "stock")


def test_a_feed_takes_few_calls_however_its_rows_are_mixed(many: Books) -> None:
    """29 seconds are the most that API Gateway waits; a call takes some 10 milliseconds."""
    skus = [f"SKU-{n:03}" for n in range(250)]
    catalogue.upsert(many.db, [replace(PRODUCTS[SKU], sku=sku) for sku in skus], clock.now())
    places = [(sku, node) for sku in skus for node in ("dc-1", "dc-2")]

    def rows(places: list[tuple[str, str]]) -> list[dict[str, Any]]:
        return [{"sku": sku, "node": node, "mode": "delta", "quantity": 1} for sku, node in places]

    overhead = 5 + 2  # the products, the shop
    for mixed, most, each in ((places, 75, 1), (places[:10] * 50, 210, 51)):
        feed = rows(mixed)
        assert len(feed) == 500
        watched = Watched(many.db.client)
        told = fed(Books(replace(many.db, client=watched), "stock"), feed)
        assert len(watched.calls) <= most + overhead
        assert all(row["booked"] for row in told)
        found = read_balances(many.db, mixed, consistent=True)
        assert {balance.on_hand for balance in found.values()} == {each}


def test_of_rows_about_one_balance_each_knows_what_those_before_it_did(books: Books) -> None:
    delta = {"sku": SKU, "node": NODE, "mode": "delta"}
    changes = [3, -2, -2, 1, -1, 5]
    rows = [delta | {"quantity": units} for units in changes]
    told = fed(books, rows)
    assert [row["refused"] for row in told] == [None, None, "out-of-stock", None, None, None]
    assert [row["available"] for row in told] == [3, 1, None, 2, 1, 6]
    assert books.balance().on_hand == 6
    assert len(books.entries()) == 5


def test_a_feed_whose_balances_change_meanwhile_is_booked_all_the_same(many: Books) -> None:
    """Somebody finds a mug each time that a whole feed is about to be written."""
    rows = [
        {"sku": sku, "node": node, "mode": "delta", "quantity": 5}
        for sku in PRODUCTS
        for node in ("dc-1", "dc-2", "store-1")
    ]
    sizes: list[int] = []

    def meanwhile(name: str, request: Any) -> None:
        if name == "transact_write_items":
            sizes.append(len(request["TransactItems"]))
            if sizes[-1] > 4:
                many.move("adjust", 1)

    watched = Books(replace(many.db, client=Watched(many.db.client, meanwhile)), "stock")
    told = fed(watched, rows, "k1")
    # Three times all of them, then each by itself: what it costs is known of two of the articles.
    assert sizes[:3] == [33] * 3
    assert sorted(sizes[3:]) == [3] * 3 + [4] * 6
    assert all(row["booked"] for row in told)
    assert many.balance().on_hand == 3 + 5
    again = fed(many, rows, "k1")
    assert [row["reference"] for row in again] == [row["reference"] for row in told]
    assert many.balance().on_hand == 3 + 5
    assert len(many.entries()) == 1


def test_a_feed_of_nothing_or_too_much_is_refused(books: Books) -> None:
    row = {"sku": SKU, "node": NODE, "mode": "delta", "quantity": 1}
    others = [row | {"sku": f"S{n}"} for n in range(501)]
    for rows in ([], others, [*others[:100], *[row] * 51]):
        answer = books.call(
            "POST", "/stock/feed", {}, {"rows": rows}, claims=STAFF, idempotency_key=new_key()
        )
        refused(answer, 422, "invalid-request")


# Alerts


def looked_at(books: Books) -> list[dict[str, Any]]:
    """The alerts once the stream's consumer has looked, twice."""
    for _ in range(2):
        look_at(books.db, *KEY, clock.now())
    found: list[dict[str, Any]] = ok(books.call("GET", "/stock/alerts", claims=STAFF))["alerts"]
    return found


def test_low_stock_is_told_once_per_crossing(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 10}))
    assert looked_at(books) == []
    ok(books.tell("reorder-point", {"quantity": 4}, method="PUT"))
    kinds = []
    for kind, quantity in (
        ("reserve", 5),  # 5 left
        ("reserve", 1),  # low
        ("reserve", 1),  # still
        ("reserve", 3),  # out
        ("release", 2),  # low again: better, not told
        ("release", 3),  # fine
        ("reserve", 1),  # low once more
    ):
        books.move(kind, quantity)
        clock.travel(timedelta(minutes=1))
        kinds = [alert["kind"] for alert in looked_at(books)]
    assert kinds == ["low_stock", "out_of_stock", "low_stock"]
    newest = looked_at(books)[0]
    assert (newest["available"], newest["reorder_point"]) == (4, 4)
    assert [b["low"] for b in stock_of(books)["balances"]] == [True]
    ok(books.tell("reorder-point", {"quantity": None}, method="PUT"))
    assert [b["low"] for b in stock_of(books)["balances"]] == [False]


def test_a_sale_of_what_is_not_there_is_an_alert(books: Books) -> None:
    for _ in range(2):
        ok(books.tell("sales", {"quantity": 2}, "k1"))
    (alert,) = looked_at(books)
    assert (alert["kind"], alert["units"], alert["available"]) == ("oversold", 2, -2)
    assert alert["reference"] == books.entries()[0]["reference"]


def test_the_books_of_a_node_that_is_no_more_can_be_cleared(books: Books) -> None:
    ok(books.tell("receipts", {"quantity": 10}))
    gone = to_item({"pk": "SHOP", "sk": f"NODE#{NODE}"})
    books.db.client.delete_item(TableName=books.db.catalogue, Key=gone)
    books.db.memory.clear()
    (left,) = stock_of(books)["balances"]
    assert (left["node"], left["on_hand"]) == (NODE, 10)
    ok(books.tell("counts", {"quantity": 8, "counted_at": iso(clock.now())}))
    ok(books.tell("damage", {"quantity": 1}))
    ok(books.tell("scrap", {"quantity": 1}))
    ok(send(books, 7))
    assert books.balance().on_hand == 0
    refused(send(books, 1, lines=[{"sku": "TEA-9", "quantity": 1}]), 422, "unknown-node")
    refused(send(books, 1, from_node="store-1", to_node=NODE), 422, "unknown-node")
    refused(books.tell("receipts", {"quantity": 1}, sku="TEA-9"), 404, "not-found")


# Quotas


def test_a_quota_is_set_and_shown(books: Books) -> None:
    settings = replace(SHOP.settings, quota_channels=("marketplace",))
    put_settings(books.db, settings)
    books.db.memory.clear()
    path = {"sku": SKU, "channel": "marketplace"}

    def allot(quantity: int, **changes: str) -> Answer:
        return books.call(
            "PUT",
            "/stock/{sku}/quotas/{channel}",
            path | changes,
            {"quantity": quantity},
            claims=STAFF,
            idempotency_key=new_key(),
        )

    assert ok(allot(7)) == {"channel": "marketplace", "quantity": 7, "used": 0}
    assert ok(allot(3))["quantity"] == 3
    refused(allot(3, channel="online"), 404, "not-found")
    refused(allot(3, sku="NONE"), 404, "not-found")
    shown = stock_of(books)
    assert shown["quotas"] == [{"channel": "marketplace", "quantity": 3, "used": 0}]
    assert shown["balances"] == []


def test_a_quota_is_lifted_once_and_set_anew(books: Books) -> None:
    put_settings(books.db, replace(SHOP.settings, quota_channels=("marketplace",)))
    books.db.memory.clear()
    path = {"sku": SKU, "channel": "marketplace"}

    def call(method: str, body: Any = None, key: str = "", **changes: str) -> Answer:
        route, to = "/stock/{sku}/quotas/{channel}", path | changes
        return books.call(method, route, to, body, claims=STAFF, idempotency_key=key or new_key())

    refused(call("DELETE"), 404, "not-found")
    ok(call("PUT", {"quantity": 0}))
    once = new_key()
    lifted = {"channel": "marketplace", "quantity": None, "used": 0}
    assert ok(call("DELETE", key=once)) == lifted
    assert stock_of(books)["quotas"] == [lifted]
    assert ok(call("DELETE")) == lifted
    ok(call("PUT", {"quantity": 5}))
    assert ok(call("DELETE", key=once))["quantity"] == 5  # a late repeat lifts nothing
    refused(call("DELETE", key=once, channel="mobile"), 404, "not-found")
