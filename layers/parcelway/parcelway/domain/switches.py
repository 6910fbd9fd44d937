"""A channel's switches: whether it sells, how fast, how much to one customer, and whether it ships.

They are for the moment in which something is wrong, or too popular. What limits is counted in the
transaction that places the order, on counters that are read with what the order is decided on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from parcelway.domain.coupons import Use
from parcelway.domain.order import Order
from parcelway.domain.parties import Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.domain.switching import MOST_DAYS, PurchaseLimit, Switches

_A_SHARD = 300  # orders a minute on one counter: five a second do not get into each other's way
_MOST_SHARDS = 16
_RATE_KEPT = timedelta(hours=1)
_BOUGHT_KEPT = timedelta(days=MOST_DAYS + 3)
# Around midnight orders are decided on either side of it, and committed in any order: so far apart
# can two of them be, by the slowest attempt and by clocks that differ.
_MIDNIGHT = timedelta(minutes=5)


# --- Taking orders -----------------------------------------------------------------------------


def require_sells(switches: Switches, places: Iterable[Address]) -> None:
    """Refuse with CHANNEL_CLOSED what is bought through a channel that is switched off, for all or
    for one of the `places` where the goods go or are collected. A place of a country of which a
    region is closed has to say its region by the code: no other spelling gets past."""
    if not switches.sellable:
        raise Refusal(
            Reason.CHANNEL_CLOSED, "No orders are taken here at present; your cart is kept."
        )
    for place in places:
        for region in switches.closed_regions:
            unclear = region.startswith(f"{place.country}-") and not place.region_code
            if place.lies_in(region) or unclear:
                told = f"No orders for {region} are taken here at present; your cart is kept."
                if unclear:
                    told += " An address elsewhere needs the code of its region."
                raise Refusal(Reason.CHANNEL_CLOSED, told, "/delivery", region=region)


def counters(order: Order, switches: Switches, now: datetime) -> list[str]:
    """The counters to read for placing an order; none where nothing is limited."""
    found = [_rate(order, now, n) for n in range(_shards(switches))]
    for sku in _skus(order):
        limit = switches.purchase_limits.get(sku)
        if limit is not None:
            found += [
                _bought(order, sku, person, day)
                for person in _persons(order)
                for day in (*_days(limit, now), *_next_day(limit, now))
            ]
    return found


def placing(
    order: Order,
    bought: Mapping[str, int],
    switches: Switches,
    used: Mapping[str, int],
    now: datetime,
) -> list[Use]:
    """What placing a cart counts of which so many units by SKU are `bought`, besides its offers.

    Raises Refusal CHANNEL_BUSY, which the next minute may not, and PURCHASE_LIMIT.
    """
    found = [_turn(order, switches, used, now)] if switches.orders_per_minute is not None else []
    for sku, pointer in _skus(order).items():
        limit, units = switches.purchase_limits.get(sku), bought.get(sku, 0)
        if limit is not None and units:
            found += _purchases(order, pointer, sku, units, limit, used, now)
    return found


def _skus(order: Order) -> dict[str, str]:
    """What a limit may be set on, with a pointer to it: articles, with the units of them that kits
    have, and kits."""
    found = {line.sku: f"/lines/{index}" for index, line in enumerate(order.lines)}
    return found | {kit.sku: f"/kits/{index}" for index, kit in enumerate(order.kits)}


def limits_counted(uses: Iterable[Use]) -> dict[str, tuple[str, ...]]:
    """The counters of purchase limits among `uses`, by SKU."""
    found: dict[str, tuple[str, ...]] = {}
    for use in uses:
        if use.sku:
            found[use.sku] = (*found.get(use.sku, ()), use.counter)
    return found


def given_back(before: Order, after: Order, now: datetime) -> tuple[tuple[str, int], ...]:
    """The counters of purchase limits that an order counts on no more, with how many units of it:
    those that were cancelled. What counts for nobody any more is left to be forgotten."""
    left = bought(after, now)
    less = ((name, units - left.get(name, 0)) for name, units in bought(before, now).items())
    return tuple((name, units) for name, units in less if units > 0)


def bought(order: Order, now: datetime) -> dict[str, int]:
    """The units that an order has on counters of purchase limits, on those that still count."""
    return {
        name: _still_bought(order, sku)
        for sku, names in order.limited.items()
        for name in names
        if counts(name, now)
    }


def counts(counter: str, now: datetime) -> bool:
    """Whether orders and a counter say the same for good: not so of a minute's, on which nothing
    is given back, nor of a purchase limit's that is of a day which no limit reaches any more."""
    if counter.startswith("BOUGHT#"):
        day = date.fromisoformat(counter.rpartition("#")[2])
        return day >= now.date() - timedelta(days=MOST_DAYS)
    return not counter.startswith("RATE#")


def _still_bought(order: Order, sku: str) -> int:
    line, kit = order.line(sku), order.kit(sku)
    if order.state in ("cancelled", "expired"):
        return 0
    if kit is not None:
        from parcelway.domain.kits import left_of  # few orders have any

        return left_of(order, kit)
    return line.quantity - line.count("cancelled") if line else 0


def _turn(order: Order, switches: Switches, used: Mapping[str, int], now: datetime) -> Use:
    """A place in this minute: on the counter of the order's own, or on the next that has one."""
    most, shards = switches.orders_per_minute or 0, _shards(switches)
    first = hashlib.sha256(order.id.encode()).digest()[3] % shards
    for shard in ((first + n) % shards for n in range(shards)):
        limit = most // shards + (shard < most % shards)
        counter = _rate(order, now, shard)
        if used.get(counter, 0) < limit:
            return Use(counter, limit, expires=now + _RATE_KEPT)
    raise Refusal(
        Reason.CHANNEL_BUSY,
        "More orders come in than can be taken; try again in a minute.",
        retry_after=60 - now.second,
    )


def _purchases(
    order: Order,
    pointer: str,
    sku: str,
    units: int,
    limit: PurchaseLimit,
    used: Mapping[str, int],
    now: datetime,
) -> list[Use]:
    """The units of a SKU on a counter of today's for whoever buys, with what earlier days leave.

    Only around midnight can anybody else be counting on another day's: then nothing may have come
    to that since it was read, for which it is counted on with no units.
    """
    today, *earlier = _days(limit, now)
    others = (*earlier, *_next_day(limit, now))
    open_ = {(now - _MIDNIGHT).date(), (now + _MIDNIGHT).date()}
    found = []
    for person in _persons(order) or [""]:
        seen = {day: used.get(_bought(order, sku, person, day), 0) for day in others}
        past = sum(seen.values())
        counter, room = _bought(order, sku, person, today), limit.units - past
        left = max(0, room - used.get(counter, 0)) if person else limit.units
        if units > left:
            raise Refusal(
                Reason.PURCHASE_LIMIT,
                f"One customer may buy {limit.units} of {sku} in {limit.days} days.",
                pointer,
                sku=sku,
                left=left,
            )
        if person:
            kept = now + _BOUGHT_KEPT
            found.append(Use(counter, room, units, sku, kept))
            found += [
                Use(_bought(order, sku, person, day), seen[day], 0, expires=kept)
                for day in others
                if day in open_
            ]
    return found


def _persons(order: Order) -> list[str]:
    """Who buys, as a limit knows them: the customer, and the address that mail goes to, of which
    only a digest is kept. A sale over the counter to nobody in particular has neither."""
    found = [order.customer_id] if order.customer_id else []
    if order.contact is not None and order.contact.email:
        address = order.contact.email.strip().casefold()
        found.append(hashlib.sha256(address.encode()).hexdigest()[:24])
    return found


def _days(limit: PurchaseLimit, now: datetime) -> Sequence[date]:
    return [now.date() - timedelta(days=n) for n in range(limit.days)]


def _next_day(limit: PurchaseLimit, now: datetime) -> Sequence[date]:
    """Tomorrow, where an order of tomorrow's may be counted before one of now is: they share all
    days of the limit but one."""
    tomorrow = (now + _MIDNIGHT).date()
    return [tomorrow] if limit.days > 1 and tomorrow != now.date() else []


def _bought(order: Order, sku: str, person: str, day: date) -> str:
    return f"BOUGHT#{order.channel}#{sku}#{person}#{day.isoformat()}"


def _rate(order: Order, now: datetime, shard: int) -> str:
    return f"RATE#{order.channel}#{now:%Y-%m-%dT%H:%M}#{shard}"


def _shards(switches: Switches) -> int:
    """Counters of one minute; each takes its part of what may come."""
    most = switches.orders_per_minute
    return 0 if most is None else max(1, min(_MOST_SHARDS, -(-most // _A_SHARD)))


# --- Shipping ----------------------------------------------------------------------------------


def require_ships(switches: Switches) -> None:
    """Refuse with SHIPPING_STOPPED to let go of what a channel may not send for now."""
    if switches.stop_ship:
        raise Refusal(
            Reason.SHIPPING_STOPPED, f"Nothing of this channel leaves now: {switches.stop_ship}."
        )


def as_stopped(shipment: Shipment, switches: Switches) -> Shipment:
    """A shipment as its node sees it: on hold as long as its channel sends nothing. That is written
    nowhere, so that what ten thousand shipments wait for is lifted by one write."""
    if not switches.stop_ship or shipment.held:
        return shipment
    return replace(shipment, held="stop_ship", held_note=switches.stop_ship)
