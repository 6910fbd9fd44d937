"""Forged tokens open no protected route, and no handler believes anything but the gateway."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from parcelway.http.api import Route
from parcelway.http.call import caller_of

from infra.cli.routes import declared
from infra.local.application import ROOT, Application
from infra.local.template import read
from tests.security.forgeries import Forger, forgeries
from tests.security.matrix import CALLERS, ROWS
from tests.security.people import Caller, User, user
from tests.security.watching import nothing_written

PROTECTED = [route for _, route in declared() if route.who.signed_in]
MADE_UP = {
    "x-amzn-oidc-identity": "admin",
    "x-amzn-oidc-data": "e30.e30.e30",
    "x-parcelway-customer": "cus_x",
    "x-forwarded-user": "admin",
    "cognito-groups": "admin",
    "x-api-key": "admin",
    "cookie": "id_token=admin",
}


@pytest.fixture(scope="module")
def owner(app: Application) -> User:
    return user(app)


@pytest.fixture(scope="module")
def forged(app: Application, owner: User) -> dict[str, str]:
    other, tokens = user(app, "admin"), owner.tokens
    forger = Forger(
        app, tokens["IdToken"], tokens["AccessToken"], tokens["RefreshToken"], other.subject
    )
    genuine = {"Authorization": f"Bearer {forger.genuine()}"}
    assert app.stack.request("GET", "/orders", None, genuine).status == 200
    return forgeries(forger)


def path_of(route: Route) -> str:
    return re.sub(r"{\w+}", "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa", route.path)


def test_there_are_enough_of_them(forged: dict[str, str], owner: User) -> None:
    assert len(forged) >= 60
    by_hand = {row.route for row in ROWS if row.expected[CALLERS.index("anonymous")] == "1"}
    assert {f"{route.method} {route.path}" for route in PROTECTED} == by_hand
    real = {owner.tokens["IdToken"], owner.authorization}
    assert not real & set(forged.values())


@pytest.mark.parametrize("route", PROTECTED, ids=lambda r: f"{r.method} {r.path}")
def test_no_forged_token_opens_a_protected_route(
    app: Application, forged: dict[str, str], route: Route
) -> None:
    path, opened = path_of(route), []
    with nothing_written(app):
        before = {name: count for name, count in app.stack.counts.items() if name[0] == "invoke"}
        for name, token in forged.items():
            for value in {token, token if token.startswith("B") else f"Bearer {token}"}:
                answer = Caller(name, {"Authorization": value}).call(app, route.method, path, {})
                kind = answer.header("content-type")
                if (answer.status, kind) != (401, "application/problem+json"):
                    opened.append((name, answer.status))
        after = {name: count for name, count in app.stack.counts.items() if name[0] == "invoke"}
    assert opened == []
    assert after == before  # no handler was even asked


def test_what_a_client_says_of_itself_makes_nobody_of_it(app: Application) -> None:
    """Headers that other gateways set, claims in the body or the query: handlers read none."""
    for route in PROTECTED:
        answer = Caller("x", MADE_UP).call(app, route.method, path_of(route), {}, {"sub": "admin"})
        assert answer.status == 401, route.path


def test_only_the_gateways_claims_name_the_caller() -> None:
    nobody = [
        {"requestContext": {}},
        {"requestContext": {"authorizer": None}},
        {"requestContext": {"authorizer": {"sub": "x", "principalId": "x", "jwt": {"sub": "x"}}}},
        {"requestContext": {"identity": {"user": "x", "cognitoIdentityId": "x"}}},
        {"requestContext": {}, "headers": MADE_UP, "body": '{"authorizer": {"claims": {}}}'},
    ]
    for event in nobody:
        assert caller_of(event).subject == ""
        assert caller_of(event).groups == frozenset()
    source = [
        path
        for folder in ("functions", "layers/parcelway/parcelway")
        for path in Path(ROOT / folder).rglob("*.py")
        if re.search(r"[\"']authori[sz](er|ation)[\"']", path.read_text(), re.IGNORECASE)
    ]
    assert [path.name for path in source] == ["call.py"]


@pytest.mark.parametrize("path", ["/carts/ord_x", "/track/x"])
def test_a_forged_token_changes_nothing_at_an_open_route(
    app: Application, forged: dict[str, str], path: str
) -> None:
    plain = app.stack.request("GET", path)
    for name, token in forged.items():
        answer = app.stack.request("GET", path, None, {"Authorization": f"Bearer {token}"})
        assert (answer.status, answer.body) == (plain.status, plain.body), name


def test_how_long_a_token_lives_is_in_the_template() -> None:
    """What bounds the time somebody who was shut out can go on for: see the README here."""
    resource: dict[str, Any] = read(ROOT / "template.yaml")["Resources"]["UserPoolClient"]
    settings = resource["Properties"]
    units = settings["TokenValidityUnits"]
    for name in ("IdToken", "AccessToken"):
        assert units[name] == "minutes"
        assert 15 <= settings[f"{name}Validity"] <= 60
    assert settings["EnableTokenRevocation"] is True
    assert settings["PreventUserExistenceErrors"] == "ENABLED"
