"""The journeys that are priced: a whole order, and a cart that nobody checks out."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from infra.cost.meter import Meter
from infra.demo.people import Shopper
from infra.faults.people import SHOP
from infra.local.gateway.messages import Request
from infra.sim.history import History
from infra.sim.laboratory import Laboratory
from infra.sim.people import Carrier, Client, staff

T = TypeVar("T")

MOST_LINES = 40
_NODE = "dc-columbus"
_HOUR = 3600.0
_CATALOGUE = Path(__file__).parents[1] / "sample" / "catalogue.jsonl"
_GRAMS = 300  # so that the parcel service takes the longest cart
QUIET = "looked after while it waits"
"""What the sweeper does of its own accord while an order waits for people."""


def shop_files(folder: Path) -> dict[str, Path]:
    """The sample shop with the first products of its catalogue, as many as the longest cart has
    lines, all of them at one node."""
    catalogue, stock = folder / "catalogue.jsonl", folder / "stock.jsonl"
    catalogue.write_text("\n".join(_products()))
    stock.write_text(
        "\n".join(f'{{"sku":"{sku}","node":"{_NODE}","quantity":1000}}' for sku in _skus())
    )
    return {**SHOP, "catalogue": catalogue, "stock": stock}


def _products() -> list[str]:
    rows = _CATALOGUE.read_text(encoding="utf-8").splitlines()
    return [row for row in rows if json.loads(row)["weight_grams"] <= _GRAMS][:MOST_LINES]


@cache
def _skus() -> list[str]:
    return [str(json.loads(product)["sku"]) for product in _products()]


def order(laboratory: Laboratory, lines: int) -> Meter:
    """Browse, fill the cart (one change), check out, pay, one parcel, delivered, tracked twice.

    Packed after four hours, shipped an hour later, in transit five hours later, delivered after
    two more days. Containers are warm, another customer did the same before, but what they keep
    for a minute (the shop's settings) is read anew in each step: so little else goes on.
    """
    return _priced(laboratory, lambda history, meter: _order(history, meter, lines))


def abandoned(laboratory: Laboratory, lines: int) -> Meter:
    """A cart that is filled and left."""
    return _priced(laboratory, lambda history, meter: _abandoned(history, meter, lines))


def _priced(laboratory: Laboratory, does: Callable[[History, Meter], None]) -> Meter:
    with laboratory.world() as world:
        history = History(world)

        def script() -> None:
            client = Client(world)
            indexer = world.lambdas.find("SearchIndexerFunction")
            world.handle(indexer, {"action": "rebuild"})
            client.call("GET", "/products")
            _order(history, Meter(world), 1)
            meter = Meter(world)
            does(history, meter)
            found.append(meter)

        found: list[Meter] = []
        history.script("customer", script)
        history.run()
        wrong = history.wrong()
        if wrong:
            raise RuntimeError(f"the journey went wrong: {wrong}")
    return found[0]


def _order(history: History, meter: Meter, lines: int) -> None:
    world = history.world
    client = Client(world)
    client.call("GET", "/products")
    client.call("GET", f"/products/{_skus()[0]}")
    meter.step("browse")
    shopper = _fill(history, lines)
    meter.step(f"cart, {lines} lines, one change")
    shopper.api.call("GET", f"{shopper.path}/delivery-options", None, None, country="US")
    shopper.deliver()
    shopper.describe()
    meter.step("delivery and details")
    placed = shopper.place()
    meter.step("checkout")
    shopper.pay()
    _rest(history)
    meter.step("pay, confirm, schedule, release")
    _wait(history, meter, 4)
    warehouse = staff(world, "warehouse")
    queue = warehouse.call("GET", f"/warehouse/nodes/{_NODE}/shipments")
    shipment = next(s for s in queue["shipments"] if s["order_id"] == shopper.id)
    path = f"/warehouse/orders/{shopper.id}/shipments/{shipment['id']}"
    warehouse.call("POST", f"{path}/pack", {})
    _rest(history)
    meter.step("pack")
    _wait(history, meter, 1)
    parcel = {"carrier": "Sample Parcel", "parcel_number": f"1Z{shipment['id'][-12:].upper()}"}
    warehouse.call("POST", f"{path}/ship", parcel)
    _rest(history)
    meter.step("ship, invoice, capture")
    _wait(history, meter, 5)
    Carrier(world).tell(parcel, "in_transit")
    _rest(history)
    meter.step("in transit")
    _wait(history, meter, 48)
    Carrier(world).tell(parcel, "delivered")
    _rest(history)
    meter.step("deliver, close")
    for _ in range(2):
        request = Request.build("GET", placed["tracking_path"], None, {"Accept": "text/html"})
        assert world.request(request).status == 200, "the tracking page"
    meter.step("track twice")


def _abandoned(history: History, meter: Meter, lines: int) -> None:
    _fill(history, lines)
    meter.step(f"cart, {lines} lines, one change")


def _fill(history: History, lines: int) -> Shopper:
    shopper = Shopper("", history.bank, "en", Client(history.world))
    history.orders[shopper.id] = shopper.id
    for sku in _skus()[:lines]:
        shopper.add(sku)
    shopper.api.call("PUT", f"{shopper.path}/lines/{_skus()[0]}", {"quantity": 2})
    return shopper


def _rest(history: History) -> None:
    """Until what was set in motion has come to rest."""
    history.world.kernel.sleep(30)


def _wait(history: History, meter: Meter, hours: float) -> None:
    """Nothing happens but what the sweeper thinks of."""
    history.world.kernel.sleep(hours * _HOUR)
    meter.step(QUIET)
