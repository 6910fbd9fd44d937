"""Stripe's payouts and balance transactions behind `Settlements`.

Stripe's rules this adapter builds on, each with the page of docs.stripe.com that states it:
- Only of an automatic payout can be told what it is made of, and only once its reconciliation is
  completed (payouts/reconciliation); the list by payout has the transfer itself as well.
- Amounts are in the currency of the settlement; `amount - fee = net`, and of the fee what is of
  type `tax` is tax (api/balance_transactions/object).
- What a movement is, is its reporting category: its type calls disputes and much else `adjustment`
  (reports/reporting-categories).
- A fee that is for no payment has no `fee` of its own: it is the amount (reports/balance-
  transaction-types, `stripe_fee` and `tax_fee`).
- A capture in part moves what it took (changelog/basil/2025-03-31), so that where currencies are
  exchanged the charge does not tell a part's original amount; it is the amount by the rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import stripe

from parcelway.domain.money import Money, zero
from parcelway.domain.payout import BalanceTransaction, Itemised, Kind, Payout, PayoutStatus
from parcelway.ports.payments import GatewayRefused
from parcelway.ports.settlements import Page
from parcelway.ports.stripe_api import from_stripe_amount, stripe_client, stripe_errors
from parcelway.ports.stripe_payments import DEPLOYMENT, metadata_of, order_of

NAME = "stripe"
_KINDS: Mapping[str, Kind] = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "dispute": "dispute",
    "dispute_reversal": "dispute_reversal",
    "fee": "fee",
    "tax": "fee",
    "payout_reversal": "payout_failure",
    "risk_reserved_funds": "reserve",
}
_STATUSES: Mapping[str, PayoutStatus] = {
    "pending": "pending",
    "in_transit": "in_transit",
    "paid": "paid",
    "failed": "failed",
    "canceled": "canceled",
}
_ITEMISED: Mapping[str, Itemised] = {
    "completed": "yes",
    "in_progress": "not_yet",
    "not_applicable": "never",
}


class StripeSettlements:
    """The payouts of one account, as `deployment` has to do with them."""

    def __init__(
        self, secret_key: str, *, deployment: str, api_base: str = "https://api.stripe.com"
    ) -> None:
        self._api = stripe_client(secret_key, api_base).v1
        self._deployment = deployment

    def payout(self, payout_id: str) -> Payout:
        """See Settlements.payout."""
        with stripe_errors():
            return _payout(self._api.payouts.retrieve(payout_id))

    def transactions(self, payout_id: str, after: str, limit: int) -> Page:
        """See Settlements.transactions."""
        query: dict[str, Any] = {
            "payout": payout_id,
            "limit": limit,
            "expand": ["data.source.payment_intent"],
        }
        if after:
            query["starting_after"] = after
        with stripe_errors():
            found = self._api.balance_transactions.list(query)  # type: ignore[arg-type]
        parts = [each for each in found.data if each.type != "payout"]
        if found.has_more and not parts:  # a page of nothing but the transfer itself
            return self.transactions(payout_id, found.data[-1].id, limit)
        seen = tuple(_transaction(each, self._deployment) for each in parts)
        return Page(seen, bool(found.has_more))

    def since(self, moment: datetime) -> Iterator[Payout]:
        """See Settlements.since."""
        with stripe_errors():
            query: Any = {"created": {"gte": int(moment.timestamp())}, "limit": 100}
            found = self._api.payouts.list(query)
            yield from map(_payout, found.auto_paging_iter())


def _payout(seen: stripe.Payout) -> Payout:
    status, itemised = _STATUSES.get(seen.status), _ITEMISED.get(seen.reconciliation_status)
    if status is None or itemised is None:
        raise GatewayRefused("status_unknown", f"{seen.status} {seen.reconciliation_status}")
    destination = seen.destination
    return Payout(
        id=seen.id,
        gateway=NAME,
        amount=from_stripe_amount(seen.amount, seen.currency),
        status=status,
        created_at=datetime.fromtimestamp(seen.created, UTC),
        arrives_on=datetime.fromtimestamp(seen.arrival_date, UTC).date(),
        destination=destination if isinstance(destination, str) else "",
        itemised=itemised,
    )


def _transaction(seen: stripe.BalanceTransaction, deployment: str) -> BalanceTransaction:
    source: Any = seen.source
    intent: Any = getattr(source, "payment_intent", None)
    metadata = metadata_of(intent) if intent is not None else {}
    order_id = order_of(intent, deployment) if intent is not None else ""
    attempt = metadata.get("attempt", "")
    foreign = metadata.get(DEPLOYMENT, deployment) != deployment
    kind: Kind = "foreign" if foreign else _KINDS.get(seen.reporting_category, "other")

    def money(amount: int) -> Money:
        return from_stripe_amount(amount, seen.currency)

    tax = money(sum(part.amount for part in seen.fee_details if part.type == "tax"))
    gross, fee = money(seen.amount), money(seen.fee) - tax
    if kind == "fee":  # the amount is the fee, and of a `tax_fee` the tax on fees
        taxed = seen.type == "tax_fee"
        gross, fee, tax = (
            zero(gross.currency),
            fee if taxed else fee - gross,
            tax - gross if taxed else tax,
        )
    return BalanceTransaction(
        id=seen.id,
        kind=kind,
        gross=gross,
        fee=fee,
        fee_tax=tax,
        net=money(seen.net),
        created_at=datetime.fromtimestamp(seen.created, UTC),
        available_on=datetime.fromtimestamp(seen.available_on, UTC),
        source=getattr(source, "id", None) or "",
        payment=getattr(intent, "id", None) or "",
        order_id=order_id,
        attempt=int(attempt) if order_id and attempt.isdecimal() else 0,
        original=_original(seen, source, gross) if intent is not None else None,
        exchange_rate=str(seen.exchange_rate) if seen.exchange_rate else "",
    )


def _original(seen: stripe.BalanceTransaction, source: Any, gross: Money) -> Money:
    """The gross in the payment's currency. Refunds and disputes tell it, and so does a charge that
    was captured at once."""
    if not seen.exchange_rate:
        return gross
    captured = getattr(source, "amount_captured", None)
    whole = source.amount if captured is None else captured
    rate = Decimal(str(seen.exchange_rate))
    sign = -1 if seen.amount < 0 else 1
    if captured is None or _exchanged(Decimal(whole) * rate) == seen.amount:
        return from_stripe_amount(sign * whole, source.currency)
    return from_stripe_amount(_exchanged(Decimal(seen.amount) / rate), source.currency)


def _exchanged(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
