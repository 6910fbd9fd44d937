"""A cost that changes: what was sold before leaves at the old one, the rest is revalued."""

from __future__ import annotations

from dataclasses import replace

from parcelway.domain.money import Money
from parcelway.store import catalogue, revaluing

from infra.faults.people import (
    COLUMBUS,
    Scenario,
    goes_shopping,
    takes_pasta,
    works,
    wrong_pasta,
)
from infra.sim.history import History
from infra.sim.people import Scheduled

_SKU, _COST = "PASTA", Money(201, "USD")
_MINUTES, _RUNS = (
    240,
    4,
)  # the first about when the parcel leaves, the last after it has in any case


def _revalues(history: History) -> None:
    """The cost changes once the order is placed; whoever changes it breaks off when it is written,
    so that all is left to the bookkeeping."""
    rounds = Scheduled(history.world, "BookkeepingFunction", _MINUTES, _RUNS)

    def run() -> None:
        history.world.kernel.sleep(60)
        history.differs_from_here()
        db, now = history.world.database, history.world.kernel.moment
        product = replace(catalogue.get_many(db, [_SKU])[_SKU], unit_cost=_COST)
        revaluing.note(db, [_SKU], now)
        catalogue.put(db, [catalogue.Stored(product, now)])
        rounds.run()

    history.script("the bookkeeping's schedule", run)


def _play_recosted(history: History) -> None:
    goes_shopping(history, "ann", takes_pasta)
    works(history, COLUMBUS, late=60.0 * _MINUTES)
    _revalues(history)


def _wrong_recosted(history: History) -> list[str]:
    """All that is left stands at what it costs now."""
    wrong = wrong_pasta(history)
    db = history.world.database
    for item in db.query(db.stock, f"SKU#{_SKU}", "NODE#"):
        worth, owned = revaluing.worth_of(item), item["owned"]
        if worth.get("USD") != owned * _COST.minor:
            wrong.append(f"{owned} {_SKU} at {item['node']} stand at {worth}")
    return wrong


RECOSTED = (Scenario("recosted", _play_recosted, _wrong_recosted),)
