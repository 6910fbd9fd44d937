"""Issuing the invoice of a shipment: frozen shares of the order, numbered without a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from parcelway.domain import ledger
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice, InvoiceLine, TaxLine
from parcelway.domain.money import Money, total, zero
from parcelway.domain.order import Order, advance, events
from parcelway.domain.parties import SYSTEM
from parcelway.domain.pricing import units_share
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Counter:
    """The last number given in an invoice series."""

    series: str
    last: int = 0


def issue(
    order: Order, shipment: Shipment, siblings: Sequence[Shipment], counter: Counter, facts: Facts
) -> Decision | None:
    """The invoice of a shipped shipment, with the number after `counter`. None when it has one.

    The commit must carry the condition that the counter is still where it was; then two writers
    cannot give one number twice or leave one out. `siblings` are all of the order's shipments:
    a delivery group's shipping charge is on the group's first invoice.
    """
    if shipment.invoice_number:
        return None
    if shipment.shipped_at is None:
        raise Refusal(Reason.ILLEGAL_STATE, "What has not left cannot be invoiced.")
    lines = _lines(order, shipment)
    charge = _charge(order, shipment, siblings)
    goods = total((line.net for line in lines), order.currency)
    shipping = charge.net if charge else zero(order.currency)
    invoice = _invoice(order, shipment, counter, [*lines, *([charge] if charge else [])], facts)
    after = advance(order)
    told = {
        "shipment": shipment.id,
        "number": invoice.number,
        "gross": invoice.gross.minor,
    }
    return Decision(
        after,
        events(after, facts.now, SYSTEM, ("invoice.issued", told)),
        shipments=(replace(shipment, invoice_number=invoice.number, version=after.version),),
        invoice=invoice,
        postings=(
            ledger.invoiced(order.id, invoice.number, facts.now, goods, shipping, invoice.tax),
        ),
    )


def breakdown(lines: Sequence[InvoiceLine], currency: str) -> tuple[TaxLine, ...]:
    """Net and tax per rate, lowest rate first."""
    return tuple(
        TaxLine(
            rate,
            total((line.net for line in lines if line.tax_rate == rate), currency),
            total((line.tax for line in lines if line.tax_rate == rate), currency),
        )
        for rate in sorted({line.tax_rate for line in lines})
    )


def _lines(order: Order, shipment: Shipment) -> list[InvoiceLine]:
    by_number = {line.number: line for line in order.lines}
    lines = []
    for sent in shipment.lines:
        line = by_number[sent.line]
        share, units = line.share(shipment.group), line.units(shipment.group)
        first, last = sent.invoiced_from, sent.invoiced_from + sent.quantity
        lines.append(
            InvoiceLine(
                description=line.name,
                quantity=sent.quantity,
                unit_price=line.unit_price,
                net=units_share(share.net, units, first, last),
                tax=units_share(share.tax, units, first, last),
                tax_rate=share.tax_rate,
                sku=line.sku,
            )
        )
    return lines


def _charge(order: Order, shipment: Shipment, siblings: Sequence[Shipment]) -> InvoiceLine | None:
    group = order.group_named(shipment.group)
    charged_before = any(other.invoice_number for other in siblings if other.group == group.id)
    if charged_before or group.charge_price is None or not group.charge_price:
        return None
    nothing = zero(order.currency)
    name = group.service_name.get(order.language) or next(iter(group.service_name.values()), "")
    return InvoiceLine(
        description=name,
        quantity=1,
        unit_price=group.charge_price,
        net=group.charge_net or nothing,
        tax=group.charge_tax or nothing,
        tax_rate=group.charge_tax_rate,
    )


def _invoice(
    order: Order, shipment: Shipment, counter: Counter, lines: Sequence[InvoiceLine], facts: Facts
) -> Invoice:
    if order.contact is None or order.placed_at is None:
        raise ValueError(f"order {order.id} was never placed")
    sequence, currency = counter.last + 1, order.currency
    net: Money = total((line.net for line in lines), currency)
    tax: Money = total((line.tax for line in lines), currency)
    return Invoice(
        number=f"{counter.series}-{sequence:06d}",
        series=counter.series,
        sequence=sequence,
        order_id=order.id,
        shipment_id=shipment.id,
        issued_at=facts.now,
        currency=currency,
        language=order.language,
        seller=facts.shop.settings.seller,
        buyer=order.contact,
        billing_address=order.billing_address,
        lines=tuple(lines),
        taxes=breakdown(lines, currency),
        net=net,
        tax=tax,
        gross=net + tax,
        prices_include_tax=facts.shop.settings.prices_include_tax,
        tracking_number=order.tracking_number,
        placed_at=order.placed_at,
        delivered_to=order.group_named(shipment.group).address,
    )
