"""`make demo`: real baskets through the public API, some of them going wrong, then the balance.

Everything a person would do is done by a script, every step's result is checked, and the exit code
is 0 only when all of them were as they should be.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

from parcelway.domain.books import period_of
from parcelway.domain.mailing import mailed
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.ports import clock
from parcelway.store.codec import decode
from parcelway.store.ledger import postings_of
from parcelway.store.orders import get_dossier

from infra.demo.desk import ServiceDesk
from infra.demo.people import (
    DECLINED,
    GOOD,
    NEEDS_3D_SECURE,
    Carrier,
    Client,
    Refused,
    Shopper,
    Warehouse,
    sign_in_staff,
)
from infra.demo.scenes import Scenes
from infra.local.application import SAMPLE, SAMPLE_FILES, Application, running
from infra.verify import breaks

# What happens to every n-th basket, the first that fits; all others are simply delivered.
_FATES = {7: "cancelled", 5: "declined", 6: "collected", 3: "webhook three times", 4: "3-D Secure"}
_ENDS = {"cancelled": "cancelled", "declined": "placed"}  # the others end as closed
_LARGEST = 90  # lines an order can have


@dataclass(frozen=True, slots=True)
class Sale:
    """A basket that became an order, and what is to become of it."""

    shopper: Shopper
    fate: str


class Demo:
    """The replay, step by step; `failures` lists what was not as it should be."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.failures: list[str] = []
        self.sales: list[Sale] = []

    def step(self, text: str) -> None:
        """Say what is done next."""
        print(f"\n{text}", flush=True)

    def check(self, told: str, holds: bool) -> None:
        """Say what was found, and remember it if it should not be so."""
        print(f"  {'ok  ' if holds else 'FAIL'}  {told}", flush=True)
        if not holds:
            self.failures.append(told)

    def buy(self, baskets: list[dict[str, Any]]) -> None:
        """Put every basket in a cart, check out, and pay or fail to."""
        self.step(f"Buying {len(baskets)} real baskets")
        short = 0
        for number, basket in enumerate(baskets, start=1):
            shopper = Shopper(self._app.url, self._app.stripe, "de" if number % 8 == 0 else "en")
            short += self._fill(shopper, basket)
            if shopper.order["lines"]:
                self.sales.append(Sale(shopper, self._check_out(shopper, number, basket["node"])))
            print(f"\r  {number} of {len(baskets)}", end="", flush=True)
        fates = Counter(sale.fate for sale in self.sales)
        told = ", ".join(f"{count} {fate}" for fate, count in sorted(fates.items()))
        print(f"\r  {told}; {short} lines were out of stock")
        self.check("at least 50 orders were placed", len(self.sales) >= 50)
        self.check("every way to end is among them", {"delivered", *_FATES.values()} <= set(fates))

    def _fill(self, shopper: Shopper, basket: dict[str, Any]) -> int:
        """Add a basket's lines; how many the shop has not enough of."""
        short = 0
        for line in basket["lines"]:
            try:
                shopper.add(line["sku"], line["quantity"])
            except Refused as refused:
                short += 1
                if refused.code != "out-of-stock":
                    self.check(f"basket {basket['basket']}: {refused}", False)
        return short

    def _check_out(self, shopper: Shopper, number: int, store: str) -> str:
        """Place and pay for a cart; what is to become of it."""
        fate = next((fate for n, fate in _FATES.items() if number % n == 0), "delivered")
        shopper.describe(f"household-{number}@example.com", f"Household {number}")
        if fate == "collected" and not self._collect(shopper, store):
            fate = "delivered"
        if fate != "collected":
            shopper.deliver("van-delivery")
            shopper.place()
        if fate == "webhook three times":
            self._app.stripe.set_webhooks(copies=3, shuffle=True)
        shopper.pay({"declined": DECLINED, "3-D Secure": NEEDS_3D_SECURE}.get(fate, GOOD))
        if fate == "webhook three times":
            self._app.stripe.settle()
            self._app.stripe.set_webhooks(copies=1, shuffle=False)
        return fate

    def _collect(self, shopper: Shopper, store: str) -> bool:
        """Place it for collection, if the store has everything."""
        try:
            shopper.pick_up(store)
            shopper.place()
        except Refused as refused:
            if refused.code in ("out-of-stock", "delivery-unavailable"):
                return False
            raise
        return True

    def confirm(self) -> None:
        """See the payments come in, and some customers change their mind."""
        self.step("Payments come in by webhook; some customers cancel")
        self._app.settle(300)
        for sale in self.sales:
            if sale.fate == "cancelled":
                sale.shopper.cancel()
        self._app.settle(300)
        states = Counter(sale.shopper.order["state"] for sale in self.sales)
        print(f"  {dict(states)}")
        self.check("paid orders are confirmed", states["confirmed"] == self._wanted("closed"))

    def send(self) -> None:
        """Pack and ship at every node, deliver, and hand over at the stores."""
        self.step("The nodes pack and send, the carrier delivers")
        warehouse, carrier = Warehouse(self._app), Carrier(self._app)
        nodes = [node["id"] for node in json.loads(SAMPLE_FILES["nodes"].read_text())]
        parcels = []
        for node in nodes:
            for shipment in warehouse.queue(node):
                if shipment["method"] == "delivery":
                    parcels.append(warehouse.ship(shipment))
                    continue
                warehouse.report(shipment, "pack")
                warehouse.report(shipment, "ready")
        self._app.settle(300)
        for parcel in parcels:
            for status in ("in_transit", "out_for_delivery", "delivered"):
                carrier.report(parcel, status)
        customers = {sale.shopper.id: sale.shopper for sale in self.sales}
        for node in nodes:
            for shipment in warehouse.queue(node):
                said = {"code": customers[shipment["order_id"]].code()}
                warehouse.report(shipment, "hand-over", said)
        self._app.settle(300)
        print(f"  {len(parcels)} parcels delivered")

    def scenes(self) -> None:
        """Orders that cannot be sent in one piece."""
        scenes = Scenes(self._app, self.step, self.check)
        scenes.play()
        self.sales += [Sale(shopper, what) for what, shopper in scenes.orders]

    def desk(self) -> None:
        """Orders that others take for the customer."""
        desk = ServiceDesk(self._app, self.step, self.check)
        desk.play()
        self.sales += [Sale(shopper, how) for how, shopper in desk.orders]

    def verify(self) -> None:
        """Check every order, its documents and mails, and the books as a whole."""
        self.step("Checking")
        db = self._app.database
        wanted_mails = posted = documents = closed = 0
        for sale in self.sales:
            dossier = get_dossier(db, sale.shopper.id)
            assert dossier is not None
            order, wanted = dossier.order, _ENDS.get(sale.fate, "closed")
            if order.state != wanted:
                self.check(f"{order.id} ({sale.fate}) is {order.state}, not {wanted}", False)
            closed += order.state == "closed"
            wanted_mails += sum(mailed(event, order) for event in dossier.events)
            posted += len(postings_of(db, order.id))
            for invoice in dossier.invoices:
                documents += self._is_pdf(order, invoice.shipment_id)
            if wanted == "closed":
                invoiced = sum(invoice.gross.minor for invoice in dossier.invoices)
                if not invoiced == order.captured == totals(order).gross.minor:
                    self.check(f"{order.id}: invoiced {invoiced}, captured {order.captured}", False)
        all_closed = closed == self._wanted("closed")
        self.check(f"{closed} orders delivered or collected, and closed", all_closed)
        sent = [mail for mail in self._app.stack.mails() if "mail_id" in mail.tags]
        self.check(f"{len(sent)} mails, one per event", len(sent) == wanted_mails)
        self.check(f"{documents} invoices to download as PDF", documents >= self._wanted("closed"))
        broken = breaks(db, clock.now())
        for found in broken:
            self.check(str(found), False)
        self.check(f"stock and money books balance ({posted} postings)", not broken)
        self._trial_balance()

    def _trial_balance(self) -> None:
        """What finance sees of the month."""
        finance = Client(self._app.url)
        finance.headers["Authorization"] = f"Bearer {sign_in_staff(self._app, 'finance')}"
        month = {"period": period_of(clock.now()), "currency": "USD"}
        told = finance.call("GET", "/books/trial-balance", None, None, **month)
        print(f"\n  Trial balance {month['period']:>23}{'debit':>16}{'credit':>16}{'closing':>16}")
        for row in told["balances"]:
            amounts = (decode(Money, row[name]) for name in ("debit", "credit", "closing"))
            print(f"    {row['account']:<35}" + "".join(f"{amount!s:>16}" for amount in amounts))
        closing = sum(row["closing"]["minor"] for row in told["balances"])
        self.check("the trial balance balances", not closing and told["debits"] == told["credits"])

    def _is_pdf(self, order: Order, shipment_id: str) -> bool:
        """Whether the customer's link to an invoice leads to it."""
        path = f"/track/{order.tracking_number}/invoices/{shipment_id}"
        answer = self._app.stack.request("GET", path, query={"k": order.link_token})
        return bool(answer.status == 200 and answer.body[:5] == b"%PDF-")

    def _wanted(self, state: str) -> int:
        return sum(_ENDS.get(sale.fate, "closed") == state for sale in self.sales)


def main() -> int:
    """Run the demo; 0 only when everything was as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baskets", type=int, default=60, help="how many real baskets to replay")
    count = parser.parse_args().baskets
    lines = (SAMPLE / "baskets.jsonl").read_text().splitlines()
    baskets = [b for b in map(json.loads, lines) if len(b["lines"]) <= _LARGEST][:count]
    print("Starting Parcelway and loading the sample shop")
    with running() as app:
        app.load(SAMPLE_FILES)
        demo = Demo(app)
        demo.buy(baskets)
        demo.confirm()
        demo.send()
        demo.scenes()
        demo.desk()
        demo.verify()
    print(f"\n{'All checked.' if not demo.failures else f'{len(demo.failures)} FAILED.'}")
    return 1 if demo.failures else 0


if __name__ == "__main__":
    sys.exit(main())
