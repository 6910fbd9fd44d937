"""Money as integer minor units of an ISO 4217 currency: never a float, never a hidden rounding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parcelway.values import dataclass

# ISO 4217 exponents: how many decimal places a currency's minor unit is.
_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF INR MXN NOK NZD PLN RON SEK SGD TRY USD ZAR",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_EXPONENTS = {code: places for places, codes in _BY_EXPONENT.items() for code in codes.split()}
CURRENCIES = frozenset(_EXPONENTS)


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of `minor` minor units (cents, yen, fils) of `currency` (ISO 4217 code)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise ValueError(f"unknown currency {self.currency!r}")
        if type(self.minor) is not int:  # bool and float are refused, not coerced
            raise TypeError(f"minor units must be an int, not {self.minor!r}")

    @property
    def exponent(self) -> int:
        """How many decimal places the currency has (ISO 4217): 0, 2 or 3."""
        return _EXPONENTS[self.currency]

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        """The amount as a plain decimal with its code, for logs and messages: `12.30 EUR`."""
        sign, digits = "-" * (self.minor < 0), str(abs(self.minor)).rjust(self.exponent + 1, "0")
        point = len(digits) - self.exponent
        decimals = f".{digits[point:]}" if self.exponent else ""
        return f"{sign}{digits[:point]}{decimals} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other


def zero(currency: str) -> Money:
    """No money, in `currency`."""
    return Money(0, currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of `amounts`, zero of `currency` when there are none.

    Raises CurrencyMismatch when one of them is of another currency.
    """
    return sum(amounts, zero(currency))


def share(amount_minor: int, numerator: int, denominator: int) -> int:
    """`amount * numerator / denominator`, rounded half away from zero (EN 16931 rounding)."""
    doubled, divisor = 2 * amount_minor * numerator, 2 * denominator
    if divisor < 0:
        doubled, divisor = -doubled, -divisor
    rounded = (abs(doubled) + divisor // 2) // divisor
    return rounded if doubled >= 0 else -rounded


def allocate(amount: Money, weights: Sequence[int]) -> list[Money]:
    """Split `amount` over `weights` so that the parts sum to it exactly (largest remainder).

    Ties go to the earlier part. With all weights zero the parts are as equal as can be.
    Raises ValueError for no weights or a negative one.
    """
    return [Money(part, amount.currency) for part in allocate_minor(amount.minor, weights)]


def allocate_minor(minor: int, weights: Sequence[int]) -> list[int]:
    """`allocate` for minor units whose currency is known to be one."""
    if not weights or min(weights) < 0:
        raise ValueError("allocation needs weights, none of them negative")
    if not any(weights):
        weights = [1] * len(weights)
    whole, sign = abs(minor), -1 if minor < 0 else 1
    divisor = sum(weights)
    parts = [whole * weight // divisor for weight in weights]
    remainders = [whole * weight % divisor for weight in weights]
    by_remainder = sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)
    for i in by_remainder[: whole - sum(parts)]:  # the sort keeps ties in their order
        parts[i] += 1
    return [sign * part for part in parts]
