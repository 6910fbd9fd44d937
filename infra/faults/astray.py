"""Scenarios of parcels that do not get to the store they are sent to."""

from __future__ import annotations

from collections.abc import Callable

from parcelway.store.stock import balances_of

from infra.demo.people import GOOD, Json
from infra.faults.people import (
    COLUMBUS,
    Person,
    Scenario,
    dossier_of,
    goes_shopping,
    heard_late,
    must,
    works,
)
from infra.sim.history import History
from infra.sim.people import Warehouse

STORE = "store-cincinnati"
_SKU = "VASE"  # three of it in Columbus at first, two in Louisville, none in the store
_BACK_AFTER = 18_500.0  # seconds: the carrier has it for five hours


def has_it_sent_to_the_store(person: Person, sku: str = _SKU) -> None:
    """Two of something that the store has not got."""
    person.add(sku, 2)
    person.pick_up(STORE, "ship-to-store")
    person.describe()
    person.place()
    person.pay(GOOD)


def receives(warehouse: Warehouse, shipment: Json) -> None:
    """Receive it, lay it ready, and give it to the customer."""
    if shipment["status"] == "shipped":
        shipment = warehouse.report(shipment, "received")
    warehouse.hand_over(shipment)


def _wrong_books(history: History, **wanted: tuple[int, int]) -> list[str]:
    """On hand and damaged, by city."""
    found = {
        balance.node: (balance.on_hand, balance.damaged)
        for balance in balances_of(history.world.database, _SKU)
    }
    nodes = {"columbus": COLUMBUS, "louisville": "wh-louisville", "cincinnati": STORE}
    seen = {city: found.get(nodes[city], (0, 0)) for city in wanted}
    return [] if seen == wanted else [f"of {_SKU} there are {seen}"]


def _never_was(history: History) -> bool:
    return heard_late(history) and dossier_of(history, "ann").order.state == "expired"


def _loses(*which: int) -> Callable[[Warehouse, Json], None]:
    """Staff whose parcels with these numbers, from 0, the carrier does not deliver."""
    parcels: list[str] = []

    def sends(warehouse: Warehouse, shipment: Json) -> None:
        parcels.extend({shipment["id"]} - {*parcels})
        lost = parcels.index(shipment["id"]) in which
        warehouse.ship(shipment, ("in_transit", "exception" if lost else "delivered"))

    return sends


# ---- lost, and sent again from where there are any left ---------------------------------------


def _play_lost(history: History) -> None:
    parcels: list[str] = []

    def misses(warehouse: Warehouse, shipment: Json) -> None:
        """The first one never comes."""
        parcels.extend({shipment["id"]} - {*parcels})
        if shipment["id"] == parcels[0]:
            warehouse.report(shipment, "lost")
        else:
            receives(warehouse, shipment)

    goes_shopping(history, "ann", has_it_sent_to_the_store)
    works(history, COLUMBUS, _loses(0))
    works(history, "wh-louisville")
    works(history, STORE, misses)


def _wrong_lost(history: History) -> list[str]:
    """She gets the two of Louisville for the two of Columbus that are written off."""
    wrong = must(history, "ann", "closed", {_SKU: 2}, captured=True)
    if _never_was(history):
        return wrong
    left = {"columbus": (1, 0), "louisville": (0, 0), "cincinnati": (0, 0)}
    return wrong + _wrong_books(history, **left)


# ---- back at its sender, one of two broken ----------------------------------------------------


def _play_came_back(history: History) -> None:
    parcels: list[str] = []

    def sends(warehouse: Warehouse, shipment: Json) -> None:
        """The first one comes back."""
        parcels.extend({shipment["id"]} - {*parcels})
        if shipment["status"] == "shipped":
            fit = {"lines": [{"sku": _SKU, "fit": 1}], "unfit": "damaged"}
            warehouse.report(shipment, "came-back", fit)
        elif shipment["id"] == parcels[0]:
            warehouse.ship(shipment, ("returned",))
        else:
            warehouse.ship(shipment)

    def waits(warehouse: Warehouse, shipment: Json) -> None:
        """The first one never comes."""
        if shipment["id"] != parcels[0]:
            receives(warehouse, shipment)

    goes_shopping(history, "ann", has_it_sent_to_the_store)
    works(history, COLUMBUS, sends)
    late = Warehouse(history.world, COLUMBUS, sends, _BACK_AFTER)
    history.script(f"late shift of {COLUMBUS}", late.work)
    works(history, STORE, waits, _BACK_AFTER)


def _wrong_came_back(history: History) -> list[str]:
    """She gets the whole one and the last of Columbus; the broken one is left."""
    wrong = must(history, "ann", "closed", {_SKU: 2}, captured=True)
    if _never_was(history):
        return wrong
    left = {"columbus": (1, 1), "louisville": (2, 0), "cincinnati": (0, 0)}
    return wrong + _wrong_books(history, **left)


# ---- lost, and given up ------------------------------------------------------------------------


def _play_given_up(history: History) -> None:
    def gives_up(warehouse: Warehouse, shipment: Json) -> None:
        warehouse.report(shipment, "lost", {"then": "cancel"})

    goes_shopping(history, "ann", has_it_sent_to_the_store)
    works(history, COLUMBUS, _loses(0))
    works(history, STORE, gives_up)


def _wrong_given_up(history: History) -> list[str]:
    wrong = must(history, "ann", "cancelled", {}, captured=False)
    return wrong if _never_was(history) else wrong + _wrong_books(history, columbus=(1, 0))


ASTRAY = (
    Scenario("lost on its way to store", _play_lost, _wrong_lost),
    Scenario(
        "came back on its way to store",
        _play_came_back,
        _wrong_came_back,
        frozenset({"returned_to_sender"}),
    ),
    Scenario("given up on its way to store", _play_given_up, _wrong_given_up),
)
