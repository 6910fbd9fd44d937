"""Scenarios of units that are not there: who waits for them, and how they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from parcelway.store.stock import read_balances

from infra.demo.people import GOOD, Json
from infra.faults.people import (
    COLUMBUS,
    HOLD_SECONDS,
    Person,
    Scenario,
    dossier_of,
    goes_shopping,
    heard_late,
    must,
    works,
)
from infra.sim.history import History
from infra.sim.people import staff
from infra.sim.world import START

BOOT = "BOOT"
UNITS = 2  # of it in Columbus at first
_NOVEL = "NOVEL"  # three of it are in Columbus, before its launch
_LAUNCH = date(2026, 3, 3)
DAY = 86400.0
_OPENED = 60.0  # seconds from the beginning, after which the supplies are announced
_PURCHASE = "PO-1"


# ---- goods that are expected, and that come ------------------------------------------------------


def announces(history: History, quantity: int, days: int, at: float = 0.0, sku: str = BOOT) -> None:
    """Have so many units expected in Columbus, so many days from the beginning on."""
    due = (START + timedelta(days=days)).date().isoformat()
    path = f"/stock/{sku}/nodes/{COLUMBUS}/supplies/{_PURCHASE}"
    told = {"due": due, "quantity": quantity}

    def announce() -> None:
        history.world.kernel.sleep(at)
        key = history.world.new_id()
        staff(history.world, "warehouse").call("PUT", path, told, key)

    history.script(f"buyer, {quantity} on {due}", announce)


def receives(history: History, quantity: int, at: float, sku: str = BOOT) -> None:
    """Have so many of the announced units come in, so many seconds after the beginning."""
    path = f"/stock/{sku}/nodes/{COLUMBUS}/receipts"

    def receive() -> None:
        history.world.kernel.sleep(at)
        told = {"quantity": quantity, "supply": _PURCHASE}
        staff(history.world, "warehouse").call("POST", path, told)

    history.script(f"receipt of {quantity}", receive)


def _wants(person: Person, quantity: int, shortage: str, sku: str = BOOT) -> None:
    """A cart with so many units, ready to be placed, by somebody who knows that some may be
    missing."""
    person.add(sku, quantity)
    person.deliver()
    person.describe()
    person.api.call("PATCH", person.path, {"shortage": shortage})


def _places(quantity: int, shortage: str, after: float = _OPENED) -> Callable[[Person], Json]:
    """From cart to order, once it is known what is expected."""

    def place(person: Person) -> Json:
        person.history.world.kernel.sleep(after)
        _wants(person, quantity, shortage)
        return person.place()

    return place


def takes_boots(quantity: int, shortage: str, after: float = _OPENED) -> Callable[[Person], None]:
    """From cart to payment."""

    def take(person: Person) -> None:
        _places(quantity, shortage, after)(person)
        person.pay(GOOD)

    return take


def as_others(does: Callable[[Person], None], seconds: float = 0.0) -> Callable[[Person], None]:
    """The same; up to the payment, and so long after it, it goes as in another scenario."""

    def go(person: Person) -> None:
        does(person)
        person.history.world.kernel.sleep(seconds)
        person.history.differs_from_here()

    return go


def wrong_stock(history: History, units: int, sku: str = BOOT) -> list[str]:
    """Unless nobody waits any more, and so many units are there for newcomers."""
    place = (sku, COLUMBUS)
    (balance,) = read_balances(history.world.database, [place], consistent=True).values()
    if (balance.available, balance.backordered) == (units, 0):
        return []
    return [f"{balance.available} {sku} are available and {balance.backordered} waited for"]


def sold(history: History) -> int:
    """Boots that found their owners, in all."""
    return sum(line.count("delivered") for order in history.world.orders() for line in order.lines)


def _wrong_parcels(history: History, name: str, parcels: int) -> list[str]:
    """Unless what was ordered came in so many parcels, each with its invoice."""
    dossier = dossier_of(history, name)
    if dossier.order.state == "expired" and heard_late(history):
        return []
    found = (len(dossier.shipments), len(dossier.invoices))
    return [] if found == (parcels, parcels) else [f"{name}: {found} parcels and invoices"]


# ---- what is there now, and the rest when it comes -----------------------------------------------


def _play_backordered(history: History) -> None:
    announces(history, 5, days=1)
    goes_shopping(history, "ann", takes_boots(4, "ship_available"))
    works(history, COLUMBUS)
    receives(history, 5, DAY)
    works(history, COLUMBUS, late=DAY)


def wrong_backordered(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {BOOT: 4}, captured=True)
    wrong += _wrong_parcels(history, "ann", 2)
    return wrong + wrong_stock(history, UNITS + 5 - sold(history))


# ---- nothing before all of it is there -----------------------------------------------------------


def _play_complete(history: History) -> None:
    announces(history, 5, days=1)
    goes_shopping(history, "ann", as_others(takes_boots(4, "ship_complete")))
    works(history, COLUMBUS)
    receives(history, 5, DAY)
    works(history, COLUMBUS, late=DAY)


def _wrong_complete(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {BOOT: 4}, captured=True)
    wrong += _wrong_parcels(history, "ann", 1)
    return wrong + wrong_stock(history, UNITS + 5 - sold(history))


# ---- the rest as an order of its own, paid for or not --------------------------------------------


def _separates(person: Person) -> None:
    """Pays for what is there; the rest is known as ann's later order."""
    history = person.history
    placed = _places(4, "separate_order")(person)
    (later,) = placed["linked_orders"]
    history.orders["ann later"] = later
    history.differs_from_here()
    person.pay(GOOD)


def _pays_for_both(person: Person) -> None:
    _separates(person)
    person.path = f"/carts/{person.history.orders['ann later']}"
    person.pay(GOOD)


def _play_separate(history: History) -> None:
    announces(history, 5, days=1)
    goes_shopping(history, "ann", _pays_for_both)
    works(history, COLUMBUS)
    receives(history, 5, DAY)
    works(history, COLUMBUS, late=DAY)


def _wrong_separate(history: History) -> list[str]:
    wrong = wrong_stock(history, UNITS + 5 - sold(history))
    for name in ("ann", "ann later"):
        wrong += must(history, name, "closed", {BOOT: 2}, captured=True)
        wrong += _wrong_parcels(history, name, 1)
    return wrong


def _play_forgotten(history: History) -> None:
    """Bob, who comes later, gets what the later order gave back."""
    announces(history, 3, days=1)
    goes_shopping(history, "ann", _separates)
    goes_shopping(history, "bob", takes_boots(1, "ship_available", after=900))
    works(history, COLUMBUS)
    receives(history, 3, DAY)
    works(history, COLUMBUS, late=DAY)


def _wrong_forgotten(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {BOOT: 2}, captured=True)
    wrong += must(history, "ann later", "expired", {}, captured=False)
    wrong += must(history, "bob", "closed", {BOOT: 1}, captured=True)
    return wrong + wrong_stock(history, UNITS + 3 - sold(history))


# ---- only what is there --------------------------------------------------------------------------


def _play_dropped(history: History) -> None:
    """Some are expected, or they could not be in the cart."""
    announces(history, 5, days=1)
    goes_shopping(history, "ann", as_others(takes_boots(4, "drop")))
    works(history, COLUMBUS)


def _wrong_dropped(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {BOOT: 2}, captured=True)
    return wrong + wrong_stock(history, UNITS - sold(history))


# ---- what is expected comes three days later -----------------------------------------------------


def _play_slipped(history: History) -> None:
    announces(history, 5, days=1)
    goes_shopping(history, "ann", as_others(takes_boots(4, "ship_available"), 0.4 * DAY))
    works(history, COLUMBUS)
    announces(history, 5, days=4, at=DAY / 2)
    receives(history, 5, 4 * DAY)
    works(history, COLUMBUS, late=4 * DAY)


def _wrong_slipped(history: History, revisions: int = 1) -> list[str]:
    """Each new promise with one event, so one mail; the first promise stays on record."""
    wrong = wrong_backordered(history)
    dossier = dossier_of(history, "ann")
    if dossier.order.state == "expired":
        return wrong
    group = dossier.order.group
    told = [event for event in dossier.events if event.type == "promise.revised"]
    if (len(group.revisions), len(told)) != (revisions, revisions):
        wrong.append(f"{len(group.revisions)} revisions were told {len(told)} times")
    elif group.promise is None or group.present_promise is None:
        wrong.append("a promise is none")
    elif group.promise.latest >= group.present_promise.latest:
        wrong.append(f"{group.promise} was revised to {group.present_promise}")
    return wrong


# ---- it does not come, is given up, and comes after all ------------------------------------------


def _play_never_came(history: History) -> None:
    announces(history, 5, days=1)
    goes_shopping(history, "ann", as_others(takes_boots(4, "ship_available"), 0.4 * DAY))
    works(history, COLUMBUS)
    announces(history, 5, days=6, at=5 * DAY)
    receives(history, 5, 6 * DAY)
    works(history, COLUMBUS, late=6 * DAY)


def _wrong_never_came(history: History) -> list[str]:
    """That nobody knows when, and then that somebody does: no word day by day."""
    return _wrong_slipped(history, revisions=2)


# ---- ordered before its launch, for units that are there and for more ----------------------------


def _pre_orders(after: float) -> Callable[[Person], None]:
    def order(person: Person) -> None:
        person.history.world.kernel.sleep(after)
        _wants(person, 2, "ship_available", _NOVEL)
        person.place()
        person.history.differs_from_here()
        person.pay(GOOD)

    return order


def _play_launched(history: History) -> None:
    """Two are there for ann, who was first; one of bob's is, and the other is a back-order from the
    launch on."""
    announces(history, 1, days=3, sku=_NOVEL)
    goes_shopping(history, "ann", _pre_orders(_OPENED))
    goes_shopping(history, "bob", _pre_orders(900))
    works(history, COLUMBUS, late=DAY)
    receives(history, 1, 3 * DAY, _NOVEL)
    works(history, COLUMBUS, late=3 * DAY)


def _wrong_launched(history: History) -> list[str]:
    """Nothing before the launch, as far as clocks agree on the day."""
    wrong = wrong_stock(history, 4 - sold(history), _NOVEL)
    wrong += must(history, "bob", "closed", {_NOVEL: 2}, captured=True)
    wrong += must(history, "ann", "closed", {_NOVEL: 2}, captured=True)
    by_any_clock = 2 * history.world.conditions.skew
    early = [
        event.type
        for name in ("ann", "bob")
        for event in dossier_of(history, name).events
        if event.type == "order.scheduled" and (event.at + by_any_clock).date() < _LAUNCH
    ]
    return wrong + [f"{kind} before the launch" for kind in early]


# ---- the goods come while who waits for them calls it off ----------------------------------------


def _calls_it_off(person: Person) -> None:
    takes_boots(4, "ship_complete")(person)
    person.history.world.kernel.sleep(DAY - person.history.world.kernel.now + START.timestamp())
    person.history.differs_from_here()
    person.cancel()


def _play_called_off(history: History) -> None:
    """Bob waits behind ann, for units that she holds."""
    announces(history, 3, days=1)
    goes_shopping(history, "ann", _calls_it_off)
    goes_shopping(history, "bob", takes_boots(1, "ship_available", after=900))
    receives(history, 3, DAY)
    works(history, COLUMBUS, late=DAY)


def _wrong_called_off(history: History) -> list[str]:
    wrong = must(history, "bob", "closed", {BOOT: 1}, captured=True)
    if history.refusals.get("ann"):
        wrong += must(history, "ann", "closed", {BOOT: 4}, captured=True)
    else:
        wrong += must(history, "ann", "cancelled", {}, captured=False)
    return wrong + wrong_stock(history, UNITS + 3 - sold(history))


# ---- the goods come when the time to pay for them is over ----------------------------------------


def _leaves(person: Person) -> None:
    _places(4, "ship_complete")(person)
    person.history.differs_from_here()


def _play_overtaken(history: History) -> None:
    """Ann never pays; bob waits behind her."""
    announces(history, 3, days=1)
    goes_shopping(history, "ann", _leaves)
    goes_shopping(history, "bob", takes_boots(1, "ship_available", after=900))
    receives(history, 3, _OPENED + HOLD_SECONDS)
    works(history, COLUMBUS, late=HOLD_SECONDS)


def _wrong_overtaken(history: History) -> list[str]:
    wrong = must(history, "ann", "expired", {}, captured=False)
    wrong += must(history, "bob", "closed", {BOOT: 1}, captured=True)
    return wrong + wrong_stock(history, UNITS + 3 - sold(history))


BACKORDERS = (
    Scenario("backordered", _play_backordered, wrong_backordered),
    Scenario("complete", _play_complete, _wrong_complete),
    Scenario("separate", _play_separate, _wrong_separate),
    Scenario("forgotten", _play_forgotten, _wrong_forgotten),
    Scenario("dropped", _play_dropped, _wrong_dropped),
    Scenario("slipped", _play_slipped, _wrong_slipped),
    Scenario("never-came", _play_never_came, _wrong_never_came),
    Scenario("launched", _play_launched, _wrong_launched),
    Scenario("called-off", _play_called_off, _wrong_called_off),
    Scenario("overtaken", _play_overtaken, _wrong_overtaken),
)
