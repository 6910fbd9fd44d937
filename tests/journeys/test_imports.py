"""A marketplace's file: sent by the command, fulfilled, told back by its own ids, and paid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parcelway.domain.importing import order_id_of
from parcelway.domain.ledger import balances
from parcelway.store.credit import get_account
from parcelway.store.ledger import postings_of

from infra.cli.import_orders import TOKEN
from infra.cli.main import main
from infra.demo.marketplace import MACHINE, SOURCE, Marketplace, body, sold
from infra.demo.people import Carrier, Warehouse, sign_in_staff, staff, transfer
from infra.local.application import Application
from tests.journeys.test_backorders import send
from tests.orders import dossier_of

Article = Callable[..., str]


@pytest.fixture
def marketplace(app: Application) -> Marketplace:
    return Marketplace(app)


def imported(
    app: Application, file: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, list[dict[str, Any]]]:
    """What the command ends with, and what it wrote of each row."""
    monkeypatch.setenv(TOKEN, sign_in_staff(app, *MACHINE))
    code = main(["import-orders", str(file), "--source", SOURCE, "--api", app.url])
    written = file.with_name(f"{file.name}.{SOURCE}.results.jsonl").read_text()
    return code, [json.loads(line) for line in written.splitlines()]


def test_a_file_with_bad_rows_is_sent_fulfilled_told_and_paid(
    app: Application,
    marketplace: Marketplace,
    warehouse: Warehouse,
    carrier: Carrier,
    article: Article,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sku, name = article(price=2500), tmp_path.name
    rows = [sold(f"{name}-{n}", sku, quantity=n) for n in (1, 2, 3)]
    rows[1]["total"]["minor"] += 1
    file = tmp_path / "sold.jsonl"
    file.write_text(body(rows[:2]) + "no JSON\n" + body(rows[2:]))
    code, written = imported(app, file, monkeypatch)
    assert code == 1
    assert [(each["row"], each["status"]) for each in written] == [
        (1, "created"),
        (2, "refused"),
        (3, "refused"),
        (4, "created"),
    ]
    rows[1]["total"]["minor"] -= 1
    file.write_text(body(rows))
    code, written = imported(app, file, monkeypatch)
    assert code == 0
    assert [each["status"] for each in written] == ["known", "created", "known"]
    app.settle()

    orders = [order_id_of(SOURCE, row["external_id"]) for row in rows]
    reason = {"reason": "customer_request"}
    staff(app, "csr").call("POST", f"/staff/orders/{orders[2]}/cancel", reason)
    (shipment,) = [s for s in warehouse.queue("dc-columbus") if s["order_id"] == orders[0]]
    send(app, warehouse, carrier, shipment)
    seen = marketplace.order(rows[0]["external_id"])
    assert (seen["order_id"], seen["state"]) == (orders[0], "closed")
    (told,) = seen["parcels"]
    sent = dossier_of(app.database, orders[0]).shipments[0]
    assert (told["carrier"], told["parcel_number"]) == (sent.carrier, sent.parcel_number)
    assert told["tracking"] == "delivered" and told["lines"] == [{"sku": sku, "quantity": 1}]
    gone = marketplace.order(rows[2]["external_id"])
    assert (gone["state"], gone["cancel_reason"]) == ("cancelled", "customer_request")
    assert gone["cancelled"] == [{"sku": sku, "quantity": 3}] and gone["parcels"] == []

    gross = rows[0]["total"]["minor"]
    booked = postings_of(app.database, orders[0])
    assert balances(each.posting for each in booked)["receivables"] == gross
    path = f"/staff/orders/{orders[0]}/transfers"
    staff(app, "finance").call("POST", path, transfer(gross, f"B-{name}"))
    app.settle()
    paid = dossier_of(app.database, orders[0]).order
    assert (paid.payment_status, paid.outstanding) == ("captured", 0)
    account = get_account(app.database, SOURCE)
    assert account is not None
    assert account.open == rows[1]["total"]["minor"]  # of the order that still waits

    mails = [mail for mail in app.stack.mails() if rows[0]["contact"]["email"] in mail.to]
    numbers = {dossier_of(app.database, order).order.tracking_number for order in orders}
    assert not [mail for mail in mails if any(n in (mail.text or "") for n in numbers)]
