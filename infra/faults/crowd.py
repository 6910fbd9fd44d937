"""Scenarios of many at once: who want the same, so that a stock balance is on one item, on four, on
sixteen, on one; whose parcels leave together, so that their invoices are numbered together."""

from __future__ import annotations

from infra.demo.people import GOOD
from infra.faults.people import (
    COLUMBUS,
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

_HOT = "HOT"
_UNITS = 80  # of it in Columbus at first
_CROWDED = 2  # conflicts in one commit, from which on a balance is split


def _orders(person: Person, quantity: int, after: float) -> None:
    """Fill a cart as everybody does, and place the order when others want the same."""
    person.add(_HOT, quantity)
    person.deliver()
    person.describe()
    person.history.world.kernel.sleep(10)
    person.history.differs_from_here()
    person.history.world.kernel.sleep(after)
    person.history.world.crowds[_HOT] = _CROWDED
    person.place()


def _leaves(person: Person) -> None:
    _orders(person, 2, after=1)


def _cancels(person: Person) -> None:
    _orders(person, 3, after=30)
    person.cancel()


def _buys_most(person: Person) -> None:
    """More than any shard has."""
    _orders(person, 50, after=60)
    person.pay(GOOD)


def _play_crowded(history: History) -> None:
    goes_shopping(history, "ann", _leaves)
    goes_shopping(history, "bob", _cancels)
    goes_shopping(history, "cid", _buys_most)
    works(history, COLUMBUS)


def _wrong_crowded(history: History) -> list[str]:
    """Everybody gets what they would on one item, on which the balance is again in the end."""
    wrong = [f"{split} is still split" for split in history.world.splits()]
    if (state := dossier_of(history, "ann").order.state) != "expired":
        wrong.append(f"ann's order is {state}, not expired")
    late = heard_late(history) and dossier_of(history, "cid").order.state == "expired"
    world = history.world
    stock = world.database.query(world.wiring.logical_tables["Stock"], f"SKU#{_HOT}")
    left = {item["sk"]: (item["on_hand"], item["available"]) for item in stock}
    units = _UNITS - (0 if late else 50)
    if left != {f"NODE#{COLUMBUS}": (units, units)}:
        wrong.append(f"of {_HOT} there are {left}, not {units}")
    wrong += must(history, "bob", "cancelled", {}, captured=False)
    return wrong + must(history, "cid", "closed", {_HOT: 50}, captured=True)


def _play_together(history: History) -> None:
    """What was ordered in the minute before leaves by the same van."""
    for name in ("ann", "bob", "cid"):
        goes_shopping(history, name, lambda person: takes(person, "PASTA", 1))
    works(history, COLUMBUS)


def _wrong_together(history: History) -> list[str]:
    return [
        wrong
        for name in ("ann", "bob", "cid")
        for wrong in must(history, name, "closed", {"PASTA": 1}, captured=True)
    ]


CROWD = (
    Scenario("crowded", _play_crowded, _wrong_crowded),
    Scenario("sent together", _play_together, _wrong_together),
)
