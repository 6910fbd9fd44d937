"""What people do up to the payment: buy, think again, come too late, or both at once."""

from __future__ import annotations

from infra.demo.people import DECLINED, GOOD
from infra.faults.people import (
    COLUMBUS,
    HOLD_SECONDS,
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
    wrong_basket,
    wrong_pasta,
)
from infra.sim.history import History

# ---- bought ------------------------------------------------------------------------------


def _play_bought(history: History) -> None:
    goes_shopping(history, "ann", buys)
    both_nodes_work(history)


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
        return wrong_basket(history)
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


BUYING = (
    Scenario("bought", _play_bought, wrong_basket),
    Scenario("declined", _play_declined, wrong_pasta),
    Scenario("cancelled", _play_cancelled, _wrong_cancelled),
    Scenario("late", _play_late, _wrong_late),
    Scenario("race", _play_race, _wrong_race),
    Scenario("member", _play_member, _wrong_member),
    Scenario("abandoned", _play_abandoned, _wrong_abandoned),
    Scenario("tabs", _play_tabs, _wrong_tabs),
)
