"""Automatic payouts: docs.stripe.com/payouts, /payouts/reconciliation."""

from __future__ import annotations

from infra.local.stripe import balance
from infra.local.stripe.account import Account
from infra.local.stripe.errors import Json, invalid

_ARRIVES_IN = 24 * 3600


def pay_out(account: Account) -> list[Json]:
    """What the account's schedule does on a day: all that is available goes to the bank, a payout
    for each currency. Where less than nothing is available, there is none.

    The bank is a fast one: it has the money at once.
    """
    balance.settle(account)
    bundled = {made for bundle in account.bundles.values() for made in bundle}
    ready: dict[str, list[Json]] = {}
    for made in account.objects["balance_transaction"].values():
        if made["status"] == "available" and made["id"] not in bundled:
            ready.setdefault(made["currency"], []).append(made)
    return [
        _pay(account, currency, bundle) for currency, bundle in ready.items() if _net(bundle) > 0
    ]


def _net(bundle: list[Json]) -> int:
    return sum(made["net"] for made in bundle)


def _pay(account: Account, currency: str, bundle: list[Json]) -> Json:
    payout = account.add(
        "payout",
        {
            "amount": _net(bundle),
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": account.now() + _ARRIVES_IN,
            "automatic": True,
            "balance_transaction": None,
            "currency": currency,
            "description": "STRIPE PAYOUT",
            "destination": f"ba_{currency}",
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "metadata": {},
            "method": "standard",
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "in_progress",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": None,
            "status": "pending",
            "trace_id": {"status": "pending", "value": None},
            "type": "bank_account",
        },
    )
    own = balance.record(
        account, ("payout", "payout"), -payout["amount"], _as_is(account, payout), settles_in=0
    )
    payout["balance_transaction"] = own["id"]
    account.bundles[payout["id"]] = [*(made["id"] for made in bundle), own["id"]]
    account.emit("payout.created", payout)
    payout["status"] = "paid"
    account.emit("payout.paid", payout)
    payout["reconciliation_status"] = "completed"
    account.emit("payout.reconciliation_completed", payout)
    return payout


def fail(account: Account, reference: str) -> Json:
    """The bank sent a payout back, which may happen days after it was `paid`; its funds are there
    again, to be paid out once more."""
    payout = account.get("payout", reference)
    if payout["status"] != "paid":
        raise invalid(f"This payout is {payout['status']}.")
    payout |= {"status": "failed", "failure_code": "account_closed"}
    payout["failure_message"] = "The bank account has been closed."
    back = balance.record(
        account,
        ("payout_failure", "payout_reversal"),
        payout["amount"],
        _as_is(account, payout),
        settles_in=0,
    )
    payout["failure_balance_transaction"] = back["id"]
    account.emit("payout.failed", payout)
    return payout


def _as_is(account: Account, payout: Json) -> Json:
    """A payout is of the currency that was settled in: nothing of it is converted again."""
    if payout["currency"] in account.pricing.rates:
        raise invalid(f"Nothing is settled in {payout['currency']}.", param="currency")
    return payout
