"""Payouts: what is booked of one is what its movements say, and one that is settled adds up; and
how far the provider's payments were compared with the orders'."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from parcelway.domain.reconciling import Progress
from parcelway.domain.settlement import Item, Settlement
from parcelway.store.codec import decode

from infra.verify.finding import Break, found
from infra.verify.tables import Items

_BEHIND = timedelta(days=1)  # many times the pause between two runs
_UNFINISHED = timedelta(days=2)  # twice the pause between two reviews


def reconciling_breaks(items: Items, now: datetime) -> Iterator[Break]:
    """Providers of whose payments none were compared for a day, or whose review goes on for two."""
    for item in items:
        known = decode(Progress, item["progress"])
        heard, begun = known.heard_until, known.reviewed_at
        if heard is not None and heard < now - _BEHIND:
            yield found("settlement.behind", item["sk"], f"payments since {heard} are not compared")
        if known.review is not None and begun is not None and begun < now - _UNFINISHED:
            told = f"the review of {begun} is still {known.review.stage}"
            yield found("settlement.behind", item["sk"], told)


def payout_breaks(payout: str, items: Items) -> Iterator[Break]:
    """What is wrong with a payout, from all items of its partition."""
    movements = [decode(Item, item["item"]) for item in items if "item" in item]
    known = [decode(Settlement, item["settlement"]) for item in items if "settlement" in item]
    if not known:
        yield found("settlement.payout", payout, "movements of a payout that is not there")
        return
    (settlement,) = known
    net = sum(each.transaction.net.minor for each in movements)
    if (settlement.count, settlement.net) != (len(movements), net):
        told = f"{len(movements)} movements of {net}, not {settlement.count} of {settlement.net}"
        yield found("settlement.payout", payout, told)
    whole = net + settlement.others
    if settlement.state in ("settled", "returned") and whole != settlement.payout.amount.minor:
        told = f"{settlement.payout.amount} was paid out, of movements that come to {whole}"
        yield found("settlement.payout", payout, told)
