"""Kits that share components with each other and with what is bought alone; a part of one is sent
back to the shelf."""

from __future__ import annotations

from infra.demo.people import GOOD, Refused
from infra.faults.people import (
    Person,
    Scenario,
    both_nodes_work,
    dossier_of,
    goes_shopping,
    heard_late,
)
from infra.sim.history import History

# Of the five vases ann wants three, bob three.
_ANN, _BOB = {"VASE": 3, "LAMP": 2}, {"VASE": 3, "PASTA": 3}


def _buys_two_kits(person: Person) -> None:
    """Vases with lamps, and a vase alone; then one lamp less."""
    person.add("LIT-VASE", 2)
    person.add("VASE")
    person.deliver()
    person.describe()
    person.place()
    person.pay(GOOD)
    person.history.world.kernel.sleep(20)
    body = {"lines": [{"sku": "LAMP", "quantity": 1}], "reason": "one is enough"}
    try:
        person.api.call("POST", f"{person.path}/cancel", body)
    except Refused as refused:
        person.history.refusals["less"] = refused.code


def _buys_three(person: Person) -> None:
    person.add("FULL-VASE", 3)
    person.deliver()
    person.describe()
    person.place()
    person.pay(GOOD)


def _play_kits(history: History) -> None:
    goes_shopping(history, "ann", _buys_two_kits)
    goes_shopping(history, "bob", _buys_three)
    both_nodes_work(history)


def _wrong_kits(history: History) -> list[str]:
    """One has all of what they wanted, less what was cancelled; the other nothing."""
    wrong, got = [], []
    for name, wanted in {"ann": _ANN, "bob": _BOB}.items():
        order = dossier_of(history, name).order
        has = {line.sku: line.count("delivered") for line in order.lines}
        has = {sku: units for sku, units in has.items() if units}
        less = {sku: units - (sku == "LAMP") for sku, units in wanted.items()}
        if order.state == "closed":
            got.append(name)
        allowed = [wanted, less] if order.state == "closed" else [{}]
        if has not in allowed:
            wrong.append(f"{name}'s order is {order.state} with {has}")
    if len(got) > 1 or (not got and not heard_late(history)):
        wrong.append(f"{got} got vases")
    return wrong


KITS = (Scenario("kits", _play_kits, _wrong_kits),)
