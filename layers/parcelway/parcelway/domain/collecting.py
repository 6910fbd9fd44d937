"""What whoever collects a pick-up must know: the code to say in the store, and the last day.

The code is kept nowhere. It follows from the secret in the link that the customer has, so the pages
and mails of the customer can show it, and no record that the warehouse sees holds it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import date, timedelta

from parcelway.domain.order import Order
from parcelway.domain.promise import local
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Node

_DIGITS = 6


def code(order: Order, shipment: Shipment) -> str:
    """The digits that whoever collects the shipment must know. For the customer's eyes only."""
    digest = hmac.digest(order.link_token.encode(), f"collect {shipment.id}".encode(), "sha256")
    return str(int.from_bytes(digest, "big") % 10**_DIGITS).zfill(_DIGITS)


def last_day(shipment: Shipment, nodes: Mapping[str, Node]) -> date | None:
    """The last day on which the store keeps it ready, as the store's calendar has it."""
    if shipment.collect_by is None:
        return None
    node = nodes.get(shipment.node)
    last = shipment.collect_by - timedelta(seconds=1)
    return (local(node, last) if node else last).date()
