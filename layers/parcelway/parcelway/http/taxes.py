"""Views whose decisions need to know taxes, which an engine may have to be asked for.

It is asked before a decision, never within one: a decision that needs an answer says so
(TaxNeeded), and the view is run again with it. What an order is placed with is what was answered,
and stays with it. No answer is no order: a tax is never guessed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from parcelway.domain.tax import Assessed, Inquiry, TaxNeeded
from parcelway.http.problems import Problem
from parcelway.ports.tax import TaxEngine, TaxUnavailable, engine
from parcelway.store.selling import ASSESSED

T = TypeVar("T")
# One request may ask about several orders that a cart might become (what is not there dropped, sent
# later, ...), and has a gateway's patience at most.
MOST_SECONDS = 8.0


def with_taxes(view: Callable[[], T], by: TaxEngine | None = None) -> T:
    """Run a view with the answers of a tax engine: the shop's, if it has one.

    Raises Problem 503 when it does not answer, or not soundly: nothing has been changed then.
    """
    by = by or engine()
    if by is None:
        return view()
    try:
        return asking(by, view)
    except TaxUnavailable:
        raise Problem(
            503,
            "tax-unavailable",
            "Tax not known at present",
            "What the tax is could not be found out. Try again with the same Idempotency-Key.",
            headers={"Retry-After": "2"},
        ) from None


def asking(by: TaxEngine, view: Callable[[], T], seconds: float = MOST_SECONDS) -> T:
    """Run a view, again each time that a decision needs another answer, for so long at most.

    Raises TaxUnavailable.
    """
    answers: dict[Inquiry, tuple[Assessed, ...]] = {}
    before, until = ASSESSED.set(answers), time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            try:
                return view()
            except TaxNeeded as needed:
                answers[needed.asked] = by.assess(needed.asked)
    finally:
        ASSESSED.reset(before)
    raise TaxUnavailable
