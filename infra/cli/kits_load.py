"""What is wrong with kits of a load, beyond their rows: their components, and their own stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from parcelway.store import catalogue
from parcelway.store.database import Database
from parcelway.store.stock import balances_of

from infra.cli.models import ProductRow
from infra.cli.rows import Row


def complaints(db: Database, kits: Sequence[Row[ProductRow]]) -> dict[int, str]:
    """What is wrong, by line of the file: a component must be there and be no kit itself, and what
    becomes a kit must have no stock and be in no kit. Rows are judged one after the other, as if
    each good one before were there."""
    rows = [row.value for row in kits]
    named = {sku for row in rows for sku in (row.sku, *row.components)}
    known = catalogue.get_stored(db, named, consistent=True)
    holders = {kit for entry in known.values() for kit in entry.in_kits} - known.keys()
    stored = known | catalogue.get_stored(db, holders, consistent=True)
    made_of = {sku: set(entry.product.components) for sku, entry in stored.items()}
    found = dict[int, str]()
    for row in kits:
        told = _complaint(db, row.value, known, made_of)
        if told:
            found[row.line] = told
        else:
            made_of[row.value.sku] = set(row.value.components)
    return found


def _complaint(
    db: Database,
    row: ProductRow,
    known: Mapping[str, catalogue.Stored],
    made_of: Mapping[str, Set[str]],
) -> str:
    for sku in row.components:
        if sku not in made_of:
            return f"components.{sku}: there is no such product"
        if made_of[sku]:
            return f"components.{sku}: is a kit itself"
    holders = [kit for kit, parts in made_of.items() if row.sku in parts]
    if holders:
        return f"components: {row.sku} is in kits: {', '.join(sorted(holders))}"
    own = known.get(row.sku)
    if own is not None and not own.product.components and balances_of(db, row.sku):
        return f"components: {row.sku} has stock; a kit has that of its components"
    return ""
