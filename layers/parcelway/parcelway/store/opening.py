"""Opening balances: stock of SKUs at nodes that had none on the books, many at a time.

The same items and journal as `store.stock` keeps; apart from it because here the balance must not
exist yet, so that whole items can be put, 90 in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from parcelway.domain import inventory
from parcelway.domain.stock import Entry, Move, posted
from parcelway.store.catalogue import unit_costs
from parcelway.store.codec import encode, iso
from parcelway.store.commit import Stale, commit, put_new
from parcelway.store.database import Database
from parcelway.store.ledger import posting_writes
from parcelway.store.shards import WORTH

MOST = 90  # balances; a transaction holds 100 items, journal entry and postings included


def open_balances(
    db: Database, counts: Mapping[tuple[str, str], int], as_of: datetime, reference: str
) -> bool:
    """Book units counted at `as_of` by (SKU, node), all or none of at most MOST.

    False when one of the balances exists, or `reference` was booked already: correct them one by
    one then. Raises Busy.
    """
    costs = unit_costs(db, [sku for sku, _ in counts])
    moves = tuple(
        posted(Move(sku, node, "receive", units), units, costs.get(sku))
        for (sku, node), units in counts.items()
    )
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
            **_posted(move),
        }
        for move in moves
    ]
    entry = Entry(reference, 0, as_of, moves)
    journal = {"pk": f"JRN#{reference}", "sk": f"{0:015d}"} | encode(entry)
    books = [
        write for posting in inventory.opened(entry) for write in posting_writes(db, posting, as_of)
    ]
    try:
        commit(db.client, [*(put_new(db.stock, item) for item in [*balances, journal]), *books])
    except Stale:
        return False
    return True


def _posted(move: Move) -> dict[str, int]:
    """What the money books have of a new balance."""
    worth = {f"{WORTH}{move.worth.currency}": move.worth.minor} if move.worth else {}
    return {"owned": move.owned, "posted": 1, **worth}
