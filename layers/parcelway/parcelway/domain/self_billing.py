"""Self-billing: the shop writes the invoice that its supplier would have to write.

The law allows it where the two have agreed on it, and asks for words that say so (Directive
2006/112/EC, Articles 224 and 226 (10a)). Each supplier's invoices have a gapless series of their
own. The seller on them is the supplier, the buyer the shop. Prices are net; tax is computed once
per rate (EN 16931, BR-CO-17).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from parcelway.domain import ledger
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice, InvoiceLine
from parcelway.domain.invoicing import Counter, breakdown
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money, allocate, share, total
from parcelway.domain.order import Event
from parcelway.domain.parties import Actor, Contact
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Seller, TaxCode
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Supplied:
    """What a supplier delivered: units of something at a net price, and how it is taxed (see
    `order.Share` for `tax_code` and `tax_reason`)."""

    description: str
    quantity: int
    unit_price: Money
    tax_rate: int
    tax_code: TaxCode = "S"
    tax_reason: str = ""
    sku: str = ""


@dataclass(frozen=True, slots=True)
class SelfBilled:
    """An invoice issued in a supplier's name, with what must be written in the same transaction."""

    supplier: str
    invoice: Invoice
    event: Event
    posting: Posting


def series_of(supplier: str) -> str:
    """The series of a supplier's invoices."""
    return f"SB-{supplier}"


def self_bill(
    supplier: str,
    seller: Seller,
    supplied: Sequence[Supplied],
    counter: Counter,
    facts: Facts,
    actor: Actor,
    *,
    due_on: date,
    purchase_order: str = "",
) -> SelfBilled:
    """The invoice of what a supplier delivered, with the number after `counter`.

    The commit must carry the condition that the counter is still where it was. Raises Refusal
    INVALID for lines of several currencies, or none.
    """
    currencies = {each.unit_price.currency for each in supplied}
    if len(currencies) != 1:
        raise Refusal(Reason.INVALID, "Lines of one currency are needed.", "/lines")
    (currency,) = currencies
    lines = _taxed([_line(each) for each in supplied])
    net = total((line.net for line in lines), currency)
    tax = total((line.tax for line in lines), currency)
    settings, sequence = facts.shop.settings, counter.last + 1
    buyer = settings.seller
    invoice = Invoice(
        number=f"{counter.series}-{sequence:06d}",
        series=counter.series,
        sequence=sequence,
        order_id="",
        shipment_id="",
        issued_at=facts.now,
        currency=currency,
        language=settings.languages[0],
        seller=seller,
        buyer=Contact(buyer.name, buyer.email),
        billing_address=replace(buyer.address, company=buyer.name),
        lines=tuple(lines),
        taxes=breakdown(lines, currency),
        net=net,
        tax=tax,
        gross=net + tax,
        prices_include_tax=False,
        tracking_number="",
        placed_at=facts.now,
        kind="self_billed",
        supplied_at=facts.now,
        due_on=due_on,
        buyer_tax_id=buyer.tax_id,
        purchase_order=purchase_order,
    )
    told = {"supplier": supplier, "number": invoice.number, "gross": invoice.gross.minor}
    event = Event(supplier, sequence, "self_billed_invoice.issued", facts.now, actor, told)
    posting = ledger.supplier_billed(supplier, invoice.number, facts.now, net, tax)
    return SelfBilled(supplier, invoice, event, posting)


def _line(each: Supplied) -> InvoiceLine:
    net = each.unit_price * each.quantity
    return InvoiceLine(
        each.description,
        each.quantity,
        each.unit_price,
        net,
        Money(0, net.currency),
        each.tax_rate,
        each.sku,
        tax_code=each.tax_code,
        tax_reason=each.tax_reason,
    )


def _taxed(lines: Sequence[InvoiceLine]) -> list[InvoiceLine]:
    """The lines with the tax of each rate divided over them (largest remainder)."""
    made = list(lines)
    for rate in sorted({line.tax_rate for line in lines}):
        at = [index for index, line in enumerate(lines) if line.tax_rate == rate]
        nets = [lines[index].net.minor for index in at]
        tax = Money(share(sum(nets), rate, 10_000), lines[at[0]].net.currency)
        for index, part in zip(at, allocate(tax, nets), strict=True):
            made[index] = replace(made[index], tax=part)
    return made
