"""A sale of one article: 1,000 buyers at 64 doors for 500 units, `make races`.

The product's own path (read, decide, commit, retries, reclaiming, splitting) twice in the same run:
as it is, and with containers that forget what they have read, so that the balance is never split.
No emulator ever reports a conflict: `ConflictWindow` adds AWS's rule. How long a transaction is on
its items is an assumption, AWS has published no figure.

It runs on our model of DynamoDB. Time is virtual: a read takes 4 ms, a transaction its window, a
pause what it takes, and our own CPU nothing. So the figures are the same on any machine, however
busy; on threads they said more of the machine than of the design (18 orders a second one time, 60
the next).
"""

from __future__ import annotations

import argparse
import io
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from parcelway.domain import cart, checkout, delivery
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.parties import Address, Contact
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Entry, after
from parcelway.domain.tracking import new_number
from parcelway.ports import clock
from parcelway.store import catalogue, shards
from parcelway.store.codec import decode
from parcelway.store.commit import Busy
from parcelway.store.database import Database
from parcelway.store.items import from_item
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts, selling
from parcelway.store.stock import read_balances
from parcelway.store.stock_books import count

from infra.bench.conflicts import ConflictWindow
from infra.bench.tables import container, in_model, scan
from infra.bench.text import table
from infra.cli.load import load
from infra.local.application import SAMPLE_FILES
from infra.local.patching import Patches
from infra.sim.kernel import InOrder, Kernel

SKU, NODE = "HOT-1", "dc-columbus"
READ_SECONDS = 0.004  # seconds
_HOME = Address("Ann Example", "1 Main Street", "Columbus", "43215", "US", region="OH")


@dataclass(frozen=True, slots=True)
class Sale:
    """What came of a sale; `seconds` until the last order; `units` are write units, without those
    of indexes."""

    sold: int
    sold_out: int
    gave_up: int
    seconds: float
    calls: int
    conflicts: int
    units: int
    shards: int
    wrong: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Orders per second until the last one."""
        return self.sold / self.seconds


class Forgetful(dict[str, Any]):
    """A container's memory that keeps nothing of stock: it neither splits nor knows of a split."""

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Something new each time for what is remembered of stock."""
        return default if name == "shards" else super().setdefault(name, default)


@dataclass
class Shop:
    """The sample shop with one article."""

    db: Database
    units: int
    sku: str = SKU
    now: datetime = field(default_factory=clock.now)

    def __post_init__(self) -> None:
        files = {name: SAMPLE_FILES[name] for name in ("shop", "nodes", "services")}
        load(self.db, files, io.StringIO())
        article = Product(self.sku, "Hot article", Money(1999, "USD"), tax_category="general")
        catalogue.upsert(self.db, [article], self.now)
        count(self.db, self.sku, NODE, self.units, self.now, "opening")

    def carts(self, count: int, quantity: int = 1) -> list[str]:
        """Ids of so many new carts, ready to be placed; their token is "t"."""
        db, ids = self.db, []
        nothing = Order("", 0, "draft", "USD", "en", self.now, "")
        facts = read_facts(db, nothing, self.now, self.sku)
        for number in range(count):
            order_id = f"ord_{random.getrandbits(64):016x}"
            draft = cart.new_draft(
                order_id, "t", facts, channel="online", currency="USD", language="en",
                asked=Command("new", ""),
            ).order  # fmt: skip
            draft = cart.add(draft, self.sku, quantity, facts, Command("add", "")).order
            contact = Contact("Ann Example", f"ann-{number}@example.com")
            draft = cart.describe(
                draft, facts, contact=contact, billing_address=_HOME, payment_method="card"
            ).order
            draft = delivery.deliver_to(draft, _HOME, "parcel-standard", "", facts).order
            save(db, Decision(replace(draft, version=1)), self.now)
            ids.append(order_id)
        return ids


def place(db: Database, order_id: str, now: datetime) -> Order:
    """Confirm a cart as the checkout function does. Raises Refusal and Busy."""

    def attempt() -> Order:
        order = get_order(db, order_id)
        assert order is not None
        decision = checkout.place(
            order,
            read_facts(db, order, now),
            Command("place", ""),
            names=(new_names(), new_names()),
            expected_total=None,
        )
        save(db, decision, now)
        return decision.order

    return selling(db, now, attempt)


def new_names() -> checkout.Names:
    return checkout.Names(new_number(random.choice), f"{random.getrandbits(128):032x}")


def sell(
    client: Any,
    *,
    buyers: int = 1000,
    units: int = 500,
    doors: int = 64,
    window: float = 0.01,
    splitting: bool = True,
) -> Sale:
    """One sale in empty tables: everybody buys one unit, at doors that are a container each."""
    random.seed(buyers * units * doors)  # the product rolls the common dice
    shop = Shop(container(client), units)
    carts = deque(shop.carts(buyers))
    contended = ConflictWindow(client, window, READ_SECONDS)
    times: list[float] = []
    outcomes: list[str] = []
    kernel = Kernel(shop.now, InOrder())
    start = kernel.now

    def door() -> None:
        memory: dict[str, Any] = {} if splitting else Forgetful()
        db = replace(container(contended), memory=memory)
        while carts:
            order_id = carts.popleft()
            try:
                place(db, order_id, shop.now)
                times.append(kernel.now)
            except Refusal as refusal:
                assert refusal.reason is Reason.OUT_OF_STOCK
                outcomes.append("sold out")
            except Busy:
                outcomes.append("gave up")

    with sleeping_in(kernel):
        for number in range(doors):
            kernel.spawn(f"door {number}", door)
        kernel.run()
    for _, failure in kernel.failures:
        raise failure
    found, _ = shards.read(container(client), [(SKU, NODE)], consistent=True)
    return Sale(
        len(times),
        outcomes.count("sold out"),
        outcomes.count("gave up"),
        max(times) - start,
        contended.calls.total(),
        contended.conflicts,
        contended.write_units,
        len(found[SKU, NODE]),
        tuple(wrong(shop, len(times))),
    )


def wrong(shop: Shop, held: int) -> list[str]:
    """How the article's books differ from `held` units being reserved, and nothing else."""
    db, complaints = replace(shop.db, memory={}), []
    key = shop.sku, NODE
    balance = replace(read_balances(db, [key], consistent=True)[key], counted_at=None)
    if balance != Balance(*key, shop.units, held):
        complaints.append(f"{held} of {shop.units} were sold, the balance says {balance}")
    entries = [
        decode(Entry, {name: item[name] for name in ("reference", "sequence", "at", "moves")})
        for item in map(from_item, scan(db.client, db.stock))
        if item["pk"].startswith("JRN#")
    ]
    moves = [move for entry in entries for move in entry.moves if move.sku == shop.sku]
    if after({}, moves) != {key: balance}:
        complaints.append(f"the journal says {after({}, moves)}, the balance {balance}")
    found, _ = shards.read(db, [key], consistent=True)
    complaints += [f"negative: {item}" for item in found[key] if item["available"] < 0]
    return complaints


@contextmanager
def sleeping_in(kernel: Kernel) -> Iterator[None]:
    """Whoever sleeps does so on the kernel's clock."""
    patches = Patches()
    patches.replace(time, "sleep", kernel.sleep)
    try:
        yield
    finally:
        patches.undo()


def report(sales: Sequence[tuple[str, Sale]]) -> str:
    """The sales side by side, one a row."""
    rows = [
        (
            name, str(sale.sold), f"{sale.rate:.0f}", f"{sale.units / max(1, sale.sold):.1f}",
            f"{sale.conflicts / _buyers(sale):.2f}", f"{sale.calls / _buyers(sale):.1f}",
            str(sale.gave_up), str(sale.shards), "no" if sale.wrong else "yes",
        )
        for name, sale in sales
    ]  # fmt: skip
    head = ("design", "sold", "orders/s", "units/sale", "conflicts/order", "calls/order")
    return table((*head, "gave up", "shards", "exact"), rows)


def _buyers(sale: Sale) -> int:
    return sale.sold + sale.sold_out + sale.gave_up


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit code 1 when a sale was not exact."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--buyers", type=int, default=1000)
    options.add_argument("--units", type=int, default=500)
    options.add_argument("--doors", type=int, default=64)
    options.add_argument("--window", type=float, default=10, help="milliseconds per transaction")
    given = options.parse_args(arguments)
    sales = []
    print(f"{given.buyers} buyers, {given.units} units, {given.doors} doors")
    for window in dict.fromkeys((0.0, given.window)):
        for name, splitting in (("one counter", False), ("split when crowded", True)):
            sale = sell(
                in_model(),
                buyers=given.buyers,
                units=given.units,
                doors=given.doors,
                window=window / 1000,
                splitting=splitting,
            )
            sales.append((f"{name}, {window:g} ms", sale))
            for complaint in sale.wrong:
                print(f"{name}: {complaint}")
    print(report(sales))
    return 1 if any(sale.wrong for _, sale in sales) else 0


if __name__ == "__main__":
    raise SystemExit(main())
