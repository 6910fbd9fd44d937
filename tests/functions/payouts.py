"""Payouts of a provider in memory, made of movements of stories' payments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payout import BalanceTransaction, Kind, Payout
from parcelway.ports.payments import GatewayRefused
from parcelway.ports.settlements import Page

from tests.orders import Story

NOW = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)


class Payouts:
    """What the provider says of its payouts; `asked` counts how often for movements."""

    def __init__(self) -> None:
        self.payouts: dict[str, Payout] = {}
        self.parts: dict[str, list[BalanceTransaction]] = {}
        self.asked = 0

    def pay_out(self, *parts: BalanceTransaction, short: int = 0, **changes: Any) -> str:
        """A payout of `parts`, which it says to be `short` of; its id."""
        name = f"po_{len(self.payouts) + 1}"
        net = sum(part.net.minor for part in parts)
        amount = Money(net - short, "USD")
        made = Payout(name, "stripe", amount, "paid", NOW, NOW.date(), "ba_1")
        self.payouts[name], self.parts[name] = replace(made, **changes), list(parts)
        return name

    def payout(self, payout_id: str) -> Payout:
        if payout_id not in self.payouts:
            raise GatewayRefused("resource_missing")
        return self.payouts[payout_id]

    def transactions(self, payout_id: str, after: str, limit: int) -> Page:
        self.asked += 1
        parts = self.parts[payout_id]
        ids = [part.id for part in parts]
        start = ids.index(after) + 1 if after else 0
        return Page(tuple(parts[start : start + limit]), start + limit < len(parts))

    def since(self, moment: datetime) -> Iterator[Payout]:
        made = sorted(self.payouts.values(), key=lambda p: p.created_at, reverse=True)
        return iter([payout for payout in made if payout.created_at >= moment])


def moved(story: Story, kind: Kind = "charge", minor: int | None = None, fee: int = 0) -> Any:
    """A movement of all that a story's payment took, or of `minor` of it."""
    assert story.seen is not None
    gross = totals(story.order).gross.minor if minor is None else minor
    return replace(
        nobodys(kind, gross, fee, f"{kind}_{story.seed}_{minor}"),
        payment=story.seen.reference,
        order_id=story.order.id,
        attempt=1,
        original=Money(gross, "USD"),
    )


def nobodys(kind: Kind, gross: int, fee: int = 0, name: str = "") -> BalanceTransaction:
    """A movement that is of no payment."""
    return BalanceTransaction(
        f"txn_{name or kind}",
        kind,
        Money(gross, "USD"),
        Money(fee, "USD"),
        Money(0, "USD"),
        Money(gross - fee, "USD"),
        NOW - timedelta(days=3),
        NOW - timedelta(days=1),
        source=f"src_{name or kind}",
    )
