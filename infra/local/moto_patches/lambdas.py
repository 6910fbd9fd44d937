"""The one hook into moto's Lambda: whoever invokes a function ends up in ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from moto.awslambda.models import LambdaFunction

from infra.local.patching import Patches

RunNow = Callable[[str, Any], tuple[str, bool, str]]
RunLater = Callable[[str, Any], None]


def install(patches: Patches, run_now: RunNow, run_later: RunLater) -> None:
    """`run_now(function name, event)` gives (payload, is error, log); `run_later` queues it."""

    def invoke_lambda(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        return run_now(self.function_name, event)

    def invoke(
        self: LambdaFunction, body: Any, request_headers: Any, response_headers: Any
    ) -> str | bytes:
        event = json.loads(body) if body else {}
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return ""
        if kind == "Event":
            run_later(self.function_name, event)
            return ""
        payload, is_error, log = run_now(self.function_name, event)
        if is_error:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-log-result"] = base64.b64encode(log[-4096:].encode()).decode()
        return payload.encode()

    patches.replace(LambdaFunction, "_invoke_lambda", invoke_lambda)
    patches.replace(LambdaFunction, "invoke", invoke)
