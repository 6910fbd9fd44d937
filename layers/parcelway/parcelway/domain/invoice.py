"""Invoices: immutable once issued, numbered without gaps within a series."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.money import Money
from parcelway.domain.parties import Address, Contact
from parcelway.domain.shop import Seller
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoiced article or charge; `net` and `tax` are frozen shares of the order's line."""

    description: str
    quantity: int
    unit_price: Money
    net: Money
    tax: Money
    tax_rate: int
    sku: str = ""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """Everything of one rate: EN 16931 calls it the VAT breakdown (BG-23)."""

    rate: int
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Invoice:
    """What was delivered in one shipment and what it costs.

    `number` is `sequence` within `series`, gapless. `prices_include_tax` tells how `unit_price`
    of the lines is meant.
    """

    number: str
    series: str
    sequence: int
    order_id: str
    shipment_id: str
    issued_at: datetime
    currency: str
    language: str
    seller: Seller
    buyer: Contact
    billing_address: Address | None
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxLine, ...]
    net: Money
    tax: Money
    gross: Money
    prices_include_tax: bool
    tracking_number: str
    placed_at: datetime
    delivered_to: Address | None = None
