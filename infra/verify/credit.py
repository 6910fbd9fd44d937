"""Buying on account: what an account has in use is what its claims have open, and a claim is seen
by its order as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from parcelway.domain.credit import METHOD, Claim, CreditAccount
from parcelway.domain.payment import Payment
from parcelway.store.codec import decode

from infra.verify.finding import Break, found
from infra.verify.tables import Items

_Sums = tuple[int, int, int, int, int]  # authorized, captured, refunded, received, returned


@dataclass(slots=True)
class Claims:
    """What accounts have in use beyond their claims, by account, in minor units; and claims that no
    order has been met with yet."""

    difference: Counter[str] = field(default_factory=Counter)
    alone: dict[str, _Sums] = field(default_factory=dict)

    def ledger(self, items: Items) -> None:
        """What a partition of the ledger says."""
        for item in items:
            if item["sk"] == "ACCOUNT":
                account = decode(CreditAccount, item["credit"])
                self.difference[account.account] += account.open
            elif item["sk"] == "CLAIM":
                self._claim(decode(Claim, item["claim"]))

    def _claim(self, claim: Claim) -> None:
        self.difference[claim.account] -= claim.open
        if claim.status != "awaiting_customer":
            moved = claim.captured, claim.refunded, claim.received, claim.returned
            self.alone[claim.reference] = (claim.authorized, *moved)

    def payment(self, payment: Payment) -> None:
        """A payment of an order, which may be one on account."""
        if payment.method != METHOD:
            return
        moved = payment.captured, payment.refunded, payment.received or 0, payment.returned or 0
        if self.alone.get(payment.reference) == (payment.authorized, *moved):
            del self.alone[payment.reference]

    def breaks(self) -> Iterator[Break]:
        """Accounts and claims that do not agree with what they stand for."""
        for account, minor in sorted(self.difference.items()):
            if minor:
                told = f"{minor:+} in use beyond what its claims have open"
                yield found("credit.open", account, told)
        for reference in sorted(self.alone):
            yield found("credit.claim", reference, "its order does not see it as it is")
