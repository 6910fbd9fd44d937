"""What each balance expects against the journal: of every supply, what was told last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from parcelway.domain.stock import Balance, Entry, Expected, expecting
from parcelway.store.codec import encode
from parcelway.store.commit import Write, commit, put_new
from parcelway.store.database import Database
from parcelway.store.shards import item_key
from parcelway.store.stock import history, to_balance

from infra.verify.finding import Break, found
from infra.verify.stock import Place, name_of, place_of

_PAGE = 100
_ROUNDS = 3  # looks at a balance that changes all the time


@dataclass(slots=True)
class Announced:
    """What is kept of StockTable while it is streamed."""

    balances: dict[Place, Balance] = field(default_factory=dict)
    journal: dict[Place, dict[str, Expected]] = field(default_factory=dict)

    def balance(self, item: Mapping[str, Any]) -> None:
        """Note a balance item that has ever expected something."""
        if "supplied" in item:
            self.balances[item["sku"], item["node"]] = _only_supplies(to_balance(item))

    def entries(self, entries: Iterable[Entry]) -> None:
        """Note the journal's entries, in whatever order they come."""
        for expected in (expected for entry in entries for expected in entry.expected):
            known = self.journal.setdefault((expected.sku, expected.node), {})
            last = known.get(expected.reference)
            if last is None or last.supplied < expected.supplied:
                known[expected.reference] = expected

    def differing(self) -> list[Place]:
        """Where balance and journal are not the same."""
        places = dict.fromkeys([*self.balances, *self.journal])
        return [
            place
            for place in places
            if self.balances.get(place, Balance(*place))
            != _replayed(place, self.journal.get(place, {}).values())
        ]


def supply_breaks(db: Database, places: Iterable[Place]) -> Iterator[Break]:
    """Which of `places` really expect something else than their journal says."""
    for place in places:
        pair = _compared(db, place)
        if pair is not None:
            book, journal = pair
            told = f"the journal says {_told(journal)}; the balance {_told(book)}"
            yield found("stock.supplies", name_of(place), told)


def mend_supplies(db: Database, name: str) -> str | None:
    """Have a balance expect what its journal says; what was done, None when nothing is wrong.
    Raises Stale and Busy."""
    place = place_of(name)
    pair = _compared(db, place)
    if pair is None:
        return None
    book, journal = pair
    values = {"supplies": encode(journal.supplies), "supplied": journal.supplied}
    if db.get(db.stock, **item_key(*place)) is None:
        counters = {"on_hand": 0, "reserved": 0, "allocated": 0, "available": 0}
        named = item_key(*place) | {"sku": place[0], "node": place[1]}
        commit(db.client, [put_new(db.stock, named | counters | values)])
    else:
        was = {":was": book.supplied}
        missing = "" if book.supplied else "attribute_not_exists(supplied) OR "
        write = Write(
            db.stock,
            f"attribute_exists(pk) AND ({missing}supplied = :was)",
            key=item_key(*place),
            update="SET supplies = :supplies, supplied = :supplied",
            values=was | {f":{name}": value for name, value in values.items()},
        )
        commit(db.client, [write])
    return f"it expected {_told(book)}, expects {_told(journal)} now"


def _compared(db: Database, place: Place) -> tuple[Balance, Balance] | None:
    """A balance and what its journal makes of it, if they differ; both of one moment."""
    for _ in range(_ROUNDS):
        book, journal = _of_place(db, place), _of_journal(db, place)
        if book == journal:
            return None
        if _of_place(db, place) == book:
            return book, journal
    return None  # it keeps changing: the next run will see it


def _of_place(db: Database, place: Place) -> Balance:
    item = db.get(db.stock, **item_key(*place))
    return _only_supplies(to_balance(item)) if item else Balance(*place)


def _of_journal(db: Database, place: Place) -> Balance:
    announced, start = Announced(), None
    while True:
        entries, start = history(db, *place, _PAGE, start)
        announced.entries(entries)
        if start is None:
            return _replayed(place, announced.journal.get(place, {}).values())


def _only_supplies(balance: Balance) -> Balance:
    sku, node = balance.sku, balance.node
    return Balance(sku, node, supplies=balance.supplies, supplied=balance.supplied)


def _replayed(place: Place, told: Iterable[Expected]) -> Balance:
    balance = Balance(*place)
    for expected in sorted(told, key=lambda each: each.supplied):
        balance = expecting(balance, expected)
    return balance


def _told(balance: Balance) -> str:
    told = [f"{s.quantity} on {s.due} ({s.reference})" for s in balance.supplies]
    return ", ".join(told) or "nothing"
