"""A code for one order that three want to use: one buys, one cancels, one never pays."""

from __future__ import annotations

from contextlib import suppress

from infra.demo.people import GOOD, Refused
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

_CODE = "ONLY-ONE"


def _orders(person: Person) -> None:
    """With the code, or without where somebody else has used it."""
    path = f"{person.path}/coupons/{_CODE}"
    person.add("PASTA")
    person.deliver()
    person.describe()
    person.history.differs_from_here()
    with suppress(Refused):
        person.api.call("PUT", path)
    try:
        person.place()
    except Refused as refused:
        if refused.code != "coupon-unavailable":
            raise
        person.api.call("DELETE", path)
        person.place()


def _buys(person: Person) -> None:
    _orders(person)
    person.pay(GOOD)


def _cancels(person: Person) -> None:
    _orders(person)
    person.cancel()


def _play_coupon(history: History) -> None:
    goes_shopping(history, "ann", _buys)
    goes_shopping(history, "bob", _cancels)
    goes_shopping(history, "cid", _orders)
    works(history, COLUMBUS)


def _wrong_coupon(history: History) -> list[str]:
    """The code is used by one order that is left, at most, and counted as often."""
    wrong = must(history, "ann", "closed", {"PASTA": 1}, captured=True)
    ended = {"bob": "cancelled", "cid": "expired"}
    for name, state in ended.items():
        found = dossier_of(history, name).order.state
        if found != state and not (heard_late(history) and found == "expired"):
            wrong.append(f"{name}'s order is {found}, not {state}")
    orders = {name: dossier_of(history, name).order for name in history.orders}
    using = [name for name, order in orders.items() if order.uses]
    db = history.world.database
    counter = db.get(db.orders, f"USE#CODE#{_CODE}", "USES")
    counted = int(counter["used"]) if counter else 0
    if counted != len(using) or counted > 1:
        wrong.append(f"{_CODE} is counted {counted} times, used by {using}")
    return wrong


COUPONS = (Scenario("coupon", _play_coupon, _wrong_coupon),)
