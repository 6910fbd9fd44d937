"""moto is not thread safe: one lock per service, or 16 threads oversell stock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from moto.cognitoidp.responses import CognitoIdpResponse
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.events.responses import EventsHandler
from moto.s3.models import S3Backend
from moto.sesv2.responses import SESV2Response
from moto.sqs.models import SQSBackend

from infra.local.patching import Patches

dynamodb = threading.RLock()
sqs = threading.RLock()

_HANDLERS: list[tuple[type[Any], Any]] = [
    (DynamoHandler, dynamodb),
    (DynamoDBStreamsHandler, dynamodb),
    (EventsHandler, threading.RLock()),
    (SESV2Response, threading.RLock()),
    (CognitoIdpResponse, threading.RLock()),
]
_SQS_METHODS = [
    "send_message",
    "send_message_batch",
    "delete_message",
    "delete_message_batch",
    "change_message_visibility",
    "purge_queue",
    "get_queue_attributes",
]
_S3_METHODS = ["put_object", "delete_object", "copy_object", "list_objects"]
_POLL_SECONDS = 0.02


def install(patches: Patches) -> None:
    for handler, lock in _HANDLERS:
        patches.replace(handler, "call_action", _locked(handler.call_action, lock))
    for name in _SQS_METHODS:
        patches.replace(SQSBackend, name, _locked(getattr(SQSBackend, name), sqs))
    patches.replace(SQSBackend, "receive_message", _long_poll(SQSBackend.receive_message))
    s3 = threading.RLock()
    for name in _S3_METHODS:
        patches.replace(S3Backend, name, _locked(getattr(S3Backend, name), s3))


def _locked(method: Callable[..., Any], lock: Any) -> Callable[..., Any]:
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return method(self, *args, **kwargs)

    return locked


def _long_poll(method: Callable[..., Any]) -> Callable[..., Any]:
    """moto would wait while holding the lock: here nobody waits inside it."""

    def receive_message(
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> Any:
        deadline = time.monotonic() + (wait_seconds_timeout or 0)
        while True:
            with sqs:
                found = method(
                    self, queue_name, count, 0, visibility_timeout, message_attribute_names
                )
            if found or time.monotonic() >= deadline:
                return found
            time.sleep(_POLL_SECONDS)

    return receive_message
