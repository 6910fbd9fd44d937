"""Every route, every caller: let in or not as the matrix says, and a refusal tells nothing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial

import pytest
from parcelway.domain.coupons import Coupon
from parcelway.domain.gift_cards import card_id
from parcelway.domain.login import customer_id_of
from parcelway.domain.money import Money
from parcelway.domain.payout import Payout
from parcelway.domain.prices import PriceList
from parcelway.domain.promotions import Promotion, Step
from parcelway.domain.settlement import Whole, begin, queued_as
from parcelway.ports import clock
from parcelway.store import settlements, stock_books
from parcelway.store.offers import put_offer
from parcelway.store.orders import Dossier, get_dossier
from parcelway.store.shop import load_shop

from infra.cli import openapi
from infra.cli.routes import declared
from infra.demo.marketplace import SOURCE, Marketplace, sold
from infra.demo.people import Refused, Shopper, Warehouse, open_account, staff, transfer
from infra.local.application import Application
from infra.local.gateway.messages import Response
from tests.orders import dossier_of
from tests.security.matrix import (
    ADJUSTMENT,
    CALLERS,
    ENTRY,
    GIFT,
    MEANING,
    ROWS,
    STANDING,
    SUPPLIED,
    WITH_CART,
    Row,
    company,
)
from tests.security.people import (
    GROUPS,
    PASSWORD,
    Caller,
    User,
    shut_out,
    sign_in,
    temporary,
    user,
)
from tests.security.watching import nothing_written

NODE, STORE = "dc-columbus", "store-dayton"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
COLLECTED = ("to collect", "at the counter")
ON_THEIR_WAY = ("on its way", "came back", "lost")
AT_THE_NODE = ("to send", "to hold", "to move", "to split", "missing goods", *ON_THEIR_WAY)
PAID = ("packed", "sent", *AT_THE_NODE, *COLLECTED)
PLACED = ("placed", "regretted by guest", "regretted by owner", "regretted by desk", *PAID)
TRANSFER = {"from_node": NODE, "to_node": STORE, "due": "2999-12-31"}
PAYOUT = Payout("po_1", "stripe", Money(5, "USD"), "paid", NOW, NOW.date(), "ba_1")
MISSING = {
    "cart_id": "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "order_id": "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "card_id": "gft_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "shipment_id": "shp_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "address_id": "adr_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "number": "PW-AAAAA-AAAAA-AAAAA-AAAAA",
    "document": "INV-999999",
    "credit_note": "CRN-999999",
    "supplier_id": "NOBODY",
}


@dataclass
class World:
    """Orders in every state the routes need, all of one customer, and the people around them."""

    app: Application
    sku: str
    users: dict[str, User]
    orders: dict[str, Shopper] = field(default_factory=dict)
    other: str = ""
    instead: str = ""
    password: str = PASSWORD
    _proposals: dict[str, str] = field(default_factory=dict)
    _pending: str = ""
    _sent: str = ""
    _self_billed: str = ""

    @property
    def user(self) -> User:
        """Somebody whose password and sessions come to no harm here."""
        return self.users["spare"]

    def fresh_email(self) -> str:
        return f"m-{uuid.uuid4().hex[:10]}@example.com"

    def pending_email(self) -> str:
        """The address of somebody who just signed up."""
        self._pending = self.fresh_email()
        body = {"name": "P", "email": self._pending, "password": PASSWORD}
        body |= {"consent": {"terms_accepted": True}}
        assert Caller("new").call(self.app, "POST", "/customers", body).status == 202
        return self._pending

    def mailed_code(self) -> str:
        return self._code(self._pending)

    def reset_code(self) -> str:
        asked = Caller("x").call(self.app, "POST", "/passwords/reset", {"email": self.user.email})
        assert asked.status == 202
        return self._code(self.user.email)

    def temporary(self) -> str:
        return temporary(self.app)

    def invited(self) -> str:
        """The id of somebody whom the desk has made a customer."""
        desk = self.caller("csr", self.orders["draft"])
        body = {"email": self.fresh_email(), "given_name": "A", "family_name": "B"}
        made = desk.call(self.app, "POST", "/staff/customers", body).json()
        customer: str = made["customer"]["id"]
        return customer

    @property
    def approver(self) -> str:
        """The customer who approves for the business account."""
        return customer_id_of(self.users["customer"].subject)

    def asked(self) -> str:
        """What the approver was asked last: of a cart that has just got another number."""
        cart = self.orders["to approve"]
        cart.api.call("PATCH", cart.path, {"purchase_order": uuid.uuid4().hex[:8]})
        approval: str = cart.api.call("POST", f"{cart.path}/approval")["approval"]["id"]
        return approval

    def access_of(self, name: str) -> str:
        """An access token of the caller's own session, somebody's for those without one."""
        who = self.users.get(name.removesuffix(", cart"), self.user)
        return (who.tokens if name == "disabled" else sign_in(self.app, who.email))["AccessToken"]

    def _code(self, email: str) -> str:
        mail = [mail for mail in self.app.stack.mails() if email in mail.to][-1]
        found = re.search(r"\d{6}", mail.text or "")
        assert found is not None
        return found.group()

    def caller(self, name: str, order: Shopper) -> Caller:
        if name == "anonymous":
            return Caller(name)
        if name == "link":
            tracked = order.order["tracking_path"]
            return Caller(name, link=tracked.partition("?k=")[2] if tracked else "none")
        if name in ("cart", "other cart"):
            return Caller(name, {"Cart-Token": order.token if name == "cart" else self.other})
        headers = {"Authorization": self.users[name.removesuffix(", cart")].authorization}
        if name == "owner, cart":
            headers["Cart-Token"] = order.token
        return Caller(name, headers)

    def parameters(self, row: Row, caller: Caller) -> dict[str, str]:
        """What stands for the braces of a row's path."""
        order = self.orders[row.order]
        dossier = dossier_of(self.app.database, order.id)
        return {
            "cart_id": order.id,
            "order_id": order.id,
            "number": dossier.order.tracking_number,
            "shipment_id": dossier.shipments[0].id if dossier.shipments else "",
            "address_id": self._address(row.route) if "{address_id}" in row.route else "",
            "sku": self._in_cart() if row.route.endswith("/substitution") else self.sku,
            "document": self._document(row, dossier),
            "supplier_id": "TEEGARTEN",
            "credit_note": next((each.number for each in dossier.credit_notes), ""),
            "node": NODE,
            "reference": "PO-1",
            "channel": self._quota() if "{channel}" in row.route else "",
            "region": "US-OH",
            "adjustment_id": self._proposal(row.route) if "{adjustment_id}" in row.route else "",
            "grant_id": self._grant() if "{grant_id}" in row.route else "",
            "period": "2026-01",
            "transfer_id": self._transfer() if "{transfer_id}" in row.route else "",
            "payout_id": PAYOUT.id,
            "item_id": queued_as(PAYOUT.id, PAYOUT.created_at),
            "account": "matrix",
            "source": SOURCE,
            "external_id": "MATRIX-1",
            "customer_id": self._customer(row.route),
            "card_id": card_id(self.gift_code),
            **self.offers(),
        }

    def _customer(self, route: str) -> str:
        """Somebody's record; nobody's who is still needed, where it is erased."""
        if route.endswith("/erasure"):
            return self.forgettable
        if route.endswith("/invitation"):
            return self.invited()
        return customer_id_of(self.users["customer"].subject)

    @cached_property
    def forgettable(self) -> str:
        """A customer who has not come yet."""
        return self.invited()

    @cached_property
    def gift_code(self) -> str:
        """The code of a gift card that there is."""
        staff = self.caller("finance", self.orders["draft"])
        code: str = staff.call(self.app, "POST", "/staff/gift-cards", GIFT).json()["code"]
        return code

    def offers(self) -> dict[str, str]:
        """A promotion and a price list with one id, and a code: there again if one was deleted."""
        steps, db = (Step(basis_points=1),), self.app.database
        put_offer(db, Promotion("matrix", {}, "percentage", steps, coupon=True), clock.now())
        put_offer(db, PriceList("matrix", "Matrix", "USD"), clock.now())
        put_offer(db, Coupon("MATRIX", "matrix"), clock.now())
        return {"offer_id": "matrix", "code": "MATRIX"}

    def _document(self, row: Row, dossier: Dossier) -> str:
        """The number of an invoice: of an order, or (once) in a supplier's name."""
        if "{supplier_id}" not in row.route:
            return next((each.number for each in dossier.invoices), "")
        if "{document}" in row.route and not self._self_billed:
            finance = self.caller("finance", self.orders["draft"])
            made = finance.call(self.app, "POST", "/staff/suppliers/TEEGARTEN/invoices", SUPPLIED)
            self._self_billed = made.json()["number"]
            self.app.settle()  # its documents are made before anybody looks at what is written
        return self._self_billed

    def invoice(self, name: str) -> str:
        """The number of an order's first invoice."""
        return dossier_of(self.app.database, self.orders[name].id).invoices[0].number

    def _quota(self) -> str:
        """A channel with a quota."""
        quota = f"/stock/{self.sku}/quotas/marketplace"
        Warehouse(self.app).api.call("PUT", quota, {"quantity": 3})
        return "marketplace"

    def _proposal(self, route: str) -> str:
        """A reduction that was above the cap of its maker, one for each route."""
        order = self.orders["to adjust"]
        if route not in self._proposals:
            body = ADJUSTMENT | {"value": {"minor": 300, "currency": "USD"}}
            path = f"/staff/carts/{order.id}/adjustments"
            made = self.caller("csr", order).call(self.app, "POST", path, body).json()
            self._proposals[route] = made["adjustments"][-1]["id"]
            self.app.settle()  # it has been told before anybody looks at what is written
        return self._proposals[route]

    def _in_cart(self) -> str:
        """The article of the draft, there again if another took its place."""
        draft = self.orders["draft"]
        draft.api.call("DELETE", f"{draft.path}/lines/{self.instead}")
        draft.api.call("PUT", f"{draft.path}/lines/{self.sku}", {"quantity": 1})
        self.app.settle()  # it has been told before anybody looks at what is written
        return self.sku

    def _grant(self) -> str:
        """A grant for a cart, each time a new one."""
        order, made = self.orders["draft"], {"cause": "assistance"}
        csr = self.caller("csr", order)
        grant: str = csr.call(self.app, "POST", f"/staff/carts/{order.id}/grants", made).json()[
            "grant"
        ]
        self.app.settle()  # it has been told before anybody looks at what is written
        return grant

    def _transfer(self) -> str:
        """A transfer under way."""
        if not self._sent:
            body = TRANSFER | {"lines": [{"sku": self.sku, "quantity": 1}]}
            self._sent = Warehouse(self.app).api.call("POST", "/stock/transfers", body)["id"]
        return self._sent

    def _address(self, route: str) -> str:
        """A new address in the owner's book, or in the one that the desk keeps for a customer."""
        keeper, path, query = "owner", "/customers/me", {}
        if "/staff/" in route:
            keeper, path = "csr", f"/staff/customers/{self._customer(route)}"
            query = {"reason": "matrix"}
        call = partial(self.caller(keeper, self.orders["draft"]).call, self.app)
        told = call("GET", path, query=query).json()
        for saved in told.get("customer", told)["addresses"][:-1]:
            call("DELETE", f"{path}/addresses/{saved['id']}")
        told = call("POST", f"{path}/addresses", ENTRY).json()
        address: str = told.get("customer", told)["addresses"][-1]["id"]
        return address

    def ask(self, row: Row, caller: Caller, parameters: dict[str, str]) -> Response:
        method, path = row.route.split()
        body = row.body(self, caller.name) if callable(row.body) else row.body
        query = {name: value.format(**parameters) for name, value in row.query.items()}
        return caller.call(self.app, method, path.format(**parameters), body, query)


@pytest.fixture(scope="module")
def world(app: Application, article: Callable[..., str]) -> World:
    names = {"owner": (), "customer": (), "spare": (), "disabled": (), "nobody": ()}
    groups: dict[str, tuple[str, ...]] = {**names, **{name: (name,) for name in GROUPS}}
    made = World(app, article(), {name: user(app, *which) for name, which in groups.items()})
    made.offers()
    # It has read the shop without them, perhaps; the next call starts anew.
    app.stack.build.functions._free["CartFunction"].clear()
    for name in set(made.users) - {"spare"}:  # everybody has a record from now on
        assert (
            Caller(name, {"Authorization": made.users[name].authorization})
            .call(app, "GET", "/customers/me")
            .status
            == 200
        )
    stock_books.count(app.database, made.sku, "wh-louisville", 9, clock.now(), "test")  # to move
    made.other, made.instead = Shopper(app.url, app.stripe).token, article()
    for name in ("draft", "unclaimed", "complete", "to adjust", *PLACED):
        made.orders[name] = _order(made, name, article(node=STORE) if "c" in name else "")
    Marketplace(app).send(sold("MATRIX-1", made.sku))
    app.settle()
    _move_on(made)
    _credit(made)
    made.orders["on account"] = _on_account(made, article())
    made.orders["to approve"] = _to_approve(made)
    made.orders["at the till"] = _at_the_till(made, article(node=STORE))
    refused = begin(PAYOUT, None, Whole(Money(4, "USD"), True), load_shop(app.database).settings)
    assert refused is not None
    settlements.save(app.database, refused, clock.now())
    shut_out(app, made.users["disabled"])
    app.settle()
    return made


def _order(world: World, name: str, sku_at_store: str) -> Shopper:
    shopper = Shopper(world.app.url, world.app.stripe)
    if name != "unclaimed":
        shopper.api.headers["Authorization"] = world.users["owner"].authorization
        shopper.api.call("POST", f"{shopper.path}/claim")
    collected = name in COLLECTED
    shopper.add(sku_at_store if collected else world.sku, 3 if name == "to split" else 1)
    if name == "complete" or name in PLACED:
        if name in ON_THEIR_WAY:
            shopper.pick_up(STORE, "ship-to-store")
        else:
            shopper.pick_up(STORE) if collected else shopper.deliver()
        shopper.describe()
    if name in PLACED:
        shopper.place()
    if name in PAID:
        shopper.pay()
    return shopper


def _on_account(world: World, sku: str) -> Shopper:
    """An order that a business account paid more for than it came to."""
    shopper = Shopper(world.app.url, world.app.stripe)
    shopper.api.headers["Authorization"] = world.users["spare"].authorization
    open_account(world.app, shopper, "matrix", 100_000)
    shopper.add(sku)
    shopper.deliver()
    shopper.describe(method="invoice")
    gross = shopper.place()["totals"]["gross"]["minor"]
    shopper.pay_on_account()
    world.app.settle()
    booked = f"/staff/orders/{shopper.id}/transfers"
    staff(world.app, "finance").call("POST", booked, transfer(gross + 100))
    return shopper


def _at_the_till(world: World, sku: str) -> Shopper:
    """A cart in a store that the desk has begun for somebody who stands there."""
    asked = {"channel": "in_person", "cause": "counter_order"}
    begun = staff(world.app, "csr").call("POST", "/staff/carts", asked)
    app, order = world.app, begun["order"]["id"]
    held = Shopper.holding(app.url, app.stripe, order, begun["cart_token"])
    held.add(sku)
    return held


def _to_approve(world: World) -> Shopper:
    """A cart of that account, of which every order is to be approved."""
    admin = staff(world.app, "admin")
    admin.call("PUT", f"/staff/customers/{world.approver}/standing", STANDING)
    admin.call("PUT", "/staff/accounts/matrix", company(world.approver))
    shopper = Shopper(world.app.url, world.app.stripe)
    shopper.api.headers["Authorization"] = world.users["spare"].authorization
    shopper.api.call("POST", f"{shopper.path}/claim")
    shopper.add(world.sku)
    shopper.deliver()
    shopper.describe()
    return shopper


def _move_on(world: World) -> None:
    """Pack, ship and make ready what the routes want packed, shipped and ready."""
    warehouse = Warehouse(world.app)
    steps = {
        "packed": ("pack",),
        "sent": ("pack", "ship"),
        **dict.fromkeys(ON_THEIR_WAY, ("pack", "ship")),
        "to collect": ("pack",),
        "at the counter": ("pack", "ready"),
    }
    for name, what in steps.items():
        node = STORE if name in COLLECTED else NODE
        (shipment,) = [s for s in warehouse.queue(node) if s["order_id"] == world.orders[name].id]
        for step in what:
            parcel = {"carrier": "Sample Parcel", "parcel_number": f"MATRIX {name}"}
            warehouse.report(shipment, step, parcel if step == "ship" else {})
    world.app.settle()


def _credit(world: World) -> None:
    """A credit note of the order that was sent."""
    sent = world.orders["sent"]
    body = {"invoice": world.invoice("sent"), "shipping": True, "reason": "late"}
    finance, path = world.caller("finance", sent), f"/staff/orders/{sent.id}/credit-notes"
    assert finance.call(world.app, "POST", path, body).status == 201


def test_every_route_has_one_row() -> None:
    rows = [row.route for row in ROWS]
    assert len(rows) == len(set(rows))
    assert set(rows) == {f"{route.method} {route.path}" for _, route in declared()}
    documented = openapi.document()["paths"].items()
    assert set(rows) == {f"{m.upper()} {path}" for path, methods in documented for m in methods}


def test_the_rows_agree_with_the_declarations() -> None:
    """What the code says of a route, in the words of the matrix."""
    routes = {f"{route.method} {route.path}": route for _, route in declared()}
    for row in ROWS:
        who = routes[row.route].who
        expected = dict(zip(CALLERS, row.expected, strict=True))
        assert (expected["anonymous"] == "1") == who.signed_in, row.route
        for group in GROUPS:
            if who.groups:
                assert (expected[group] == "+") == (group in who.groups), (row.route, group)
        assert ("3" in row.expected) == bool(who.groups), row.route


@pytest.mark.parametrize("row", [*ROWS, *WITH_CART], ids=lambda row: row.route)
def test_a_route_lets_in_whom_it_should(app: Application, world: World, row: Row) -> None:
    app.settle()
    cells = sorted(zip(CALLERS, row.expected, strict=True), key=lambda cell: cell[1] == "+")
    outcomes = []
    for name, expected in cells:
        caller = world.caller(name, world.orders[row.order])
        parameters = world.parameters(row, caller)
        if expected == "+":
            answer = world.ask(row, caller, parameters)
            outcomes.append(answer.status)
            assert _let_in(answer), (name, answer.status, answer.text)
            continue
        with nothing_written(app):
            answer = world.ask(row, caller, parameters)
        assert answer.status == MEANING[expected], (name, answer.status, answer.text)
        assert answer.header("content-type") == "application/problem+json", name
        if expected == "4":
            missing = world.ask(row, caller, parameters | MISSING)
            assert _told(answer) == _told(missing), name
    assert "+" not in row.expected or any(status < 400 for status in outcomes), outcomes


def test_a_machine_that_imports_orders_gets_in_nowhere_else(app: Application, world: World) -> None:
    machine = Caller("machine", {"Authorization": user(app, "integration").authorization})
    rows = {row.route: row for row in ROWS}
    for _, route in declared():
        if not route.who.groups or "integration" in route.who.groups:
            continue
        row = rows[f"{route.method} {route.path}"]
        path = route.path.format(**world.parameters(row, machine))
        answer = machine.call(app, route.method, path, {} if route.body else None)
        assert answer.status == 403, (row.route, answer.text)


def _let_in(answer: Response) -> bool:
    """Whether the caller was let in: an order in the wrong state, or a used code, is another
    matter."""
    if answer.status < 400:
        return True
    kind = answer.json()["type"].rsplit(":", 1)[1]
    return kind in ("illegal-state", "too-late", "code-refused")


def _told(answer: Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, value) for name, value in answer.headers if name != "x-amzn-RequestId"]
    return answer.status, headers, answer.body


def test_only_the_link_shows_what_is_in_the_parcel(app: Application, world: World) -> None:
    sent = world.orders["sent"]
    for name in CALLERS:
        caller = world.caller(name, sent)
        path = f"/track/{sent.order['tracking_number']}"
        seen = caller.call(app, "GET", path).json()
        for part in ("lines", "destinations", "invoices", "credit_notes", "receipt_url"):
            assert (seen[part] is not None) == (name == "link"), (name, part)


def test_nobody_reaches_a_part_through_another_order(app: Application, world: World) -> None:
    """A shipment's, an address's id opens nothing under somebody else's order or book."""
    one, two = world.orders["to send"], world.orders["missing goods"]
    parts = [get_dossier(app.database, order.id) for order in (one, two)]
    assert parts[0] is not None and parts[1] is not None
    foreign, link = parts[1].shipments[0].id, world.caller("link", one)
    missing = MISSING["shipment_id"]
    warehouse = world.caller("warehouse", one)
    for caller, template in (
        (warehouse, "POST /warehouse/orders/{order}/shipments/{shipment}/pack"),
        (link, "GET /track/{number}/invoices/{shipment}"),
    ):
        method, path = template.split()
        answers = [
            caller.call(
                app,
                method,
                path.format(order=one.id, number=parts[0].order.tracking_number, shipment=shipment),
                {} if method == "POST" else None,
            )
            for shipment in (foreign, missing)
        ]
        assert _told(answers[0]) == _told(answers[1])
        assert answers[0].status == 404


def test_the_desk_reaches_no_address_through_another_customer(
    app: Application, world: World
) -> None:
    desk = world.caller("csr", world.orders["draft"])
    owner = customer_id_of(world.users["owner"].subject)
    book = f"/staff/customers/{owner}/addresses"
    foreign = world._address("/staff/customers/{customer_id}/addresses/{address_id}")
    for method, body in (("PUT", ENTRY), ("DELETE", None)):
        with nothing_written(app):
            answers = [
                desk.call(app, method, f"{book}/{each}", body)
                for each in (foreign, MISSING["address_id"])
            ]
        assert _told(answers[0]) == _told(answers[1])
        assert answers[0].status == 404


def test_who_was_shut_out_gets_no_new_token(app: Application, world: World) -> None:
    """The old one ends by itself within the hour: see the README here."""
    out = world.users["disabled"]
    anybody = Caller("x")
    attempts = [
        ("/sessions", {"email": out.email, "password": PASSWORD}),
        ("/sessions/refresh", {"refresh_token": out.tokens["RefreshToken"]}),
    ]
    for path, body in attempts:
        answer = anybody.call(app, "POST", path, body)
        assert (answer.status, answer.json()["type"]) == (
            401,
            "urn:parcelway:problem:sign-in-failed",
        ), path


def test_an_answer_to_somebody_else_is_never_kept(app: Application, world: World) -> None:
    for name in ("owner", "customer"):
        for path in ("/customers/me", "/orders", f"/orders/{world.orders['placed'].id}"):
            answer = world.caller(name, world.orders["placed"]).call(app, "GET", path)
            assert answer.status != 401, (name, path)
            assert answer.header("cache-control") == "no-store", (name, path)


def test_a_claimed_cart_is_nobody_elses(app: Application, world: World) -> None:
    """The cart's token opens the cart; it does not make an order somebody else's."""
    order = world.orders["placed"]
    thief = Shopper(app.url, app.stripe)
    thief.api.headers |= {
        "Cart-Token": order.token,
        "Authorization": world.users["customer"].authorization,
    }
    with pytest.raises(Refused) as refused:
        thief.api.call("POST", f"{order.path}/claim")
    assert refused.value.status in (404, 409)
    assert world.caller("owner", order).call(app, "GET", f"/orders/{order.id}").status == 200
