"""Invoices and credit notes: immutable once issued, numbered without gaps within a series."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.domain.parties import Address, Contact
from parcelway.domain.shop import Seller, TaxCode
from parcelway.values import dataclass

# What it is and, for a writer of EN 16931, its type code (BT-3): 380, 381 and 389.
DocumentKind = Literal["invoice", "credit_note", "self_billed"]
LineKind = Literal["goods", "shipping", "goodwill"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """A discount on a line (EN 16931 BG-27): why, and how much as its price is meant."""

    name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoiced article or charge; `net` and `tax` are frozen shares of the order's line, after
    `allowances`. `tax_code` and `tax_reason` are those of `order.Share`.

    Goods are units number `units_from`+1 .. `units_from`+`quantity` of order line number `line`,
    counted within the delivery group. What was issued before that was kept has `line` 0.
    """

    description: str
    quantity: int
    unit_price: Money
    net: Money
    tax: Money
    tax_rate: int
    sku: str = ""
    kind: LineKind = "goods"
    line: int = 0
    units_from: int = 0
    allowances: tuple[Allowance, ...] = ()
    tax_code: TaxCode = "S"
    tax_reason: str = ""


@dataclass(frozen=True, slots=True)
class TaxLine:
    """Everything of one rate and code: EN 16931 calls it the VAT breakdown (BG-23)."""

    rate: int
    net: Money
    tax: Money
    code: TaxCode = "S"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """What was delivered in one shipment and what it costs, or (a credit note) what of that is
    given back. Amounts of both are positive.

    `number` is `sequence` within `series`, gapless. `prices_include_tax` tells how `unit_price`
    of the lines is meant. `group` is the delivery group of the shipment. A credit note `refers_to`
    the number of its invoice and when that was issued (EN 16931 BT-25, BT-26); `reason` says why,
    and `command` is the Idempotency-Key (its digest) of who asked for it.
    `supplied_at` is when the goods left or were handed over (BT-72). What is `due_on` no day was
    paid with the order. `buyer_tax_id` is the buyer's VAT number (BT-48), `purchase_order` the
    number that the buyer gave (BT-13), `payment_terms` what was agreed on paying (BT-20).
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
    kind: DocumentKind = "invoice"
    group: str = ""
    refers_to: str = ""
    refers_to_issued: datetime | None = None
    reason: str = ""
    command: str = ""
    supplied_at: datetime | None = None
    payment_method: str = ""
    payment_terms: str = ""
    due_on: date | None = None
    buyer_tax_id: str = ""
    purchase_order: str = ""
