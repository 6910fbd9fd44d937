"""The replay of real sales: its books say what its rows say, and would tell if they did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.bench.revenue import Sold, differences, replayed, sku

START = datetime(2017, 1, 1, 12, tzinfo=UTC)


@st.composite
def rows(draw: st.DrawFn) -> list[Sold]:
    """Purchases with every kind of discount, down to nothing left to pay."""
    found = []
    for basket in range(1, draw(st.integers(1, 3)) + 1):
        at = START + timedelta(days=draw(st.integers(0, 1)))
        for _ in range(draw(st.integers(1, 4))):
            shelf = draw(st.integers(1, 5000))
            revenue = draw(st.integers(0, shelf))
            coupon = draw(st.integers(0, shelf - revenue))
            article, quantity = draw(st.integers(1, 3)), draw(st.integers(1, 7))
            found.append(Sold(basket, at, article, quantity, shelf, coupon, revenue))
    return found


def summed(sold: Sequence[Sold]) -> tuple[Counter[date], Counter[tuple[date, str]]]:
    by_day, by_product = Counter[date](), Counter[tuple[date, str]]()
    for row in sold:
        by_day[row.at.date()] += row.revenue
        by_product[row.at.date(), sku(row.article)] += row.revenue
    return by_day, by_product


@settings(max_examples=40)
@given(rows())
def test_the_books_say_what_the_rows_say_to_the_cent(sold: list[Sold]) -> None:
    assert differences(replayed(sold), *summed(sold)) == []


def test_a_cent_that_differs_is_told() -> None:
    sold = [Sold(1, START, 7, 3, 1000, 50, 801)]
    by_day, by_product = summed(sold)
    by_day[START.date()] += 1
    by_product[START.date(), sku(7)] -= 1
    told = differences(replayed(sold), by_day, by_product)
    assert told == ["2017-01-01: 801 instead of 802", "2017-01-01 P7: 801 instead of 800"]


def test_a_long_purchase_becomes_several_orders() -> None:
    sold = [Sold(1, START, article, 1, 100, 0, 90) for article in range(95)]
    books = replayed(sold)
    assert (books.orders, books.lines, books.discounts) == (3, 95, 950)
    assert differences(books, *summed(sold)) == []
