"""What buyers and staff say of taxes."""

from __future__ import annotations

from datetime import date

from parcelway.http.schemas import Input, Text
from pydantic import Field


class TaxId(Input):
    """The buyer's VAT number, with the prefix of the state that gave it: `ATU13585627`."""

    tax_id: Text(30)  # type: ignore[valid-type]


class Certificate(Input):
    """A certificate of exemption: its number, what documents shall say (a code of the VATEX list or
    a text), and its days, both included; without an end it counts until it is taken back."""

    certificate: Text(60)  # type: ignore[valid-type]
    reason: Text(100)  # type: ignore[valid-type]
    valid_from: date = Field(strict=False)
    valid_until: date | None = Field(default=None, strict=False)
