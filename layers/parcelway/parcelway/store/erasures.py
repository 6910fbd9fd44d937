"""CustomersTable: people who are being forgotten (store/erasing.py).

    ERASURES   <id>    the erasure; looked after from `next_look` on

Every sweep asks for them, and hardly ever finds one: so this knows nothing of customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parcelway.store.database import Database

PK = "ERASURES"
_MOST = 50  # that one sweep looks after


def due_erasures(db: Database, now: str) -> Sequence[Mapping[str, Any]]:
    """The items of those whose time to be looked after has come, `now` being ISO 8601."""
    items, _ = db.page(db.customers, PK, _MOST)
    return [item for item in items if item["next_look"] <= now]
