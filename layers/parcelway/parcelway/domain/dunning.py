"""Reminding of invoices on account, once before each is due and once when it is overdue.

What of an invoice is open follows from the order alone (`term`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from parcelway.domain import term
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.domain.order import Order, advance, events
from parcelway.domain.parties import SYSTEM
from parcelway.domain.term import Term, overdue_at

FALLS_DUE = "invoice.falls_due"
OVERDUE = "invoice.overdue"
REMINDERS = (FALLS_DUE, OVERDUE)


def next_look(order: Order) -> datetime | None:
    """When to remind of an invoice of the order next; None when nothing is to be paid."""
    return term.next_look(order.terms, order.owed.minor)


def open_of(order: Order, number: str) -> Money:
    """What of an invoice on account is still to be paid; nothing of one that is not."""
    return Money(term.open_of(order.terms, order.owed.minor, number), order.currency)


def see_to(order: Order, now: datetime) -> Decision | None:
    """Remind of the invoices whose time has come, and of none that is paid or credited. None before
    that."""
    due = [
        each
        for each in order.terms
        if each.look_at and each.look_at <= now and open_of(order, each.number)
    ]
    if not due:
        return None
    terms = (_reminded(each, now) if each in due else each for each in order.terms)
    after = advance(order, terms=tuple(terms))
    told = [(OVERDUE if _overdue(t, now) else FALLS_DUE, _data(order, t)) for t in due]
    return Decision(after, events(after, now, SYSTEM, *told))


def _reminded(one: Term, now: datetime) -> Term:
    again = None if _overdue(one, now) else overdue_at(one.due)
    return replace(one, look_at=again, asked=True)


def _overdue(one: Term, now: datetime) -> bool:
    """Whether it is asked for as overdue: a reminder that comes too late (nobody looked for days)
    is not sent on top of it."""
    return one.asked or now.date() > one.due


def _data(order: Order, one: Term) -> Mapping[str, Any]:
    return {
        "shipment": one.shipment,
        "number": one.number,
        "amount": open_of(order, one.number).minor,
        "due": one.due.isoformat(),
    }
