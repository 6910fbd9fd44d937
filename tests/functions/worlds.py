"""A handler over HTTP with its tables: what the tests of storefront functions share."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ReadTimeoutError
from parcelway.domain.order import Order
from parcelway.store.database import Database
from parcelway.store.items import from_item
from parcelway.store.orders import get_order
from parcelway.store.stock import balances_of

from tests.functions.calls import Context, get_event, load

Answer = dict[str, Any]


class Broken:
    """A DynamoDB client of which one call of `operation` ends in a timeout.

    With `done` the call did its work and only the answer is lost; else it never arrived.
    """

    def __init__(self, client: Any, operation: str, *, done: bool) -> None:
        self._client, self._operation, self._done = client, operation, done
        self.broke = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name != self._operation or self.broke:
            return method

        def call(**request: Any) -> Any:
            self.broke = True
            if self._done:
                method(**request)
            raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

        return call


class World:
    """One function with the tables behind it."""

    def __init__(self, db: Database, function: str) -> None:
        self.db = db
        self.function: Any = load(function)
        self.function.db = lambda: self.db

    def call(
        self,
        method: str,
        resource: str,
        path: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        claims: Mapping[str, str] | None = None,
        text: str | None = None,
        **headers: str,
    ) -> Answer:
        """The answer to one request; `cart_token="x"` is the header Cart-Token, and so on. `text`
        is a body that is not JSON."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        if body is not None:
            named["Content-Type"] = "application/json"
        event = get_event(resource, path, query, named)
        event["httpMethod"] = event["requestContext"]["httpMethod"] = method
        event["body"] = text if body is None else json.dumps(body)
        if claims:
            event["requestContext"]["authorizer"] = {"claims": dict(claims)}
        answer: Answer = self.function.handler(event, Context())
        return answer

    def breaking(self, operation: str, *, done: bool, request: Callable[[], Answer]) -> Answer:
        """The answer to `request` while a call of `operation` breaks."""
        whole = self.db
        broken = Broken(whole.client, operation, done=done)
        self.db = replace(whole, client=broken)
        try:
            return request()
        finally:
            self.db = whole
            assert broken.broke, f"{operation} was never called"

    def counting(self, request: Callable[[], Answer]) -> tuple[Answer, list[str]]:
        """The answer to `request` and the DynamoDB operations that it took."""
        calls: list[str] = []

        def note(model: Any, **_: Any) -> None:
            calls.append(model.name)

        events = self.db.client.meta.events
        events.register("before-call.dynamodb", note)
        try:
            return request(), calls
        finally:
            events.unregister("before-call.dynamodb", note)

    def dump(self) -> list[str]:
        """Everything in all tables, comparable."""
        db, found = self.db, []
        for table in (db.customers, db.catalogue, db.stock, db.orders, db.ledger):
            for page in db.client.get_paginator("scan").paginate(TableName=table):
                items = map(from_item, page["Items"])
                found += [json.dumps([table, item], sort_keys=True) for item in items]
        return sorted(found)

    def order(self, order_id: str) -> Order:
        """The order as it is kept."""
        order = get_order(self.db, order_id)
        assert order is not None
        return order

    def journal(self, order_id: str) -> list[dict[str, Any]]:
        """The stock journal's entries for an order."""
        return self.db.query(self.db.stock, f"JRN#{order_id}")

    def reserved(self, sku: str) -> int:
        """Units of a SKU held anywhere."""
        return sum(balance.reserved for balance in balances_of(self.db, sku))


def ok(answer: Answer, status: int = 200) -> Any:
    """The body of a success."""
    assert answer["statusCode"] == status, answer["body"]
    return json.loads(answer["body"])


def refused(answer: Answer, status: int, code: str) -> Any:
    """The body of a refusal with this status and type."""
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["type"]) == (status, f"urn:parcelway:problem:{code}"), body
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    return body


def new_key() -> str:
    """A key as a storefront makes it."""
    return str(uuid.uuid4())
