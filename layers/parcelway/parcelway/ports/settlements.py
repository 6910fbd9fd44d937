"""Payouts as the rest of Parcelway sees them. No SDK is imported here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from parcelway.domain.payout import BalanceTransaction, Payout
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """Movements of a payout in the provider's order, and whether there are more after them."""

    transactions: tuple[BalanceTransaction, ...]
    more: bool


class Settlements(Protocol):
    """What a payment provider says of its payouts.

    Every method raises GatewayUnavailable and GatewayRefused (`resource_missing` for an unknown
    payout).
    """

    def payout(self, payout_id: str) -> Payout:
        """A payout as it is now."""
        ...

    def transactions(self, payout_id: str, after: str, limit: int) -> Page:
        """At most `limit` movements that a payout is made of, after the one with the id `after`
        ('' for the first ones). Their order never changes once the payout is itemised; the transfer
        itself is not among them."""
        ...

    def since(self, moment: datetime) -> Iterator[Payout]:
        """Payouts that were made since then, newest first."""
        ...
