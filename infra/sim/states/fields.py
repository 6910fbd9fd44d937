"""Checks of a definition's fields; whatever is not known is refused."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any


def check(what: str, declared: Mapping[str, Any], required: Set[str], known: Set[str]) -> None:
    """Raises ValueError naming the fields that are missing or unknown."""
    if not isinstance(declared, Mapping):
        raise ValueError(f"{what} is not an object")
    missing, unknown = required - declared.keys(), declared.keys() - known
    if missing or unknown:
        raise ValueError(f"{what}: missing {sorted(missing)}, unknown {sorted(unknown)}")


def one_of(what: str, declared: Mapping[str, Any], names: Set[str]) -> str:
    """The one of these fields that is there; ValueError when none or several are."""
    found = names & declared.keys()
    if len(found) != 1:
        raise ValueError(f"{what} needs one of {sorted(names)}")
    return next(iter(found))


def integer(declared: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    """Raises ValueError when it is not an integer from `least` to `most`."""
    value = declared.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is an integer from {least} to {most}: {value!r}")
    return value


def number(declared: Mapping[str, Any], name: str, default: float, least: float) -> float:
    """Raises ValueError when it is not a number of at least `least`."""
    value = declared.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is a number from {least}: {value!r}")
    return value
