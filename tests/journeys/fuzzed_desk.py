"""What the service desk's operations need for leading somewhere: most end what they are about, so
that each request gets a customer, or a cart, of its own."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from infra.demo.people import HOME, Client
from infra.local.application import Application
from tests.journeys.furnished import NAME

_PERSON = "/staff/customers/{customer_id}"
_FRESH = {  # operations on a customer who has not been forgotten, merged or invited again
    f"PUT {_PERSON}/addresses/{{address_id}}",
    f"DELETE {_PERSON}/addresses/{{address_id}}",
    f"POST {_PERSON}/invitation",
    f"POST {_PERSON}/merge",
    f"POST {_PERSON}/erasure",
    f"GET {_PERSON}/demographics",
}
# Names are of twelve characters at most that may all be digits: more may be a card's number.
_CASH = {"method": "cash", "amount": {"minor": 1_000_000, "currency": "USD"}, "reference": ""}


class Desk:
    """A representative who makes what is asked about."""

    def __init__(self, app: Application, staff: dict[str, str], sku: str, store: str) -> None:
        self._app, self._sku, self._store = app, sku, store
        self._clerk, admin = Client(app.url), Client(app.url)
        self._clerk.headers["Authorization"] = f"Bearer {staff['csr']}"
        admin.headers["Authorization"] = f"Bearer {staff['admin']}"
        admin.call("PUT", f"/staff/accounts/{NAME}", {"company": "Fuzz"})

    def lead(self, case: Any) -> None:
        """Have a case that is meant to be valid be about something that is there."""
        label, path = case.operation.label, case.path_parameters
        if label in _FRESH:
            made = self._person()
            path["customer_id"] = made["id"]
            if "address_id" in path:
                path["address_id"] = made["addresses"][0]["id"]
        if label.endswith("/merge"):
            case.body["duplicate"] = self._person()["id"]
        elif label == f"GET {_PERSON}/demographics":
            told = {"uses": ["service"], "consent": True, "age": "25-34"}
            self._clerk.call("PUT", f"/staff/customers/{path['customer_id']}/demographics", told)
            case.query["use"] = "service"
        elif label == "POST /staff/erasures":
            case.body["email"] = f"fuzz-{uuid4().hex[:12]}@example.com"
        elif label.endswith("/counter-sale"):
            path["cart_id"] = self._sale()
            case.body = {"store": self._store, "tenders": [_CASH], "expected_total": None}

    def _person(self) -> dict[str, Any]:
        body = {
            "email": f"fuzz-{uuid4().hex[:12]}@example.com",
            "given_name": "Fay",
            "family_name": "Fuzz",
            "addresses": [{"label": "home", "address": HOME}],
        }
        made: dict[str, Any] = self._clerk.call("POST", "/staff/customers", body)["customer"]
        return made

    def _sale(self) -> str:
        """The id of a cart at the counter."""
        begun = self._clerk.call(
            "POST", "/staff/carts", {"cause": "counter_order", "channel": "in_person"}
        )
        cart: str = begun["order"]["id"]
        buyer = Client(self._app.url)
        buyer.headers["Cart-Token"] = begun["cart_token"]
        buyer.call("POST", f"/carts/{cart}/lines", {"sku": self._sku, "quantity": 1})
        return cart
