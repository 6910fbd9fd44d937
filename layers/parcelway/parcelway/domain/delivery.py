"""How a cart's goods get to the customer: what is offered, and what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money
from parcelway.domain.order import DeliveryGroup, Order, Promise, advance, require
from parcelway.domain.parties import Address
from parcelway.domain.pricing import price, rate, weight
from parcelway.domain.promise import promise
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import give_back
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


def _unavailable(detail: str, pointer: str) -> Refusal:
    return Refusal(Reason.DELIVERY_UNAVAILABLE, detail, pointer)
