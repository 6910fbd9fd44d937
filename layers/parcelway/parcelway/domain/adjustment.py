"""What staff changed about the price of one order, and how much they may give away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from parcelway.domain.money import Money, share
from parcelway.domain.parties import Actor
from parcelway.values import dataclass

Kind = Literal["shipping_override", "amount_off", "price_override"]
Status = Literal["proposed", "applied", "rejected"]
_WITHOUT_CAP = ("finance", "admin")  # unless the shop gives them one


_WITHOUT_CAP = ("finance", "admin")  # unless the shop gives them one


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A shipping charge or unit price that is another one, or an amount off the goods.

    `target` is the delivery group, the SKU, or '' for all goods. `old` and `new` are the charge,
    the unit price, or what the goods come to, as prices are meant; `old` is what it was for
    everybody else when this was made. It was made for `units` of the SKU, or for the group's
    `service`. `reason` is a code of the shop's, `note` for its people alone. One that is `proposed`
    has no effect until somebody else approves it; `decided_by` approved or rejected it.
    """

    id: str
    kind: Kind
    target: str
    old: Money
    new: Money
    reason: str
    note: str
    actor: Actor
    at: datetime
    status: Status
    units: int = 1
    service: str = ""
    decided_by: Actor | None = None
    decided_at: datetime | None = None

    @property
    def worth(self) -> Money:
        """What it gives away at most."""
        return (self.old - self.new) * self.units


@dataclass(frozen=True, slots=True)
class Cap:
    """What somebody may give away on one order, all its adjustments together: at most the amount
    of the order's currency in `amounts` (minor units by ISO 4217 code; nothing in one that is not
    there) and at most `basis_points` of what its goods and shipping come to without adjustments.
    """

    amounts: Mapping[str, int] = field(default_factory=dict)
    basis_points: int = 10_000

    def covers(self, given: Money, usual: Money) -> bool:
        """Whether it allows `given` on an order that comes to `usual`."""
        most = self.amounts.get(given.currency, 0)
        return given.minor <= min(most, share(usual.minor, self.basis_points, 10_000))


def is_unlimited(roles: Collection[str], caps: Mapping[str, Cap]) -> bool:
    """Whether somebody may give away what they like: by a role that needs no cap and has none."""
    return any(role in roles and role not in caps for role in _WITHOUT_CAP)
