"""Customers of the desk: invited while things fail; merged, and forgotten, while they order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from parcelway.domain.customer import Customer
from parcelway.store.codec import decode
from parcelway.store.customers import holder_of
from parcelway.store.items import from_item

from infra.demo.people import GOOD, Refused
from infra.faults.people import (
    COLUMBUS,
    Person,
    Scenario,
    dossier_of,
    goes_shopping,
    heard_late,
    must,
    signs_up,
    until_over,
    works,
)
from infra.sim.history import History
from infra.sim.people import Client, Warehouse, staff

_EMAIL = "ann.b@example.com"
_PASSWORD = "quite long enough 8"
_NAMES = {"given_name": "Ann", "family_name": "Example"}


def _invites(history: History) -> str:
    """The desk makes ann a customer; her id."""
    api = staff(history.world, "csr")
    made = api.call("POST", "/staff/customers", {"email": _EMAIL, **_NAMES})
    customer_id: str = made["customer"]["id"]
    return customer_id


def _chooses_password(history: History) -> str:
    """Her first sign-in, with what was mailed; her Authorization header."""
    api = Client(history.world)
    mail = [mail for mail in history.world.login_mails() if _EMAIL in mail.to][-1]
    temporary = (mail.text or "").split("/#/welcome/")[1].partition("/")[0]
    try:
        api.call("POST", "/sessions", {"email": _EMAIL, "password": temporary})
    except Refused as refused:
        if refused.code != "new-password-required":
            raise
        chosen = {"session": refused.problem["session"], "password": _PASSWORD}
        with suppress(Refused):  # a try whose answer was lost has used the session
            api.call("POST", "/sessions/new-password", chosen)
    tokens = api.call("POST", "/sessions", {"email": _EMAIL, "password": _PASSWORD})
    return f"Bearer {tokens['id_token']}"


def _fills_cart(person: Person) -> None:
    person.add("PASTA")
    person.deliver()
    person.describe()


def _orders_as(person: Person, authorization: str) -> None:
    """Her cart is hers, then an order."""
    person.api.headers["Authorization"] = authorization
    person.api.call("POST", f"{person.path}/claim")
    person.place()
    person.pay(GOOD)


# ---- invited, and a customer from then on --------------------------------------------------------


def _play_invited(history: History) -> None:
    def comes(person: Person) -> None:
        _invites(history)
        _fills_cart(person)
        _orders_as(person, _chooses_password(history))
        person.api.call("GET", "/customers/me")

    goes_shopping(history, "ann", comes)
    works(history, COLUMBUS)


def _wrong_invited(history: History) -> list[str]:
    """One record, enabled, that holds the address and has the order."""
    wrong = must(history, "ann", "closed", {"PASTA": 1}, captured=True)
    records = _records(history)
    order, holder = dossier_of(history, "ann").order, holder_of(history.world.database, _EMAIL)
    if [(r.id, r.state) for r in records.values()] != [(order.customer_id, "enabled")]:
        wrong.append(f"the records are {records}")
    if holder != order.customer_id:
        wrong.append(f"the address is {holder}'s, the order {order.customer_id}'s")
    return wrong


# ---- merged while an order is placed -------------------------------------------------------------


def _play_merged(history: History) -> None:
    """Ann has signed up, and the desk has made her a customer a second time; it merges the two
    just as she orders as the second. Who is refused claims the cart as the first."""

    def comes(person: Person) -> None:
        first = signs_up(history)
        member = Client(history.world, {"Authorization": first})
        survivor = member.call("GET", "/customers/me")["id"]
        duplicate = _invites(history)
        second = _chooses_password(history)
        _fills_cart(person)
        history.differs_from_here()
        ordering = history.unless_refused("the duplicate", lambda: _orders_as(person, second))
        history.together(ordering, lambda: _merges(history, survivor, duplicate))
        if "the duplicate" in history.refusals:
            _orders_as(person, first)

    goes_shopping(history, "ann", comes)
    works(history, COLUMBUS)


def _merges(history: History, survivor: str, duplicate: str) -> None:
    body = {"duplicate": duplicate, "reason": "one person"}
    boss = staff(history.world, "csr_supervisor")
    boss.call("POST", f"/staff/customers/{survivor}/merge", body)


def _wrong_merged(history: History) -> list[str]:
    """No order is the duplicate's any more, and no merger is left to look after."""
    wrong = must(history, "ann", "closed", {"PASTA": 1}, captured=True)
    records = _records(history)
    merged = {r.id: r.merged_into for r in records.values() if r.merged_into}
    if len(records) != 2 or len(merged) != 1:
        wrong.append(f"the records are {records}")
    for order in history.world.orders():
        if order.customer_id in merged:
            wrong.append(f"order {order.id} is still the duplicate's")
    return wrong


# ---- forgotten while an order is placed ----------------------------------------------------------


def _play_erased(history: History) -> None:
    """Ann's first order is long over when she has herself forgotten, just as somebody who is still
    signed in as her orders once more. Who comes first has it; an order that is open is in the way
    of the other, until it is over."""

    def comes(person: Person) -> None:
        authorization = signs_up(history)
        member = Client(history.world, {"Authorization": authorization})
        customer_id = member.call("GET", "/customers/me")["id"]
        _fills_cart(person)
        _orders_as(person, authorization)
        until_over(history)
        history.differs_from_here()
        again = Person(history)
        history.script("columbus again", Warehouse(history.world, COLUMBUS).work)
        history.orders["again"] = again.id
        _fills_cart(again)
        ordering = history.unless_refused("an order", lambda: _orders_as(again, authorization))
        erasing = history.unless_refused("an erasure", lambda: erases(history, customer_id))
        history.together(ordering, erasing)
        while "an erasure" in history.refusals:
            del history.refusals["an erasure"]
            history.world.kernel.sleep(3600)
            history.unless_refused("an erasure", lambda: erases(history, customer_id))()

    goes_shopping(history, "ann", comes)
    works(history, COLUMBUS)


def erases(history: History, customer_id: str) -> None:
    boss = staff(history.world, "csr_supervisor")
    path, asked = f"/staff/customers/{customer_id}/erasure", {"grounds": "requested"}
    boss.call("POST", path, asked)


def _wrong_erased(history: History) -> list[str]:
    """Of ann only her invoices are left, and nobody is being forgotten any more."""
    wrong = still_told(history)
    closed = [order for order in history.world.orders() if order.state == "closed"]
    if not (closed or heard_late(history)) or any(order.contact for order in closed):
        wrong.append(f"{len(closed)} orders were closed, some of somebody")
    return wrong


def still_told(history: History) -> list[str]:
    """What the tables still tell of ann besides her invoices, and who is still being forgotten."""
    wrong = [f"{item['sk']} is still being forgotten" for item in history.world.erasures()]
    for name, table in history.world.wiring.logical_tables.items():
        for item in map(from_item, _scan(history, table)):
            kept = item["sk"].startswith(("INV#", "CRN#")) or _is_nobodys_cart(item)
            if not kept and _names_ann(item):
                wrong.append(f"{name} {item['pk'][:4]} {item['sk']} still tells of ann")
    return wrong


def _is_nobodys_cart(item: Mapping[str, Any]) -> bool:
    """Whether it is a cart that its customer was too late to make theirs: TTL deletes it."""
    order = item.get("order", {})
    return order.get("state") == "draft" and "customer_id" not in order


def _names_ann(item: Mapping[str, Any]) -> bool:
    told = json.dumps(item, ensure_ascii=False).lower()
    return any(word in told for word in ("ann@example", "ann example"))


def _scan(history: History, table: str) -> list[Any]:
    items: list[Any] = history.world.dynamodb.call("Scan", {"TableName": table})["Items"]
    return items


def _records(history: History) -> Mapping[str, Customer]:
    table = history.world.wiring.logical_tables["Customers"]
    found = [from_item(item) for item in _scan(history, table) if item["sk"]["S"] == "CUSTOMER"]
    records = [decode(Customer, item["customer"]) for item in found]
    return {record.id: record for record in records if record.state != "replaced"}


CUSTOMERS = (
    Scenario("invited", _play_invited, _wrong_invited),
    Scenario("merged", _play_merged, _wrong_merged),
    Scenario("erased", _play_erased, _wrong_erased),
)
