"""The people and parties of a journey, each with nothing but the public API."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
from parcelway.ports import clock
from parcelway.ports.webhooks import sign_standard

from infra.local.application import Application

Json = dict[str, Any]

HOME = {
    "name": "Ann Example",
    "line1": "1 Main Street",
    "city": "Columbus",
    "region": "OH",
    "postal_code": "43215",
    "country": "US",
}
GOOD = "4242424242424242"
DECLINED = "4000000000000002"
NEEDS_3D_SECURE = "4000002500003155"


class Refused(Exception):
    """The API said no; `status` and `problem` are its answer."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('type', '')} {problem.get('detail', '')}")
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable end of the problem's type."""
        return str(self.problem["type"]).rsplit(":", 1)[1]


@dataclass
class Client:
    """HTTP to the API, one connection kept; JSON in, JSON out."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        key: str | None = None,
        **query: str,
    ) -> Json:
        """One request; POST, PUT and DELETE get a fresh Idempotency-Key unless `key` is given.

        Raises Refused.
        """
        headers = dict(self.headers)
        if method in ("POST", "PUT", "DELETE"):
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        answer = self.session.request(
            method, self.url + path, json=body, headers=headers, params=query or None, timeout=60
        )
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.json())
        parsed: Json = answer.json() if answer.content else {}
        return parsed


class Api(Protocol):
    """Whatever takes requests to the API: HTTP here, the simulation elsewhere."""

    headers: dict[str, str]

    def call(
        self, method: str, path: str, body: Json | None = None, key: str | None = None, **query: str
    ) -> Json:
        """One request and its answer. Raises Refused."""
        ...


class Bank(Protocol):
    """Whoever completes a payment like the provider's form in the browser does."""

    def confirm(self, client_secret: str, card: str = ..., authenticate: bool | None = ...) -> Any:
        """Pay with a test card; see StandIn.confirm."""
        ...


class Shopper:
    """A customer with a browser and a card; `api` is HTTP to `url` unless given."""

    def __init__(
        self, url: str, stripe: Bank, language: str = "en", api: Api | None = None
    ) -> None:
        self.api = api or Client(url)
        self._stripe = stripe
        created = self.api.call("POST", "/carts", {"language": language})
        self.id = str(created["cart"]["id"])
        self.token = str(created["cart_token"])
        self.api.headers["Cart-Token"] = self.token
        self.path = f"/carts/{self.id}"

    @classmethod
    def holding(cls, url: str, stripe: Bank, cart_id: str, token: str) -> Shopper:
        """Whoever holds a cart that is there, by its token or that of a grant."""
        held = cls.__new__(cls)
        held.api, held._stripe = Client(url), stripe
        held.id, held.token, held.path = cart_id, token, f"/carts/{cart_id}"
        held.api.headers["Cart-Token"] = token
        return held

    @property
    def order(self) -> Json:
        """The cart or order as the API shows it now."""
        return self.api.call("GET", self.path)

    def add(self, sku: str, quantity: int = 1, key: str | None = None) -> Json:
        """Put units in the cart."""
        body = {"sku": sku, "quantity": quantity}
        return self.api.call("POST", f"{self.path}/lines", body, key)

    def deliver(
        self, service: str = "parcel-standard", address: Mapping[str, str] | None = None
    ) -> Json:
        """Choose delivery by a service."""
        body = {"service": service, "address": dict(address or HOME)}
        return self.api.call("PUT", f"{self.path}/delivery", body)

    def pick_up(self, store: str, service: str = "store-pickup") -> Json:
        """Choose to collect at a store."""
        return self.api.call("PUT", f"{self.path}/delivery", {"service": service, "store": store})

    def divide(self, *deliveries: Json) -> Json:
        """Divide the cart over deliveries: service, address or store, and lines of each."""
        return self.api.call("PUT", f"{self.path}/deliveries", {"deliveries": list(deliveries)})

    def describe(
        self, email: str = "ann@example.com", name: str = "Ann Example", method: str = "card"
    ) -> Json:
        """Say who buys, and how it is paid."""
        body = {
            "contact": {"name": name, "email": email},
            "billing_address": HOME,
            "payment_method": method,
        }
        return self.api.call("PATCH", self.path, body)

    def place(self, key: str | None = None, expected_total: Json | None = None) -> Json:
        """Confirm the order."""
        body = {"expected_total": expected_total} if expected_total else {}
        return self.api.call("POST", f"{self.path}/checkout", body, key)

    def pay(self, card: str = GOOD, authenticate: bool | None = True) -> str:
        """Start the payment and complete it like Stripe.js would; the payment's status there."""
        payment = self.api.call("POST", f"{self.path}/payment", {})
        confirmed = self._stripe.confirm(payment["client_secret"], card, authenticate)
        return str(confirmed["status"] if isinstance(confirmed, dict) else confirmed)

    def pay_on_account(self) -> Json:
        """Have the order paid with the account's credit; the payment."""
        return self.api.call("POST", f"{self.path}/payment", {})

    def code(self) -> str:
        """The code to collect what lies ready, from the page behind the link of the mails."""
        path, _, link = self.order["tracking_path"].partition("?k=")
        parcels = self.api.call("GET", path, k=link)["parcels"]
        return next(str(parcel["code"]) for parcel in parcels if parcel["code"])

    def cancel(self, reason: str = "changed my mind") -> Json:
        """Cancel the order."""
        return self.api.call("POST", f"{self.path}/cancel", {"reason": reason})

    def buy(self, *lines: tuple[str, int], card: str = GOOD) -> Json:
        """Everything from the first line to the payment; the order as it was placed."""
        for sku, quantity in lines:
            self.add(sku, quantity)
        self.deliver()
        self.describe()
        placed = self.place()
        self.pay(card)
        return placed


class Warehouse:
    """Somebody at a node with a scanner."""

    def __init__(self, app: Application) -> None:
        self.api = Client(app.url)
        self.api.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'warehouse')}"

    def queue(self, node: str) -> list[Json]:
        """What waits at a node."""
        shipments: list[Json] = []
        cursor: dict[str, str] = {}
        while True:
            path = f"/warehouse/nodes/{node}/shipments"
            page = self.api.call("GET", path, None, None, **cursor)
            shipments += page["shipments"]
            if not page["next_cursor"]:
                return shipments
            cursor = {"cursor": page["next_cursor"]}

    def report(self, shipment: Json, what: str, body: Json | None = None) -> Json:
        """Tell that a shipment was packed, shipped, made ready, handed over or rejected."""
        path = f"/warehouse/orders/{shipment['order_id']}/shipments/{shipment['id']}/{what}"
        return self.api.call("POST", path, body or {})

    def ship(self, shipment: Json, carrier: str = "Sample Parcel") -> Json:
        """Pack a shipment and hand it to a carrier."""
        self.report(shipment, "pack")
        parcel = {"carrier": carrier, "parcel_number": f"1Z{secrets.token_hex(8).upper()}"}
        return self.report(shipment, "ship", parcel)


class Carrier:
    """A carrier's systems."""

    def __init__(self, app: Application) -> None:
        self._url = f"{app.url}/webhooks/carrier"
        self._secret = app.carrier_secret

    def report(
        self, parcel: Json, status: str, event_id: str | None = None, at: str | None = None
    ) -> int:
        """Post a signed tracking event of `at` (now); the HTTP status of the answer."""
        event = {
            "event_id": event_id or uuid.uuid4().hex[:12],
            "carrier": parcel["carrier"],
            "parcel_number": parcel["parcel_number"],
            "status": status,
            "at": at or clock.now().isoformat(),
        }
        body = json.dumps(event).encode()
        headers = sign_standard(body, event["event_id"], self._secret, clock.now())
        headers["Content-Type"] = "application/json"
        return requests.post(self._url, data=body, headers=headers, timeout=60).status_code


def staff(app: Application, group: str) -> Client:
    """A new member of staff, signed in."""
    client = Client(app.url)
    client.headers["Authorization"] = f"Bearer {sign_in_staff(app, group)}"
    return client


def open_account(app: Application, shopper: Shopper, account: str, limit: int) -> None:
    """Make a signed-in shopper a buyer of a business account, with `limit` cents for 30 days."""
    customer = shopper.api.call("GET", "/customers/me")["id"]
    terms = {"limit": {"minor": limit, "currency": "USD"}, "days": 30}
    staff(app, "finance").call("PUT", f"/staff/accounts/{account}/credit", terms)
    standing = f"/staff/customers/{customer}/standing"
    staff(app, "admin").call("PUT", standing, {"account": account})
    shopper.api.call("POST", f"{shopper.path}/claim")


def transfer(minor: int, reference: str = "", day: str = "") -> Json:
    """A movement of the bank, as finance books it."""
    return {
        "amount": {"minor": minor, "currency": "USD"},
        "value_date": day or clock.now().date().isoformat(),
        "bank_reference": reference or f"E2E-{uuid.uuid4().hex[:12]}",
    }


def sign_in_staff(app: Application, *groups: str) -> str:
    """A new member of staff in Cognito groups, the template's or new ones; their ID token."""
    pool, name = app.stack.resource("UserPool"), f"{groups[0]}-{uuid.uuid4().hex[:8]}@example.com"
    password = secrets.token_urlsafe(16)
    cognito = app.stack.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=name, Password=password, Permanent=True
    )
    for group in groups:
        with suppress(cognito.exceptions.GroupExistsException):
            cognito.create_group(UserPoolId=pool, GroupName=group)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    answer = cognito.initiate_auth(
        ClientId=app.stack.resource("UserPoolClient"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    token: str = answer["AuthenticationResult"]["IdToken"]
    return token
