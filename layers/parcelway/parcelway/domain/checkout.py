"""From draft to placed: what is still missing, and the placing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from parcelway.domain.cart import hold_for
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money, total
from parcelway.domain.order import (
    Order,
    advance,
    events,
    require,
    totals,
)
from parcelway.domain.pricing import price
from parcelway.domain.promising import with_promises
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import require_one_transaction
from parcelway.domain.shortage import Part, resolve
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """What an order is known by outside: nobody can guess them, so they come from outside too."""

    tracking_number: str
    link_token: str


def place(
    order: Order,
    facts: Facts,
    asked: Command,
    *,
    names: tuple[Names, Names],
    expected_total: Money | None,
) -> Decision:
    """Confirm the draft: re-price, re-check, hold the stock, give a promise and a number.

    From here the price is frozen and only payment is missing; an order that costs nothing needs
    none and is confirmed at once. What is not there is dealt with as the customer chose; where that
    is an order of its own, with the second of the `names`, it is the decision's `linked` one.
    `expected_total` is what the customer was shown, for both. Raises Refusal ILLEGAL_STATE,
    EMPTY_CART, INCOMPLETE_CHECKOUT (naming all that is missing), NOT_SELLABLE,
    DELIVERY_UNAVAILABLE, TOTAL_CHANGED, TOO_MANY_LINES or OUT_OF_STOCK.
    """
    require(order, "draft")
    _require_complete(order)
    _require_sellable(order, facts)
    parts = resolve(price(order, facts.products, facts.shop), facts)
    if not all(group.service for part in parts for group in part.order.groups):
        raise Refusal(
            Reason.DELIVERY_UNAVAILABLE,
            "The chosen service does not take this weight any more.",
            "/delivery",
        )
    _require_agreed(parts, expected_total)
    first = _placed(parts[0], names[0], facts, asked)
    if len(parts) == 1:
        return first
    separate = _placed(parts[1], names[1], facts, asked)
    return replace(
        first,
        order=replace(first.order, linked=(separate.order.id,)),
        linked=replace(separate, order=replace(separate.order, linked=(first.order.id,))),
    )


def _require_agreed(parts: Sequence[Part], expected: Money | None) -> None:
    gross = total((totals(part.order).gross for part in parts), parts[0].order.currency)
    if expected not in (None, gross):
        raise Refusal(
            Reason.TOTAL_CHANGED,
            f"The total is {gross} now; have the customer agree to it.",
            "/expected_total",
            total={"minor": gross.minor, "currency": gross.currency},
        )


def _placed(part: Part, names: Names, facts: Facts, asked: Command) -> Decision:
    order, gross = part.order, totals(part.order).gross
    free = not gross
    held = free or facts.shop.settings.policy(order.channel) != "none"
    groups = with_promises(order, part.claim.lines, facts)
    slots = tuple(slot for group in groups for slot in group.slots)
    # To cancel it gives back all it took at once: its stock, its shipments and its days.
    require_one_transaction(part.claim.moves, part.claim.lines, len(set(slots)))
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
        commands=remember(order, asked),
    )
    told: list[tuple[str, Mapping[str, Any]]] = [
        ("order.placed", {"gross": gross.minor, **part.told})
    ]
    if free:
        told.append(("order.confirmed", {}))
    moves = part.claim.moves if held else ()
    return Decision(
        placed,
        events(placed, facts.now, order.actor, *told),
        moves,
        taken=slots,
    )


def require_deliveries(order: Order) -> None:
    """Refuse a cart that is empty, or of which nobody knows where it goes. Raises Refusal
    EMPTY_CART, INCOMPLETE_CHECKOUT."""
    _require(order, _deliveries(order))


def _require_complete(order: Order) -> None:
    details = {
        "/contact": order.contact,
        "/billing_address": order.billing_address,
        "/payment_method": order.payment_method,
    }
    _require(order, details | _deliveries(order))


def _deliveries(order: Order) -> dict[str, Any]:
    if len(order.groups) == 1:
        return {"/delivery": order.group.service}
    return {f"/deliveries/{n}": group.service for n, group in enumerate(order.groups)}


def _require(order: Order, details: Mapping[str, Any]) -> None:
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


def _require_sellable(order: Order, facts: Facts) -> None:
    for index, line in enumerate(order.lines):
        product = facts.products.get(line.sku)
        if product is None or not product.active or product.price.currency != order.currency:
            raise Refusal(
                Reason.NOT_SELLABLE, f"{line.sku} is not for sale any more.", f"/lines/{index}"
            )
