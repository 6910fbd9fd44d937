"""Every route, every caller: let in or not as the matrix says, and a refusal tells nothing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from parcelway.ports import clock
from parcelway.store import stock_books
from parcelway.store.orders import get_dossier

from infra.cli import openapi
from infra.cli.routes import declared
from infra.demo.people import Refused, Shopper, Warehouse
from infra.local.application import Application
from infra.local.gateway.messages import Response
from tests.orders import dossier_of
from tests.security.matrix import CALLERS, ENTRY, MEANING, ROWS, Row
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
COLLECTED = ("to collect", "at the counter")
AT_THE_NODE = ("to send", "to hold", "to move", "to split", "missing goods", "on its way")
PAID = ("packed", "sent", *AT_THE_NODE, *COLLECTED)
PLACED = ("placed", "regretted by guest", "regretted by owner", "regretted by desk", *PAID)
TRANSFER = {"from_node": NODE, "to_node": STORE, "due": "2999-12-31"}
MISSING = {
    "cart_id": "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "order_id": "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "shipment_id": "shp_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "address_id": "adr_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "number": "PW-AAAAA-AAAAA-AAAAA-AAAAA",
}


@dataclass
class World:
    """Orders in every state the routes need, all of one customer, and the people around them."""

    app: Application
    sku: str
    users: dict[str, User]
    orders: dict[str, Shopper] = field(default_factory=dict)
    other: str = ""
    password: str = PASSWORD
    _pending: str = ""
    _sent: str = ""

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
            "address_id": self._address() if "{address_id}" in row.route else "",
            "sku": self.sku,
            "node": NODE,
            "reference": "PO-1",
            "channel": "marketplace",
            "transfer_id": self._transfer() if "{transfer_id}" in row.route else "",
        }

    def _transfer(self) -> str:
        """A transfer under way."""
        if not self._sent:
            body = TRANSFER | {"lines": [{"sku": self.sku, "quantity": 1}]}
            self._sent = Warehouse(self.app).api.call("POST", "/stock/transfers", body)["id"]
        return self._sent

    def _address(self) -> str:
        """A new address in the owner's book."""
        owner = self.caller("owner", self.orders["draft"])
        book = owner.call(self.app, "GET", "/customers/me").json()["addresses"]
        for saved in book[:-1]:
            owner.call(self.app, "DELETE", f"/customers/me/addresses/{saved['id']}")
        made = owner.call(self.app, "POST", "/customers/me/addresses", ENTRY)
        address: str = made.json()["addresses"][-1]["id"]
        return address

    def ask(self, row: Row, caller: Caller, parameters: dict[str, str]) -> Response:
        method, path = row.route.split()
        body = row.body(self, caller.name) if callable(row.body) else row.body
        return caller.call(self.app, method, path.format(**parameters), body, row.query)


@pytest.fixture(scope="module")
def world(app: Application, article: Callable[..., str]) -> World:
    names = {"owner": (), "customer": (), "spare": (), "disabled": (), "nobody": ()}
    groups: dict[str, tuple[str, ...]] = {**names, **{name: (name,) for name in GROUPS}}
    made = World(app, article(), {name: user(app, *which) for name, which in groups.items()})
    for name in set(made.users) - {"spare"}:  # everybody has a record from now on
        assert (
            Caller(name, {"Authorization": made.users[name].authorization})
            .call(app, "GET", "/customers/me")
            .status
            == 200
        )
    stock_books.count(app.database, made.sku, "wh-louisville", 9, clock.now(), "test")  # to move
    made.other = Shopper(app.url, app.stripe).token
    for name in ("draft", "unclaimed", "complete", *PLACED):
        made.orders[name] = _order(made, name, article(node=STORE) if "c" in name else "")
    app.settle()
    _move_on(made)
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
        if name == "on its way":
            shopper.pick_up(STORE, "ship-to-store")
        else:
            shopper.pick_up(STORE) if collected else shopper.deliver()
        shopper.describe()
    if name in PLACED:
        shopper.place()
    if name in PAID:
        shopper.pay()
    return shopper


def _move_on(world: World) -> None:
    """Pack, ship and make ready what the routes want packed, shipped and ready."""
    warehouse = Warehouse(world.app)
    steps = {
        "packed": ("pack",),
        "sent": ("pack", "ship"),
        "on its way": ("pack", "ship"),
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


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.route)
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
        for part in ("lines", "destinations", "invoices", "receipt_url"):
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
