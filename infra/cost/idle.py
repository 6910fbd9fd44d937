"""What a month costs in which nobody buys, and what is paid for by the month in any case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cost.meter import Counts, Meter
from infra.cost.prices import PRICES
from infra.local.application import ROOT
from infra.local.template import load
from infra.sim.history import History
from infra.sim.laboratory import PARAMETERS, Laboratory

HOURS = 730
_POLLS_AN_HOUR = 3 * 60  # long polls of 20 seconds
_POLLERS, _FEWEST_POLLERS = 5, 2
_PERIODS = {"minute": 60.0, "minutes": 60.0, "hour": 1.0, "hours": 1.0, "day": 1 / 24}


def month(laboratory: Laboratory) -> dict[str, Counts]:
    """What is used in a month without customers, by its cause."""
    resources = load(ROOT / "template.yaml", PARAMETERS, "eu-central-1").document["Resources"]
    alarms = sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in resources.values())
    found: dict[str, Counts] = {
        "Lambda's pollers look into the queues": {"queue_operations": _polls(resources)},
        "alarms": {"alarms": alarms},
    }
    found |= {
        f"{name} runs on schedule": {kind: times * count for kind, count in used.items()}
        for name, times, used in _scheduled(laboratory, resources)
    }
    return {cause: dict.fromkeys(PRICES, 0.0) | used for cause, used in found.items()}


def _polls(resources: Mapping[str, Any]) -> float:
    """Empty receives. Lambda polls a queue with five pollers; with as few as two while traffic is
    low, but only where no maximum concurrency is set (Lambda developer guide, "Configuring scaling
    behavior for SQS event source mappings")."""
    pollers = 0
    for resource in resources.values():
        if resource["Type"] != "AWS::Lambda::EventSourceMapping":
            continue
        properties = resource["Properties"]
        if "StartingPosition" not in properties:  # what it reads of streams is free
            pollers += _POLLERS if "ScalingConfig" in properties else _FEWEST_POLLERS
    return float(pollers * _POLLS_AN_HOUR * HOURS)


def _scheduled(
    laboratory: Laboratory, resources: Mapping[str, Any]
) -> list[tuple[str, float, Counts]]:
    """Scheduled functions, how often each runs in a month, what one run uses with nothing to do."""
    found = []
    for name, resource in sorted(resources.items()):
        if resource["Type"] != "AWS::Events::Rule":
            continue
        properties = resource["Properties"]
        if "ScheduleExpression" in properties:
            (target,) = properties["Targets"]
            function = target["Arn"]["Fn::GetAtt"][0]
            given = "rebuild" if "rebuild" in target.get("Input", "") else ""
            times = _times(properties["ScheduleExpression"])
            found.append((function, times, _run(laboratory, function, given)))
        assert "ScheduleExpression" in properties or "EventPattern" in properties, name
    return found


def _times(expression: str) -> float:
    """How often a rate(...), or a cron(...) of one time a day, comes round in a month."""
    if expression.startswith("cron("):
        minute, hour, *days = expression.removeprefix("cron(").removesuffix(")").split()
        assert minute.isdigit() and hour.isdigit() and days == ["*", "*", "?", "*"], expression
        return HOURS / 24
    every, unit = expression.removeprefix("rate(").removesuffix(")").split()
    return HOURS * _PERIODS[unit] / int(every)


def _run(laboratory: Laboratory, function: str, action: str) -> Counts:
    """What the second of two runs uses."""
    with laboratory.world() as world:
        history = History(world)

        def script() -> None:
            for _ in range(2):
                meter = Meter(world)
                world.handle(world.lambdas.find(function), {"action": action})
                meter.step("run")
                used.append(meter.total())
                world.kernel.sleep(60)

        used: list[Counts] = []
        history.script("schedule", script)
        history.run()
    return {kind: count for kind, count in used[1].items() if kind in PRICES}
