"""The service desk's day: a caller nobody knows, a guest, and what a marketplace has sold.

Everything goes through the public API, in the name of a representative and of a supervisor; the
customers pay by the links in their mails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from infra.demo.goods import DC, PURCHASE, STORE, Goods
from infra.demo.marketplace import Marketplace, sold
from infra.demo.people import HOME, Client, Shopper, staff
from infra.local.application import Application

Json = dict[str, Any]
Check = Callable[[str, bool], None]
_EMAIL, _GUEST = "zoe.muller@example.com", "walk-in@example.com"
_HOME = HOME | {"name": "Zoë Müller"}
_HOME_ENTRY = {"label": "Home", "address": _HOME, "default_shipping": True, "default_billing": True}
_MOTHER = HOME | {"name": "Ruth Müller", "line1": "4 Garden Street"}


class ServiceDesk:
    """The day; `orders` are what it leaves behind, by how they came."""

    def __init__(self, app: Application, step: Callable[[str], None], check: Check) -> None:
        self._app, self._step, self._check = app, step, check
        self._goods = Goods(app)
        self._csr, self._supervisor = staff(app, "csr"), staff(app, "csr_supervisor")
        self.orders: list[tuple[str, Shopper]] = []

    def play(self) -> None:
        """All of it, one after the other."""
        self.caller()
        self.guest()
        self.counter()
        self.marketplace()

    def caller(self) -> None:
        """Somebody unknown calls: two addresses, a back-order apart, a coupon, two reductions."""
        self._step("An unknown caller: two addresses, a back-ordered line as an order of its own")
        radio = self._goods.article("DEMO-RADIO", "Kitchen radio", 4_500)
        clock = self._goods.article("DEMO-CLOCK", "Wall clock", 2_500)
        self._goods.receive(radio, DC, 5)
        self._goods.announce(clock, 5, 7)
        asked = {"reason": "a call", "phone": "(513) 555-0177"}
        self._check("nobody is found by the phone number", not self._found(asked))
        customer = self._customer()
        cart = self._begin(customer_id=customer["id"])
        cart.add(radio, 2)
        cart.add(clock, 1)
        cart.divide(
            _delivery(_HOME, (radio, 1), (clock, 1)),
            _delivery(_MOTHER, (radio, 1)),
        )
        cart.api.call("PATCH", cart.path, {"payment_method": "card", "shortage": "separate_order"})
        self._csr.call("PUT", f"/staff/carts/{cart.id}/coupons/WELCOME10")
        self._reductions(cart)
        placed = cart.place()
        linked = placed["linked_orders"]
        self._check("it became two orders", len(linked) == 1)
        (later,) = linked
        for order_id in (cart.id, later):
            self._pay_by_link(order_id)
        first = self._left("by phone", cart.id)
        second = self._left("by phone, back-ordered", later)
        self._goods.send(first)
        self._goods.receive(clock, DC, 5, PURCHASE)
        self._app.settle()
        self._goods.send(second)
        ended = [self._order(each)["state"] for each in (cart.id, later)]
        self._check("both were delivered", ended == ["closed", "closed"])
        asked = {"reason": "a call", "family_name": "muller", "given_name": "zoe"}
        found = [each["id"] for each in self._found(asked)]
        self._check("she is found by name, without its dots", found == [customer["id"]])

    def guest(self) -> None:
        """Somebody who wants no account."""
        self._step("A guest on the phone")
        vase = self._goods.article("DEMO-VASE", "Glass vase", 1_900)
        self._goods.receive(vase, DC, 2)
        cart = self._begin()
        cart.add(vase)
        cart.deliver()
        cart.describe(_GUEST, "Walk In")
        cart.place()
        self._pay_by_link(cart.id)
        self._goods.send(self._left("guest by phone", cart.id))
        self._check("it was delivered", self._order(cart.id)["state"] == "closed")
        told = self._csr.call("GET", f"/staff/orders/{cart.id}/timeline")["entries"]
        by = {entry["type"]: entry["actor"]["kind"] for entry in told}
        self._check("the timeline tells staff placed it", by["order.placed"] == "staff")

    def counter(self) -> None:
        """Somebody in a store pays in cash and takes it along."""
        self._step("A sale over the counter of a store")
        mug = self._goods.article("DEMO-MUG", "Coffee mug", 1_200)
        self._goods.receive(mug, STORE, 2)
        cart = self._begin(channel="in_person", cause="counter_order")
        cart.add(mug)
        paid = {"method": "cash", "amount": _usd(2_000)}
        sold_over = {"store": STORE, "tenders": [paid]}
        sale = self._csr.call("POST", f"/staff/carts/{cart.id}/counter-sale", sold_over)
        total, change = sale["total"]["minor"], sale["change"]["minor"]
        self._check("the change is right", total + change == 2_000 and change > 0)
        self._app.settle()
        self._left("over the counter", cart.id)
        left = self._goods.on_hand(mug, STORE)
        self._check("it left the store's shelf", left == 1)

    def marketplace(self) -> None:
        """A batch of a marketplace, some rows of which are wrong, sent twice."""
        self._step("A batch from a marketplace, two of its rows wrong")
        brush = self._goods.article("DEMO-BRUSH", "Dish brush", 1_000)
        self._goods.receive(brush, DC, 9)
        bazaar = Marketplace(self._app)
        rows = [sold(f"BZ-{number}", brush) for number in (1, 2, 3)]
        rows.insert(1, sold("BZ-4", "NO-SUCH-ARTICLE"))
        rows.append(sold("BZ-5", brush) | {"total": {"minor": 1, "currency": "USD"}})
        results = bazaar.send(*rows)
        for result in results:
            print(f"        {result['external_id']}: {result['status']}")
        wanted = ["created", "refused", "created", "created", "refused"]
        self._check("good rows are taken", [each["status"] for each in results] == wanted)
        again = [each["status"] for each in bazaar.send(*rows)]
        self._check("sent twice is sold once", again.count("known") == 3)
        self._app.settle()
        for result in results:
            if result["status"] == "created":
                self._goods.send(self._left("marketplace", result["order_id"]))
        told = [bazaar.order(f"BZ-{number}") for number in (1, 2, 3)]
        delivered = [each["fulfilment_status"] for each in told]
        self._check("the marketplace reads that all came", delivered == ["delivered"] * 3)

    def _customer(self) -> Json:
        body = {
            "email": _EMAIL,
            "given_name": "Zoë",
            "family_name": "Müller",
            "phone": "+15135550177",
            "addresses": [_HOME_ENTRY],
        }
        made: Json = self._csr.call("POST", "/staff/customers", body)["customer"]
        invited = [mail for mail in self._app.stack.mails() if _EMAIL in mail.to]
        self._check("she is invited to choose a password", len(invited) == 1)
        return made

    def _reductions(self, cart: Shopper) -> None:
        """One within the representative's cap, one above it, which a supervisor approves."""
        charge = {"kind": "shipping_override", "target": "g2", "value": _usd(0)}
        path = f"/staff/carts/{cart.id}/adjustments"
        made = self._csr.call("POST", path, charge | {"reason": "goodwill"})["adjustments"]
        self._check("free delivery to the second address", made[0]["status"] == "applied")
        off = {"kind": "amount_off", "value": _usd(1_500), "reason": "price-match"}
        made = self._csr.call("POST", path, off)["adjustments"]
        (proposal,) = [each for each in made if each["status"] == "proposed"]
        decided = self._supervisor.call("POST", f"{path}/{proposal['id']}/approve")["adjustments"]
        waiting = [each for each in decided if each["status"] == "proposed"]
        self._check("15 dollars off, approved by the supervisor", not waiting)

    def _begin(self, **whom: str) -> Shopper:
        asked = {"channel": "phone", "cause": "phone_order"} | whom
        begun = self._csr.call("POST", "/staff/carts", asked)
        app = self._app
        return Shopper.holding(app.url, app.stripe, begun["order"]["id"], begun["cart_token"])

    def _pay_by_link(self, order_id: str) -> None:
        """The link is mailed; whoever reads the mail pays with a card that the desk never hears."""
        self._csr.call("POST", f"/staff/orders/{order_id}/payment-link")
        self._app.settle()
        number = self._order(order_id)["tracking_number"]
        texts = [mail.text or "" for mail in self._app.stack.mails() if number in (mail.text or "")]
        key = re.search(r"k=([\w-]+)", texts[-1])
        self._check(f"a payment link for {number} was mailed", key is not None)
        if key is None:
            return
        path = f"/track/{number}/payment?k={key[1]}"
        payment = Client(self._app.url).call("POST", path)
        self._app.stripe.confirm(payment["client_secret"])
        self._app.settle()

    def _left(self, how: str, order_id: str) -> Shopper:
        """An order that the day leaves behind. Nobody holds it: staff read it by their role."""
        shopper = Shopper.holding(self._app.url, self._app.stripe, order_id, "")
        self.orders.append((how, shopper))
        return shopper

    def _order(self, order_id: str) -> Json:
        order: Json = self._csr.call("GET", f"/staff/orders/{order_id}")["order"]
        return order

    def _found(self, asked: dict[str, str]) -> list[Json]:
        page = self._csr.call("GET", "/staff/customers", None, None, **asked)
        found: list[Json] = page["customers"]
        return found


def _delivery(address: dict[str, str], *lines: tuple[str, int]) -> Json:
    units = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    return {"service": "parcel-standard", "address": address, "lines": units}


def _usd(minor: int) -> Json:
    return {"minor": minor, "currency": "USD"}
