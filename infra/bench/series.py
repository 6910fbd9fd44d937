"""Invoices of one series while many parcels leave at once: `python -m infra.bench.series`.

The product's own code on the model of a sale (`hot_sku.py`: a read takes 4 ms, a transaction
occupies its items for 10 ms, time is virtual and our own CPU takes none of it). First one invoice
in a transaction: one after the other, then in so many containers as parcels leave in parallel; then
the writer that is deployed, which puts up to 16 into each, once by itself and once as two, as many
as Lambda may run of it.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.config import Config
from parcelway.domain import authorization, fulfilment, scheduling
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.money import zero
from parcelway.domain.order import totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment
from parcelway.store.commit import Busy
from parcelway.store.issuing import MOST_READ, Asked, issue_invoices
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.series import numbers_given
from parcelway.store.shop import load_shop

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import READ_SECONDS, Shop, place, sleeping_in
from infra.bench.tables import FAKE, container, in_model
from infra.bench.text import table
from infra.bench.wire import Wire
from infra.sim.kernel import InOrder, Kernel

_AGAIN_SECONDS = 2.0  # until what failed comes again
_BATCH = 480  # what Lambda hands the writer at most
_WAYS = (
    ("one in a transaction, one after the other", 1, 1),
    ("one in a transaction, 16 containers", 16, 1),
    ("one in a transaction, 64 containers", 64, 1),
    ("the writer", 1, _BATCH),
    ("the writer, twice at once", 2, _BATCH),
)
_WRITER = 3


@dataclass(frozen=True, slots=True)
class Issuing:
    """What came of it: numbers in order, seconds until the last, transactions that met another."""

    numbers: tuple[int, ...]
    seconds: float
    conflicts: int

    @property
    def rate(self) -> float:
        """Invoices per second."""
        return len(self.numbers) / self.seconds


def issued(client: Any, *, parcels: int = 300, containers: int = 16, batch: int = 1) -> Issuing:
    """So many parcels that have left get their invoices, in empty tables: `batch` are asked for at
    once in each container."""
    random.seed(parcels * containers)
    shop = Shop(container(client), parcels)
    todo = deque(shipped(shop, order_id) for order_id in shop.carts(parcels))
    contended = ConflictWindow(client, 0.01, READ_SECONDS)
    kernel = Kernel(shop.now, InOrder())
    start, ends = kernel.now, list[float]()

    def work() -> None:
        db = replace(container(contended), memory={})
        while todo:
            asked = [todo.popleft() for _ in range(min(batch, len(todo)))]
            while failed := issue_invoices(db, asked, lambda: shop.now):
                wrong = [each for each in failed.values() if not isinstance(each, Busy)]
                assert not wrong, wrong
                asked = list(failed)
                kernel.sleep(_AGAIN_SECONDS)
            ends.append(kernel.now)

    with sleeping_in(kernel):
        for number in range(containers):
            kernel.spawn(f"container {number}", work)
        kernel.run()
    for _, failure in kernel.failures:
        raise failure
    numbers = sorted(numbers_given(shop.db, _series(shop)))
    return Issuing(tuple(numbers), max(ends) - start, contended.conflicts)


def cpu_seconds(parcels: int = MOST_READ, runs: int = 5) -> float:
    """What the writer takes of a CPU for an invoice, with botocore and without the network."""
    random.seed(parcels)
    client = in_model()
    shop = Shop(container(client), parcels)
    asked = [shipped(shop, order_id) for order_id in shop.carts(parcels)]
    wire, best = Wire(client.model), float("inf")
    with wire.installed():
        config = Config(parameter_validation=False)  # as the writer's own
        db = container(boto3.client("dynamodb", config=config, **FAKE))
        load_shop(db)
        wire.record()
        assert issue_invoices(db, asked, lambda: shop.now) == {}
        for _ in range(runs):
            wire.replay()
            started = time.process_time()
            issue_invoices(db, asked, lambda: shop.now)
            best = min(best, time.process_time() - started)
    return best / parcels


def _series(shop: Shop) -> str:
    return load_shop(shop.db).settings.invoice_series


def shipped(shop: Shop, order_id: str) -> Asked:
    """An order of which everything has left."""
    placed = place(shop.db, order_id, shop.now)
    gross, nothing = totals(placed).gross, zero(placed.currency)
    asked = GatewayPayment(
        f"pi_{order_id}", order_id, 1, "awaiting_customer", gross, nothing, nothing, nothing
    )
    started = _saved(shop, authorization.start(placed, asked, shop.now))
    held = replace(asked, status="authorized", authorized=gross)
    facts = _facts(shop, order_id)
    paid = _saved(shop, authorization.observe(started.order, started.payment, held, facts))
    facts = _facts(shop, order_id)
    planned = _saved(shop, scheduling.schedule(paid.order, (), 1, facts))
    released = _saved(shop, fulfilment.release(planned.order, planned.shipments[0], facts))
    packed = _saved(shop, fulfilment.pack(released.order, released.shipments[0], SYSTEM, facts))
    parcel = packed.shipments[0]
    _saved(shop, fulfilment.ship(packed.order, parcel, "van", order_id, SYSTEM, facts))
    return Asked(order_id, parcel.id)


def _saved(shop: Shop, made: Decision | None) -> Decision:
    assert made is not None
    save(shop.db, made, shop.now)
    return made


def _facts(shop: Shop, order_id: str) -> Facts:
    order = get_order(shop.db, order_id)
    assert order is not None
    return read_facts(shop.db, order, shop.now, exact=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit code 1 when a series has a gap."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench.series", description=__doc__)
    parser.add_argument("--parcels", type=int, default=960)
    asked = parser.parse_args(arguments)
    rows, rates, gapless = [], list[float](), True
    for name, containers, batch in _WAYS:
        parcels = asked.parcels if batch > 1 else min(300, asked.parcels)
        run = issued(in_model(), parcels=parcels, containers=containers, batch=batch)
        gapless &= run.numbers == tuple(range(1, parcels + 1))
        rates.append(run.rate)
        rows.append((name, f"{run.rate:.0f}", f"{run.conflicts / parcels:.2f}"))
    print(table(("way", "invoices/s", "conflicts/invoice"), rows))
    cpu = cpu_seconds()
    print(f"the writer takes {cpu * 1000:.2f} ms of CPU an invoice; ", end="")
    print(f"with it {1 / (1 / rates[_WRITER] + cpu):.0f} invoices/s")
    print("no number twice, none left out" if gapless else "THE SERIES HAS A GAP")
    return 0 if gapless else 1


if __name__ == "__main__":
    raise SystemExit(main())
