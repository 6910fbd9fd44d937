"""Pick-up in a store through the API: a code, a document, nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import requests
from parcelway.ports import clock
from parcelway.store import stock
from parcelway.store.orders import get_dossier

from infra.demo.people import HOME, Carrier, Json, Refused, Shopper, Warehouse
from infra.local.application import Application

Article = Callable[..., str]
STORE, NODE = "store-dayton", "dc-columbus"


def reserve(app: Application, shopper: Shopper, warehouse: Warehouse, sku: str, n: int) -> Json:
    """Buy `n` units for collection; the pick-up as it lies ready."""
    shopper.add(sku, n)
    shopper.pick_up(STORE)
    shopper.describe(f"{shopper.id}@example.com".replace("_", "-"))
    shopper.place()
    shopper.pay()
    app.settle()
    return lay_ready(app, shopper, warehouse)


def lay_ready(app: Application, shopper: Shopper, warehouse: Warehouse) -> Json:
    (shipment,) = [s for s in warehouse.queue(STORE) if s["order_id"] == shopper.id]
    with pytest.raises(Refused) as refused:
        warehouse.report(shipment, "ready")
    assert refused.value.code == "illegal-state"  # nothing is ready before it is picked
    warehouse.report(shipment, "pack")
    ready = warehouse.report(shipment, "ready")
    app.settle()
    return ready


def at_store(app: Application, sku: str) -> tuple[int, int]:
    """On hand and available there."""
    balances = stock.balances_of(app.database, sku)
    return next((b.on_hand, b.available) for b in balances if b.node == STORE)


def mails(app: Application, shopper: Shopper) -> list[str]:
    """The words of the mails about the order."""
    to = f"{shopper.id}@example.com".replace("_", "-")
    return [mail.text or "" for mail in app.stack.mails() if to in mail.to]


def travel_to(app: Application, moment: str) -> None:
    """Let it become a little later than a time the API told, and the sweeper run."""
    app.travel(datetime.fromisoformat(moment) - clock.now() + timedelta(minutes=1))
    app.stack.fire("SweeperFunction")
    app.settle()


def test_collected_with_the_code_of_the_mail(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    sku = article(units=5, node=STORE)
    ready = reserve(app, shopper, warehouse, sku, 2)
    assert at_store(app, sku) == (5, 3)  # it still lies there
    assert shopper.order["payment_status"] == "authorized"
    dossier = get_dossier(app.database, shopper.id)
    assert dossier is not None
    assert not dossier.invoices
    code = shopper.code()
    assert code in mails(app, shopper)[-1]
    assert code not in str(warehouse.queue(STORE))
    page = requests.get(
        app.url + shopper.order["tracking_path"], headers={"Accept": "text/html"}, timeout=60
    )
    assert code in page.text
    without_link = app.url + shopper.order["tracking_path"].partition("?")[0]
    assert code not in requests.get(without_link, timeout=60).text

    assert warehouse.report(ready, "hand-over", {"code": code})["status"] == "delivered"
    app.settle()
    order = shopper.order
    assert (order["state"], order["payment_status"]) == ("closed", "captured")
    assert order["captured"] == order["totals"]["gross"]
    assert at_store(app, sku) == (3, 3)
    assert "/invoices/" in mails(app, shopper)[-1]
    assert len(mails(app, shopper)) == 3  # confirmed, ready, collected


def test_five_wrong_codes_and_then_a_document(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    ready = reserve(app, shopper, warehouse, article(units=2, node=STORE), 1)
    right = shopper.code()
    wrong = f"{(int(right) + 1) % 10**6:06}"
    said = []
    for code in [*[wrong] * 5, right]:
        with pytest.raises(Refused) as refused:
            warehouse.report(ready, "hand-over", {"code": code})
        said.append((refused.value.status, refused.value.code))
    assert said == [(422, "wrong-pickup-code")] * 5 + [(409, "pickup-code-locked")]
    handed = warehouse.report(ready, "hand-over", {"identity_checked": "identity_card"})
    assert (handed["status"], handed["wrong_codes"]) == ("delivered", 5)
    app.settle()
    assert shopper.order["state"] == "closed"


def test_nobody_comes_one_reminder_and_then_it_costs_nothing(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    sku = article(units=2, node=STORE)
    ready = reserve(app, shopper, warehouse, sku, 2)
    dossier = get_dossier(app.database, shopper.id)
    assert dossier is not None
    remind_at = dossier.order.uncollected[ready["id"]]
    for _ in range(2):
        travel_to(app, remind_at.isoformat())
    reminder = mails(app, shopper)[-1]
    assert "Still waiting" in reminder or "still waits" in reminder
    assert shopper.code() in reminder
    assert len(mails(app, shopper)) == 3  # confirmed, ready, reminder
    for _ in range(2):
        travel_to(app, ready["collect_by"])
    order = shopper.order
    assert (order["state"], order["cancel_reason"]) == ("cancelled", "not_collected")
    assert (order["payment_status"], order["captured"]["minor"]) == ("voided", 0)
    assert at_store(app, sku) == (2, 2)
    assert "back on the shelf" in mails(app, shopper)[-1]
    assert len(mails(app, shopper)) == 4
    with pytest.raises(Refused) as refused:
        warehouse.report(ready, "hand-over", {"identity_checked": "passport"})
    assert refused.value.code == "illegal-state"


def test_what_was_sent_is_paid_and_what_nobody_collected_is_not(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    sent, kept = article(price=1500), article(units=3, price=700, node=STORE)
    shopper.add(sent)
    shopper.add(kept, 2)
    home = {"service": "parcel-standard", "address": HOME}
    shopper.divide(
        home | {"lines": [{"sku": sent, "quantity": 1}]},
        {"service": "store-pickup", "store": STORE, "lines": [{"sku": kept, "quantity": 2}]},
    )
    shopper.describe()
    shopper.place()
    shopper.pay()
    app.settle()
    (box,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    parcel = warehouse.ship(box)
    ready = lay_ready(app, shopper, warehouse)
    carrier.report(parcel, "delivered")
    app.settle()
    travel_to(app, ready["collect_by"])
    order = shopper.order
    assert order["state"] == "closed"
    dossier = get_dossier(app.database, shopper.id)
    assert dossier is not None
    (invoice,) = dossier.invoices
    assert invoice.gross.minor == order["captured"]["minor"] < order["totals"]["gross"]["minor"]
    assert order["refunded"]["minor"] == 0
    assert at_store(app, kept) == (3, 3)


def test_sent_to_the_store_and_collected_there(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    sku = article(units=5)  # in the distribution centre, none in the store
    shopper.add(sku, 2)
    shopper.pick_up(STORE, "ship-to-store")
    shopper.describe(f"{shopper.id}@example.com".replace("_", "-"))
    shopper.place()
    shopper.pay()
    app.settle()
    (box,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    assert (box["node"], box["to_store"], box["method"]) == (NODE, STORE, "pickup")
    with pytest.raises(Refused) as refused:
        warehouse.report(box, "received")
    assert refused.value.code == "illegal-state"
    parcel = warehouse.ship(box)
    carrier.report(parcel, "delivered")
    app.settle()
    order = shopper.order
    assert (order["state"], order["payment_status"]) == ("confirmed", "authorized")
    (coming,) = [s for s in warehouse.queue(STORE) if s["order_id"] == shopper.id]
    assert (coming["id"], coming["status"]) == (box["id"], "shipped")
    there = warehouse.report(coming, "received")
    assert (there["node"], there["status"]) == (STORE, "packed")
    assert at_store(app, sku) == (2, 0)
    warehouse.report(there, "ready")
    app.settle()
    warehouse.report(there, "hand-over", {"code": shopper.code()})
    app.settle()
    order = shopper.order
    assert (order["state"], order["payment_status"]) == ("closed", "captured")
    assert at_store(app, sku) == (0, 0)
    words = mails(app, shopper)
    assert len(words) == 4  # confirmed, sent to the store, ready, collected
    assert "we write again when you can collect it" in words[1]
    assert ["/invoices/" in each for each in words] == [False, False, False, True]


def test_sent_to_the_store_and_left_there(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    sku = article(units=3)
    shopper.add(sku)
    shopper.pick_up(STORE, "ship-to-store")
    shopper.describe()
    shopper.place()
    shopper.pay()
    app.settle()
    (box,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    warehouse.ship(box)
    app.settle()
    warehouse.report(box, "received")
    ready = warehouse.report(box, "ready")
    app.settle()
    travel_to(app, ready["collect_by"])
    order = shopper.order
    assert (order["cancel_reason"], order["payment_status"]) == ("not_collected", "voided")
    assert at_store(app, sku) == (1, 1)


def sent(app: Application, shopper: Shopper, warehouse: Warehouse, sku: str) -> Json:
    """Bought, and on its way to the store."""
    shopper.add(sku)
    shopper.pick_up(STORE, "ship-to-store")
    shopper.describe(f"{shopper.id}@example.com".replace("_", "-"))
    shopper.place()
    shopper.pay()
    return next_parcel(app, shopper, warehouse)


def next_parcel(app: Application, shopper: Shopper, warehouse: Warehouse) -> Json:
    """Sent from where the goods are, once it is to be packed there."""
    app.settle()
    (box,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    parcel = warehouse.ship(box)
    app.settle()
    return parcel


def test_lost_on_its_way_to_the_store_and_sent_again(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    sku = article(units=2)
    box = sent(app, shopper, warehouse, sku)
    app.travel(timedelta(days=6))
    app.settle()
    told = warehouse.report(box, "lost", {"note": "the carrier gave up"})
    assert told["lines"][0]["stages"] == {"reserved": 1}
    app.settle()
    told = warehouse.api.call("GET", f"/stock/{sku}/nodes/{NODE}/journal")
    assert [entry.get("reason") for entry in told["entries"]].count("lost") == 1
    next_parcel(app, shopper, warehouse)
    (coming,) = [s for s in warehouse.queue(STORE) if s["order_id"] == shopper.id]
    assert coming["id"] != box["id"]
    warehouse.report(coming, "received")
    warehouse.report(coming, "ready")
    app.settle()
    warehouse.report(coming, "hand-over", {"code": shopper.code()})
    app.settle()
    assert (shopper.order["state"], shopper.order["payment_status"]) == ("closed", "captured")
    words = mails(app, shopper)
    assert len(words) == 6  # confirmed, sent, later, sent, ready, collected
    assert "lost on its way to the store, so we send what was in it once more" in words[2]
    assert at_store(app, sku) == (0, 0)


def test_back_from_its_way_to_the_store_twice_and_given_up(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    sku = article(units=1)
    box = sent(app, shopper, warehouse, sku)
    carrier.report(box, "returned")
    app.settle()
    (back,) = [s for s in warehouse.queue(NODE) if s["order_id"] == shopper.id]
    assert (back["status"], back["tracking"]) == ("shipped", "returned")
    warehouse.report(back, "came-back")
    again = next_parcel(app, shopper, warehouse)
    assert warehouse.report(again, "came-back")["state"] == "cancelled"
    app.settle()
    order = shopper.order
    assert (order["cancel_reason"], order["payment_status"]) == ("returned_on_its_way", "voided")
    assert "did not get to the store, so we had to cancel it" in mails(app, shopper)[-1]
    balances = {b.node: (b.on_hand, b.available) for b in stock.balances_of(app.database, sku)}
    assert balances[NODE] == (1, 1)


def test_who_changes_their_mind_before_collecting_is_not_charged(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse
) -> None:
    sku = article(units=1, node=STORE)
    ready = reserve(app, shopper, warehouse, sku, 1)
    shopper.cancel()
    app.settle()
    order = shopper.order
    assert (order["state"], order["captured"]["minor"]) == ("cancelled", 0)
    assert at_store(app, sku) == (1, 1)
    with pytest.raises(Refused):
        warehouse.report(ready, "hand-over", {"identity_checked": "passport"})
