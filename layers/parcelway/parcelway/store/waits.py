"""OrdersTable's waits: task tokens of the state machine, by what they wait for.

    ORD#<id>   WAIT#<shipment>#<until>#<digest of the token>   {token}

Whoever keeps a token looks at the shipment afterwards, whoever changes the shipment looks at the
tokens afterwards: so however the two are interleaved, one of them sees that the wait is over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from parcelway.domain.shipment import Shipment
from parcelway.store.commit import Stale, Write, commit, put_new
from parcelway.store.database import Database
from parcelway.values import dataclass

Until = Literal["packed", "shipped", "invoiced", "delivered"]


@dataclass(frozen=True, slots=True)
class Wait:
    """An execution that waits for a shipment. A retried wait has another token: both are kept,
    since nobody can tell here which one is still good."""

    order_id: str
    shipment_id: str
    until: Until
    token: str

    @property
    def item_key(self) -> dict[str, str]:
        """Its primary key."""
        digest = hashlib.sha256(self.token.encode()).hexdigest()[:16]
        sk = f"WAIT#{self.shipment_id}#{self.until}#{digest}"
        return {"pk": f"ORD#{self.order_id}", "sk": sk}


def over(wait: Wait, shipment: Shipment) -> bool:
    """Whether what is waited for has happened."""
    if wait.until == "packed":
        return shipment.packed_at is not None
    if wait.until == "shipped":
        return shipment.shipped_at is not None
    if wait.until == "invoiced":
        return bool(shipment.invoice_number)
    return shipment.delivered_at is not None or shipment.status == "returned"


def keep(db: Database, wait: Wait) -> None:
    """Remember a wait; repeating it changes nothing."""
    item = {"token": wait.token, "shipment_id": wait.shipment_id, "until": wait.until}
    try:
        commit(db.client, [put_new(db.orders, wait.item_key | item)])
    except Stale:
        return  # it is kept already, and perhaps answered


def to_wait(order_id: str, item: Mapping[str, Any]) -> Wait:
    """A wait from its item (plain values)."""
    return Wait(order_id, item["shipment_id"], item["until"], item["token"])


def answered(db: Database, wait: Wait) -> None:
    """Note that a wait's token was used, so that nobody tries again."""
    write = Write(
        db.orders,
        "attribute_exists(pk)",
        key=wait.item_key,
        update="SET answered = :yes",
        values={":yes": True},
    )
    commit(db.client, [write])
