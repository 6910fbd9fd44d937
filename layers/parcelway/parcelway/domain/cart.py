"""The cart, which is a draft order: its lines, its details, and who holds it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta

from parcelway.domain.backorder import Terms
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.groups import in_use, resized
from parcelway.domain.line import Line
from parcelway.domain.methods import require_method
from parcelway.domain.money import zero
from parcelway.domain.order import Order, Shortage, advance, happened, require, totals
from parcelway.domain.parties import Actor, Address, Channel, Contact
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import (
    Claim,
    OutOfStock,
    give_back,
    require_one_transaction,
    take,
)
from parcelway.domain.shop import Shop
from parcelway.domain.stock import after
from parcelway.domain.switches import given_back
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Claimant:
    """The customer who makes a cart theirs, with what offers tell customers apart by.

    `formerly` are the records that were merged into theirs, `preferences` what the warehouse is to
    know of. `billing_address` and `tax_id` are those of their business account.
    """

    id: str
    contact: Contact
    groups: tuple[str, ...] = ()
    account: str = ""
    formerly: tuple[str, ...] = ()
    preferences: Mapping[str, str] = field(default_factory=dict)
    billing_address: Address | None = None
    tax_id: str = ""


def access_hash(token: str) -> str:
    """What a draft keeps of its bearer token."""
    return hashlib.sha256(token.encode()).hexdigest()


def may_hold(order: Order, token: str) -> bool:
    """Whether `token` is the one that the order was created with (constant time)."""
    return hmac.compare_digest(order.access_hash, access_hash(token))


def new_draft(
    order_id: str,
    token: str,
    facts: Facts,
    *,
    channel: Channel,
    currency: str,
    language: str,
    asked: Command,
) -> Decision:
    """An empty cart. Its currency is frozen from here on.

    Raises Refusal CURRENCY_UNAVAILABLE for one the shop has no prices in.
    """
    settings = facts.shop.settings
    settings.require_sold_in(currency)
    return Decision(
        Order(
            id=order_id,
            version=1,
            state="draft",
            currency=currency,
            language=language if language in settings.languages else settings.languages[0],
            created_at=facts.now,
            access_hash=access_hash(token),
            channel=channel,
            commands={asked.key: asked.fingerprint},
        )
    )


def add(order: Order, sku: str, quantity: int, facts: Facts, asked: Command) -> Decision:
    """Put `quantity` more units of a SKU in the cart. Raises the refusals of `set_quantity`."""
    there = order.kit(sku) or order.line(sku)
    return set_quantity(order, sku, quantity + (there.quantity if there else 0), facts, asked)


def set_quantity(
    order: Order, sku: str, quantity: int, facts: Facts, asked: Command | None = None
) -> Decision:
    """Have exactly `quantity` units of a SKU in the cart, or of a kit; 0 removes it.

    More units than before must be available, and are reserved where the channel's policy says
    `on_cart`; those of a kit's components all together. They go with the first delivery; fewer
    units leave the last ones first, and a delivery without any left is no more. A kit is put in as
    it is made up today. Raises Refusal UNKNOWN_SKU, NOT_SELLABLE, QUANTITY_LIMIT, TOO_MANY_LINES,
    OUT_OF_STOCK, NOT_FOUND, and IN_KIT for fewer units than the cart's kits have of it.
    """
    from parcelway.domain.filling import asked_for  # none but the cart's function fills any

    require(order, "draft")
    kits, units = asked_for(order, sku, quantity, facts)
    return _filled(replace(order, kits=kits), units, facts, asked)


def _filled(
    order: Order, units: Mapping[str, int], facts: Facts, asked: Command | None
) -> Decision:
    """Have so many units of each of these SKUs in the cart."""
    old = {line.sku: line for line in order.lines if line.sku in units}
    freed = give_back(replace(order, lines=tuple(old.values())), "open", "reserved")
    draft = replace(order, lines=_lines(order, units, facts))
    draft = replace(draft, groups=in_use(draft))
    claim = Claim(draft.lines, freed.moves)
    hold_until = order.hold_until
    wanted = [
        sku
        for sku, quantity in units.items()
        if sku not in old or quantity > old[sku].quantity or old[sku].count("reserved")
        if quantity
    ]
    if wanted:
        claim = claim_units(draft, wanted, freed, facts)
        if claim.moves:
            hold_until = hold_for(facts.shop, facts.now)
    priced = price(replace(draft, lines=claim.lines), facts)
    if not any(line.count("reserved") for line in priced.lines):
        hold_until = None
    commands = remember(order, asked)
    changed = advance(priced, hold_until=hold_until, commands=commands)
    return _told(Decision(changed, moves=claim.moves), facts)


def hold_for(shop: Shop, now: datetime) -> datetime:
    """When a hold on stock taken now lapses."""
    return now + timedelta(minutes=shop.settings.hold_minutes)


def describe(
    order: Order,
    facts: Facts,
    *,
    contact: Contact | None = None,
    billing_address: Address | None = None,
    payment_method: str = "",
    language: str = "",
    shortage: Shortage = "",
    purchase_order: str | None = None,
) -> Decision:
    """Note who buys, where the bill goes, how it will be paid, under which number of the buyer's
    own, and what is wanted of units that are not there; what is not given stays.

    Raises Refusal PAYMENT_METHOD_UNAVAILABLE, or INVALID for a language the shop has not.
    """
    require(order, "draft")
    settings = facts.shop.settings
    if language and language not in settings.languages:
        raise Refusal(
            Reason.INVALID, f"This shop speaks {', '.join(settings.languages)}.", "/language"
        )
    changed = replace(
        order,
        contact=contact or order.contact,
        billing_address=billing_address or order.billing_address,
        payment_method=payment_method or order.payment_method,
        language=language or order.language,
        shortage=shortage or order.shortage,
        purchase_order=order.purchase_order if purchase_order is None else purchase_order,
    )
    priced = price(changed, facts)
    if payment_method:
        require_method(priced, payment_method, settings.payment_methods, facts.credit)
    return Decision(advance(priced))


def owned_by(order: Order, customer: Claimant) -> Order:
    """The cart as the customer's."""
    return replace(
        order,
        customer_id=customer.id,
        actor=Actor("customer", customer.id),
        contact=order.contact or customer.contact,
        billing_address=order.billing_address or customer.billing_address,
        tax_id=order.tax_id or customer.tax_id,
        customer_groups=customer.groups,
        account=customer.account,
        formerly=customer.formerly,
        preferences=customer.preferences,
        segment="b2b" if customer.account else order.segment,
    )


def claim(order: Order, customer: Claimant, facts: Facts) -> Decision | None:
    """Make a cart that nobody owns, or that was a merged record's, the customer's, at their prices.
    None when it already is theirs, as they are now.

    Raises Refusal NOT_FOUND when it belongs to somebody else.
    """
    if order.customer_id not in ("", customer.id, *customer.formerly):
        raise Refusal(Reason.NOT_FOUND, "There is no such cart.")
    theirs = owned_by(order, customer)
    if theirs == order or (order.customer_id and order.state != "draft"):
        return None
    require(order, "draft")
    return Decision(advance(price(theirs, facts)))


def lapse(order: Order, now: datetime) -> Decision | None:
    """Take back the stock of a hold that is over. None when there is nothing to take back.

    A draft stays a draft, without its holds; a placed order that nobody paid for expires. Time
    only starts this: the order's state decides it.
    """
    if order.hold_until is None or order.hold_until > now or order.state not in ("draft", "placed"):
        return None
    if order.state == "draft":
        freed = give_back(order, "open", "reserved")
        return Decision(advance(order, lines=freed.lines, hold_until=None), moves=freed.moves)
    freed = give_back(order, "cancelled", "reserved", "backordered", "open")
    expired = advance(
        order, state="expired", lines=freed.lines, hold_until=None, ended_at=now, uses=()
    )
    told = happened(expired, now, "order.expired")
    given = tuple(slot for group in order.groups for slot in group.slots)
    return Decision(
        expired,
        told,
        freed.moves,
        given=given,
        unused=order.uses,
        unbought=given_back(order, expired, now),
    )


def _told(decision: Decision, facts: Facts) -> Decision:
    """The decision with the news for the shop that a cart has other goods, unless it heard of it a
    short while ago. The first of a burst of changes is told at once; what the burst came to is told
    with the next change after the time is over."""
    order, minutes = decision.order, facts.shop.settings.cart_event_minutes
    last = order.cart_told_at
    if not minutes or (last is not None and facts.now < last + timedelta(minutes=minutes)):
        return decision
    news = happened(
        order,
        facts.now,
        "cart.updated",
        order.actor,
        lines=len(order.lines),
        units=sum(line.quantity for line in order.lines),
        value=totals(order).gross.minor,
        currency=order.currency,
    )
    return replace(decision, order=replace(order, cart_told_at=facts.now), events=news)


def _lines(order: Order, units: Mapping[str, int], facts: Facts) -> tuple[Line, ...]:
    """The order's lines with so many open units of each of these SKUs; without those of none."""
    lines, nothing = {line.sku: line for line in order.lines}, zero(order.currency)
    number = max((line.number for line in order.lines), default=0)
    for sku, quantity in units.items():
        old = lines.get(sku)
        portions = resized(order.groups, old, quantity)
        if old is not None:
            lines[sku] = replace(old, portions=portions)
        elif quantity:
            number += 1
            name = facts.products[sku].name
            lines[sku] = Line(number, sku, name, nothing, portions, nothing, nothing)
    return tuple(line for line in lines.values() if line.portions)


def claim_units(draft: Order, skus: Collection[str], freed: Claim, facts: Facts) -> Claim:
    """Check that the open units of these SKUs are to be had, now or later, and reserve those that
    are there if the policy says so. At a counter they are in the customer's hands, whatever the
    books say."""
    if draft.channel == "in_person":
        return Claim(draft.lines, freed.moves)
    alone = replace(draft, lines=tuple(line for line in draft.lines if line.sku in skus))
    balances = after(facts.balances, freed.moves)
    try:
        take(alone, "reserved", balances, facts.shop, Terms(facts.products, facts.now, "wait"))
    except OutOfStock as refusal:  # of the whole cart: what else is in it is no alternative
        raise OutOfStock(draft, refusal.detail, refusal.facts["lines"]) from None
    if facts.shop.settings.policy(draft.channel) != "on_cart":
        return Claim(draft.lines, freed.moves)
    taken = take(alone, "reserved", balances, facts.shop, Terms(facts.products, facts.now, "leave"))
    held = {line.sku: line for line in taken.lines}
    lines = tuple(held.get(line.sku, line) for line in draft.lines)
    # All holds lapse together, however many edits they were taken in.
    require_one_transaction(give_back(replace(draft, lines=lines), "open", "reserved").moves)
    return Claim(lines, freed.moves + taken.moves)
