"""What an order does that cannot be sent in one piece, or is sold as one: five scenes with articles
of their own.

Each scene receives and announces goods by the stock books' API, buys like a customer, and is sent
by the warehouse. It ends with the order delivered; the demo checks its documents and books like
those of all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parcelway.domain.money import Money

from infra.demo.goods import DC, PURCHASE, STORE, WAREHOUSE, Goods
from infra.demo.people import HOME, Shopper
from infra.local.application import Application

Json = dict[str, Any]
Check = Callable[[str, bool], None]


class Scenes:
    """The scenes; `orders` are the shoppers they leave behind, by what happened to them."""

    def __init__(self, app: Application, step: Callable[[str], None], check: Check) -> None:
        self._app, self._step, self._check = app, step, check
        self._goods = Goods(app)
        self.orders: list[tuple[str, Shopper]] = []

    def play(self) -> None:
        """All of them, one after the other."""
        self.back_order()
        self.slipped()
        self.split()
        self.mixed()
        self.kit()

    def back_order(self) -> None:
        """Three are wanted, two are there, the third follows its receipt."""
        self._step("A back-order: three are wanted, two are there")
        kettle = self._goods.article("DEMO-KETTLE", "Kettle, 1.7 l", 3_900)
        self._goods.receive(kettle, DC, 2)
        self._goods.announce(kettle, 10, 7)
        shopper = self._shopper("back-ordered", (kettle, 3))
        shopper.deliver("parcel-standard")
        found = shopper.api.call("GET", f"{shopper.path}/availability")
        for choice in found["choices"]:
            totals = " + ".join(_money(order["total"]) for order in choice["orders"])
            last = max(d["to_date"] for order in choice["orders"] for d in order["deliveries"])
            print(f"        {choice['shortage']:<15} {totals:<18} by {last}")
        self._check("four ways to deal with it are offered", len(found["choices"]) == 4)
        self._place(shopper, "ship_available")
        self._goods.send(shopper)
        waiting = shopper.order["lines"][0]["stages"]
        self._check("two are delivered, one waits", waiting == {"delivered": 2, "backordered": 1})
        self._goods.receive(kettle, DC, 10, PURCHASE)
        self._app.settle()
        self._goods.send(shopper)
        self._check("its receipt released the third", shopper.order["state"] == "closed")

    def slipped(self) -> None:
        """A supply comes later than announced: its order is dated anew, its customer told."""
        self._step("A supply that slips by three weeks")
        lamp = self._goods.article("DEMO-LAMP", "Desk lamp", 5_900)
        self._goods.announce(lamp, 5, 7)
        shopper = self._shopper("slipped", (lamp, 1))
        shopper.deliver("parcel-standard")
        self._place(shopper, "ship_complete")
        self._goods.announce(lamp, 5, 28)
        self._app.settle()
        (delivery,) = shopper.order["deliveries"]
        print(f"        promised by {delivery['promised_to']}, now {delivery['expected_to']}")
        self._check("the first promise is kept on record", delivery["revised"])
        number = shopper.order["tracking_number"]
        told = [mail for mail in self._app.stack.mails() if number in mail.subject]
        self._check("the customer was written to once", len(told) == 2)  # and the confirmation
        self._goods.receive(lamp, DC, 5, PURCHASE)
        self._app.settle()
        self._goods.send(shopper)
        self._check("it came after all", shopper.order["state"] == "closed")

    def split(self) -> None:
        """No node has both articles: two parcels, of which each is invoiced."""
        self._step("Two nodes, each with half of the order")
        pot = self._goods.article("DEMO-POT", "Tea pot", 4_500)
        cups = self._goods.article("DEMO-CUPS", "Six tea cups", 3_000)
        self._goods.receive(pot, DC, 3)
        self._goods.receive(cups, WAREHOUSE, 3)
        shopper = self._shopper("split", (pot, 1), (cups, 1))
        shopper.deliver("parcel-standard")
        self._place(shopper)
        nodes = {node for node, _ in self._goods.waiting(shopper)}
        self._check("it leaves from two nodes", nodes == {DC, WAREHOUSE})
        self._goods.send(shopper)
        self._check("both parcels arrived", shopper.order["state"] == "closed")

    def mixed(self) -> None:
        """One order, part of it delivered, part of it collected in a store."""
        self._step("Delivery and pick-up in one order")
        tray = self._goods.article("DEMO-TRAY", "Serving tray", 2_200)
        self._goods.receive(tray, DC, 5)
        self._goods.receive(tray, STORE, 5)
        shopper = self._shopper("delivered and collected", (tray, 3))
        sent = {"service": "parcel-standard", "address": HOME, "lines": _lines(tray, 2)}
        collected = {"service": "store-pickup", "store": STORE, "lines": _lines(tray, 1)}
        shopper.divide(sent, collected)
        self._place(shopper)
        self._goods.send(shopper)
        stages = shopper.order["lines"][0]["stages"]
        self._check("two came, one was collected", stages == {"delivered": 2, "picked_up": 1})
        self._check("and the order is closed", shopper.order["state"] == "closed")

    def kit(self) -> None:
        """Cups and a pot for one price, and a cup alone: what they share is sold once."""
        self._step("A kit, and one of its components alone")
        cup = self._goods.article("DEMO-CUP", "Tea cup", 799)
        pot = self._goods.article("DEMO-JUG", "Milk jug", 1_201)
        self._goods.receive(cup, DC, 6)
        self._goods.receive(pot, DC, 3)
        kit = self._goods.kit("DEMO-SET", "Tea for two", 2_499, {cup: 2, pot: 1})
        shopper = self._shopper("kit", (kit, 2), (cup, 1))
        shopper.deliver("parcel-standard")
        self._place(shopper)
        order = shopper.order
        units = {line["sku"]: line["quantity"] for line in order["lines"]}
        print(f"        saved {_money(order['totals']['discount'])}")
        self._check("its lines have five cups and two jugs", units == {cup: 5, pot: 2})
        whole = 2 * 2_499 + 799
        self._check("for the price of two and a cup", order["totals"]["goods"]["minor"] == whole)
        told = shopper.api.call("GET", f"/products/{kit}/availability")
        self._check("no third, though there is a jug", told["state"] == "out_of_stock")
        self._goods.send(shopper)
        self._check("it is sent like any order", shopper.order["state"] == "closed")

    def _shopper(self, what: str, *lines: tuple[str, int]) -> Shopper:
        shopper = Shopper(self._app.url, self._app.stripe)
        for sku, units in lines:
            shopper.add(sku, units)
        shopper.describe(f"{what.replace(' ', '-')}@example.com", "Scene Example")
        self.orders.append((what, shopper))
        return shopper

    def _place(self, shopper: Shopper, shortage: str = "") -> None:
        if shortage:
            shopper.api.call("PATCH", shopper.path, {"shortage": shortage})
        shopper.place()
        shopper.pay()
        self._app.settle()


def _lines(sku: str, units: int) -> list[Json]:
    return [{"sku": sku, "quantity": units}]


def _money(amount: Json) -> str:
    return str(Money(amount["minor"], amount["currency"]))
