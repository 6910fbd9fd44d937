"""Stock counts into the books: what is new is received in bulk, what differs is corrected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parcelway.store import catalogue, stock, stock_books
from parcelway.store.database import Database
from parcelway.store.opening import open_balances

from infra.cli.models import StockRow
from infra.cli.rows import BadRow, Row

_REFERENCE = "load"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one batch did, in rows."""

    changed: int
    unchanged: int
    bad: tuple[BadRow, ...]


def put(
    db: Database, file: str, batch: Sequence[Row[StockRow]], as_of: datetime, skus: set[str]
) -> Loaded:
    """Make the books show the counted quantities; unchanged ones cost a read only.

    `skus` are those known to exist; what is found out about others is added. Balances that are new
    are booked together, under a reference made of their content.
    """
    found = catalogue.get_many(db, {row.value.sku for row in batch} - skus)
    kits = {sku for sku, product in found.items() if product.components}
    skus |= found.keys() - kits
    bad = [
        BadRow(file, row.line, _complaint(row.value.sku, kits))
        for row in batch
        if row.value.sku not in skus
    ]
    counts = {(r.value.sku, r.value.node): r.value.quantity for r in batch if r.value.sku in skus}
    before = stock.read_balances(db, list(counts), consistent=True)
    new = {key: quantity for key, quantity in counts.items() if key not in before and quantity}
    differing = [key for key, balance in before.items() if balance.on_hand != counts[key]]
    if new and not open_balances(db, new, as_of, _reference(new)):
        differing += list(new)
    for sku, node in differing:
        stock_books.count(db, sku, node, counts[sku, node], as_of, _REFERENCE)
    changed = len(set(differing) | set(new))
    return Loaded(changed, len(counts) - changed, tuple(bad))


def _complaint(sku: str, kits: set[str]) -> str:
    if sku in kits:
        return f"sku: {sku} is a kit: stock is kept of its components"
    return f"sku: there is no product {sku}"


def _reference(counts: dict[tuple[str, str], int]) -> str:
    content = json.dumps(sorted([*key, quantity] for key, quantity in counts.items()))
    return f"{_REFERENCE}/{hashlib.sha256(content.encode()).hexdigest()[:24]}"
