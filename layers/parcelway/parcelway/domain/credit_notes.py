"""Credit notes: what of an invoice is given back, in a document of its own that refers to it.

Units are credited at their frozen shares, those with the lowest numbers first, so crediting them in
any steps comes to what crediting them at once does. A shipping charge is credited whole, goodwill
as an amount with tax, divided over the invoice's rates by what is left of each. Never is more
credited at a rate than was invoiced at it. What is then to be paid back is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from parcelway.domain import ledger
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice, InvoiceLine, TaxLine
from parcelway.domain.invoicing import Counter, breakdown, taken_off
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money, allocate, share, total
from parcelway.domain.order import Order, advance, events
from parcelway.domain.parties import SYSTEM, Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shares import units_share
from parcelway.domain.term import less_credited
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be credited of an invoice: units by order line number, its shipping charge, an
    `amount` (with tax) on top of them."""

    units: Mapping[int, int] = field(default_factory=dict)
    shipping: bool = False
    amount: Money | None = None


def credit(
    order: Order,
    invoice: Invoice,
    credited_before: Sequence[Invoice],
    wanted: Wanted,
    counter: Counter,
    facts: Facts,
    reason: str,
    actor: Actor = SYSTEM,
    asked: Command | None = None,
) -> Decision:
    """The decision that issues one credit note. `credited_before` are all those of the order.

    The commit must carry the condition that the counter is still where it was, and the order at the
    version that was read: so two cannot credit the same unit. Raises Refusal CREDIT_LIMIT and
    INVALID.
    """
    note = credit_note(order, invoice, credited_before, wanted, counter, facts.now, reason)
    note = replace(note, command=asked.key if asked else "")
    after = advance(
        order,
        invoiced=order.invoiced - note.gross.minor,
        credited=order.credited + note.gross.minor,
        terms=less_credited(order.terms, invoice.number, note.gross.minor),
        commands=remember(order, asked),
    )
    return Decision(
        after,
        events(after, facts.now, actor, told(note)),
        credit_notes=(note,),
        postings=(posting(note, order.owed),),
    )


def credit_note(
    order: Order,
    invoice: Invoice,
    credited_before: Sequence[Invoice],
    wanted: Wanted,
    counter: Counter,
    now: datetime,
    reason: str,
) -> Invoice:
    """The credit note alone, with the number after `counter`, for a decision that does more than
    issue it: that needs `told` and `posting` too, and an order with so much less `invoiced`.

    Raises Refusal CREDIT_LIMIT and INVALID.
    """
    before = [note for note in credited_before if note.refers_to == invoice.number]
    lines = _units(order, invoice, before, wanted.units)
    lines += _shipping(invoice, before) if wanted.shipping else []
    _require_left(invoice, before, lines)
    if wanted.amount is not None:
        lines += _goodwill(invoice, before, lines, wanted.amount, reason)
    if not lines:
        raise Refusal(Reason.INVALID, "Say what is to be credited.")
    sequence, currency = counter.last + 1, invoice.currency
    net = total((line.net for line in lines), currency)
    tax = total((line.tax for line in lines), currency)
    return replace(
        invoice,
        kind="credit_note",
        number=f"{counter.series}-{sequence:06d}",
        series=counter.series,
        sequence=sequence,
        issued_at=now,
        refers_to=invoice.number,
        refers_to_issued=invoice.issued_at,
        reason=reason,
        lines=tuple(lines),
        taxes=breakdown(lines, currency),
        net=net,
        tax=tax,
        gross=net + tax,
    )


def told(note: Invoice) -> tuple[str, Mapping[str, Any]]:
    """What to tell of a credit note that was issued."""
    return (
        "credit_note.issued",
        {
            "shipment": note.shipment_id,
            "number": note.number,
            "invoice": note.refers_to,
            "gross": note.gross.minor,
        },
    )


def posting(note: Invoice, owed: Money) -> Posting:
    """What a credit note means to the books; `owed` is what the customer owes before it."""
    shipping = total((ln.net for ln in note.lines if ln.kind == "shipping"), note.currency)
    taxes = {each.rate: each.tax for each in note.taxes if each.tax}
    goods = note.net - shipping
    return ledger.credited(note.order_id, note.number, note.issued_at, owed, goods, shipping, taxes)


def left(invoice: Invoice, credited_before: Sequence[Invoice]) -> tuple[TaxLine, ...]:
    """What can still be credited of an invoice, by rate."""
    before = [note for note in credited_before if note.refers_to == invoice.number]
    return _left(invoice, before, [])


def _left(
    invoice: Invoice, before: Sequence[Invoice], lines: Sequence[InvoiceLine]
) -> tuple[TaxLine, ...]:
    given = [*(line for note in before for line in note.lines), *lines]
    back = {(each.rate, each.code): each for each in breakdown(given, invoice.currency)}
    return tuple(
        replace(each, net=each.net - less.net, tax=each.tax - less.tax)
        if (less := back.get((each.rate, each.code)))
        else each
        for each in invoice.taxes
    )


def _require_left(
    invoice: Invoice, before: Sequence[Invoice], lines: Sequence[InvoiceLine]
) -> None:
    for each in _left(invoice, before, lines):
        if min(each.net.minor, each.tax.minor) < 0:
            raise _beyond(invoice, before, "More was credited of it before than this would leave.")


def _units(
    order: Order, invoice: Invoice, before: Sequence[Invoice], units: Mapping[int, int]
) -> list[InvoiceLine]:
    lines = []
    for number, quantity in sorted(units.items()):
        billed = [line for line in invoice.lines if number and line.line == number]
        if not billed or quantity < 1:
            raise Refusal(Reason.INVALID, "The invoice has no such units.")
        done = sum(ln.quantity for note in before for ln in note.lines if ln.line == number)
        if done + quantity > sum(line.quantity for line in billed):
            raise _beyond(invoice, before, f"The invoice has not so many of {billed[0].sku} left.")
        lines += _parts(order, invoice, billed, done, done + quantity)
    return lines


def _parts(
    order: Order, invoice: Invoice, billed: Sequence[InvoiceLine], first: int, last: int
) -> list[InvoiceLine]:
    """The units number `first`+1 .. `last` of those that the invoice has of one order line."""
    line = next(line for line in order.lines if line.number == billed[0].line)
    of_group, units = line.share(invoice.group), line.units(invoice.group)
    passed, parts = 0, []
    for each in billed:
        begin = each.units_from + min(max(first - passed, 0), each.quantity)
        end = each.units_from + min(max(last - passed, 0), each.quantity)
        passed += each.quantity
        if begin < end:
            part = replace(
                each,
                quantity=end - begin,
                units_from=begin,
                net=units_share(of_group.net, units, begin, end),
                tax=units_share(of_group.tax, units, begin, end),
            )
            off = taken_off(
                part,
                [(less.name, less.amount) for less in each.allowances],
                each.quantity,
                inclusive=invoice.prices_include_tax,
            )
            parts.append(replace(part, allowances=off))
    return parts


def _shipping(invoice: Invoice, before: Sequence[Invoice]) -> list[InvoiceLine]:
    charges = [line for line in invoice.lines if line.kind == "shipping"]
    if not charges:
        raise Refusal(Reason.INVALID, "The invoice has no shipping charge.")
    if any(line.kind == "shipping" for note in before for line in note.lines):
        raise _beyond(invoice, before, "The shipping charge was credited before.")
    return charges


def _goodwill(
    invoice: Invoice,
    before: Sequence[Invoice],
    lines: Sequence[InvoiceLine],
    amount: Money,
    reason: str,
) -> list[InvoiceLine]:
    if amount.currency != invoice.currency or amount.minor < 1:
        raise Refusal(Reason.INVALID, f"The amount must be more than 0 {invoice.currency}.")
    rates = _left(invoice, before, lines)
    gross = [each.net.minor + each.tax.minor for each in rates]
    if amount.minor > sum(gross):
        raise _beyond(invoice, before, "More than is left of the invoice.")
    parts = allocate(amount, gross)
    return [
        _goodwill_line(invoice, each, part, reason)
        for each, part in zip(rates, parts, strict=True)
        if part
    ]


def _goodwill_line(invoice: Invoice, rest: TaxLine, part: Money, reason: str) -> InvoiceLine:
    gross = rest.net.minor + rest.tax.minor
    tax = Money(share(rest.tax.minor, part.minor, gross), part.currency)
    price = part if invoice.prices_include_tax else part - tax
    return InvoiceLine(
        reason,
        1,
        price,
        part - tax,
        tax,
        rest.rate,
        kind="goodwill",
        tax_code=rest.code,
        tax_reason=rest.reason,
    )


def _beyond(invoice: Invoice, before: Sequence[Invoice], detail: str) -> Refusal:
    rest = _left(invoice, before, [])
    gross = total((each.net + each.tax for each in rest), invoice.currency)
    rest_plain = {"minor": gross.minor, "currency": gross.currency}
    return Refusal(Reason.CREDIT_LIMIT, detail, left=rest_plain)
