"""Days of nodes whose capacity is limited, as the parcels of an order hold them: one each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from parcelway.domain.decision import Rebooked
from parcelway.domain.line import GONE, Line
from parcelway.domain.order import DeliveryGroup, Order, Slot

Leaving = tuple[str, date | None]  # a node that sends a parcel, and from when on it can


def counted(
    busy: Mapping[Slot, int], taken: Sequence[Slot] = (), given: Sequence[Slot] = ()
) -> dict[Slot, int]:
    """What is taken of nodes' days once parcels were `taken` and `given` back besides."""
    known = dict(busy)
    for slot in given:
        known[slot] = max(0, known.get(slot, 0) - 1)
    for slot in taken:
        known[slot] = known.get(slot, 0) + 1
    return known


def parcels(
    order: Order, lines: Sequence[Line], group: DeliveryGroup
) -> set[tuple[str, str, date | None]]:
    """The parcels of a group of the order when its units are where `lines` say: those under way,
    the next wave's, and one for each day on which something is expected; by node, shipment and
    day. What nobody knows a day of is none yet.

    What is sent only when it is complete is one parcel for each node, when the last has come.
    """
    portions = [p for line in lines for p in line.portions if p.stage != "cancelled"]
    here = [portion for portion in portions if portion.group == group.id and portion.node]
    found = {(p.node, p.shipment, p.due) for p in here if p.due or p.stage != "backordered"}
    whole = order.shortage == "ship_complete" and not any(p.shipment for p in portions)
    days = [due for _, _, due in found if due]
    return {(node, shipment, max(days)) for node, shipment, _ in found} if whole and days else found


def vacated(order: Order, lines: Sequence[Line]) -> Rebooked:
    """The days that an order holds once units of it are cancelled, and the others where `lines`
    say: what parcels that are no more held is given back. One that can leave earlier now, without
    them, keeps its day."""
    groups, given = list[DeliveryGroup](), list[Slot]()
    for group in order.groups:
        before, now = parcels(order, order.lines, group), parcels(order, lines, group)
        stay = Counter(node for node, _, _ in now - before)
        gone = list[Leaving]()
        for node, due in in_turn((node, due) for node, _, due in before - now):
            if stay[node]:
                stay[node] -= 1
            else:
                gone.append((node, due))
        kept, back = left(group.slots, gone, sent(order, group))
        groups.append(replace(group, slots=kept))
        given += back
    return Rebooked(tuple(groups), (), tuple(given))


def sent(order: Order, group: DeliveryGroup) -> Counter[str]:
    """How many parcels of a group have left, by node: each has used the first of its days."""
    away = {
        (portion.node, portion.shipment)
        for line in order.lines
        for portion in line.portions
        if portion.group == group.id and portion.stage in GONE
    }
    return Counter(node for node, _ in away)


def left(
    held: Sequence[Slot], gone: Iterable[Leaving], used: Mapping[str, int]
) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """What is kept of held days when parcels are gone, and what they give back: of their nodes'
    days the first on which they could have left, after so many first ones as were `used`."""
    kept, given = list(held), list[Slot]()
    for node, due in in_turn(gone):
        days = sorted(slot for slot in kept if slot[0] == node)[used.get(node, 0) :]
        if days:
            slot = min(days, key=lambda slot: (slot[1] < (due or date.min), slot[1]))
            kept.remove(slot)
            given.append(slot)
    return tuple(kept), tuple(given)


def in_turn(leaving: Iterable[Leaving]) -> list[Leaving]:
    """Parcels in the order in which they leave."""
    return sorted(leaving, key=lambda parcel: (parcel[1] or date.min, parcel[0]))
