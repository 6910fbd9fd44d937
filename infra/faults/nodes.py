"""Scenarios of nodes that do not send what they should: it comes from elsewhere."""

from __future__ import annotations

from parcelway.store.stock import balances_of

from infra.demo.people import Json
from infra.faults.people import (
    COLUMBUS,
    LOUISVILLE,
    Person,
    Scenario,
    dossier_of,
    goes_shopping,
    heard_late,
    must,
    takes,
    works,
)
from infra.sim.history import History
from infra.sim.people import Warehouse

_SKU = "VASE"  # three of it in Columbus at first, two in Louisville


def _units(shipment: Json) -> int:
    return sum(int(line["quantity"]) for line in shipment["lines"])


def _sent_from(history: History, name: str) -> list[str]:
    """The nodes that sent a parcel, as often as they did."""
    shipments = dossier_of(history, name).shipments
    return sorted(shipment.node for shipment in shipments if shipment.shipped_at)


def _wrong_books(history: History, **left: int) -> list[str]:
    balances = {b.node: b for b in balances_of(history.world.database, _SKU)}
    found = {name: balances[node] for name, node in _NODES.items()}
    wrong = {
        name: balance
        for name, balance in found.items()
        if (balance.on_hand, balance.available) != (left[name], left[name])
    }
    return [f"of {_SKU} there are {wrong}"] if wrong else []


_NODES = {"columbus": COLUMBUS, "louisville": LOUISVILLE}


# ---- one of three is found, the others are in the other warehouse --------------------------------


def _takes_three(person: Person) -> None:
    takes(person, _SKU, 3)


def _finds_one(warehouse: Warehouse, shipment: Json) -> None:
    if shipment["status"] == "released" and _units(shipment) == 3:
        found = [{"sku": _SKU, "picked": 1}]
        warehouse.report(shipment, "short-pick", {"lines": found})
    else:
        warehouse.ship(shipment)


def _play_short_picked(history: History) -> None:
    goes_shopping(history, "ann", _takes_three)
    works(history, COLUMBUS, _finds_one)
    works(history, LOUISVILLE)


def _wrong_short_picked(history: History) -> list[str]:
    """She gets all three in two parcels; the phantoms are out of the books."""
    wrong = must(history, "ann", "closed", {_SKU: 3}, captured=True)
    if heard_late(history) and dossier_of(history, "ann").order.state == "expired":
        return wrong
    if (nodes := _sent_from(history, "ann")) != [COLUMBUS, LOUISVILLE]:
        wrong.append(f"it was sent from {nodes}")
    return wrong + _wrong_books(history, columbus=0, louisville=0)


# ---- passed on, kept back and sent in two parcels ------------------------------------------------


def _takes_two(person: Person) -> None:
    takes(person, _SKU, 2)


def _has_no_room(warehouse: Warehouse, shipment: Json) -> None:
    warehouse.report(shipment, "reject", {"reason": "capacity"})


def _divides(warehouse: Warehouse, shipment: Json) -> None:
    """What is too large for the box goes in two; each is kept back until the next visit."""
    if shipment["status"] == "released" and _units(shipment) == 2:
        warehouse.report(shipment, "split", {"lines": [{"sku": _SKU, "quantity": 1}]})
    elif shipment["held"]:
        warehouse.report(shipment, "release-hold")
        warehouse.ship(shipment)
    elif not shipment["accepted_at"]:
        warehouse.report(shipment, "accept")
        warehouse.report(shipment, "hold", {"reason": "papers"})
    else:
        warehouse.ship(shipment)


def _play_passed_on(history: History) -> None:
    goes_shopping(history, "ann", _takes_two)
    works(history, COLUMBUS, _has_no_room)
    works(history, LOUISVILLE, _divides)


def _wrong_passed_on(history: History) -> list[str]:
    """She gets both from Louisville; Columbus keeps what it has."""
    wrong = must(history, "ann", "closed", {_SKU: 2}, captured=True)
    if heard_late(history) and dossier_of(history, "ann").order.state == "expired":
        return wrong
    if (nodes := _sent_from(history, "ann")) != [LOUISVILLE, LOUISVILLE]:
        wrong.append(f"it was sent from {nodes}")
    return wrong + _wrong_books(history, columbus=3, louisville=0)


NODES = (
    Scenario("short_picked", _play_short_picked, _wrong_short_picked),
    Scenario("passed_on", _play_passed_on, _wrong_passed_on),
)
