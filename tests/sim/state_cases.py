"""Small machines, one or more for every feature, with the path that AWS documents for each."""

from __future__ import annotations

from collections.abc import Sequence

from tests.sim.state_pieces import (
    ALL,
    BAD,
    DONE,
    GIVES,
    GOOD,
    GUIDE,
    LATE,
    SLEEPS,
    YES_NO,
    A,
    B,
    Case,
    catch,
    choice,
    each,
    parallel,
    retry,
    task,
)

CASES: Sequence[Case] = (
    Case("task", {"T": task(GIVES)}, "T"),
    Case("chain", {"T": task(GIVES, Next="U", OutputPath="$.Payload"), "U": task(GIVES)}, "T U"),
    Case("retried", {"T": task(A, A, GIVES, Retry=[retry(ALL)])}, "T T T"),
    Case("retries exhausted", {"T": task(A, Retry=[retry("A", attempts=2)])}, "T T T", "A"),
    Case("no retrier matches", {"T": task(A, Retry=[retry("B")])}, "T", "A"),
    Case(
        "a retrier for each error",
        {"T": task(A, B, A, B, GIVES, Retry=[retry("A", attempts=2), retry(ALL, attempts=2)])},
        "T T T T T",
    ),
    Case(
        "an exhausted retrier hides the next",
        {
            "T": task(A, Retry=[retry("A", attempts=0), retry(ALL)], Catch=[catch("A", "C")]),
            "C": DONE,
        },
        "T C",
    ),
    Case(
        "backoff, longest delay, jitter",
        {
            "T": task(
                A,
                A,
                A,
                GIVES,
                Retry=[retry(ALL, BackoffRate=3, MaxDelaySeconds=5, JitterStrategy="FULL")],
            )
        },
        "T T T T",
    ),
    Case(
        "catch by name",
        {
            "T": task(A, Catch=[catch("B", "Wrong"), catch("A", "Right"), catch(ALL, "Wrong")]),
            "Right": DONE,
            "Wrong": DONE,
        },
        "T Right",
    ),
    Case(
        "catch beside the input",
        {
            "T": task(A, Catch=[catch(ALL, "P", ResultPath="$.x.error")]),
            "P": {
                "Type": "Pass",
                "Parameters": {"was.$": "$.x.error.Error", "a.$": "$.a"},
                "End": True,
            },
        },
        "T P",
        input={"a": 1},
    ),
    Case(
        "catch instead of the input",
        {
            "T": task(A, OutputPath="$.nowhere", Catch=[catch(ALL, "P")]),
            "P": {"Type": "Pass", "Parameters": {"was.$": "$.Error"}, "End": True},
        },
        "T P",
    ),
    Case(
        "catch without a trace",
        {"T": task(A, Catch=[catch(ALL, "C", ResultPath=None)]), "C": DONE},
        "T C",
        input={"a": [1]},
    ),
    Case(
        "counters are of one entry",
        {
            "T": task(
                A,
                A,
                {"raises": "Again"},
                A,
                A,
                GIVES,
                Retry=[retry("A", attempts=2)],
                Catch=[catch("Again", "W")],
            ),
            "W": {"Type": "Wait", "Seconds": 1, "Next": "T"},
        },
        "T T T W T T T",
    ),
    Case("timeout", {"T": task(SLEEPS, **LATE)}, "T", "States.Timeout"),
    Case(
        "timeout retried",
        {"T": task(SLEEPS, GIVES, Retry=[retry("States.Timeout")], **LATE)},
        "T T",
    ),
    Case(
        "a timeout is no States.TaskFailed",
        {
            "T": task(SLEEPS, **LATE, Catch=[catch("States.TaskFailed", "No"), catch(ALL, "Yes")]),
            **YES_NO,
        },
        "T Yes",
    ),
    Case(
        "any other error is",
        {"T": task(A, Catch=[catch("States.TaskFailed", "Yes"), catch(ALL, "No")]), **YES_NO},
        "T Yes",
    ),
    Case("token", {"T": task({"gives": [1, {"a": None}]}, wait=True)}, "T"),
    Case(
        "token fails",
        {"T": task({"fails": "A"}, wait=True, Catch=[catch("A", "C")]), "C": DONE},
        "T C",
    ),
    Case(
        "token's function fails",
        {"T": task(A, wait=True, Catch=[catch("A", "C")]), "C": DONE},
        "T C",
    ),
    Case(
        "token's function retried",
        {"T": task(A, GIVES, wait=True, Retry=[retry(ALL)])},
        "T T",
    ),
    Case(
        "token never comes",
        {
            "T": task({}, wait=True, **LATE, Catch=[catch("States.Timeout", "C", ResultPath=None)]),
            "C": DONE,
        },
        "T C",
    ),
    Case(
        "token failed, retried",
        {"T": task({"fails": "A"}, GIVES, wait=True, Retry=[retry("A")])},
        "T T",
        moto_differs="gives every attempt the same token, which is used up after the first; "
        + GUIDE
        + "'Wait for a Callback with Task Token': a task that times out has another token after",
    ),
    Case("map", {"M": each({"T": task(each=True)})}, "M T T", input=[GOOD, GOOD | {"id": 3}]),
    Case(
        "map of nothing", {"M": each({"T": task(each=True)}, Next="D"), "D": DONE}, "M D", input=[]
    ),
    Case(
        "map with a selector",
        {
            "M": each(
                {"P": {"Type": "Pass", "End": True}},
                ItemsPath="$.items",
                ItemSelector={
                    "n.$": "$$.Map.Item.Index",
                    "v.$": "$$.Map.Item.Value.v",
                    "all.$": "$.all",
                },
                ResultPath="$.done",
                MaxConcurrency=1,
            )
        },
        "M P P",
        input={"items": [{"v": 1}, {"v": 2}], "all": "x"},
    ),
    Case(
        "map fails with its iteration's error",
        {"M": each({"T": task(each=True)}, Catch=[catch("B", "No"), catch("A", "Yes")]), **YES_NO},
        "M T T Yes",
        input=[GOOD, BAD],
    ),
    Case("map fails", {"M": each({"T": task(each=True)})}, "M T", "A", input=[BAD]),
    Case(
        "map retried",
        {"M": each({"T": task(each=True)}, Retry=[retry("A")])},
        "M T T M T T",
        input=[GOOD, {"id": 3, "plan": [A, GIVES]}],
    ),
    Case(
        "iterations catch their own",
        {
            "M": each(
                {
                    "T": task(each=True, Catch=[catch(ALL, "C", ResultPath=None)], Next="D"),
                    "C": DONE,
                    "D": DONE,
                },
                ResultPath=None,
            )
        },
        "M T C T D",
        input=[BAD, GOOD],
    ),
    Case(
        "map in a map",
        {
            "M": each(
                {
                    "N": each({"T": task(each=True)}, ItemsPath="$", Catch=[catch("A", "C")]),
                    "C": DONE,
                }
            )
        },
        "M N T N T C N",
        input=[[GOOD], [BAD], []],
    ),
    Case(
        "timeout in a map",
        {
            "M": each({"T": task(each=True, **LATE)}, Catch=[catch("States.Timeout", "C")]),
            "C": DONE,
        },
        "M T C",
        input=[{"id": 1, "plan": [SLEEPS]}],
    ),
    Case(
        "parallel",
        {
            "P": parallel(
                {"T": task(GIVES)},
                {"U": task(GIVES, Next="V"), "V": DONE},
                ResultSelector={"two.$": "$[1]"},
            )
        },
        "P T U V",
    ),
    Case(
        "a name after an index",
        {
            "P": {"Type": "Pass", "InputPath": "$.l[1].a", "End": True},
        },
        "P",
        input={"l": [{"a": 1}, {"a": 2}]},
        moto_differs="puts it into a list; ASL specification, 'Reference Paths': one node",
    ),
    Case(
        "parallel fails with its branch's error",
        {
            "P": parallel(
                {"T": task(GIVES)}, {"U": task(A)}, Catch=[catch("A", "C", ResultPath="$.e")]
            ),
            "C": DONE,
        },
        "P T U C",
    ),
    Case(
        "parallel retried",
        {
            "P": parallel(
                {"U": {"Type": "Pass", "End": True}}, {"T": task(A, GIVES)}, Retry=[retry(ALL)]
            )
        },
        "P U T P U T",
    ),
    Case(
        "choice",
        {"Q": choice({"Variable": "$.n", "NumericGreaterThan": 1}), "Yes": DONE},
        "Q Yes",
        input={"n": 2},
    ),
    Case(
        "choice's default",
        {"Q": choice({"Variable": "$.n", "NumericGreaterThan": 1}, Default="No"), **YES_NO},
        "Q No",
        input={"n": 1},
    ),
    Case(
        "and, or, not",
        {
            "Q": choice(
                {
                    "And": [
                        {"Not": {"Variable": "$.a", "StringEquals": "x"}},
                        {
                            "Or": [
                                {"Variable": "$.b", "IsPresent": True},
                                {"Variable": "$.a", "StringMatches": "y*"},
                            ]
                        },
                    ]
                },
                Default="No",
            ),
            **YES_NO,
        },
        "Q Yes",
        input={"a": "yz"},
    ),
    Case(
        "no choice",
        {"Q": choice({"Variable": "$.n", "NumericEquals": 1}), "Yes": DONE},
        "Q",
        "States.Runtime",
        input={"n": 2},
    ),
    Case(
        "wait",
        {"W": {"Type": "Wait", "SecondsPath": "$.s", "Next": "D"}, "D": DONE},
        "W D",
        input={"s": 2},
    ),
    Case(
        "pass",
        {"P": {"Type": "Pass", "Result": {"a": [1]}, "ResultPath": "$.x.y", "End": True}},
        "P",
        input={"b": 1},
    ),
    Case(
        "nothing in", {"P": {"Type": "Pass", "InputPath": None, "End": True}}, "P", input={"b": 1}
    ),
    Case(
        "nothing out", {"P": {"Type": "Pass", "OutputPath": None, "End": True}}, "P", input={"b": 1}
    ),
    Case(
        "input path, raw input kept",
        {"P": {"Type": "Pass", "InputPath": "$.b", "ResultPath": "$.c", "End": True}},
        "P",
        input={"b": {"x": 1}},
    ),
    Case(
        "wildcard",
        {"P": {"Type": "Pass", "Parameters": {"all.$": "$.l[*].v"}, "End": True}},
        "P",
        input={"l": [{"v": 1}, {"v": 2}]},
    ),
    Case(
        "intrinsics",
        {
            "P": {
                "Type": "Pass",
                "Parameters": {
                    "f.$": "States.Format('{}-{}', $.a, 1)",
                    "a.$": "States.Array($.a, 2)",
                    "j.$": "States.JsonToString($.o)",
                    "p.$": "States.StringToJson($.s)",
                    "l.$": "States.ArrayLength(States.Array(1, 2))",
                    "m.$": "States.MathAdd($.n, 2)",
                    "c.$": "States.ArrayContains(States.Array(1, 2), 2)",
                    "g.$": "States.ArrayGetItem(States.Array(1, 2), 1)",
                },
                "End": True,
            }
        },
        "P",
        input={"a": "x", "o": {"k": [1]}, "s": '{"q": 1}', "n": 3},
    ),
    Case(
        "selected",
        {"T": task(GIVES, ResultSelector={"s.$": "$.Payload.ok"}, ResultPath="$.r")},
        "T",
        input={"a": 1},
    ),
    Case("fail", {"F": {"Type": "Fail", "Error": "Sad", "Cause": "why"}}, "F", "Sad"),
    Case(
        "fail by path",
        {"F": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}!', $.c)"}},
        "F",
        "Sad",
        input={"e": "Sad", "c": "why"},
    ),
    Case(
        "fail in a map",
        {
            "M": each(
                {"F": {"Type": "Fail", "Error": "Sad", "Cause": "why"}}, Catch=[catch("Sad", "C")]
            ),
            "C": DONE,
        },
        "M F C",
        input=[1],
    ),
    Case(
        "a missing path",
        {"T": {"Type": "Pass", "InputPath": "$.no", "End": True}},
        "T",
        "States.Runtime",
    ),
    Case(
        "a missing path is never caught",
        {"T": task(each=True, Retry=[retry(ALL)], Catch=[catch(ALL, "C")]), "C": DONE},
        "T",
        "States.Runtime",
        moto_differs="retries and catches it; " + GUIDE + "'Error names': States.Runtime is not "
        "retriable, always fails the execution, and States.ALL does not catch it",
    ),
)
