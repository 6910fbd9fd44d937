"""The routes of a REST API, read from the Swagger body the template translates to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from infra.local.template import TemplateError

ANY = "x-amazon-apigateway-any-method"
_METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


@dataclass(frozen=True)
class Route:
    """One method of one resource.

    `function_arn` is None for a mock (CORS); `authorizer` None for an open route.
    """

    resource: str
    method: str
    function_arn: str | None
    mock: dict[str, Any] | None
    authorizer: str | None
    scopes: tuple[str, ...]


class Routes:
    """Finds the route of a request: exact segments win over {param}, that over {proxy+}."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._resources: dict[str, dict[str, Route]] = {}
        for path, methods in body["paths"].items():
            self._resources[path] = {
                method: _route(path, method, operation, body)
                for method, operation in methods.items()
                if method in _METHODS or method == ANY
            }
            if unknown := set(methods) - _METHODS - {ANY, "parameters"}:
                raise TemplateError(f"{path}: unknown methods {sorted(unknown)}")

    def __iter__(self) -> Any:
        return (route for methods in self._resources.values() for route in methods.values())

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its decoded path parameters, None when nothing answers."""
        best: tuple[tuple[int, ...], str, dict[str, str]] | None = None
        for resource in self._resources:
            matched = _match(resource, path)
            if matched and (best is None or matched[0] < best[0]):
                best = (matched[0], resource, matched[1])
        if best is None:
            return None
        methods = self._resources[best[1]]
        route = methods.get(method.lower()) or methods.get(ANY)
        return (route, best[2]) if route else None


def _match(resource: str, path: str) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """(rank of each segment, parameters) when `path` fits `resource`; smaller ranks win."""
    wanted, given = resource.strip("/").split("/"), path.strip("/").split("/")
    ranks: list[int] = []
    parameters: dict[str, str] = {}
    for position, segment in enumerate(wanted):
        if segment.startswith("{") and segment.endswith("+}"):
            rest = given[position:]
            if not rest or rest == [""]:
                return None
            parameters[segment[1:-2]] = unquote("/".join(rest))
            return (*ranks, 2), parameters
        if position >= len(given):
            return None
        if segment.startswith("{"):
            if not given[position]:
                return None
            parameters[segment[1:-1]] = unquote(given[position])
            ranks.append(1)
        elif segment == unquote(given[position]):
            ranks.append(0)
        else:
            return None
    return (tuple(ranks), parameters) if len(wanted) == len(given) else None


def _route(path: str, method: str, operation: dict[str, Any], body: dict[str, Any]) -> Route:
    integration = operation["x-amazon-apigateway-integration"]
    kind = integration["type"].lower()
    if kind not in ("aws_proxy", "mock"):
        raise TemplateError(f"{method} {path}: integration {kind} is not supported")
    security = operation.get("security", body.get("security", []))
    named = {name: scopes for entry in security for name, scopes in entry.items()}
    named.pop("NONE", None)
    if len(named) > 1:
        raise TemplateError(f"{method} {path}: more than one authorizer: {sorted(named)}")
    authorizer, scopes = next(iter(named.items()), (None, []))
    definitions = body.get("securityDefinitions", {})
    if authorizer is not None and (
        definitions.get(authorizer, {}).get("x-amazon-apigateway-authtype") != "cognito_user_pools"
    ):
        raise TemplateError(f"{method} {path}: authorizer {authorizer} is not a Cognito one")
    is_mock = kind == "mock"
    arn = None if is_mock else integration["uri"].split("/functions/")[1].split("/invocations")[0]
    return Route(path, method, arn, integration if is_mock else None, authorizer, tuple(scopes))
