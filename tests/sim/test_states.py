"""The interpreter by itself: its paths, what it refuses, when it waits, what a task is asked."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sim.states import ExecutionFailed, Machine
from tests.sim.state_cases import CASES
from tests.sim.state_pieces import (
    ALL,
    GIVES,
    A,
    Actor,
    Case,
    catch,
    choice,
    definition,
    each,
    parallel,
    retry,
    task,
)

FULFILLMENT = json.loads(Path("infra/fulfillment.asl.json").read_text())


def machine(states: dict[str, Any]) -> Machine:
    return Machine(definition(Case("", states, "")))


def output(states: dict[str, Any], given: Any, host: Actor | None = None) -> Any:
    return machine(states).run(host or Actor(), given, {"Execution": {"Name": "e"}})


DONE = {"Type": "Succeed"}
PASS = {"Type": "Pass", "End": True}
REFUSED: dict[str, dict[str, Any]] = {
    "unknown Type": {"S": {"Type": "Activity", "End": True}},
    "unknown ['Resutl']": {"S": {**PASS, "Resutl": 1}},
    "HeartbeatSeconds": {"S": task(GIVES, HeartbeatSeconds=5)},
    "TimeoutSecondsPath": {"S": task(GIVES, TimeoutSecondsPath="$.t")},
    "no state 'Nowhere'": {"S": {"Type": "Pass", "Next": "Nowhere"}},
    "no state 'Lost'": {"S": task(A, Catch=[catch("A", "Lost")])},
    "never reached": {"S": PASS, "T": PASS},
    "either Next or End": {"S": {"Type": "Pass"}},
    "no state ends": {"S": {"Type": "Pass", "Next": "T"}, "T": {"Type": "Pass", "Next": "S"}},
    "another state has this name": {"S": each({"S": PASS})},
    "unknown Resource": {"S": {**task(GIVES), "Resource": "arn:aws:states:::sqs:sendMessage"}},
    "FunctionName and Payload": {"S": {**task(GIVES), "Parameters": {"Payload": {}}}},
    "stands alone": {"S": task(A, Retry=[retry(ALL), retry("A")])},
    "alone, in the last": {"S": task(A, Catch=[catch(ALL, "T"), catch("A", "T")]), "T": DONE},
    "IntervalSeconds is": {"S": task(A, Retry=[retry("A") | {"IntervalSeconds": 0}])},
    "BackoffRate is": {"S": task(A, Retry=[retry("A", BackoffRate=0.5)])},
    "MaxDelaySeconds must": {"S": task(A, Retry=[retry("A", MaxDelaySeconds=1)])},
    "unknown JitterStrategy": {"S": task(A, Retry=[retry("A", JitterStrategy="HALF")])},
    "not a path": {"S": {**PASS, "InputPath": "$..a"}},
    "only names can be written to": {"S": {**PASS, "ResultPath": "$.a[0]"}},
    "cannot read an intrinsic": {"S": {**PASS, "Parameters": {"a.$": "plain"}}},
    "not among the intrinsic": {"S": {**PASS, "Parameters": {"a.$": "States.UUID()"}}},
    "cannot compare": {"S": choice({"Variable": "$.a", "NumericEquals": "1"}), "Yes": DONE},
    "a choice rule needs": {"S": choice({"Variable": "$.a", "Like": "1"}), "Yes": DONE},
    "without Choices": {"S": {"Type": "Choice", "Default": "Yes"}, "Yes": DONE},
    "only INLINE": {
        "S": each({"T": PASS})
        | {"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "T"}}
    },
    "Wait needs one of": {"S": {"Type": "Wait", "End": True}},
    "Parallel without": {"S": parallel()},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_not_known_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        machine(REFUSED[message])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_path_that_is_documented(case: Case) -> None:
    actor = Actor()
    ends = "SUCCEEDED"
    try:
        Machine(definition(case)).run(actor, case.input, {"Execution": {"Name": "e"}})
    except ExecutionFailed as failure:
        ends = failure.error
    assert (" ".join(actor.path), ends) == (case.path, case.ends)


def test_top_level_fields() -> None:
    assert Machine(FULFILLMENT).timeout_seconds == 180 * 24 * 3600
    for change in ({"QueryLanguage": "JSONata"}, {"Version": "2.0"}, {"Retries": 1}):
        with pytest.raises(ValueError, match="known"):
            Machine(FULFILLMENT | change)


def test_a_flaw_deep_in_our_own_definition_is_found() -> None:
    broken = copy.deepcopy(FULFILLMENT)
    iteration = broken["States"]["Shipments"]["ItemProcessor"]["States"]
    iteration["Release"]["Catch"][0]["Next"] = "Close"  # is outside of the iteration
    with pytest.raises(ValueError, match="no state 'Close'"):
        Machine(broken)


def test_retries_wait_longer_and_longer() -> None:
    host = Actor()
    policy = retry("A", attempts=6, IntervalSeconds=2, BackoffRate=3, MaxDelaySeconds=60)
    with pytest.raises(ExecutionFailed, match="A"):
        output({"T": task(A, Retry=[policy])}, {}, host)
    assert host.waits == [2, 6, 18, 54, 60, 60]
    jittered = Actor()  # its dice always fall in the middle
    with pytest.raises(ExecutionFailed):
        output({"T": task(A, Retry=[policy | {"JitterStrategy": "FULL"}])}, {}, jittered)
    assert jittered.waits == [each / 2 for each in host.waits]


def test_forty_retries_of_our_own_definition_do_not_overflow() -> None:
    host = Actor()
    policy = FULFILLMENT["States"]["Close"]["Retry"][0] | {"MaxAttempts": 2000}
    with pytest.raises(ExecutionFailed):
        output({"T": task(A, Retry=[policy])}, {}, host)
    assert (len(host.waits), max(host.waits)) == (2000, 1800)


def test_each_attempt_has_a_token_of_its_own_and_knows_its_number() -> None:
    asked: list[Any] = []

    class Asking(Actor):
        def invoke_and_wait(
            self, function_arn: str, payload: Any, token: str, timeout: float
        ) -> Any:
            asked.append((payload["token"], payload["n"], timeout))
            return super().invoke_and_wait(function_arn, payload, token, timeout)

    state = task({"fails": "A"}, {"fails": "A"}, GIVES, wait=True, Retry=[retry("A")])
    state["Parameters"]["Payload"]["n.$"] = "$$.State.RetryCount"
    output({"T": state | {"TimeoutSeconds": 7}}, {}, Asking())
    assert asked == [("token-1", 0, 7.0), ("token-2", 1, 7.0), ("token-3", 2, 7.0)]


def test_there_is_no_token_where_nobody_waits() -> None:
    state = task(GIVES)
    state["Parameters"]["Payload"]["token.$"] = "$$.Task.Token"
    with pytest.raises(ExecutionFailed, match=r"States\.Runtime"):
        output({"T": state}, {})


def test_branches_are_limited_by_max_concurrency() -> None:
    limits: list[tuple[int, int]] = []

    class Counting(Actor):
        def all(self, branches: Any, limit: int) -> list[Any]:
            limits.append((len(branches), limit))
            return super().all(branches, limit)

    output(
        {"M": each({"P": PASS}, MaxConcurrency=2, Next="N"), "N": each({"Q": PASS})},
        [1, 2, 3],
        Counting(),
    )
    assert limits == [(3, 2), (3, 0)]


def test_input_is_never_changed_in_place() -> None:
    given = {"a": {"b": 1}, "l": [{"x": 1}]}
    kept = copy.deepcopy(given)
    states = {
        "P": {"Type": "Pass", "Result": 2, "ResultPath": "$.a.c.d", "Next": "M"},
        "M": each(
            {"Q": {**PASS, "Result": 3, "ResultPath": "$.y"}}, ItemsPath="$.l", ResultPath="$.m"
        ),
    }
    assert output(states, given) == {
        "a": {"b": 1, "c": {"d": 2}},
        "l": [{"x": 1}],
        "m": [{"x": 1, "y": 3}],
    }
    assert given == kept


def test_time_comes_from_the_host() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    states: dict[str, Any] = {
        "W": {"Type": "Wait", "Timestamp": "2026-03-01T13:00:00+00:30", "Next": "P"},
        "P": {**PASS, "Parameters": {"at.$": "$$.State.EnteredTime"}},
    }

    class Timed(Actor):
        def now(self) -> datetime:
            return now + timedelta(seconds=sum(self.waits))

    host = Timed()
    assert output(states, {}, host) == {"at": "2026-03-01T12:30:00.000Z"}
    assert host.waits == [1800.0]
    with pytest.raises(TypeError, match="Clock"):
        output(states, {})


def applies(rule: dict[str, Any], given: Any) -> bool:
    no = {**PASS, "Result": "no"}
    states = {"Q": choice(rule, Default="No"), "Yes": {**PASS, "Result": "yes"}, "No": no}
    return bool(output(states, given) == "yes")


ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "GreaterThan": lambda a, b: a > b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThanEquals": lambda a, b: a >= b,
}


@given(
    st.sampled_from(sorted(ORDER)),
    st.one_of(
        st.tuples(st.just("Numeric"), st.integers(-3, 3), st.integers(-3, 3)),
        st.tuples(st.just("String"), st.text("ab", max_size=2), st.text("ab", max_size=2)),
    ),
)
def test_comparisons(name: str, values: tuple[str, Any, Any]) -> None:
    family, left, right = values
    expected = ORDER[name](left, right)
    given = {"a": left, "b": right}
    assert applies({"Variable": "$.a", f"{family}{name}": right}, given) is expected
    assert applies({"Variable": "$.a", f"{family}{name}Path": "$.b"}, given) is expected
    other = {"Numeric": "String", "String": "Numeric"}[family]  # of another type: never
    wrong = {"Numeric": "x", "String": 1}[family]
    assert not applies({"Variable": "$.a", f"{other}{name}": wrong}, given)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ({"BooleanEquals": True}, True, True),
        ({"BooleanEquals": True}, 1, False),
        ({"NumericEquals": 1}, True, False),
        ({"TimestampLessThan": "2026-01-01T01:00:00+01:00"}, "2025-12-31T23:59:59Z", True),
        ({"TimestampEquals": "2026-01-01T01:00:00+01:00"}, "2026-01-01T00:00:00Z", True),
        ({"TimestampEquals": "2026-01-01T00:00:00Z"}, "2026-01-01", False),
        ({"StringMatches": "a*c.\\*"}, "abbc.*", True),
        ({"StringMatches": "a*c.\\*"}, "abbc..", False),
        ({"StringMatches": "*"}, 1, False),
        ({"IsNull": True}, None, True),
        ({"IsString": True}, None, False),
        ({"IsNumeric": True}, 1.5, True),
        ({"IsNumeric": True}, True, False),
        ({"IsBoolean": False}, "true", True),
        ({"IsTimestamp": True}, "2026-01-01T00:00:00Z", True),
        ({"IsTimestamp": True}, "yesterday", False),
        ({"IsPresent": True}, None, True),
    ],
)
def test_other_operators(rule: dict[str, Any], value: Any, expected: bool) -> None:
    assert applies({"Variable": "$.a", **rule}, {"a": value}) is expected


def test_a_variable_that_is_not_there() -> None:
    assert applies({"Variable": "$.a.b", "IsPresent": False}, {"a": 1})
    with pytest.raises(ExecutionFailed, match=r"States\.Runtime"):
        applies({"Variable": "$.a.b", "IsNull": True}, {"a": 1})


def test_an_order_takes_microseconds() -> None:
    """A happy order of one parcel, without what its functions take: 0.02 ms here."""
    compiled = Machine(FULFILLMENT)
    order = {"order_id": "o", "wave": 1}

    class Quick(Actor):
        def invoke(self, function_arn: str, payload: Any, timeout: float) -> Any:
            return {**order, "shipments": [{**order, "shipment_id": "s"}]}

        def invoke_and_wait(self, function_arn: str, payload: Any, *_: Any) -> Any:
            return {}

    best = 1.0
    for _ in range(20):
        host, started = Quick(), time.process_time()
        compiled.run(host, order, {})
        best = min(best, time.process_time() - started)
    assert host.path == [
        "Schedule",
        "Shipments",
        "Release",
        "AwaitShipped",
        "Invoice",
        "Capture",
        "AwaitDelivered",
        "Close",
    ]
    assert best < 0.001
