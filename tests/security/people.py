"""Everybody who might call a route, each with what they have in hand."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from parcelway.domain.customer import Change
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import SYSTEM
from parcelway.ports import clock
from parcelway.store.customers import get_customer, save

from infra.demo.marketplace import MEDIA
from infra.local.application import Application
from infra.local.gateway.messages import Response

PASSWORD = "a long enough pass phrase 7"
GROUPS = ("csr", "csr_supervisor", "warehouse", "finance", "admin")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody: headers that prove who they are, and `k` where they have a mail's link."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    link: str = ""

    def call(
        self,
        app: Application,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Response:
        """One request through the gateway; POST, PUT and DELETE have a fresh Idempotency-Key. A
        body that is text is rows of an import."""
        known = dict(self.headers)
        if method in ("POST", "PUT", "DELETE"):
            known["Idempotency-Key"] = str(uuid.uuid4())
        if isinstance(body, str):
            known["Content-Type"] = MEDIA
        known |= {name.replace("_", "-"): value for name, value in headers.items()}
        asked = dict(query or {}) | ({"k": self.link} if self.link and "/track/" in path else {})
        return app.stack.request(method, path, body, known, asked)


@dataclass(frozen=True, slots=True)
class User:
    """A Cognito user with the tokens of a session."""

    email: str
    subject: str
    tokens: Mapping[str, str]

    @property
    def authorization(self) -> str:
        """What goes into the header."""
        return f"Bearer {self.tokens['IdToken']}"


def user(app: Application, *groups: str, password: str = PASSWORD) -> User:
    """A new user in Cognito groups, signed in."""
    pool, email = app.stack.resource("UserPool"), f"u-{uuid.uuid4().hex[:10]}@example.com"
    cognito = app.stack.client("cognito-idp")
    made = cognito.admin_create_user(
        UserPoolId=pool,
        Username=email,
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": email},
            {"Name": "email_verified", "Value": "true"},
            {"Name": "name", "Value": "Some Body"},
        ],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=email, Password=password, Permanent=True
    )
    for group in groups:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=group)
    attributes = {each["Name"]: each["Value"] for each in made["User"]["Attributes"]}
    return User(email, attributes["sub"], sign_in(app, email, password))


def sign_in(app: Application, email: str, password: str = PASSWORD) -> Mapping[str, str]:
    """The tokens Cognito gives for a password."""
    answer = app.stack.client("cognito-idp").initiate_auth(
        ClientId=app.stack.resource("UserPoolClient"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    tokens: Mapping[str, str] = answer["AuthenticationResult"]
    return tokens


def temporary(app: Application) -> str:
    """The session of a new user who still has to choose a password."""
    pool, email = app.stack.resource("UserPool"), f"t-{uuid.uuid4().hex[:10]}@example.com"
    password = secrets.token_urlsafe(16)
    app.stack.client("cognito-idp").admin_create_user(
        UserPoolId=pool, Username=email, MessageAction="SUPPRESS", TemporaryPassword=password
    )
    answer = app.stack.request("POST", "/sessions", {"email": email, "password": password})
    assert answer.status == 409, answer.text
    session: str = answer.json()["session"]
    return session


def shut_out(app: Application, who: User) -> None:
    """What an operator does: disable the login, end its sessions, disable the record."""
    names = {"UserPoolId": app.stack.resource("UserPool"), "Username": who.email}
    cognito = app.stack.client("cognito-idp")
    cognito.admin_disable_user(**names)
    cognito.admin_user_global_sign_out(**names)
    customer = get_customer(app.database, customer_id_of(who.subject))
    if customer is not None:
        disabled = replace(customer, state="disabled", version=customer.version + 1)
        save(app.database, Change(disabled, ("state",), clock.now(), SYSTEM))
