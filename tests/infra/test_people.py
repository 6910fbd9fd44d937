"""Cognito: codes by mail, triggers, tokens nobody can forge, and what the gateway accepts."""

from __future__ import annotations

import re
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwk
from joserfc import jwt as moto_jwt
from moto.utilities.utils import load_resource

from infra.local.gateway.tokens import TokenChecker
from infra.local.stack import ACCOUNT, Stack
from tests.infra.shop import item

PASSWORD = "correct horse 1"


def code_for(stack: Stack, email: str) -> str:
    mail = [m for m in stack.mails() if email in m.to][-1]
    found = re.search(r"\d{6}", mail.text or "")
    assert found
    return found.group()


def sign_up(stack: Stack, email: str) -> None:
    stack.client("cognito-idp").sign_up(
        ClientId=stack.resource("PoolClient"),
        Username=email,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )


def confirm(stack: Stack, email: str, code: str) -> None:
    stack.client("cognito-idp").confirm_sign_up(
        ClientId=stack.resource("PoolClient"), Username=email, ConfirmationCode=code
    )


def sign_in(stack: Stack, email: str, password: str = PASSWORD) -> dict[str, str]:
    answer = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.resource("PoolClient"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    tokens: dict[str, str] = answer["AuthenticationResult"]
    return tokens


@pytest.fixture
def member(stack: Stack, new_id: str) -> str:
    email = f"{new_id}@buyer.example"
    sign_up(stack, email)
    confirm(stack, email, code_for(stack, email))
    return email


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_wrong_code_is_refused_and_the_right_one_confirms(stack: Stack, new_id: str) -> None:
    cognito, email = stack.client("cognito-idp"), f"{new_id}@buyer.example"
    sign_up(stack, email)
    with pytest.raises(cognito.exceptions.UserNotConfirmedException):
        sign_in(stack, email)
    code = code_for(stack, email)
    with pytest.raises(cognito.exceptions.CodeMismatchException):
        confirm(stack, email, other(code))
    confirm(stack, email, code)
    assert item(stack, "CONFIRMED", f"{email} PostConfirmation_ConfirmSignUp") is not None
    claims = jwt.decode(sign_in(stack, email)["IdToken"], options={"verify_signature": False})
    assert claims["email"] == email


def test_a_resent_code_replaces_the_first(stack: Stack, new_id: str) -> None:
    cognito, email = stack.client("cognito-idp"), f"{new_id}@buyer.example"
    sign_up(stack, email)
    sent = cognito.resend_confirmation_code(ClientId=stack.resource("PoolClient"), Username=email)
    assert email not in str(sent["CodeDeliveryDetails"])
    assert len([m for m in stack.mails() if email in m.to]) == 2
    confirm(stack, email, code_for(stack, email))


def test_forgotten_password(stack: Stack, member: str) -> None:
    cognito, client_id = stack.client("cognito-idp"), stack.resource("PoolClient")
    cognito.forgot_password(ClientId=client_id, Username=member)
    code = code_for(stack, member)
    reset = {"ClientId": client_id, "Username": member, "Password": "another horse 2"}
    with pytest.raises(cognito.exceptions.CodeMismatchException):
        cognito.confirm_forgot_password(ConfirmationCode=other(code), **reset)
    with pytest.raises(cognito.exceptions.InvalidPasswordException):
        cognito.confirm_forgot_password(ConfirmationCode=code, **{**reset, "Password": "short"})
    cognito.confirm_forgot_password(ConfirmationCode=code, **reset)
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        sign_in(stack, member)
    assert sign_in(stack, member, "another horse 2")["IdToken"]
    with pytest.raises(cognito.exceptions.CodeMismatchException):  # a code works once
        cognito.confirm_forgot_password(ConfirmationCode=code, **reset)


def test_unknown_users_look_like_wrong_passwords(stack: Stack, member: str) -> None:
    cognito, client_id = stack.client("cognito-idp"), stack.resource("PoolClient")
    messages = []
    for email, password in [(member, "wrong horse 9"), ("nobody@buyer.example", PASSWORD)]:
        with pytest.raises(cognito.exceptions.NotAuthorizedException) as refused:
            sign_in(stack, email, password)
        messages.append(str(refused.value))
    assert messages[0] == messages[1]
    before = len(stack.mails())
    cognito.forgot_password(ClientId=client_id, Username="nobody@buyer.example")
    assert len(stack.mails()) == before
    with pytest.raises(cognito.exceptions.ExpiredCodeException):
        confirm(stack, "nobody@buyer.example", "123456")


def test_addresses_ignore_case(stack: Stack, member: str) -> None:
    cognito = stack.client("cognito-idp")
    assert sign_in(stack, member.upper())["IdToken"]
    with pytest.raises(cognito.exceptions.UsernameExistsException):
        sign_up(stack, member.title())


def test_flows_not_enabled_are_refused(stack: Stack, member: str) -> None:
    cognito = stack.client("cognito-idp")
    with pytest.raises(cognito.exceptions.InvalidParameterException, match="not enabled"):
        cognito.initiate_auth(
            ClientId=stack.resource("PoolClient"),
            AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": member, "SRP_A": "1"},
        )


def get_me(stack: Stack, token: str | None) -> Any:
    headers = {"Authorization": token} if token is not None else {}
    return stack.request("GET", "/me", headers=headers)


def test_the_gateway_hands_on_the_claims(stack: Stack, member: str) -> None:
    stack.client("cognito-idp").admin_add_user_to_group(
        UserPoolId=stack.resource("Pool"), Username=member, GroupName="staff"
    )
    token = sign_in(stack, member)["IdToken"]
    for header in (token, f"Bearer {token}"):
        claims = get_me(stack, header).json()
        assert claims["email"] == member
        assert claims["cognito:groups"] == "staff"
        assert claims["token_use"] == "id"
        assert all(isinstance(value, str) for value in claims.values())


def forged(stack: Stack, token: str, **changes: Any) -> str:
    """The token's claims, changed, signed by a key of our own under the real key's id."""
    claims = jwt.decode(token, options={"verify_signature": False})
    claims.update(changes)
    key = rsa.generate_private_key(65537, 2048)
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def moto_signed(token: str, kid: str) -> str:
    """The same claims under the key that is published in moto's sources."""
    claims = jwt.decode(token, options={"verify_signature": False})
    key = jwk.RSAKey.import_key(load_resource("cognitoidp/resources/jwks-private.json"))
    return moto_jwt.encode({"kid": kid, "alg": "RS256"}, claims, key)


def test_no_other_token_is_accepted(stack: Stack, member: str) -> None:
    tokens = sign_in(stack, member)
    good = tokens["IdToken"]
    kid = jwt.get_unverified_header(good)["kid"]
    claims = jwt.decode(good, options={"verify_signature": False})
    unsigned = jwt.encode(claims, key="", algorithm="none", headers={"kid": kid})
    first, _, rest = good.rpartition(".")
    tampered = f"{first}.{'A' if rest[0] != 'A' else 'B'}{rest[1:]}"
    refused = [None, "", "garbage", "a.b.c", tokens["AccessToken"], unsigned, tampered]
    refused += [forged(stack, good), moto_signed(good, "dummy"), moto_signed(good, kid)]
    for token in refused:
        answer = get_me(stack, token)
        assert answer.status == 401, token
        assert answer.header("content-type") == "application/problem+json"
        assert answer.header("access-control-allow-origin") == "https://shop.example"
        assert answer.json()["detail"] == "Unauthorized"
    assert get_me(stack, good).status == 200


def test_expired_and_foreign_tokens(
    stack: Stack, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sign_in(stack, member)["IdToken"]
    elsewhere = TokenChecker(["eu-central-1_other"], ACCOUNT, stack.region)
    with pytest.raises(Exception, match="Unauthorized"):
        elsewhere.claims(token, ())
    assert get_me(stack, token).status == 200
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3601)
    answer = get_me(stack, token)
    assert (answer.status, answer.json()["detail"]) == (401, "The incoming token has expired")


@pytest.mark.parametrize("name", ["email", "sub"])
def test_a_sign_out_ends_the_sessions_whichever_name_it_goes_by(
    stack: Stack, member: str, name: str
) -> None:
    cognito, pool = stack.client("cognito-idp"), stack.resource("Pool")
    tokens = sign_in(stack, member.upper())
    user = cognito.admin_get_user(UserPoolId=pool, Username=member)
    names = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    cognito.admin_user_global_sign_out(UserPoolId=pool, Username=names[name])
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.initiate_auth(
            ClientId=stack.resource("PoolClient"),
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )
