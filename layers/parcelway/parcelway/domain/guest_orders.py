"""What somebody ordered as a guest becomes theirs once they have proven the mailbox it was for.

Whoever reads that mailbox has the order's link anyway. Only whose it is changes: what it was bought
for, by whom and on which terms stays as it was placed.
"""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.customer import Customer
from parcelway.domain.decision import Decision
from parcelway.domain.login import normalise_email
from parcelway.domain.order import Order, advance, happened
from parcelway.domain.parties import Actor


def mailbox(order: Order) -> str:
    """The normalised address by which a guest's placed order can be claimed; '' when it cannot.

    What was bought elsewhere and imported cannot: its money is with that marketplace, and so are
    its cancellation and its return.
    """
    return "" if order.sold_elsewhere else told_by(order)


def told_by(order: Order) -> str:
    """The normalised address that says whose a placed order is which is no customer's, whether it
    was placed here or imported; '' when none does."""
    if order.customer_id or order.placed_at is None or order.contact is None:
        return ""
    try:
        return normalise_email(order.contact.email)
    except ValueError:  # nobody can sign up with it
        return ""


def claimed(order: Order, customer: Customer, now: datetime) -> Decision | None:
    """A guest's order as that of the customer whose mailbox it was for; None when it is not."""
    if customer.state != "enabled" or not mailbox(order) == customer.email_key != "":
        return None
    after = advance(order, customer_id=customer.id)
    return Decision(after, happened(after, now, "order.claimed", Actor("customer", customer.id)))
