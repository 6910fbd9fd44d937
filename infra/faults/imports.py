"""A marketplace's file is sent by two at once, a bad row in it, for an account with little room."""

from __future__ import annotations

from parcelway.domain.credit import reference_of
from parcelway.domain.importing import order_id_of
from parcelway.store.credit import get_account, get_claim
from parcelway.store.orders import get_dossier

from infra.demo.marketplace import MACHINE, MEDIA, SOURCE, body, sold
from infra.demo.people import Json
from infra.faults.people import COLUMBUS, Scenario, dossier_of, works
from infra.sim.history import History
from infra.sim.people import staff

_PATH = f"/staff/imports/{SOURCE}/orders"
_TERMS = {"limit": {"minor": 100_000, "currency": "USD"}, "days": 30}
_GOOD = ("M-1", "M-2")


def _rows() -> list[Json]:
    one, other = (sold(name, "PASTA", 2, rate=0) for name in _GOOD)
    wrong = sold("M-3", "PASTA", rate=0) | {"total": {"minor": 1, "currency": "USD"}}
    return [one, wrong, other]


def _send(history: History) -> list[str]:
    """What became of each row. A shop that cannot be reached is asked until it can."""
    machine = staff(history.world, *MACHINE)
    found: list[Json] = machine.send(_PATH, body(_rows()), MEDIA)["results"]
    for result in found:
        if result["status"] != "refused":
            history.orders[result["external_id"]] = result["order_id"]
    return [result["status"] for result in found]


def _imports(history: History) -> None:
    staff(history.world, "finance").call("PUT", f"/staff/accounts/{SOURCE}/credit", _TERMS)
    for statuses in history.together(lambda: _send(history), lambda: _send(history)):
        refused = [status == "refused" for status in statuses]
        assert refused == [False, True, False], statuses
    assert _send(history) == ["known", "refused", "known"]


def _play(history: History) -> None:
    history.script("marketplace", lambda: _imports(history))
    works(history, COLUMBUS)


def _wrong(history: History) -> list[str]:
    """Unless each good row became one order, delivered and claimed of the account, and no other
    did."""
    db, wrong, open_ = history.world.database, list[str](), 0
    for name in _GOOD:
        dossier = dossier_of(history, name)
        if dossier.order.id != order_id_of(SOURCE, name):
            wrong.append(f"{name} is {dossier.order.id}")
        if (dossier.order.state, dossier.order.payment_status) != ("closed", "due"):
            wrong.append(f"{name} is {dossier.order.state}, {dossier.order.payment_status}")
        claim = get_claim(db, reference_of(dossier.order.id, 1))
        open_ += claim.open if claim else 0
    if get_dossier(db, order_id_of(SOURCE, "M-3")) is not None:
        wrong.append("the row that was refused became an order")
    account = get_account(db, SOURCE)
    if account is None or account.open != open_ or open_ != 2 * 2000:
        wrong.append(f"{account and account.open} is in use, claims have {open_} open")
    return wrong


IMPORTS = (Scenario("imported", _play, _wrong),)
