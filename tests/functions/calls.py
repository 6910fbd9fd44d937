"""Calling functions in tests: loading their modules, and the events that AWS hands them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

_FUNCTIONS = Path(__file__).parents[2] / "functions"


class Context:
    """What a handler gets as its second argument."""

    aws_request_id = "test"
    function_name = "test"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:test"


def load(name: str, module: str = "app") -> ModuleType:
    """A fresh module of `functions/<name>`; its siblings are its own, as in Lambda."""
    folder = _FUNCTIONS / name
    siblings = {file.stem for file in folder.glob("*.py")}
    kept = {sibling: sys.modules.pop(sibling, None) for sibling in siblings}
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(f"{name}_{module}", folder / f"{module}.py")
        assert spec and spec.loader
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = loaded  # where dataclasses look their annotations up
        spec.loader.exec_module(loaded)
        return loaded
    finally:
        sys.path.remove(str(folder))
        for sibling, module_before in kept.items():
            sys.modules.pop(sibling, None)
            if module_before is not None:
                sys.modules[sibling] = module_before


def queue_event(*bodies: Mapping[str, Any]) -> dict[str, Any]:
    """An SQS batch; message ids count from m0."""
    return {
        "Records": [
            {
                "messageId": f"m{index}",
                "receiptHandle": "r",
                "body": json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:queue",
                "awsRegion": "eu-central-1",
            }
            for index, body in enumerate(bodies)
        ]
    }


def failed(answer: Mapping[str, Any]) -> list[str]:
    """The messages that a batch's answer leaves in the queue."""
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def bus_event(event: Any) -> dict[str, Any]:
    """A domain event as the bus delivers it: without what somebody typed."""
    from parcelway.ports.bus import TYPED
    from parcelway.store.codec import encode

    detail = encode(event)
    data = detail.get("data", {})
    return {
        "version": "0",
        "id": "e",
        "source": "parcelway.orders",
        "detail-type": event.type,
        "detail": {
            "order_id": detail["order_id"],
            "sequence": detail["sequence"],
            "type": detail["type"],
            "at": detail["at"],
            "data": {name: value for name, value in data.items() if name not in TYPED},
        },
    }


def get_event(
    resource: str,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A GET as API Gateway's proxy integration hands it over (payload format 1.0)."""
    filled = resource.format(**(path or {}))
    return {
        "resource": resource,
        "path": filled,
        "httpMethod": "GET",
        "headers": dict(headers or {}) or None,
        "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()} or None,
        "queryStringParameters": dict(query or {}) or None,
        "multiValueQueryStringParameters": {n: [v] for n, v in (query or {}).items()} or None,
        "pathParameters": dict(path or {}) or None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": "GET",
            "resourcePath": resource,
            "path": filled,
            "stage": "live",
            "requestId": "test",
            "identity": {"sourceIp": "192.0.2.1"},
        },
    }
