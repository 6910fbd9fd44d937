"""What changed about a customer, when, by whom and why: read page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from parcelway.domain.customer import Consent
from parcelway.domain.parties import Actor
from parcelway.store.codec import decode
from parcelway.store.database import Database
from parcelway.values import dataclass

HISTORY = "HIST#"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: the names of its fields, and what was agreed to, where that is among them."""

    at: datetime
    actor: Actor
    fields: tuple[str, ...]
    reason: str = ""
    consents: Mapping[str, Consent] = field(default_factory=dict)


def history(
    db: Database, customer_id: str, limit: int, start: Mapping[str, Any] | None = None
) -> tuple[list[Entry], dict[str, Any] | None]:
    """The changes of a customer, the latest first, and where the next page starts."""
    items, more = db.page(
        db.customers, f"CUS#{customer_id}", limit, start, prefix=HISTORY, newest_first=True
    )
    return [decode(Entry, _plain(item)) for item in items], more


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: item[name] for name in ("at", "actor", "fields", "reason", "consents") if name in item
    }
