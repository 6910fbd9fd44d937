"""Scenarios of payments of which nobody tells, and of cards that are kept."""

from __future__ import annotations

from functools import partial

from parcelway.store.settlements import unmatched

from infra.demo.people import GOOD, Json
from infra.faults.backorders import BOOT, UNITS, announces, receives, takes_boots, wrong_stock
from infra.faults.people import (
    COLUMBUS,
    Person,
    Scenario,
    dossier_of,
    goes_shopping,
    must,
    works,
)
from infra.sim.history import History
from infra.sim.people import Scheduled, Warehouse

_MINUTES, _RUNS = 15, 8


def _reconciles(history: History) -> None:
    """The reconciler does its rounds, for two hours."""
    rounds = Scheduled(history.world, "ReconcilerFunction", _MINUTES, _RUNS)

    def run() -> None:
        history.world.kernel.sleep(60)  # by then all have paid, as others do
        history.differs_from_here()
        rounds.run()

    history.script("reconciler", run)


def _pays_by_hand(person: Person, placed: Json) -> None:
    """As if the shop had made the payment and died before it could note that: it is marked as the
    shop marks it, and no order knows it."""
    world = person.history.world
    deployment = world.lambdas.find("PaymentFunction").environment["DEPLOYMENT"]
    amount = placed["totals"]["gross"]["minor"]
    world.provider.make_by_hand(person.id, 1, amount, deployment)


def _places(person: Person) -> Json:
    person.add("PASTA", 2)
    person.deliver()
    person.describe()
    return person.place()


# ---- paid, and never heard of: no webhook arrives ------------------------------------------------


def _pays_unheard(person: Person) -> None:
    _places(person)
    person.pay(GOOD)


def _pays_unknown(person: Person) -> None:
    _pays_by_hand(person, _places(person))


def _pays_too_late(person: Person) -> None:
    placed = _places(person)
    person.cancel()
    _pays_by_hand(person, placed)


def _play_unheard(history: History) -> None:
    history.bank.webhooks.lost = True
    for name, does in (
        ("ann", _pays_unheard),
        ("bob", _pays_unknown),
        ("eve", _pays_too_late),
    ):
        goes_shopping(history, name, does)
    _reconciles(history)
    works(history, COLUMBUS, late=1800)


def _disturbed(history: History) -> bool:
    """Whether more went wrong than one thing: then a hold may be over before it is found out that
    it was paid, and the money goes back."""
    injector, conditions = history.world.injector, history.world.conditions
    several = len(injector.plan) + len(injector.drawn) > 1
    return several or conditions.slow or bool(conditions.skew or conditions.stale)


def _wrong_unheard(history: History) -> list[str]:
    wrong = must(history, "eve", "cancelled", {}, captured=False)
    for name in ("ann", "bob"):
        if _disturbed(history) and dossier_of(history, name).order.state == "expired":
            wrong += must(history, name, "expired", {}, captured=False)
        else:
            wrong += must(history, name, "closed", {"PASTA": 2}, captured=True)
    for name in ("bob", "eve"):
        known = {payment.reference for payment in dossier_of(history, name).payments}
        made = history.world.provider.intents_of(history.orders[name])
        wrong += [
            f"{name} was never told of {m.reference}" for m in made if m.reference not in known
        ]
    waiting, _ = unmatched(history.world.database, 100, None)
    return wrong + [f"finance sees {item.id}: {item.why}" for item in waiting]


# ---- an order counts on money that the provider does not have: its review finds that out ---------


def _pays_again(person: Person) -> None:
    _pays_unheard(person)
    person.history.world.kernel.sleep(5 * 3600)
    person.pay(GOOD)


def _play_vanished(history: History) -> None:
    """Of two payments that are held one is gone from the provider, as when a test account is
    emptied, or a key belongs to another one since."""

    def vanishes() -> None:
        history.world.kernel.sleep(3 * 3600)  # older than what every window reaches
        history.differs_from_here()
        provider = history.world.provider
        for intent in provider.intents_of(history.orders["ann"]):
            provider.forget(intent.reference)
        Scheduled(history.world, "ReconcilerFunction", _MINUTES, 2).run()

    goes_shopping(history, "ann", _pays_again)
    goes_shopping(history, "bob", _pays_unheard)
    history.script("reconciler", vanishes)
    works(history, COLUMBUS, late=6 * 3600.0)


def _wrong_vanished(history: History) -> list[str]:
    """She is asked for money before anything leaves, and nobody else is bothered."""
    wrong = []
    for name, asked in (("ann", 1), ("bob", 0)):
        wrong += must(history, name, "closed", {"PASTA": 2}, captured=True)
        types = [event.type for event in dossier_of(history, name).events]
        told = types.count("payment.vanished")
        if dossier_of(history, name).order.state == "closed" and told != asked:
            wrong.append(f"{name}: a payment is said to be gone {told} times, not {asked}")
    return wrong


# ---- a card is kept for goods that are waited for, and the order is called off -------------------


def _calls_it_off(person: Person) -> None:
    takes_boots(4, "ship_complete")(person)
    person.history.world.kernel.sleep(600)
    person.history.differs_from_here()
    person.cancel()


def _play_called_off(history: History) -> None:
    announces(history, 5, days=9)
    goes_shopping(history, "ann", _calls_it_off)


def _wrong_called_off(history: History) -> list[str]:
    wrong = must(history, "ann", "cancelled", {}, captured=False)
    kept = [p.reference for p in dossier_of(history, "ann").payments if p.authorized]
    return wrong + [f"{reference} is still held" for reference in kept]


# ---- its hold is let go when the parcel is at the door: the kept card pays -----------------------


def _voids_once(history: History, done: list[str], warehouse: Warehouse, shipment: Json) -> None:
    if shipment["status"] == "released":
        warehouse.report(shipment, "pack")
        if not done:
            done.append(shipment["id"])
            history.differs_from_here()
            provider = warehouse.world.provider
            for intent in provider.intents_of(shipment["order_id"]):
                provider.lapse(intent.reference)
    warehouse.ship(shipment | {"status": "packed"})


def _play_kept_pays(history: History) -> None:
    announces(history, 5, days=1)
    goes_shopping(history, "ann", takes_boots(4, "ship_available"))
    works(history, COLUMBUS, partial(_voids_once, history, []))
    receives(history, 5, 86400.0)
    works(history, COLUMBUS, late=86400.0)


def _wrong_kept_pays(history: History) -> list[str]:
    """Nobody was bothered: neither the customer nor the shop's people."""
    wrong = must(history, "ann", "closed", {BOOT: 4}, captured=True)
    if dossier_of(history, "ann").order.state == "closed":
        wrong += wrong_stock(history, UNITS + 5 - 4)
    types = [event.type for event in dossier_of(history, "ann").events]
    return wrong + [f"ann: {kind}" for kind in ("payment.needed",) if kind in types]


RECONCILING = (
    Scenario("unheard", _play_unheard, _wrong_unheard),
    Scenario("vanished", _play_vanished, _wrong_vanished, frozenset({"unknown_payment"})),
    Scenario("kept-card-ends", _play_called_off, _wrong_called_off),
    Scenario("kept-card-pays", _play_kept_pays, _wrong_kept_pays),
)
