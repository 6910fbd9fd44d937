"""From draft to placed: what is still missing, and the placing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parcelway.domain.cart import hold_for
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money
from parcelway.domain.order import (
    DeliveryGroup,
    Order,
    advance,
    events,
    require,
    totals,
)
from parcelway.domain.pricing import price
from parcelway.domain.promise import promise
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import Claim, retake
from parcelway.domain.sourcing import candidates


def place(
    order: Order,
    facts: Facts,
    asked: Command,
    *,
    tracking_number: str,
    link_token: str,
    expected_total: Money | None,
) -> Decision:
    """Confirm the draft: re-price, re-check, hold the stock, give a promise and a number.

    From here the price is frozen and only payment is missing; an order that costs nothing needs
    none and is confirmed at once. `expected_total` is what the
    customer was shown. Raises Refusal ILLEGAL_STATE, EMPTY_CART, INCOMPLETE_CHECKOUT (naming all
    that is missing), NOT_SELLABLE, DELIVERY_UNAVAILABLE, TOTAL_CHANGED or OUT_OF_STOCK.
    """
    require(order, "draft")
    _require_complete(order)
    _require_sellable(order, facts)
    priced = price(order, facts.products, facts.shop)
    if not all(group.service for group in priced.groups):
        raise Refusal(
            Reason.DELIVERY_UNAVAILABLE,
            "The chosen service does not take this weight any more.",
            "/delivery",
        )
    gross = totals(priced).gross
    if expected_total is not None and expected_total != gross:
        raise Refusal(
            Reason.TOTAL_CHANGED,
            f"The total is {gross} now; have the customer agree to it.",
            "/expected_total",
            total={"minor": gross.minor, "currency": gross.currency},
        )
    claim = retake(priced, "reserved", facts.balances, facts.shop.nodes)
    free = not gross
    held = free or facts.shop.settings.policy(order.channel) != "none"
    placed = advance(
        priced,
        state="confirmed" if free else "placed",
        lines=claim.lines if held else priced.lines,
        groups=tuple(_promised(group, claim, facts) for group in priced.groups),
        hold_until=None if free else hold_for(facts.shop, facts.now),
        placed_at=facts.now,
        confirmed_at=facts.now if free else None,
        tracking_number=tracking_number,
        link_token=link_token,
        commands=remember(order, asked),
    )
    told: list[tuple[str, Mapping[str, Any]]] = [("order.placed", {"gross": gross.minor})]
    if free:
        told.append(("order.confirmed", {}))
    moves = claim.moves if held else ()
    return Decision(placed, events(placed, facts.now, order.actor, *told), moves)


def _promised(group: DeliveryGroup, claim: Claim, facts: Facts) -> DeliveryGroup:
    nodes = facts.shop.nodes
    used = {
        portion.node
        for line in claim.lines
        for portion in line.portions
        if portion.group == group.id and portion.node
    }
    leaving = [nodes[node] for node in used] or candidates(group, nodes)[:1]
    return replace(group, promise=promise(leaving, facts.shop.services[group.service], facts.now))


def _require_complete(order: Order) -> None:
    if not order.lines:
        raise Refusal(Reason.EMPTY_CART, "There is nothing in the cart.")
    groups = order.groups
    places = ["/delivery"] if len(groups) == 1 else [f"/deliveries/{n}" for n in range(len(groups))]
    missing = [
        pointer
        for pointer, there in (
            ("/contact", order.contact),
            ("/billing_address", order.billing_address),
            ("/payment_method", order.payment_method),
            *((place, group.service) for place, group in zip(places, groups, strict=True)),
        )
        if not there
    ]
    if missing:
        raise Refusal(
            Reason.INCOMPLETE_CHECKOUT,
            f"Still missing: {', '.join(pointer[1:] for pointer in missing)}.",
            missing[0],
            missing=missing,
        )


def _require_sellable(order: Order, facts: Facts) -> None:
    for index, line in enumerate(order.lines):
        product = facts.products.get(line.sku)
        if product is None or not product.active or product.price.currency != order.currency:
            raise Refusal(
                Reason.NOT_SELLABLE, f"{line.sku} is not for sale any more.", f"/lines/{index}"
            )
