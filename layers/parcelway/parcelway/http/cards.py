"""Card numbers are refused wherever they appear (PCI DSS: what is never held needs no guard)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

_SHORTEST, _LONGEST = 13, 19  # digits of a primary account number (ISO/IEC 7812-1)
# How payment cards start: the big networks' 2 to 6, UnionPay's 81 and 82, Troy's 9792.
_START = re.compile("[2-6]|8[12]|9792")
_LONGEST_PHONE = 15  # digits behind a plus sign (ITU-T E.164)
_DIGITS = re.compile("[+]?[0-9]+")
_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}
_SEPARATORS = frozenset(" -._/·")


def holds_card_number(value: Any, exempt: frozenset[str] = frozenset()) -> bool:
    """Whether any string in a parsed JSON value holds a card number.

    `exempt` are member names that carry other long numbers by nature (a carrier's parcel number).
    """
    if isinstance(value, str):
        return any(_holds_card_number(groups) for groups in _chains(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return holds_card_number(str(value))
    if isinstance(value, dict):
        return any(
            holds_card_number(key) or (key not in exempt and holds_card_number(member, exempt))
            for key, member in value.items()
        )
    if isinstance(value, list):
        return any(holds_card_number(element, exempt) for element in value)
    return False


def _chains(text: str) -> Iterator[list[str]]:
    """The groups of digits that stand together, at most one separator between two of them.

    The plus sign of a phone number stays with its first group.
    """
    plain = _plain(text)
    groups: list[str] = []
    end = -1
    for match in _DIGITS.finditer(plain):
        gap = plain[end : match.start()]
        if groups and not (len(gap) == 1 and gap in _SEPARATORS):
            yield groups
            groups = []
        groups.append(match.group())
        end = match.end()
    if groups:
        yield groups


def _holds_card_number(groups: list[str]) -> bool:
    """Whether neighbouring groups are a card number when they are joined.

    Groups are whole: what stands before or after the number in groups of its own (a house number,
    the month it expires in) does not hide it.
    """
    is_phone = groups[0].startswith("+")
    digits = "".join(groups).removeprefix("+")
    if len(digits) < _SHORTEST:
        return False
    ends = list(accumulate(len(group.removeprefix("+")) for group in groups))
    starts = {0, *ends}
    sums = [_luhn_sums(digits, parity) for parity in (0, 1)]
    for end in ends:
        sum_to = sums[end % 2]
        for start in range(max(0, end - _LONGEST), end - _SHORTEST + 1):
            if (
                start in starts
                and (sum_to[end] - sum_to[start]) % 10 == 0
                and _START.match(digits, start)
                and not (is_phone and start == 0 and end <= _LONGEST_PHONE)
            ):
                return True
    return False


def _luhn_sums(digits: str, parity: int) -> list[int]:
    """Sums of the digits before each position, those at places of `parity` doubled: the check of
    ISO/IEC 7812-1, annex B, for a number that ends before a position of that parity."""
    values = [0]
    for place, digit in enumerate(digits):
        values.append(values[-1] + (_DOUBLED[digit] if place % 2 == parity else int(digit)))
    return values


def _plain(text: str) -> str:
    """Digits of every script as ASCII, dashes as hyphens, runs of spaces as one, nothing unseen."""
    if not text.isascii():
        text = "".join(map(_plain_character, text))
    return " ".join(text.split())


def _plain_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd":
        return "-"
    return "" if category in ("Cf", "Mn") else character
