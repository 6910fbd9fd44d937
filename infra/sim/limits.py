"""Asked too much: how each service says so, as the SDK hands it on after its own retries; and how
DynamoDB says that somebody else is at an item."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from infra.local.functions import Result
from infra.sim.errors import client_error

# As Step Functions names it (developer guide, "Handle transient Lambda service exceptions").
_THROTTLED_FUNCTION = "Lambda.TooManyRequestsException"
_CODES = {
    "cognito-idp": ("TooManyRequestsException", 400),
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "events": ("ThrottlingException", 400),
    "s3": ("SlowDown", 503),
    "sesv2": ("TooManyRequestsException", 429),
    "sqs": ("RequestThrottled", 403),
    "ssm": ("ThrottlingException", 400),
    "stepfunctions": ("ThrottlingException", 400),
}


def throttled(service: str, operation: str, parameters: Mapping[str, Any]) -> ClientError:
    """The error of a call that was refused for its rate; it changed nothing."""
    if operation == "TransactWriteItems":
        return _cancelled("ThrottlingError", parameters, range(len(parameters["TransactItems"])))
    code, status = _CODES[service]
    return client_error(code, operation, status=status)


def conflict(
    operation: str, parameters: Mapping[str, Any], at: Sequence[int] = (0,)
) -> ClientError:
    """The error of a write whose items `at` these places somebody else is changing."""
    if operation != "TransactWriteItems":
        return client_error("TransactionConflictException", operation)
    return _cancelled("TransactionConflict", parameters, at)


def without_last_key(wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """BatchGetItem's RequestItems as those that are served and those that are not: the last key,
    as when a partition is asked too much. Nothing is served of a single one."""
    table = list(wanted)[-1]
    *first, last = wanted[table]["Keys"]
    served = {name: part for name, part in wanted.items() if name != table}
    served |= {table: {**wanted[table], "Keys": first}} if first else {}
    return served, {table: {**wanted[table], "Keys": [last]}}


def writes_to(partition: str, parameters: Mapping[str, Any]) -> list[int]:
    """Which writes of a transaction change an item of a partition."""
    keys = [
        write.get("Key") or write["Item"]
        for actions in parameters["TransactItems"]
        for write in actions.values()
    ]
    return [place for place, key in enumerate(keys) if key["pk"]["S"] == partition]


def throttled_function() -> Result:
    """What comes of an invocation that did not reach its function."""
    return Result(json.dumps({"errorType": _THROTTLED_FUNCTION}), True, "sim")


def is_throttled(result: Result) -> bool:
    """Whether an invocation did not reach its function."""
    return result.is_error and result.value["errorType"] == _THROTTLED_FUNCTION


def _cancelled(code: str, parameters: Mapping[str, Any], at: Sequence[int]) -> ClientError:
    reasons = [
        {"Code": code if place in at else "None"}
        for place in range(len(parameters["TransactItems"]))
    ]
    return client_error(
        "TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons
    )
