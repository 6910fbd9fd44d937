"""From draft to placed: how it is delivered, what is still missing, and the placing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Promise,
    advance,
    events,
    require,
    totals,
)
from parcelway.domain.parties import Address
from parcelway.domain.pricing import price, rate, weight
from parcelway.domain.promise import promise
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import Claim, give_back, retake
from parcelway.domain.shop import Node, Service
from parcelway.domain.sourcing import Need, candidates, plan
from parcelway.domain.stock import after
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """A way to get the cart's goods: what it costs, when they would be there, and whether there
    is enough stock at present to serve it."""

    service: Service
    price: Money
    promise: Promise
    available: bool
    store: Node | None = None


def options(order: Order, country: str, facts: Facts) -> list[Option]:
    """What the customer can choose from: services to `country` (cheapest first), then stores.

    Only services that take the cart's weight are offered. The promise is for an order placed now.
    `facts` must hold the balances of the cart's SKUs at every node.
    """
    grams = weight(order.lines, order.group.id)
    found: list[Option] = []
    for service in facts.shop.services.values():
        charge = rate(service, grams)
        if charge is None:
            continue
        if service.method == "pickup":
            stores = [node for node in facts.shop.nodes.values() if "pickup" in node.capabilities]
            found += [_option(order, service, charge, [store], facts, store) for store in stores]
        elif country in service.countries:
            anywhere = replace(order.group, method="delivery")
            if nodes := candidates(anywhere, facts.shop.nodes):
                found.append(_option(order, service, charge, nodes, facts))
    return sorted(
        found,
        key=lambda o: (
            o.service.method,
            o.price.minor,
            o.service.id,
            o.store.id if o.store else "",
        ),
    )


def _option(
    order: Order,
    service: Service,
    charge: Money,
    nodes: Sequence[Node],
    facts: Facts,
    store: Node | None = None,
) -> Option:
    needs = [Need(line.number, line.sku, line.quantity) for line in order.lines]
    own_freed = after(facts.balances, give_back(order, "open", "reserved").moves)
    planned = plan(needs, own_freed, nodes)
    used = {pick.node for pick in planned.picks}
    leaving = [node for node in nodes if node.id in used] or nodes[:1]
    window = promise(leaving, service, facts.now)
    return Option(service, charge, window, not planned.short, store)


def deliver_to(
    order: Order, address: Address, service_id: str, instructions: str, facts: Facts
) -> Decision:
    """Have the order delivered to an address by a carrier service.

    Raises Refusal DELIVERY_UNAVAILABLE when there is no such service, or it does not go there or
    does not take the weight.
    """
    require(order, "draft")
    service = facts.shop.services.get(service_id)
    if service is None or service.method != "delivery":
        raise _unavailable("There is no such delivery service.", "/service")
    if address.country not in service.countries:
        raise _unavailable(f"This service does not go to {address.country}.", "/address/country")
    group = replace(order.group, method="delivery", address=address, store="")
    return _choose(order, group, service, instructions, facts)


def pick_up_at(
    order: Order, store_id: str, service_id: str, instructions: str, facts: Facts
) -> Decision:
    """Have the order ready for collection at a store.

    Raises Refusal DELIVERY_UNAVAILABLE for a node that is no pick-up store.
    """
    require(order, "draft")
    service = facts.shop.services.get(service_id)
    if service is None or service.method != "pickup":
        raise _unavailable("There is no such pick-up service.", "/service")
    store = facts.shop.nodes.get(store_id)
    if store is None or "pickup" not in store.capabilities:
        raise _unavailable("This is not a store that hands out orders.", "/store")
    group = replace(order.group, method="pickup", address=None, store=store_id)
    return _choose(order, group, service, instructions, facts)


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
        raise _unavailable("The chosen service does not take this weight any more.", "/delivery")
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


def _choose(
    order: Order, group: DeliveryGroup, service: Service, instructions: str, facts: Facts
) -> Decision:
    chosen = replace(
        group, service=service.id, service_name=service.name, instructions=instructions
    )
    priced = price(replace(order, groups=(chosen, *order.groups[1:])), facts.products, facts.shop)
    if not priced.group.service:
        raise _unavailable("The goods are too heavy for this service.", "/service")
    return Decision(advance(priced))


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
    missing = [
        pointer
        for pointer, there in (
            ("/contact", order.contact),
            ("/billing_address", order.billing_address),
            ("/payment_method", order.payment_method),
            *(("/delivery", group.service) for group in order.groups),
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


def _unavailable(detail: str, pointer: str) -> Refusal:
    return Refusal(Reason.DELIVERY_UNAVAILABLE, detail, pointer)
