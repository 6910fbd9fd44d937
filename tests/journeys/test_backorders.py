"""Orders of more than there is, from the choice at checkout to the last parcel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from parcelway.ports import clock
from parcelway.store import stock

from infra.demo.people import Carrier, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.orders import dossier_of

Article = Callable[..., str]
Json = dict[str, Any]
NODE = "dc-columbus"


def day(days: int) -> date:
    return clock.now().date() + timedelta(days=days)


def announce(
    warehouse: Warehouse, sku: str, units: int, due: date, reference: str = "po-1"
) -> None:
    body = {"due": due.isoformat(), "quantity": units}
    warehouse.api.call("PUT", f"/stock/{sku}/nodes/{NODE}/supplies/{reference}", body)


def receive(warehouse: Warehouse, sku: str, units: int) -> None:
    body = {"quantity": units, "supply": "po-1"}
    warehouse.api.call("POST", f"/stock/{sku}/nodes/{NODE}/receipts", body)


def choose(shopper: Shopper, shortage: str) -> Json:
    return shopper.api.call("PATCH", shopper.path, {"shortage": shortage})


def ready_to_place(shopper: Shopper, *lines: tuple[str, int]) -> None:
    for sku, units in lines:
        shopper.add(sku, units)
    shopper.deliver()
    shopper.describe()


def waiting(warehouse: Warehouse, shopper: Shopper) -> list[Json]:
    return [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]


def units_waiting(shopper: Shopper) -> int:
    (line,) = shopper.order["lines"]
    return int(line["stages"].get("backordered", 0))


def send(app: Application, warehouse: Warehouse, carrier: Carrier, shipment: Json) -> None:
    parcel = warehouse.ship(shipment)
    app.settle()
    assert carrier.report(parcel, "delivered") == 200
    app.settle()


def balance(app: Application, sku: str) -> Any:
    (found,) = stock.balances_of(app.database, sku)
    return found


@pytest.fixture
def short(article: Article, warehouse: Warehouse) -> str:
    """Two are there, ten come in a week."""
    sku = article(units=2, price=1000)
    announce(warehouse, sku, 10, day(7))
    return sku


def test_more_than_there_is_needs_a_choice_and_the_refusal_says_when(
    shopper: Shopper, short: str
) -> None:
    ready_to_place(shopper, (short, 3))
    with pytest.raises(Refused) as refused:
        shopper.place()
    assert (refused.value.status, refused.value.code) == (409, "out-of-stock")
    (line,) = refused.value.problem["lines"]
    assert line["available"] == 2
    assert line["later"] == [{"quantity": 1, "date": day(7).isoformat()}]
    assert shopper.order["state"] == "draft"


def test_what_can_be_chosen_is_shown_with_dates_and_totals(
    shopper: Shopper, short: str, article: Article
) -> None:
    there = article(units=9, price=500)
    ready_to_place(shopper, (short, 3), (there, 1))
    found = shopper.api.call("GET", f"{shopper.path}/availability")
    assert not found["complete"]
    shown = {choice["shortage"]: choice["orders"] for choice in found["choices"]}
    assert list(shown) == ["ship_complete", "ship_available", "drop", "separate_order"]
    whole = shopper.order["totals"]["gross"]
    assert shown["ship_complete"][0]["total"] == shown["ship_available"][0]["total"] == whole
    assert shown["drop"][0]["total"]["minor"] < whole["minor"]
    assert len(shown["separate_order"]) == 2
    later = [{"quantity": 1, "due": day(7).isoformat()}]
    lines = {line["sku"]: line for line in shown["ship_available"][0]["lines"]}
    assert lines[short] == {"sku": short, "now": 2, "later": later}
    complete, available = (
        shown[name][0]["deliveries"][0] for name in ("ship_complete", "ship_available")
    )
    assert available["from_date"] < complete["from_date"]
    assert complete["from_date"] > day(7).isoformat()


def test_what_is_there_goes_at_once_and_the_rest_follows_its_receipt(
    app: Application, shopper: Shopper, warehouse: Warehouse, carrier: Carrier, short: str
) -> None:
    ready_to_place(shopper, (short, 3))
    choose(shopper, "ship_available")
    placed = shopper.place()
    assert placed["lines"][0]["stages"] == {"reserved": 2, "backordered": 1}
    assert placed["lines"][0]["expected"] == [{"quantity": 1, "due": day(7).isoformat()}]
    shopper.pay()
    app.settle()
    (first,) = waiting(warehouse, shopper)
    assert first["lines"][0]["quantity"] == 2
    send(app, warehouse, carrier, first)
    order = shopper.order
    assert order["state"] == "confirmed"
    assert (order["fulfilment_status"], waiting(warehouse, shopper)) == ("partially_delivered", [])

    receive(warehouse, short, 10)
    app.settle()
    (second,) = waiting(warehouse, shopper)
    assert second["lines"][0]["quantity"] == 1
    send(app, warehouse, carrier, second)
    order = shopper.order
    assert (order["state"], order["payment_status"]) == ("closed", "captured")
    assert order["captured"] == order["totals"]["gross"]
    assert balance(app, short).available == 9
    assert len(dossier_of(app.database, shopper.id).invoices) == 2


def test_an_order_that_waits_for_all_leaves_in_one_parcel(
    app: Application,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
    short: str,
    article: Article,
) -> None:
    there = article(units=9, price=500)
    ready_to_place(shopper, (short, 3), (there, 1))
    choose(shopper, "ship_complete")
    shopper.place()
    shopper.pay()
    app.settle()
    assert shopper.order["fulfilment_status"] == "backordered"
    assert waiting(warehouse, shopper) == []
    receive(warehouse, short, 1)
    app.settle()
    (only,) = waiting(warehouse, shopper)
    assert sum(line["quantity"] for line in only["lines"]) == 4
    send(app, warehouse, carrier, only)
    assert shopper.order["state"] == "closed"


def test_dropping_the_rest_lowers_the_total_before_any_money_is_held(
    app: Application, shopper: Shopper, warehouse: Warehouse, carrier: Carrier, short: str
) -> None:
    ready_to_place(shopper, (short, 3))
    before = shopper.order["totals"]["gross"]
    choose(shopper, "drop")
    with pytest.raises(Refused) as refused:
        shopper.place(expected_total=before)
    assert refused.value.code == "total-changed"
    placed = shopper.place(expected_total=refused.value.problem["total"])
    assert placed["lines"][0]["quantity"] == 2
    shopper.pay()
    app.settle()
    assert shopper.order["authorized"] == placed["totals"]["gross"]
    (only,) = waiting(warehouse, shopper)
    send(app, warehouse, carrier, only)
    assert shopper.order["state"] == "closed"


def test_a_separate_order_is_paid_and_sent_on_its_own(
    app: Application, shopper: Shopper, warehouse: Warehouse, carrier: Carrier, short: str
) -> None:
    ready_to_place(shopper, (short, 3))
    choose(shopper, "separate_order")
    key = "the-same-click-twice-7f0c2f3a"
    placed = shopper.place(key)
    assert shopper.place(key)["linked_orders"] == placed["linked_orders"]
    (other_id,) = placed["linked_orders"]
    shopper.pay()
    first_id, shopper.id = shopper.id, other_id
    first_path, shopper.path = shopper.path, f"/carts/{other_id}"
    other = shopper.order
    assert (other["state"], other["linked_orders"]) == ("placed", [first_id])
    assert other["lines"][0]["unit_price"] == placed["lines"][0]["unit_price"]
    assert other["lines"][0]["stages"] == {"backordered": 1}
    shopper.pay()
    app.settle()
    receive(warehouse, short, 5)
    app.settle()
    (later,) = waiting(warehouse, shopper)
    send(app, warehouse, carrier, later)
    assert shopper.order["state"] == "closed"
    shopper.id, shopper.path = first_id, first_path
    (now,) = waiting(warehouse, shopper)
    send(app, warehouse, carrier, now)
    assert shopper.order["state"] == "closed"


def test_a_supply_that_slips_dates_the_order_anew_and_tells_its_customer_once(
    app: Application, shopper: Shopper, warehouse: Warehouse, short: str
) -> None:
    ready_to_place(shopper, (short, 3))
    choose(shopper, "ship_available")
    placed = shopper.place()
    shopper.pay()
    app.settle()
    announce(warehouse, short, 10, day(30))
    app.settle()
    (delivery,) = shopper.order["deliveries"]
    assert delivery["promised_to"] == placed["deliveries"][0]["promised_to"]
    assert delivery["revised"] and delivery["revision_reason"] == "supply"
    assert delivery["expected_to"] > day(30).isoformat()
    number = shopper.order["tracking_number"]
    told = [mail.subject for mail in app.stack.mails() if number in mail.subject]
    assert [subject for subject in told if "new date" in subject] == told[1:]
    assert len(told) == 2
    announce(warehouse, short, 10, day(29))  # earlier than that changes no promise
    app.settle()
    assert shopper.order["deliveries"][0]["expected_to"] == delivery["expected_to"]


def test_receipts_go_to_the_queue_first_come_first_served(
    app: Application, warehouse: Warehouse, article: Article
) -> None:
    sku = article(units=0)
    announce(warehouse, sku, 6, day(3))
    shoppers = [Shopper(app.url, app.stripe) for _ in range(3)]
    for each in shoppers:
        ready_to_place(each, (sku, 2))
        choose(each, "ship_available")
        each.place()
        each.pay()
    app.settle()
    late = Shopper(app.url, app.stripe)
    with pytest.raises(Refused) as refused:  # all that comes is promised
        late.add(sku, 1)
    assert refused.value.code == "out-of-stock"
    receive(warehouse, sku, 3)
    app.settle()
    assert [each.order["lines"][0]["stages"].get("backordered", 0) for each in shoppers] == [
        0,
        1,
        2,
    ]
    shoppers[0].cancel()
    app.settle()
    assert [each.order["lines"][0]["stages"].get("backordered", 0) for each in shoppers[1:]] == [
        0,
        1,
    ]
    receive(warehouse, sku, 3)
    app.settle()
    assert balance(app, sku).available == 2


def test_buyers_who_come_together_are_promised_what_comes_and_no_more(
    app: Application, warehouse: Warehouse, article: Article
) -> None:
    sku = article(units=4)
    announce(warehouse, sku, 6, day(5))

    def buy(_: int) -> bool:
        shopper = Shopper(app.url, app.stripe)
        try:
            ready_to_place(shopper, (sku, 1))
            choose(shopper, "ship_available")
            shopper.place()
        except Refused as refused:
            assert refused.code == "out-of-stock"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        bought = list(pool.map(buy, range(16)))
    assert sum(bought) == 10
    app.settle()
    assert (balance(app, sku).reserved, balance(app, sku).backordered) == (4, 6)


def test_an_order_nobody_pays_for_gives_its_place_in_the_queue_back(
    app: Application, shopper: Shopper, warehouse: Warehouse, short: str
) -> None:
    ready_to_place(shopper, (short, 3))
    choose(shopper, "ship_available")
    shopper.place()
    app.travel(timedelta(minutes=31))
    app.stack.fire("SweeperFunction")
    app.settle()
    assert shopper.order["state"] == "expired"
    assert (balance(app, short).available, balance(app, short).backordered) == (2, 0)


def test_units_that_turn_up_at_another_node_go_to_who_waits(
    app: Application, shopper: Shopper, warehouse: Warehouse, short: str
) -> None:
    ready_to_place(shopper, (short, 3))
    choose(shopper, "ship_available")
    shopper.place()
    shopper.pay()
    app.settle()
    path = f"/stock/{short}/nodes/wh-louisville/receipts"
    warehouse.api.call("POST", path, {"quantity": 4})
    app.travel(timedelta(days=1, hours=1))
    app.stack.fire("SweeperFunction")
    app.settle()
    (second,) = [s for s in warehouse.queue("wh-louisville") if s["order_id"] == shopper.id]
    assert second["lines"][0]["quantity"] == 1
    assert units_waiting(shopper) == 0
