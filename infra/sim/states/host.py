"""What the interpreter needs from the world around it, and how the two speak of failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

NO_TIMEOUT = 99_999_999.0
"""Seconds that a task without TimeoutSeconds may take: AWS's default."""


class TaskFailed(Exception):
    """A state failed with `error`, the name that Retry and Catch match, and a `cause` for people.

    Hosts raise it for failed functions; a branch given to `Host.all` raises it when it fails.
    """

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}" if cause else error)
        self.error = error
        self.cause = cause


class ExecutionFailed(Exception):
    """The execution ended as FAILED, with this error and cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}" if cause else error)
        self.error = error
        self.cause = cause


class Host(Protocol):
    """Everything outside the definition: functions, tokens, time, concurrency, dice.

    Payloads and results are JSON values which both sides share: neither may change one in place.
    What a host raises besides TaskFailed passes through the interpreter untouched.
    """

    def invoke(self, function_arn: str, payload: Any, timeout: float, /) -> Any:
        """What the function answers; TaskFailed(its errorType) when it fails, States.Timeout
        after `timeout` seconds."""

    def invoke_and_wait(
        self, function_arn: str, payload: Any, token: str, timeout: float, /
    ) -> Any:
        """Invoke, ignore the answer, wait for `token`: the output it is given. TaskFailed when the
        function or the token's owner says so, States.Timeout `timeout` seconds after the start."""

    def new_token(self) -> str:
        """A task token, never given before."""

    def wait(self, seconds: float, /) -> None:
        """Let this much time pass."""

    def all(self, branches: Sequence[Callable[[], Any]], limit: int, /) -> list[Any]:
        """Run all, at most `limit` at a time (0: no limit); the results in order. When one raises,
        the others are stopped where they are, and it is raised."""

    def jitter(self, most: float, /) -> float:
        """A number of seconds in [0, most]."""

    def entered(self, state: str, /) -> None:
        """A state begins, or begins again because of Retry: one billed transition."""


class Clock(Protocol):
    """What a host also is when a definition asks for the time (Timestamp, EnteredTime)."""

    def now(self) -> datetime:
        """With a time zone."""
