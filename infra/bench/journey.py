"""One order from cart to door through the real handlers: the requests that are measured.

What lies outside (provider, gateway, state machine) is played by handing each handler the event
that AWS would hand it. Paying is two decisions of the domain: the payment functions talk to the
provider, whose time is not ours.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from parcelway.domain.authorization import observe, start
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayPayment
from parcelway.ports.webhooks import sign_standard, sign_stripe
from parcelway.store.database import Database
from parcelway.store.items import to_item
from parcelway.store.orders import Dossier, get_dossier
from parcelway.store.saving import save
from parcelway.store.shop import load_shop

from infra.cli.routes import FUNCTIONS
from infra.demo.people import HOME

Json = dict[str, Any]
Measure = Callable[["Request"], Json]
SECRET = "whsec_c2VjcmV0LW9mLXRoZS1iZW5jaG1hcms="
CUSTOMER = "benchmark-customer"
LINES = (("CJ-819518", 2), ("CJ-819927", 1), ("CJ-819978", 1))
_USED = (
    *("cart", "checkout", "payment_webhook", "events", "fulfillment_worker", "fulfillment_steps"),
    *("fulfillment", "invoicing", "carrier_webhook", "tracking", "orders", "sweeper"),
)
_LISTS = {  # of all orders, for the people of the shop
    "all orders": {},
    "a channel's": {"channel": "online"},
    "closed ones": {"status": "closed"},
    "to look at": {"attention": "true"},
}
_CONTACT = {"name": "Ann Example", "email": "ann@parcelway.example"}


class Context:
    """What a handler gets as its second argument."""

    aws_request_id = "bench"
    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:bench"


@dataclass(frozen=True, slots=True)
class Request:
    """One event for one handler."""

    name: str
    handler: Callable[[Any, Any], Any]
    event: Json

    def run(self) -> Json:
        """The handler's answer."""
        answer: Json = self.handler(self.event, Context())
        return answer


@dataclass(slots=True)
class Journey:
    """A buyer and the order that comes about. `measure` runs each request and answers for it."""

    db: Database
    measure: Measure
    lines: tuple[tuple[str, int], ...] = LINES
    number: int = 1
    cart_id: str = ""
    token: str = ""
    order: Json = field(default_factory=dict)

    def run(self) -> None:
        """All of it, in order."""
        with modules(self.db) as of:
            self._fill(of)
            self._place(of)
            self._pay(of)
            self._fulfil(of)
            self._follow(of)

    def _fill(self, of: Mapping[str, ModuleType]) -> None:
        created = self._http("create cart", of["cart"], "POST", "/carts", body={})
        self.cart_id, self.token = created["cart"]["id"], created["cart_token"]
        for number, (sku, quantity) in enumerate(self.lines, 1):
            body = {"sku": sku, "quantity": quantity}
            self._cart(f"add line {number}", of["cart"], "POST", "/lines", body)
        path = {"sku": self.lines[0][0]}
        self._cart("change line", of["cart"], "PUT", "/lines/{sku}", {"quantity": 1}, path)
        self._cart("show cart", of["cart"], "GET")
        claims = {"sub": CUSTOMER, "email": _CONTACT["email"], "name": _CONTACT["name"]}
        self._cart("claim cart", of["cart"], "POST", "/claim", claims=claims)

    def _place(self, of: Mapping[str, ModuleType]) -> None:
        details = {"contact": _CONTACT, "billing_address": HOME, "payment_method": "card"}
        self._cart("details", of["checkout"], "PATCH", "", details)
        where = {"country": "US"}
        options = self._cart("options", of["checkout"], "GET", "/delivery-options", query=where)[
            "options"
        ]
        delivery = next(o["service"] for o in options if o["method"] == "delivery")
        wanted = {"service": delivery, "address": HOME}
        self._cart("delivery", of["checkout"], "PUT", "/delivery", wanted)
        self.order = self._cart("checkout", of["checkout"], "POST", "/checkout", {})

    def _pay(self, of: Mapping[str, ModuleType]) -> None:
        now = datetime.now(UTC)
        order = self._dossier().order
        gross = totals(order).gross
        nothing = gross - gross
        reference = f"pi_{self.number}"
        about = {"object": "payment_intent", "id": reference, "metadata": {"order_id": order.id}}
        raw = json.dumps({"id": "evt_1", "data": {"object": about}})
        signed = {"Stripe-Signature": sign_stripe(raw.encode(), SECRET, now)}
        webhook = of["payment_webhook"]
        self._http("payment webhook", webhook, "POST", "/webhooks/stripe", raw=raw, headers=signed)
        asked = GatewayPayment(
            reference, order.id, 1, "awaiting_customer", gross, nothing, nothing, nothing
        )
        held = GatewayPayment(reference, order.id, 1, "authorized", gross, gross, nothing, nothing)
        decision = start(order, asked, now)
        assert decision is not None
        save(self.db, decision, now)
        dossier = self._dossier()
        decision = observe(dossier.order, dossier.payments[0], held, Facts(load_shop(self.db), now))
        assert decision is not None
        save(self.db, decision, now)

    def _fulfil(self, of: Mapping[str, ModuleType]) -> None:
        order_id = self.cart_id
        self._direct("stream batch", of["events"], self._stream())
        confirmed = {"detail-type": "order.confirmed", "detail": {"order_id": order_id}}
        self._direct("worker batch", of["fulfillment_worker"], queue_event(confirmed))
        steps = of["fulfillment_steps"]
        schedule = {"step": "schedule", "order_id": order_id, "wave": 1}
        (shipment,) = self._direct("step schedule", steps, schedule)["shipments"]
        release = {"step": "release", **shipment, "until": "packed", "token": "t" * 600}
        self._direct("step release", steps, release)
        warehouse = of["fulfillment"]
        staff = {"sub": "packer", "cognito:groups": "warehouse"}
        node = self._dossier().shipments[0].node
        queue = "/warehouse/nodes/{node}/shipments"
        self._http("warehouse queue", warehouse, "GET", queue, path={"node": node}, claims=staff)
        at = "/warehouse/orders/{order_id}/shipments/{shipment_id}"
        self._http("pack", warehouse, "POST", f"{at}/pack", path=shipment, body={}, claims=staff)
        parcel = {"carrier": "Sample Parcel", "parcel_number": f"P{self.number:09d}"}
        self._http(
            "ship", warehouse, "POST", f"{at}/ship", path=shipment, body=parcel, claims=staff
        )
        invoice = {"step": "invoice", **shipment, "until": "invoiced", "token": "i" * 600}
        self._direct("step invoice", steps, invoice)
        self._direct("invoices batch", of["invoicing"], queue_event(shipment))
        issued = {"detail-type": "invoice.issued", "detail": {"order_id": order_id}}
        self._direct("worker answer", of["fulfillment_worker"], queue_event(issued))

    def _follow(self, of: Mapping[str, ModuleType]) -> None:
        now = datetime.now(UTC)
        told = {
            "event_id": "e1",
            "carrier": "Sample Parcel",
            "parcel_number": f"P{self.number:09d}",
            "status": "delivered",
            "at": now.isoformat(),
        }
        raw = json.dumps(told)
        signed = sign_standard(raw.encode(), "m1", SECRET, now)
        carrier = of["carrier_webhook"]
        self._http("carrier webhook", carrier, "POST", "/webhooks/carrier", raw=raw, headers=signed)
        close = {"step": "close", "order_id": self.cart_id}
        self._direct("step close", of["fulfillment_steps"], close)
        number, key = self.order["tracking_number"], self.order["tracking_path"].split("k=")[1]
        path, query = {"number": number}, {"k": key}
        self._http("track", of["tracking"], "GET", "/track/{number}", path=path, query=query)
        claims = {"sub": CUSTOMER}
        self._http("order list", of["orders"], "GET", "/orders", claims=claims)
        mine = {"order_id": self.cart_id}
        self._http("order", of["orders"], "GET", "/orders/{order_id}", path=mine, claims=claims)
        desk, every = {"sub": "desk", "cognito:groups": "csr"}, "/staff/orders"
        for name, asked in _LISTS.items():
            self._http(name, of["orders"], "GET", every, query=asked, claims=desk)
        self._direct("sweep", of["sweeper"], {})

    def _cart(
        self,
        name: str,
        module: ModuleType,
        method: str,
        under: str = "",
        body: Json | None = None,
        path: Json | None = None,
        **more: Any,
    ) -> Json:
        where = {"cart_id": self.cart_id, **(path or {})}
        return self._http(
            name, module, method, "/carts/{cart_id}" + under, path=where, body=body, **more
        )

    def _http(
        self,
        name: str,
        module: ModuleType,
        method: str,
        resource: str,
        *,
        body: Json | None = None,
        raw: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Json:
        key = derived("key", name, str(self.number)).removeprefix("key_")
        given = {"Content-Type": "application/json", "Idempotency-Key": key}
        given |= {"Cart-Token": self.token} if self.token else {}
        text = raw or (json.dumps(body) if body is not None else None)
        event = proxy_event(method, resource, text, given | dict(headers or {}), **more)
        answer = self.measure(Request(name, module.handler, event))
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{name}: {answer['statusCode']} {answer['body']}")
        found: Json = json.loads(answer["body"])
        return found

    def _direct(self, name: str, module: ModuleType, event: Json) -> Json:
        answer = self.measure(Request(name, module.handler, event))
        if (answer or {}).get("batchItemFailures"):
            raise RuntimeError(f"{name}: {answer}")
        return answer

    def _dossier(self) -> Dossier:
        dossier = get_dossier(self.db, self.cart_id)
        assert dossier is not None
        return dossier

    def _stream(self) -> Json:
        """The order's events so far, as OrdersTable's stream hands them over."""
        items = self.db.query(self.db.orders, f"ORD#{self.cart_id}", "EVT#")
        records = [
            {"dynamodb": {"SequenceNumber": str(number), "NewImage": to_item(item)}}
            for number, item in enumerate(items)
        ]
        return {"Records": records}


@contextmanager
def modules(db: Database, names: Sequence[str] = _USED) -> Iterator[Mapping[str, ModuleType]]:
    """The functions' modules by name, all with `db` for a database."""
    loaded = {name: _module(FUNCTIONS / name) for name in names}
    for module in loaded.values():
        if hasattr(module, "db"):
            setattr(module, "db", lambda: db)  # noqa: B010  a module has no such attribute for mypy
    try:
        yield loaded
    finally:
        for module in loaded.values():
            sys.modules.pop(module.__name__, None)


def _module(folder: Path) -> ModuleType:
    """A function's `app`; the modules beside it are its own, as in Lambda."""
    siblings = {file.stem for file in folder.glob("*.py")}
    sys.path.insert(0, str(folder))
    try:
        name = f"bench_{folder.name}"
        spec = importlib.util.spec_from_file_location(name, folder / "app.py")
        assert spec and spec.loader
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(folder))
        for sibling in siblings:
            sys.modules.pop(sibling, None)


def queue_event(message: Json) -> Json:
    """A batch of one message from SQS."""
    return {"Records": [{"messageId": "m1", "body": json.dumps(message)}]}


def proxy_event(
    method: str,
    resource: str,
    body: str | None,
    headers: Mapping[str, str],
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    claims: Mapping[str, str] | None = None,
) -> Json:
    """A request as API Gateway's proxy integration hands it over (payload format 1.0)."""
    filled = resource.format(**(path or {}))
    return {
        "resource": resource,
        "path": filled,
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {n: [v] for n, v in (query or {}).items()} or None,
        "pathParameters": dict(path) if path else None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": resource,
            "path": filled,
            "stage": "live",
            "requestId": "bench",
            "identity": {"sourceIp": "192.0.2.1"},
            **({"authorizer": {"claims": dict(claims)}} if claims else {}),
        },
    }
