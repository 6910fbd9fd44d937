"""Retry and Catch: which error they match, and how long a retrier waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.sim.states.fields import check, integer, number
from infra.sim.states.paths import Path

_ALL, _TASK_FAILED = "States.ALL", "States.TaskFailed"
_NEVER = {"States.Runtime"}
"""Never retried nor caught: the definition or its data is wrong (Step Functions Developer Guide,
"Error names")."""
_NOT_BY_ALL = {"States.DataLimitExceeded"}


@dataclass(frozen=True, slots=True)
class Errors:
    """An ErrorEquals."""

    names: frozenset[str]

    def match(self, error: str) -> bool:
        if error in _NEVER:
            return False
        if error in self.names:
            return True
        if error in _NOT_BY_ALL:
            return False
        return _ALL in self.names or (_TASK_FAILED in self.names and error != "States.Timeout")


@dataclass(frozen=True, slots=True)
class Retrier:
    """`attempts` retries at most, `interval * rate^n` seconds apart, never above `longest`."""

    errors: Errors
    attempts: int
    interval: float
    rate: float
    longest: float
    jitter: bool

    def delay(self, retries: int) -> float:
        """Seconds before the next retry, after this many; jitter not yet applied."""
        try:
            return float(min(self.interval * self.rate**retries, self.longest))
        except OverflowError:
            return self.longest


@dataclass(frozen=True, slots=True)
class Catcher:
    """`result_path` is where the error goes in the state's input; None leaves the input as is."""

    errors: Errors
    result_path: tuple[str, ...] | None
    next: str


def retriers(declared: Sequence[Mapping[str, Any]]) -> tuple[Retrier, ...]:
    """Raises ValueError for what AWS would refuse."""
    return tuple(_retrier(retry, last=retry is declared[-1]) for retry in declared)


def catchers(declared: Sequence[Mapping[str, Any]]) -> tuple[Catcher, ...]:
    """Raises ValueError for what AWS would refuse."""
    return tuple(_catcher(catch, last=catch is declared[-1]) for catch in declared)


def result_path(declared: str | None) -> tuple[str, ...] | None:
    """The names to write to: none for `$`; None to throw the result away."""
    return None if declared is None else Path(declared).names()


def _retrier(retry: Mapping[str, Any], last: bool) -> Retrier:
    known = {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"}
    check("Retry", retry, {"ErrorEquals"}, known | {"JitterStrategy", "Comment"})
    interval = integer(retry, "IntervalSeconds", 1, 1, 99_999_999)
    longest = number(retry, "MaxDelaySeconds", float("inf"), 1)
    if longest <= interval:
        raise ValueError("MaxDelaySeconds must be greater than IntervalSeconds")
    strategy = retry.get("JitterStrategy", "NONE")
    if strategy not in {"FULL", "NONE"}:
        raise ValueError(f"unknown JitterStrategy: {strategy!r}")
    return Retrier(
        _errors(retry, last),
        integer(retry, "MaxAttempts", 3, 0, 99_999_999),
        interval,
        number(retry, "BackoffRate", 2.0, 1.0),
        longest,
        strategy == "FULL",
    )


def _catcher(catch: Mapping[str, Any], last: bool) -> Catcher:
    known = {"ErrorEquals", "Next", "ResultPath", "Comment"}
    check("Catch", catch, {"ErrorEquals", "Next"}, known)
    return Catcher(_errors(catch, last), result_path(catch.get("ResultPath", "$")), catch["Next"])


def _errors(declared: Mapping[str, Any], last: bool) -> Errors:
    names = declared["ErrorEquals"]
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError(f"ErrorEquals is a list of names: {names!r}")
    if _ALL in names and not (len(names) == 1 and last):
        raise ValueError("States.ALL stands alone, in the last place")
    return Errors(frozenset(names))
