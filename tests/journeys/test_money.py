"""An order's money after it was placed: what is cancelled, credited, lost and paid anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from parcelway.domain.money import Money
from parcelway.ports.stripe_gateway import StripeGateway

from infra.demo.people import GOOD, Carrier, Client, Refused, Shopper, Warehouse, sign_in_staff
from infra.local.application import Application
from tests.journeys.test_backorders import (
    announce,
    choose,
    day,
    ready_to_place,
    receive,
    send,
    waiting,
)
from tests.orders import dossier_of

Json = dict[str, Any]
Article = Callable[..., str]


@pytest.fixture
def partly_sent(
    app: Application, shopper: Shopper, warehouse: Warehouse, carrier: Carrier, article: Article
) -> str:
    """Two of three units are delivered, the third is expected."""
    sku = article(units=2, price=1000)
    announce(warehouse, sku, 10, day(7))
    ready_to_place(shopper, (sku, 3))
    choose(shopper, "ship_available")
    shopper.place()
    shopper.pay()
    app.settle()
    (first,) = waiting(warehouse, shopper)
    send(app, warehouse, carrier, first)
    return sku


def gateway(app: Application) -> StripeGateway:
    """The provider's dashboard."""
    return StripeGateway(app.stripe.secret_key, api_base=app.stripe.api_base)


def lose_the_rest(app: Application, shopper: Shopper) -> None:
    """What is still held of the payment is released, as if it had lapsed."""
    payment = dossier_of(app.database, shopper.id).payments[-1]
    nothing = Money(0, payment.amount.currency)
    gateway(app).capture(payment.reference, nothing, key="by hand", final=True)
    app.settle()


def cancel_units(shopper: Shopper, *lines: tuple[str, int], key: str | None = None) -> Json:
    body = {"reason": "too late", "lines": [{"sku": s, "quantity": n} for s, n in lines]}
    return shopper.api.call("POST", f"{shopper.path}/cancel", body, key)


def link_of(shopper: Shopper) -> tuple[str, str]:
    path, _, token = shopper.order["tracking_path"].partition("?k=")
    return path, token


def test_what_waits_is_cancelled_when_part_has_left_and_the_order_ends(
    app: Application, shopper: Shopper, partly_sent: str
) -> None:
    before = shopper.order
    with pytest.raises(Refused) as refused:
        shopper.cancel()
    assert refused.value.code == "too-late"
    with pytest.raises(Refused) as refused:
        cancel_units(shopper, (partly_sent, 2))
    assert refused.value.code == "too-late"
    assert shopper.order == before
    answered = cancel_units(shopper, (partly_sent, 1), key="once")
    assert cancel_units(shopper, (partly_sent, 1), key="once")["version"] == answered["version"]
    app.settle()
    order, dossier = shopper.order, dossier_of(app.database, shopper.id)
    (invoice,) = dossier.invoices
    assert (order["state"], order["payment_status"]) == ("closed", "captured")
    assert order["captured"]["minor"] == order["payable"]["minor"] == invoice.gross.minor
    assert order["payable"]["minor"] < before["totals"]["gross"]["minor"]
    held = gateway(app).retrieve(dossier.payments[0].reference)
    assert held.authorized == held.captured  # the rest was released


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        ([], 422, "invalid-request"),
        ([("no-such-sku", 1)], 409, "quantity-mismatch"),
        ([("*", 99)], 409, "quantity-mismatch"),
        ([("*", 0)], 422, "invalid-request"),
        ([("*", 1), ("*", 1)], 409, "quantity-mismatch"),
    ],
)
def test_bad_units_are_refused_and_nothing_changes(
    shopper: Shopper, partly_sent: str, lines: list[tuple[str, int]], status: int, code: str
) -> None:
    before = shopper.order
    with pytest.raises(Refused) as refused:
        cancel_units(shopper, *[(partly_sent if s == "*" else s, n) for s, n in lines])
    assert (refused.value.status, refused.value.code) == (status, code)
    assert shopper.order == before


def test_what_lost_its_hold_is_paid_anew_by_the_link_of_the_mail(
    app: Application, shopper: Shopper, warehouse: Warehouse, carrier: Carrier, partly_sent: str
) -> None:
    lose_the_rest(app, shopper)
    assert not dossier_of(app.database, shopper.id).order.holds  # nothing of it is there yet
    app.stripe.decline_off_session()
    receive(warehouse, partly_sent, 10)
    app.settle()
    order = shopper.order
    open_ = order["payable"]["minor"] - order["captured"]["minor"]
    assert order["to_pay"]["minor"] == open_ > 0
    assert order["pay_until"] is not None
    kinds = [event.type for event in dossier_of(app.database, shopper.id).events]
    assert kinds.count("payment.needed") == 1

    path, token = link_of(shopper)
    with pytest.raises(Refused) as refused:
        Client(app.url).call("POST", f"{path}/payment", None, None, k="not-the-token")
    assert refused.value.status == 404
    payment = Client(app.url).call("POST", f"{path}/payment", None, None, k=token)
    assert payment["amount"]["minor"] == open_
    app.stripe.confirm(payment["client_secret"], GOOD)
    app.settle()
    assert shopper.order["to_pay"]["minor"] == 0
    (second,) = waiting(warehouse, shopper)
    send(app, warehouse, carrier, second)
    order = shopper.order
    assert order["state"] == "closed"
    assert order["captured"] == order["totals"]["gross"]
    assert len([p for p in dossier_of(app.database, shopper.id).payments if p.captured]) == 2


def test_a_credit_note_has_the_money_go_back_by_itself_and_once(
    app: Application, shopper: Shopper, partly_sent: str
) -> None:
    finance = Client(app.url)
    finance.headers["Authorization"] = f"Bearer {sign_in_staff(app, 'finance')}"
    (invoice,) = dossier_of(app.database, shopper.id).invoices
    body = {
        "invoice": invoice.number,
        "lines": [{"sku": partly_sent, "quantity": 1}],
        "reason": "broken",
    }
    path = f"/staff/orders/{shopper.id}/credit-notes"
    note = finance.call("POST", path, body, "note-1")
    assert finance.call("POST", path, body, "note-1") == note
    app.settle()
    order = shopper.order
    assert order["refunded"] == note["gross"]
    assert order["payment_status"] == "partially_refunded"
    with pytest.raises(Refused) as refused:
        finance.call("POST", path, body | {"lines": [{"sku": partly_sent, "quantity": 2}]})
    assert refused.value.status == 422
    app.settle()
    assert shopper.order["refunded"] == note["gross"]


def kinds(app: Application, shopper: Shopper) -> list[str]:
    return [event.type for event in dossier_of(app.database, shopper.id).events]


def test_the_kept_card_pays_for_what_comes_later_and_the_customer_is_not_bothered(
    app: Application, shopper: Shopper, warehouse: Warehouse, carrier: Carrier, partly_sent: str
) -> None:
    lose_the_rest(app, shopper)
    receive(warehouse, partly_sent, 10)
    app.settle()
    told = kinds(app, shopper)
    assert "payment.needed" not in told
    assert told.index("payment.due") < told.index("order.funded")
    assert shopper.order["to_pay"]["minor"] == 0
    (second,) = waiting(warehouse, shopper)
    send(app, warehouse, carrier, second)
    order = shopper.order
    assert (order["state"], order["captured"]) == ("closed", order["totals"]["gross"])
    # It was kept for this order alone.
    dossier = dossier_of(app.database, shopper.id)
    assert dossier.order.card == ""
    assert not any(gateway(app).retrieve(p.reference).keeps_card for p in dossier.payments)
    assert kinds(app, shopper)[-2:] == ["payment.card_released", "payment.card_deleted"]
