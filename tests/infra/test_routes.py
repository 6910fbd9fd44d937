"""One list of routes, told three times: the template, the routers, the OpenAPI document."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from parcelway.http.api import ANYONE, CART, CUSTOMER, LINK, SIGNED, Route
from parcelway.http.taxes import with_taxes

from infra.cli import openapi, routes
from infra.cli.routes import FUNCTIONS, declared, function_folders, http_functions
from infra.local.template import read

ROOT = Path(__file__).resolve().parents[2]
COGNITO, OPEN = "Customers", "NONE"

Endpoint = tuple[str, str, str]  # method, path, folder of the function


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read(ROOT / "template.yaml")


@pytest.fixture(scope="module")
def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The template's functions by the folder of their code."""
    found = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    return {str(properties["CodeUri"]): properties for properties in found}


@pytest.fixture(scope="module")
def authorizers(functions: dict[str, dict[str, Any]]) -> dict[Endpoint, str]:
    """The template's endpoints with the authorizer in front of each; the default is Cognito."""
    return {
        (
            event["Properties"]["Method"].upper(),
            event["Properties"]["Path"],
            folder.removeprefix("functions/"),
        ): event["Properties"].get("Auth", {}).get("Authorizer", COGNITO)
        for folder, properties in functions.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    }


@pytest.fixture(scope="module")
def declarations() -> dict[Endpoint, Route]:
    return {(route.method, route.path, name): route for name, route in declared()}


def test_every_function_folder_is_a_function_of_the_template(
    functions: dict[str, dict[str, Any]],
) -> None:
    assert {f"functions/{folder.name}" for folder in function_folders()} == set(functions)
    assert {folder.name for folder in FUNCTIONS.iterdir() if folder.is_dir()} - {"__pycache__"} == {
        folder.name for folder in function_folders()
    }


def test_every_function_has_the_handler_that_the_template_names(template: dict[str, Any]) -> None:
    assert template["Globals"]["Function"]["Handler"] == "app.handler"
    for folder in function_folders():
        tree = ast.parse((folder / "app.py").read_text())
        named = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            if isinstance(node, ast.Assign):
                named |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        assert "handler" in named, folder.name


def test_the_default_of_the_api_is_closed(template: dict[str, Any]) -> None:
    assert template["Resources"]["Api"]["Properties"]["Auth"]["DefaultAuthorizer"] == COGNITO


def test_the_template_has_the_declared_routes_and_no_others(
    authorizers: dict[Endpoint, str], declarations: dict[Endpoint, Route]
) -> None:
    assert sorted(authorizers) == sorted(declarations)


def test_no_two_functions_declare_the_same_route() -> None:
    endpoints = [(route.method, route.path) for _, route in declared()]
    assert len(endpoints) == len(set(endpoints))


def test_who_is_signed_in_comes_through_cognito_and_nobody_else(
    authorizers: dict[Endpoint, str], declarations: dict[Endpoint, Route]
) -> None:
    wanted = {
        endpoint: COGNITO if route.who.signed_in else OPEN
        for endpoint, route in declarations.items()
    }
    assert authorizers == wanted


def test_whoever_may_call_is_one_of_the_known_kinds(
    template: dict[str, Any], declarations: dict[Endpoint, Route]
) -> None:
    groups = {
        resource["Properties"]["GroupName"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Cognito::UserPoolGroup"
    }
    for endpoint, route in declarations.items():
        if route.who.name == "staff":
            assert route.who.groups, endpoint
            assert route.who.groups <= groups, endpoint
        else:
            assert route.who in (ANYONE, CART, LINK, SIGNED, CUSTOMER), endpoint


def test_what_staff_and_customers_may_do_is_told_by_the_path(
    declarations: dict[Endpoint, Route],
) -> None:
    """A route in the wrong place is a route that somebody thinks is guarded otherwise."""
    prefixes = {"/staff/": {"staff"}, "/warehouse/": {"staff"}, "/webhooks/": {"signed"}}
    prefixes |= {"/customers/me": {"customer"}, "/orders": {"customer"}, "/track": {"link"}}
    prefixes |= {"/carts/": {"cart", "customer"}, "/products": {"anyone"}}
    for (_, path, _), route in declarations.items():
        for prefix, allowed in prefixes.items():
            if path.startswith(prefix):
                assert route.who.name in allowed, path


def test_every_post_that_makes_something_wants_a_key(declarations: dict[Endpoint, Route]) -> None:
    without = {
        path
        for (method, path, _), route in declarations.items()
        if method == "POST" and not route.key
    }
    # Signing in makes nothing of ours, signed events and imported orders have ids of their own, a
    # claim is repeatable.
    allowed = (
        "/sessions",
        "/passwords/",
        "/customers/confirmation",
        "/webhooks/",
        "/staff/imports",
    )
    assert {path for path in without if not path.startswith(allowed)} == {"/carts/{cart_id}/claim"}


def test_the_openapi_document_has_the_declared_routes_with_who_may_call(
    declarations: dict[Endpoint, Route],
) -> None:
    documented = {
        (method.upper(), path, operation["tags"][0]): operation
        for path, operations in openapi.document()["paths"].items()
        for method, operation in operations.items()
    }
    assert sorted(documented) == sorted(declarations)
    for endpoint, operation in documented.items():
        route = declarations[endpoint]
        schemes = {name for needed in operation["security"] for name in needed}
        assert ("SignedIn" in schemes) == route.who.signed_in, endpoint
        assert "CartToken" in schemes or route.who != CART, endpoint
        assert ("401" in operation["responses"]) >= route.who.signed_in, endpoint
        # Of a cart a grant opens most, but not all, and not for long.
        # Nobody decides on an order of their own.
        own = endpoint[1].startswith("/account/approvals/{")
        own |= endpoint[1] == "/customers/me/export"  # demographics for another use
        forbids = bool(route.who.groups) or "CartToken" in schemes or own
        assert ("403" in operation["responses"]) == forbids, endpoint
        assert operation["x-parcelway-who"] == {
            "name": route.who.name,
            "groups": sorted(route.who.groups),
        }


def test_the_table_of_routes_shows_each_one_with_who_may_call(
    declarations: dict[Endpoint, Route], capsys: pytest.CaptureFixture[str]
) -> None:
    assert routes.table().count("\n") == len(declarations)
    for line in routes.table().splitlines()[1:]:
        method, path, who = line.split()[:3]
        (route,) = [r for (m, p, _), r in declarations.items() if (m, p) == (method, path)]
        assert who.rstrip(":") == route.who.name
        assert all(group in line for group in route.who.groups)


def test_whoever_prices_a_cart_may_ask_a_tax_engine() -> None:
    """Without it such a route would answer 500 in a shop that has one."""
    domain = ROOT / "layers" / "parcelway" / "parcelway" / "domain"
    price = re.compile(r"^from parcelway\.domain\.pricing import .*\bprice", re.MULTILINE)
    pricing = [each.stem for each in domain.glob("*.py") if price.search(each.read_text())]
    assert "checkout" in pricing
    names = "|".join(pricing)
    decides = re.compile(rf"^from parcelway\.domain(\.| import .*\b)({names})\b", re.MULTILINE)
    for function in http_functions():
        text = (function.folder / "app.py").read_text()
        asks = function.api.around is with_taxes or "with_taxes(" in text  # for each of many orders
        assert asks == (decides.search(text) is not None), function.name
