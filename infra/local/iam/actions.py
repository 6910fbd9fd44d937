"""Which IAM actions, on which resources, an AWS call needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local.calls import Call


@dataclass(frozen=True)
class Need:
    """An action on a resource; `context` feeds conditions, `instead` is another name of it."""

    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)
    instead: str | None = None


class UnmappedCall(Exception):
    """The permission check does not know this call yet: add it to this module."""


_EQUALS = re.compile(r"[#\w]+ = (:\w+)")  # of a key condition: only the partition's is one

Mapper = Callable[[Call, str, str], Iterator[Need]]


def needs(call: Call, account: str, region: str) -> list[Need]:
    """Raises UnmappedCall for a service or operation nobody described."""
    mapper = _SERVICES.get(call.service)
    if mapper is None:
        raise UnmappedCall(f"{call.service}:{call.operation}")
    return list(mapper(call, account, region))


def _dynamodb(call: Call, account: str, region: str) -> Iterator[Need]:
    def table(name: str, index: str | None = None) -> str:
        arn = (
            name if name.startswith("arn:") else f"arn:aws:dynamodb:{region}:{account}:table/{name}"
        )
        return f"{arn}/index/{index}" if index else arn

    asked = call.parameters
    if call.operation in ("TransactWriteItems", "TransactGetItems"):
        for entry in asked["TransactItems"]:
            (kind, item), *_ = entry.items()
            action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield Need(f"dynamodb:{action}", table(item["TableName"]), _partitions(item))
    elif call.operation in ("BatchGetItem", "BatchWriteItem"):
        for name, items in asked["RequestItems"].items():
            if call.operation == "BatchGetItem":
                parts = [{"Key": key} for key in items["Keys"]]
            else:
                parts = [_request(written) for written in items]
            yield Need(f"dynamodb:{call.operation}", table(name), _partitions(*parts))
    elif "TableName" in asked:
        target = table(asked["TableName"], asked.get("IndexName"))
        yield Need(f"dynamodb:{call.operation}", target, _partitions(asked))
    else:
        raise UnmappedCall(f"dynamodb:{call.operation}")


def _partitions(*asked: dict[str, Any]) -> dict[str, Any]:
    """The partition keys of the items that are asked for, and of a query's partition."""
    return {"dynamodb:LeadingKeys": [_partition(each) for each in asked]}


def _partition(asked: dict[str, Any]) -> str:
    key = asked.get("Key") or asked.get("Item")
    if key is not None:
        return str(key.get("pk", {}).get("S", ""))
    told = _EQUALS.search(asked.get("KeyConditionExpression", ""))
    value = asked.get("ExpressionAttributeValues", {}).get(told.group(1), {}) if told else {}
    return str(value.get("S", ""))


def _request(written: dict[str, Any]) -> dict[str, Any]:
    """What one request of a batch puts or deletes."""
    (request,) = written.values()
    return dict(request)


def _sqs(call: Call, account: str, region: str) -> Iterator[Need]:
    action = call.operation.removesuffix("Batch")
    url = call.parameters.get("QueueUrl") or call.parameters.get("QueueName", "*")
    yield Need(f"sqs:{action}", f"arn:aws:sqs:{region}:{account}:{url.rsplit('/', 1)[-1]}")


def _events(call: Call, account: str, region: str) -> Iterator[Need]:
    if call.operation != "PutEvents":
        raise UnmappedCall(f"events:{call.operation}")
    for entry in call.parameters["Entries"]:
        bus = entry.get("EventBusName", "default").rsplit("/", 1)[-1]
        context = {
            "events:source": entry.get("Source", ""),
            "events:detail-type": entry.get("DetailType", ""),
        }
        arn = f"arn:aws:events:{region}:{account}:event-bus/{bus}"
        yield Need("events:PutEvents", arn, context)


def _states(call: Call, _account: str, _region: str) -> Iterator[Need]:
    asked = call.parameters
    resource = asked.get("stateMachineArn") or asked.get("executionArn")
    if resource is None and not call.operation.startswith("SendTask"):
        raise UnmappedCall(f"states:{call.operation}")
    # SendTask* names a token, not a resource: "*" stands for the machine behind it.
    yield Need(f"states:{call.operation}", resource or "*")


def _lambda(call: Call, account: str, region: str) -> Iterator[Need]:
    if call.operation != "Invoke":
        raise UnmappedCall(f"lambda:{call.operation}")
    name = call.parameters["FunctionName"]
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
    yield Need("lambda:InvokeFunction", arn)


_S3_ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObject": "DeleteObject",
    "GetObject": "GetObject",
    "GetObjectTagging": "GetObjectTagging",
    "HeadObject": "GetObject",
    "PutObject": "PutObject",
    "PutObjectTagging": "PutObjectTagging",
    "UploadPart": "PutObject",
}
_S3_BUCKET_ACTIONS = {
    "GetBucketLocation": "GetBucketLocation",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
}


def _s3(call: Call, _account: str, _region: str) -> Iterator[Need]:
    asked = call.parameters
    bucket = f"arn:aws:s3:::{asked.get('Bucket')}"
    if call.operation in _S3_BUCKET_ACTIONS:
        context = {"s3:prefix": asked.get("Prefix", "")}
        yield Need(f"s3:{_S3_BUCKET_ACTIONS[call.operation]}", bucket, context)
    elif call.operation == "DeleteObjects":
        for item in asked["Delete"]["Objects"]:
            yield Need("s3:DeleteObject", f"{bucket}/{item['Key']}")
    elif call.operation == "CopyObject":
        source = asked["CopySource"]
        path = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
        yield Need("s3:GetObject", f"arn:aws:s3:::{path.lstrip('/').split('?')[0]}")
        yield Need("s3:PutObject", f"{bucket}/{asked['Key']}")
    elif call.operation in _S3_ACTIONS:
        action = _S3_ACTIONS[call.operation]
        if action == "GetObject" and asked.get("VersionId"):
            action = "GetObjectVersion"
        yield Need(f"s3:{action}", f"{bucket}/{asked['Key']}")
        if action == "PutObject" and asked.get("IfMatch"):  # S3 guide, "Conditional writes"
            yield Need("s3:GetObject", f"{bucket}/{asked['Key']}")
    else:
        raise UnmappedCall(f"s3:{call.operation}")


def _ses(call: Call, account: str, region: str) -> Iterator[Need]:
    if call.operation != "SendEmail":
        raise UnmappedCall(f"ses:{call.operation}")
    asked = call.parameters
    sender = asked.get("FromEmailAddress", "").rsplit("<", 1)[-1].rstrip(">")
    domain = sender.rsplit("@", 1)[-1]
    context = {"ses:FromAddress": sender}
    # SES takes the most specific verified identity: the address itself, or its domain.
    identity = f"arn:aws:ses:{region}:{account}:identity/"
    yield Need("ses:SendEmail", identity + sender, context, instead=identity + domain)
    if name := asked.get("ConfigurationSetName"):
        arn = f"arn:aws:ses:{region}:{account}:configuration-set/{name}"
        yield Need("ses:SendEmail", arn, context)


def _cognito(call: Call, account: str, region: str) -> Iterator[Need]:
    pool = call.parameters.get("UserPoolId")
    if pool is not None:  # the other operations prove themselves by token or password
        arn = f"arn:aws:cognito-idp:{region}:{account}:userpool/{pool}"
        yield Need(f"cognito-idp:{call.operation}", arn)


def _ssm(call: Call, account: str, region: str) -> Iterator[Need]:
    asked = call.parameters
    names = asked.get("Names") or [asked.get("Name") or asked.get("Path")]
    for name in names:
        arn = f"arn:aws:ssm:{region}:{account}:parameter/{str(name).lstrip('/')}"
        yield Need(f"ssm:{call.operation}", arn)


def _secrets(call: Call, account: str, region: str) -> Iterator[Need]:
    name = call.parameters["SecretId"]
    arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{name}"
    yield Need(f"secretsmanager:{call.operation}", name if name.startswith("arn:") else arn)


def _anywhere(call: Call, _account: str, _region: str) -> Iterator[Need]:
    yield Need(f"{call.service}:{call.operation}", "*")


def _free(_call: Call, _account: str, _region: str) -> Iterator[Need]:
    yield from ()


_SERVICES: dict[str, Mapper] = {
    "cloudwatch": _anywhere,
    "cognito-idp": _cognito,
    "dynamodb": _dynamodb,
    "events": _events,
    "lambda": _lambda,
    "s3": _s3,
    "secretsmanager": _secrets,
    "sesv2": _ses,
    "sqs": _sqs,
    "ssm": _ssm,
    "stepfunctions": _states,
    "sts": _free,
}
