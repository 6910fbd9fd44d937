"""AWS behind botocore's HTTP: requests are answered here, from a model or from what was recorded.

Everything of botocore up to the socket runs: parameters, signing, parsing, retries. DynamoDB is our
model; of the other services only the calls of the journey are known, and any other raises.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session

from infra.bench.journey import SECRET
from infra.local.patching import Patches
from infra.sim.dynamodb import Consumed, DynamoDB

Made = tuple[Any, str, dict[str, Any]]  # client, operation, parameters


class Wire:
    """Where requests go. `made` and `answers` are the calls since `record` and their bodies,
    `consumed` what DynamoDB bills for each of its own among them."""

    def __init__(self, model: DynamoDB) -> None:
        self._model = model
        self.made: list[Made] = []
        self.answers: list[bytes] = []
        self.consumed: list[list[Consumed]] = []
        self._replayed: Iterator[bytes] | None = None

    def record(self) -> None:
        """Answer from the model and write down from now on."""
        self.made, self.answers, self.consumed, self._replayed = [], [], [], None

    def replay(self) -> None:
        """Answer with what was written down, from the first on."""
        self._replayed = iter(self.answers)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Take the place of every client's network for the length of the block."""
        patches = Patches()
        wire, original = self, BaseClient._make_api_call  # type: ignore[attr-defined]

        def send(_session: object, request: AWSPreparedRequest) -> AWSResponse:
            return _Answer(str(request.url), wire._answer(request))

        def make_api_call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            if wire._replayed is None:
                wire.made.append((client, operation, parameters))
            return original(client, operation, parameters)

        patches.replace(URLLib3Session, "send", send)
        patches.replace(BaseClient, "_make_api_call", make_api_call)
        try:
            yield
        finally:
            patches.undo()

    def _answer(self, request: AWSPreparedRequest) -> bytes:
        if self._replayed is not None:
            return next(self._replayed)
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        service, _, operation = target.partition(".")
        parameters = loads(bytes(request.body or b"{}"))  # type: ignore[arg-type]
        if service.startswith("DynamoDB"):
            answer = self._model.call(operation, parameters)
            answer.pop("ResponseMetadata")
            self.consumed.append(self._model.consumed)
        else:
            answer = _elsewhere(operation, parameters)
        body = dumps(answer).encode()
        self.answers.append(body)
        return body


class _Answer(AWSResponse):
    """A 200 with a JSON body that is all there."""

    def __init__(self, url: str, body: bytes) -> None:
        headers: Any = HeadersDict({"content-type": "application/x-amz-json-1.0"})
        super().__init__(url, 200, headers, None)
        self._content = body


def dumps(value: Any) -> str:
    """DynamoDB's JSON: binary attributes in base64."""
    return json.dumps(value, default=lambda binary: base64.b64encode(binary).decode())


def loads(text: str | bytes) -> Any:
    """What `dumps` wrote, binary attributes as bytes."""
    return json.loads(text, object_hook=_attribute)


def _attribute(found: dict[str, Any]) -> dict[str, Any]:
    binary = found.get("B")
    if len(found) == 1 and isinstance(binary, str):
        return {"B": base64.b64decode(binary)}
    return found


def _elsewhere(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    if operation == "PutEvents":
        entries = [{"EventId": str(number)} for number, _ in enumerate(parameters["Entries"])]
        return {"FailedEntryCount": 0, "Entries": entries}
    if operation == "SendMessage":
        digest = hashlib.md5(parameters["MessageBody"].encode(), usedforsecurity=False)
        return {"MessageId": "m1", "MD5OfMessageBody": digest.hexdigest()}
    if operation == "GetParameter":
        return {"Parameter": {"Name": parameters["Name"], "Value": SECRET}}
    if operation == "StartExecution":
        return {"executionArn": f"arn:aws:states:::{parameters['name']}", "startDate": 0}
    if operation in ("SendTaskSuccess", "SendTaskFailure"):
        return {}
    raise NotImplementedError(f"{operation}: no request of the journey made this call before")
