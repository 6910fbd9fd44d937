"""What is said about gift cards. Codes come in bodies alone: paths are logged."""

from __future__ import annotations

from datetime import date
from typing import Literal

from parcelway.http.schemas import Input, MoneyInput, Text


class NewCard(Input):
    """A card to issue: store credit for a customer, or a gift card for whoever is given its code.
    The reason is for people of the shop alone."""

    kind: Literal["gift_card", "store_credit"]
    value: MoneyInput
    reason: Text(200)  # type: ignore[valid-type]
    valid_until: date | None = None
    customer_id: Text(40, 0) = ""  # type: ignore[valid-type]


class Why(Input):
    """Why a card is blocked, or not any more."""

    reason: Text(200)  # type: ignore[valid-type]


class Code(Input):
    """A code as somebody typed it: case, spaces and hyphens do not matter."""

    code: Text(60)  # type: ignore[valid-type]
