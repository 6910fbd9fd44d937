"""Starting, stopping, starting again; and every way a template can be refused."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import moto.dynamodb.models
import pytest
import yaml

from infra.local.stack import Stack
from infra.local.template import TemplateError
from tests.infra.shop import SAMPLE

HANDLER = "def handler(event, context):\n    return event\n"


def test_stacks_follow_one_another_and_leave_no_trace() -> None:
    environment, threads = dict(os.environ), threading.active_count()
    original = (
        botocore.client.BaseClient._make_api_call,
        moto.dynamodb.models.DynamoDBBackend.transact_write_items,
    )
    pools = []
    for _ in range(2):
        started = time.process_time()
        with Stack(SAMPLE) as stack:
            assert time.process_time() - started < 6
            pools.append(stack.resource("Pool"))
            assert stack.request("POST", "/open/count", "x").json() == {"n": 1}
            stack.serve(port=0)
            stack.client("stepfunctions").start_execution(
                stateMachineArn=stack.resource("Flow"), input='{"order": "x", "fail": ""}'
            )
            stack.settle()
    assert pools[0] != pools[1]
    assert dict(os.environ) == environment
    assert threading.active_count() <= threads + 1
    assert original == (
        botocore.client.BaseClient._make_api_call,
        moto.dynamodb.models.DynamoDBBackend.transact_write_items,
    )
    assert not [name for name in sys.modules if name.startswith("lambda_Shop")]


def test_only_one_at_a_time() -> None:
    with Stack(SAMPLE), pytest.raises(RuntimeError, match="one Stack"), Stack(SAMPLE):
        pass
    with Stack(SAMPLE) as stack:
        assert stack.outputs["AlarmName"] == "local-DeadAlarm"


def test_a_cold_start_is_quick() -> None:
    code = (
        "import time; t = time.process_time()\n"
        "from pathlib import Path\n"
        "from infra.local.stack import Stack\n"
        "with Stack(Path('tests/infra/sample/template.yaml')) as stack:\n"
        "    assert stack.request('GET', '/open/1').status == 200\n"
        "    print(time.process_time() - t)\n"
    )
    root = SAMPLE.parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 12  # seconds of CPU; about 5 on the machine it was written on


def test_parameters_and_conditions() -> None:
    with Stack(SAMPLE, {"WithAlarms": "no"}, {"EXTRA": "1"}, region="us-east-1", name="x") as stack:
        assert "AlarmName" not in stack.outputs
        assert os.environ["EXTRA"] == "1"
        assert stack.resource("OrdersTable") == "x-OrdersTable"
        assert boto3.client("sqs").meta.region_name == "us-east-1"
        assert stack.request("GET", "/open/1").status == 200
    with pytest.raises(TemplateError, match="not one of"):
        Stack(SAMPLE, {"WithAlarms": "maybe"}).__enter__()
    with pytest.raises(TemplateError, match="declares no parameter"):
        Stack(SAMPLE, {"Nope": "1"}).__enter__()


def refused(tmp_path: Path, resources: dict[str, Any]) -> str:
    """Why a template with `resources` cannot start."""
    (tmp_path / "f").mkdir(exist_ok=True)
    (tmp_path / "f" / "app.py").write_text(HANDLER)
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    file = tmp_path / "template.yaml"
    file.write_text(yaml.safe_dump(template))
    with pytest.raises(TemplateError) as error, Stack(file):
        pass
    return str(error.value)


def function(**properties: Any) -> dict[str, Any]:
    base = {"CodeUri": "f", "Handler": "app.handler", "Runtime": "python3.13"}
    return {"Type": "AWS::Serverless::Function", "Properties": {**base, **properties}}


def test_unknown_things_are_refused(tmp_path: Path) -> None:
    unknown = {"X": {"Type": "AWS::Neptune::DBCluster"}}
    assert "X (AWS::Neptune::DBCluster)" in refused(tmp_path, unknown)
    queue = {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}}
    assert "Q: the embedded stack does not know ['Colour']" in refused(tmp_path, queue)
    assert "no handler file" in refused(tmp_path, {"F": function(Handler="other.handler")})
    assert "there is no g" in refused(tmp_path, {"F": function(CodeUri="g")})
    cycle = {
        "A": {"Type": "AWS::SQS::Queue", "DependsOn": "B"},
        "B": {"Type": "AWS::SQS::Queue", "DependsOn": "A"},
    }
    assert "circular dependency: A -> B -> A" in refused(tmp_path, cycle)
    dangling = {"P": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Nowhere"}}}}
    assert "Nowhere" in refused(tmp_path, dangling)


def test_functions_must_agree_on_the_environment(tmp_path: Path) -> None:
    resources = {
        name: function(Environment={"Variables": {"MODE": name, "SAME": "1"}}) for name in "AB"
    }
    assert refused(tmp_path, resources).endswith("disagree on: MODE (A, B)")


def test_wiring_without_permission_is_refused(tmp_path: Path) -> None:
    """On AWS the rule would be there, and its events would silently go nowhere."""
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": ["x"]},
            "Targets": [
                {"Id": "f", "Arn": {"Fn::GetAtt": ["F", "Arn"]}},
                {"Id": "q", "Arn": {"Fn::GetAtt": ["Q", "Arn"]}},
            ],
        },
    }
    resources = {"F": function(), "Q": {"Type": "AWS::SQS::Queue"}, "R": rule}
    reason = refused(tmp_path, resources)
    assert "R: events may not invoke" in reason
    assert "R: no queue policy lets events send" in reason


def test_state_machines_are_checked(tmp_path: Path) -> None:
    def machine(definition: dict[str, Any]) -> dict[str, Any]:
        properties = {"Definition": definition, "Policies": []}
        return {"M": {"Type": "AWS::Serverless::StateMachine", "Properties": properties}}

    lost = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}
    assert "missing states ['B']" in refused(tmp_path, machine(lost))
    unknown = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${X}", "End": True}}}
    assert "names unknown ['X']" in refused(tmp_path, machine(unknown))


def test_the_api_is_checked(tmp_path: Path) -> None:
    api = {
        "Type": "AWS::Serverless::Api",
        "Properties": {
            "StageName": "v1",
            "GatewayResponses": {
                "UNAUTHORIZED": {"ResponseTemplates": {"text/plain": "$context.secret"}}
            },
        },
    }
    event = {"Type": "Api", "Properties": {"Path": "/", "Method": "get", "RestApiId": {"Ref": "A"}}}
    reason = refused(tmp_path, {"A": api, "F": function(Events={"E": event})})
    assert "UNAUTHORIZED: unknown $context.['secret']" in reason
