"""Reminding of invoices on account, once before each is due and once when it is overdue.

What of an invoice is open follows from the order alone: money pays the oldest invoice first, as in
the list of open items (`receivables`), and a credit note takes from the invoice that it refers to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from parcelway.domain.decision import Decision
from parcelway.domain.invoice import Invoice
from parcelway.domain.money import Money
from parcelway.domain.order import Order, advance, events
from parcelway.domain.parties import SYSTEM
from parcelway.domain.term import Term

FALLS_DUE = "invoice.falls_due"
OVERDUE = "invoice.overdue"
REMINDERS = (FALLS_DUE, OVERDUE)

BEFORE_DUE = timedelta(days=3)
# A transfer made on the last day takes so long until it is on our books.
GRACE = timedelta(days=2)
_HOUR = time(7, tzinfo=UTC)  # not at night, nor in the middle of the Americas' one


def with_invoice(terms: Sequence[Term], invoice: Invoice) -> tuple[Term, ...]:
    """The terms of an order that has one more invoice, and when to remind of it: not on the day on
    which it is sent, so that one that is due at once is only asked for when it is overdue."""
    due, day = invoice.due_on, invoice.issued_at.date()
    if due is None:
        return tuple(terms)
    ask = max(due - BEFORE_DUE, day + timedelta(days=1))
    made = Term(invoice.number, invoice.shipment_id, invoice.gross.minor, due, _at(ask))
    return (*terms, made if ask <= due else replace(made, look_at=_at(due + GRACE), asked=True))


def less_credited(terms: Sequence[Term], note: Invoice) -> tuple[Term, ...]:
    """The terms of an order once a credit note takes from an invoice of it."""
    return tuple(
        replace(term, gross=term.gross - note.gross.minor)
        if term.number == note.refers_to
        else term
        for term in terms
    )


def next_look(order: Order) -> datetime | None:
    """When to remind of an invoice of the order next; None when nothing is to be paid."""
    looks = [(term.look_at, term.number) for term in order.terms]
    return min((at for at, number in looks if at and open_of(order, number)), default=None)


def open_of(order: Order, number: str) -> Money:
    """What of an invoice on account is still to be paid; nothing of one that is not."""
    later = 0
    for term in reversed(order.terms):
        if term.number == number:
            return Money(max(0, min(term.gross, order.owed.minor - later)), order.currency)
        later += term.gross
    return Money(0, order.currency)


def see_to(order: Order, now: datetime) -> Decision | None:
    """Remind of the invoices whose time has come, and of none that is paid or credited. None before
    that."""
    due = [
        term
        for term in order.terms
        if term.look_at and term.look_at <= now and open_of(order, term.number)
    ]
    if not due:
        return None
    terms = (_reminded(term, now) if term in due else term for term in order.terms)
    after = advance(order, terms=tuple(terms))
    told = [(OVERDUE if _overdue(t, now) else FALLS_DUE, _data(order, t)) for t in due]
    return Decision(after, events(after, now, SYSTEM, *told))


def _reminded(term: Term, now: datetime) -> Term:
    again = None if _overdue(term, now) else _at(term.due + GRACE)
    return replace(term, look_at=again, asked=True)


def _overdue(term: Term, now: datetime) -> bool:
    """Whether it is asked for as overdue: a reminder that comes too late (nobody looked for days)
    is not sent on top of it."""
    return term.asked or now.date() > term.due


def _data(order: Order, term: Term) -> Mapping[str, Any]:
    return {
        "shipment": term.shipment,
        "number": term.number,
        "amount": open_of(order, term.number).minor,
        "due": term.due.isoformat(),
    }


def _at(day: date) -> datetime:
    return datetime.combine(day, _HOUR)
