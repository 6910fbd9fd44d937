"""A marketplace: it sends what it sold of the shop's goods as rows, and asks how they do."""

from __future__ import annotations

import json
from collections.abc import Iterable

from infra.demo.people import HOME, Json, sign_in_staff, staff
from infra.local.application import Application
from infra.local.gateway.messages import Response

SOURCE = "bazaar"  # of the sample's settings
MACHINE = ("integration", f"source-{SOURCE}")  # the groups of who speaks for it
MEDIA = "application/x-ndjson"


def sold(external_id: str, sku: str, quantity: int = 1, price: int = 1000, rate: int = 700) -> Json:
    """A row of one article without its tax of `rate` basis points, delivered for nothing."""
    net = price * quantity
    return {
        "external_id": external_id,
        "contact": {"name": "Ann Example", "email": "ann@example.com"},
        "address": HOME,
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": _usd(price)}],
        "delivery_charge": _usd(0),
        "total": _usd(net + (net * rate + 5_000) // 10_000),
    }


def body(rows: Iterable[Json]) -> str:
    """Rows as a request has them."""
    return "".join(json.dumps(row) + "\n" for row in rows)


class Marketplace:
    """A source of the sample's settings, with credit of `limit` cents."""

    def __init__(self, app: Application, source: str = SOURCE, limit: int = 1_000_000_00) -> None:
        terms = {"limit": _usd(limit), "days": 30}
        staff(app, "finance").call("PUT", f"/staff/accounts/{source}/credit", terms)
        self._app, self._source = app, source
        token = sign_in_staff(app, "integration", f"source-{source}")
        self._headers = {"Authorization": f"Bearer {token}"}

    def send(self, *rows: Json) -> list[Json]:
        """Send rows; the result of each. Raises ValueError where the request is refused."""
        results: list[Json] = self._answer(self.ask("POST", "", body(rows)))["results"]
        return results

    def order(self, external_id: str) -> Json:
        """How an order is doing. Raises ValueError for one that is not there."""
        return self._answer(self.ask("GET", f"/{external_id}"))

    def ask(self, method: str, under: str, text: str = "") -> Response:
        """The answer to a request about the source's orders."""
        headers = self._headers | ({"Content-Type": MEDIA} if text else {})
        path = f"/staff/imports/{self._source}/orders{under}"
        return self._app.stack.request(method, path, text, headers)

    @staticmethod
    def _answer(response: Response) -> Json:
        if response.status >= 400:
            raise ValueError(f"{response.status} {response.text}")
        parsed: Json = response.json()
        return parsed


def _usd(minor: int) -> Json:
    return {"minor": minor, "currency": "USD"}
