"""Runs Lambda handlers in this process, one module instance per concurrent invocation."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from infra.local.activity import Activity
from infra.local.calls import Calls, current_function
from infra.local.output import Logs
from infra.local.template import TemplateError

log = logging.getLogger("infra.local")


@dataclass(frozen=True)
class Function:
    """A Lambda function as declared; `folder` is its code, `role` the logical id of its role."""

    logical_id: str
    name: str
    arn: str
    folder: Path
    handler: str
    timeout: float
    memory: int
    environment: Mapping[str, str]
    role: str
    dead_letter_arn: str | None = None
    concurrency: int | None = None


@dataclass
class AsyncConfig:
    """What happens to asynchronous invocations that fail (AWS::Lambda::EventInvokeConfig)."""

    retries: int = 2
    on_failure: str | None = None
    on_success: str | None = None


@dataclass(frozen=True)
class Result:
    """What an invocation answers: JSON text, and whether it is an error payload."""

    payload: str
    is_error: bool
    request_id: str

    @property
    def value(self) -> Any:
        return json.loads(self.payload)


class Context:
    """What a handler gets as its second argument, with the attributes Lambda gives it."""

    def __init__(self, function: Function, request_id: str, deadline: float) -> None:
        self.function_name = function.name
        self.function_version = "$LATEST"
        self.invoked_function_arn = function.arn
        self.memory_limit_in_mb = str(function.memory)
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{function.name}"
        self.log_stream_name = f"local/[$LATEST]{request_id}"
        self.identity = None
        self.client_context = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class Encoder(json.JSONEncoder):
    """Lambda's own rule: a Decimal is a number, anything else must already be JSON."""

    def default(self, o: Any) -> Any:
        return float(o) if isinstance(o, Decimal) else super().default(o)


@dataclass
class Functions:
    """The functions of a stack, by logical id and by ARN."""

    activity: Activity
    calls: Calls
    logs: Logs
    by_id: dict[str, Function] = field(default_factory=dict)
    async_config: dict[str, AsyncConfig] = field(default_factory=dict)
    _free: dict[str, list[ModuleType]] = field(default_factory=dict)
    _loaded: list[str] = field(default_factory=list)
    _reserved: dict[str, threading.BoundedSemaphore] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, function: Function) -> None:
        file = _module_file(function)
        if not file.is_file():
            raise TemplateError(f"{function.logical_id}: no handler file {file}")
        self.by_id[function.logical_id] = function
        self.async_config.setdefault(function.logical_id, AsyncConfig())
        self._free[function.logical_id] = []
        if function.concurrency is not None:
            self._reserved[function.logical_id] = threading.BoundedSemaphore(function.concurrency)

    def find(self, name_or_arn: str) -> Function:
        """By logical id, name or ARN (a version suffix is ignored); KeyError otherwise."""
        for function in self.by_id.values():
            arn = name_or_arn.split(":")
            if name_or_arn in (function.logical_id, function.name) or (
                len(arn) >= 7 and arn[6] == function.name
            ):
                return function
        raise KeyError(f"no function {name_or_arn}")

    def environment(self) -> dict[str, str]:
        """The variables of all functions together, since they share one process.

        Raises TemplateError naming the variables two functions disagree on.
        """
        union: dict[str, tuple[str, str]] = {}
        conflicts = set()
        for function in self.by_id.values():
            for name, value in function.environment.items():
                owner, other = union.setdefault(name, (function.logical_id, value))
                if other != value:
                    conflicts.add(f"{name} ({owner}, {function.logical_id})")
        if conflicts:
            raise TemplateError(
                "functions share one environment here, but disagree on: "
                + ", ".join(sorted(conflicts))
            )
        return {name: value for name, (_, value) in union.items()}

    def invoke(self, function: Function, event: Any) -> Result:
        """Run the handler now. `event` crosses a JSON border, and so does the answer.

        A function with reserved concurrency waits for its turn; AWS would throttle and try again.
        """
        with self._reserved.get(function.logical_id, nullcontext()):
            return self._invoke(function, event)

    def _invoke(self, function: Function, event: Any) -> Result:
        request_id = str(uuid.uuid4())
        event = json.loads(json.dumps(event, cls=Encoder))
        token = current_function.set(function.logical_id)
        self.calls.count("invoke", function.logical_id)
        started = time.monotonic()
        try:
            with self.activity.work(f"function {function.logical_id}"):
                return self._run(function, event, request_id)
        finally:
            seconds = time.monotonic() - started
            if seconds > function.timeout:
                self.logs.write(
                    function.logical_id,
                    f"TIMEOUT: ran {seconds:.2f} s, AWS would have killed it after "
                    f"{function.timeout} s",
                )
                log.error("%s exceeded its timeout: %.2f s", function.logical_id, seconds)
            current_function.reset(token)

    def close(self) -> None:
        """Forget every loaded handler module."""
        for name in self._loaded:
            sys.modules.pop(name, None)

    def _run(self, function: Function, event: Any, request_id: str) -> Result:
        try:
            module = self._take(function)
        except BaseException as error:
            log.exception("%s cannot be imported", function.logical_id)
            return self._failed(function, error, request_id)
        try:
            context = Context(function, request_id, time.monotonic() + function.timeout)
            answer = handler_of(function, module)(event, context)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            self._give_back(function, module)
            return self._failed(function, error, request_id)
        except BaseException as crash:  # the process would be dead: its module is never used again
            return self._failed(function, crash, request_id)
        self._give_back(function, module)
        try:
            return Result(json.dumps(answer, cls=Encoder), False, request_id)
        except (TypeError, ValueError) as error:
            marshal = {
                "errorType": "Runtime.MarshalError",
                "errorMessage": f"Unable to marshal response: {error}",
                "requestId": request_id,
                "stackTrace": [],
            }
            self.logs.write(function.logical_id, f"[ERROR] {marshal['errorMessage']}")
            return Result(json.dumps(marshal), True, request_id)

    def _give_back(self, function: Function, module: ModuleType) -> None:
        with self._lock:
            self._free[function.logical_id].append(module)

    def _failed(self, function: Function, error: BaseException, request_id: str) -> Result:
        trace = traceback.format_tb(error.__traceback__)
        payload = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": request_id,
            "stackTrace": trace,
        }
        self.logs.write(
            function.logical_id, f"[ERROR] {type(error).__name__}: {error}\n" + "".join(trace)
        )
        return Result(json.dumps(payload), True, request_id)

    def _take(self, function: Function) -> ModuleType:
        """A module instance nobody else is using: handlers never run concurrently in one."""
        with self._lock:
            free = self._free[function.logical_id]
            return free.pop() if free else self.load(function)

    def load(self, function: Function) -> ModuleType:
        """A new instance of the handler's module, as a new container would have."""
        name = f"lambda_{function.logical_id}_{len(self._loaded)}"
        spec = importlib.util.spec_from_file_location(name, _module_file(function))
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        self._loaded.append(name)
        for file in function.folder.glob("*.py"):  # nor those that somebody else imported
            sys.modules.pop(file.stem, None)
        sys.path.insert(0, str(function.folder))
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(function.folder))
            _forget_siblings(function.folder, name)
        return module


def _module_file(function: Function) -> Path:
    return function.folder / (function.handler.rsplit(".", 1)[0].replace(".", "/") + ".py")


def handler_of(function: Function, module: ModuleType) -> Callable[[Any, Any], Any]:
    """The callable that the function's `Handler` names."""
    handler: Callable[[Any, Any], Any] = getattr(module, function.handler.rsplit(".", 1)[1])
    return handler


def _forget_siblings(folder: Path, keep: str) -> None:
    """Two functions may both have a `helper.py`: each keeps its own, none stays importable."""
    prefix = str(folder) + os.sep
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(prefix) and not name.startswith("lambda_") and name != keep:
            del sys.modules[name]
