"""What people do in a history, and what must be true of it in the end whatever goes wrong."""

from __future__ import annotations

from infra.demo.people import DECLINED, GOOD, HOME, Json
from infra.faults.astray import ASTRAY, STORE, has_it_sent_to_the_store, receives
from infra.faults.backorders import BACKORDERS
from infra.faults.claims import CLAIMS
from infra.faults.counter import COUNTER
from infra.faults.coupons import COUPONS
from infra.faults.credits import CREDITS
from infra.faults.crowd import CROWD
from infra.faults.customers import CUSTOMERS
from infra.faults.gift_cards import GIFTS
from infra.faults.imports import IMPORTS
from infra.faults.lapses import LAPSES
from infra.faults.mails import MAILS
from infra.faults.nodes import NODES
from infra.faults.on_account import ON_ACCOUNT
from infra.faults.people import (
    COLUMBUS,
    HOLD_SECONDS,
    LOUISVILLE,
    Person,
    Scenario,
    both_nodes_work,
    buys,
    dossier_of,
    goes_shopping,
    heard_late,
    must,
    signs_up,
    takes,
    takes_pasta,
    who_got_it,
    works,
    wrong_pasta,
)
from infra.faults.reconciling import RECONCILING
from infra.faults.recosted import RECOSTED
from infra.faults.settlement import SETTLEMENT
from infra.faults.trouble import TROUBLE
from infra.sim.history import History
from infra.sim.people import Warehouse

# ---- bought ------------------------------------------------------------------------------


def _play_bought(history: History) -> None:
    goes_shopping(history, "ann", buys)
    both_nodes_work(history)


def _wrong_bought(history: History) -> list[str]:
    return must(history, "ann", "closed", {"PASTA": 3, "LAMP": 1}, captured=True)


# ---- declined, then paid; pressed twice ------------------------------------------------------


def _buys_nervously(person: Person) -> None:
    person.add("PASTA", 2)
    person.deliver()
    person.describe()
    key = person.history.world.new_id()
    twice = person.history.together(lambda: person.place(key), lambda: person.place(key))
    assert twice[0]["id"] == twice[1]["id"], "two orders of one key"
    person.pay(DECLINED)
    person.history.together(lambda: _pay(person), lambda: _pay(person))


def _pay(person: Person) -> None:
    person.pay(GOOD)


def _play_declined(history: History) -> None:
    goes_shopping(history, "ann", _buys_nervously)
    works(history, COLUMBUS)


# ---- cancelled ---------------------------------------------------------------------------


def _buys_and_cancels(person: Person) -> None:
    buys(person)
    person.history.world.kernel.sleep(20)
    person.cancel()


def _play_cancelled(history: History) -> None:
    goes_shopping(history, "ann", _buys_and_cancels)
    both_nodes_work(history)


def _wrong_cancelled(history: History) -> list[str]:
    """Cancelled in time, or so late that the warehouse had packed."""
    if history.refusals.get("ann"):
        return must(history, "ann", "closed", {"PASTA": 3, "LAMP": 1}, captured=True)
    return must(history, "ann", "cancelled", {}, captured=False)


# ---- expired, sold to somebody else, and then paid ---------------------------------------------


def _pays_too_late(person: Person) -> None:
    person.add("LAST")
    person.deliver()
    person.describe()
    person.place()
    secret = person.api.call("POST", f"{person.path}/payment", {})["client_secret"]
    person.history.world.kernel.sleep(HOLD_SECONDS + 60)
    person.history.bank.confirm(secret, GOOD)


def _buys_the_last(person: Person) -> None:
    person.history.world.kernel.sleep(HOLD_SECONDS + 30)
    takes(person, "LAST", 1)


def _play_late(history: History) -> None:
    goes_shopping(history, "ann", _pays_too_late)
    goes_shopping(history, "bob", _buys_the_last)
    both_nodes_work(history)


# ---- two after the last one -----------------------------------------------------------------


def _wants_the_last(person: Person) -> None:
    takes(person, "LAST", 1)


def _play_race(history: History) -> None:
    goes_shopping(history, "ann", _wants_the_last)
    goes_shopping(history, "bob", _wants_the_last)
    both_nodes_work(history)


def _wrong_race(history: History) -> list[str]:
    """One has it, the other was told, or has the money back."""
    closed = who_got_it(history)
    if len(closed) > 1 or (not closed and not heard_late(history)):
        return [f"{len(closed)} of {sorted(history.orders)} got the last one"]
    return []


def _wrong_late(history: History) -> list[str]:
    """As in a race; but by clocks that differ ann's hold may still run when bob asks, and be over
    when her payment, late in any case, comes in."""
    if history.world.conditions.skew and not who_got_it(history):
        return []
    return _wrong_race(history)


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


# ---- somebody with an account ---------------------------------------------------------------


def _signs_up(history: History) -> None:
    """An account, a signed-in cart, an order that is found in the history afterwards."""
    authorization = signs_up(history)
    person = Person(history)
    history.orders["ann"] = person.id
    person.api.headers["Authorization"] = authorization
    person.api.call("POST", f"{person.path}/claim")
    takes_pasta(person)
    own = person.api.call("GET", "/orders")["orders"]
    history.refusals["own orders"] = ",".join(order["id"] for order in own)


def _play_member(history: History) -> None:
    history.script("ann", lambda: _signs_up(history))
    works(history, COLUMBUS)


def _wrong_member(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {"PASTA": 2}, captured=True)
    seen, wanted = history.refusals.get("own orders"), history.orders["ann"]
    return wrong + ([] if seen == wanted else [f"ann's own orders are {seen}, not {wanted}"])


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


# ---- placed, and left with the payment open ------------------------------------------------------


def _leaves(person: Person) -> None:
    person.add("PASTA")
    person.deliver()
    person.describe()
    person.place()
    person.api.call("POST", f"{person.path}/payment", {})


def _play_abandoned(history: History) -> None:
    for number in range(3):
        goes_shopping(history, f"person {number}", _leaves)


def _wrong_abandoned(history: History) -> list[str]:
    states = {name: dossier_of(history, name).order.state for name in history.orders}
    return [f"{name}'s order is {state}" for name, state in states.items() if state != "expired"]


# ---- one cart in two tabs ------------------------------------------------------------------------


def _uses_two_tabs(person: Person) -> None:
    person.history.together(lambda: person.add("PASTA", 2), lambda: person.add("LAMP", 1))
    person.history.together(person.deliver, person.describe)
    person.place()
    pay = person.history.unless_refused("the other tab", lambda: person.pay(GOOD))
    person.history.together(pay, pay)


def _play_tabs(history: History) -> None:
    goes_shopping(history, "ann", _uses_two_tabs)
    both_nodes_work(history)


def _wrong_tabs(history: History) -> list[str]:
    return must(history, "ann", "closed", {"PASTA": 2, "LAMP": 1}, captured=True)


# ---- nobody packs for days ------------------------------------------------------------------


def _play_overdue(history: History) -> None:
    goes_shopping(history, "ann", takes_pasta)
    works(history, COLUMBUS, late=4 * 86400)


SCENARIOS = (
    Scenario("bought", _play_bought, _wrong_bought),
    Scenario("declined", _play_declined, wrong_pasta),
    Scenario("cancelled", _play_cancelled, _wrong_cancelled),
    Scenario("late", _play_late, _wrong_late),
    Scenario("race", _play_race, _wrong_race),
    Scenario("collected", _play_collected, _wrong_collected),
    Scenario("divided", _play_divided, _wrong_divided),
    Scenario("uncollected", _play_uncollected, _wrong_uncollected),
    Scenario("sent to store", _play_sent_to_store, _wrong_sent_to_store),
    Scenario("rejected", _play_rejected, _wrong_rejected),
    Scenario("member", _play_member, _wrong_member),
    Scenario("returned", _play_returned, _wrong_returned, frozenset({"returned_to_sender"})),
    Scenario("dock", _play_dock, _wrong_dock),
    Scenario("staggered", _play_staggered, _wrong_bought),
    Scenario("abandoned", _play_abandoned, _wrong_abandoned),
    Scenario("tabs", _play_tabs, _wrong_tabs),
    Scenario("overdue", _play_overdue, wrong_pasta, frozenset({"overdue_packed"})),
    *TROUBLE,
    *LAPSES,
    *MAILS,
    *CROWD,
    *COUNTER,
    *COUPONS,
    *GIFTS,
    *CLAIMS,
    *NODES,
    *ASTRAY,
    *BACKORDERS,
    *SETTLEMENT,
    *CREDITS,
    *ON_ACCOUNT,
    *IMPORTS,
    *RECONCILING,
    *RECOSTED,
    *CUSTOMERS,
)
