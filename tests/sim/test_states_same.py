"""One interpreter against the other: small machines run on moto, their histories on ours."""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.stack import Stack
from infra.sim.states import Machine
from infra.sim.states.replay import Differs, replay
from tests.sim.state_cases import CASES
from tests.sim.state_pieces import (
    ALL,
    GIVES,
    KEY_EACH,
    A,
    B,
    Case,
    catch,
    choice,
    definition,
    each,
    parallel,
    retry,
    task,
)

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Actor:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: app.handler, CodeUri: actor/, Timeout: 10}
"""
HANDLER = """
import json, sys, time, boto3
from botocore.exceptions import ClientError
turns = sys.__dict__.setdefault("states_turns", {})  # shared by all instances of this module
def handler(event, context):
    key, plan = event["key"], event["plan"]
    turn = turns[key] = turns.get(key, -1) + 1
    act = plan[min(turn, len(plan) - 1)]
    if "raises" in act:
        raise type(act["raises"], (Exception,), {})("it failed")
    if "token" in event:
        try:
            answer(boto3.client("stepfunctions"), event["token"], act)
        except ClientError:  # a branch beside this one failed, and nobody waits here any more
            return {"too_late": True}
        return {"ignored": True}
    if "sleeps" in act:
        time.sleep(act["sleeps"])
    return act.get("gives")
def answer(states, token, act):
    if "fails" in act:
        states.send_task_failure(taskToken=token, error=act["fails"], cause="said so")
    elif "gives" in act:
        states.send_task_success(taskToken=token, output=json.dumps(act["gives"]))
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("states")
    (folder / "actor").mkdir()
    (folder / "actor" / "app.py").write_text(HANDLER)
    (folder / "template.yaml").write_text(TEMPLATE)
    with Stack(
        folder / "template.yaml", wait_scale=0.001, timeout_scale=0.2, check_permissions=False
    ) as running:
        yield running


def run(stack: Stack, declared: dict[str, Any], given: Any) -> tuple[Any, list[Any]]:
    """Its description and its history, once it has ended; after 3 s it is stopped."""
    states = stack.client("stepfunctions")
    machine = states.create_state_machine(
        name=uuid.uuid4().hex,
        definition=json.dumps(declared),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(given))
    arn = execution["executionArn"]
    until = time.monotonic() + 3
    while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.monotonic() > until:
            states.stop_execution(executionArn=arn)
        time.sleep(0.01)
    return described, states.get_execution_history(executionArn=arn)["events"]


def transitions(stack: Stack, described: Any) -> int:
    return stack.counts["transition", described["stateMachineArn"].rsplit(":", 1)[1]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_moto_takes_the_same_path(case: Case, stack: Stack) -> None:
    declared = definition(case, stack.attribute("Actor", "Arn"))
    described, events = run(stack, declared, case.input)
    path: list[str] = []
    try:
        path = replay(Machine(declared), declared, described, events)
    except Differs:
        if not case.moto_differs:
            raise
    ends = described.get("error", described["status"])
    same = (" ".join(path), ends) == (case.path, case.ends)
    assert same is not bool(case.moto_differs), (path, described)
    if same and '"Retry"' not in json.dumps(declared):
        assert transitions(stack, described) == len(path)


def test_another_path_is_noticed(stack: Stack) -> None:
    """The history of each machine, held to machines that are a little different."""
    arn = stack.attribute("Actor", "Arn")
    told = Case(
        "",
        {
            "Q": choice({"Variable": "$.n", "NumericEquals": 1}, Default="No"),
            "Yes": task({"raises": "A"}, {"gives": 1}, Retry=[retry("A")], Next="M"),
            "No": {"Type": "Fail", "Error": "No"},
            "M": each({"P": {"Type": "Pass", "Result": 3, "End": True}}, ItemsPath="$.Payloads"),
        },
        "",
    )
    declared = definition(told, arn)
    declared["States"]["Yes"]["ResultSelector"] = {"Payloads.$": "States.Array($.Payload, 2)"}
    described, events = run(stack, declared, {"n": 1})
    assert replay(Machine(declared), declared, described, events) == ["Q", "Yes", "Yes", "M", *"PP"]
    changes: dict[str, Callable[[Any], None]] = {
        "another branch": lambda s: s["Q"]["Choices"][0].update(NumericEquals=2),
        "another payload": lambda s: s["Yes"]["Parameters"]["Payload"].update(plan=[]),
        "another function": lambda s: s["Yes"]["Parameters"].update(FunctionName="other"),
        "no retry": lambda s: s["Yes"].update(Retry=[]),
        "another output": lambda s: s["M"]["ItemProcessor"]["States"]["P"].update(Result=4),
        "fewer iterations": lambda s: s["Yes"].update(
            ResultSelector={"Payloads.$": "States.Array($.Payload)"}
        ),
        "one state more": lambda s: s.update(
            {"M": {**s["M"], "End": False, "Next": "D"}, "D": {"Type": "Succeed"}}
        ),
    }
    for change in changes.values():
        altered = copy.deepcopy(declared)
        change(altered["States"])
        if altered["States"]["M"].get("End") is False:
            del altered["States"]["M"]["End"]
        with pytest.raises(Differs):
            replay(Machine(altered), altered, described, events)
    cut = [event for event in events if event["id"] < 5]  # a history that breaks off
    with pytest.raises(Differs, match="RUNNING"):
        replay(Machine(declared), declared, described, cut)
    assert replay(Machine(declared), declared, described | {"status": "RUNNING"}, cut)


# ---- machines nobody thought of --------------------------------------------------------------

ACTS = st.sampled_from([[GIVES], [A, GIVES], [A, A, B, GIVES], [B, A, GIVES], [A], [B]])
RETRY = st.sampled_from([[], [retry("A", attempts=1)], [retry("B"), retry(ALL, attempts=2)]])
RESULTS: Any = st.sampled_from([{"ResultPath": None}, {"ResultPath": "$.r"}])


@st.composite
def programs(draw: Any, names: Iterator[str], depth: int, safe: bool = False) -> dict[str, Any]:
    """A chain of states; each is given an object with id, n and items. `safe`: it cannot fail."""
    kinds = ["task", "token", "pass", "choice", "wait"] + ["map", "parallel"] * (depth > 0)
    chain = [draw(st.sampled_from(kinds)) for _ in range(draw(st.integers(1, 3)))]
    own = [next(names) for _ in chain]
    last = next(names)
    states: dict[str, Any] = {}
    for kind, name, following in zip(chain, own, [*own[1:], last], strict=True):
        states[name] = {**draw(one_state(kind, names, depth, last, safe)), "Next": following}
        if kind == "choice":
            states[name]["Default"] = states[name].pop("Next")
        states[name].pop("End", None)
    return {**states, last: {"Type": "Pass", "End": True}}


@st.composite
def one_state(
    draw: Any, kind: str, names: Iterator[str], depth: int, last: str, safe: bool
) -> dict[str, Any]:
    if kind == "pass":
        return {"Type": "Pass", "Parameters": {"was.$": "$.n"}, "ResultPath": "$.p"}
    if kind == "wait":
        return {"Type": "Wait", "Seconds": 1}
    if kind == "choice":
        return {"Type": "Choice", "Choices": [{**draw(RULES), "Next": last}]}
    catching = {"Catch": [catch(draw(st.sampled_from(["A", ALL])), last, ResultPath="$.e")]}
    guard = {"Retry": draw(RETRY), **(draw(st.sampled_from([{}, catching])) if not safe else {})}
    if kind in {"task", "token"}:
        made = task(*([GIVES] if safe else draw(ACTS)), wait=kind == "token")
        made["Parameters"]["Payload"]["key.$"] = KEY_EACH
    elif kind == "map":
        made = each(draw(programs(names, depth - 1, safe)), ItemsPath="$.items", MaxConcurrency=1)
    else:
        # Neither can fail: what moto still tells of the other branch then is up to its threads.
        first = draw(programs(names, depth - 1, safe=True))
        made = parallel(first, draw(programs(names, depth - 1, safe=True)))
    return {**made, **guard, **draw(RESULTS)}


RULES: Any = st.sampled_from(
    [
        {"Variable": "$.n", "NumericLessThan": 2},
        {"Not": {"Variable": "$.r", "IsPresent": True}},
        {"And": [{"Variable": "$.id", "IsString": True}, {"Variable": "$.n", "NumericEquals": 3}]},
    ]
)


def given_to(depth: int, name: str = "i") -> dict[str, Any]:
    below = [given_to(depth - 1, f"{name}{n}") for n in range(2)] if depth else []
    return {"id": name, "n": len(name), "items": below}


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_machine(stack: Stack, data: st.DataObject) -> None:
    names = (f"S{number}" for number in count())
    states = data.draw(programs(names, 2))
    declared = definition(Case("", states, ""), stack.attribute("Actor", "Arn"))
    described, events = run(stack, declared, given_to(3))
    assert described["status"] in {"SUCCEEDED", "FAILED"}
    replay(Machine(declared), declared, described, events)
