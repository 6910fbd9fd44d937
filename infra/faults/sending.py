"""What becomes of the goods: sent, divided, collected or not, rejected, returned, late."""

from __future__ import annotations

from infra.demo.people import GOOD, HOME, Json
from infra.faults.astray import STORE, has_it_sent_to_the_store, receives
from infra.faults.people import (
    COLUMBUS,
    LOUISVILLE,
    Person,
    Scenario,
    buys,
    dossier_of,
    goes_shopping,
    heard_late,
    must,
    takes_pasta,
    works,
    wrong_basket,
    wrong_pasta,
)
from infra.sim.history import History
from infra.sim.people import Warehouse

# ---- collected at a store -------------------------------------------------------------------


def _collects(person: Person) -> None:
    person.add("PASTA", 2)
    person.pick_up("store-dayton")
    person.describe()
    person.place()
    person.pay(GOOD)


def _play_collected(history: History) -> None:
    goes_shopping(history, "ann", _collects)
    works(history, "store-dayton", Warehouse.hand_over)


def _wrong_collected(history: History) -> list[str]:
    return must(history, "ann", "closed", {"PASTA": 2}, captured=True)


# ---- divided over two addresses and a store ----------------------------------------------------


def _divides(person: Person) -> None:
    """Three packets to three places, then one more for the first of them."""
    person.add("PASTA", 3)
    one = {"lines": [{"sku": "PASTA", "quantity": 1}]}
    parcel = {"service": "parcel-standard", **one}
    away = HOME | {"name": "Bob Example", "city": "Toledo", "postal_code": "43604"}
    person.divide(
        parcel | {"address": HOME},
        parcel | {"address": away},
        {"service": "store-pickup", "store": "store-dayton", **one},
    )
    person.add("PASTA")
    person.describe()
    person.place()
    person.pay(GOOD)


def _play_divided(history: History) -> None:
    goes_shopping(history, "ann", _divides)
    works(history, COLUMBUS)
    works(history, "store-dayton", Warehouse.hand_over)


def _wrong_divided(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {"PASTA": 4}, captured=True)
    places = sorted((s.group, s.node) for s in dossier_of(history, "ann").shipments)
    wanted = [("g1", COLUMBUS), ("g2", COLUMBUS), ("g3", "store-dayton")]
    if not wrong and not heard_late(history) and places != wanted:
        wrong.append(f"ann's goods left as {places}")
    return wrong


# ---- made ready at a store, and nobody comes --------------------------------------------------


def _lays_ready(warehouse: Warehouse, shipment: Json) -> None:
    """Pack it and lay it ready; what is ready stays so."""
    if shipment["status"] == "released":
        warehouse.report(shipment, "pack")
    if shipment["status"] != "ready_for_pickup":
        warehouse.report(shipment, "ready")


def _play_uncollected(history: History) -> None:
    goes_shopping(history, "ann", _collects)
    works(history, "store-dayton", _lays_ready)


def _wrong_uncollected(history: History) -> list[str]:
    return must(history, "ann", "cancelled", {}, captured=False)


# ---- sent to a store that has not got it, and collected there --------------------------------


def _play_sent_to_store(history: History) -> None:
    goes_shopping(history, "ann", lambda ann: has_it_sent_to_the_store(ann, "PASTA"))
    works(history, COLUMBUS)
    works(history, STORE, receives)


def _wrong_sent_to_store(history: History) -> list[str]:
    return must(history, "ann", "closed", {"PASTA": 2}, captured=True)


# ---- the warehouse rejects ------------------------------------------------------------------


def _rejects(warehouse: Warehouse, shipment: Json) -> None:
    warehouse.report(shipment, "reject", {"reason": "damaged"})


def _play_rejected(history: History) -> None:
    goes_shopping(history, "ann", buys)
    works(history, LOUISVILLE, _rejects)
    works(history, COLUMBUS)


def _wrong_rejected(history: History) -> list[str]:
    state = dossier_of(history, "ann").order.state
    ends = ("closed", "cancelled", "expired") if heard_late(history) else ("closed", "cancelled")
    return [] if state in ends else [f"ann's order is {state}"]


# ---- the parcel comes back --------------------------------------------------------------------


def _comes_back(warehouse: Warehouse, shipment: Json) -> None:
    warehouse.ship(shipment, ("in_transit", "failed_attempt", "returned"))


def _play_returned(history: History) -> None:
    goes_shopping(history, "ann", takes_pasta)
    works(history, COLUMBUS, _comes_back)


def _wrong_returned(history: History) -> list[str]:
    state = dossier_of(history, "ann").order.state
    ends = ("closed", "expired") if heard_late(history) else ("closed",)
    return [] if state in ends else [f"ann's order is {state}"]


# ---- cancelled while it is packed and sent ------------------------------------------------------


def _cancels_at_the_dock(person: Person) -> None:
    takes_pasta(person)
    person.history.world.kernel.sleep(58 + person.history.world.random.uniform(0, 6))
    person.cancel()


def _play_dock(history: History) -> None:
    goes_shopping(history, "ann", _cancels_at_the_dock)
    works(history, COLUMBUS)


def _wrong_dock(history: History) -> list[str]:
    """Either it was cancelled or it came, and who was refused has it."""
    order = dossier_of(history, "ann").order
    if order.state == "closed":
        return must(history, "ann", "closed", {"PASTA": 2}, captured=True)
    if "ann" in history.refusals and not heard_late(history):
        return [f"ann may not cancel, and her order is {order.state}"]
    ended = "expired" if order.state == "expired" and heard_late(history) else "cancelled"
    return must(history, "ann", ended, {}, captured=False)


# ---- two parcels, six hours apart ---------------------------------------------------------------


def _play_staggered(history: History) -> None:
    goes_shopping(history, "ann", buys)
    works(history, COLUMBUS)
    works(history, LOUISVILLE, late=6 * 3600)


# ---- nobody packs for days ------------------------------------------------------------------


def _play_overdue(history: History) -> None:
    goes_shopping(history, "ann", takes_pasta)
    works(history, COLUMBUS, late=4 * 86400)


SENDING = (
    Scenario("collected", _play_collected, _wrong_collected),
    Scenario("divided", _play_divided, _wrong_divided),
    Scenario("uncollected", _play_uncollected, _wrong_uncollected),
    Scenario("sent to store", _play_sent_to_store, _wrong_sent_to_store),
    Scenario("rejected", _play_rejected, _wrong_rejected),
    Scenario("returned", _play_returned, _wrong_returned, frozenset({"returned_to_sender"})),
    Scenario("dock", _play_dock, _wrong_dock),
    Scenario("staggered", _play_staggered, wrong_basket),
    Scenario("overdue", _play_overdue, wrong_pasta, frozenset({"overdue_packed"})),
)
