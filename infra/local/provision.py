"""Creates a translated template's resources in dependency order, and refuses what it cannot."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.functions import Functions
from infra.local.intrinsics import Resolver, Resource, references
from infra.local.template import Template, TemplateError

_RESOURCE_KEYS = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
}


class Properties:
    """A resource's properties; whatever nobody asked for is an error in the end."""

    def __init__(self, logical_id: str, values: Mapping[str, Any]) -> None:
        self.logical_id = logical_id
        self._values = dict(values)

    def required(self, name: str) -> Any:
        if name not in self._values:
            raise TemplateError(f"{self.logical_id}: property {name} is missing")
        return self._values.pop(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.pop(name, default)

    def take(self, *names: str) -> dict[str, Any]:
        """Those of `names` that are given."""
        return {name: self._values.pop(name) for name in names if name in self._values}

    def ignore(self, *names: str) -> None:
        """Properties that change nothing here (tags, tracing, capacity)."""
        self.take(*names)

    def finish(self) -> None:
        if self._values:
            raise TemplateError(
                f"{self.logical_id}: the embedded stack does not know {sorted(self._values)}"
            )


@dataclass
class Role:
    """An IAM role's identity policies, resolved; `managed` lists attached policy ARNs."""

    arn: str
    documents: list[dict[str, Any]] = field(default_factory=list)
    managed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Permission:
    """An AWS::Lambda::Permission: `principal` may invoke the function, from `source_arn`."""

    function: str
    principal: str
    source_arn: str | None


@dataclass(frozen=True)
class Schedule:
    """Something that fires by the clock: a rule or a Scheduler schedule."""

    logical_id: str
    expression: str
    enabled: bool
    arn: str
    targets: tuple[dict[str, Any], ...]
    is_rule: bool


@dataclass(frozen=True)
class Api:
    """A REST API: its Swagger body, resolved, and the stage it is served under."""

    logical_id: str
    api_id: str
    body: dict[str, Any]
    binary_types: tuple[str, ...]
    stage: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Build:
    """What the functions that create resources read and fill."""

    root: Path
    stack_name: str
    account: str
    region: str
    client: Callable[[str], Any]
    functions: Functions
    layers: dict[str, Path] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    mappings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    apis: dict[str, Api] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    permissions: list[Permission] = field(default_factory=list)
    machines: dict[str, str] = field(default_factory=dict)
    machine_roles: dict[str, str] = field(default_factory=dict)
    machine_arns: dict[str, str] = field(default_factory=dict)
    triggers: dict[str, dict[str, str]] = field(default_factory=dict)
    hidden_users: set[str] = field(default_factory=set)
    mail_events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    rule_targets: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def name(self, logical_id: str, limit: int = 64) -> str:
        """The same physical name on every start, unlike CloudFormation's random ones."""
        name = f"{self.stack_name}-{logical_id}"
        if len(name) <= limit:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        return f"{name[: limit - 9]}-{digest}"

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"


Create = Callable[[Build, str, Properties], Resource]
REGISTRY: dict[str, Create] = {}


def creates(kind: str) -> Callable[[Create], Create]:
    """Registers a function as the one that creates resources of a CloudFormation type."""

    def register(function: Create) -> Create:
        REGISTRY[kind] = function
        return function

    return register


def provision(template: Template, build: Build) -> tuple[Resolver, dict[str, Any]]:
    """Create everything; the resolver knows all resources, the dictionary holds the outputs.

    Raises TemplateError for unknown types or properties, missing references and cycles.
    """
    names = {
        **template.parameters,
        "AWS::AccountId": build.account,
        "AWS::Region": build.region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": build.stack_name,
        "AWS::StackId": build.arn("cloudformation", f"stack/{build.stack_name}/local"),
        "AWS::NotificationARNs": [],
    }
    resolver = Resolver(template.document, names)
    wanted = {
        logical_id: resource
        for logical_id, resource in template.document["Resources"].items()
        if "Condition" not in resource or resolver.condition(resource["Condition"])
    }
    _check_types(wanted)
    for logical_id in _in_order(wanted):
        resource = wanted[logical_id]
        resolved = resolver.resolve(resource.get("Properties", {}))
        properties = Properties(logical_id, resolved)
        resolver.resources[logical_id] = REGISTRY[resource["Type"]](build, logical_id, properties)
        properties.finish()
    return resolver, _outputs(template, resolver)


def _outputs(template: Template, resolver: Resolver) -> dict[str, Any]:
    return {
        name: resolver.resolve(output["Value"])
        for name, output in template.document.get("Outputs", {}).items()
        if "Condition" not in output or resolver.condition(output["Condition"])
    }


def _check_types(resources: Mapping[str, Any]) -> None:
    unknown = {
        f"{logical_id} ({resource['Type']})"
        for logical_id, resource in resources.items()
        if resource["Type"] not in REGISTRY
    }
    if unknown:
        raise TemplateError(f"the embedded stack has no such resource: {sorted(unknown)}")
    for logical_id, resource in resources.items():
        extra = set(resource) - _RESOURCE_KEYS
        if extra:
            raise TemplateError(f"{logical_id}: unknown attributes {sorted(extra)}")


def _in_order(resources: Mapping[str, Any]) -> Iterator[str]:
    """Dependencies first; among equals the template's order."""
    done: set[str] = set()

    def visit(logical_id: str, path: tuple[str, ...]) -> Iterator[str]:
        if logical_id in done:
            return
        if logical_id in path:
            cycle = " -> ".join([*path[path.index(logical_id) :], logical_id])
            raise TemplateError(f"circular dependency: {cycle}")
        resource = resources[logical_id]
        depends_on = resource.get("DependsOn", [])
        explicit = [depends_on] if isinstance(depends_on, str) else list(depends_on)
        for other in [*explicit, *references(resource.get("Properties", {}))]:
            if other in resources and other != logical_id:
                yield from visit(other, (*path, logical_id))
        done.add(logical_id)
        yield logical_id

    for logical_id in resources:
        yield from visit(logical_id, ())


def bucket_name(build: Build, logical_id: str) -> str:
    """S3's rules: lower case, at most 63 characters, unique by account."""
    parts = re.sub(r"(?<!^)(?=[A-Z])", "-", logical_id).lower()
    return f"{build.stack_name}-{parts}-{build.account}".lower()[:63]
