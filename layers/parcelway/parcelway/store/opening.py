"""Opening balances: stock of SKUs at nodes that had none on the books, many at a time.

The same items and journal as `store.stock` keeps; apart from it because here the balance must not
exist yet, so that whole items can be put, 90 in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from parcelway.domain.stock import Entry, Move
from parcelway.store.codec import encode, iso
from parcelway.store.commit import Stale, commit, put_new
from parcelway.store.database import Database

MOST = 90  # balances; a transaction holds 100 items, the journal entry included


def open_balances(
    db: Database, counts: Mapping[tuple[str, str], int], as_of: datetime, reference: str
) -> bool:
    """Book units counted at `as_of` by (SKU, node), all or none of at most MOST.

    False when one of the balances exists, or `reference` was booked already: correct them one by
    one then. Raises Busy.
    """
    moves = tuple(Move(sku, node, "receive", units) for (sku, node), units in counts.items())
    balances = [
        {
            "pk": f"SKU#{move.sku}",
            "sk": f"NODE#{move.node}",
            "sku": move.sku,
            "node": move.node,
            "on_hand": move.quantity,
            "reserved": 0,
            "allocated": 0,
            "available": move.quantity,
            "counted_at": iso(as_of),
        }
        for move in moves
    ]
    journal = {"pk": f"JRN#{reference}", "sk": f"{0:015d}"} | encode(
        Entry(reference, 0, as_of, moves)
    )
    try:
        commit(db.client, [put_new(db.stock, item) for item in [*balances, journal]])
    except Stale:
        return False
    return True
