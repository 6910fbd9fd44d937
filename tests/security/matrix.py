"""Who gets in where: every route with every kind of caller, as it is meant to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from parcelway.ports import clock

from infra.demo.people import HOME

CALLERS = (
    "anonymous",
    "cart",  # holds the token of the cart (or order) that is asked for
    "other cart",  # holds another cart's token
    "link",  # has the link from the order's mail
    "owner",  # the signed-in customer whose order it is, on another device
    "owner, cart",  # the same with the cart's token
    "customer",  # another customer
    "csr",
    "csr_supervisor",
    "warehouse",
    "finance",
    "admin",
    "disabled",  # a customer who was shut out, with the token of before
    "nobody",  # signed in, in no group, never a customer
)
MEANING = {"+": "let in", "0": 400, "1": 401, "3": 403, "4": 404}

Body = Callable[[Any, str], Any]  # of the world and the caller's name


@dataclass(frozen=True, slots=True)
class Row:
    """One route: what each of CALLERS gets, on which order of the world, with what request."""

    route: str
    expected: str
    order: str = "draft"
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert len(self.expected) == len(CALLERS), self.route
        assert set(self.expected) <= set(MEANING), self.route


#                                  a  c  o  l  o  o  c  c  c  w  f  a  d  n
EVERYBODY = "++++++++++++++"  #    n  a  t  i  w  w  u  s  s  a  i  d  i  o
UNSIGNED = "00000000000000"  #     o  r  h  n  n  +  s  r  r  r  n  m  s  b
HOLDER = "4+444+44444444"  #       n  t  e  k  e  c  t     s  e  a  i  a  o
OWNER = "1111++44444444"  #        y     r     r     o     u  h  n  n  b  d
SIGNED_IN = "1111++++++++++"  # customers who were shut out keep this until their token expires
RECORD = "1111+++++++" + "+1+"  # but not their own record
OWN_ADDRESS = "1111++444444" + "14"
STAFF = "1111333+++++33"
DESK = "1111333++33+33"
WAREHOUSE = "1111333" + "33+3+33"
LINKED = "444+4444444444"


def _credentials(world: Any, _: str) -> Any:
    return {"email": world.user.email, "password": world.password}


def _new_customer(world: Any, _: str) -> Any:
    return {
        "name": "New Comer",
        "email": world.fresh_email(),
        "password": world.password,
        "consent": {"terms_accepted": True},
    }


def _deliveries(world: Any, _: str) -> Any:
    """One delivery of all that is in the cart."""
    lines = world.orders["complete"].order["lines"]
    units = [{"sku": line["sku"], "quantity": line["quantity"]} for line in lines]
    return {"deliveries": [{"service": "parcel-standard", "address": HOME, "lines": units}]}


DETAILS = {
    "contact": {"name": "Ann Example", "email": "ann@example.com"},
    "billing_address": HOME,
    "payment_method": "card",
}
ENTRY = {"label": "Home", "address": HOME}
DOCUMENT = {"identity_checked": "identity_card"}
PARCEL = {"carrier": "Sample Parcel", "parcel_number": "MATRIX-1"}
_SHIPMENT = "/warehouse/orders/{order_id}/shipments/{shipment_id}"

_PLACE = "/stock/{sku}/nodes/{node}"
SUPPLY = {"due": "2999-12-31", "quantity": 5}


def _count(*_: Any) -> Any:
    return {"quantity": 100, "counted_at": clock.now().isoformat()}


def _transfer(world: Any, _: str) -> Any:
    ends = {"from_node": "dc-columbus", "to_node": "store-dayton", "due": "2999-12-31"}
    return ends | {"lines": [{"sku": world.sku, "quantity": 1}]}


def _feed(world: Any, _: str) -> Any:
    row = {"sku": world.sku, "node": "dc-columbus", "mode": "delta", "quantity": 1}
    return {"rows": [row]}


def _picked(world: Any, _: str) -> Any:
    return {"lines": [{"sku": world.sku, "picked": 1}]}


def _leaving(world: Any, _: str) -> Any:
    return {"lines": [{"sku": world.sku, "quantity": 1}]}


ROWS = (
    Row("POST /carts", EVERYBODY, body={}),
    Row("GET /carts/{cart_id}", HOLDER),
    Row("PATCH /carts/{cart_id}", HOLDER, body=DETAILS),
    Row("POST /carts/{cart_id}/lines", HOLDER, body=lambda w, _: {"sku": w.sku, "quantity": 1}),
    Row("PUT /carts/{cart_id}/lines/{sku}", HOLDER, body={"quantity": 2}),
    Row("DELETE /carts/{cart_id}/lines/{sku}", HOLDER),
    Row("GET /carts/{cart_id}/availability", HOLDER, "complete"),
    Row("GET /carts/{cart_id}/delivery-options", HOLDER, query={"country": "US"}),
    Row(
        "PUT /carts/{cart_id}/delivery",
        HOLDER,
        body={"service": "parcel-standard", "address": HOME},
    ),
    Row("PUT /carts/{cart_id}/deliveries", HOLDER, "complete", body=_deliveries),
    Row("POST /carts/{cart_id}/claim", "11114+44444444", "unclaimed", body={}),
    Row("POST /carts/{cart_id}/checkout", HOLDER, "complete", body={}),
    Row("POST /carts/{cart_id}/payment", HOLDER, "placed", body={}),
    Row("POST /carts/{cart_id}/cancel", HOLDER, "regretted by guest", body={"reason": "no"}),
    Row("POST /customers", EVERYBODY, body=_new_customer),
    Row(
        "POST /customers/confirmation",
        EVERYBODY,
        body=lambda w, _: {"email": w.pending_email(), "code": w.mailed_code()},
    ),
    Row(
        "POST /customers/confirmation/resend",
        EVERYBODY,
        body=lambda w, _: {"email": w.user.email},
    ),
    Row("POST /sessions", EVERYBODY, body=_credentials),
    Row(
        "POST /sessions/new-password",
        EVERYBODY,
        body=lambda w, _: {"session": w.temporary(), "password": w.password},
    ),
    Row(
        "POST /sessions/refresh",
        EVERYBODY,
        body=lambda w, _: {"refresh_token": w.user.tokens["RefreshToken"]},
    ),
    Row("POST /passwords/reset", EVERYBODY, body=lambda w, _: {"email": w.user.email}),
    Row(
        "POST /passwords/reset/confirmation",
        EVERYBODY,
        body=lambda w, _: {
            "email": w.user.email,
            "code": w.reset_code(),
            "password": w.password,
        },
    ),
    Row("GET /customers/me", RECORD),
    Row("PATCH /customers/me", RECORD, body={"language": "de"}),
    Row("POST /customers/me/addresses", RECORD, body=ENTRY),
    Row("PUT /customers/me/addresses/{address_id}", OWN_ADDRESS, body=ENTRY),
    Row("DELETE /customers/me/addresses/{address_id}", OWN_ADDRESS),
    Row("GET /orders", SIGNED_IN),
    Row("GET /orders/{order_id}", OWNER, "placed"),
    Row("POST /orders/{order_id}/cancel", OWNER, "regretted by owner", body={}),
    Row("GET /products", EVERYBODY),
    Row("GET /products/suggest", EVERYBODY, query={"q": "a"}),
    Row("GET /products/{sku}", EVERYBODY),
    Row("GET /products/{sku}/availability", EVERYBODY, query={"country": "US"}),
    Row("GET /staff/orders/{order_id}", STAFF, "placed"),
    Row("POST /staff/orders/{order_id}/cancel", DESK, "regretted by desk", body={}),
    Row("GET /track", EVERYBODY),
    Row("GET /track/{number}", EVERYBODY, "sent"),
    Row("GET /track/{number}/invoices/{shipment_id}", LINKED, "sent"),
    Row("GET /track/{number}/receipt", LINKED, "sent"),
    Row("GET /warehouse/nodes/{node}/shipments", WAREHOUSE),
    Row(f"POST {_SHIPMENT}/pack", WAREHOUSE, "to send", body={}),
    Row(f"POST {_SHIPMENT}/ship", WAREHOUSE, "packed", body=PARCEL),
    Row(f"POST {_SHIPMENT}/delivered", WAREHOUSE, "sent", body={}),
    Row(f"POST {_SHIPMENT}/ready", WAREHOUSE, "to collect", body={}),
    Row(f"POST {_SHIPMENT}/received", WAREHOUSE, "on its way", body={}),
    Row(f"POST {_SHIPMENT}/hand-over", WAREHOUSE, "at the counter", body=DOCUMENT),
    Row(f"POST {_SHIPMENT}/accept", WAREHOUSE, "to hold", body={}),
    Row(f"POST {_SHIPMENT}/hold", WAREHOUSE, "to hold", body={"reason": "goods"}),
    Row(f"POST {_SHIPMENT}/release-hold", WAREHOUSE, "to hold", body={}),
    Row(f"POST {_SHIPMENT}/short-pick", WAREHOUSE, "to hold", body=_picked),
    Row(f"POST {_SHIPMENT}/move", WAREHOUSE, "to move", body={"node": "wh-louisville"}),
    Row(f"POST {_SHIPMENT}/split", WAREHOUSE, "to split", body=_leaving),
    Row(f"POST {_SHIPMENT}/reject", WAREHOUSE, "missing goods", body={}),
    Row("GET /stock/{sku}", WAREHOUSE),
    Row(f"GET {_PLACE}/journal", WAREHOUSE),
    Row(f"POST {_PLACE}/receipts", WAREHOUSE, body={"quantity": 9}),
    Row(f"POST {_PLACE}/returns", WAREHOUSE, body={"quantity": 1}),
    Row(f"POST {_PLACE}/adjustments", WAREHOUSE, body={"quantity": 1, "reason": "found"}),
    Row(f"POST {_PLACE}/counts", WAREHOUSE, body=_count),
    Row(f"POST {_PLACE}/sales", WAREHOUSE, body={"quantity": 1}),
    Row(f"POST {_PLACE}/damage", WAREHOUSE, body={"quantity": 2}),
    Row(f"POST {_PLACE}/repairs", WAREHOUSE, body={"quantity": 1}),
    Row(f"POST {_PLACE}/scrap", WAREHOUSE, body={"quantity": 1}),
    Row(f"PUT {_PLACE}/safety", WAREHOUSE, body={"quantity": 0}),
    Row(f"PUT {_PLACE}/supplies/{{reference}}", WAREHOUSE, body=SUPPLY),
    Row(f"PUT {_PLACE}/reorder-point", WAREHOUSE, body={"quantity": 3}),
    Row("PUT /stock/{sku}/quotas/{channel}", WAREHOUSE, body={"quantity": 3}),
    Row("POST /stock/transfers", WAREHOUSE, body=_transfer),
    Row("GET /stock/transfers/{transfer_id}", WAREHOUSE),
    Row("POST /stock/transfers/{transfer_id}/cancel", WAREHOUSE, body={}),
    Row("POST /stock/feed", WAREHOUSE, body=_feed),
    Row("GET /stock/alerts", WAREHOUSE),
    Row(
        "DELETE /sessions",
        "1111++++++++1+",
        body=lambda w, name: {"access_token": w.access_of(name)},
    ),
    Row("POST /webhooks/stripe", UNSIGNED, body={"id": "evt_1"}),
    Row("POST /webhooks/carrier", UNSIGNED, body={"event_id": "e1"}),
)
