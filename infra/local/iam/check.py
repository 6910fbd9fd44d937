"""Least privilege, lived: each call of a function is checked against its own role."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import product
from typing import Any

from botocore.exceptions import ClientError

from infra.local.calls import Call
from infra.local.iam.actions import Need, needs
from infra.local.iam.policies import MANAGED, Grant, Statement, decide, managed, statements
from infra.local.moto_patches.queues import LocalQueue
from infra.local.provision import Build, Role
from infra.local.template import TemplateError

_SHORT_CODES = {"s3", "sqs"}
_S3_READS = {"GetObject", "HeadObject"}
_MISSING = {"NoSuchKey", "404"}
_POLLER_ACTIONS = {
    "sqs": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    "dynamodb": ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"],
}
_SEND_ACTIONS = {
    "sqs": "sqs:SendMessage",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "states": "states:StartExecution",
}


class Permissions:
    """Checks calls and remembers which grants were of use.

    Functions and state machines are named by logical id. Resource policies and service
    control policies play no part in calls, only in `check_wiring`.
    """

    def __init__(self, build: Build) -> None:
        self._build = build
        self._statements: dict[str, list[Statement]] = {}
        self._used: set[tuple[str, Grant]] = set()
        self._denied: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()
        for function in build.functions.by_id.values():
            self._statements[function.logical_id] = _role_statements(build.roles[function.role])
        for machine, role in build.machine_roles.items():
            self._statements[machine] = _role_statements(build.roles[role])

    def check(self, call: Call) -> None:
        """A `before` hook. Raises AccessDenied (a ClientError) as AWS would."""
        if call.function not in self._statements:
            return
        for need in needs(call, self._build.account, self._build.region):
            if not self._allows(call.function, need):
                with self._lock:
                    self._denied.add((call.function, need.action, need.resource))
                raise _denied(call, need, self._build.account)

    def hide_missing_keys(self, call: Call) -> None:
        """An `after` hook: S3 tells "no such key" only to those who may list the bucket."""
        if call.function not in self._statements or call.operation not in _S3_READS:
            return
        if isinstance(call.error, ClientError) and call.error.response["Error"]["Code"] in _MISSING:
            bucket, key = call.parameters["Bucket"], call.parameters["Key"]
            need = Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key})
            if not self._allows(call.function, need):
                raise _denied(call, need, self._build.account) from None

    def unused(self) -> list[tuple[str, str, str]]:
        """(function, action, resource) of inline grants no call has needed so far."""
        return sorted(
            (owner, grant.action, grant.resource)
            for owner, grant in set(self._grants()) - self._used
        )

    def denied(self) -> list[tuple[str, str, str]]:
        """(function, action, resource) of what calls needed and no statement grants.

        The caller was told, but may have swallowed it.
        """
        with self._lock:
            return sorted(self._denied)

    def used(self) -> list[tuple[str, str]]:
        """(function, action pattern) of the grants that were of use."""
        return sorted({(owner, grant.action) for owner, grant in self._used})

    def _grants(self) -> Iterator[tuple[str, Grant]]:
        known = _managed_grants()
        for owner, found in self._statements.items():
            for statement in found:
                grants = product(statement.actions, statement.resources) if statement.allow else ()
                for grant in (Grant(action, resource) for action, resource in grants):
                    if grant not in known:
                        yield owner, grant

    def _allows(self, owner: str, need: Need) -> bool:
        resources = [need.resource, *([need.instead] if need.instead else [])]
        if need.action.startswith("states:SendTask"):
            resources += self._build.machine_arns.values()
        for resource in resources:
            allowed, grants = decide(self._statements[owner], need.action, resource, need.context)
            if allowed:
                with self._lock:
                    self._used.update((owner, grant) for grant in grants)
                return True
        return False


def check_wiring(build: Build) -> None:
    """Every service must be allowed to call what it is wired to, or AWS would drop the event.

    Raises TemplateError with all that is missing.
    """
    missing = [*_mappings(build), *_rules(build), *_gateway(build), *_triggers(build)]
    missing += _destinations(build)
    if missing:
        raise TemplateError("missing permissions: " + "; ".join(sorted(missing)))


def _role_statements(role: Role) -> list[Statement]:
    own = [statement for document in role.documents for statement in statements(document)]
    return own + [statement for arn in role.managed for statement in managed(arn)]


def _managed_grants() -> set[Grant]:
    return {Grant(action, "*") for actions in MANAGED.values() for action in actions}


def _role_allows(build: Build, role: str, action: str, resource: str) -> bool:
    return decide(_role_statements(build.roles[role]), action, resource, {})[0]


def _may_invoke(build: Build, principal: str, source: str, function_arn: str) -> bool:
    function = build.functions.find(function_arn).logical_id
    for permission in build.permissions:
        if (permission.function, permission.principal) != (function, principal):
            continue
        statement = Statement(True, ("x",), (), (permission.source_arn or "*",), (), {}, ())
        if statement.applies("x", source, {}):
            return True
    return False


def _mappings(build: Build) -> Iterator[str]:
    for logical_id, settings in build.mappings:
        function = build.functions.find(settings["FunctionName"])
        source = settings["EventSourceArn"]
        for action in _POLLER_ACTIONS[source.split(":")[2]]:
            if not _role_allows(build, function.role, action, source):
                yield f"{logical_id}: {function.logical_id} needs {action}"
        failed = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if failed and not _may_send(build, function.role, failed):
            yield f"{logical_id}: {function.logical_id} may not send to {failed}"


def _may_send(build: Build, role: str, arn: str) -> bool:
    return _role_allows(build, role, _SEND_ACTIONS[arn.split(":")[2]], arn)


def _destinations(build: Build) -> Iterator[str]:
    for function in build.functions.by_id.values():
        config = build.functions.async_config[function.logical_id]
        for arn in (config.on_failure, config.on_success, function.dead_letter_arn):
            if arn and not _may_send(build, function.role, arn):
                yield f"{function.logical_id} may not send to {arn}"


def _rules(build: Build) -> Iterator[str]:
    for logical_id, rule_arn, target in build.rule_targets:
        arn, role = target["Arn"], target.get("RoleArn")
        service = arn.split(":")[2]
        if service == "lambda" and not _may_invoke(build, "events.amazonaws.com", rule_arn, arn):
            yield f"{logical_id}: events may not invoke {arn}"
        queues = [arn] if service == "sqs" else []
        dead_letter = target.get("DeadLetterConfig", {}).get("Arn")
        for queue in [*queues, *([dead_letter] if dead_letter else [])]:
            if not _queue_takes(queue, rule_arn):
                yield f"{logical_id}: no queue policy lets events send to {queue}"
        if service in ("states", "events") and not (
            role and _may_send(build, role.rsplit("/", 1)[1], arn)
        ):
            yield f"{logical_id}: the target's role may not reach {arn}"


def _queue_takes(queue_arn: str, rule_arn: str) -> bool:
    context: dict[str, Any] = {
        "aws:SourceArn": rule_arn,
        "aws:SourceAccount": rule_arn.split(":")[4],
    }
    candidates = [
        statement
        for statement in statements(LocalQueue(queue_arn).policy())
        if set(statement.principals) & {"*", "events.amazonaws.com"}
    ]
    return decide(candidates, "sqs:SendMessage", queue_arn, context)[0]


def _gateway(build: Build) -> Iterator[str]:
    for api in build.apis.values():
        text = json.dumps(api.body)
        for function in build.functions.by_id.values():
            source = f"arn:aws:execute-api:{build.region}:{build.account}:{api.api_id}/"
            is_used = f"/functions/{function.arn}/invocations" in text
            granted = any(
                permission.function == function.logical_id
                and permission.principal == "apigateway.amazonaws.com"
                and (permission.source_arn or source).startswith(source)
                for permission in build.permissions
            )
            if is_used and not granted:
                yield f"{api.logical_id}: the API may not invoke {function.logical_id}"


def _triggers(build: Build) -> Iterator[str]:
    for pool_id, triggers in build.triggers.items():
        source = build.arn("cognito-idp", f"userpool/{pool_id}")
        for name, arn in triggers.items():
            if not _may_invoke(build, "cognito-idp.amazonaws.com", source, arn):
                yield f"{name} of {pool_id}: Cognito may not invoke {arn}"


def _denied(call: Call, need: Need, account: str) -> ClientError:
    code = "AccessDenied" if call.service in _SHORT_CODES else "AccessDeniedException"
    message = (
        f"User: arn:aws:sts::{account}:assumed-role/{call.function} is not authorized to perform: "
        f"{need.action} on resource: {need.resource} because no identity-based policy allows "
        f"the {need.action} action"
    )
    metadata = {
        "HTTPStatusCode": 403,
        "RequestId": "denied",
        "HostId": "",
        "HTTPHeaders": {},
        "RetryAttempts": 0,
    }
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata},  # type: ignore[typeddict-item]
        call.operation,
    )
