"""Runs the real handlers inside tasks: one module instance per concurrent invocation."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

from parcelway.ports import secret_values

from infra.local.calls import current_function
from infra.local.functions import Context, Encoder, Function, Functions, Result, handler_of
from infra.sim.kernel import Kernel, Stopped

_THROTTLED_SECONDS = 1.0


class Died(BaseException):
    """The process that ran a handler is gone."""


@dataclass
class Invocation:
    """A handler at work. Once `dead`, nothing it still does reaches anybody."""

    function: str
    dies_at: float  # seconds since the epoch: Lambda ends what takes longer than the time-out
    dead: bool = False
    has_read: bool = False  # since it began or last changed something
    skew: timedelta = timedelta(0)


current: ContextVar[Invocation | None] = ContextVar("invocation", default=None)
"""The invocation that the running code belongs to; None for the outside world."""


class Lambdas:
    """The functions of a stack. Modules are kept over histories; what they remember is not."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._modules: dict[str, list[ModuleType]] = defaultdict(list)
        self._free: dict[str, list[ModuleType]] = defaultdict(list)
        self._running: Counter[str] = Counter()
        self._loaded: dict[ModuleType, dict[str, Any]] = {}  # what each was like when new
        self.invocations: Counter[str] = Counter()

    def begin(self, kernel: Kernel, skew: Callable[[], timedelta]) -> None:
        """Every container is cold; each invocation's clock is off by a `skew` of its own."""
        self._kernel = kernel
        self._skew = skew
        self._running.clear()
        self.invocations.clear()
        for name, modules in self._modules.items():
            for module in modules:
                self._forget(module)
            self._free[name] = list(modules)

    @contextmanager
    def planted(self, name: str, value: Any) -> Iterator[None]:
        """Have every loaded handler module that knows a global `name` know `value` instead."""
        before = {m: new[name] for m, new in self._loaded.items() if name in new}
        if not before:
            raise KeyError(f"no handler has a global {name}")
        for module in before:
            self._loaded[module][name] = value
        try:
            yield
        finally:
            for module, original in before.items():
                self._loaded[module][name] = original

    def find(self, name_or_arn: str) -> Function:
        """See Functions.find."""
        return self._functions.find(name_or_arn)

    def invoke(self, function: Function, event: Any) -> Result:
        """Run the handler. A function at its reserved concurrency is tried until it has room."""
        name = function.logical_id
        while function.concurrency and self._running[name] >= function.concurrency:
            self._kernel.sleep(_THROTTLED_SECONDS)
        self._running[name] += 1
        self.invocations[name] += 1
        module = self._take(function)
        dies_at = self._kernel.now + function.timeout
        token = current.set(Invocation(name, dies_at, skew=self._skew()))
        named = current_function.set(name)
        try:
            return self._run(function, module, json.loads(json.dumps(event, cls=Encoder)))
        finally:
            current_function.reset(named)
            current.reset(token)
            self._running[name] -= 1
            self._free[name].append(module)

    def _run(self, function: Function, module: ModuleType, event: Any) -> Result:
        context = Context(function, "sim", time.monotonic() + function.timeout)
        try:
            answer = handler_of(function, module)(event, context)
        except Stopped:
            raise
        except Died:
            self._forget(module)
            return _error("Runtime.ExitError", "the process died")
        except Exception as error:
            return _error(type(error).__name__, str(error))
        return Result(json.dumps(answer, cls=Encoder), False, "sim")

    def _take(self, function: Function) -> ModuleType:
        free = self._free[function.logical_id]
        if free:
            return free.pop()
        module = self._functions.load(function)
        self._modules[function.logical_id].append(module)
        self._loaded[module] = dict(vars(module))
        return module

    def _forget(self, module: ModuleType) -> None:
        """As a new container: its globals are as loaded, its caches empty."""
        vars(module).clear()
        vars(module).update(self._loaded[module])
        secret_values.forget()
        for value in self._loaded[module].values():
            clear = getattr(value, "cache_clear", None)
            if clear is not None:
                clear()


def _error(kind: str, message: str) -> Result:
    return Result(json.dumps({"errorType": kind, "errorMessage": message}), True, "sim")
