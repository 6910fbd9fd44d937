"""What the provider takes for its work, and in which currency it settles (stripe.com/pricing)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from infra.local.stripe.errors import Json, invalid


@dataclass(frozen=True, slots=True)
class Pricing:
    """An account's fees, in basis points and in minor units of what is settled in.

    A charge costs `charge_rate` of it and `charge_fixed`; a chargeback `dispute`, which comes back
    with the money of a won one where `dispute_returned`. `tax` on every fee is charged in some
    countries. `rates` tell of the currencies that are converted: into which, at what rate; all
    others are settled as they are (docs.stripe.com/payouts/multicurrency-settlement).
    """

    charge_rate: int = 290
    charge_fixed: int = 30
    dispute: int = 1500
    dispute_returned: bool = False
    tax: int = 0
    rates: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def settled(self, amount: int, currency: str) -> tuple[int, str, float | None]:
        """An amount as it is settled: how much, in what, and at which rate (None for none)."""
        if currency not in self.rates:
            return amount, currency, None
        into, rate = self.rates[currency]
        converted = (Decimal(amount) * Decimal(rate)).quantize(Decimal(1), ROUND_HALF_UP)
        return int(converted), into, float(rate)

    def fee_of(self, amount: int) -> int:
        """What a charge that is settled as `amount` costs, without tax."""
        return _share(amount, self.charge_rate) + self.charge_fixed

    def details(self, fee: int, currency: str, description: str) -> list[Json]:
        """A fee (negative: given back) as `fee_details`, with the tax on it."""
        details = [_detail(fee, currency, description, "stripe_fee")] if fee else []
        if tax := _share(fee, self.tax):
            details.append(_detail(tax, currency, "Tax on Stripe fees", "tax"))
        return details

    def changed(self, changes: Json) -> Pricing:
        """With the fields named in `changes`. Raises Refusal for one that does not exist."""
        kinds: dict[str, type] = {name: int for name in ("charge_rate", "charge_fixed")}
        kinds |= {"dispute": int, "tax": int, "dispute_returned": bool, "rates": dict}
        for name, value in changes.items():
            if name not in kinds or not isinstance(value, kinds[name]):
                raise invalid(f"No such price: {name}={value!r}", param=name)
        made: dict[str, Any] = dict(changes)
        if "rates" in made:
            made["rates"] = {of: (into, rate) for of, (into, rate) in made["rates"].items()}
        return replace(self, **made)


def _detail(amount: int, currency: str, description: str, kind: str) -> Json:
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": description,
        "type": kind,
    }


def _share(amount: int, basis_points: int) -> int:
    exact = Decimal(amount) * basis_points / 10_000
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
