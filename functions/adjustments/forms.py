"""What people of the shop say when they adjust a price."""

from __future__ import annotations

from typing import Literal

from parcelway.http.schemas import Input, MoneyInput, Text


class NewAdjustment(Input):
    """What is wanted: `target` is the delivery whose charge, or the SKU whose unit price becomes
    `value`; none where `value` is off all goods. The note is for people of the shop alone."""

    kind: Literal["shipping_override", "amount_off", "price_override"]
    target: Text(40, 0) = ""  # type: ignore[valid-type]
    value: MoneyInput
    reason: Text(40)  # type: ignore[valid-type]
    note: Text(200, 0) = ""  # type: ignore[valid-type]
