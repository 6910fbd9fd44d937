"""Who gets in where: every route with every kind of caller, as it is meant to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from parcelway.ports import clock

from infra.cli.openapi_examples import BODIES
from infra.demo import marketplace
from infra.demo.people import HOME, transfer

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
CASH = {"method": "cash", "amount": {"minor": 1_000_000, "currency": "USD"}}
SALE = {"store": "store-dayton", "tenders": [CASH]}
FINANCE = "1111333" + "3+3++33"
BOOKS = "1111333" + "333++33"
DESK = "1111333++33+33"
ADJUSTERS = "1111333" + "++3++33"
SENIOR = "1111333" + "3+33+33"
ADMIN = "1111333" + "3333+33"
WAREHOUSE = "1111333" + "33+3+33"
LINKED = "444+4444444444"
APPROVER = "111144+4444444"


def _credentials(world: Any, _: str) -> Any:
    return {"email": world.user.email, "password": world.password}


def _new_customer(world: Any, _: str) -> Any:
    return {
        "name": "New Comer",
        "email": world.fresh_email(),
        "password": world.password,
        "consent": {"terms_accepted": True},
    }


def _invited(world: Any, _: str) -> Any:
    return {"email": world.fresh_email(), "given_name": "New", "family_name": "Comer"}


def _duplicate(world: Any, caller: str) -> Any:
    """Somebody whom the desk has just made a customer; nobody for those who are not let in."""
    may = caller in ("csr_supervisor", "admin")
    return {"duplicate": world.invited() if may else "cus_nobody", "reason": "matrix"}


def _to_erase(_world: Any, _: str) -> Any:
    return {"grounds": "requested"}


def _guest_to_erase(world: Any, _: str) -> Any:
    """Somebody who never ordered."""
    return {"grounds": "requested", "email": world.fresh_email()}


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
SUPPLIED = BODIES["billing_self_bill"]
MACHINE = {"format": "ubl"}
ENTRY = {"label": "Home", "address": HOME}
DOCUMENT = {"identity_checked": "identity_card"}
PARCEL = {"carrier": "Sample Parcel", "parcel_number": "MATRIX-1"}
_ADJUSTMENTS = "/staff/carts/{cart_id}/adjustments"
ADJUSTMENT = {
    "kind": "amount_off",
    "value": {"minor": 1, "currency": "USD"},
    "reason": "goodwill",
}
CERTIFICATE = {"certificate": "C-1", "reason": "Resale", "valid_from": "2026-01-01"}
GIFT = {
    "kind": "gift_card",
    "value": {"minor": 1, "currency": "USD"},
    "reason": "late",
}
_DESK_ADDRESS = "/staff/customers/{customer_id}/addresses/{address_id}"
_SHIPMENT = "/warehouse/orders/{order_id}/shipments/{shipment_id}"

_PLACE = "/stock/{sku}/nodes/{node}"
SUPPLY = {"due": "2999-12-31", "quantity": 5}


def _instead(world: Any, _: str) -> Any:
    return {"sku": world.instead}


def _again(world: Any, _: str) -> Any:
    return {"order_id": world.orders["placed"].id}


def _credited(world: Any, _: str) -> Any:
    amount = {"minor": 1, "currency": "USD"}
    return {"invoice": world.invoice("sent"), "amount": amount, "reason": "late"}


def _gift_code(world: Any, _: str) -> Any:
    return {"code": world.gift_code}


ANSWER = {"answer": "Mrs. Matrix"}
QUESTION = {"question": "Your first teacher?"} | ANSWER
TOLD = {"uses": ["service"], "consent": True, "age": "65+"}
TOLD_FOR = {"use": "service", "reason": "matrix"}
LET_IN = {"state": "enabled", "reason": "matrix"}
STANDING = {"groups": ["trade"], "account": "matrix"}
TERMS = {"limit": {"minor": 100_000, "currency": "USD"}, "days": 30}


def company(approver: str) -> dict[str, Any]:
    """A business account all of whose orders are approved by one customer."""
    contact = {"customer_id": approver, "roles": ["approver"]}
    above = {"minor": 0, "currency": "USD"}
    return {"company": "Matrix, Inc.", "contacts": [contact], "approval_above": above}


def _company(world: Any, _: str) -> Any:
    return company(world.approver)


def _approved(world: Any, caller: str) -> Any:
    """What an approver was just asked; nothing for those who are not let in."""
    return {"approval_id": world.asked() if caller == "customer" else "apr_none"}


def _rejected(world: Any, caller: str) -> Any:
    return _approved(world, caller) | {"reason": "Too dear"}


def _moved(*_: Any) -> Any:
    return transfer(1)


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


def _sold(world: Any, name: str) -> Any:
    return marketplace.body([marketplace.sold(f"MATRIX {name}".replace(" ", "-"), world.sku)])


_PRICE_LIST = {"name": "Matrix", "currency": "USD"}
_PROMOTION = {
    "name": {"en": "Matrix"},
    "action": "percentage",
    "steps": [{"basis_points": 1}],
    "coupon": True,
}


def _prices(world: Any, _: str) -> Any:
    return {"prices": [{"sku": world.sku, "tiers": [{"minor": 1000}]}]}


ROWS = (
    Row("POST /carts", EVERYBODY, body={}),
    Row("GET /carts/{cart_id}", HOLDER),
    Row("PATCH /carts/{cart_id}", HOLDER, body=DETAILS),
    Row("POST /carts/{cart_id}/lines", HOLDER, body=lambda w, _: {"sku": w.sku, "quantity": 1}),
    Row("PUT /carts/{cart_id}/lines/{sku}", HOLDER, body={"quantity": 2}),
    Row("DELETE /carts/{cart_id}/lines/{sku}", HOLDER),
    Row("POST /carts/{cart_id}/lines/{sku}/substitution", HOLDER, body=_instead),
    Row("POST /carts/{cart_id}/reorder", HOLDER, body=_again),
    Row("GET /carts/{cart_id}/availability", HOLDER, "complete"),
    Row("GET /carts/{cart_id}/delivery-options", HOLDER, query={"country": "US"}),
    Row(
        "PUT /carts/{cart_id}/delivery",
        HOLDER,
        body={"service": "parcel-standard", "address": HOME},
    ),
    Row("GET /carts/{cart_id}/payment-methods", HOLDER, "complete"),
    Row("PUT /carts/{cart_id}/payment-method", HOLDER, "placed", body={"payment_method": "card"}),
    Row("PUT /carts/{cart_id}/deliveries", HOLDER, "complete", body=_deliveries),
    Row("PUT /carts/{cart_id}/coupons/{code}", HOLDER),
    Row("DELETE /carts/{cart_id}/coupons/{code}", HOLDER),
    Row("PUT /staff/carts/{cart_id}/coupons/{code}", DESK),
    Row("DELETE /staff/carts/{cart_id}/coupons/{code}", DESK),
    Row("PUT /carts/{cart_id}/gift-cards", HOLDER, body=_gift_code),
    Row("PUT /carts/{cart_id}/gift-cards/balance", HOLDER, body=_gift_code),
    Row("DELETE /carts/{cart_id}/gift-cards/{card_id}", HOLDER),
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
    Row("PUT /customers/me/challenge", RECORD, body=QUESTION),
    Row("GET /customers/me/challenge", RECORD),
    Row("DELETE /customers/me/challenge", RECORD),
    Row("POST /staff/customers", DESK, body=_invited),
    Row("GET /staff/customers", DESK, query={"family_name": "exa", "reason": "matrix"}),
    Row("GET /staff/customers/{customer_id}", DESK, query={"reason": "matrix"}),
    Row("GET /staff/customers/{customer_id}/audit", SENIOR),
    Row("GET /staff/look-ups", SENIOR),
    Row("PATCH /staff/customers/{customer_id}", DESK, body={"family_name": "Matrix"}),
    Row("GET /staff/customers/{customer_id}/history", DESK, query={"reason": "matrix"}),
    Row("POST /staff/customers/{customer_id}/addresses", DESK, body=ENTRY),
    Row(f"PUT {_DESK_ADDRESS}", DESK, body=ENTRY),
    Row(f"DELETE {_DESK_ADDRESS}", DESK),
    Row("PUT /staff/customers/{customer_id}/challenge", DESK, body=QUESTION),
    Row("GET /staff/customers/{customer_id}/challenge", DESK),
    Row("POST /staff/customers/{customer_id}/challenge/verify", DESK, body=ANSWER),
    Row("PUT /staff/customers/{customer_id}/demographics", DESK, body=TOLD),
    Row("GET /staff/customers/{customer_id}/demographics", DESK, query=TOLD_FOR),
    Row("DELETE /staff/customers/{customer_id}/demographics", DESK),
    Row("POST /staff/customers/{customer_id}/invitation", DESK),
    Row("PUT /staff/customers/{customer_id}/state", DESK, body=LET_IN),
    Row("POST /staff/customers/{customer_id}/merge", SENIOR, body=_duplicate),
    Row("PUT /staff/customers/{customer_id}/standing", SENIOR, body=STANDING),
    Row("GET /customers/me/export", SIGNED_IN),
    Row("GET /staff/customers/{customer_id}/export", SENIOR, query={"reason": "matrix"}),
    Row("POST /staff/customers/{customer_id}/erasure", SENIOR, body=_to_erase),
    Row("POST /staff/erasures", SENIOR, body=_guest_to_erase),
    Row("GET /offers", ADMIN),
    Row("PUT /offers/price-lists/{offer_id}", ADMIN, body=_PRICE_LIST),
    Row("PUT /offers/price-lists/{offer_id}/prices", ADMIN, body=_prices),
    Row("DELETE /offers/price-lists/{offer_id}", ADMIN),
    Row("PUT /offers/promotions/{offer_id}", ADMIN, body=_PROMOTION),
    Row("POST /offers/promotions/{offer_id}/codes", ADMIN, body={"count": 2}),
    Row("PUT /offers/assortments/{offer_id}", ADMIN, body={"name": "Trade"}),
    Row("DELETE /offers/assortments/{offer_id}", ADMIN),
    Row("PUT /offers/coupons/{code}", ADMIN, body={"promotion": "matrix"}),
    Row("GET /offers/coupons/{code}", ADMIN),
    Row("DELETE /offers/coupons/{code}", ADMIN),
    Row("DELETE /offers/promotions/{offer_id}", ADMIN),
    Row("GET /staff/channels/{channel}", STAFF),
    Row("PUT /staff/channels/{channel}", ADMIN, body={}),
    Row("GET /orders", SIGNED_IN),
    Row("GET /orders/{order_id}", OWNER, "placed"),
    Row("POST /orders/{order_id}/cancel", OWNER, "regretted by owner", body={}),
    Row("GET /products", EVERYBODY),
    Row("GET /products/suggest", EVERYBODY, query={"q": "a"}),
    Row("GET /products/{sku}", EVERYBODY),
    Row("GET /products/{sku}/availability", EVERYBODY, query={"country": "US"}),
    Row("GET /stores", EVERYBODY, query={"country": "US", "postal_code": "43215"}),
    Row("GET /staff/orders", STAFF),
    Row("GET /staff/orders/{order_id}", STAFF, "placed"),
    Row("POST /staff/orders/{order_id}/cancel", DESK, "regretted by desk", body={}),
    Row("POST /staff/orders/{order_id}/payment-link", DESK, "placed", body={}),
    Row("POST /staff/orders/{order_id}/notes", DESK, "placed", body={"text": "Call first."}),
    Row("GET /staff/orders/{order_id}/timeline", DESK, "placed"),
    Row("GET /staff/desk", DESK),
    Row("POST /staff/carts", DESK, body={"channel": "phone", "cause": "phone_order"}),
    Row("POST /staff/carts/{cart_id}/grants", DESK, body={"cause": "assistance"}),
    Row("DELETE /staff/carts/{cart_id}/grants/{grant_id}", DESK),
    Row("POST /staff/carts/{cart_id}/counter-sale", DESK, "at the till", body=SALE),
    Row(f"POST {_ADJUSTMENTS}", ADJUSTERS, "to adjust", body=ADJUSTMENT),
    Row(f"POST {_ADJUSTMENTS}/{{adjustment_id}}/approve", FINANCE, "to adjust", body={}),
    Row(f"POST {_ADJUSTMENTS}/{{adjustment_id}}/reject", FINANCE, "to adjust", body={}),
    Row(f"DELETE {_ADJUSTMENTS}/{{adjustment_id}}", ADJUSTERS, "to adjust"),
    Row("GET /staff/adjustments", FINANCE),
    Row("POST /staff/gift-cards", FINANCE, body=GIFT),
    Row("GET /staff/gift-cards/{card_id}", ADJUSTERS),
    Row("POST /staff/gift-cards/{card_id}/block", FINANCE, body={"reason": "stolen"}),
    Row("POST /staff/gift-cards/{card_id}/unblock", FINANCE, body={"reason": "found"}),
    Row("GET /staff/orders/{order_id}/documents/{document}", STAFF, "sent", query=MACHINE),
    Row("PUT /carts/{cart_id}/tax-id", HOLDER, "to adjust", body={"tax_id": "ATU13585627"}),
    Row("DELETE /carts/{cart_id}/tax-id", HOLDER, "to adjust"),
    Row("PUT /staff/carts/{cart_id}/tax-exemptions/{region}", FINANCE, "to adjust", CERTIFICATE),
    Row("DELETE /staff/carts/{cart_id}/tax-exemptions/{region}", FINANCE, "to adjust"),
    Row("POST /staff/orders/{order_id}/credit-notes", FINANCE, "sent", body=_credited),
    Row("GET /books/trial-balance", BOOKS, query={"period": "2026-01", "currency": "USD"}),
    Row("GET /books/periods", BOOKS),
    Row("GET /books/periods/{period}/journal", BOOKS),
    Row("GET /books/periods/{period}/export", BOOKS, query={"currency": "USD"}),
    Row("GET /books/receivables", BOOKS),
    Row("GET /books/customers/{customer_id}/receivables", BOOKS),
    Row("POST /books/periods/{period}/lock", BOOKS, body={}),
    Row("POST /staff/suppliers/{supplier_id}/invoices", BOOKS, body=SUPPLIED),
    Row("GET /staff/suppliers/{supplier_id}/invoices/{document}", BOOKS, query=MACHINE),
    Row("GET /track", EVERYBODY),
    Row("GET /track/{number}", EVERYBODY, "sent"),
    Row("GET /track/{number}/invoices/{shipment_id}", LINKED, "sent"),
    Row("GET /track/{number}/credit-notes/{credit_note}", LINKED, "sent", query=MACHINE),
    Row("GET /track/{number}/receipt", LINKED, "sent"),
    Row("POST /track/{number}/payment", LINKED, "placed"),
    Row("GET /track/{number}/receipt.pdf", LINKED, "sent"),
    Row("GET /warehouse/nodes/{node}/shipments", WAREHOUSE),
    Row(f"POST {_SHIPMENT}/pack", WAREHOUSE, "to send", body={}),
    Row(f"POST {_SHIPMENT}/ship", WAREHOUSE, "packed", body=PARCEL),
    Row(f"POST {_SHIPMENT}/delivered", WAREHOUSE, "sent", body={}),
    Row(f"POST {_SHIPMENT}/ready", WAREHOUSE, "to collect", body={}),
    Row(f"POST {_SHIPMENT}/received", WAREHOUSE, "on its way", body={}),
    Row(f"POST {_SHIPMENT}/came-back", WAREHOUSE, "came back", body={}),
    Row(f"POST {_SHIPMENT}/lost", WAREHOUSE, "lost", body={}),
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
    Row("DELETE /stock/{sku}/quotas/{channel}", WAREHOUSE),
    Row("POST /stock/transfers", WAREHOUSE, body=_transfer),
    Row("GET /stock/transfers/{transfer_id}", WAREHOUSE),
    Row("POST /stock/transfers/{transfer_id}/cancel", WAREHOUSE, body={}),
    Row("POST /stock/feed", WAREHOUSE, body=_feed),
    Row("GET /stock/alerts", WAREHOUSE),
    Row("GET /staff/accounts/{account}", ADJUSTERS),
    Row("PUT /staff/accounts/{account}", FINANCE, body=_company),
    Row("POST /carts/{cart_id}/approval", HOLDER, "to approve", body={}),
    Row("GET /account/approvals", APPROVER),
    Row("POST /account/approvals/{cart_id}/approve", APPROVER, "to approve", body=_approved),
    Row("POST /account/approvals/{cart_id}/reject", APPROVER, "to approve", body=_rejected),
    Row("GET /staff/accounts/{account}/credit", BOOKS),
    Row("PUT /staff/accounts/{account}/credit", BOOKS, body=TERMS),
    Row("GET /staff/orders/{order_id}/transfers", BOOKS, "sent"),
    Row("POST /staff/orders/{order_id}/transfers", BOOKS, "on account", body=_moved),
    Row("GET /staff/repayments", BOOKS),
    Row("POST /staff/orders/{order_id}/repayments", BOOKS, "on account", body=_moved),
    Row("GET /payouts", BOOKS),
    Row("GET /payouts/{payout_id}", BOOKS),
    Row("GET /settlement/orders/{order_id}", BOOKS, "sent"),
    Row("GET /settlement/unmatched", BOOKS),
    Row("POST /settlement/unmatched/{item_id}/resolve", BOOKS, body={"reason": "by hand"}),
    Row(
        "DELETE /sessions",
        "1111++++++++1+",
        body=lambda w, name: {"access_token": w.access_of(name)},
    ),
    Row("POST /staff/imports/{source}/orders", ADMIN, body=_sold),
    Row("GET /staff/imports/{source}/orders", ADMIN),
    Row("GET /staff/imports/{source}/orders/{external_id}", ADMIN),
    Row("POST /webhooks/stripe", UNSIGNED, body={"id": "evt_1"}),
    Row("POST /webhooks/carrier", UNSIGNED, body={"event_id": "e1"}),
)
# Who names a cart when searching must hold it: its buyer's assortments and prices are shown.
OF_CART = {"cart": "{cart_id}"}
WITH_CART = (
    Row("GET /products", HOLDER, query=OF_CART),
    Row("GET /products/suggest", HOLDER, query=OF_CART | {"q": "a"}),
    Row("GET /products/{sku}", HOLDER, query=OF_CART),
    Row("GET /products/{sku}/availability", HOLDER, query=OF_CART),
    Row("GET /products", HOLDER, "placed", query=OF_CART),
)
