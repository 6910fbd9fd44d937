"""A company's orders: an approver agrees to what is placed at that moment, and turns one down that
is being changed."""

from __future__ import annotations

from collections.abc import Callable

from infra.demo.people import GOOD, Json
from infra.faults.people import (
    COLUMBUS,
    Person,
    Scenario,
    dossier_of,
    heard_late,
    must,
    signs_up,
    works,
)
from infra.sim.history import History
from infra.sim.people import Client, staff

_ACCOUNT, _BOSS = "acme", "boss@example.com"


def _founds_a_company(history: History) -> tuple[Client, Person]:
    """Its approver, and a cart of its buyer's, of which every order has to be approved."""
    boss = Client(history.world, {"Authorization": signs_up(history, _BOSS)})
    buyer = signs_up(history)
    admin, person = staff(history.world, "admin"), Person(history)
    for each in (boss, Client(history.world, {"Authorization": buyer})):
        customer = each.call("GET", "/customers/me")["id"]
        standing = f"/staff/customers/{customer}/standing"
        admin.call("PUT", standing, {"account": _ACCOUNT})
    company = {
        "company": "Acme, Inc.",
        "contacts": [{"email": _BOSS, "roles": ["approver"]}],
        "approval_above": {"minor": 0, "currency": "USD"},
    }
    staff(history.world, "finance").call("PUT", f"/staff/accounts/{_ACCOUNT}", company)
    history.orders["ann"] = person.id
    person.api.headers["Authorization"] = buyer
    person.api.call("POST", f"{person.path}/claim")
    person.add("PASTA", 2)
    person.deliver()
    person.describe()
    return boss, person


def _asks(person: Person) -> str:
    """The id of what the approver is asked."""
    approval: str = person.api.call("POST", f"{person.path}/approval")["approval"]["id"]
    return approval


def _decides(boss: Client, person: Person, verb: str, approval: str) -> Json:
    """The approver looks at their list, which may be behind, and says what they think."""
    boss.call("GET", "/account/approvals")
    said = {"approval_id": approval} | ({"reason": "Too dear"} if verb == "reject" else {})
    return boss.call("POST", f"/account/approvals/{person.id}/{verb}", said)


# ---- approved while it is placed -----------------------------------------------------------------


def _play_approved(history: History) -> None:
    """Placed a moment too early it is refused, and placed again."""

    def buys() -> None:
        boss, person = _founds_a_company(history)
        history.differs_from_here()
        approval = _asks(person)
        placing = history.unless_refused("too early", lambda: person.place())
        history.together(lambda: _decides(boss, person, "approve", approval), placing)
        if history.refusals.get("too early") == "approval-needed":
            person.place()
        person.pay(GOOD)

    history.script("ann", buys)
    works(history, COLUMBUS)


def _wrong_approved(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {"PASTA": 2}, captured=True)
    return wrong + _wrong_approval(history, "approved")


# ---- turned down while it is changed -------------------------------------------------------------


def _play_turned_down(history: History) -> None:
    """She asks about less then, and has it."""

    def buys() -> None:
        boss, person = _founds_a_company(history)
        history.differs_from_here()
        approval = _asks(person)
        path = f"{person.path}/lines/PASTA"

        def takes_less() -> None:
            person.api.call("PUT", path, {"quantity": 1})

        turning: Callable[[], None] = history.unless_refused(
            "too late", lambda: _decides(boss, person, "reject", approval)
        )
        history.together(turning, takes_less)
        history.unless_refused("not agreed to", person.place)()
        _decides(boss, person, "approve", _asks(person))
        person.place()
        person.pay(GOOD)

    history.script("ann", buys)
    works(history, COLUMBUS)


def _wrong_turned_down(history: History) -> list[str]:
    wrong = must(history, "ann", "closed", {"PASTA": 1}, captured=True)
    if history.refusals.get("not agreed to") != "approval-needed":
        wrong.append(f"placed without a word: {history.refusals}")
    if history.refusals.get("too late", "stale-version") != "stale-version":
        wrong.append(f"turned down: {history.refusals['too late']}")
    return wrong + _wrong_approval(history, "approved")


def _wrong_approval(history: History, status: str) -> list[str]:
    """Unless the last word is this one, and nobody is asked any more."""
    approval, wrong = dossier_of(history, "ann").order.approval, list[str]()
    if not heard_late(history) and (approval is None or approval.status != status):
        wrong.append(f"the approval is {approval}")
    orders = history.world.wiring.logical_tables["Orders"]
    left = history.world.database.query(orders, f"APPROVALS#{_ACCOUNT}")
    return wrong + [f"{item['sk']} is still to be decided on" for item in left]


APPROVALS = (
    Scenario("approved", _play_approved, _wrong_approved),
    Scenario("turned down", _play_turned_down, _wrong_turned_down),
)
