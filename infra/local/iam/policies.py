"""Identity and resource policies: does any statement allow this action on that resource?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infra.local.template import TemplateError

Context = Mapping[str, "str | list[str]"]

MANAGED: dict[str, list[str]] = {
    "AWSLambdaBasicExecutionRole": ["logs:*"],
    "AWSXRayDaemonWriteAccess": ["xray:*"],
    "AWSXrayWriteOnlyAccess": ["xray:*"],
    "AWSLambdaSQSQueueExecutionRole": [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:*",
    ],
    "AWSLambdaDynamoDBExecutionRole": [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "logs:*",
    ],
}
"""The AWS managed policies SAM attaches, reduced to the actions that matter here."""


@dataclass(frozen=True)
class Grant:
    """One action on one resource of one Allow statement, both as written (maybe patterns)."""

    action: str
    resource: str


@dataclass(frozen=True)
class Statement:
    """A statement, normalised to lists. `principals` is empty in identity policies."""

    allow: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]
    principals: tuple[str, ...]

    def applies(self, action: str, resource: str, context: Context) -> bool:
        return (
            self._action(action)
            and self._resource(resource)
            and all(
                _holds(operator, key, wanted, context)
                for operator, tests in self.conditions.items()
                for key, wanted in tests.items()
            )
        )

    def grants(self, action: str, resource: str) -> list[Grant]:
        """The grants of this statement that `action` on `resource` makes use of."""
        return [
            Grant(pattern, place)
            for pattern in self.actions
            if _like(pattern, action)
            for place in self.resources
            if _like(place, resource, True)
        ]

    def _action(self, action: str) -> bool:
        if self.not_actions:
            return not any(_like(pattern, action) for pattern in self.not_actions)
        return any(_like(pattern, action) for pattern in self.actions)

    def _resource(self, resource: str) -> bool:
        if self.not_resources:
            return not any(_like(pattern, resource, True) for pattern in self.not_resources)
        return any(_like(pattern, resource, True) for pattern in self.resources)


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document."""
    return [
        Statement(
            allow=item["Effect"] == "Allow",
            actions=_many(item.get("Action")),
            not_actions=_many(item.get("NotAction")),
            resources=_many(item.get("Resource")),
            not_resources=_many(item.get("NotResource")),
            conditions=item.get("Condition", {}),
            principals=_principals(item.get("Principal")),
        )
        for item in _list(document.get("Statement", []))
    ]


def managed(arn: str) -> list[Statement]:
    """The statements of an AWS managed policy. Raises TemplateError for one we do not know."""
    name = arn.rsplit("/", 1)[1]
    if name not in MANAGED:
        raise TemplateError(f"managed policy {name} is not known here; write its statements out")
    return [Statement(True, tuple(MANAGED[name]), (), ("*",), (), {}, ())]


def decide(
    candidates: Iterable[Statement], action: str, resource: str, context: Context
) -> tuple[bool, list[Grant]]:
    """(allowed, the grants that allow it). An explicit Deny wins."""
    grants: list[Grant] = []
    for statement in candidates:
        if not statement.applies(action, resource, context):
            continue
        if not statement.allow:
            return False, []
        grants += statement.grants(action, resource) or [Grant("NotAction", resource)]
    return bool(grants), grants


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _many(value: Any) -> tuple[str, ...]:
    return () if value is None else tuple(str(item) for item in _list(value))


def _principals(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(str(item) for values in value.values() for item in _list(values))
    return _many(value)


@lru_cache(maxsize=4096)
def _pattern(pattern: str, case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.compile(text, re.DOTALL if case else re.DOTALL | re.IGNORECASE)


def _like(pattern: str, value: str, case: bool = False) -> bool:
    return _pattern(pattern, case).fullmatch(value) is not None


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": lambda wanted, value: _like(wanted, value, True),
    "ArnEquals": lambda wanted, value: _like(wanted, value, True),
    "ArnLike": lambda wanted, value: _like(wanted, value, True),
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}
_NEGATIONS = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike"}


def _holds(operator: str, key: str, wanted: Any, context: Context) -> bool:
    """One condition. Raises TemplateError for an operator this evaluator does not know."""
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = name in _NEGATIONS
    test = _OPERATORS.get(_NEGATIONS.get(name, name))
    if test is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise TemplateError(f"condition operator {operator} is not supported")
    given = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if given is None:
        return optional or negated or quantifier == "ForAllValues"
    values = [given] if isinstance(given, str) else given
    met = [any(test(str(option), value) for option in _list(wanted)) != negated for value in values]
    return all(met) if quantifier == "ForAllValues" else any(met)
