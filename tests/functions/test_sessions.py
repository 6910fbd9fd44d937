"""Signing in and out, passwords, and what the user pool's errors become."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from parcelway.domain.login import PasswordPolicy, password_fault
from parcelway.ports.cognito import Cognito, cognito
from parcelway.ports.identity import (
    CodeRefused,
    IdentityFault,
    IdentityUnavailable,
    LoginRefused,
    PasswordRefused,
    SignInRefused,
)
from parcelway.ports.user_pool import UserPool

from tests.functions.signup import EMAIL, PASSWORD, World, world


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made


def test_no_sign_in_tells_who_has_an_account(shop: World) -> None:
    shop.member()
    shop.sign_up(key="k2", email="pending@example.com")
    shop.client.admin_create_user(UserPoolId=shop.pool_id, Username="off@example.com")
    shop.client.admin_disable_user(UserPoolId=shop.pool_id, Username="off@example.com")
    wrong = "not the password"
    answers = [shop.sign_in(email, wrong) for email in (EMAIL, "off@example.com")]
    answers += [shop.sign_in("nobody@example.com", wrong)]
    # Cognito says that an address is pending whatever the password, so we never do.
    answers += [shop.sign_in("pending@example.com", given) for given in (wrong, PASSWORD)]
    assert answers[0].status == 401
    assert answers[0].body["type"] == "urn:parcelway:problem:sign-in-failed"
    assert all(answer == answers[0] for answer in answers)


def test_tokens_are_refreshed_until_signed_out(shop: World) -> None:
    token = shop.member()
    session = shop.sign_in().body
    assert set(session) == {"id_token", "access_token", "refresh_token", "expires_in"}
    refreshed = shop.call("POST", "/sessions/refresh", {"refresh_token": session["refresh_token"]})
    assert refreshed.status == 200
    assert refreshed.body["refresh_token"] == session["refresh_token"]
    assert refreshed.body["id_token"] != session["id_token"]
    body = {"access_token": session["access_token"]}
    assert shop.call("DELETE", "/sessions", body).status == 401
    done = shop.call("DELETE", "/sessions", body, token=token)
    assert (done.status, done.body) == (204, None)
    again = shop.call("POST", "/sessions/refresh", {"refresh_token": session["refresh_token"]})
    assert (again.status, again.body["type"]) == (401, "urn:parcelway:problem:sign-in-failed")
    assert shop.call("DELETE", "/sessions", body, token=token).status == 401
    assert shop.call("DELETE", "/sessions", {"access_token": "x.y"}, token=token).status == 401


def test_a_temporary_password_is_changed_at_the_first_sign_in(shop: World) -> None:
    shop.client.admin_create_user(
        UserPoolId=shop.pool_id,
        Username=EMAIL,
        TemporaryPassword="temporary word",
        UserAttributes=[{"Name": "email", "Value": EMAIL}, {"Name": "name", "Value": "Ada"}],
    )
    first = shop.sign_in(password="temporary word")
    assert (first.status, first.body["type"]) == (
        409,
        "urn:parcelway:problem:new-password-required",
    )
    step = {"session": first.body["session"], "password": "short"}
    weak = shop.call("POST", "/sessions/new-password", step)
    assert (weak.status, weak.body["pointer"]) == (422, "/password")
    tokens = shop.call("POST", "/sessions/new-password", step | {"password": PASSWORD})
    assert tokens.status == 200
    me = shop.call("GET", "/customers/me", token=tokens.body["id_token"]).body
    assert (me["state"], me["name"], me["email"]) == ("enabled", "Ada", EMAIL)
    assert shop.sign_in().status == 200
    for session, status in (("sub:" + "x" * 20, 401), ("sub:x", 422), ("x" * 30, 422)):
        forged = {"session": session, "password": PASSWORD}
        assert shop.call("POST", "/sessions/new-password", forged).status == status


def test_a_forgotten_password(shop: World) -> None:
    shop.member()
    session = shop.sign_in().body
    asked = [
        shop.call("POST", "/passwords/reset", {"email": email})
        for email in (EMAIL, "nobody@example.com")
    ]
    assert asked[0] == asked[1] and asked[0].status == 202
    reset = {"email": EMAIL, "code": "123456", "password": "another password"}
    weak = [
        shop.call(
            "POST", "/passwords/reset/confirmation", reset | {"email": email, "password": "short"}
        )
        for email in (EMAIL, "nobody@example.com")
    ]
    assert weak[0] == weak[1] and weak[0].body["pointer"] == "/password"
    unknown = reset | {"email": "nobody@example.com"}
    refused = shop.call("POST", "/passwords/reset/confirmation", unknown)
    assert (refused.status, refused.body["pointer"]) == (422, "/code")
    assert shop.call("POST", "/passwords/reset/confirmation", reset).status == 204
    assert shop.sign_in().status == 401
    assert shop.sign_in(password="another password").status == 200
    old = shop.call("POST", "/sessions/refresh", {"refresh_token": session["refresh_token"]})
    assert old.status == 401


@pytest.mark.parametrize(
    ("operation", "code", "call", "expected"),
    [
        ("initiate_auth", "TooManyRequestsException", ("sign_in", "e", "p"), IdentityUnavailable),
        ("initiate_auth", "PasswordResetRequiredException", ("sign_in", "e", "p"), SignInRefused),
        ("initiate_auth", "ResourceNotFoundException", ("sign_in", "e", "p"), IdentityFault),
        ("sign_up", "InvalidPasswordException", ("sign_up", "e", "p", "n", ""), PasswordRefused),
        ("sign_up", "InvalidParameterException", ("sign_up", "e", "p", "n", ""), LoginRefused),
        ("sign_up", "CodeDeliveryFailureException", ("sign_up", "e", "p", "n", ""),
         IdentityUnavailable),
        ("sign_up", "UserLambdaValidationException", ("sign_up", "e", "p", "n", ""), IdentityFault),
        ("confirm_sign_up", "ExpiredCodeException", ("confirm", "e", "1"), CodeRefused),
        ("confirm_sign_up", "LimitExceededException", ("confirm", "e", "1"), CodeRefused),
        ("confirm_sign_up", "NotAuthorizedException", ("confirm", "e", "1"), CodeRefused),
        ("resend_confirmation_code", "InvalidParameterException", ("resend", "e"), None),
        ("resend_confirmation_code", "LimitExceededException", ("resend", "e"), None),
        ("resend_confirmation_code", "InternalErrorException", ("resend", "e"),
         IdentityUnavailable),
        ("forgot_password", "NotAuthorizedException", ("send_reset", "e"), None),
    ],
)  # fmt: skip
def test_what_cognitos_errors_mean(
    operation: str, code: str, call: tuple[str, ...], expected: type[Exception] | None
) -> None:
    client = boto3.client(
        "cognito-idp",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    with Stubber(client) as stub:
        stub.add_client_error(operation, code, f"about {EMAIL}")
        method = getattr(Cognito(client, "eu-central-1_x", "client"), call[0])
        if expected is None:
            method(*call[1:])
            return
        with pytest.raises(expected) as raised:
            method(*call[1:])
        assert EMAIL not in str(raised.value)
        assert raised.value.__context__ is None


def test_a_resend_names_the_client_and_the_user() -> None:
    """moto has no such action, so its parameters are checked against the service's model."""
    client = boto3.client(
        "cognito-idp",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    with Stubber(client) as stub:
        stub.add_response("resend_confirmation_code", {}, {"ClientId": "client", "Username": EMAIL})
        Cognito(client, "eu-central-1_x", "client").resend(EMAIL)
        stub.assert_no_pending_responses()


def test_the_secret_of_a_link_is_new_each_time_and_needs_no_escaping() -> None:
    client = boto3.client(
        "cognito-idp",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    sent: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(dict(params))

    client.meta.events.register("provide-client-params.cognito-idp.AdminCreateUser", note)
    user = {"User": {"Attributes": [{"Name": "sub", "Value": "s1"}]}}
    with Stubber(client) as stub:
        stub.add_response("admin_create_user", user)
        stub.add_response("admin_create_user", user)
        pool = UserPool(client, "eu-central-1_x")
        assert pool.invite(EMAIL, "Ada", "") == "s1"
        assert pool.invite_again(EMAIL)
    first, second = (each["TemporaryPassword"] for each in sent)
    assert first != second
    for secret in (first, second):
        assert re.fullmatch(r"[A-Za-z0-9_-]{32,}", secret)
        assert password_fault(secret, PasswordPolicy(20)) == ""
    assert sent[1]["MessageAction"] == "RESEND" and "MessageAction" not in sent[0]


def test_a_throttled_pool_is_busy_and_a_fault_is_ours(shop: World) -> None:
    for failure, status in ((IdentityUnavailable(), 503), (IdentityFault("op", "Code"), 500)):

        def fail(*_: Any, failure: Exception = failure) -> Any:
            raise failure

        shop.pool.find = fail  # type: ignore[method-assign]
        answer = shop.sign_up()
        assert answer.status == status
        assert ("Retry-After" in answer.headers) == (status == 503)


def test_the_pool_of_the_environment_is_used(shop: World) -> None:
    assert cognito().policy().shortest == 10
    assert cognito().find("nobody@example.com") is None
