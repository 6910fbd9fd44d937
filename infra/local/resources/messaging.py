"""Queues, buses, rules, schedules, mail."""

from __future__ import annotations

import json
from typing import Any

from infra.local.intrinsics import Resource
from infra.local.provision import Build, Properties, Schedule, creates
from infra.local.template import TemplateError

_QUEUE_ATTRIBUTES = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
]
_TARGET_SERVICES = {"lambda", "sqs", "states", "events"}
_TARGET_KEYS = {"Id", "Arn", "RoleArn", "Input", "InputPath", "InputTransformer"}
_TARGET_KEYS |= {"DeadLetterConfig", "RetryPolicy", "SqsParameters"}


@creates("AWS::SQS::Queue")
def queue(build: Build, logical_id: str, p: Properties) -> Resource:
    attributes = {
        name: json.dumps(value) if isinstance(value, (dict, bool)) else str(value)
        for name, value in p.take(*_QUEUE_ATTRIBUTES).items()
    }
    suffix = ".fifo" if attributes.get("FifoQueue") == "true" else ""
    name = p.get("QueueName", build.name(logical_id, 75) + suffix)
    p.ignore("Tags")
    url = build.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = build.arn("sqs", name)
    return Resource(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


@creates("AWS::SQS::QueuePolicy")
def queue_policy(build: Build, logical_id: str, p: Properties) -> Resource:
    document = json.dumps(p.required("PolicyDocument"))
    for url in p.required("Queues"):
        build.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Resource(build.name(logical_id))


@creates("AWS::Events::EventBus")
def event_bus(build: Build, logical_id: str, p: Properties) -> Resource:
    name = p.get("Name", build.name(logical_id))
    p.ignore("Tags", "Description", "DeadLetterConfig", "LogConfig")
    arn = build.client("events").create_event_bus(Name=name)["EventBusArn"]
    return Resource(name, {"Arn": arn, "Name": name})


@creates("AWS::Events::Rule")
def rule(build: Build, logical_id: str, p: Properties) -> Resource:
    events = build.client("events")
    name = p.get("Name", build.name(logical_id))
    bus = p.get("EventBusName", "default").rsplit("/", 1)[-1]
    state, expression = p.get("State", "ENABLED"), p.get("ScheduleExpression")
    pattern = p.get("EventPattern")
    targets = p.get("Targets", [])
    p.ignore("Description", "RoleArn", "Tags")
    _check_targets(logical_id, targets)
    arguments: dict[str, Any] = {"Name": name, "State": state, "EventBusName": bus}
    if pattern:
        arguments["EventPattern"] = json.dumps(pattern)
    if expression:
        arguments["ScheduleExpression"] = expression
    arn = events.put_rule(**arguments)["RuleArn"]
    if targets:
        events.put_targets(Rule=name, EventBusName=bus, Targets=targets)
    if expression:
        build.schedules[logical_id] = Schedule(
            logical_id, expression, state == "ENABLED", arn, tuple(targets), True
        )
    build.rule_targets += [(logical_id, arn, target) for target in targets]
    return Resource(name, {"Arn": arn})


@creates("AWS::Scheduler::Schedule")
def schedule(build: Build, logical_id: str, p: Properties) -> Resource:
    name = p.get("Name", build.name(logical_id))
    target = p.required("Target")
    _check_targets(logical_id, [target])
    p.ignore("Description", "FlexibleTimeWindow", "GroupName", "ScheduleExpressionTimezone")
    arn = build.arn("scheduler", f"schedule/default/{name}")
    build.schedules[logical_id] = Schedule(
        logical_id,
        p.required("ScheduleExpression"),
        p.get("State", "ENABLED") == "ENABLED",
        arn,
        (target,),
        False,
    )
    return Resource(name, {"Arn": arn})


def _check_targets(logical_id: str, targets: list[dict[str, Any]]) -> None:
    for target in targets:
        if target["Arn"].split(":")[2] not in _TARGET_SERVICES:
            raise TemplateError(f"{logical_id}: cannot deliver to {target['Arn']}")
        if extra := set(target) - _TARGET_KEYS:
            raise TemplateError(f"{logical_id}: unknown target settings {sorted(extra)}")


@creates("AWS::SES::EmailIdentity")
def email_identity(build: Build, _logical_id: str, p: Properties) -> Resource:
    identity = p.required("EmailIdentity")
    p.ignore("DkimAttributes", "DkimSigningAttributes", "FeedbackAttributes", "Tags")
    p.ignore("MailFromAttributes", "ConfigurationSetAttributes")
    build.client("sesv2").create_email_identity(EmailIdentity=identity)
    # Locally every identity counts as verified: there is no DNS to prove it in.
    return Resource(identity, {"EmailIdentity": identity})


@creates("AWS::SES::ConfigurationSet")
def configuration_set(build: Build, logical_id: str, p: Properties) -> Resource:
    name = p.get("Name", build.name(logical_id))
    p.ignore("DeliveryOptions", "ReputationOptions", "SendingOptions", "SuppressionOptions")
    p.ignore("TrackingOptions", "VdmOptions", "Tags", "ArchivingOptions")
    build.client("sesv2").create_configuration_set(ConfigurationSetName=name)
    build.mail_events.setdefault(name, [])
    return Resource(name)


@creates("AWS::SES::ConfigurationSetEventDestination")
def mail_event_destination(build: Build, logical_id: str, p: Properties) -> Resource:
    destination = p.required("EventDestination")
    if "EventBridgeDestination" not in destination:
        raise TemplateError(f"{logical_id}: only EventBridgeDestination is supported")
    if destination.get("Enabled", True):
        build.mail_events[p.required("ConfigurationSetName")].append(destination)
    else:
        p.ignore("ConfigurationSetName")
    return Resource(build.name(logical_id), {"Id": build.name(logical_id)})
