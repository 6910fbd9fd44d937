"""Several importers send one file at once, each cut in its own way and in its own order."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from typing import Any

from parcelway.domain.importing import order_id_of
from parcelway.domain.order import totals
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.credit import get_account
from parcelway.store.database import Database
from parcelway.store.orders import get_order
from parcelway.store.stock import read_balances

from infra.bench.conflicts import ConflictWindow
from infra.bench.tables import container
from infra.verify import breaks
from tests.functions.worlds import World
from tests.imports import ACCOUNT, IMPORTS, SOURCE, Row, lines, open_source_account, row
from tests.orders import PRODUCTS, at, store
from tests.races.crowd import at_once

ROWS = [row(f"R-{number}") for number in range(12)]
IMPORTERS = 6


class Threaded(World):
    """The function with a container for each thread."""

    def __init__(self, client: Any) -> None:
        super().__init__(container(client), "order_import")
        here = threading.local()

        def db() -> Database:
            here.db = getattr(here, "db", None) or container(client)
            found: Database = here.db
            return found

        self.function.db = db

    def send(self, rows: list[Row]) -> list[dict[str, Any]]:
        """The results of a request that is sent until it is answered."""
        claims = {"sub": "robot", "cognito:groups": f"integration,source-{SOURCE}"}
        for _ in range(100):
            answer = self.call(
                "POST",
                "/staff/imports/{source}/orders",
                {"source": SOURCE},
                claims=claims,
                text=lines(rows),
                content_type="application/x-ndjson",
            )
            if answer["statusCode"] == 200:
                found: list[dict[str, Any]] = json.loads(answer["body"])["results"]
                return found
            assert answer["statusCode"] == 503, answer["body"]
        raise AssertionError("it was always busy")


def cut(seed: int) -> list[list[Row]]:
    """The file in pieces of any size, in any order."""
    dice, pieces, rest = random.Random(seed), list[list[Row]](), list(ROWS)
    while rest:
        size = dice.randint(1, 5)
        pieces.append(rest[:size])
        rest = rest[size:]
    dice.shuffle(pieces)
    return pieces


def test_one_file_sent_by_many_is_each_order_once(client: Any) -> None:
    db = container(client)
    catalogue.upsert(db, PRODUCTS.values(), clock.now())
    store(db, at("draft", now=clock.now(), shop=IMPORTS))
    open_source_account(db)
    world = Threaded(ConflictWindow(client, 0.001))

    def run(seed: int) -> list[dict[str, Any]]:
        return [result for piece in cut(seed) for result in world.send(piece)]

    found = [result for results in at_once(run, range(IMPORTERS)) for result in results]
    assert Counter(each["status"] for each in found)["refused"] == 0
    created = Counter(each["external_id"] for each in found if each["status"] == "created")
    assert max(created.values()) == 1  # who was answered 503 after the commit hears `known`
    orders = [get_order(db, order_id_of(SOURCE, each["external_id"])) for each in ROWS]
    assert all(order is not None and order.state == "confirmed" for order in orders)
    account = get_account(db, ACCOUNT)
    assert account is not None
    assert account.open == sum(totals(order).gross.minor for order in orders if order)
    balances = read_balances(db, [("BOOK-3", "dc-1")], consistent=True)
    assert balances["BOOK-3", "dc-1"].reserved == 2 * len(ROWS)
    wrong = breaks(db, clock.now())
    assert [str(each) for each in wrong if each.kind.startswith(("money", "stock", "credit"))] == []
