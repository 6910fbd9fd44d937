"""Whether requests cost the same in a shop with ten orders and in one with a hundred thousand.

Orders, customers and products are copies loaded into our model of DynamoDB, which bills by AWS's
rules; the journey's requests are then made among them. CPU is measured as in `warm`: the model
has answered before, and only what it said is sent again.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO

import boto3
from parcelway.store.database import Database

from infra.bench.journey import Journey, Json, Request
from infra.bench.shop import model_of, populate, shop
from infra.bench.text import table
from infra.bench.warm import best, recorded
from infra.bench.wire import Wire

SIZES = (100, 1_000, 10_000, 100_000)
_RUNS = 15


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request takes: DynamoDB calls, read and write units, CPU seconds with botocore's."""

    name: str
    calls: int
    read: float
    write: float
    seconds: float


def measured(sizes: Sequence[int] = SIZES, runs: int = _RUNS) -> dict[int, list[Cost]]:
    """The journey's requests among so many orders, customers and products."""
    found: dict[int, list[Cost]] = {}
    with shop() as db:
        wire = Wire(model_of(db))
        with wire.installed(), redirect_stdout(StringIO()):
            first = Journey(db, Request.run, number=1)
            first.run()
            empty = model_of(db).snapshot()
            for size in sizes:
                model_of(db).restore(empty)
                populate(db, first.cart_id, size)
                gc.freeze()  # or every collection would go through the model's items
                try:
                    found[size] = _costs(db, wire, runs)
                finally:
                    gc.unfreeze()
    return found


def _costs(db: Database, wire: Wire, runs: int) -> list[Cost]:
    found: list[Cost] = []

    def measure(request: Request) -> Json:
        answer = recorded(request, wire, model_of(db))
        spent = [each for call in wire.consumed for each in call]
        cost = Cost(
            request.name,
            len(wire.consumed),
            sum(each.read for each in spent),
            sum(each.write for each in spent),
            best(request.run, wire, runs),
        )
        found.append(cost)
        wire.record()
        return answer

    buyer = replace(db, client=boto3.client("dynamodb"), memory={})
    Journey(buyer, measure, number=2).run()
    return found


def report(found: dict[int, list[Cost]]) -> str:
    """Calls/read units/write units by size, and CPU of the largest against the smallest."""
    sizes = list(found)
    rows = []
    for costs in zip(*found.values(), strict=True):
        units = [f"{cost.calls}/{cost.read:g}/{cost.write:g}" for cost in costs]
        times = [f"{cost.seconds * 1000:.2f}" for cost in costs]
        flat = "" if len(set(units)) == 1 else "GROWS"
        rows.append((costs[0].name, *units, *times, flat))
    head = ("REQUEST", *(f"{size:,}" for size in sizes), *(f"ms {size:,}" for size in sizes), "")
    return "calls/read units/write units, then CPU\n" + table(head, rows)
