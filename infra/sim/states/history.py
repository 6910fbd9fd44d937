"""An execution's history (GetExecutionHistory), sorted by branch.

The events of concurrent iterations are mixed in one list; previousEventId and the names of the
states tell them apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_FAN = re.compile("(Map|Parallel)State(?:Started|Failed)")

Place = tuple[str, int]
"""The Map or Parallel state around a state ("" for none), and the number of its branch."""


@dataclass(frozen=True, slots=True)
class Entered:
    state: str


@dataclass(frozen=True, slots=True)
class Exited:
    state: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A task's attempt begins."""

    event: int
    resource: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt ended: with `output`, or with an error where `error` is not None."""

    output: Any
    error: str | None
    cause: str


@dataclass(slots=True)
class Fan:
    """An attempt of a Map or Parallel state: its branches by number."""

    branches: dict[int, Branch] = field(default_factory=dict)


Step = Entered | Exited | Scheduled | Answered | Fan


@dataclass(slots=True)
class Branch:
    """What happened in one branch, in order.

    `last` is the id of its last event; `within` is "Map" or "Parallel" while it is in such a state.
    """

    place: Place
    parent: Branch | None
    steps: list[Step] = field(default_factory=list)
    last: int = 0
    within: str = ""


def branches(definition: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Branch:
    """The whole execution as its outermost branch."""
    places = dict(_places(definition, ("", 0)))
    root = Branch(("", 0), None)
    owners: dict[int, Branch] = {0: root}
    for event in sorted(events, key=lambda each: int(each["id"])):
        owner = _owner(places, owners[event["previousEventId"]], event)
        _record(owner, event)
        owner.last = event["id"]
        owners[event["id"]] = owner
    return root


def _places(program: Mapping[str, Any], place: Place) -> Iterable[tuple[str, Place]]:
    for name, state in program["States"].items():
        yield name, place
        inner = [*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])]
        for number, each in enumerate(inner):
            yield from _places(each, (name, number))


def _owner(places: Mapping[str, Place], previous: Branch, event: Mapping[str, Any]) -> Branch:
    for details in ("stateEnteredEventDetails", "stateExitedEventDetails"):
        if details in event:
            return _at(places, previous, event[details]["name"])
    if event["type"] == "MapIterationStarted":
        details = event["mapIterationStartedEventDetails"]
        outer = _at(places, previous, details["name"])
        return _open(outer, (details["name"], 0), details["index"])
    fan = _FAN.fullmatch(event["type"])
    return _fanning(previous, fan[1]) if fan else previous


def _fanning(previous: Branch, kind: str) -> Branch:
    """The innermost branch that is in a Map (or Parallel) state: the event does not name it."""
    branch: Branch | None = previous
    while branch is not None and branch.within != kind:
        branch = branch.parent
    if branch is None:
        raise ValueError(f"a {kind} state that was never entered")
    return branch


def _at(places: Mapping[str, Place], previous: Branch, state: str) -> Branch:
    """The branch that is in `state`: `previous`, one around it, or one that begins with it."""
    branch: Branch | None = previous
    while branch is not None and branch.place != places[state]:
        branch = branch.parent
    if branch is not None:
        return branch
    around, number = places[state]
    return _open(_at(places, previous, around), (around, number), number)


def _open(outer: Branch, place: Place, number: int) -> Branch:
    fan = next(step for step in reversed(outer.steps) if isinstance(step, Fan))
    fan.branches[number] = Branch(place, outer)
    return fan.branches[number]


def _record(branch: Branch, event: Mapping[str, Any]) -> None:
    kind = event["type"]
    if kind.endswith("StateEntered"):
        branch.steps.append(Entered(event["stateEnteredEventDetails"]["name"]))
        branch.within = kind.removesuffix("StateEntered")
    elif kind.endswith("StateExited"):
        branch.steps.append(Exited(event["stateExitedEventDetails"]["name"]))
    elif kind in {"MapStateStarted", "ParallelStateStarted"}:
        branch.steps.append(Fan())
    elif kind in {"MapStateFailed", "ParallelStateFailed"}:
        branch.within = ""
    elif kind == "TaskScheduled":
        details = event["taskScheduledEventDetails"]
        branch.steps.append(
            Scheduled(event["id"], details["resource"], json.loads(details["parameters"]))
        )
    elif kind in {"TaskSucceeded", "TaskFailed", "TaskTimedOut"}:
        _record_answer(branch, event)


def _record_answer(branch: Branch, event: Mapping[str, Any]) -> None:
    """What comes without an attempt, or from one that timed out before, is no answer."""
    kind, attempt = event["type"], branch.steps[-1]
    if not isinstance(attempt, Scheduled) or event["previousEventId"] < attempt.event:
        return
    if kind == "TaskSucceeded":
        output = json.loads(event["taskSucceededEventDetails"]["output"])
        branch.steps.append(Answered(output, None, ""))
    else:
        details = event[
            "taskFailedEventDetails" if kind == "TaskFailed" else "taskTimedOutEventDetails"
        ]
        branch.steps.append(Answered(None, details["error"], details.get("cause") or ""))
