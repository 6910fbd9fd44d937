"""What an order does that cannot be sent in one piece: four scenes with articles of their own.

Each scene receives and announces goods by the stock books' API, buys like a customer, and is sent
by the warehouse. It ends with the order delivered; the demo checks its documents and books like
those of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue

from infra.demo.people import HOME, Carrier, Shopper, Warehouse
from infra.local.application import Application

Json = dict[str, Any]
Check = Callable[[str, bool], None]
DC, WAREHOUSE, STORE = "dc-columbus", "wh-louisville", "store-dayton"
_PURCHASE = "po-4711"


class Scenes:
    """The scenes; `orders` are the shoppers they leave behind, by what happened to them."""

    def __init__(self, app: Application, step: Callable[[str], None], check: Check) -> None:
        self._app, self._step, self._check = app, step, check
        self._warehouse, self._carrier = Warehouse(app), Carrier(app)
        self.orders: list[tuple[str, Shopper]] = []

    def play(self) -> None:
        """All of them, one after the other."""
        self.back_order()
        self.slipped()
        self.split()
        self.mixed()

    def back_order(self) -> None:
        """Three are wanted, two are there, the third follows its receipt."""
        self._step("A back-order: three are wanted, two are there")
        kettle = self._article("DEMO-KETTLE", "Kettle, 1.7 l", 3_900)
        self._receive(kettle, DC, 2)
        self._announce(kettle, 10, 7)
        shopper = self._shopper("back-ordered", (kettle, 3))
        shopper.deliver("parcel-standard")
        found = shopper.api.call("GET", f"{shopper.path}/availability")
        for choice in found["choices"]:
            totals = " + ".join(_money(order["total"]) for order in choice["orders"])
            last = max(d["to_date"] for order in choice["orders"] for d in order["deliveries"])
            print(f"        {choice['shortage']:<15} {totals:<18} by {last}")
        self._check("four ways to deal with it are offered", len(found["choices"]) == 4)
        self._place(shopper, "ship_available")
        self._send(shopper)
        waiting = shopper.order["lines"][0]["stages"]
        self._check("two are delivered, one waits", waiting == {"delivered": 2, "backordered": 1})
        self._receive(kettle, DC, 10, _PURCHASE)
        self._app.settle()
        self._send(shopper)
        self._check("its receipt released the third", shopper.order["state"] == "closed")

    def slipped(self) -> None:
        """A supply comes later than announced: its order is dated anew, its customer told."""
        self._step("A supply that slips by three weeks")
        lamp = self._article("DEMO-LAMP", "Desk lamp", 5_900)
        self._announce(lamp, 5, 7)
        shopper = self._shopper("slipped", (lamp, 1))
        shopper.deliver("parcel-standard")
        self._place(shopper, "ship_complete")
        self._announce(lamp, 5, 28)
        self._app.settle()
        (delivery,) = shopper.order["deliveries"]
        print(f"        promised by {delivery['promised_to']}, now {delivery['expected_to']}")
        self._check("the first promise is kept on record", delivery["revised"])
        number = shopper.order["tracking_number"]
        told = [mail for mail in self._app.stack.mails() if number in mail.subject]
        self._check("the customer was written to once", len(told) == 2)  # and the confirmation
        self._receive(lamp, DC, 5, _PURCHASE)
        self._app.settle()
        self._send(shopper)
        self._check("it came after all", shopper.order["state"] == "closed")

    def split(self) -> None:
        """No node has both articles: two parcels, of which each is invoiced."""
        self._step("Two nodes, each with half of the order")
        pot = self._article("DEMO-POT", "Tea pot", 4_500)
        cups = self._article("DEMO-CUPS", "Six tea cups", 3_000)
        self._receive(pot, DC, 3)
        self._receive(cups, WAREHOUSE, 3)
        shopper = self._shopper("split", (pot, 1), (cups, 1))
        shopper.deliver("parcel-standard")
        self._place(shopper)
        nodes = {node for node, _ in self._waiting(shopper)}
        self._check("it leaves from two nodes", nodes == {DC, WAREHOUSE})
        self._send(shopper)
        self._check("both parcels arrived", shopper.order["state"] == "closed")

    def mixed(self) -> None:
        """One order, part of it delivered, part of it collected in a store."""
        self._step("Delivery and pick-up in one order")
        tray = self._article("DEMO-TRAY", "Serving tray", 2_200)
        self._receive(tray, DC, 5)
        self._receive(tray, STORE, 5)
        shopper = self._shopper("delivered and collected", (tray, 3))
        sent = {"service": "parcel-standard", "address": HOME, "lines": _lines(tray, 2)}
        collected = {"service": "store-pickup", "store": STORE, "lines": _lines(tray, 1)}
        shopper.divide(sent, collected)
        self._place(shopper)
        self._send(shopper)
        stages = shopper.order["lines"][0]["stages"]
        self._check("two came, one was collected", stages == {"delivered": 2, "picked_up": 1})
        self._check("and the order is closed", shopper.order["state"] == "closed")

    def _article(self, sku: str, name: str, minor: int) -> str:
        product = Product(sku, name, Money(minor, "USD"), tax_category="general", weight_grams=700)
        catalogue.upsert(self._app.database, [product], clock.now())
        return sku

    def _receive(self, sku: str, node: str, units: int, supply: str = "") -> None:
        body: Json = {"quantity": units} | ({"supply": supply} if supply else {})
        self._warehouse.api.call("POST", f"/stock/{sku}/nodes/{node}/receipts", body)

    def _announce(self, sku: str, units: int, days: int) -> None:
        due: date = clock.now().date() + timedelta(days=days)
        body = {"due": due.isoformat(), "quantity": units}
        self._warehouse.api.call("PUT", f"/stock/{sku}/nodes/{DC}/supplies/{_PURCHASE}", body)

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

    def _waiting(self, shopper: Shopper) -> Iterator[tuple[str, Json]]:
        for node in (DC, WAREHOUSE, STORE):
            for shipment in self._warehouse.queue(node):
                if shipment["order_id"] == shopper.id:
                    yield node, shipment

    def _send(self, shopper: Shopper) -> None:
        """Pack all that waits, and bring it to its customer or hand it over."""
        for _, shipment in list(self._waiting(shopper)):
            if shipment["method"] == "pickup":
                self._warehouse.report(shipment, "pack")
                self._warehouse.report(shipment, "ready")
                self._app.settle()
                self._warehouse.report(shipment, "hand-over", {"code": shopper.code()})
            else:
                parcel = self._warehouse.ship(shipment)
                self._app.settle()
                self._carrier.report(parcel, "delivered")
        self._app.settle()


def _lines(sku: str, units: int) -> list[Json]:
    return [{"sku": sku, "quantity": units}]


def _money(amount: Json) -> str:
    return str(Money(amount["minor"], amount["currency"]))
