"""Hands events to what a rule, schedule, dead letter or destination names by ARN."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.activity import Work
from infra.local.functions import Function, Functions, Result
from infra.local.moto_patches.queues import LocalQueue

log = logging.getLogger("infra.local")

_RETRY_SECONDS = (60.0, 120.0)
"""Lambda waits one minute, then two, before it retries an asynchronous invocation."""


class Deliverer:
    """Delivers to functions (asynchronously, with retries), queues, state machines and buses."""

    def __init__(
        self,
        functions: Functions,
        work: Work,
        client: Callable[[str], Any],
        wait_scale: float,
    ) -> None:
        self._functions = functions
        self._work = work
        self._client = client
        self._scale = wait_scale

    def target(self, target: dict[str, Any], event: dict[str, Any]) -> None:
        """Deliver `event` to a rule's target, shaped by its Input, path or transformer."""
        payload = shape(target, event)
        dead_letter = target.get("DeadLetterConfig", {}).get("Arn")
        attempts = int(target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 3))
        self._try_target(target, payload, attempts, dead_letter)

    def later(self, function: Function, event: Any) -> None:
        """Invoke asynchronously: at once, then retried as the function's configuration says."""
        self._attempt(function, event, 1)

    def send(self, arn: str, payload: Any) -> None:
        """Deliver once to any supported ARN. Raises ValueError for other services."""
        service = arn.split(":")[2]
        text = payload if isinstance(payload, str) else json.dumps(payload)
        if service == "lambda":
            self.later(self._functions.find(arn), json.loads(text))
        elif service == "sqs":
            LocalQueue(arn).send(text)
        elif service == "states":
            self._client("stepfunctions").start_execution(stateMachineArn=arn, input=text)
        elif service == "events":
            self._client("events").put_events(
                Entries=[
                    {
                        "EventBusName": arn,
                        "Source": "lambda",
                        "DetailType": "Lambda Function Invocation Result",
                        "Detail": text,
                    }
                ]
            )
        else:
            raise ValueError(f"cannot deliver to {arn}")

    def _try_target(
        self, target: dict[str, Any], payload: Any, left: int, dead_letter: str | None
    ) -> None:
        arn = target["Arn"]

        def run() -> None:
            try:
                self.send(arn, payload)
            except Exception:
                log.exception("delivery to %s failed, %d retries left", arn, left)
                if left > 0:
                    self._try_target(target, payload, left - 1, dead_letter)
                elif dead_letter:
                    LocalQueue(dead_letter).send(json.dumps(payload), {"TARGET_ARN": arn})

        self._work.submit(f"event to {arn.rsplit(':', 1)[1]}", run)

    def _attempt(self, function: Function, event: Any, attempt: int) -> None:
        config = self._functions.async_config[function.logical_id]

        def run() -> None:
            result = self._functions.invoke(function, event)
            if not result.is_error:
                if config.on_success:
                    self.send(config.on_success, _outcome(function, event, result, attempt))
            elif attempt <= config.retries:
                self._attempt(function, event, attempt + 1)
            else:
                self._give_up(function, event, result, attempt)

        delay = 0.0 if attempt == 1 else _RETRY_SECONDS[min(attempt, 3) - 2] * self._scale
        self._work.submit(f"function {function.logical_id}", run, delay)

    def _give_up(self, function: Function, event: Any, result: Result, attempt: int) -> None:
        config = self._functions.async_config[function.logical_id]
        log.error("%s failed %d times: %s", function.logical_id, attempt, result.payload[:500])
        if config.on_failure:
            self.send(config.on_failure, _outcome(function, event, result, attempt))
        if function.dead_letter_arn:
            attributes = {
                "RequestID": result.request_id,
                "ErrorCode": "200",
                "ErrorMessage": str(result.value.get("errorMessage"))[:1000],
            }
            LocalQueue(function.dead_letter_arn).send(json.dumps(event), attributes)


def _outcome(function: Function, event: Any, result: Result, attempt: int) -> dict[str, Any]:
    """The record Lambda sends to a destination."""
    response = {"statusCode": 200, "executedVersion": "$LATEST"}
    if result.is_error:
        response["functionError"] = "Unhandled"
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "requestContext": {
            "requestId": result.request_id,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "RetriesExhausted" if result.is_error else "Success",
            "approximateInvokeCount": attempt,
        },
        "requestPayload": event,
        "responseContext": response,
        "responsePayload": result.value,
    }


def shape(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """What the target receives: the event, a part of it, a constant, or a filled template."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return _at(event, target["InputPath"])
    if "InputTransformer" not in target:
        return event
    transformer = target["InputTransformer"]
    values = {name: _at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values["aws.events.event.json"] = event
    values["aws.events.event.ingestion-time"] = event["time"]
    return json.loads(_fill(transformer["InputTemplate"], values))


def _fill(template: str, values: dict[str, Any]) -> str:
    """Replace `<name>`: as JSON where a value stands alone, as text inside a string."""
    filled = []
    inside = False
    for part in re.split(r"(\\.|\"|<[\w.\-]+>)", template):
        if part == '"':
            inside = not inside
        name = part[1:-1] if part.startswith("<") and part.endswith(">") else None
        if name in values:
            value = values[name]
            text = value if isinstance(value, str) else json.dumps(value)
            filled.append(json.dumps(text)[1:-1] if inside else json.dumps(value))
        else:
            filled.append(part)
    return "".join(filled)


def _at(event: Any, path: str) -> Any:
    """A value by a simple JSON path (`$.detail.order`, `$.items[0]`); None where absent."""
    value = event
    for name, index in re.findall(r"\.([\w\-]+)|\[(\d+)\]", path.removeprefix("$")):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        else:
            in_range = isinstance(value, list) and int(index) < len(value)
            value = value[int(index)] if in_range else None
    return value


def new_event(
    source: str, detail_type: str, detail: dict[str, Any], account: str, region: str, arn: str
) -> dict[str, Any]:
    """An EventBridge event as AWS services publish them."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [arn],
        "detail": detail,
    }
