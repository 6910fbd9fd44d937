"""Money: exact, never mixed, never a cent lost in a division."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.money import CURRENCIES, CurrencyMismatch, Money, allocate, share, total, zero

from tests.domain.strategies import amounts

currencies = st.sampled_from(sorted(CURRENCIES))
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=30)


@given(amounts, weights, currencies)
def test_an_allocation_adds_up_and_is_within_one_unit_of_proportional(
    minor: int, parts: list[int], currency: str
) -> None:
    shares = allocate(Money(minor, currency), parts)
    assert total(shares, currency) == Money(minor, currency)
    whole = sum(parts)
    for given_, weight in zip(shares, parts, strict=True):
        exact = Fraction(minor * weight, whole) if whole else Fraction(minor, len(parts))
        assert abs(given_.minor - exact) < 1


@given(amounts, weights)
def test_an_allocation_never_turns_a_sign_and_gives_nothing_to_weight_zero(
    minor: int, parts: list[int]
) -> None:
    for part, weight in zip(allocate(Money(minor, "EUR"), parts), parts, strict=True):
        assert part.minor * minor >= 0
        assert not part or weight or not any(parts)


@given(amounts, weights)
def test_heavier_parts_never_get_less(minor: int, parts: list[int]) -> None:
    shares = [abs(part.minor) for part in allocate(Money(minor, "EUR"), parts)]
    by_weight = sorted(zip(parts, shares, strict=True))
    for (light, less), (heavy, more) in pairwise(by_weight):
        assert light == heavy or less <= more


def test_the_earlier_part_wins_a_tie() -> None:
    assert [part.minor for part in allocate(Money(100, "USD"), [1, 1, 1])] == [34, 33, 33]
    assert [part.minor for part in allocate(Money(-100, "USD"), [1, 1, 1])] == [-34, -33, -33]


@pytest.mark.parametrize("parts", [[], [1, -1]])
def test_an_allocation_needs_sound_weights(parts: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(Money(1, "USD"), parts)


@given(amounts, st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6).filter(bool))
def test_a_share_is_rounded_half_away_from_zero(
    minor: int, numerator: int, denominator: int
) -> None:
    exact = Decimal(minor * numerator) / Decimal(denominator)
    if Fraction(exact) == Fraction(minor * numerator, denominator):  # a Decimal can hold it
        assert share(minor, numerator, denominator) == int(exact.to_integral_value(ROUND_HALF_UP))
    difference = share(minor, numerator, denominator) - Fraction(minor * numerator, denominator)
    assert abs(difference) <= Fraction(1, 2)


@given(amounts, amounts, currencies, st.integers(-1000, 1000))
def test_arithmetic_is_that_of_integers(a: int, b: int, currency: str, times: int) -> None:
    left, right = Money(a, currency), Money(b, currency)
    assert (left + right).minor == a + b
    assert left - right == -(right - left)
    assert left * times == Money(a * times, currency)
    assert (left < right, left <= right) == (a < b, a <= b)
    assert bool(left) == bool(a)
    assert total([left, right], currency) == left + right


def test_currencies_do_not_mix() -> None:
    for operation in (
        lambda: Money(1, "USD") + Money(1, "EUR"),
        lambda: Money(1, "USD") - Money(1, "EUR"),
        lambda: Money(1, "USD") < Money(1, "EUR"),
        lambda: total([Money(1, "EUR")], "USD"),
    ):
        with pytest.raises(CurrencyMismatch):
            operation()
    assert Money(1, "USD") != Money(1, "EUR")


@pytest.mark.parametrize("minor", [1.0, True, "1", None, Decimal(1)])
def test_only_whole_minor_units_are_money(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["usd", "XXX", "", "EURO"])
def test_only_known_currencies_are_money(code: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money(1, code)


@given(amounts, currencies)
def test_text_shows_the_amount_to_the_last_place(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    number, code = str(amount).split()
    assert code == currency
    assert Decimal(number).scaleb(amount.exponent) == minor
    assert len(number.partition(".")[2]) == amount.exponent


def test_examples_of_text() -> None:
    assert str(Money(-5, "USD")) == "-0.05 USD"
    assert str(Money(1230, "KWD")) == "1.230 KWD"
    assert str(zero("JPY")) == "0 JPY"
