"""Scenarios of money that is held for less time than the goods take to come."""

from __future__ import annotations

from collections.abc import Callable

from parcelway.domain.dues import PAY_AGAIN

from infra.demo.people import GOOD, Refused
from infra.faults.backorders import (
    BOOT,
    DAY,
    UNITS,
    announces,
    as_others,
    receives,
    sold,
    takes_boots,
    wrong_backordered,
    wrong_stock,
)
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

_COMES = 9 * DAY  # the goods do; a hold lasts seven days
_LOOKS = DAY / 4  # so often somebody looks whether there is something to pay


def _waits_long(history: History, does: Callable[[Person], None] = lambda _: None) -> None:
    """Ann takes four: two are sent, two come when nothing is held for them any more."""
    bought = as_others(takes_boots(4, "ship_available"), 6 * DAY)

    def wait(person: Person) -> None:
        bought(person)
        does(person)

    announces(history, 5, days=9)
    goes_shopping(history, "ann", wait)
    works(history, COLUMBUS)
    receives(history, 5, _COMES)
    works(history, COLUMBUS, late=_COMES)
    works(history, COLUMBUS, late=_COMES + 2 * DAY)


def _asked(history: History) -> int:
    """How often ann was asked to pay again."""
    return [event.type for event in dossier_of(history, "ann").events].count("payment.needed")


# ---- her card is charged again when they come ----------------------------------------------------


def _play_renewed(history: History) -> None:
    _waits_long(history)


def _wrong_renewed(history: History) -> list[str]:
    wrong = wrong_backordered(history)
    asked = _asked(history)
    return wrong + ([f"ann was asked to pay {asked} times"] if asked else [])


# ---- the same where a hold ends with its first capture -------------------------------------------


def _play_single(history: History) -> None:
    history.world.provider.allow_one_capture()
    _waits_long(history)


# ---- her card is declined, and she pays by hand --------------------------------------------------


def _pays_when_asked(person: Person) -> None:
    for _ in range(40):
        if _asked(person.history):
            person.pay(GOOD)
            return
        person.history.world.kernel.sleep(_LOOKS)


def _tries_to_pay(person: Person) -> None:
    try:
        _pays_when_asked(person)
    except Refused:  # somebody is at it; once more
        person.history.world.kernel.sleep(_LOOKS)
        _pays_when_asked(person)


def _play_declined(history: History) -> None:
    history.world.provider.decline_off_session(1)
    _waits_long(history, _tries_to_pay)


def _wrong_declined(history: History) -> list[str]:
    wrong = wrong_backordered(history)
    asked = _asked(history)
    return wrong + ([f"ann was asked to pay {asked} times"] if asked > 1 else [])


# ---- her card is declined, and she never pays ----------------------------------------------------


def _play_unpaid(history: History) -> None:
    history.world.provider.decline_off_session(1)
    _waits_long(history)


def _wrong_unpaid(history: History) -> list[str]:
    """What was sent is hers, what was not paid for is there for others, once it was time."""
    if heard_late(history) and dossier_of(history, "ann").order.state == "expired":
        return wrong_stock(history, UNITS + 5)
    wrong = must(history, "ann", "closed", {BOOT: 2}, captured=True)
    dossier = dossier_of(history, "ann")
    given_up = [event.at for event in dossier.events if event.type == "order.units_cancelled"]
    lost = [event.at for event in dossier.events if event.type == "payment.due"]
    if len(given_up) != 1 or given_up[0] - lost[0] < PAY_AGAIN - 2 * history.world.conditions.skew:
        wrong.append(f"given up at {given_up}, money was lost at {lost}")
    return wrong + wrong_stock(history, UNITS + 5 - sold(history))


LAPSES = (
    Scenario("renewed", _play_renewed, _wrong_renewed),
    Scenario("renewed-single", _play_single, _wrong_renewed),
    Scenario("not-renewed", _play_declined, _wrong_declined),
    Scenario("never-renewed", _play_unpaid, _wrong_unpaid),
)
