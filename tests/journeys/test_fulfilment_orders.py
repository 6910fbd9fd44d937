"""What a node does not send comes from elsewhere, comes later, or is not paid for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from parcelway.ports import clock
from parcelway.store import stock, stock_books

from infra.demo.people import Carrier, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.orders import dossier_of

Article = Callable[..., str]
Json = dict[str, Any]
HERE, THERE = "dc-columbus", "wh-louisville"


def stocked(app: Application, article: Article, units: dict[str, int], price: int = 1000) -> str:
    """A product with stock at several nodes."""
    sku = article(units=0, price=price)
    for node, count in units.items():
        stock_books.count(app.database, sku, node, count, clock.now(), "test")
    return sku


def waiting(warehouse: Warehouse, shopper: Shopper, node: str) -> list[Json]:
    return [s for s in warehouse.queue(node) if s["order_id"] == shopper.id]


def bought(app: Application, shopper: Shopper, *lines: tuple[str, int], shortage: str = "") -> Json:
    for sku, units in lines:
        shopper.add(sku, units)
    shopper.deliver()
    shopper.describe()
    if shortage:
        shopper.api.call("PATCH", shopper.path, {"shortage": shortage})
    placed = shopper.place()
    shopper.pay()
    app.settle()
    return placed


def send(app: Application, warehouse: Warehouse, carrier: Carrier, *shipments: Json) -> None:
    for shipment in shipments:
        parcel = warehouse.ship(shipment)
        app.settle()
        assert carrier.report(parcel, "delivered") == 200
        app.settle()


def books(app: Application, sku: str) -> dict[str, tuple[int, int, int]]:
    """On hand, available and damaged by node."""
    found = stock.balances_of(app.database, sku)
    return {b.node: (b.on_hand, b.available, b.damaged) for b in found}


def paid_to_the_cent(shopper: Shopper, app: Application, parcels: int) -> None:
    """Every unit was invoiced once, and the invoices are what was promised to be paid."""
    order, invoices = shopper.order, dossier_of(app.database, shopper.id).invoices
    assert (order["state"], order["payment_status"]) == ("closed", "captured")
    assert order["captured"] == order["totals"]["gross"]
    assert len(invoices) == parcels
    assert sum(invoice.gross.minor for invoice in invoices) == order["totals"]["gross"]["minor"]


def test_a_unit_that_was_not_found_comes_from_the_other_warehouse(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    sku = stocked(app, article, {HERE: 5, THERE: 5}, price=333)
    bought(app, shopper, (sku, 2))
    (first,) = waiting(warehouse, shopper, HERE)
    short = {"lines": [{"sku": sku, "picked": 1}]}
    answer = warehouse.report(first, "short-pick", short)
    assert answer["lines"][0]["stages"] == {"released": 1, "reserved": 1}
    app.settle()
    assert books(app, sku) == {HERE: (4, 3, 0), THERE: (5, 4, 0)}
    (kept,), (new,) = (waiting(warehouse, shopper, node) for node in (HERE, THERE))
    assert kept["id"] == first["id"] != new["id"]
    assert [one["lines"][0]["quantity"] for one in (kept, new)] == [1, 1]
    history = warehouse.api.call("GET", f"/stock/{sku}/nodes/{HERE}/journal")["entries"][0]
    assert (history["kind"], history["reason"]) == ("declined", "out_of_stock")
    assert history["source"] == shopper.id
    send(app, warehouse, carrier, kept, new)
    paid_to_the_cent(shopper, app, parcels=2)
    assert books(app, sku) == {HERE: (3, 3, 0), THERE: (4, 4, 0)}


def test_a_late_parcel_is_still_captured_when_the_other_has_long_arrived(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    sku = stocked(app, article, {HERE: 2, THERE: 5})
    bought(app, shopper, (sku, 2))
    (first,) = waiting(warehouse, shopper, HERE)
    warehouse.report(first, "short-pick", {"lines": [{"sku": sku, "picked": 1}]})
    app.settle()
    send(app, warehouse, carrier, *waiting(warehouse, shopper, HERE))
    order = shopper.order
    assert (order["state"], order["fulfilment_status"]) == ("confirmed", "partially_delivered")
    assert order["captured"]["minor"] < order["totals"]["gross"]["minor"]
    send(app, warehouse, carrier, *waiting(warehouse, shopper, THERE))
    paid_to_the_cent(shopper, app, parcels=2)


def test_rejected_by_the_only_node_it_waits_for_its_supply(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    sku = stocked(app, article, {HERE: 2})
    due = clock.now().date() + timedelta(days=9)
    place = f"/stock/{sku}/nodes/{HERE}"
    expected = {"due": due.isoformat(), "quantity": 10}
    warehouse.api.call("PUT", f"{place}/supplies/po-9", expected)
    placed = bought(app, shopper, (sku, 2), shortage="ship_available")
    (first,) = waiting(warehouse, shopper, HERE)
    answer = warehouse.report(first, "reject", {"reason": "damaged", "note": "water"})
    assert answer["lines"][0]["expected"] == [{"quantity": 2, "due": due.isoformat()}]
    app.settle()
    order = shopper.order
    assert order["state"] == "confirmed"
    assert waiting(warehouse, shopper, HERE) == []
    (before,), (now,) = placed["deliveries"], order["deliveries"]
    assert now["promised_to"] == before["promised_to"]
    assert (now["expected_to"] > now["promised_to"], now["revision_reason"]) == (True, "replanned")
    assert books(app, sku) == {HERE: (2, -2, 2)}

    warehouse.api.call("POST", f"{place}/receipts", {"quantity": 10, "supply": "po-9"})
    app.settle()
    send(app, warehouse, carrier, *waiting(warehouse, shopper, HERE))
    paid_to_the_cent(shopper, app, parcels=1)
    assert books(app, sku) == {HERE: (10, 8, 2)}


def test_what_nobody_has_is_cancelled_and_not_paid_and_the_customer_is_told(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    sku = stocked(app, article, {HERE: 3}, price=777)
    placed = bought(app, shopper, (sku, 3))
    (first,) = waiting(warehouse, shopper, HERE)
    warehouse.report(first, "short-pick", {"lines": [{"sku": sku, "picked": 1}]})
    app.settle()
    (told,) = [m for m in app.stack.mails() if placed["tracking_number"] in (m.text or "")][-1:]
    assert "cancel" in (told.text or "")
    assert f"2 × Thing {sku}" in (told.text or "")
    send(app, warehouse, carrier, *waiting(warehouse, shopper, HERE))
    order = shopper.order
    (invoice,) = dossier_of(app.database, shopper.id).invoices
    assert (order["state"], order["lines"][0]["stages"]) == (
        "closed",
        {"delivered": 1, "cancelled": 2},
    )
    assert order["captured"]["minor"] == invoice.gross.minor
    assert order["captured"]["minor"] < placed["totals"]["gross"]["minor"]


def test_a_node_without_room_is_not_asked_again_and_its_books_stay(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    sku = stocked(app, article, {HERE: 9, THERE: 9})
    bought(app, shopper, (sku, 1))
    (first,) = waiting(warehouse, shopper, HERE)
    warehouse.report(first, "reject", {"reason": "capacity"})
    app.settle()
    assert books(app, sku) == {HERE: (9, 9, 0), THERE: (9, 8, 0)}
    (second,) = waiting(warehouse, shopper, THERE)
    answer = warehouse.report(second, "reject", {"reason": "closed"})
    assert (answer["state"], answer["cancel_reason"]) == ("cancelled", "closed")
    app.settle()
    assert books(app, sku) == {HERE: (9, 9, 0), THERE: (9, 9, 0)}
    assert shopper.order["payment_status"] == "voided"


def test_a_shipment_is_moved_and_split(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    sku = stocked(app, article, {HERE: 3, THERE: 3}, price=999)
    bought(app, shopper, (sku, 3))
    (first,) = waiting(warehouse, shopper, HERE)
    warehouse.report(first, "move", {"node": THERE, "note": "the conveyor stands still"})
    app.settle()
    assert waiting(warehouse, shopper, HERE) == []
    (moved,) = waiting(warehouse, shopper, THERE)
    for wrong in (0, 3, 4):
        with pytest.raises(Refused):
            lines = [{"sku": sku, "quantity": wrong}]
            warehouse.report(moved, "split", {"lines": lines})
    warehouse.report(moved, "split", {"lines": [{"sku": sku, "quantity": 1}]})
    app.settle()
    parcels = waiting(warehouse, shopper, THERE)
    assert sorted(one["lines"][0]["quantity"] for one in parcels) == [1, 2]
    send(app, warehouse, carrier, *parcels)
    paid_to_the_cent(shopper, app, parcels=2)
    assert books(app, sku) == {HERE: (3, 3, 0), THERE: (0, 0, 0)}


def test_a_shipment_on_hold_is_neither_packed_nor_sent(
    app: Application, article: Article, shopper: Shopper, warehouse: Warehouse, carrier: Carrier
) -> None:
    bought(app, shopper, (stocked(app, article, {HERE: 1}), 1))
    (one,) = waiting(warehouse, shopper, HERE)
    assert warehouse.report(one, "accept")["accepted_at"]
    held = warehouse.report(one, "hold", {"reason": "address", "note": "no such number"})
    assert (held["held"], held["held_note"]) == ("address", "no such number")
    for path in ("?held=yes", "?accepted=yes", "?status=released"):
        found = warehouse.api.call("GET", f"/warehouse/nodes/{HERE}/shipments{path}")["shipments"]
        assert one["id"] in {each["id"] for each in found}
    with pytest.raises(Refused) as refused:
        warehouse.report(one, "pack")
    assert refused.value.code == "illegal-state"
    warehouse.report(one, "release-hold")
    send(app, warehouse, carrier, one)
    assert shopper.order["state"] == "closed"


@pytest.mark.parametrize(
    ("what", "body", "code"),
    [
        ("move", {"node": "nowhere"}, "invalid-request"),
        ("move", {"node": HERE}, "invalid-request"),
        ("move", {"node": THERE}, "out-of-stock"),
        ("reject", {"reason": "no mood"}, "invalid-request"),
        ("hold", {"reason": "no mood"}, "invalid-request"),
        ("short-pick", {"lines": []}, "invalid-request"),
        ("short-pick", {"lines": [{"sku": "other", "picked": 1}]}, "quantity-mismatch"),
        ("split", {"lines": [{"sku": "other", "quantity": 1}]}, "quantity-mismatch"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    app: Application,
    article: Article,
    shopper: Shopper,
    warehouse: Warehouse,
    what: str,
    body: Json,
    code: str,
) -> None:
    sku = stocked(app, article, {HERE: 2, THERE: 1})
    bought(app, shopper, (sku, 2))
    (one,) = waiting(warehouse, shopper, HERE)
    before = dossier_of(app.database, shopper.id), books(app, sku)
    with pytest.raises(Refused) as refused:
        warehouse.report(one, what, body)
    assert refused.value.code == code
    assert (dossier_of(app.database, shopper.id), books(app, sku)) == before
    shopper.cancel()
