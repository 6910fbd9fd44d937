"""What is wrong with kits of a load, beyond their rows: their components, and their own stock."""

from __future__ import annotations

from collections.abc import Sequence

from parcelway.store import catalogue
from parcelway.store.database import Database
from parcelway.store.stock import balances_of

from infra.cli.models import ProductRow
from infra.cli.rows import Row


def complaints(db: Database, kits: Sequence[Row[ProductRow]]) -> dict[int, str]:
    """What is wrong, by line of the file: a component must be there and be no kit itself, and what
    becomes a kit must have no stock and be in no kit."""
    rows = [row.value for row in kits]
    named = {sku for row in rows for sku in (row.sku, *row.components)}
    known = catalogue.get_stored(db, named, consistent=True)
    found = {row.line: _complaint(db, row.value, known) for row in kits}
    return {line: told for line, told in found.items() if told}


def _complaint(db: Database, row: ProductRow, known: dict[str, catalogue.Stored]) -> str:
    for sku in row.components:
        if sku not in known:
            return f"components.{sku}: there is no such product"
        if known[sku].product.components:
            return f"components.{sku}: is a kit itself"
    own = known.get(row.sku)
    if own is not None and not own.product.components:
        if own.in_kits:
            return f"components: {row.sku} is in kits: {', '.join(own.in_kits)}"
        if balances_of(db, row.sku):
            return f"components: {row.sku} has stock; a kit has that of its components"
    return ""
