"""A customer as the buyer of a cart: what of their record the order keeps."""

from __future__ import annotations

from parcelway.domain.account import Account
from parcelway.domain.account_state import BLOCKED
from parcelway.domain.cart import Claimant
from parcelway.domain.customer import Customer
from parcelway.domain.parties import Contact
from parcelway.domain.refusals import Reason, Refusal


def claimant(
    known: Customer, contact: Contact | None = None, account: Account | None = None
) -> Claimant:
    """Whose cart it becomes, with the record's own contact unless another one is given. `account`
    is the business account that they buy for.

    Raises Refusal CUSTOMER_BLOCKED for one who is locked or disabled.
    """
    if known.state in BLOCKED:
        raise Refusal(Reason.CUSTOMER_BLOCKED, "This customer cannot order at present.")
    return Claimant(
        known.id,
        contact or Contact(known.name, known.email, known.phone),
        known.groups,
        known.account,
        known.absorbed,
        known.preferences,
        account.billed_to if account else None,
        account.tax_id if account else "",
    )
