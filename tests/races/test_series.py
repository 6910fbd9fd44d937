"""Writers of one series at once, asked for the same parcels twice: every number is used once."""

from __future__ import annotations

import random
import threading
from typing import Any

from parcelway.ports import clock
from parcelway.store.commit import Busy
from parcelway.store.issuing import Asked, issue_invoices
from parcelway.store.orders import get_dossier
from parcelway.store.series import numbers_given

from infra.bench.conflicts import ConflictWindow
from infra.bench.hot_sku import Shop
from infra.bench.series import shipped
from infra.bench.tables import container
from infra.verify import breaks
from tests.races.crowd import at_once

PARCELS, WRITERS = 40, 6


def test_a_series_has_no_gap_whoever_writes_it(client: Any) -> None:
    shop = Shop(container(client), PARCELS, sku="SERIES-1")
    parcels = [shipped(shop, order_id) for order_id in shop.carts(PARCELS)]
    contended = ConflictWindow(client, 0.002)
    here = threading.local()

    def work(batch: list[Asked]) -> None:
        here.db = getattr(here, "db", None) or container(contended)
        while failed := issue_invoices(here.db, batch, clock.now):
            assert all(isinstance(each, Busy) for each in failed.values())
            batch = list(failed)

    rest, dice = parcels[8:], random.Random(7)
    batches = [[each] for each in parcels[:8]]  # some by themselves
    batches += [dice.sample(rest, 20) for _ in range(4)] + [rest[:16], rest[16:]]
    at_once(work, batches, threads=WRITERS)
    assert contended.conflicts > 0
    db = container(client)
    assert numbers_given(db, "INV") == set(range(1, PARCELS + 1))
    found = [get_dossier(db, each.order_id) for each in parcels]
    numbers = [[invoice.sequence for invoice in each.invoices] for each in found if each]
    assert sorted(numbers) == [[number] for number in range(1, PARCELS + 1)]
    assert [each for each in breaks(db, shop.now) if each.kind.startswith("invoice.")] == []
