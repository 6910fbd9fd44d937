"""A row of an import: one order as a marketplace, or another system, tells it."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, ClassVar

from parcelway.domain.importing import Sold, SoldLine
from parcelway.http.schemas import AddressInput, ContactInput, Input, MoneyInput, Text
from pydantic import Field, StringConstraints

_MOST_UNITS = 1_000_000  # refused by shape, as so many lines are; the domain's limits are far below
_MOST_LINES = 200


class RowLine(Input):
    """Units of a SKU. `unit_price` is what one was sold for, where the source has its own prices;
    with or without tax, as the shop's prices are."""

    sku: Text(40)  # type: ignore[valid-type]
    quantity: int = Field(ge=1, le=_MOST_UNITS)
    unit_price: MoneyInput | None = None


class Row(Input):
    """One order. `external_id` is the source's own: the order is imported once under it.

    `total` is all that the buyer paid, tax included; a row whose sums come to anything else by the
    shop's rules is refused. `billing_address` is `address` unless it is given, `service` and
    `language` are the source's. `delivery_charge` is told where the source has its own prices."""

    external_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:#/-]{1,80}$")]
    contact: ContactInput
    address: AddressInput
    billing_address: AddressInput | None = None
    service: Text(60) | None = None  # type: ignore[valid-type]
    instructions: Text(250, 0) = ""  # type: ignore[valid-type]
    language: Text(35, 2) | None = None  # type: ignore[valid-type]
    lines: list[RowLine] = Field(min_length=1, max_length=_MOST_LINES)
    delivery_charge: MoneyInput | None = None
    total: MoneyInput
    # Many marketplaces' order numbers are as long as a card's, and one in ten passes its check.
    card_exempt: ClassVar[frozenset[str]] = frozenset({"external_id"})

    def sold(self) -> Sold:
        """The row as the domain has it."""
        address = self.address.address()
        charge = self.delivery_charge
        return Sold(
            external_id=self.external_id,
            digest=self._digest(),
            contact=self.contact.contact(),
            address=address,
            billing_address=self.billing_address.address() if self.billing_address else address,
            lines=tuple(
                SoldLine(
                    line.sku, line.quantity, line.unit_price.money() if line.unit_price else None
                )
                for line in self.lines
            ),
            total=self.total.money(),
            delivery_charge=charge.money() if charge else None,
            service=self.service or "",
            instructions=self.instructions,
            language=self.language or "",
        )

    def _digest(self) -> str:
        """Of what the row says, not of how: neither the order of members counts nor whether a
        default is written out, so that members may be added here later."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(said, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]
