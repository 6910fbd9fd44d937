"""Somebody is forgotten of whom more is there than what they ordered themselves: a bank's dispute,
and what a marketplace sold to them."""

from __future__ import annotations

from parcelway.store.credit import get_account

from infra.demo.marketplace import MACHINE, MEDIA, SOURCE, body, sold
from infra.demo.people import GOOD, transfer
from infra.faults.customers import erases, still_told
from infra.faults.people import (
    COLUMBUS,
    Person,
    Scenario,
    dossier_of,
    goes_shopping,
    heard_late,
    signs_up,
    until_over,
    works,
)
from infra.sim.history import History
from infra.sim.people import Client, staff

_HOUR, _DAY = 3600.0, 86400.0
_TERMS = {"limit": {"minor": 100_000, "currency": "USD"}, "days": 30}


def _marketplace_sells(history: History) -> None:
    """An order for ann's mailbox, which the marketplace pays for later."""
    staff(history.world, "finance").call("PUT", f"/staff/accounts/{SOURCE}/credit", _TERMS)
    machine, rows = staff(history.world, *MACHINE), [sold("M-9", "PASTA", rate=0)]
    path = f"/staff/imports/{SOURCE}/orders"
    (result,) = machine.send(path, body(rows), MEDIA)["results"]
    history.orders["marketplace"] = result["order_id"]


def _marketplace_pays(history: History) -> None:
    account = get_account(history.world.database, SOURCE)
    if account is not None and account.open:
        path = f"/staff/orders/{history.orders['marketplace']}/transfers"
        staff(history.world, "finance").call("POST", path, transfer(account.open, "IN-M-9"))


def _play(history: History) -> None:
    """What is not over is in the way: then the desk asks again in an hour."""

    def comes(person: Person) -> None:
        authorization = signs_up(history)
        member = Client(history.world, {"Authorization": authorization})
        customer_id = member.call("GET", "/customers/me")["id"]
        _marketplace_sells(history)
        person.api.headers["Authorization"] = authorization
        person.api.call("POST", f"{person.path}/claim")
        person.add("PASTA")
        person.deliver()
        person.describe()
        person.place()
        person.pay(GOOD)
        until_over(history)
        history.differs_from_here()
        history.together(
            lambda: _is_disputed(history, person),
            lambda: _marketplace_pays(history),
            lambda: _is_forgotten(history, customer_id),
        )

    goes_shopping(history, "ann", comes)
    works(history, COLUMBUS)


def _is_disputed(history: History, person: Person) -> None:
    """The bank looks into the payment for a day, and finds for the shop."""
    world = history.world
    for intent in world.provider.intents_of(person.id):
        dispute = world.provider.dispute(intent.reference, amount=100, reason="duplicate")
        history.bank.webhooks.tell()
        world.kernel.sleep(_DAY)
        world.provider.end_dispute(dispute, won=True)
        history.bank.webhooks.tell()


def _is_forgotten(history: History, customer_id: str) -> None:
    """As often as it takes, from the moment that the dispute is known of."""
    history.world.kernel.sleep(_HOUR)
    tried = history.unless_refused("an erasure", lambda: erases(history, customer_id))
    tried()
    while history.refusals.pop("an erasure", ""):
        history.world.kernel.sleep(_HOUR)
        tried()


def _wrong(history: History) -> list[str]:
    """Unless both orders are nobody's, and of ann only what her invoice was issued with is left."""
    wrong = still_told(history)
    for name in history.orders:
        dossier, late = dossier_of(history, name), name == "ann" and heard_late(history)
        ended = dossier.order.state == "closed" or (late and dossier.order.state == "expired")
        if not ended or dossier.order.contact is not None:
            wrong.append(f"{name}: {dossier.order.state}, of {dossier.order.contact}")
        for invoice in dossier.invoices:
            if invoice.buyer.phone or not invoice.buyer.name:
                wrong.append(f"{name}: invoice {invoice.number} is to {invoice.buyer}")
    return wrong


FORGETTING = (Scenario("forgotten person", _play, _wrong, frozenset({"dispute_opened"})),)
