"""What schemathesis generates, made to get past the door: known ids, credentials, signatures.

A generated case is changed by rules that depend on nothing but the case itself, so the same seed
sends the same requests. Only parts that schemathesis meant to be valid are changed.
"""

from __future__ import annotations

import copy
import json
import random
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import requests
import schemathesis
from jsonschema import Draft202012Validator
from parcelway.ports import clock
from parcelway.ports.webhooks import sign_standard, sign_stripe
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema

from infra.cli.openapi import document
from infra.cli.openapi_examples import BODIES
from infra.demo.marketplace import MACHINE, MEDIA, SOURCE, Marketplace, sold
from infra.demo.people import HOME, Client, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from tests.journeys.furnished import CODE, NAME, NOBODY, offer, overpaid_on_account, refused_payout
from tests.journeys.fuzzed_desk import Desk
from tests.journeys.test_customers import PASSWORD, member

GROUPS = ("csr", "csr_supervisor", "warehouse", "finance", "admin")
COMPANY = "fuzz-company"
IMPORT = "POST /staff/imports/{source}/orders"
_OPEN = {"Problem"}  # some types have members of their own
STORE = "store-cincinnati"
BOOKS = "FUZZ-BOOKS"  # the article whose books are told anything
_REFILLED = ("filled", "ready", "placed")
_FURNISHED = 3  # shipments for each thing that can be told of one
# Whose shipment it is told of, and what was told of it before.
_TOLD_OF = {
    "/ship": ("released", "pack"),
    "/delivered": ("released", "pack", "ship"),
    "/ready": ("pickup", "pack"),
    "/hand-over": ("pickup", "pack", "ready"),
    "/received": ("coming", "pack", "ship"),
    "/came-back": ("coming", "pack", "ship"),
    "/lost": ("coming", "pack", "ship"),
    "/release-hold": ("released", "hold"),
}
# What can be done to an order but once: which parameter names it, and whose it is to be.
_ENDS = {
    "POST /carts/{cart_id}/cancel": ("cart_id", "placed"),
    "POST /carts/{cart_id}/checkout": ("cart_id", "ready"),
    "POST /carts/{cart_id}/reorder": ("cart_id", "mine"),
    "POST /orders/{order_id}/cancel": ("order_id", "own"),
    "POST /staff/orders/{order_id}/cancel": ("order_id", "placed"),
}
_SAID = {"hold": {"reason": "other"}}
_CENT = {"minor": 1, "currency": "USD"}
_ADJUSTED = {"kind": "amount_off", "target": "", "value": _CENT, "reason": "goodwill"}
_ALWAYS = {"starts_at": None, "ends_at": None}
_SMALL_PROMOTION = {
    "name": {"en": "Hardly anything off"},
    "action": "percentage",
    "steps": [{"basis_points": 1}],
    "coupon": True,
}
_GIFT = {"kind": "gift_card", "value": _CENT, "customer_id": "", "valid_until": None}
# Where something is given away, and how little of it, or to whom.
_CENTS = {
    "POST /staff/carts/{cart_id}/adjustments": _ADJUSTED,
    "/credit-notes": {"lines": [], "shipping": False, "amount": _CENT},
    "/orders/{order_id}/transfers": {"amount": _CENT},
    "/orders/{order_id}/repayments": {"amount": _CENT},
    "POST /staff/gift-cards": _GIFT,
    "PUT /offers/promotions/{offer_id}": _SMALL_PROMOTION | _ALWAYS,
    "PUT /offers/price-lists/{offer_id}": {"audience": NOBODY} | _ALWAYS,
    "PUT /offers/coupons/{code}": {"promotion": NAME} | _ALWAYS,
}
_KNOWN_SHARE = 0.8  # of valid cases get values that are there, once one of them has succeeded


@dataclass
class Fuzz:
    """The application with something in every state, and what has been sent to it."""

    app: Application
    skus: list[str]
    schema: BaseSchema = field(init=False)
    document: dict[str, Any] = field(init=False)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    succeeded: set[str] = field(default_factory=set)  # the operations that did, once at least
    negative: int = 0
    walked: int = 0
    _keys: int = 0
    _share: float = 1.0

    def __post_init__(self) -> None:
        self.document = closed_document()
        self.schema = schemathesis.openapi.from_dict(copy.deepcopy(self.document))
        self.schema.config.update(base_url=self.app.url)
        self._session = requests.Session()
        self._staff = {group: sign_in_staff(self.app, group) for group in GROUPS}
        self._staff["integration"] = sign_in_staff(self.app, *MACHINE)
        self._customer, email = member(self.app)
        self._tokens: dict[str, str] = {}
        signed_in = []  # two more, each for a token that only one route may use up
        for _ in range(2):
            another, name = member(self.app)
            given = {"email": name, "password": PASSWORD}
            signed_in.append(another.call("POST", "/sessions", given))
        self._path: dict[str, list[str]] = {"sku": self.skus, "node": ["dc-columbus", "none"]}
        self._path |= {"reference": ["PO-1", "PO-2"], "channel": ["marketplace"]}
        self._path |= {"region": ["US-OH", "US"], "period": ["2026-01"]}
        self._path |= {"offer_id": [NAME], "code": [CODE], "account": [NAME]}
        self._proposals: list[dict[str, str]] = []
        self._buyer: Client | None = None
        self._to_approve: list[dict[str, str]] = []
        self._body: dict[str, list[Any]] = {
            "sku": self.skus,
            "service": ["parcel-standard", "store-pickup"],
            "address": [HOME],
            "billing_address": [HOME],
            "deliveries": [self._deliveries(2), self._deliveries(1, 1)],
            "email": [email, "eve@example.com"],
            "payment_method": ["card"],
            "currency": ["USD"],
            "language": ["en", "de"],
            "password": [PASSWORD],
            "refresh_token": [signed_in[0]["refresh_token"]],
            "access_token": [signed_in[1]["access_token"]],
            "at": [clock.now().isoformat()],
            "counted_at": [clock.now().isoformat()],
            "due": ["2999-12-31"],
            "value_date": [clock.now().date().isoformat()],
            "node": ["dc-columbus"],
            "tax_id": ["ATU13585627", "DE136695976"],
            "from_node": ["dc-columbus"],
            "to_node": [STORE],
        }
        self.offer()
        self._furnish()
        self._furnish_finance()
        self._desk = Desk(self.app, self._staff, self.skus[0], STORE)
        question = {"question": "Which street?", "answer": "Fuzz Lane"}
        self._customer.call("PUT", "/customers/me/challenge", question)
        self._grants = [self._grant(self._shopper("new").id) for _ in range(_FURNISHED)]
        self._body["order_id"] = [self._own]

    def _furnish(self) -> None:
        """An order in every state that takes no day to reach."""
        warehouse = Warehouse(self.app)
        stages = ("new", "filled", "ready", "placed", "released", "packed", "shipped", "own")
        carts = {stage: self._shopper(stage) for stage in (*stages, "pickup", "waiting", "coming")}
        self.app.settle()
        queue = warehouse.queue("dc-columbus") + warehouse.queue(STORE)
        of = {each["order_id"]: each for each in queue}
        live = {stage: of[cart.id] for stage, cart in carts.items() if cart.id in of}
        warehouse.report(live["packed"], "pack")
        warehouse.report(live["waiting"], "pack")
        warehouse.report(live["waiting"], "ready")
        parcel = warehouse.ship(live["shipped"])
        warehouse.ship(live["coming"])
        place = f"/stock/{BOOKS}/nodes/dc-columbus"
        warehouse.api.call("POST", f"{place}/receipts", {"quantity": 10_000})
        warehouse.api.call("POST", f"{place}/damage", {"quantity": 1_000})
        sent = {"from_node": "dc-columbus", "to_node": STORE, "due": "2999-12-31"}
        sent |= {"lines": [{"sku": BOOKS, "quantity": 5}]}
        transfers = [warehouse.api.call("POST", "/stock/transfers", sent) for _ in range(3)]
        self._path["transfer_id"] = [transfer["id"] for transfer in transfers]
        self.app.settle()
        self._own = carts["own"].id
        self._shipment_of = {each["order_id"]: each["id"] for each in live.values()}
        track = carts["shipped"].order["tracking_path"].removeprefix("/track/")
        number, _, key = track.partition("?k=")
        self._link_keys = {number: key}
        self._billed = carts["shipped"].id
        invoice, credit_note = self._credit(self._billed)
        book = self._customer.call("GET", "/customers/me")["addresses"]
        self._path |= {
            "cart_id": list(self._tokens),
            "order_id": list(self._shipment_of),
            "number": [number],
            "shipment_id": [live["shipped"]["id"]],
            "address_id": [entry["id"] for entry in book],
            "document": [invoice, credit_note],
            "supplier_id": ["TEEGARTEN"],
            "credit_note": [credit_note],
        }
        self._body["invoice"] = [invoice]
        self._self_billed = self._self_bill()
        self._body |= {name: [parcel[name]] for name in ("carrier", "parcel_number")}

    def _furnish_finance(self) -> None:
        """A gift card, a payout, an order on account, and one that waits to be paid for."""
        finance = Client(self.app.url)
        finance.headers["Authorization"] = f"Bearer {self._staff['finance']}"
        gift = _GIFT | {"value": {"minor": 100, "currency": "USD"}, "reason": "late"}
        issued = finance.call("POST", "/staff/gift-cards", gift)
        self._gift_code = issued["code"]
        payout, item = refused_payout(self.app)
        self._on_account, customer = overpaid_on_account(self.app, self.skus[0])
        track = self._shopper("placed").order["tracking_path"].removeprefix("/track/")
        self._unpaid, _, key = track.partition("?k=")
        self._link_keys[self._unpaid] = key
        self._path |= {"card_id": [issued["card"]["id"]], "payout_id": [payout]}
        self._path |= {"item_id": [item], "customer_id": [customer]}
        Marketplace(self.app).send(sold("FUZZ-1", self.skus[0]))
        self._path |= {"source": [SOURCE], "external_id": ["FUZZ-1"]}

    def offer(self) -> None:
        """Offers and a code, whatever has been sent to delete them."""
        offer(self.app)
        # It has read the shop without them, perhaps; the next call starts anew.
        self.app.stack.build.functions._free["CartFunction"].clear()

    def _credit(self, order_id: str) -> tuple[str, str]:
        """The numbers of an order's invoice and of a credit note of it."""
        finance, path = Client(self.app.url), f"/staff/orders/{order_id}"
        finance.headers["Authorization"] = f"Bearer {self._staff['finance']}"
        (number,) = finance.call("GET", path)["invoices"]
        body = {"invoice": number, "shipping": True, "reason": "late"}
        return number, finance.call("POST", f"{path}/credit-notes", body)["number"]

    def _self_bill(self) -> str:
        """The number of an invoice in a supplier's name."""
        finance = Client(self.app.url)
        finance.headers["Authorization"] = f"Bearer {self._staff['finance']}"
        body = BODIES["billing_self_bill"]
        number: str = finance.call("POST", "/staff/suppliers/TEEGARTEN/invoices", body)["number"]
        return number

    def _deliveries(self, *units: int) -> list[dict[str, Any]]:
        """Deliveries of what is in a cart that `_shopper` fills."""
        return [
            {
                "service": "parcel-standard",
                "address": HOME,
                "lines": [{"sku": self.skus[0], "quantity": count}],
            }
            for count in units
        ]

    def _shopper(self, stage: str) -> Shopper:
        """Somebody whose cart or order is about to come to `stage`."""
        shopper = Shopper(self.app.url, self.app.stripe)
        self._tokens[shopper.id] = shopper.token
        if stage in ("own", "mine"):
            shopper.api.headers["Authorization"] = self._customer.headers["Authorization"]
            shopper.api.call("POST", f"{shopper.path}/claim", {})
        if stage == "company":
            assert self._buyer is not None
            shopper.api.headers["Authorization"] = self._buyer.headers["Authorization"]
            shopper.api.call("POST", f"{shopper.path}/claim", {})
        if stage in ("new", "mine"):
            return shopper
        shopper.add(self.skus[-1 if stage == "coming" else 0], 2)
        if stage == "filled":
            return shopper
        if stage in ("pickup", "waiting"):
            shopper.pick_up(STORE)
        elif stage == "coming":
            shopper.pick_up(STORE, "ship-to-store")
        else:
            shopper.deliver()
        shopper.describe()
        if stage not in ("ready", "company"):
            shopper.place()
        if stage not in ("ready", "company", "placed"):
            shopper.pay()
        return shopper

    def refill(self) -> None:
        """More carts: what has been sent may have ended the others."""
        for stage in _REFILLED:
            self._path["cart_id"].append(self._shopper(stage).id)

    def _grant(self, cart: str) -> dict[str, str]:
        """A grant for a cart, as a path names it."""
        clerk = Client(self.app.url)
        clerk.headers["Authorization"] = f"Bearer {self._staff['csr']}"
        made = clerk.call("POST", f"/staff/carts/{cart}/grants", {"cause": "assistance"})
        return {"cart_id": cart, "grant_id": made["grant"]}

    def propose(self) -> None:
        """Reductions of prices that somebody has to decide on."""
        clerk = Client(self.app.url)
        clerk.headers["Authorization"] = f"Bearer {self._staff['csr']}"
        for _ in range(_FURNISHED):
            cart = self._shopper("filled").id
            body = _ADJUSTED | {"value": {"minor": 500, "currency": "USD"}}
            made = clerk.call("POST", f"/staff/carts/{cart}/adjustments", body)["adjustments"][0]
            assert made["status"] == "proposed"
            self._proposals.append({"cart_id": cart, "adjustment_id": made["id"]})

    def ask_approval(self, label: str) -> None:
        """Carts of a company's, of which its approver, the customer, was asked, or is to be."""
        if self._buyer is None:
            self._buyer, _ = member(self.app)
            admin = Client(self.app.url)
            admin.headers["Authorization"] = f"Bearer {self._staff['admin']}"
            people = [each.call("GET", "/customers/me") for each in (self._buyer, self._customer)]
            for each in people:
                standing = f"/staff/customers/{each['id']}/standing"
                admin.call("PUT", standing, {"account": COMPANY})
            contact = {"customer_id": people[-1]["id"], "roles": ["approver"]}
            noted = {"company": "Fuzz", "contacts": [contact]}
            noted["approval_above"] = {"minor": 0, "currency": "USD"}
            admin.call("PUT", f"/staff/accounts/{COMPANY}", noted)
        for _ in range(_FURNISHED):
            shopper = self._shopper("company")
            asked = {"cart_id": shopper.id}
            if not label.endswith("/approval"):
                made = shopper.api.call("POST", f"{shopper.path}/approval")["approval"]
                asked["approval_id"] = made["id"]
            self._to_approve.append(asked)

    def furnish(self, label: str) -> None:
        """Shipments of which this can be told: what has been sent may have ended the others."""
        what = "/" + label.rpartition("/")[2]
        stage, *before = _TOLD_OF.get(what, ("released",))
        carts = [self._shopper(stage).id for _ in range(_FURNISHED)]
        self.app.settle()
        warehouse = Warehouse(self.app)
        queue = warehouse.queue("dc-columbus") + warehouse.queue(STORE)
        found = {shipment["order_id"]: shipment for shipment in queue}
        for cart in carts:
            self._shipment_of[cart] = found[cart]["id"]
            for report in before:
                body = (
                    {"carrier": "Fuzz", "parcel_number": uuid4().hex[:12]}
                    if report == "ship"
                    else {}
                )
                warehouse.report(found[cart], report, body | _SAID.get(report, {}))
        self._path["order_id"] += carts

    def dead_letters(self) -> dict[str, int]:
        """Messages in each dead-letter queue that has any."""
        sqs, found = self.app.stack.client("sqs"), dict[str, int]()
        for name in ("Payments", "Fulfillment", "Documents", "Mail", "Stream"):
            url = self.app.stack.resource(f"{name}DeadLetters")
            asked = ["ApproximateNumberOfMessages"]
            told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
            if count := int(told["ApproximateNumberOfMessages"]):
                found[name] = count
        return found

    def send(self, case: Any) -> Response:
        """Dress up a case and send it."""
        dice = random.Random(zlib.crc32(f"{case.path_parameters}{case.body!r}".encode()))
        self._share = _KNOWN_SHARE if case.operation.label in self.succeeded else 1.0
        self._dress(case, dice)
        request = self._signed(case, self._prepared(case, dice))
        answer = self._session.send(request, allow_redirects=False, timeout=60)
        if case.operation.label == IMPORT:
            answer = _of_the_row(answer)
        self.statuses[case.operation.label, answer.status_code] += 1
        if answer.status_code < 400:
            self.succeeded.add(case.operation.label)
        self.negative += case.meta is not None and case.meta.generation.mode.is_negative
        self._remember(case, answer)
        self._refuses_what_its_schema_does_not_allow(case, request, answer)
        return Response.from_requests(answer, verify=True)

    def _dress(self, case: Any, dice: random.Random) -> None:
        if case.path_parameters and dice.random() < self._share:
            self._lead_to_something(case, dice)
        if case.operation.label in _ENDS and self._meant_valid(case, ParameterLocation.BODY):
            name, stage = _ENDS[case.operation.label]
            case.path_parameters[name] = self._shopper(stage).id
        self._of_the_books(case)
        self._for_one_customer(case)
        self._follow_a_link(case, dice)
        self._with_a_cart(case, dice)
        if self._meant_valid(case, ParameterLocation.HEADER) and dice.random() < self._share:
            if "Idempotency-Key" in case.headers:
                self._keys += 1
                case.headers["Idempotency-Key"] = str(uuid5(NAMESPACE_URL, str(self._keys)))
            case.headers.pop("If-Match", None)
        if isinstance(case.body, (dict, list)) and self._meant_valid(case, ParameterLocation.BODY):
            case.body = self._plausible(case.body, dice)
            if case.operation.path.startswith("/stock/") and "quantity" in case.body:
                counts = case.operation.path.endswith("/counts")
                case.body["quantity"] = 10**6 if counts else dice.randint(1, 3)
            if "{shipment_id}" in case.operation.path:
                self._of_a_shipment(case.body)
            self._to_one_place(case, dice)
            self._be_sparing(case)
            self._add_up(case, dice)
        if case.meta is not None and case.meta.generation.mode.is_positive:
            self._desk.lead(case)

    def _follow_a_link(self, case: Any, dice: random.Random) -> None:
        """A link that has its key: who has none, and was not signed in, sees nothing."""
        if not case.operation.path.startswith("/track/{number}") or dice.random() >= self._share:
            return
        if not self._meant_valid(case, ParameterLocation.QUERY):
            return
        if case.operation.path.endswith("/payment"):
            case.path_parameters["number"] = self._unpaid
        number = case.path_parameters["number"]
        case.query["k"] = self._link_keys.get(number, self._link_keys[self._unpaid])

    def _with_a_cart(self, case: Any, dice: random.Random) -> None:
        """Who searches does so for a cart that they hold, if for one at all: mostly in its currency
        and its channel."""
        if not case.operation.path.startswith("/products") or not (case.query or {}).get("cart"):
            return
        if self._meant_valid(case, ParameterLocation.QUERY) and dice.random() < self._share:
            case.query["cart"] = dice.choice(list(self._tokens))
            for name in ("currency", "channel"):
                case.query.pop(name, None)

    def _to_one_place(self, case: Any, dice: random.Random) -> None:
        """A delivery has an address, a pick-up has a store; most of those drawn have both."""
        if case.operation.path == "/carts/{cart_id}/delivery" and dice.random() < self._share:
            collected = case.body.get("service") == "store-pickup"
            case.body.pop("address" if collected else "store", None)
            case.body |= {"store": STORE} if collected else {"address": HOME}

    def _of_the_books(self, case: Any) -> None:
        """A month and a currency that there are, from the first page on."""
        if not case.operation.path.startswith("/books/") or not case.query:
            return
        if not self._meant_valid(case, ParameterLocation.QUERY):
            return
        dice = random.Random(zlib.crc32(f"{case.query}".encode()))
        known = {"currency": ["USD"], "period": self._path["period"], "layout": ["journal"]}
        if dice.random() < self._share:
            case.query |= {n: dice.choice(v) for n, v in known.items() if n in case.query}
            case.query.pop("cursor", None)

    def _for_one_customer(self, case: Any) -> None:
        """A look-up asks by one thing: of those drawn, the one that the dice say."""
        if case.operation.label != "GET /staff/customers" or not case.query:
            return
        if not self._meant_valid(case, ParameterLocation.QUERY):
            return
        dice = random.Random(zlib.crc32(f"{case.query}".encode()))
        if dice.random() < self._share:
            clue = dice.choice([{"family_name": "fuzz"}, {"phone": "4712"}, {"email": "eve@"}])
            case.query = {"reason": case.query["reason"], **clue}

    def _be_sparing(self, case: Any) -> None:
        """Give away a cent at a time, so that there is something left."""
        for ending, cent in _CENTS.items():
            if case.operation.label.endswith(ending):
                case.body |= cent
        if case.operation.path.startswith("/carts/{cart_id}/gift-cards"):
            case.body["code"] = self._gift_code
        if "prices" in case.body:  # no article is named twice
            case.body["prices"] = case.body["prices"][:1]

    def _add_up(self, case: Any, dice: random.Random) -> None:
        """Most rows of an import say what the goods come to."""
        if case.operation.label == IMPORT and dice.random() < self._share:
            self._keys += 1
            case.body |= sold(f"FUZZ-{self._keys}-{dice.random()}", self.skus[0])
            case.body |= {"billing_address": None, "service": None, "language": "en"}

    def _of_a_shipment(self, body: dict[str, Any]) -> None:
        """What `_shopper` bought is what a shipment can be split over, or be short of."""
        if "lines" in body:  # no article is named twice
            body["lines"] = body["lines"][:1]
        for line in body.get("lines", ()):
            line["sku"] = self.skus[0]
            line |= {name: 1 for name in ("quantity", "picked") if name in line}
        if "node" in body:
            body["node"] = STORE
        if "parcel_number" in body:  # no two parcels have the same
            self._keys += 1
            body["parcel_number"] = f"FUZZ-{self._keys}"

    def _lead_to_something(self, case: Any, dice: random.Random) -> None:
        """Put ids that are there into the path."""
        path = case.path_parameters
        path |= {n: dice.choice(v) for n in path if (v := self._path.get(n))}
        if "sku" in path and case.operation.path.startswith("/stock/"):
            path["sku"] = BOOKS
        if "cart_id" in path and dice.random() < 0.5:
            path["cart_id"] = dice.choice(self._path["cart_id"][-len(_REFILLED) :])
        if case.operation.label.endswith("/orders/{order_id}") and dice.random() < 0.5:
            path["order_id"] = self._own  # among so many of other people's
        if "supplier_id" in path and "document" in path:
            path["document"] = self._self_billed
        elif "document" in path or case.operation.path.endswith("/credit-notes"):
            path["order_id"] = self._billed
        if case.operation.path.endswith(("/transfers", "/repayments")) and "order_id" in path:
            path["order_id"] = self._on_account
        if "adjustment_id" in path and self._proposals:
            path |= dice.choice(self._proposals[-_FURNISHED:])
        if _is_approval(case.operation.path) and self._to_approve:
            asked = dice.choice(self._to_approve[-_FURNISHED:])
            path["cart_id"] = asked["cart_id"]
            self._body["approval_id"] = [asked.get("approval_id", "")]
        if "shipment_id" in path and "order_id" in path:
            self._lead_to_a_shipment(path, dice)
        self._lead_to_the_desk(case.operation.path, path, dice)

    def _lead_to_the_desk(self, template: str, path: dict[str, str], dice: random.Random) -> None:
        """Put a grant into the path, or an order that is still to be paid."""
        if "grant_id" in path:
            path |= dice.choice(self._grants)
        if template.endswith("/payment-link"):
            path["order_id"] = self._shopper("placed").id

    def _lead_to_a_shipment(self, path: dict[str, str], dice: random.Random) -> None:
        """Put a shipment's order and id into the path."""
        if dice.random() < 0.5:
            path["order_id"] = dice.choice(self._path["order_id"][-_FURNISHED:])
        if path["order_id"] in self._shipment_of:
            path["shipment_id"] = self._shipment_of[path["order_id"]]

    def _meant_valid(self, case: Any, where: ParameterLocation) -> bool:
        component = case.meta.components.get(where) if case.meta else None
        return component is not None and component.mode.is_positive

    def _plausible(self, value: Any, dice: random.Random) -> Any:
        if isinstance(value, list):
            return [self._plausible(element, dice) for element in value]
        if not isinstance(value, dict):
            return value
        return {
            name: dice.choice(self._body[name])
            if name in self._body and member is not None and dice.random() < self._share
            else self._plausible(member, dice)
            for name, member in value.items()
        }

    def _prepared(self, case: Any, dice: random.Random) -> requests.PreparedRequest:
        """With the credentials that its route needs; which of the groups is left to the dice."""
        sent = case.as_transport_kwargs(base_url=self.app.url)
        headers = dict(sent["headers"])
        who = case.operation.definition.raw["x-parcelway-who"]
        if who["groups"]:
            headers["Authorization"] = f"Bearer {self._staff[dice.choice(who['groups'])]}"
        elif who["name"] == "customer":
            headers["Authorization"] = self._customer.headers["Authorization"]
        cart = (case.path_parameters or {}).get("cart_id") or (case.query or {}).get("cart")
        if token := self._tokens.get(str(cart)):
            headers["Cart-Token"] = token
        kept = ("method", "url", "params", "json", "data", "files")
        return requests.Request(
            headers=headers, **{name: sent[name] for name in kept if name in sent}
        ).prepare()

    def _signed(self, case: Any, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """A webhook's sender signs whatever it sends, unless its headers are to be wrong."""
        path = case.operation.path
        if "/webhooks/" not in path or not self._meant_valid(case, ParameterLocation.HEADER):
            return request
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        if path.endswith("/stripe"):
            secret = self.app.stripe.webhook_secret
            request.headers["Stripe-Signature"] = sign_stripe(raw, secret, clock.now())
        else:
            secret, name = self.app.carrier_secret, f"evt_{zlib.crc32(raw)}"
            request.headers.update(sign_standard(raw, name, secret, clock.now()))
        return request

    def _remember(self, case: Any, answer: requests.Response) -> None:
        if case.operation.label == "POST /carts" and answer.status_code == 201:
            created = answer.json()
            self._tokens[created["cart"]["id"]] = created["cart_token"]

    def _refuses_what_its_schema_does_not_allow(
        self, case: Any, request: requests.PreparedRequest, answer: requests.Response
    ) -> None:
        """Stricter than schemathesis, which forgives an unknown member of a body."""
        media = case.operation.definition.raw.get("requestBody", {}).get("content", {})
        if not answer.ok or not media or not request.body:
            return
        (body,) = self._raw_operation(case)["requestBody"]["content"].values()
        schema = body["schema"] | {"components": self.document["components"]}
        sent = requests.models.complexjson.loads(request.body)
        wrong = [error.message for error in Draft202012Validator(schema).iter_errors(sent)]
        assert not wrong, (case.operation.label, answer.status_code, wrong)

    def _raw_operation(self, case: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.document["paths"][case.operation.path][
            case.operation.method.lower()
        ]
        return found


@schemathesis.serializer(MEDIA)
def _one_row(_: Any, value: Any) -> bytes:
    """What is generated for an import is one of its rows."""
    return json.dumps(value).encode() + b"\n"


def _of_the_row(answer: requests.Response) -> requests.Response:
    """An import's answer as that of its one row: a row is refused in an answer that is a success
    for others."""
    results = answer.json().get("results", [])
    if len(results) == 1 and results[0]["status"] == "refused":
        problem = results[0]["problem"]
        answer.status_code = problem["status"]
        answer.raw.headers["Content-Type"] = "application/problem+json"
        answer._content = json.dumps(problem).encode()
    return answer


def closed_document() -> dict[str, Any]:
    """Our OpenAPI document, stricter: an answer's unknown members are wrong, too.

    Without its security schemes, which schemathesis would forge: the credentials are given, and
    forged ones have tests of their own (tests/security).
    """
    strict = copy.deepcopy(document())
    for name, schema in strict["components"]["schemas"].items():
        if "properties" in schema and name not in _OPEN:
            schema.setdefault("additionalProperties", False)
    del strict["components"]["securitySchemes"]
    for methods in strict["paths"].values():
        for operation in methods.values():
            del operation["security"]
    return strict


def labels() -> list[str]:
    """Every operation as schemathesis names it: `GET /carts/{cart_id}`."""
    return [
        f"{method.upper()} {path}"
        for path, methods in document()["paths"].items()
        for method in methods
    ]


def has_wrong_form(label: str) -> bool:
    """Whether a request can violate the document: any text is a path parameter."""
    method, path = label.split(" ")
    operation = document()["paths"][path][method.lower()]
    named = [parameter for parameter in operation["parameters"] if parameter["in"] != "path"]
    return bool(named or "requestBody" in operation)


def _is_approval(path: str) -> bool:
    return path.startswith("/account/approvals") or path.endswith("/approval")
