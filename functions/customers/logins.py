"""The login follows the record: shut out while the shop has locked or disabled it."""

from __future__ import annotations

from parcelway.domain.account_state import BLOCKED
from parcelway.domain.customer import Customer
from parcelway.domain.login import normalise_email
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.call import Caller
from parcelway.ports.identity import Logins
from parcelway.store.customers import get_customer
from parcelway.store.database import Database


def align(db: Database, identity: Logins, customer: Customer) -> None:
    """Have the user pool know what the record says, also where two people change it at once: each
    looks at the record again after telling the pool, so the last one to look is right.

    By the subject: the address may be another login's by now, or the login have another address.
    A record that was taken over and has no login tells the pool nothing.
    """
    current: Customer | None = customer
    while current is not None and current.subject:
        told = current.state in BLOCKED
        (identity.shut_out if told else identity.let_in)(current.subject)
        current = get_customer(db, customer.id)
        if current is not None and (current.state in BLOCKED) == told:
            return


def proven(identity: Logins, customer: Customer) -> bool:
    """Whether the record's own login has shown that its mailbox is its owner's."""
    login = identity.find_subject(customer.subject) if customer.subject else None
    return login is not None and login.proven


def proven_mailbox(identity: Logins, customer: Customer) -> str:
    """The record's address, if its own login has shown that it is its owner's and still has it;
    else ''."""
    login = identity.find_subject(customer.subject) if customer.subject else None
    own = login is not None and login.proven and _normal(login.email) == customer.email_key
    return customer.email_key if own else ""


def _normal(email: str) -> str:
    try:
        return normalise_email(email)
    except ValueError:  # the user pool takes addresses that no mail of the shop's reaches
        return ""


def require_no_colleague(identity: Logins, customer: Customer, caller: Caller) -> None:
    """Refuse with FOUR_EYES the record of a member of staff unless an admin asks: their login
    opens more than a customer's, so the desk neither shuts it out nor lets it in.
    """
    if "admin" not in caller.groups and customer.subject and identity.is_staff(customer.subject):
        raise Refusal(Reason.FOUR_EYES, "This customer is of the staff: an admin sees to it.")
