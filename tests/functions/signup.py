"""Signup and the desk's customers in mocked AWS, and a user pool whose codes count."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
from parcelway.ports.cognito import Cognito
from parcelway.ports.identity import CodeRefused
from parcelway.ports.user_pool import Meanings
from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item

from tests.functions.calls import load
from tests.functions.tables import aws

FOLDER = Path(__file__).parents[2] / "functions" / "signup"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
HOME = {
    "name": "Ada Byron",
    "line1": "1 Long Lane",
    "city": "Springfield",
    "region": "IL",
    "postal_code": "62701",
    "country": "US",
}
FORM: dict[str, Any] = {
    "name": "Ada Byron",
    "email": " Ada@Example.com ",
    "password": PASSWORD,
    "phone": "+12175550100",
    "currency": "USD",
    "language": "en-US",
    "addresses": [
        {"label": "Home", "address": HOME, "default_shipping": True, "default_billing": True},
        {"label": "Office", "address": HOME | {"line1": "2 Short Street"}},
    ],
    "consent": {"terms_accepted": True, "marketing": False},
}


class Pool(Cognito):
    """Cognito in moto, with the codes that moto does not have: one per user, used once."""

    def __init__(self, client: Any, pool_id: str, client_id: str) -> None:
        super().__init__(client, pool_id, client_id)
        self.mailed: list[str] = []  # codes in the order they were mailed
        self._codes: dict[str, str] = {}

    def sign_up(self, email: str, password: str, name: str, language: str) -> str | None:
        subject = super().sign_up(email, password, name, language)
        if subject is not None:
            self._codes[subject] = secrets.token_hex(4)
            self.mailed.append(self._codes[subject])
        return subject

    def _call(self, operation: str, meanings: Meanings, **parameters: Any) -> Any:
        """RESEND, which moto takes for a new user, keeps the one there is."""
        if operation != "admin_create_user":
            return super()._call(operation, meanings, **parameters)
        email, password = parameters["Username"], parameters["TemporaryPassword"]
        if parameters.get("MessageAction") != "RESEND":
            answer = super()._call(operation, meanings, **parameters)
        else:
            login = self.find(email)
            answer = login if login is not None and login.invited else None
            if answer:
                self._client.admin_set_user_password(
                    UserPoolId=self._pool_id, Username=email, Password=password, Permanent=False
                )
        if answer:
            self.mailed.append(password)
        return answer

    def resend(self, email: str) -> None:
        login = self.find(email)
        if login is not None and login.pending:
            self.mailed.append(self._codes[login.subject])

    def confirm(self, email: str, code: str) -> None:
        login = self.find(email)
        if login is None or self._codes.get(login.subject) != code:
            raise CodeRefused
        super().confirm(email, code)
        del self._codes[login.subject]


@dataclass(frozen=True)
class Answer:
    """What the handler answered."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class World:
    """The functions, their tables and their user pool."""

    app: Any
    customers: Any
    db: Database
    pool: Pool
    client: Any
    pool_id: str

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        token: str = "",
        version: int | None = None,
        resource: str = "",
        query: Mapping[str, str] | None = None,
        claims: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request through API Gateway's proxy event; `token` is an ID token, `claims` are what
        it would say where there is none."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        context: dict[str, Any] = {
            "httpMethod": method,
            "resourcePath": resource or path,
            "identity": {"sourceIp": "198.51.100.7"},
        }
        if token:
            claims = jwt.decode(token, options={"verify_signature": False})
        if claims:
            context["authorizer"] = {"claims": {k: str(v) for k, v in claims.items()}}
        names = {}
        if resource:
            parts = zip(resource.split("/"), path.split("/"), strict=True)
            names = {mask.strip("{}"): part for mask, part in parts if mask.startswith("{")}
        app = self.customers if path.startswith("/staff/") else self.app
        answer = app.handler(
            {
                "httpMethod": method,
                "path": path,
                "resource": resource or path,
                "headers": headers,
                "multiValueHeaders": {name: [value] for name, value in headers.items()},
                "queryStringParameters": dict(query) if query else None,
                "multiValueQueryStringParameters": {k: [v] for k, v in (query or {}).items()},
                "pathParameters": names or None,
                "stageVariables": None,
                "requestContext": context,
                "body": body if isinstance(body, str | None) else json.dumps(body),
                "isBase64Encoded": False,
            },
            None,
        )
        text = answer["body"]
        return Answer(answer["statusCode"], json.loads(text) if text else None, answer["headers"])

    def desk(
        self,
        method: str,
        path: str = "",
        body: Any = None,
        *,
        role: str = "csr",
        subject: str = "",
        resource: str = "",
        **sent: Any,
    ) -> Answer:
        """A request of the service desk under /staff/customers; `resource` likewise. `subject` is
        the login of who asks."""
        root = "/staff/customers"
        claims = {"sub": subject or f"sub-{role}", "cognito:groups": role}
        if path and not resource:  # only the id varies
            resource = "/".join(["", "{customer_id}", *path.split("/")[2:]])
        if method == "POST" and "key" not in sent:
            sent["key"] = secrets.token_hex(12)
        return self.call(method, root + path, body, resource=root + resource, claims=claims, **sent)

    def sign_up(self, key: str = "key-1", **changes: Any) -> Answer:
        return self.call("POST", "/customers", FORM | changes, key=key)

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> Answer:
        return self.call("POST", "/sessions", {"email": email, "password": password})

    def member(self, key: str = "key-1") -> str:
        """Sign up and confirm; the ID token of a session."""
        assert self.sign_up(key).status == 202
        confirmation = {"email": EMAIL, "code": self.pool.mailed[-1]}
        assert self.call("POST", "/customers/confirmation", confirmation).status == 204
        token: str = self.sign_in().body["id_token"]
        return token

    def moves(self, email: str, to: str) -> None:
        """A user changes their address at the user pool, and proves the new one there."""
        self.client.admin_update_user_attributes(
            UserPoolId=self.pool_id,
            Username=email,
            UserAttributes=[{"Name": "email", "Value": to}],
        )

    def employs(self, email: str, group: str) -> None:
        """Put a user in a group of staff."""
        names = {"UserPoolId": self.pool_id, "GroupName": group}
        self.client.create_group(**names)
        self.client.admin_add_user_to_group(Username=email, **names)

    def items(self, prefix: str = "") -> list[dict[str, Any]]:
        """Everything in CustomersTable, by key."""
        found = self.db.client.scan(TableName=self.db.customers)["Items"]
        items = [from_item(item) for item in found]
        chosen = [item for item in items if item["pk"].startswith(prefix)]
        return sorted(chosen, key=lambda item: (item["pk"], item["sk"]))

    def put(self, item: Mapping[str, Any]) -> None:
        """Write an item of CustomersTable as it is, past every rule."""
        self.db.client.put_item(TableName=self.db.customers, Item=to_item(item))

    def records(self) -> list[dict[str, Any]]:
        return [item["customer"] for item in self.items("CUS#") if item["sk"] == "CUSTOMER"]


@contextmanager
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world with nobody in it."""
    with aws(monkeypatch) as db:
        client = boto3.client("cognito-idp")
        pool_id = client.create_user_pool(
            PoolName="customers",
            UsernameAttributes=["email"],
            AutoVerifiedAttributes=["email"],
            Policies={
                "PasswordPolicy": {
                    "MinimumLength": 10,
                    "RequireUppercase": False,
                    "RequireLowercase": False,
                    "RequireNumbers": False,
                    "RequireSymbols": False,
                }
            },
        )["UserPool"]["Id"]
        client_id = client.create_user_pool_client(
            UserPoolId=pool_id,
            ClientName="storefront",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            ReadAttributes=["email", "email_verified", "name", "locale"],
        )["UserPoolClient"]["ClientId"]
        monkeypatch.setenv("USER_POOL_ID", pool_id)
        monkeypatch.setenv("USER_POOL_CLIENT_ID", client_id)
        app, customers = load("signup"), load("customers")
        pool = Pool(client, pool_id, client_id)
        app.identity = customers.identity = lambda: pool
        yield World(app, customers, db, pool, client, pool_id)
