"""Articles of the demo's own, and the people who move them: receipts, parcels, pick-ups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue

from infra.demo.people import Carrier, Shopper, Warehouse
from infra.local.application import Application

Json = dict[str, Any]
DC, WAREHOUSE, STORE = "dc-columbus", "wh-louisville", "store-dayton"
PURCHASE = "po-4711"


class Goods:
    """Articles by the stock books' API, and what the warehouse and the carrier do with them."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._warehouse, self._carrier = Warehouse(app), Carrier(app)

    def article(self, sku: str, name: str, minor: int) -> str:
        """An article at a price in cents; its SKU."""
        product = Product(sku, name, Money(minor, "USD"), tax_category="general", weight_grams=700)
        catalogue.upsert(self._app.database, [product], clock.now())
        return sku

    def kit(self, sku: str, name: str, minor: int, components: Mapping[str, int]) -> str:
        """Articles (units by SKU) together for a price in cents; its SKU."""
        product = Product(sku, name, Money(minor, "USD"), components=components)
        catalogue.upsert(self._app.database, [product], clock.now())
        return sku

    def receive(self, sku: str, node: str, units: int, supply: str = "") -> None:
        """Units arrive at a node, perhaps of a supply that was announced."""
        body: Json = {"quantity": units} | ({"supply": supply} if supply else {})
        self._warehouse.api.call("POST", f"/stock/{sku}/nodes/{node}/receipts", body)

    def announce(self, sku: str, units: int, days: int) -> None:
        """Units are to come in so many days."""
        due: date = clock.now().date() + timedelta(days=days)
        body = {"due": due.isoformat(), "quantity": units}
        self._warehouse.api.call("PUT", f"/stock/{sku}/nodes/{DC}/supplies/{PURCHASE}", body)

    def on_hand(self, sku: str, node: str) -> int:
        """Units that lie at a node."""
        balances = self._warehouse.api.call("GET", f"/stock/{sku}")["balances"]
        return sum(each["on_hand"] for each in balances if each["node"] == node)

    def waiting(self, shopper: Shopper) -> Iterator[tuple[str, Json]]:
        """What of an order waits at which node."""
        for node in (DC, WAREHOUSE, STORE):
            for shipment in self._warehouse.queue(node):
                if shipment["order_id"] == shopper.id:
                    yield node, shipment

    def send(self, shopper: Shopper) -> None:
        """Pack all that waits, and bring it to its customer or hand it over."""
        for _, shipment in list(self.waiting(shopper)):
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
