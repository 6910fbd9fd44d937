"""OrdersTable's waits: task tokens of the state machine, by what they wait for.

    ORD#<id>   WAIT#<shipment>#<until>   {token, entered}

Whoever keeps a token looks at the shipment afterwards, whoever changes the shipment looks at the
tokens afterwards: so however the two are interleaved, one of them sees that the wait is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from parcelway.domain.shipment import Shipment
from parcelway.store.commit import Stale, Write, commit
from parcelway.store.database import Database

Until = Literal["packed", "shipped", "delivered"]


@dataclass(frozen=True, slots=True)
class Wait:
    """An execution that waits for a shipment; `entered` (ISO 8601) is when it began to."""

    order_id: str
    shipment_id: str
    until: Until
    token: str
    entered: str


def over(wait: Wait, shipment: Shipment) -> bool:
    """Whether what is waited for has happened."""
    if wait.until == "packed":
        return shipment.packed_at is not None
    if wait.until == "shipped":
        return shipment.shipped_at is not None
    return shipment.delivered_at is not None


def keep(db: Database, wait: Wait) -> None:
    """Remember a wait; one entered later replaces it, an earlier one is not let back in."""
    item = {
        "pk": f"ORD#{wait.order_id}",
        "sk": f"WAIT#{wait.shipment_id}#{wait.until}",
        "token": wait.token,
        "entered": wait.entered,
        "shipment_id": wait.shipment_id,
        "until": wait.until,
    }
    write = Write(
        db.orders,
        "attribute_not_exists(pk) OR entered < :entered",
        item,
        values={":entered": wait.entered},
    )
    try:
        commit(db.client, [write])
    except Stale:
        return  # a repeat of this call, or one that was overtaken


def waits_of(db: Database, order_id: str) -> Sequence[Wait]:
    """An order's waits that are not answered yet."""
    items = db.query(db.orders, f"ORD#{order_id}", "WAIT#")
    return [
        Wait(order_id, item["shipment_id"], item["until"], item["token"], item["entered"])
        for item in items
        if "answered" not in item
    ]


def answered(db: Database, wait: Wait) -> None:
    """Note that a wait's token was used, so that nobody tries again."""
    write = Write(
        db.orders,
        "#token = :token",
        key={"pk": f"ORD#{wait.order_id}", "sk": f"WAIT#{wait.shipment_id}#{wait.until}"},
        update="SET answered = :yes",
        names={"#token": "token"},
        values={":token": wait.token, ":yes": True},
    )
    try:
        commit(db.client, [write])
    except Stale:
        return  # the execution waits anew, under another token
