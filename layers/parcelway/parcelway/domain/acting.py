"""Acting for somebody: the shop's staff begin, open and leave orders of others.

Opening and ending a grant are versions of the order like any other change. So what was decided on
while a grant held is not committed once it was ended: the order has moved on.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from parcelway.domain.account import Account
from parcelway.domain.cart import new_draft, owned_by
from parcelway.domain.claimants import claimant
from parcelway.domain.commands import Command, remember
from parcelway.domain.customer import Customer, is_kept
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.grant import PREFIX, Cause, Grant, hashed
from parcelway.domain.ids import derived
from parcelway.domain.login import normalise_email
from parcelway.domain.order import DeliveryGroup, Event, Order, advance, happened, require
from parcelway.domain.parties import Actor, Address, Channel, Contact
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Settings
from parcelway.values import dataclass

LASTS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who of the staff acts; `customer_id` is the record they have as a customer themselves."""

    subject: str
    customer_id: str

    @property
    def actor(self) -> Actor:
        """Them as an actor."""
        return Actor("staff", self.subject)


@dataclass(frozen=True, slots=True)
class Start:
    """What a cart is begun with: '' for what the customer prefers, or else the shop has."""

    channel: Channel
    currency: str = ""
    language: str = ""


def new_grant(order_id: str, desk: Desk, cause: Cause, key: str, now: datetime) -> Grant:
    """The grant that an Idempotency-Key of somebody's leads to, given now."""
    name = derived(PREFIX[:-1], order_id, desk.subject, key)
    kept = hashed(secret_of(name, key))
    return Grant(name, order_id, desk.subject, cause, now, now + LASTS, kept)


def secret_of(grant_id: str, key: str) -> str:
    """The secret of a grant: as hard to guess as the random key that it comes from."""
    return hashlib.sha256(f"grant\x1f{grant_id}\x1f{key}".encode()).hexdigest()


def token_of(grant: Grant, key: str) -> str:
    """The token of a grant, of which only a hash is kept."""
    return f"{grant.id}.{secret_of(grant.id, key)}"


def start(
    order_id: str,
    wanted: Start,
    customer: Customer | None,
    grant: Grant,
    desk: Desk,
    facts: Facts,
    asked: Command,
    account: Account | None = None,
) -> Decision:
    """A cart for a customer, or a guest, that staff hold by a grant and nobody by a token.

    A sign-up that nobody has proven may go by itself: its cart is a guest's for that mailbox, and
    becomes the customer's with the proof. Any other is at the customer's prices, in their currency
    and language, with their contact and their default addresses; what they prefer and the shop has
    not gives way to the shop's own. `account` is the business account that they buy for. Raises
    Refusal ILLEGAL_STATE for a customer who may not order, FOUR_EYES for the member's own record,
    CURRENCY_UNAVAILABLE for one that was asked for.
    """
    settings = facts.shop.settings
    if customer is not None:
        require_may_order(customer)
        if customer.id == desk.customer_id:
            raise _own()
    draft = new_draft(
        order_id,
        "",
        facts,
        channel=wanted.channel,
        currency=wanted.currency or _currency(customer, settings),
        language=_language(wanted.language or (customer.language if customer else ""), settings),
        asked=asked,
    ).order
    owned = _of(draft, customer, account) if customer else draft
    order = replace(owned, access_hash="", actor=grant.actor, **_acts(owned, grant))
    return Decision(order, _began(order, grant))


def open_for(order: Order, grant: Grant, desk: Desk, asked: Command) -> Decision:
    """Let a member of staff act on an order that is there already, and is not paid for.

    Raises Refusal ILLEGAL_STATE, or FOUR_EYES for an order of their own.
    """
    require(order, "draft", "placed")
    if order.customer_id and order.customer_id == desk.customer_id:
        raise _own()
    after = advance(order, **_acts(order, grant), commands=remember(order, asked))
    return Decision(after, _began(after, grant))


def end(order: Order, grant: Grant, desk: Desk, now: datetime) -> tuple[Decision, Grant] | None:
    """Have a grant hold no longer; None when it does not anyway."""
    if grant.ended_at is not None or now >= grant.expires_at:
        return None
    ended = replace(grant, ended_at=now, ended_by=desk.subject)
    after = advance(order)
    told = happened(after, now, "order.acting_ended", desk.actor, grant=grant.id)
    return Decision(after, told), ended


def require_may_order(customer: Customer) -> None:
    """Refuse with ILLEGAL_STATE a customer for whom nothing may be ordered."""
    if customer.state not in ("pending", "enabled"):
        raise Refusal(
            Reason.ILLEGAL_STATE,
            f"This customer is {customer.state}: no order can be taken.",
            "/customer_id",
            state=customer.state,
        )


def require_their_mailbox(order: Order, contact: Contact, customer: Customer | None) -> None:
    """Refuse with NOT_BY_GRANT that who acts for a customer has the order's mails go elsewhere than
    to the customer: they bring the link and the code to collect, which a grant does not open. The
    address that the order has already, or one of the customer's `contacts`, may be given."""
    if not order.customer_id:
        return
    known = {order.contact.email} if order.contact else set[str]()
    if customer is not None and customer.id == order.customer_id:
        known.add(customer.email)
        known.update(each.value for each in customer.contacts if each.kind == "email")
    if _spelled(contact.email) not in {_spelled(each) for each in known}:
        raise Refusal(
            Reason.NOT_BY_GRANT,
            "Mails about a customer's order go to an address in their record: note it there first.",
            "/contact/email",
        )


def _spelled(email: str) -> str:
    try:
        return normalise_email(email)
    except ValueError:  # of a form that nobody signs in with
        return email


def _of(draft: Order, customer: Customer, account: Account | None) -> Order:
    shipping = _default(customer, "default_shipping")
    group = DeliveryGroup("g1", "delivery", shipping) if shipping else draft.group
    if customer.state == "pending" and not is_kept(customer):
        owned = replace(draft, contact=Contact(customer.name, customer.email, customer.phone))
    else:
        owned = owned_by(draft, claimant(customer, account=account))
    billed = owned.billing_address or _default(customer, "default_billing")
    return replace(owned, billing_address=billed, groups=(group,))


def _currency(customer: Customer | None, settings: Settings) -> str:
    """What the customer prefers to pay in, where the shop sells in it, or else the shop's own."""
    preferred = customer.currency if customer else ""
    sold = preferred in (settings.currency, *settings.currencies)
    return preferred if sold else settings.currency


def _language(preferred: str, settings: Settings) -> str:
    """That of the shop's languages which is nearest: it itself, as spoken elsewhere, the first."""
    spoken = preferred.partition("-")[0]
    near = [each for each in settings.languages if each.partition("-")[0] == spoken]
    if preferred in settings.languages:
        return preferred
    return near[0] if near else settings.languages[0]


def _default(customer: Customer, use: str) -> Address | None:
    return next((each.address for each in customer.addresses if getattr(each, use)), None)


def _acts(order: Order, grant: Grant) -> dict[str, Any]:
    """Who has acted on the order and what for, with the one whom a grant lets act now."""
    others = [subject for subject in order.acted_by if subject != grant.staff]
    causes = dict.fromkeys((*order.causes.get(grant.staff, ()), grant.cause))  # each of them once
    return {
        "acted_by": (*others, grant.staff),
        "causes": {**order.causes, grant.staff: tuple(causes)},
    }


def _began(order: Order, grant: Grant) -> tuple[Event, ...]:
    return happened(
        order,
        grant.opened_at,
        "order.acting_began",
        grant.actor,
        grant=grant.id,
        cause=grant.cause,
        until=grant.expires_at.isoformat(),
    )


def _own() -> Refusal:
    return Refusal(Reason.FOUR_EYES, "It is your own order: let somebody else see to it.")
