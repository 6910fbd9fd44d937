"""DynamoDB's numbers: decimal, 38 significant digits, 1e-130 to 9.99..e125, kept without noise."""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import lru_cache

from infra.sim.dynamodb.errors import Refused

DIGITS = 38
_HIGHEST, _LOWEST = 125, -130
_WRITTEN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Wide enough that sums are exact; what does not fit DynamoDB's digits is refused afterwards.
_EXACT = Context(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN)


@lru_cache(maxsize=1 << 16)
def normalised(text: str) -> tuple[str, int]:
    """A number as DynamoDB gives it back, and its size in bytes. Raises Refused."""
    if not _WRITTEN.fullmatch(text):
        raise Refused(f"The parameter cannot be converted to a numeric value: {text}")
    plain = _plain(Decimal(text))
    return plain, _size(plain)


@lru_cache(maxsize=1 << 16)
def decimal(text: str) -> Decimal:
    """A normalised number, to compare and to count with."""
    return Decimal(text)


def add(left: str, right: str, sign: int = 1) -> str:
    """`left` + or - `right`, normalised. Raises Refused when the result is no DynamoDB number."""
    operation = _EXACT.add if sign > 0 else _EXACT.subtract
    return _plain(operation(decimal(left), decimal(right)))


def _plain(value: Decimal) -> str:
    if not value:
        return "0"
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    exponent += len(significant) - len(stripped)
    if len(stripped) + exponent - 1 > _HIGHEST:
        raise Refused(_out_of_range("overflow", "larger"))
    if len(stripped) + exponent - 1 < _LOWEST:
        raise Refused(_out_of_range("underflow", "smaller"))
    if len(stripped) > DIGITS:
        raise Refused("Attempting to store more than 38 significant digits in a Number")
    return ("-" if sign else "") + _positional(stripped, exponent)


def _positional(digits: str, exponent: int) -> str:
    if exponent >= 0:
        return digits + "0" * exponent
    if len(digits) > -exponent:
        return f"{digits[:exponent]}.{digits[exponent:]}"
    return "0." + digits.rjust(-exponent, "0")


def _out_of_range(kind: str, than: str) -> str:
    return f"Number {kind}. Attempting to store a number with magnitude {than} than supported range"


def _size(plain: str) -> int:
    """A byte, one more for each pair of digits (paired from the point), one for a minus."""
    if plain == "0":
        return 1
    whole, _, fraction = plain.lstrip("-").partition(".")
    whole = whole.lstrip("0")
    pairs = whole.rjust(len(whole) + len(whole) % 2, "0")
    pairs += fraction.ljust(len(fraction) + len(fraction) % 2, "0")
    first, last = 0, len(pairs)
    while pairs[first : first + 2] == "00":
        first += 2
    while pairs[last - 2 : last] == "00":
        last -= 2
    return (last - first) // 2 + 1 + plain.startswith("-")
