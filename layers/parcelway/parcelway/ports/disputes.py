"""Disputes of payments as the rest of Parcelway sees them. No SDK is imported here."""

from __future__ import annotations

from typing import Protocol

from parcelway.domain.dispute import Dispute


class Disputes(Protocol):
    """What a payment provider says of disputes."""

    def of_payment(self, reference: str) -> tuple[Dispute, ...]:
        """All disputes of a payment as they are now, in any order; none of one without.

        Raises GatewayUnavailable and GatewayRefused.
        """
        ...
