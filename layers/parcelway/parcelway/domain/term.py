"""When invoices on account are to be paid, and what of each is still open.

Money pays the oldest invoice first, as in the list of open items (`receivables`); a credit note
takes from the invoice that it refers to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from parcelway.values import dataclass

BEFORE_DUE = timedelta(days=3)
# A transfer made on the last day takes so long until it is on our books.
GRACE = timedelta(days=2)
_HOUR = time(14, tzinfo=UTC)  # in working hours from the east of Europe to that of America


@dataclass(frozen=True, slots=True)
class Term:
    """An invoice that is `due` on a day, of `gross` minor units less its credit notes; `shipment`
    is what it is for. `look_at` is when its customer is reminded next, unless it is paid by then
    (None: never again), `asked` whether they were."""

    number: str
    shipment: str
    gross: int
    due: date
    look_at: datetime | None
    asked: bool = False


def with_invoice(
    terms: Sequence[Term], number: str, shipment: str, gross: int, due: date | None, issued: date
) -> tuple[Term, ...]:
    """The terms of an order that has one more invoice (`due` is None where it is paid already), and
    when to remind of it: not on the day on which it is sent, so that one that is due at once is
    only asked for when it is overdue."""
    if due is None:
        return tuple(terms)
    ask = max(due - BEFORE_DUE, issued + timedelta(days=1))
    if ask > due:
        return (*terms, Term(number, shipment, gross, due, overdue_at(due), asked=True))
    return (*terms, Term(number, shipment, gross, due, datetime.combine(ask, _HOUR)))


def less_credited(terms: Sequence[Term], number: str, gross: int) -> tuple[Term, ...]:
    """The terms of an order once a credit note takes `gross` from an invoice of it."""
    return tuple(
        replace(each, gross=each.gross - gross) if each.number == number else each for each in terms
    )


def overdue_at(due: date) -> datetime:
    """When to tell that an invoice is overdue."""
    return datetime.combine(due + GRACE, _HOUR)


def open_of(terms: Sequence[Term], owed: int, number: str) -> int:
    """What of an invoice is still to be paid when an order owes so much, in minor units; nothing of
    one that is not among its `terms`, which are oldest first."""
    later = 0
    for term in reversed(terms):
        if term.number == number:
            return max(0, min(term.gross, owed - later))
        later += term.gross
    return 0


def next_look(terms: Sequence[Term], owed: int) -> datetime | None:
    """When to remind of an invoice next; None when nothing is to be paid."""
    looks = [(term.look_at, term.number) for term in terms]
    return min((at for at, number in looks if at and open_of(terms, owed, number)), default=None)
