"""The money books: double entry, one posting per event of money or goods, balanced by construction.

Every event has one function here that makes its posting. A posting is written in the transaction
of the change it tells of, under a reference that names the event: it is posted at most once.

The customer's account of an order is one running balance, kept on two accounts: what they owe is
on `receivables` (an asset), what we hold for them on `customer_deposits` (a liability: revenue that
is deferred until goods leave). So a capture before the invoice is a deposit, the invoice takes it
up, and a capture after the invoice pays it. Functions that touch it are given `owed`, the balance
before the event (negative: held for the customer; `Order.owed`), and move both accounts by what
changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal

from parcelway.domain.money import Money, total
from parcelway.values import dataclass

Kind = Literal["asset", "liability", "income", "expense"]

# The chart of accounts. `tax_payable` is kept per tax code, as `tax_payable:1900` (basis points).
CHART: Mapping[str, Kind] = {
    "receivables": "asset",  # invoiced and not paid yet
    "gateway_clearing": "asset",  # taken by the provider and not paid out yet
    "gateway_reserve": "asset",  # kept back by the provider for a time
    "chargebacks": "asset",  # taken back by a bank while a dispute is open
    "cash": "asset",  # in a store's till: `cash:store-1`
    "terminal_clearing": "asset",  # taken by a store's card terminal and not paid out yet
    "bank": "asset",  # by settlement account where money comes from a provider: `bank:main`
    "input_tax": "asset",  # tax on fees, which the tax office gives back
    "inventory": "asset",  # goods at cost, of products whose cost is known
    "customer_deposits": "liability",  # held for customers: paid and not invoiced yet, or overpaid
    "gift_cards": "liability",  # what gift cards and store credit can still pay
    "tax_payable": "liability",  # by tax code
    "goods_received": "liability",  # goods that came in and that no supplier has billed yet
    "payables": "liability",  # billed by suppliers and not paid yet
    "opening_balances": "liability",  # the owner's: what was there before these books began
    "revenue_goods": "income",
    "revenue_shipping": "income",
    "payment_fees": "expense",
    "chargeback_losses": "expense",
    "exchange_differences": "expense",  # see `exchanged`
    "settlement_differences": "expense",  # what was paid out (more or less) that nothing explains
    "goodwill": "expense",  # store credit that nobody paid for
    "cost_of_goods_sold": "expense",
    "inventory_adjustments": "expense",  # lost, broken and found goods at cost
    "inventory_revaluations": "expense",  # goods that stand at another cost than before
}

CUSTOMER = ("receivables", "customer_deposits")  # the two sides of a customer's account


@dataclass(frozen=True, slots=True)
class Entry:
    """`debit` (positive) or credit (negative) minor units on one account of the chart."""

    account: str
    debit: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A balanced set of entries of one currency. `reference` names the event.

    `subject` is the id of the order it is about, or of a payout, a gift card or a stock document;
    a reference is posted at most once for its subject. `at` is when the event was, `due` when what
    it makes the customer owe is to be paid (None: at once).
    Raises ValueError when it does not balance or names an account that the chart does not have.
    """

    subject: str
    reference: str
    at: datetime
    currency: str
    entries: tuple[Entry, ...]
    due: date | None = None

    def __post_init__(self) -> None:
        if sum(entry.debit for entry in self.entries):
            raise ValueError(f"posting {self.reference} does not balance")
        if unknown := {entry.account for entry in self.entries if main(entry.account) not in CHART}:
            raise ValueError(f"posting {self.reference} names {', '.join(sorted(unknown))}")


def main(account: str) -> str:
    """The account of the chart that `account` is, or is a part of: `tax_payable:700` is of
    `tax_payable`."""
    return account.partition(":")[0]


# --- The customer's account --------------------------------------------------------------------


def invoiced(
    order_id: str,
    number: str,
    at: datetime,
    owed: Money,
    goods: Money,
    shipping: Money,
    taxes: Mapping[int, Money],
    due: date | None = None,
) -> Posting:
    """An invoice was issued: the customer owes it, revenue and tax are earned.

    `goods` and `shipping` are net, `taxes` the tax per rate in basis points (1900 = 19 %).
    """
    entries = _billed(owed, goods, shipping, taxes)
    return _posting(order_id, f"invoice:{number}", at, owed, entries, due)


def credited(
    order_id: str,
    number: str,
    at: datetime,
    owed: Money,
    goods: Money,
    shipping: Money,
    taxes: Mapping[int, Money],
) -> Posting:
    """A credit note was issued: the reverse of as much of an invoice. Amounts are positive."""
    reversed_taxes = {rate: -tax for rate, tax in taxes.items()}
    entries = _billed(owed, -goods, -shipping, reversed_taxes)
    return _posting(order_id, f"credit_note:{number}", at, owed, entries)


def captured(
    order_id: str,
    key: str,
    at: datetime,
    owed: Money,
    amount: Money,
    into: str = "gateway_clearing",
) -> Posting:
    """`amount` was taken from the customer and the provider holds it for us.

    `into` is "bank" for money that came by transfer. `key` is unique per capture.
    """
    entries = {into: amount, **_customer(owed, -amount)}
    return _posting(order_id, f"capture:{key}", at, owed, entries)


def refunded(
    order_id: str,
    key: str,
    at: datetime,
    owed: Money,
    amount: Money,
    out_of: str = "gateway_clearing",
) -> Posting:
    """`amount` went back to the customer; a refund that failed comes back as a negative one."""
    entries = {out_of: -amount, **_customer(owed, amount)}
    return _posting(order_id, f"refund:{key}", at, owed, entries)


# --- Gift cards and store credit ---------------------------------------------------------------


def store_credit_granted(card: str, at: datetime, value: Money) -> Posting:
    """The shop gave credit that nobody paid for."""
    entries = {"goodwill": value, "gift_cards": -value}
    return _posting(card, f"store_credit:{card}", at, value, entries)


def gift_card_redeemed(
    order_id: str, key: str, at: datetime, owed: Money, amount: Money
) -> Posting:
    """A gift card paid `amount` of an order. `key` is unique per redemption."""
    return captured(order_id, f"gift_card:{key}", at, owed, amount, into="gift_cards")


def gift_card_returned(
    order_id: str, key: str, at: datetime, owed: Money, amount: Money
) -> Posting:
    """`amount` of what an order had from a gift card went back onto it."""
    return refunded(order_id, f"gift_card:{key}", at, owed, amount, out_of="gift_cards")


# --- The provider: fees, payouts, reserves, currencies -----------------------------------------


def fee(subject: str, transaction: str, at: datetime, amount: Money, tax: Money) -> Posting:
    """The provider kept a fee, `amount` net with `tax` on it; negative: it gave one back.

    `subject` is the order where one is known, else the payout or the transaction itself.
    """
    entries = {"payment_fees": amount, "input_tax": tax, "gateway_clearing": -(amount + tax)}
    return _posting(subject, f"fee:{transaction}", at, amount, entries)


def paid_out(payout: str, at: datetime, amount: Money, account: str = "") -> Posting:
    """The provider sent `amount` to a settlement account of the shop's ('': its only one);
    negative: it drew on it."""
    entries = {_bank(account): amount, "gateway_clearing": -amount}
    return _posting(payout, f"payout:{payout}", at, amount, entries)


def payout_failed(payout: str, at: datetime, amount: Money, account: str = "") -> Posting:
    """A payout did not arrive at a settlement account and is with the provider again."""
    entries = {_bank(account): -amount, "gateway_clearing": amount}
    return _posting(payout, f"payout_failed:{payout}", at, amount, entries)


def settlement_difference(payout: str, transaction: str, at: datetime, net: Money) -> Posting:
    """Finance took a movement of the provider's balance as it is, which nothing explains."""
    entries = {"gateway_clearing": net, "settlement_differences": -net}
    return _posting(payout, f"difference:{transaction}", at, net, entries)


def reserved(transaction: str, at: datetime, amount: Money) -> Posting:
    """The provider keeps `amount` back; negative: it released as much."""
    entries = {"gateway_reserve": amount, "gateway_clearing": -amount}
    return _posting(transaction, f"reserve:{transaction}", at, amount, entries)


def exchanged(
    subject: str, transaction: str, at: datetime, given: Money, got: Money
) -> tuple[Posting, Posting]:
    """The provider changed `given` of what it holds for us into `got` of another currency.

    Each currency balances by itself: `exchange_differences` takes the other side of both. When one
    currency has come back to nothing there, what is left in the other is the gain or the loss.
    Both negative: changed back, for a refund or a dispute.
    """
    return (
        _posting(
            subject,
            f"exchange_given:{transaction}",
            at,
            given,
            {"exchange_differences": given, "gateway_clearing": -given},
        ),
        _posting(
            subject,
            f"exchange_got:{transaction}",
            at,
            got,
            {"gateway_clearing": got, "exchange_differences": -got},
        ),
    )


# --- Disputes ----------------------------------------------------------------------------------
# The customer's account is not touched: the invoice was paid, it is the bank that took money back.


def disputed(order_id: str, dispute: str, at: datetime, amount: Money) -> Posting:
    """A bank took `amount` back while a dispute is open. Its fee is a `fee` of its own."""
    entries = {"chargebacks": amount, "gateway_clearing": -amount}
    return _posting(order_id, f"dispute:{dispute}", at, amount, entries)


def dispute_won(order_id: str, dispute: str, at: datetime, amount: Money) -> Posting:
    """`amount` of a dispute was decided for us and is with the provider again."""
    entries = {"gateway_clearing": amount, "chargebacks": -amount}
    return _posting(order_id, f"dispute_won:{dispute}", at, amount, entries)


def dispute_lost(order_id: str, dispute: str, at: datetime, amount: Money) -> Posting:
    """`amount` of a dispute was decided against us."""
    entries = {"chargeback_losses": amount, "chargebacks": -amount}
    return _posting(order_id, f"dispute_lost:{dispute}", at, amount, entries)


# --- Goods, at cost ----------------------------------------------------------------------------


def goods_opened(subject: str, key: str, at: datetime, cost: Money) -> Posting:
    """Goods were there when their books began."""
    entries = {"inventory": cost, "opening_balances": -cost}
    return _posting(subject, f"goods_opened:{key}", at, cost, entries)


def goods_sold(subject: str, key: str, at: datetime, cost: Money) -> Posting:
    """Goods that cost us `cost` left for good: a shipment of an order, a sale at the till."""
    entries = {"cost_of_goods_sold": cost, "inventory": -cost}
    return _posting(subject, f"goods_sold:{key}", at, cost, entries)


def goods_returned(subject: str, key: str, at: datetime, cost: Money) -> Posting:
    """Goods that had been sold are in stock again."""
    entries = {"inventory": cost, "cost_of_goods_sold": -cost}
    return _posting(subject, f"goods_returned:{key}", at, cost, entries)


def goods_received(subject: str, key: str, at: datetime, cost: Money) -> Posting:
    """Goods came in from a supplier, who is owed for them whether billed yet or not."""
    entries = {"inventory": cost, "goods_received": -cost}
    return _posting(subject, f"goods_received:{key}", at, cost, entries)


def supplier_billed(supplier: str, number: str, at: datetime, net: Money, tax: Money) -> Posting:
    """Goods that came in were billed: their supplier is owed for them, with tax that the tax office
    gives back."""
    entries = {"goods_received": net, "input_tax": tax, "payables": -(net + tax)}
    return _posting(supplier, f"supplier_invoice:{number}", at, net, entries)


def goods_adjusted(subject: str, key: str, at: datetime, cost: Money) -> Posting:
    """More goods are there than the books say, worth `cost`; negative: lost or thrown away."""
    entries = {"inventory": cost, "inventory_adjustments": -cost}
    return _posting(subject, f"goods_adjusted:{key}", at, cost, entries)


def goods_revalued(subject: str, at: datetime, difference: Money) -> Posting:
    """Goods stand at another cost from now on: all together at `difference` more."""
    entries = {"inventory": difference, "inventory_revaluations": -difference}
    key = f"goods_revalued:{difference.currency}"
    return _posting(subject, key, at, difference, entries)


# --- What postings come to ---------------------------------------------------------------------


def balances(postings: Iterable[Posting]) -> Mapping[str, int]:
    """Debit balance per account; the postings must be of one currency."""
    sums: dict[str, int] = {}
    for posting in postings:
        for entry in posting.entries:
            sums[entry.account] = sums.get(entry.account, 0) + entry.debit
    return sums


def _billed(
    owed: Money, goods: Money, shipping: Money, taxes: Mapping[int, Money]
) -> dict[str, Money]:
    gross = sum(taxes.values(), goods + shipping)
    return {
        "revenue_goods": -goods,
        "revenue_shipping": -shipping,
        **{f"tax_payable:{rate}": -tax for rate, tax in sorted(taxes.items())},
        **_customer(owed, gross),
    }


def _bank(account: str) -> str:
    return f"bank:{account}" if account else "bank"


def _customer(owed: Money, change: Money) -> dict[str, Money]:
    """How the customer's account moves when they owe `change` more than `owed`."""
    before, after = owed.minor, (owed + change).minor
    return {
        "receivables": Money(max(0, after) - max(0, before), owed.currency),
        "customer_deposits": Money(min(0, after) - min(0, before), owed.currency),
    }


def _posting(
    subject: str,
    reference: str,
    at: datetime,
    like: Money,
    debits: Mapping[str, Money],
    due: date | None = None,
) -> Posting:
    """A posting in the currency of `like`. Raises CurrencyMismatch when a debit is of another."""
    total(debits.values(), like.currency)
    entries = tuple(Entry(account, debit.minor) for account, debit in debits.items() if debit)
    return Posting(subject, reference, at, like.currency, entries, due)
