"""The state machine's definition: waits end, failures have a way out, no history fills up.

Step Functions ends an execution whose history has 25,000 events (Step Functions Developer Guide,
"Service quotas"). How many an execution can have follows from its definition: each attempt of a
task, each way round a loop, for as long as the machine may run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import ceil, log2
from typing import Any

import pytest

from tests.infra.expanded import ROOT, of_type

Json = dict[str, Any]
HISTORY = 25_000
PROMISED = 2_000
DAY = 86_400
MACHINE: Json = json.loads((ROOT / "infra" / "fulfillment.asl.json").read_text())
WAITING = ".waitForTaskToken"


def levels(machine: Json = MACHINE) -> Iterator[Json]:
    """The machine and every Map's inner one."""
    yield machine
    for state in machine["States"].values():
        if state["Type"] == "Map":
            yield from levels(state["ItemProcessor"])


STATES = {name: state for level in levels() for name, state in level["States"].items()}
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
(SHIPMENT,) = [level for level in levels() if level is not MACHINE]


def exits(state: Json) -> Iterator[tuple[str, int]]:
    """Where a state leads, and the fewest seconds after which it does."""
    if "Next" in state:
        yield state["Next"], state.get("Seconds", 0)
    for caught in state.get("Catch", []):
        expired = "States.Timeout" in caught["ErrorEquals"]
        yield caught["Next"], state["TimeoutSeconds"] if expired else 0


def attempts(state: Json) -> int:
    """The most times a task is tried within one visit. Each retrier counts its own retries."""
    return 1 + sum(retry["MaxAttempts"] for retry in state.get("Retry", []))


def events_of_attempt(state: Json) -> int:
    """TaskScheduled, -Started, with a token -Submitted, and -Succeeded, -Failed or -TimedOut."""
    return 4 if state["Resource"].endswith(WAITING) else 3


def events_of_visit(state: Json, tries: int) -> int:
    """With its StateEntered and StateExited."""
    if state["Type"] == "Task":
        return 2 + tries * events_of_attempt(state)
    return {"Wait": 2, "Succeed": 2}[state["Type"]]


def loops(level: Json) -> list[tuple[tuple[str, ...], int]]:
    """Every way round, each once, with the fewest seconds that it takes."""
    found: dict[frozenset[str], tuple[tuple[str, ...], int]] = {}

    def walk(path: tuple[str, ...], seconds: int) -> None:
        for following, takes in exits(level["States"][path[-1]]):
            if following in path:
                way = path[path.index(following) :]
                spent = seconds + takes if way == path else _seconds(level, (*way, following))
                found.setdefault(frozenset(way), (way, spent))
            else:
                walk((*path, following), seconds + takes)

    for name in level["States"]:
        walk((name,), 0)
    return list(found.values())


def _seconds(level: Json, way: tuple[str, ...]) -> int:
    return sum(
        min(takes for following, takes in exits(level["States"][here]) if following == there)
        for here, there in pairwise(way)
    )


def quiet_events(level: Json) -> int:
    """Nothing fails, and nothing happens: the busiest loop for as long as the machine may run."""
    rounds = [
        ceil(MACHINE["TimeoutSeconds"] / seconds)
        * sum(events_of_visit(level["States"][name], 1) for name in way)
        for way, seconds in loops(level)
    ]
    return max(rounds, default=0)


def once_round_events(level: Json) -> int:
    """Every state once, each with every retry that it has but the daily look at a hold."""
    return sum(
        events_of_visit(state, attempts(state) - _looks(state))
        for name, state in level["States"].items()
        if state["Type"] != "Map" and name not in SKIPS_ALL_SHIPMENTS
    )


def _looks(state: Json) -> int:
    """Retries that are waits: one hour apart and more."""
    slow = (r for r in state.get("Retry", []) if r.get("IntervalSeconds", 0) >= 3600)
    return sum(retry["MaxAttempts"] for retry in slow)


def hold_events(level: Json) -> int:
    """An order on hold, or not to be paid for, until the machine's end: at first a few looks in a
    day, from 3600 s on doubling, then one."""
    waits = [looks for state in level["States"].values() if (looks := _looks(state))]
    daily = MACHINE["TimeoutSeconds"] // DAY
    first_day = ceil(log2(DAY / 3600))
    return 3 * min(sum(waits), daily + first_day * len(waits))


FOR_US = {"Invoice"}  # waits for another function of ours, and for nobody
SKIPS_ALL_SHIPMENTS = {"SoldOut", "Cancelled"}
FIXED = 2 + 4 + 2  # ExecutionStarted and -Succeeded, the Map, and two events of an iteration


def test_the_machine_and_every_task_ends() -> None:
    assert 0 < MACHINE["TimeoutSeconds"] <= 365 * DAY  # an execution lives a year at most
    for name, task in TASKS.items():
        assert 0 < task["TimeoutSeconds"] < MACHINE["TimeoutSeconds"], name


def test_only_known_kinds_of_states() -> None:
    assert {state["Type"] for state in STATES.values()} <= {"Task", "Map", "Succeed", "Wait"}
    kinds = {"arn:aws:states:::lambda:invoke", f"arn:aws:states:::lambda:invoke{WAITING}"}
    assert {task["Resource"] for task in TASKS.values()} == kinds


def test_a_task_lasts_as_long_as_its_function() -> None:
    """Or the machine would try again while the first try still runs."""
    functions = of_type("Lambda::Function")
    (machine,) = of_type("StepFunctions::StateMachine").values()
    named = machine["DefinitionSubstitutions"]
    for name, task in TASKS.items():
        substitution = task["Parameters"]["FunctionName"].strip("${}")
        function = functions[named[substitution]["Fn::GetAtt"][0]]
        assert task["TimeoutSeconds"] > function["Timeout"], name


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_is_retried_with_patience_and_bounds(name: str) -> None:
    *named, rest = TASKS[name]["Retry"]
    assert rest["ErrorEquals"] == ["States.ALL"]
    note = name.endswith("Overdue")
    assert (10 if note else 40) <= rest["MaxAttempts"] <= 50  # hours of outage, not days
    assert (rest["BackoffRate"], rest["MaxDelaySeconds"]) == (2, 3600)
    assert rest["JitterStrategy"] == "FULL"
    caught = {error for catch in TASKS[name].get("Catch", []) for error in catch["ErrorEquals"]}
    for retry in named:
        if retry["MaxAttempts"] == 0:  # not retried because it is an answer, so it is branched on
            assert set(retry["ErrorEquals"]) <= caught
        else:
            assert retry["MaxDelaySeconds"] <= DAY
    # All else fails the execution, which rings and can be redriven from the state that failed.
    assert ("States.ALL" in caught) is note


def test_a_wait_for_a_person_is_looked_after_when_it_is_over() -> None:
    for name, task in TASKS.items():
        if task["Resource"].endswith(WAITING) and name not in FOR_US:
            by_error = {e: catch["Next"] for catch in task["Catch"] for e in catch["ErrorEquals"]}
            assert set(by_error) == {"OrderCancelled", "States.Timeout"}, name
            assert dict(exits(STATES[by_error["States.Timeout"]])) == {name: 0}


def test_a_wait_for_us_is_asked_for_again_when_it_is_over() -> None:
    for name in FOR_US:
        assert TASKS[name]["Resource"].endswith(WAITING)
        assert [retry["ErrorEquals"] for retry in TASKS[name]["Retry"]] == [["States.ALL"]]
        assert TASKS[name]["TimeoutSeconds"] <= 3600


def test_no_state_is_without_a_way_out_or_in() -> None:
    for level in levels():
        states: Mapping[str, Json] = level["States"]
        ends = {n for n, s in states.items() if s.get("End") or s["Type"] == "Succeed"}
        leaving, entered = set(ends), {level["StartAt"]}
        for _ in states:
            leaving |= {n for n, s in states.items() if {to for to, _ in exits(s)} & leaving}
            entered |= {to for n in entered for to, _ in exits(states[n])}
        assert leaving == entered == set(states)


def test_every_loop_takes_days() -> None:
    assert {way: seconds for way, seconds in loops(MACHINE)} == {}
    found = {frozenset(way): seconds for way, seconds in loops(SHIPMENT)}
    assert {frozenset({"Release", "PackingOverdue"}): 3 * DAY} | found == found
    assert min(found.values()) >= 3 * DAY


def test_the_longest_history_of_a_shipment_keeps_the_promise() -> None:
    """Half a year in its busiest loop, or on hold, and every state's every retry once."""
    waiting = max(quiet_events(SHIPMENT), hold_events(SHIPMENT))
    most = FIXED + once_round_events(MACHINE) + once_round_events(SHIPMENT) + waiting
    print(f"a shipment's longest history: {most} events")
    assert most <= PROMISED


def test_histories_of_many_shipments_fit() -> None:
    each = once_round_events(SHIPMENT) + max(quiet_events(SHIPMENT), hold_events(SHIPMENT)) + 2
    fit = (HISTORY - FIXED - once_round_events(MACHINE)) // each
    print(f"{fit} shipments of {each} events each fit into one history")
    assert fit >= 10


def test_even_every_retry_in_every_round_fits() -> None:
    """A service that fails all but the last try, each time round for half a year."""
    rounds = [
        ceil(MACHINE["TimeoutSeconds"] / seconds)
        * sum(
            events_of_visit(SHIPMENT["States"][n], attempts(s) - _looks(s))
            for n, s in ((name, SHIPMENT["States"][name]) for name in way)
        )
        for way, seconds in loops(SHIPMENT)
    ]
    most = max(rounds) + once_round_events(MACHINE) + once_round_events(SHIPMENT) + FIXED
    print(f"with every retry in every round: {most} events")
    assert most < HISTORY
