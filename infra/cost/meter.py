"""Reads the counters of a simulated world and says what was used between two readings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from infra.cost.prices import PRICES
from infra.sim.world import World

LAMBDA_MS, CALL_MS, PAYMENT_MS = 6.0, 6.0, 250.0
"""Modelled billed milliseconds of a warm invocation, of each AWS call it waits for, and of each
call to the payment provider; nobody can measure them here. They are a small part of the bill."""

Counts = dict[str, float]
"""What was used, by the names of PRICES, and `aws_calls`."""
Calls = Counter[tuple[str, str]]
"""Calls by function and operation (`dynamodb.GetItem`)."""


@dataclass
class Meter:
    """`steps` holds what each named step used, in order, `calls` what it called."""

    world: World
    steps: dict[str, Counts] = field(default_factory=dict)
    calls: dict[str, Calls] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last, self._called = self.reading(), Counter(self.world.calls)

    def step(self, name: str) -> None:
        """What was used since the last step belongs to `name`."""
        now, called = self.reading(), Counter(self.world.calls)
        used = self.steps.setdefault(name, dict.fromkeys(now, 0.0))
        for kind, count in now.items():
            used[kind] = round(used[kind] + count - self._last[kind], 9)
        self.calls.setdefault(name, Counter()).update(called - self._called)
        self._last, self._called = now, called

    def total(self) -> Counts:
        """All steps together."""
        kinds = (*PRICES, "aws_calls")
        return {kind: sum(used[kind] for used in self.steps.values()) for kind in kinds}

    def reading(self) -> Counts:
        """Everything used so far."""
        world = self.world
        counts: Counts = dict.fromkeys((*PRICES, "aws_calls"), 0.0)
        counts |= {
            "requests": world.requests,
            "write_units": _units(world, "write"),
            "read_units": _units(world, "read"),
            "transitions": world.executions.transitions,
            "events": world.bus.counts["custom"],
            "queue_operations": world.queues.counts.total(),
            "mails": len(world.sent),
            "files_written": world.files.counts["PutObject"] + world.files.counts["ListObjectsV2"],
            "files_read": world.files.counts["GetObject"],
            "log_bytes": world.log_bytes(),
            "invocations": world.lambdas.invocations.total(),
            "gb_seconds": _gb_seconds(world),
        }
        for (_, operation), calls in world.calls.items():
            counts["aws_calls"] += 0 if operation.startswith("stripe") else calls
            counts["key_requests"] += calls if operation == "ssm.GetParameter" else 0
        return counts


def _units(world: World, kind: str) -> float:
    return sum(amount for (_, of), amount in world.units.items() if of == kind)


def _gb_seconds(world: World) -> float:
    functions = world.wiring.functions.by_id
    spent: Counter[str] = Counter()  # milliseconds times MB
    for name, invocations in world.lambdas.invocations.items():
        spent[name] += int(invocations * LAMBDA_MS * functions[name].memory)
    for (name, operation), calls in world.calls.items():
        each = PAYMENT_MS if operation.startswith("stripe") else CALL_MS
        spent[name] += int(calls * each * functions[name].memory)
    return spent.total() / 1024 / 1000
