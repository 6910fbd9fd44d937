"""Goods whose standard cost changes: what they stand at in the money books follows it.

    StockTable   RECOSTED   <sku>   noted_at: when its cost last changed

Noted before the product is written, so that whoever comes after a crash knows of it. What an order
leaves with is what it was placed at; therefore a SKU is revalued every day for as long as orders
may leave at an older cost, and longer than that no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from parcelway.domain import inventory, ledger
from parcelway.domain.ids import derived
from parcelway.domain.money import Money
from parcelway.domain.stock import Document, Entry, Move
from parcelway.store import batches
from parcelway.store.catalogue import get_stored
from parcelway.store.codec import iso
from parcelway.store.commit import Write, commit, until_fresh
from parcelway.store.database import Database
from parcelway.store.ledger import posting_writes
from parcelway.store.shards import WORTH, posted_as
from parcelway.store.stock import entry_writes
from parcelway.values import dataclass

Item = Mapping[str, Any]

WATCHED = timedelta(days=30)  # at least, after a change
_PK = "RECOSTED"
_AT_ONCE = 40  # balances in one transaction, with where the document is listed
_HELD = ("reserved", "allocated", "backordered")


@dataclass(frozen=True, slots=True)
class Recosted:
    """A SKU whose cost changed, and when it was noted (ISO 8601 UTC)."""

    sku: str
    noted_at: str


def note(db: Database, skus: Iterable[str], now: datetime) -> None:
    """Have these SKUs revalued from now on, whatever happens. Raises Busy."""
    items = [{"pk": _PK, "sk": sku, "noted_at": iso(now)} for sku in skus]
    batches.write_many(db.client, db.stock, [batches.put(item) for item in items])


def noted(db: Database) -> list[Recosted]:
    """The SKUs that are to be revalued."""
    return [Recosted(item["sk"], item["noted_at"]) for item in db.query(db.stock, _PK)]


def revalue(db: Database, sku: str, now: datetime) -> int:
    """Have all units of a SKU stand at its standard cost, and post the difference; how many
    balances stood at another. Repeated, it finds nothing to do. Raises Busy."""

    def attempt() -> int:
        # The balances first: they are as they were read by the time of the commit, so that the cost
        # is one that was the product's in between, and whoever changes it comes here after that.
        items = _balances(db, sku)
        stored = get_stored(db, [sku], consistent=True).get(sku)
        cost = stored.product.unit_cost if stored else None
        differing = [(item, each) for item in items if (each := _difference(item, cost))]
        for start in range(0, len(differing), _AT_ONCE):
            _revalue(db, sku, differing[start : start + _AT_ONCE], now)
        return len(differing)

    return until_fresh(attempt)


def watch(db: Database, recosted: Recosted, now: datetime) -> int:
    """Revalue a SKU once more, and note it no longer when no order can leave at an older cost. How
    many balances stood at another cost. Raises Busy, and Stale when its cost changed meanwhile."""
    differing = revalue(db, recosted.sku, now)
    over = recosted.noted_at <= iso(now - WATCHED)
    if over and not any(item.get(name) for item in _balances(db, recosted.sku) for name in _HELD):
        key, seen = {"pk": _PK, "sk": recosted.sku}, {":seen": recosted.noted_at}
        commit(db.client, [Write(db.stock, "noted_at = :seen", key=key, values=seen)])
    return differing


def worth_of(item: Item) -> dict[str, int]:
    """What the units of a balance item stand at in the money books, by currency."""
    return {name.removeprefix(WORTH): item[name] for name in item if name.startswith(WORTH)}


def _balances(db: Database, sku: str) -> list[dict[str, Any]]:
    return db.query(db.stock, f"SKU#{sku}", "NODE#")


def _difference(item: Item, cost: Money | None) -> dict[str, int]:
    return inventory.revalued(item.get("owned", 0), worth_of(item), cost)


def _revalue(
    db: Database, sku: str, differing: Sequence[tuple[Item, Mapping[str, int]]], now: datetime
) -> None:
    """One transaction: balances as they were read, their journal entry, and a posting for each
    currency."""
    writes = [_stands_at(db, item, difference) for item, difference in differing]
    moves = tuple(
        Move(sku, item["node"], "revalue", 0, worth=Money(minor, currency))
        for item, difference in differing
        for currency, minor in difference.items()
    )
    first = differing[0][0]
    reference = derived("rvl", sku, first["sk"], str(first.get("posted", 0)), iso(now))
    entry = Entry(reference, 0, now, moves, document=Document("revaluation", "system", ""))
    for change in inventory.together(moves):
        writes += posting_writes(db, ledger.goods_revalued(reference, now, change), now)
    commit(db.client, [*writes, *entry_writes(db, entry, len(writes))])


def _stands_at(db: Database, item: Item, difference: Mapping[str, int]) -> Write:
    """A balance item that is still as it was read, at another worth."""
    sets = [f"{WORTH}{c} = if_not_exists({WORTH}{c}, :zero) + :{c}" for c in difference]
    values = {":zero": 0, ":one": 1} | {f":{c}": minor for c, minor in difference.items()}
    return Write(
        db.stock,
        posted_as(item),
        key={"pk": item["pk"], "sk": item["sk"]},
        update=f"SET {', '.join(sets)}, posted = if_not_exists(posted, :zero) + :one",
        values=values | ({":posted": item["posted"]} if "posted" in item else {}),
    )
