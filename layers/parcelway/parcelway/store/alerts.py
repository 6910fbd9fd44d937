"""StockTable's alerts, and how each balance stood to its reorder point when it was last looked at.

ALERTS         <time>#<kind>#<sku>#<node>     an alert
SKU#<sku>      LEVEL#<node>                   level: low or out; ok when there is none
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parcelway.domain.stock_alerts import Alert, Level, crossed, level
from parcelway.store.codec import decode, encode, iso
from parcelway.store.commit import Write, commit, put_new, until_fresh
from parcelway.store.database import Database
from parcelway.store.stock import read_balances

PK = "ALERTS"


def alert_write(db: Database, alert: Alert) -> Write:
    """The write that lists an alert."""
    sk = f"{iso(alert.at)}#{alert.kind}#{alert.sku}#{alert.node}#{alert.reference}"
    return put_new(db.stock, {"pk": PK, "sk": sk, "alert": encode(alert)})


def listed(
    db: Database, limit: int, start: Mapping[str, Any] | None
) -> tuple[list[Alert], dict[str, Any] | None]:
    """A page of alerts, newest first, and the key of the last one when there are more."""
    items, more = db.page(db.stock, PK, limit, start, newest_first=True)
    return [decode(Alert, item["alert"]) for item in items], more


def look_at(db: Database, sku: str, node: str, at: datetime) -> Alert | None:
    """Alert once when a balance has become low or has run out since it was looked at last.

    Done again it does nothing; what came and went between two looks is not told. Raises Busy.
    """

    def attempt() -> Alert | None:
        key = {"pk": f"SKU#{sku}", "sk": f"LEVEL#{node}"}
        item = db.get(db.stock, **key)
        before: Level = item["level"] if item else "ok"
        balance = read_balances(db, [(sku, node)], consistent=True).get((sku, node))
        if balance is None or level(balance) == before:
            return None
        alert = crossed(before, balance, at)
        moved = Write(
            db.stock,
            "#level = :before" if item else "attribute_not_exists(pk)",
            key | {"sku": sku, "node": node, "level": level(balance)},
            names={"#level": "level"} if item else {},
            values={":before": before} if item else {},
        )
        commit(db.client, [moved, *([alert_write(db, alert)] if alert else [])])
        return alert

    return until_fresh(attempt)
