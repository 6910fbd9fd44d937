"""How a cart's goods get to the customer: what is offered, and what was chosen.

All to one place, or divided over groups that each go to a place of their own in their own way. A
group is charged, taxed and promised by itself. Units that the cart holds already stay held where
they are; placing the order claims them anew for where they go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from parcelway.domain.backorder import Terms
from parcelway.domain.channels import caps
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Balances, Facts
from parcelway.domain.geo import locate, metres
from parcelway.domain.groups import divided
from parcelway.domain.line import Line
from parcelway.domain.money import Money
from parcelway.domain.order import DeliveryGroup, Order, Promise, advance, require
from parcelway.domain.parties import Address
from parcelway.domain.pricing import price, weight
from parcelway.domain.promise import promise
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import charged, give_back, within
from parcelway.domain.shop import Node, Service
from parcelway.domain.sourcing import Need, plan, serving, source
from parcelway.domain.stock import Move, after
from parcelway.values import dataclass

MAX_GROUPS = 20


@dataclass(frozen=True, slots=True)
class Option:
    """A way to get goods of the cart: what it costs, when they would be there, and whether there
    is enough stock at present to serve it.

    `missing` are the units that are not there, by SKU. `metres` is how far a store is from where
    the customer is; None when it is not known where that is.
    """

    service: Service
    price: Money
    promise: Promise
    missing: Mapping[str, int]
    store: Node | None = None
    metres: int | None = None

    @property
    def available(self) -> bool:
        """Whether all units are there at present."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Wanted:
    """A delivery as the customer wants it: to `address` or, when that is None, for collection at
    `store`. `lines` are (SKU, units); those that share a SKU add up."""

    service: str
    address: Address | None = None
    store: str = ""
    instructions: str = ""
    lines: tuple[tuple[str, int], ...] = ()

    def units(self, sku: str) -> int:
        """Units of a SKU in this delivery."""
        return sum(units for name, units in self.lines if name == sku)


def options(
    order: Order, country: str, facts: Facts, *, postal_code: str = "", group_id: str = ""
) -> list[Option]:
    """What the customer can choose from: services to `country` (cheapest first), then stores, the
    nearest first when it is known where the customer is.

    For everything in the cart or, with `group_id`, for that group's units, of the stock and the
    quotas that the other groups leave. Only services that take the weight are offered. The promise
    is for an order placed now. `facts` must hold the balances of the cart's SKUs at every node, and
    its channel's quotas. Raises Refusal INVALID for a group that the cart has not.
    """
    ids = [group.id for group in order.groups if group_id in ("", group.id)]
    if not ids:
        raise Refusal(Reason.INVALID, "The cart has no such delivery.", "/group")
    stock = _left(order, ids, facts)
    needs, barred = _to_be_had(order, ids, stock, facts)
    grams = sum(weight(order.lines, group) for group in ids)
    there = _somewhere(order.group_named(ids[0]), country, postal_code)
    found: list[Option] = []
    for service in facts.shop.services.values():
        charge = service.charge(grams, order.currency)
        if charge is None:
            continue
        for nodes, to, store in _ways(order, service, there, facts):
            option = _option(needs, barred, stock, service, charge, nodes, to, facts, store)
            away = _away(store, there.address, facts) if store else None
            found.append(replace(option, metres=away))
    return sorted(
        found,
        key=lambda o: (
            o.service.method,
            o.metres or 0,
            o.price.minor,
            o.service.id,
            o.store.id if o.store else "",
        ),
    )


def deliver_to(
    order: Order, address: Address, service_id: str, instructions: str, facts: Facts
) -> Decision:
    """Have all of the order delivered to one address by a carrier service.

    Raises Refusal DELIVERY_UNAVAILABLE when there is no such service, or it does not go there or
    does not take the weight.
    """
    return _join(order, Wanted(service_id, address, "", instructions), facts)


def pick_up_at(
    order: Order, store_id: str, service_id: str, instructions: str, facts: Facts
) -> Decision:
    """Have all of the order ready for collection at a store.

    Raises Refusal DELIVERY_UNAVAILABLE for a node that is no pick-up store.
    """
    return _join(order, Wanted(service_id, None, store_id, instructions), facts)


def divide(order: Order, deliveries: Sequence[Wanted], facts: Facts) -> Decision:
    """Divide the order over `deliveries`, which take the place of the groups it had.

    Together they must be exactly what is in the cart. Raises Refusal INVALID (none, too many, or
    one without lines), UNKNOWN_SKU, QUANTITY_MISMATCH naming every SKU that does not add up, and
    DELIVERY_UNAVAILABLE as `deliver_to` and `pick_up_at` do, each pointing at its delivery.
    """
    require(order, "draft")
    _require_whole(order, deliveries)
    groups = tuple(
        _chosen(f"g{number}", wanted, facts, f"/deliveries/{number - 1}")
        for number, wanted in enumerate(deliveries, start=1)
    )
    lines = tuple(
        divided(
            line,
            {g.id: w.units(line.sku) for g, w in zip(groups, deliveries, strict=True)},
        )
        for line in order.lines
    )
    return _decided(order, lines, groups, facts, [f"/deliveries/{n}" for n in range(len(groups))])


def _join(order: Order, wanted: Wanted, facts: Facts) -> Decision:
    require(order, "draft")
    group = _chosen(order.group.id, wanted, facts, "")
    lines = tuple(divided(line, {group.id: line.quantity}) for line in order.lines)
    return _decided(order, lines, (group,), facts, [""])


def _decided(
    order: Order,
    lines: tuple[Line, ...],
    groups: tuple[DeliveryGroup, ...],
    facts: Facts,
    pointers: Sequence[str],
) -> Decision:
    priced = price(replace(order, lines=lines, groups=groups), facts)
    for group, pointer in zip(priced.groups, pointers, strict=True):
        if not group.service:
            raise _unavailable("The goods are too heavy for this service.", f"{pointer}/service")
    return Decision(advance(priced))


def _chosen(group_id: str, wanted: Wanted, facts: Facts, pointer: str) -> DeliveryGroup:
    """The group that is wanted, not priced yet; `pointer` is where it stands in the request."""
    method = "delivery" if wanted.address else "pickup"
    service = facts.shop.services.get(wanted.service)
    if service is None or service.method != method:
        kind = "delivery" if wanted.address else "pick-up"
        raise _unavailable(f"There is no such {kind} service.", f"{pointer}/service")
    if wanted.address is None:
        store = facts.shop.nodes.get(wanted.store)
        if store is None:
            raise _unavailable("There is no such store.", f"{pointer}/store")
        if "pickup" not in store.capabilities:
            raise _unavailable("This is not a store that hands out orders.", f"{pointer}/store")
    elif wanted.address.country not in service.countries:
        raise _unavailable(
            f"This service does not go to {wanted.address.country}.", f"{pointer}/address/country"
        )
    return DeliveryGroup(
        group_id,
        service.method,
        wanted.address,
        wanted.store,
        service.id,
        service.name,
        wanted.instructions,
        via=service.via,
    )


def _require_whole(order: Order, deliveries: Sequence[Wanted]) -> None:
    if not 1 <= len(deliveries) <= MAX_GROUPS:
        raise Refusal(
            Reason.INVALID,
            f"An order has 1 to {MAX_GROUPS} deliveries.",
            "/deliveries",
            maximum=MAX_GROUPS,
        )
    for index, wanted in enumerate(deliveries):
        pointer = f"/deliveries/{index}/lines"
        if not wanted.lines:
            raise Refusal(Reason.INVALID, "This delivery has no lines.", pointer)
        for number, (sku, units) in enumerate(wanted.lines):
            if order.line(sku) is None:
                raise Refusal(
                    Reason.UNKNOWN_SKU, f"{sku!r} is not in the cart.", f"{pointer}/{number}/sku"
                )
            if units < 1:
                raise Refusal(
                    Reason.INVALID, "A line has at least one unit.", f"{pointer}/{number}/quantity"
                )
    _require_all(order, deliveries)


def _require_all(order: Order, deliveries: Sequence[Wanted]) -> None:
    off = [
        {"sku": line.sku, "wanted": line.quantity, "given": given}
        for line in order.lines
        if (given := sum(wanted.units(line.sku) for wanted in deliveries)) != line.quantity
    ]
    if off:
        named = ", ".join(f"{o['sku']} ({o['given']} instead of {o['wanted']})" for o in off)
        raise Refusal(
            Reason.QUANTITY_MISMATCH,
            f"The deliveries are not what is in the cart: {named}.",
            "/deliveries",
            lines=off,
        )


def _needs(lines: Sequence[Line], group_ids: Collection[str]) -> list[Need]:
    return [
        Need(line.number, line.sku, units)
        for line in lines
        if (units := sum(line.units(group) for group in group_ids))
    ]


def _to_be_had(
    order: Order, group_ids: Collection[str], stock: Balances, facts: Facts
) -> tuple[list[Need], dict[str, int]]:
    """What these groups need that may be had at once where it is there, and the units by SKU that
    may not: of what is not launched yet, and beyond the channel's quota."""
    terms, skus = Terms(facts.products, facts.now, "refuse"), [line.sku for line in order.lines]
    early = {sku for sku in skus if terms.launch(sku)}
    quotas = caps(skus, order.channel, stock, early)
    needs, barred = [], dict[str, int]()
    for need in _needs(order.lines, group_ids):
        units = 0 if need.sku in early else within(need, quotas, stock).quantity
        if units:
            needs.append(replace(need, quantity=units))
        if units < need.quantity:
            barred[need.sku] = need.quantity - units
    return needs, barred


def _left(order: Order, group_ids: Collection[str], facts: Facts) -> Balances:
    """The balances as they are for these groups: with all that the order holds given back, and
    without what its other groups need, of the quotas too."""
    left = after(facts.balances, give_back(order, "open", "reserved").moves)
    skus = [line.sku for line in order.lines]
    quotas = caps(skus, order.channel, left, ())
    for group in order.groups:
        if group.id not in group_ids:
            needs, _ = _to_be_had(order, [group.id], left, facts)
            picks = source(group, needs, left, facts.shop, channel=order.channel).picks
            left = after(left, [Move(p.sku, p.node, "reserve", p.quantity) for p in picks])
            for need in needs:
                left = after(left, charged(need, need.quantity, quotas))
    return left


def _somewhere(group: DeliveryGroup, country: str, postal_code: str) -> DeliveryGroup:
    """The group as if it were delivered to that country: to its own address when it is there."""
    known = group.address
    if known and known.country == country and postal_code in ("", known.postal_code):
        return replace(group, method="delivery")
    return replace(group, method="delivery", address=Address("", "", "", postal_code, country))


def _ways(
    order: Order, service: Service, there: DeliveryGroup, facts: Facts
) -> Iterator[tuple[list[Node], Address | None, Node | None]]:
    """From which nodes a service takes goods where, and the store at which they are collected."""
    address, shop = there.address, facts.shop
    if service.method == "pickup":
        for at in shop.nodes.values():
            here = DeliveryGroup("", "pickup", store=at.id, via=service.via)
            if "pickup" in at.capabilities and (nodes := serving(here, shop, order.channel)):
                yield nodes, at.address, at
        return
    nodes = serving(there, shop, order.channel)
    if nodes and address and address.country in service.countries:
        yield nodes, address, None


def _option(
    needs: Sequence[Need],
    barred: Mapping[str, int],
    stock: Balances,
    service: Service,
    charge: Money,
    nodes: Sequence[Node],
    destination: Address | None,
    facts: Facts,
    store: Node | None = None,
) -> Option:
    shop = facts.shop
    planned = plan(
        needs,
        stock,
        nodes,
        places=shop.places,
        destination=destination,
        rules=shop.settings.sourcing,
        sending=[store.id] if store else (),
    )
    wanted = dict.fromkeys([*(need.sku for need in needs), *barred])
    used = {pick.node for pick in planned.picks}
    leaving = [node for node in nodes if node.id in used] or nodes[:1]
    country = destination.country if destination else ""
    window = promise(leaving, service, facts.now, country=country, store=store)
    missing = {sku: planned.short.get(sku, 0) + barred.get(sku, 0) for sku in wanted}
    return Option(service, charge, window, {s: n for s, n in missing.items() if n}, store)


def _away(store: Node, customer: Address | None, facts: Facts) -> int | None:
    where = locate(customer, facts.shop.places)
    return None if where is None else metres(where, (store.latitude, store.longitude))


def _unavailable(detail: str, pointer: str) -> Refusal:
    return Refusal(Reason.DELIVERY_UNAVAILABLE, detail, pointer)
