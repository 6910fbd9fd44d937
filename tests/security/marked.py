"""Somebody whose every word is marked signs up, buys and regrets, while every call fails once."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from parcelway.ports import clock
from parcelway.ports.webhooks import sign_standard

from infra.demo.people import Client, Refused, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from infra.local.calls import Call

NODE = "dc-columbus"
DECLINED = "4000000000000002"
# Where each kind of marker may be kept, by table and the start of the sort key.
PERSON = {("Customers", "CUSTOMER")}
ADDRESSEE = {("Customers", "CUSTOMER"), ("Customers", "EMAIL")}
AGREED = {("Customers", "CUSTOMER"), ("Customers", "HIST#")}
ORDER = {("Orders", "ORDER")}
TYPED = {("Orders", "ORDER"), ("Orders", "EVT#")}  # shown to staff with what happened
BUYER = {("Orders", "ORDER"), ("Orders", "INV#")}
PARCEL = {("Orders", start) for start in ("SHP#", "EVT#", "PARCEL")}
NOWHERE: set[tuple[str, str]] = set()


@dataclass
class Marks:
    """Unique words by what they stand for, and where each of them may be kept."""

    words: list[tuple[str, str]] = field(default_factory=list)
    kept: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def new(self, name: str, kept: set[tuple[str, str]], form: str = "{}") -> str:
        """A word that is nowhere else in the world, in `form`."""
        word = f"zq{uuid.uuid4().hex[:12]}"
        self.known(name, word, kept)
        return form.format(word)

    def known(self, name: str, word: str, kept: set[tuple[str, str]]) -> str:
        """Something made elsewhere that is as private."""
        assert len(word) >= 10, name
        self.words.append((name, word))
        self.kept[name] = kept
        return word

    def found(self, text: str) -> list[str]:
        """The names of the markers in a text."""
        lower = text.lower()
        return [name for name, word in self.words if word.lower() in lower]


def _address(marks: Marks, whose: str, kept: set[tuple[str, str]]) -> dict[str, str]:
    parts = ("name", "line1", "line2", "city", "region", "company")
    marked = {part: marks.new(f"{whose} {part}", kept) for part in parts}
    return marked | {"postal_code": "43215", "country": "US"}


def _phone(marks: Marks, name: str, kept: set[tuple[str, str]]) -> str:
    digits = f"614555{uuid.uuid4().int % 10**5:05d}"
    return "+1" + marks.known(name, digits, kept)


@dataclass
class Journey:
    """Somebody who signs up, buys, is sent a parcel, and cancels; and what goes wrong meanwhile."""

    app: Application
    marks: Marks
    sku: str
    people: Client = field(init=False)
    password: str = field(init=False)
    email: str = field(init=False)

    def __post_init__(self) -> None:
        self.people = Client(self.app.url)
        self.password = self.marks.new("password", NOWHERE, "a pass phrase {}")
        self.email = self.marks.new("email", ADDRESSEE, "{}@example.com")

    def sign_up(self) -> None:
        """An account, with every mistake on the way there."""
        marks, call = self.marks, self.people.call
        body = {
            "name": marks.new("own name", PERSON),
            "email": self.email,
            "phone": _phone(marks, "own phone", PERSON),
            "password": self.password,
            "addresses": [
                {
                    "label": marks.new("label", PERSON),
                    "address": _address(marks, "book", PERSON),
                    "default_shipping": True,
                }
            ],
            "consent": {"terms_accepted": True, "wording": marks.new("wording", AGREED)},
        }
        again(call, "POST", "/customers", body)
        wrong = {"email": self.email, "code": marks.new("wrong code", NOWHERE)}
        refused(call, "POST", "/customers/confirmation", wrong)
        again(call, "POST", "/customers/confirmation/resend", {"email": self.email})
        with suppress(Refused):  # taken by the try whose answer was lost
            again(
                call, "POST", "/customers/confirmation", {"email": self.email, "code": self._code()}
            )
        wrong = {"email": self.email, "password": marks.new("wrong password", NOWHERE)}
        refused(call, "POST", "/sessions", wrong)
        known = {"email": self.email, "password": self.password}
        tokens = again(call, "POST", "/sessions", known)
        for name in ("id_token", "access_token", "refresh_token"):
            marks.known(name, tokens[name], NOWHERE)
        self.people.headers["Authorization"] = f"Bearer {tokens['id_token']}"
        again(call, "GET", "/customers/me")
        edit = {"name": marks.new("new name", PERSON), "phone": _phone(marks, "new phone", PERSON)}
        again(
            call,
            "PATCH",
            "/customers/me",
            edit | {"preferences": {"note": marks.new("note", PERSON)}},
        )
        entry = {"label": marks.new("second label", PERSON)}
        again(
            call,
            "POST",
            "/customers/me/addresses",
            entry | {"address": _address(marks, "second", PERSON)},
        )
        again(call, "POST", "/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
        again(call, "POST", "/passwords/reset", {"email": self.email})

    def _code(self) -> str:
        mail = [mail for mail in self.app.stack.mails() if self.email in mail.to][-1]
        found = re.search(r"\b\d{6}\b", mail.text or "")
        assert found is not None
        return found.group()

    def shop(self, email: str = "", sku: str = "", **more: str) -> Shopper:
        """A cart of one's own, described and placed."""
        marks = self.marks
        shopper = again(lambda: Shopper(self.app.url, self.app.stripe))
        marks.known(f"cart token {shopper.id}", shopper.token, NOWHERE)  # its digest is
        shopper.api.headers |= self.people.headers
        call, path = shopper.api.call, shopper.path
        again(call, "POST", f"{path}/claim")
        again(call, "POST", f"{path}/lines", {"sku": sku or self.sku, "quantity": 1})
        contact = {
            "name": marks.new("contact name", BUYER),
            "email": email or marks.new("contact email", BUYER, "{}@example.com"),
            "phone": _phone(marks, "contact phone", BUYER),
        }
        details = {"contact": contact, "payment_method": "card", **more}
        again(call, "PATCH", path, details | {"billing_address": _address(marks, "billing", BUYER)})
        delivery = {
            "service": "parcel-standard",
            "address": _address(marks, "shipping", BUYER),
            "instructions": marks.new("instructions", ORDER),
        }
        again(call, "PUT", f"{path}/delivery", delivery)
        placed = again(call, "POST", f"{path}/checkout", {})
        link = placed["tracking_path"].partition("?k=")[2]
        marks.known(f"link token {shopper.id}", link, ORDER)
        return shopper

    def pay(self, shopper: Shopper) -> None:
        """With a card that is declined, then with a good one."""
        payment = again(shopper.api.call, "POST", f"{shopper.path}/payment", {})
        self.app.stripe.confirm(payment["client_secret"], DECLINED)
        payment = again(shopper.api.call, "POST", f"{shopper.path}/payment", {})
        self.app.stripe.confirm(payment["client_secret"])
        self.until(lambda: again(lambda: shopper.order)["state"] == "confirmed")

    def send(self, shopper: Shopper) -> None:
        """Pack, ship, deliver, with what the warehouse and the carrier write down."""
        warehouse, marks = Warehouse(self.app), self.marks
        shipment = self._waiting(warehouse, shopper)
        again(warehouse.report, shipment, "pack")
        number = marks.new("parcel number", PARCEL)
        sent = {"carrier": "Sample Parcel", "parcel_number": number}
        again(warehouse.report, shipment, "ship", sent)
        self.app.settle(120)
        for status in ("in_transit", "delivered"):
            assert self._carrier(sent, status, marks.new(f"place {status}", PARCEL)) == 200
            self.app.settle(120)
        self.until(lambda: again(lambda: shopper.order)["state"] == "closed")

    def wait(self, sku: str) -> None:
        """An order of what is not there, until it has been received."""
        staff = Warehouse(self.app).api
        place = f"/stock/{sku}/nodes/{NODE}"
        due = (clock.now() + timedelta(days=5)).date().isoformat()
        again(staff.call, "PUT", f"{place}/supplies/po-1", {"due": due, "quantity": 5})
        shopper = self.shop(sku=sku, shortage="ship_available")
        self.pay(shopper)
        again(staff.call, "POST", f"{place}/receipts", {"quantity": 1, "supply": "po-1"})
        self.send(shopper)

    def until(self, come: Callable[[], bool]) -> None:
        """Wait for something that AWS may have to try again for."""
        deadline = time.monotonic() + 40
        self.app.settle(120)
        while not come():
            assert time.monotonic() < deadline
            time.sleep(0.1)
            self.app.settle(120)

    def _waiting(self, warehouse: Warehouse, shopper: Shopper) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        def come() -> bool:
            queue = again(warehouse.queue, NODE)
            found.extend(each for each in queue if each["order_id"] == shopper.id)
            return bool(found)

        self.until(come)
        return found[0]

    def _carrier(self, parcel: Mapping[str, str], status: str, place: str) -> int:
        """The carrier sends again what was not taken."""
        event = dict(parcel) | {"event_id": uuid.uuid4().hex, "status": status, "place": place}
        body = json.dumps(event | {"at": clock.now().isoformat()}).encode()
        for _ in range(12):
            headers = sign_standard(body, "m1", self.app.carrier_secret, clock.now())
            headers["Content-Type"] = "application/json"
            answer = self.app.stack.request("POST", "/webhooks/carrier", body, headers)
            if answer.status < 500:
                break
        return answer.status

    def regret(self) -> None:
        """Orders that end, each for a reason in somebody's own words."""
        warehouse, staff = Warehouse(self.app), Client(self.app.url)
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'csr')}"
        mine, theirs, missing = self.shop(), self.shop(), self.shop()
        own = {"reason": self.marks.new("own reason", TYPED)}
        again(mine.api.call, "POST", f"/orders/{mine.id}/cancel", own)
        desk = {"reason": self.marks.new("desk's reason", TYPED)}
        again(staff.call, "POST", f"/staff/orders/{theirs.id}/cancel", desk)
        self.pay(missing)
        shipment = self._waiting(warehouse, missing)
        why = {"reason": "other", "note": self.marks.new("node's note", TYPED)}
        again(warehouse.report, shipment, "reject", why)
        self.app.settle(120)

    def mistakes(self, shopper: Shopper) -> None:
        """Requests that cannot be: every one is refused, and nothing of it is kept."""
        marks = self.marks
        unknown = {marks.new("unknown member", NOWHERE): marks.new("its value", NOWHERE)}
        wrong = {"contact": {"name": [marks.new("wrong type", NOWHERE)], "email": 1}}
        odd = {"contact": {"name": "A", "email": marks.new("no address", NOWHERE)}}
        for body in (unknown, wrong, odd, {"payment_method": marks.new("method", NOWHERE)}):
            refused(shopper.api.call, "PATCH", shopper.path, body)
        for path in ("/carts/{}", "/orders/{}", "/products/{}", "/track/{}", "/nowhere/{}"):
            refused(shopper.api.call, "GET", path.format(marks.new(f"in {path}", NOWHERE)))
        send = self.app.stack.request
        token = {"Authorization": self.people.headers["Authorization"]}
        key = {"Idempotency-Key": marks.new("key", NOWHERE, "k-{}-abcdefghijklm")}
        body = '{"name": "' + marks.new("not JSON", NOWHERE)
        kind = {"Content-Type": "application/json"}
        assert send("PATCH", "/customers/me", body, token | kind).status == 400
        assert send("POST", "/carts", {}, key).status in (201, 500)
        stranger = {"Cart-Token": marks.new("wrong cart token", NOWHERE)}
        assert send("GET", shopper.path, None, stranger).status in (404, 500)
        agent = {"User-Agent": marks.new("agent", NOWHERE), "Cookie": marks.new("cookie", NOWHERE)}
        looked_for = {"q": marks.new("looked for", NOWHERE)}
        assert send("GET", "/products", None, agent, looked_for).status in (200, 500, 503)
        cursor = {"cursor": marks.new("cursor", NOWHERE)}
        assert send("GET", "/orders", None, token, cursor).status == 400


def again(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a client does about a fault of the shop's: the same once more, with the same key."""
    more = {}
    if len(arguments) > 1 and arguments[0] == "POST":
        more["key"] = uuid.uuid4().hex
    for _ in range(12):
        try:
            return call(*arguments, **more)
        except Refused as refusal:
            if refusal.status < 500:
                raise
    return call(*arguments, **more)


def refused(call: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(Refused):
        again(call, *arguments)


class Faults:
    """Each function's first calls of each kind fail, in words that repeat what was asked and, once
    it was done, what was answered: the worst any SDK could say."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self.made: dict[tuple[str | None, str], int] = {}

    def before(self, call: Call) -> None:
        if self._is_turn(call, 1):
            error = {"Code": "ValidationException", "Message": f"no good: {call.parameters}"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, "x")  # type: ignore[typeddict-item]

    def after(self, call: Call) -> None:
        if call.error is None and self._is_turn(call, 3):
            raise RuntimeError(f"lost: {call.parameters} {call.response}")

    def _is_turn(self, call: Call, turn: int) -> bool:
        if not (call.function or "").endswith("Function"):
            return False
        key = (call.function, call.operation)
        if turn == 1:
            self.made[key] = self.made.get(key, 0) + 1
        return self.made.get(key) == turn


@contextmanager
def faults(app: Application, wanted: bool) -> Iterator[Faults]:
    made, calls = Faults(wanted), app.stack.calls
    if wanted:
        calls.before.append(made.before)
        calls.after.append(made.after)
    try:
        yield made
    finally:
        if wanted:
            calls.before.remove(made.before)
            calls.after.remove(made.after)
