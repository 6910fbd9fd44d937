"""Parcels that do not get to the store they are sent to: lost on the way, or back at their sender.

On its way to a store a parcel is still the shop's (`pickup`): nothing is invoiced and nothing is
taken. So what came back is on the node's shelf again, and stays the customer's, for the next wave.
What did not is written off, and planned anew over all nodes as what a node declined is
(`replanning`). What fails to arrive again is not sent a third time, unless people want it to be: it
is cancelled, and the hold on its money released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from parcelway.domain.cancellation import Units, cancel_shipment
from parcelway.domain.decision import Decision
from parcelway.domain.dues import Fact
from parcelway.domain.fulfilment import illegal
from parcelway.domain.line import Portion, move_all
from parcelway.domain.order import Order, events, require
from parcelway.domain.reassigning import (
    Said,
    at_once,
    leaving,
    moves_of,
    named_units,
    planned_anew,
    told_books,
    told_lines,
)
from parcelway.domain.shipment import Astray, Shipment
from parcelway.domain.stock import Document, Entry, Kind

MOST_FAILURES = 2  # parcels with the same units that did not arrive: no further one is sent
Then = Literal["send_again", "cancel"]
Unfit = Literal["damaged", "lost"]  # what is wrong with units of a parcel that came back

# What the books are told of units that cannot be sent again, per unit.
_WRITTEN_OFF: Mapping[Unfit, Mapping[Kind, int]] = {
    "damaged": {"damage": 1},
    "lost": {"adjust": -1},
}


def lost(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    then: Then | None,
    note: str,
    said: Said,
) -> Decision | None:
    """A parcel on its way to a store is given up for lost. None when it was.

    Raises Refusal ILLEGAL_STATE for what is not on its way to a store, TOO_MANY_LINES for more than
    can be planned anew in one transaction.
    """
    if shipment.astray == "lost":
        return None
    _require_on_its_way(order, shipment)
    units = shipment.contents
    return _failed(order, shipments, shipment, "lost", units, "lost", then, note, said)


def came_back(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    fit: Sequence[Units],
    unfit: Unfit,
    then: Then | None,
    note: str,
    said: Said,
) -> Decision | None:
    """The node that sent a parcel to a store has it again. Of lines in `fit` so many units can be
    sent again and the others are `unfit`; lines that are not are back in full. None when it has
    said so.

    Raises Refusal QUANTITY_MISMATCH for units that the parcel has not, and what `lost` raises.
    """
    if shipment.astray == "returned":
        return None
    _require_on_its_way(order, shipment)
    whole = named_units(shipment, fit)
    short = {line: units - whole.get(line, units) for line, units in shipment.contents.items()}
    missing = {line: units for line, units in short.items() if units}
    return _failed(order, shipments, shipment, "returned", missing, unfit, then, note, said)


def failures(shipments: Sequence[Shipment], shipment: Shipment) -> int:
    """How many parcels with units of the same lines failed to arrive, one after the other, with
    this one."""
    lines = shipment.contents.keys()
    before = {
        other.wave
        for other in shipments
        if other.astray and other.group == shipment.group and other.wave < shipment.wave
        if lines & other.contents.keys()
    }
    return len(before) + 1


def _failed(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    how: Astray,
    missing: Mapping[int, int],
    unfit: Unfit,
    then: Then | None,
    note: str,
    said: Said,
) -> Decision:
    """A parcel did not arrive, and units of it (`missing`, by line) cannot be sent again.

    It is as if it had not left its node; then the books are told what did not come back.
    """
    here = replace(shipment, status="packed", astray=how, version=order.version)
    parts = [here if each.id == shipment.id else each for each in shipments]
    moves = moves_of(order, shipment.contents, shipment.node, {"return": 1, "allocate": 1})
    alerts = tuple(alert for alert in order.alerts if alert.detail != shipment.id)
    lines = tuple(move_all(line, ("shipped",), "packed", shipment.id) for line in order.lines)
    back = replace(order, lines=lines, alerts=alerts)
    told = {"shipment": shipment.id, "reason": f"{how}_on_its_way", "note": note}
    fact = (f"shipment.{_EVENTS[how]}", {**told, "missing": told_lines(order, missing)})
    entry = _entry(order, shipment, missing, unfit, said)
    if then == "cancel" or (then is None and failures(shipments, shipment) >= MOST_FAILURES):
        made = told_books(_cancelled(back, parts, here, fact, said), entry, said)
    else:
        made = _again(back, parts, here, missing, fact, entry, said)
    return at_once(replace(made, moves=(*moves, *made.moves)))


_EVENTS: Mapping[Astray, str] = {"lost": "lost", "returned": "came_back"}


def _entry(
    order: Order, shipment: Shipment, missing: Mapping[int, int], unfit: Unfit, said: Said
) -> Entry | None:
    """What the node's stock books are told of units that cannot be sent again."""
    if not missing:
        return None
    moves = moves_of(order, missing, shipment.node, _WRITTEN_OFF[unfit])
    document = Document("parcel_astray", said.actor.id, "", unfit, order.id)
    return Entry(shipment.id, order.version + 1, said.facts.now, moves, (), document)


def _again(
    order: Order,
    shipments: Sequence[Shipment],
    shipment: Shipment,
    missing: Mapping[int, int],
    fact: Fact,
    entry: Entry | None,
    said: Said,
) -> Decision:
    """What came back stays reserved where it is, the rest is planned anew."""
    units, group = shipment.contents, shipment.group
    fit = {line: n for line in units if (n := units[line] - missing.get(line, 0))}
    kept = Portion(group, "reserved", 0, shipment.node)
    held = replace(order, lines=leaving(order, shipment, fit, kept))
    opened = replace(order, lines=leaving(held, shipment, missing, Portion(group, "open", 0)))
    return planned_anew(
        order,
        opened,
        shipments,
        shipment,
        units,
        fact,
        said,
        kept=moves_of(order, fit, shipment.node, {"reserve": 1}),
        entry=entry,
        why=fact[1]["reason"],
    )


def _cancelled(
    order: Order, shipments: Sequence[Shipment], shipment: Shipment, fact: Fact, said: Said
) -> Decision:
    reason, now = fact[1]["reason"], said.facts.now
    made = cancel_shipment(order, shipments, shipment, reason, said.actor, now, said.asked)
    assert made is not None  # it was not cancelled before
    known = [(event.type, event.data) for event in made.events]
    return replace(made, events=events(made.order, now, said.actor, fact, *known))


def _require_on_its_way(order: Order, shipment: Shipment) -> None:
    if shipment.status != "shipped" or not shipment.elsewhere:
        raise illegal(shipment, "it is not on its way to a store")
    require(order, "confirmed")
