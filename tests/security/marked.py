"""Somebody whose every word is marked signs up, buys and regrets, while every call fails once."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from parcelway.domain.money import Money
from parcelway.domain.payout import Payout
from parcelway.domain.settlement import Whole, begin
from parcelway.ports import clock
from parcelway.ports.webhooks import sign_standard
from parcelway.store import settlements
from parcelway.store.shop import load_shop
from stdnum.at import uid

from infra.demo.people import Client, Refused, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from infra.local.calls import Call
from infra.local.stack import FunctionFailed

NODE = "dc-columbus"
DECLINED = "4000000000000002"
# Where each kind of marker may be kept, by table and the start of the sort key; of what customers
# are found by, and of look-ups, the partition key's.
_FINDS = ("Customers", "FIND#")
PERSON = {("Customers", "CUSTOMER")}
ASKED = {("Customers", "CHALLENGE")}
PREFERRED = {*PERSON, ("Orders", "ORDER")}  # an order has what its customer prefers
FOUND = {*PERSON, _FINDS}
ADDRESSEE = {*FOUND, ("Customers", "EMAIL")}
SEEN = {("Customers", "SEEN#"), ("Customers", "LOOKUPS#")}  # why somebody was looked at
AGREED = {("Customers", "CUSTOMER"), ("Customers", "HIST#")}
ORDER = {("Orders", "ORDER")}
TYPED = {("Orders", "ORDER"), ("Orders", "EVT#")}  # shown to staff with what happened
BUYER = {("Orders", "ORDER"), ("Orders", "INV#"), ("Orders", "CRN#")}
PRINTED = {("Orders", "CRN#")}
PARCEL = {("Orders", start) for start in ("SHP#", "EVT#", "PARCEL")}
GIFT = {("Ledger", "HIST#")}  # what happened to a gift card, for people of the shop
QUEUED = {("Ledger", "20261101T")}  # an item of finance's queue, by its time
NOTED = {("Orders", "NOTE#")}
NOWHERE: set[tuple[str, str]] = set()
PAYOUT = Payout(
    *("po_marked", "stripe", Money(5, "USD"), "paid"),
    *(datetime(2026, 11, 1, tzinfo=UTC), date(2026, 11, 2)),
)


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
    if whose == "book":  # it is that of parcels: where, a list of customers shows
        marks.kept[f"{whose} city"] = kept | {_FINDS}
    if whose in ("book", "second"):  # kept ones are judged, and German ones have no region
        return marked | {"postal_code": "80331", "country": "DE"}
    return marked | {"postal_code": "43215", "country": "US"}


def _phone(marks: Marks, name: str, kept: set[tuple[str, str]]) -> str:
    digits = f"61455{uuid.uuid4().int % 10**5:05d}"  # one that somebody could have
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
            "name": marks.new("own name", FOUND),
            "email": self.email,
            "phone": _phone(marks, "own phone", FOUND),
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
        edit = {"name": marks.new("new name", FOUND), "phone": _phone(marks, "new phone", FOUND)}
        again(
            call,
            "PATCH",
            "/customers/me",
            edit
            | {
                "preferences": {"note": marks.new("note", PREFERRED)},
                "contacts": [
                    {
                        "kind": "phone",
                        "value": _phone(marks, "other phone", FOUND),
                        "label": marks.new("contact's label", PERSON),
                    }
                ],
            },
        )
        entry = {"label": marks.new("second label", PERSON)}
        again(
            call,
            "POST",
            "/customers/me/addresses",
            entry | {"address": _address(marks, "second", PERSON)},
        )
        asked = {"question": marks.new("question", ASKED), "answer": marks.new("answer", NOWHERE)}
        again(call, "PUT", "/customers/me/challenge", asked)
        again(call, "GET", "/customers/me/challenge")
        again(call, "POST", "/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
        again(call, "POST", "/passwords/reset", {"email": self.email})

    def look_up(self) -> None:
        """The desk looks for this customer in every way, and reads the record."""
        desk = Client(self.app.url)
        desk.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'csr')}"
        why = {"reason": self.marks.new("reason to look", SEEN)}
        own = self.people.call("GET", "/customers/me")
        for clue in (
            {"family_name": own["name"]},
            {"phone": own["phone"]},
            {"email": self.email},
            {"logon": self.email},
        ):
            again(desk.call, "GET", "/staff/customers", **why, **clue)
        again(desk.call, "GET", f"/staff/customers/{own['id']}", **why)
        nobody = {"family_name": self.marks.new("nobody's name", NOWHERE)}
        again(desk.call, "GET", "/staff/customers", **why, **nobody)
        with suppress(Refused):  # too short
            desk.call("GET", "/staff/customers", **why, phone="1")

    def ask_in_vain(self, shopper: Shopper) -> None:
        """A company's record and a sale at a till, refused for what they say; the own export."""
        staff, marks = Client(self.app.url), self.marks
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'admin')}"
        company = {"company": marks.new("company", NOWHERE), "tax_id": "ATU00000000"}
        refused(staff.call, "PUT", "/staff/accounts/marked", company)
        slip = {"method": "terminal", "amount": {"minor": 1, "currency": "USD"}}
        sale = {"store": "nowhere", "tenders": [slip | {"reference": marks.new("slip", NOWHERE)}]}
        refused(staff.call, "POST", f"/staff/carts/{shopper.id}/counter-sale", sale)
        again(self.people.call, "GET", "/customers/me/export")

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
        self.adjust(shopper)
        self.act_for(shopper)
        self.say_of_tax(shopper)
        self.give(shopper)
        placed = again(call, "POST", f"{path}/checkout", {})
        link = placed["tracking_path"].partition("?k=")[2]
        marks.known(f"link token {shopper.id}", link, ORDER)
        return shopper

    def adjust(self, shopper: Shopper) -> None:
        """A cent off, for a reason that staff note for themselves."""
        staff = Client(self.app.url)
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'csr')}"
        asked = {"kind": "amount_off", "value": {"minor": 1, "currency": "USD"}}
        asked |= {"reason": "goodwill", "note": self.marks.new("why adjusted", ORDER)}
        again(staff.call, "POST", f"/staff/carts/{shopper.id}/adjustments", asked)

    def act_for(self, shopper: Shopper) -> None:
        """Staff act on the cart for a moment, and note something for each other."""
        staff, marks = Client(self.app.url), self.marks
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'csr')}"
        grants = f"/staff/carts/{shopper.id}/grants"
        opened = again(staff.call, "POST", grants, {"cause": "assistance"})
        secret = opened["cart_token"].partition(".")[2]
        marks.known(f"grant's secret {shopper.id}", secret, NOWHERE)
        again(Client(self.app.url, {"Cart-Token": opened["cart_token"]}).call, "GET", shopper.path)
        again(staff.call, "DELETE", f"{grants}/{opened['grant']}")
        text = {"text": marks.new("note of staff", NOTED)}
        again(staff.call, "POST", f"/staff/orders/{shopper.id}/notes", text)
        again(staff.call, "GET", f"/staff/orders/{shopper.id}/timeline")

    def give(self, shopper: Shopper) -> None:
        """A gift card for a part of it, given for a reason in somebody's own words."""
        staff, marks = Client(self.app.url), self.marks
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'finance')}"
        asked = {"kind": "gift_card", "value": {"minor": 1, "currency": "USD"}}
        asked["reason"] = marks.new("why given", GIFT)
        issued = again(staff.call, "POST", "/staff/gift-cards", asked)
        marks.known(f"gift code {shopper.id}", issued["code"], NOWHERE)
        again(staff.call, "GET", f"/staff/gift-cards/{issued['card']['id']}")
        code = {"code": issued["code"]}
        again(shopper.api.call, "PUT", f"{shopper.path}/gift-cards", code)

    def say_of_tax(self, shopper: Shopper) -> None:
        """The buyer's VAT number, and a certificate that staff were shown."""
        digits = f"U{uuid.uuid4().int % 10**7:07d}"
        vat_number = f"AT{digits}{uid.calc_check_digit(digits)}"
        number = self.marks.known("tax id", vat_number, BUYER)
        again(shopper.api.call, "PUT", f"{shopper.path}/tax-id", {"tax_id": number})
        staff = Client(self.app.url)
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'finance')}"
        seen = {"certificate": self.marks.new("certificate", ORDER), "valid_from": "2026-01-01"}
        seen["reason"] = "Resale"
        again(staff.call, "PUT", f"/staff/carts/{shopper.id}/tax-exemptions/DE", seen)

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

    def credit(self, shopper: Shopper) -> None:
        """Something is given back, for a reason in somebody's own words."""
        staff = Client(self.app.url)
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'finance')}"
        (number,) = again(staff.call, "GET", f"/staff/orders/{shopper.id}")["invoices"]
        asked = {"invoice": number, "amount": {"minor": 1, "currency": "USD"}}
        asked["reason"] = self.marks.new("why credited", PRINTED)
        again(staff.call, "POST", f"/staff/orders/{shopper.id}/credit-notes", asked)
        self.app.settle(120)

    def account(self) -> None:
        """The books are read and handed over; once a day they are counted."""
        staff, month = Client(self.app.url), f"{clock.now():%Y-%m}"
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'finance')}"
        again(staff.call, "GET", "/books/periods")
        again(staff.call, "GET", f"/books/periods/{month}/journal")
        with suppress(FunctionFailed):
            self.app.stack.fire("BookkeepingFunction")

    def settle(self) -> None:
        """A payout that does not add up is taken as it is, in somebody's own words."""
        staff = Client(self.app.url)
        staff.headers["Authorization"] = f"Bearer {sign_in_staff(self.app, 'finance')}"
        paid = replace(PAYOUT, id=f"po_{uuid.uuid4().hex}")
        refused = begin(
            paid, None, Whole(Money(4, "USD"), True), load_shop(self.app.database).settings
        )
        assert refused is not None
        settlements.save(self.app.database, refused, clock.now())
        again(staff.call, "GET", "/staff/repayments")
        (item,) = again(staff.call, "GET", "/settlement/unmatched")["items"]
        asked = {"reason": self.marks.new("why resolved", QUEUED)}
        again(staff.call, "POST", f"/settlement/unmatched/{item['id']}/resolve", asked)
        for function in ("SettlementImporterFunction", "ReconcilerFunction"):
            with suppress(FunctionFailed):
                self.app.stack.fire(function)

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
        event = dict(parcel) | {"event_id": uuid.uuid4().hex[:12], "status": status, "place": place}
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


def again(call: Callable[..., Any], *arguments: Any, **query: str) -> Any:
    """What a client does about a fault of the shop's: the same once more, with the same key."""
    more = dict(query)
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
