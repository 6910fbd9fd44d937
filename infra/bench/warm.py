"""CPU of each request in a warm function with the network stubbed, against botocore alone.

Each request of the journey is made once, its AWS calls and their answers written down; then the
handler gets the same event many times and the same answers, and then botocore alone makes the same
calls with the same parameters and answers. What is above 1 is ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO

import boto3

from infra.bench.journey import Journey, Json, Request
from infra.bench.shop import model_of, shop
from infra.bench.text import table
from infra.bench.wire import Wire
from infra.sim.dynamodb import DynamoDB

CHECKOUT = "checkout"
CHECKOUT_SECONDS = 0.005  # the most it may take on a quiet core
_RUNS = 60


@dataclass(frozen=True, slots=True)
class Warm:
    """CPU seconds of one request: the handler's, and botocore's for the same calls."""

    name: str
    calls: int
    handler: float
    bare: float


def measured(runs: int = _RUNS) -> list[Warm]:
    """Every request of the journey."""
    found: list[Warm] = []
    with shop() as stored:
        model = model_of(stored)
        wire = Wire(model)

        def measure(request: Request) -> Json:
            answer = recorded(request, wire, model)
            found.append(_measured(request, wire, runs))
            wire.record()
            return answer

        with wire.installed(), redirect_stdout(StringIO()):
            Journey(replace(stored, client=boto3.client("dynamodb"), memory={}), measure).run()
    return found


def recorded(request: Request, wire: Wire, model: DynamoDB) -> Json:
    """The answer to a request, whose calls the wire then knows, made as in a warm container."""
    before = model.snapshot()
    wire.record()
    request.run()  # reads settings and secrets, which later requests find in memory
    model.restore(before)
    wire.record()
    return request.run()


def report(found: list[Warm]) -> str:
    """The table of all requests in the order of the journey."""
    rows = [
        (
            warm.name,
            str(warm.calls),
            f"{warm.handler * 1000:.2f}",
            f"{warm.bare * 1000:.2f}",
            f"{(warm.handler - warm.bare) * 1000:.2f}",
            f"{warm.handler / warm.bare:.2f}" if warm.bare else "-",
        )
        for warm in found
    ]
    head = ("REQUEST", "calls", "CPU ms", "botocore ms", "ours ms", "ratio")
    return table(head, rows)


def _measured(request: Request, wire: Wire, runs: int) -> Warm:
    made = list(wire.made)

    def bare() -> None:
        for client, operation, parameters in made:
            client._make_api_call(operation, parameters)

    return Warm(
        request.name,
        len(made),
        best(request.run, wire, runs),
        best(bare, wire, runs) if made else 0.0,
    )


def best(work: Callable[[], object], wire: Wire, runs: int) -> float:
    """The least CPU seconds of several runs: whatever else the machine does only adds."""
    times = []
    for _ in range(runs):
        wire.replay()
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)
