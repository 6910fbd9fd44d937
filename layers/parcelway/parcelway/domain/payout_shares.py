"""What of a payout is on the books of this deployment, when several share an account with it.

Each deployment books what is of its own payments, and so its own share of what arrives at the bank.
What is of no order (the provider's fees, reserves, charges made by hand) has no mark, so the owner
says which one books it (`Settings.books_unassigned`). A payout that came back comes back
to each as the share it had booked. All shares together are the payout, each cent once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from parcelway.domain.money import Money
from parcelway.domain.payout import BalanceTransaction


def ours(
    each: BalanceTransaction, returned: Mapping[str, int], unassigned: bool
) -> BalanceTransaction | None:
    """A movement as far as it is for our books; None for one that is not. `returned` is what we had
    booked of payouts that came back, in minor units of their currency; `unassigned` whether what is
    of no order is ours."""
    if each.kind == "foreign":
        return None
    if each.kind == "payout_failure" and each.source in returned:
        return _share(each, returned[each.source])
    return each if each.order_id or unassigned else None


def _share(each: BalanceTransaction, minor: int) -> BalanceTransaction | None:
    if minor == each.gross.minor:
        return each
    share = Money(minor, each.gross.currency)
    nothing = share - share
    return replace(each, gross=share, fee=nothing, fee_tax=nothing, net=share) if minor else None
