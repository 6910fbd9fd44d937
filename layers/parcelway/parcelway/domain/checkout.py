"""From draft to placed: what is still missing, and the placing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from parcelway.domain.account import Account
from parcelway.domain.account_rules import require_approved, require_buyer
from parcelway.domain.adjustment import Adjustment
from parcelway.domain.cart import hold_for
from parcelway.domain.catalogue import require_quantity
from parcelway.domain.commands import Command, remember
from parcelway.domain.coupons import Use
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.gift_cards import redeem, require_as_shown, together
from parcelway.domain.login import customer_id_of
from parcelway.domain.methods import require_method
from parcelway.domain.money import Money, total
from parcelway.domain.order import (
    Order,
    advance,
    events,
    require,
    totals,
)
from parcelway.domain.parties import Address
from parcelway.domain.pricing import has_price, offer, price
from parcelway.domain.promising import with_promises
from parcelway.domain.redemption import codes_applied, require_usable, uses
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import OF_ANOTHER_ORDER, require_one_transaction
from parcelway.domain.shortage import Part, resolve
from parcelway.domain.slots import counted
from parcelway.domain.switches import limits_counted, placing, require_sells
from parcelway.domain.taxing import tax_place, unconfirmed
from parcelway.values import dataclass

_OF_A_CARD = 4  # what each gift card adds to the transaction: its payment, its event, itself, why


@dataclass(frozen=True, slots=True)
class Names:
    """What an order is known by outside: nobody can guess them, so they come from outside too."""

    tracking_number: str
    link_token: str


def place(
    order: Order,
    facts: Facts,
    asked: Command | None,
    *,
    names: tuple[Names, Names],
    expected_total: Money | None,
) -> Decision:
    """Confirm the draft: re-price, re-check, hold the stock, give a promise and a number.

    From here the price is frozen and only payment is missing; its gift cards pay what they can, and
    an order of which nothing is left to pay is confirmed at once. What is not there is dealt with
    as the customer chose; where that is an order of its own, with the second of the `names`, it is
    the decision's `linked` one. `asked` is remembered. `expected_total` is what the customer was
    shown, for both. The use of limited codes and promotions is counted, with the first order of
    two. `facts.account` is the business account that it is for. Raises Refusal ILLEGAL_STATE,
    NOT_A_BUYER, EMPTY_CART, INCOMPLETE_CHECKOUT (naming all that is missing), NOT_SELLABLE,
    KIT_CHANGED, COUPON_UNAVAILABLE, ADJUSTMENT_PENDING, DELIVERY_UNAVAILABLE, TOTAL_CHANGED,
    APPROVAL_NEEDED, CHANNEL_CLOSED, CHANNEL_BUSY, PURCHASE_LIMIT, PAYMENT_METHOD_UNAVAILABLE,
    GIFT_CARD_UNUSABLE, TOO_MANY_LINES or OUT_OF_STOCK.
    """
    require(order, "draft")
    require_sells(facts.shop.switched(order.channel), _places(order, facts))
    if facts.account is not None:
        require_buyer(order, facts.account)
    require_complete(order, facts.account)
    require_sellable(order, facts)
    require_decided(order)
    _require_stores(order, facts)
    require_usable(order, facts)
    parts = resolve(price(order, facts), facts)
    if not all(group.service for part in parts for group in part.order.groups):
        raise Refusal(
            Reason.DELIVERY_UNAVAILABLE,
            "The chosen service does not take this weight any more.",
            "/delivery",
        )
    rules = facts.shop.settings.payment_methods
    for part in parts:
        require_method(part.order, order.payment_method, rules, facts.credit)
    gross = total((totals(part.order).gross for part in parts), order.currency)
    _require_agreed(gross, expected_total)
    if facts.account is not None:
        require_approved(order, gross, facts.account)
    require_as_shown(order, facts.cards, facts.now)
    used = _counted(order, [part.order for part in parts], facts)
    first = _placed(parts[0], names[0], facts, asked, used)
    if len(parts) == 1:
        return first
    cards = {**facts.cards, **{change.card.id: change.card for change in first.cards}}
    left = replace(facts, busy=counted(facts.busy, first.taken), cards=cards)
    separate = _placed(parts[1], names[1], left, asked)
    changes = (*first.cards, *separate.cards)
    more = len({*first.taken, *separate.taken}) + len(used) + _OF_A_CARD * len(changes)
    require_one_transaction([*first.moves, *separate.moves], (), OF_ANOTHER_ORDER + more)
    linked = replace(separate.order, linked=(first.order.id,), limited=_limited(parts[1], used))
    return replace(
        first,
        order=replace(first.order, linked=(separate.order.id,), limited=_limited(parts[0], used)),
        linked=replace(separate, order=linked, cards=()),
        cards=together(changes),
    )


def _places(order: Order, facts: Facts) -> list[Address]:
    places = (tax_place(group, facts.shop.nodes) for group in order.groups)
    return [place for place in places if place is not None]


def _counted(order: Order, parts: Sequence[Order], facts: Facts) -> tuple[Use, ...]:
    """What placing counts, all of it once: the two orders that it may become are one purchase."""
    bought: dict[str, int] = {}
    for line in (line for part in parts for line in part.lines):
        bought[line.sku] = bought.get(line.sku, 0) + line.quantity
    for kit in (kit for part in parts for kit in part.kits):
        bought[kit.sku] = bought.get(kit.sku, 0) + kit.quantity
    switches = facts.shop.switched(order.channel)
    return (*uses(parts, facts), *placing(order, bought, switches, facts.used, facts.now))


def _limited(part: Part, used: Sequence[Use]) -> Mapping[str, tuple[str, ...]]:
    """The counters on which the units of one order of two are."""
    order = part.order
    there = {line.sku for line in order.lines} | {kit.sku for kit in order.kits}
    return limits_counted(use for use in used if use.sku in there)


def _require_agreed(gross: Money, expected: Money | None) -> None:
    if expected not in (None, gross):
        raise Refusal(
            Reason.TOTAL_CHANGED,
            f"The total is {gross} now; have the customer agree to it.",
            "/expected_total",
            total={"minor": gross.minor, "currency": gross.currency},
        )


def _placed(
    part: Part, names: Names, facts: Facts, asked: Command | None, used: tuple[Use, ...] = ()
) -> Decision:
    order, gross = part.order, totals(part.order).gross
    cards = redeem(order, gross, facts.cards, facts.now)
    free = cards.paid == gross.minor
    held = free or facts.shop.settings.policy(order.channel) != "none"
    groups = with_promises(order, part.claim.lines, facts)
    slots = tuple(slot for group in groups for slot in group.slots)
    # To cancel it gives back all it took at once: its stock, shipments, days, and uses of codes.
    others = len(set(slots)) + len(used) + _OF_A_CARD * len(cards.payments)
    require_one_transaction(part.claim.moves, part.claim.lines, others)
    placed = advance(
        order,
        state="confirmed" if free else "placed",
        lines=part.claim.lines if held else order.lines,
        groups=groups,
        hold_until=None if free else hold_for(facts.shop, facts.now),
        placed_at=facts.now,
        confirmed_at=facts.now if free else None,
        tracking_number=names.tracking_number,
        link_token=names.link_token,
        coupons=codes_applied(order),
        uses=tuple(use.counter for use in used if use.expires is None),
        limited=limits_counted(used),
        alerts=unconfirmed(order, facts.now),
        commands=remember(order, asked),
        gift_cards=cards.tenders,
        authorized=cards.paid,
        secured=cards.paid,
        payment_attempts=len(cards.payments),
        payment_status="authorized" if free and cards.paid else "none",
    )
    told: list[tuple[str, Mapping[str, Any]]] = [
        ("order.placed", {"gross": gross.minor, **part.told}),
        *(
            ("payment.authorized", {"payment": paid.number, "amount": paid.authorized})
            for paid in cards.payments
        ),
    ]
    if free:
        told.append(("order.confirmed", {}))
    moves = part.claim.moves if held else ()
    return Decision(
        placed,
        events(placed, facts.now, order.actor, *told),
        moves,
        taken=slots,
        uses=used,
        tenders=cards.payments,
        cards=cards.changes,
    )


def require_deliveries(order: Order) -> None:
    """Refuse a cart that is empty, or of which nobody knows where it goes. Raises Refusal
    EMPTY_CART, INCOMPLETE_CHECKOUT."""
    require_details(order, _deliveries(order))


def require_complete(order: Order, account: Account | None) -> None:
    """Refuse a cart of which something is missing that an order has, or that the account wants of
    its orders. Raises Refusal EMPTY_CART, INCOMPLETE_CHECKOUT (naming all of it)."""
    details: dict[str, Any] = {
        "/contact": order.contact,
        "/billing_address": order.billing_address,
        "/payment_method": order.payment_method,
    }
    if account is not None and account.po_required:
        details["/purchase_order"] = order.purchase_order
    require_details(order, details | _deliveries(order))


def _deliveries(order: Order) -> dict[str, Any]:
    if len(order.groups) == 1:
        return {"/delivery": order.group.service}
    return {f"/deliveries/{n}": group.service for n, group in enumerate(order.groups)}


def require_details(order: Order, details: Mapping[str, Any]) -> None:
    """Refuse a cart that is empty, or in which one of these is missing (by pointer). Raises Refusal
    EMPTY_CART, INCOMPLETE_CHECKOUT (naming all of it)."""
    if not order.lines:
        raise Refusal(Reason.EMPTY_CART, "There is nothing in the cart.")
    missing = [pointer for pointer, there in details.items() if not there]
    if missing:
        raise Refusal(
            Reason.INCOMPLETE_CHECKOUT,
            f"Still missing: {', '.join(pointer[1:] for pointer in missing)}.",
            missing[0],
            missing=missing,
        )


def require_decided(order: Order) -> None:
    """Refuse with ADJUSTMENT_PENDING a cart about whose price the shop has still to decide."""
    waiting = [each.id for each in order.adjustments if each.status == "proposed"]
    if waiting:
        raise Refusal(
            Reason.ADJUSTMENT_PENDING,
            "The shop is still deciding on a reduction of this order's price.",
            adjustments=waiting,
        )
    own = [each.id for each in order.adjustments if _own(order, each)]
    if own:
        raise Refusal(
            Reason.ADJUSTMENT_PENDING,
            "Who reduced the price has made the cart their own: somebody else has to do that.",
            adjustments=own,
        )


def _own(order: Order, adjustment: Adjustment) -> bool:
    """Whether the one on whose word an adjustment holds has become the order's customer."""
    by = adjustment.decided_by or adjustment.actor
    return adjustment.status == "applied" and order.customer_id == customer_id_of(by.id)


def _require_stores(order: Order, facts: Facts) -> None:
    for pointer, group in zip(_deliveries(order), order.groups, strict=True):
        store = facts.shop.nodes.get(group.store)
        if group.method == "pickup" and (store is None or "pickup" not in store.capabilities):
            raise Refusal(
                Reason.DELIVERY_UNAVAILABLE,
                "The chosen store hands out no orders any more; choose another.",
                pointer,
            )


def require_sellable(order: Order, facts: Facts) -> None:
    """Refuse with NOT_SELLABLE a cart with something that is not for sale any more, with
    QUANTITY_LIMIT one with a quantity that nobody may ask for any more, with KIT_CHANGED one with a
    kit that is not made up as it was when it was put in."""
    maximum = facts.shop.settings.max_quantity
    for index, line in enumerate(order.lines):
        alone, product = order.loose(line), facts.products.get(line.sku)
        sold = offer(order, line.sku, line.quantity, facts) if alone else None
        there = has_price(order, line.sku, line.quantity, facts)
        if product is None or not there or product.components or (alone and sold is None):
            told = f"{line.sku} is not for sale any more."
            raise Refusal(Reason.NOT_SELLABLE, told, f"/lines/{index}")
        if alone and not order.sold_elsewhere:  # what was sold elsewhere is a fact
            require_quantity(product, alone, maximum, f"/lines/{index}/quantity")
    for index, kit in enumerate(order.kits):
        product, pointer = facts.products.get(kit.sku), f"/kits/{index}"
        if product is None or offer(order, kit.sku, kit.quantity, facts) is None:
            raise Refusal(Reason.NOT_SELLABLE, f"{kit.sku} is not for sale any more.", pointer)
        if dict(product.components) != dict(kit.components):
            told = f"{kit.sku} is made up differently now: put it in the cart anew."
            raise Refusal(Reason.KIT_CHANGED, told, pointer, sku=kit.sku)
        if not order.sold_elsewhere:
            require_quantity(product, kit.quantity, maximum, f"{pointer}/quantity")
