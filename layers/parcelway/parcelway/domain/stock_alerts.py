"""When somebody is told about a balance: once as it becomes low, once as it runs out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from parcelway.domain.stock import Balance
from parcelway.values import dataclass

Level = Literal["ok", "low", "out"]
_RANK: dict[Level, int] = {"ok": 0, "low": 1, "out": 2}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something about a balance that people should know; `available` is what it had then.

    `oversold` alerts name the `reference` of the sale and how many `units` were not there.
    """

    kind: Literal["low_stock", "out_of_stock", "oversold"]
    sku: str
    node: str
    at: datetime
    available: int
    reorder_point: int | None = None
    reference: str = ""
    units: int = 0


def level(balance: Balance) -> Level:
    """How a balance stands to its reorder point; without one it is never low."""
    if balance.reorder_point is None:
        return "ok"
    if balance.available <= 0:
        return "out"
    return "low" if balance.available <= balance.reorder_point else "ok"


def crossed(before: Level, balance: Balance, at: datetime) -> Alert | None:
    """The alert that is due now that a balance which was at level `before` is as it is."""
    now = level(balance)
    if _RANK[now] <= _RANK[before]:
        return None
    return Alert(
        "out_of_stock" if now == "out" else "low_stock",
        balance.sku,
        balance.node,
        at,
        balance.available,
        balance.reorder_point,
    )
