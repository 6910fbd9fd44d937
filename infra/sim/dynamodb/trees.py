"""Expressions as trees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """A place in an item: names and list positions, placeholders already replaced."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"[{', '.join(p if isinstance(p, str) else f'[{p}]' for p in self.parts)}]"


@dataclass(frozen=True, slots=True)
class Value:
    """A placeholder of ExpressionAttributeValues, with its colon."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its operands."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator and its operands: a comparison, BETWEEN, IN, AND, OR, NOT, + or -."""

    operator: str
    operands: tuple[Node, ...]


Node = Path | Value | Call | Operation
