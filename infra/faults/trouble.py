"""Scenarios of money: what the bank, the shop's owner and its desk do to an order that was paid."""

from __future__ import annotations

from infra.demo.people import GOOD, Json, Refused
from infra.faults.people import (
    COLUMBUS,
    LOUISVILLE,
    Person,
    Scenario,
    buys,
    dossier_of,
    goes_shopping,
    must,
    takes_pasta,
    works,
    wrong_pasta,
)
from infra.sim.history import History
from infra.sim.people import Warehouse, staff
from infra.sim.world import World

_HOUR = 3600.0


def _by_hand(world: World, order_id: str, what: str) -> None:
    """Somebody presses a button in the provider's dashboard: capture or cancel."""
    for intent in world.provider.intents_of(order_id):
        path = f"https://api.stripe.com/v1/payment_intents/{intent.reference}/{what}"
        world.provider.request("POST", path, {"Authorization": "Bearer sk_test_owner"}, "")


def _pays_again(person: Person) -> None:
    """As soon as the shop lets her: it must have heard first that the money is gone."""
    for _ in range(8):
        try:
            person.pay(GOOD)
        except Refused:
            person.history.world.kernel.sleep(1800)
        else:
            return


def _takes_as_all_do(person: Person) -> None:
    """Up to where it is packed: so far others do the same."""
    takes_pasta(person)
    person.history.world.kernel.sleep(30)
    person.history.differs_from_here()


def _lapses(person: Person) -> None:
    """What the bank held for an order it holds no longer."""
    for intent in person.history.world.provider.intents_of(person.id):
        person.history.world.provider.lapse(intent.reference)
    person.history.bank.webhooks.tell()


# ---- captured by hand at the provider, then cancelled: the money goes back ---------------------


def _cancels_what_was_captured(person: Person) -> None:
    takes_pasta(person)
    world = person.history.world
    world.kernel.sleep(20)
    _by_hand(world, person.id, "capture")
    person.history.bank.webhooks.tell()
    world.kernel.sleep(20)
    person.cancel()


def _play_dashboard(history: History) -> None:
    goes_shopping(history, "ann", _cancels_what_was_captured)


def _wrong_cancelled(history: History) -> list[str]:
    return must(history, "ann", "cancelled", {}, captured=False)


# ---- the hold lapses before anything is packed, and the order is paid again ---------------------


def _takes_and_loses(person: Person) -> None:
    takes_pasta(person)
    person.history.world.kernel.sleep(1800)
    person.history.differs_from_here()
    _lapses(person)


def _loses_and_pays(person: Person) -> None:
    _takes_and_loses(person)
    person.history.world.kernel.sleep(2 * _HOUR)
    _pays_again(person)


def _play_lapsed(history: History) -> None:
    goes_shopping(history, "ann", _loses_and_pays)
    works(history, COLUMBUS, late=6 * _HOUR)


# ---- voided by hand before it is with its node: it is released only after it was paid again -----


def _is_held_up(person: Person) -> None:
    world = person.history.world
    takes_pasta(person)
    world.throttle("FulfillmentStepsFunction", 60)  # a busy minute
    while dossier_of(person.history, "ann").order.state == "placed":
        world.kernel.sleep(5)
    person.history.differs_from_here()
    _by_hand(world, person.id, "cancel")
    person.history.bank.webhooks.tell()
    world.kernel.sleep(_HOUR)
    _pays_again(person)


def _play_held(history: History) -> None:
    goes_shopping(history, "ann", _is_held_up)
    works(history, COLUMBUS)


# ---- the hold lapses; the desk gives the order up while the customer pays again -----------------


def _is_given_up(person: Person) -> None:
    _takes_and_loses(person)
    person.history.world.kernel.sleep(_HOUR)
    desk = staff(person.history.world, "csr")
    path, reason = f"/staff/orders/{person.id}/cancel", {"reason": "not paid"}
    person.history.together(
        person.history.unless_refused("desk", lambda: desk.call("POST", path, reason)),
        person.history.unless_refused("ann herself", lambda: person.pay(GOOD)),
    )


def _play_given_up(history: History) -> None:
    goes_shopping(history, "ann", _is_given_up)
    works(history, COLUMBUS, late=6 * _HOUR)


# ---- the hold lapses when one parcel has left; the other never does -----------------------------


def _loses_the_rest(person: Person) -> None:
    buys(person)
    person.history.world.kernel.sleep(3 * _HOUR)
    person.history.differs_from_here()
    _lapses(person)


def _ships_or_rejects(warehouse: Warehouse, shipment: Json) -> None:
    try:
        warehouse.ship(shipment)
    except Refused:
        warehouse.report(shipment, "reject", {"reason": "other", "note": "not paid"})


def _play_torn(history: History) -> None:
    goes_shopping(history, "ann", _loses_the_rest)
    works(history, COLUMBUS)
    works(history, LOUISVILLE, _ships_or_rejects, late=8 * _HOUR)


def _wrong_torn(history: History) -> list[str]:
    return must(history, "ann", "closed", {"PASTA": 3}, captured=True)


# ---- the bank declines a capture; whoever reads the alert has more success with it --------------


def _is_seen_to(person: Person) -> None:
    _takes_as_all_do(person)
    person.history.world.kernel.sleep(2 * _HOUR)
    _by_hand(person.history.world, person.id, "capture")
    person.history.bank.webhooks.tell()


def _play_declined_capture(history: History) -> None:
    history.world.provider.decline_captures(1)
    goes_shopping(history, "ann", _is_seen_to)
    works(history, COLUMBUS)


# ---- voided by hand when the parcel is at the door: the customer pays what she has --------------


def _pays_afterwards(person: Person) -> None:
    _takes_as_all_do(person)
    person.history.world.kernel.sleep(2 * _HOUR)
    _pays_again(person)


def _voids_at_the_dock(warehouse: Warehouse, shipment: Json) -> None:
    if shipment["status"] == "released":
        warehouse.report(shipment, "pack")
        _by_hand(warehouse.world, shipment["order_id"], "cancel")
    warehouse.ship(shipment | {"status": "packed"})


def _play_unsecured(history: History) -> None:
    goes_shopping(history, "ann", _pays_afterwards)
    works(history, COLUMBUS, _voids_at_the_dock)


# ---- the service desk cancels while the customer does ---------------------


def _is_cancelled_twice(person: Person) -> None:
    takes_pasta(person)
    person.history.world.kernel.sleep(20)
    desk = staff(person.history.world, "csr")
    reason = {"reason": "customer called"}
    path = f"/staff/orders/{person.id}/cancel"
    person.history.together(
        person.history.unless_refused("desk", lambda: desk.call("POST", path, reason)),
        person.history.unless_refused("ann herself", person.cancel),
    )


def _play_desk(history: History) -> None:
    goes_shopping(history, "ann", _is_cancelled_twice)
    works(history, COLUMBUS)


def _wrong_desk(history: History) -> list[str]:
    if dossier_of(history, "ann").order.state == "closed":
        return wrong_pasta(history)
    return _wrong_cancelled(history)


_REFUSED = frozenset({"capture_failed"})

TROUBLE = (
    Scenario("dashboard", _play_dashboard, _wrong_cancelled),
    Scenario("lapsed", _play_lapsed, wrong_pasta),
    Scenario("held", _play_held, wrong_pasta, _REFUSED),
    Scenario("given-up", _play_given_up, _wrong_cancelled),
    Scenario("torn", _play_torn, _wrong_torn),
    Scenario("refused-capture", _play_declined_capture, wrong_pasta, _REFUSED),
    Scenario("unsecured", _play_unsecured, wrong_pasta, _REFUSED),
    Scenario("desk", _play_desk, _wrong_desk),
)
