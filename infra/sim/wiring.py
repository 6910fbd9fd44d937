"""What is wired to what: read off the embedded stack, which made it from template.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.functions import Functions
from infra.local.moto_patches.events import BusRule, rules
from infra.local.provision import Api
from infra.local.pumps.mapping import Mapping as SourceMapping
from infra.local.stack import ACCOUNT, Stack
from infra.sim.queues import QueueSettings, settings_of
from infra.sim.states import Machine


@dataclass(frozen=True)
class Wiring:
    """Tables by name (as DescribeTable tells them), queues by ARN, mappings by source."""

    functions: Functions
    api: Api
    tables: Mapping[str, Mapping[str, Any]]
    logical_tables: Mapping[str, str]
    queues: Mapping[str, QueueSettings]
    queue_mappings: Mapping[str, SourceMapping]
    stream_mappings: Mapping[str, list[SourceMapping]]
    rules: list[BusRule]
    machines: Mapping[str, Machine]
    schedules: Mapping[str, str]
    mail_events: Mapping[str, list[dict[str, Any]]]
    logs: Mapping[str, Iterable[str]]
    account: str
    region: str


def wiring_of(stack: Stack) -> Wiring:
    """Everything the simulation needs to know of a started stack."""
    build = stack.build
    (api,) = build.apis.values()
    return Wiring(
        functions=build.functions,
        api=api,
        tables=_tables(stack),
        logical_tables={
            name: stack.resource(f"{name}Table")
            for name in ("Customers", "Catalogue", "Stock", "Orders", "Ledger")
        },
        queues=_queues(stack),
        queue_mappings={
            mapping.source_arn: mapping
            for mapping in stack.mappings()
            if mapping.source_arn.split(":")[2] == "sqs"
        },
        stream_mappings=_streams(stack),
        rules=rules(ACCOUNT, stack.region),
        machines=_machines(stack),
        schedules={
            schedule.logical_id: target["Arn"]
            for schedule in build.schedules.values()
            for target in schedule.targets
        },
        mail_events=build.mail_events,
        logs=stack.logs,
        account=ACCOUNT,
        region=stack.region,
    )


def _tables(stack: Stack) -> dict[str, Mapping[str, Any]]:
    client = stack.client("dynamodb")
    names = client.list_tables()["TableNames"]
    return {name: client.describe_table(TableName=name)["Table"] for name in names}


def _queues(stack: Stack) -> dict[str, QueueSettings]:
    client = stack.client("sqs")
    found = {}
    for url in client.list_queues().get("QueueUrls", []):
        answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        settings = settings_of(answer["Attributes"], url)
        found[settings.arn] = settings
    return found


def _streams(stack: Stack) -> dict[str, list[SourceMapping]]:
    found: dict[str, list[SourceMapping]] = {}
    for mapping in stack.mappings():
        if mapping.source_arn.split(":")[2] == "dynamodb":
            found.setdefault(mapping.source_arn.split("/")[1], []).append(mapping)
    return found


def _machines(stack: Stack) -> dict[str, Machine]:
    client = stack.client("stepfunctions")
    found = {}
    for machine in client.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        definition = client.describe_state_machine(stateMachineArn=arn)["definition"]
        found[arn] = Machine(json.loads(definition))
    return found
