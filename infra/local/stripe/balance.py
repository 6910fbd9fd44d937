"""The account's balance: a transaction for each time money comes or goes.

docs.stripe.com/api/balance_transactions, /reports/balance-transaction-types and
/reports/reporting-categories. Of a charge that is captured in parts each capture has its own, of
what it took: releasing the rest of a hold is none (changelog/basil/2025-03-31).
"""

from __future__ import annotations

from infra.local.stripe.account import Account
from infra.local.stripe.errors import Json

_SETTLES_IN = 2 * 24 * 3600
# docs.stripe.com/testing, "Available balance": its funds need not settle first.
_AT_ONCE = "0077"


def captured(account: Account, charge: Json, amount: int) -> None:
    """Money came in, less the fee for it."""
    card = charge["payment_method_details"]["card"]["last4"]
    settled, _, _ = account.pricing.settled(amount, charge["currency"])
    made = record(
        account,
        ("charge", "charge"),
        amount,
        charge,
        fee=account.pricing.fee_of(settled),
        fee_name="Stripe processing fees",
        settles_in=0 if card == _AT_ONCE else _SETTLES_IN,
    )
    charge["balance_transaction"] = made["id"]


def refunded(account: Account, refund: Json) -> None:
    """Money went back; the fee for the charge does not (docs.stripe.com/refunds)."""
    made = record(account, ("refund", "refund"), -refund["amount"], refund)
    refund["balance_transaction"] = made["id"]


def refund_failed(account: Account, refund: Json) -> None:
    """What could not be given back is there again (docs.stripe.com/refunds#failed-refunds)."""
    made = record(account, ("refund_failure", "refund_failure"), refund["amount"], refund)
    refund["failure_balance_transaction"] = made["id"]


def charge_fee(account: Account, amount: int, currency: str, description: str) -> Json:
    """The provider takes a fee that is for no payment (`stripe_fee`)."""
    source: Json = {"id": None, "currency": currency, "description": description}
    return record(account, ("stripe_fee", "fee"), -amount, source, settles_in=0)


def record(
    account: Account,
    kind: tuple[str, str],
    amount: int,
    source: Json,
    *,
    fee: int = 0,
    fee_name: str = "",
    settles_in: int = _SETTLES_IN,
) -> Json:
    """A transaction of `kind` (its type and reporting category) of `amount` in the currency of
    `source`; `fee` is in that of the settlement, without tax."""
    settled, currency, rate = account.pricing.settled(amount, source["currency"])
    details = account.pricing.details(fee, currency, fee_name)
    taken = sum(detail["amount"] for detail in details)
    return account.add(
        "balance_transaction",
        {
            "amount": settled,
            "available_on": account.now() + settles_in,
            "balance_type": "payments",
            "currency": currency,
            "description": source.get("description"),
            "exchange_rate": rate,
            "fee": taken,
            "fee_details": details,
            "net": settled - taken,
            "reporting_category": kind[1],
            "source": source["id"],
            "status": "pending" if settles_in else "available",
            "type": kind[0],
        },
    )


def settle(account: Account) -> None:
    """Let everything become available whose time has come."""
    for made in account.objects["balance_transaction"].values():
        if made["status"] == "pending" and made["available_on"] <= account.now():
            made["status"] = "available"


def page(account: Account, query: Json) -> Json:
    """A list of transactions, newest first: all, or those of an automatic payout, its own among
    them (docs.stripe.com/payouts/reconciliation). Raises Refusal for an unknown payout."""
    settle(account)
    names = ["currency", "source", "type"]
    url = "/v1/balance_transactions"
    if "payout" not in query:
        return account.page("balance_transaction", url, query, names)
    account.get("payout", query["payout"])
    bundle = frozenset(account.bundles[query["payout"]])
    return account.page("balance_transaction", url, query, names, among=bundle)
