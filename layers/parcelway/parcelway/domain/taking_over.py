"""Customers of an earlier system: known by its reference, without a login here.

Whoever signs up with such an address and proves it has a record of their own from then on; the
one that was taken over is disabled, and the service desk merges the two.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from parcelway.domain.customer import Change, Customer, created, edited
from parcelway.domain.ids import derived
from parcelway.domain.invitation import Particulars
from parcelway.domain.parties import SYSTEM
from parcelway.domain.refusals import Reason, Refusal


def id_of(reference: str) -> str:
    """The id of the record of a customer whom the earlier system knew by `reference`."""
    return derived("cus", "taken over", reference)


def taken_over(
    reference: str, who: Particulars, known: Customer | None, now: datetime
) -> Change | None:
    """The record of such a customer, or what is different from the one that is `known`; None when
    nothing is.

    Nothing has been agreed to. Raises Refusal ILLEGAL_STATE for a record that is not in use any
    more, INVALID for another e-mail address than before: that is a login's to change.
    """
    values = {each.name: getattr(who, each.name) for each in fields(Particulars)}
    if known is None:
        record = Customer(
            id=id_of(reference), version=0, state="enabled", subject="", created_at=now, **values
        )
        return created(record, now, SYSTEM)
    if known.email_key != who.email_key:
        raise Refusal(Reason.INVALID, "The e-mail address is not the one of before.", "/email")
    return edited(known, values, now, SYSTEM)
