"""Issuing the invoice of a shipment: frozen shares of the order, numbered without a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from parcelway.domain import ledger
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Allowance, Invoice, InvoiceLine, TaxLine
from parcelway.domain.money import Money, allocate, share, total, zero
from parcelway.domain.order import Order, advance, events
from parcelway.domain.parties import SYSTEM
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shares import discounts_by_group, units_share
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import TaxCode
from parcelway.domain.term import Term, with_invoice
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Counter:
    """The last number given in an invoice series."""

    series: str
    last: int = 0


def issue(
    order: Order, shipment: Shipment, siblings: Sequence[Shipment], counter: Counter, facts: Facts
) -> Decision | None:
    """The invoice of a shipped shipment, with the number after `counter`, which is that of its
    issuer's series. None when it has one.

    The commit must carry the condition that the counter is still where it was; then two writers
    cannot give one number twice or leave one out. `siblings` are all of the order's shipments:
    a delivery group's shipping charge is on the group's first invoice.
    """
    if shipment.invoice_number:
        return None
    if shipment.shipped_at is None:
        raise Refusal(Reason.ILLEGAL_STATE, "What has not left cannot be invoiced.")
    lines = _lines(order, shipment, facts.shop.settings.prices_include_tax)
    charge = _charge(order, shipment, siblings)
    goods = total((line.net for line in lines), order.currency)
    shipping = charge.net if charge else zero(order.currency)
    invoice = _invoice(order, shipment, counter, [*lines, *([charge] if charge else [])], facts)
    after = advance(
        order,
        invoiced=order.invoiced + invoice.gross.minor,
        # What was sold elsewhere is reminded of there.
        terms=order.terms if order.sold_elsewhere else _terms(order, invoice),
    )
    over = _over(order)
    if over:
        after = replace(after, state="closed", ended_at=facts.now)
    taxes = {each.rate: each.tax for each in invoice.taxes if each.tax}
    due = invoice.due_on
    told = {
        "shipment": shipment.id,
        "number": invoice.number,
        "gross": invoice.gross.minor,
    }
    return Decision(
        after,
        events(after, facts.now, SYSTEM, ("invoice.issued", told), *over),
        shipments=(replace(shipment, invoice_number=invoice.number, version=after.version),),
        invoice=invoice,
        postings=(
            ledger.invoiced(
                order.id, invoice.number, facts.now, order.owed, goods, shipping, taxes, due
            ),
        ),
    )


def _terms(order: Order, invoice: Invoice) -> tuple[Term, ...]:
    gross, issued = invoice.gross.minor, invoice.issued_at.date()
    return with_invoice(
        order.terms, invoice.number, invoice.shipment_id, gross, invoice.due_on, issued
    )


def _over(order: Order) -> list[tuple[str, dict[str, str]]]:
    """What is told of a sale over the counter, which no state machine follows and which is over
    with its invoice; nothing of other orders."""
    return [("order.closed", {})] if order.state == "confirmed" and not order.waves else []


def breakdown(lines: Sequence[InvoiceLine], currency: str) -> tuple[TaxLine, ...]:
    """Net and tax per rate and code, lowest rate first."""
    alike: dict[tuple[int, TaxCode], list[InvoiceLine]] = {}
    for line in lines:
        alike.setdefault((line.tax_rate, line.tax_code), []).append(line)
    return tuple(
        TaxLine(
            rate,
            total((line.net for line in of_it), currency),
            total((line.tax for line in of_it), currency),
            code,
            "; ".join(sorted({line.tax_reason for line in of_it if line.tax_reason})),
        )
        for (rate, code), of_it in sorted(alike.items(), key=lambda entry: entry[0])
    )


def taken_off(
    line: InvoiceLine, discounts: Iterable[tuple[str, Money]], units: int, *, inclusive: bool
) -> tuple[Allowance, ...]:
    """The part of `discounts`, given on `units` units, that its units bear: so much that price x
    quantity less the allowances is what the line comes to."""
    off = list(discounts)
    if not off:
        return ()
    if inclusive and line.tax_code not in ("S", "Z"):  # relieved of a tax that its price contains
        taken = share(sum(amount.minor for _, amount in off), line.quantity, units)
    else:
        charged = line.net + line.tax if inclusive else line.net
        taken = max(0, (line.unit_price * line.quantity - charged).minor)
    parts = allocate(Money(taken, line.net.currency), [amount.minor for _, amount in off])
    return tuple(Allowance(name, part) for (name, _), part in zip(off, parts, strict=True) if part)


def _lines(order: Order, shipment: Shipment, inclusive: bool) -> list[InvoiceLine]:
    by_number = {line.number: line for line in order.lines}
    lines = []
    for sent in shipment.lines:
        line = by_number[sent.line]
        of_group, units = line.share(shipment.group), line.units(shipment.group)
        first, last = sent.invoiced_from, sent.invoiced_from + sent.quantity
        billed = InvoiceLine(
            description=line.name,
            quantity=sent.quantity,
            unit_price=line.unit_price,
            net=units_share(of_group.net, units, first, last),
            tax=units_share(of_group.tax, units, first, last),
            tax_rate=of_group.tax_rate,
            sku=line.sku,
            line=line.number,
            units_from=first,
            tax_code=of_group.tax_code,
            tax_reason=of_group.tax_reason,
        )
        discounts = discounts_by_group(line)[shipment.group]
        off = [(each.name, each.amount) for each in discounts]
        allowances = taken_off(billed, off, units, inclusive=inclusive)
        lines.append(replace(billed, allowances=allowances))
    return lines


def _charge(order: Order, shipment: Shipment, siblings: Sequence[Shipment]) -> InvoiceLine | None:
    group = order.group_named(shipment.group)
    charged_before = any(other.invoice_number for other in siblings if other.group == group.id)
    if charged_before or group.charge_price is None or not group.charge_price:
        return None
    nothing = zero(order.currency)
    names = group.service_name
    name = names.get(order.language) or next(iter(names.values()), group.service)
    return InvoiceLine(
        description=name,
        quantity=1,
        unit_price=group.charge_price,
        net=group.charge_net or nothing,
        tax=group.charge_tax or nothing,
        tax_rate=group.charge_tax_rate,
        kind="shipping",
        allowances=tuple(Allowance(each.name, each.amount) for each in group.charge_discounts),
        tax_code=group.charge_tax_code,
        tax_reason=group.charge_tax_reason,
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
        seller=facts.shop.issuer(shipment.node).seller,
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
        group=shipment.group,
        supplied_at=shipment.shipped_at,
        payment_method=order.payment_method,
        buyer_tax_id=order.tax_id,
        purchase_order=order.purchase_order,
        due_on=_due_on(order, facts),
    )


def _due_on(order: Order, facts: Facts) -> date | None:
    """When it is to be paid, for what was bought on account (BT-9); None: it is paid already."""
    if order.due_days is None:
        return None
    return facts.now.date() + timedelta(days=order.due_days)
