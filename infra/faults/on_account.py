"""A business buys on account: two carts for the last of its limit, and money that comes twice."""

from __future__ import annotations

from collections import Counter
from functools import partial

from parcelway.domain.credit import reference_of
from parcelway.domain.dunning import FALLS_DUE, OVERDUE, REMINDERS
from parcelway.store.credit import get_account, get_claim

from infra.demo.people import Json, transfer
from infra.faults.people import (
    COLUMBUS,
    Person,
    Scenario,
    dossier_of,
    signs_up,
    works,
)
from infra.sim.history import History
from infra.sim.people import Client, staff

_DAY = 86400.0
_ACCOUNT, _LIMIT, _TOO_MUCH = "acme", 2000, 100


def _opens_an_account(history: History) -> str:
    """The Authorization header of a buyer who has credit for one of the orders, not for two."""
    authorization = signs_up(history)
    api = Client(history.world, {"Authorization": authorization})
    customer = api.call("GET", "/customers/me")["id"]
    terms = {"limit": {"minor": _LIMIT, "currency": "USD"}, "days": 4}
    staff(history.world, "finance").call("PUT", f"/staff/accounts/{_ACCOUNT}/credit", terms)
    standing = f"/staff/customers/{customer}/standing"
    staff(history.world, "admin").call("PUT", standing, {"account": _ACCOUNT})
    return authorization


def _places(history: History, name: str, authorization: str) -> Person:
    person = Person(history)
    history.orders[name] = person.id
    person.api.headers["Authorization"] = authorization
    person.api.call("POST", f"{person.path}/claim")
    person.add("PASTA", 2)
    person.deliver()
    person.describe(method="invoice")
    person.place()
    return person


def _buys_twice(history: History) -> None:
    authorization = _opens_an_account(history)
    carts = {name: _places(history, name, authorization) for name in ("one", "other")}
    history.together(
        *(history.unless_refused(name, cart.pay_on_account) for name, cart in carts.items())
    )


def _books(history: History) -> None:
    """Four days later what was bought is paid, and some more, which goes back; each is booked by
    two who know nothing of each other."""
    world = history.world
    world.kernel.sleep(4 * _DAY)
    desk = staff(world, "finance")
    for name in ("one", "other"):
        path = f"/staff/orders/{history.orders[name]}"
        open_ = sum(claim["open"]["minor"] for claim in _claims(desk, path))
        if open_:
            _twice(history, f"{path}/transfers", f"IN-{name}", open_ + _TOO_MUCH)
            _twice(history, f"{path}/repayments", f"OUT-{name}", _TOO_MUCH)


def _claims(desk: Client, path: str) -> list[Json]:
    claims: list[Json] = desk.call("GET", f"{path}/transfers")["claims"]
    return claims


def _twice(history: History, path: str, reference: str, minor: int) -> None:
    book = partial(staff(history.world, "finance").call, "POST", path, transfer(minor, reference))
    history.together(*(history.unless_refused(reference, book) for _ in range(2)))


def _play(history: History) -> None:
    history.script("buyer", lambda: _buys_twice(history))
    works(history, COLUMBUS)
    history.script("finance", lambda: _books(history))


def _wrong(history: History) -> list[str]:
    """Unless one order was delivered and paid for, and the account has all of its limit again."""
    db, wrong = history.world.database, list[str]()
    states = sorted(dossier_of(history, name).order.state for name in history.orders)
    if states not in (["closed", "expired"], ["cancelled", "closed"]):
        wrong.append(f"the orders are {states}")
    account = get_account(db, _ACCOUNT)
    if account is None or account.open:
        wrong.append(f"of the account's credit {account and account.open} is in use")
    for name in history.orders:
        dossier = dossier_of(history, name)
        told = Counter(event.type for event in dossier.events if event.type in REMINDERS)
        if told[FALLS_DUE] > 1 or told[OVERDUE]:
            wrong.append(f"{name} was reminded {dict(told)}, and paid in time")
        claim = get_claim(db, reference_of(dossier.order.id, 1))
        if claim is not None and (claim.open or claim.to_return):
            wrong.append(f"{name}'s claim has {claim.open} open, {claim.to_return} to give back")
    return wrong


ON_ACCOUNT = (Scenario("on account", _play, _wrong),)
