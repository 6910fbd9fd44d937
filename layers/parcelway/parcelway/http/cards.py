"""Card numbers are refused wherever they appear (PCI DSS: what is never held needs no guard)."""

from __future__ import annotations

import re
from typing import Any

# 13 to 19 digits, single spaces or hyphens between them, starting like a payment card does.
_CANDIDATE = re.compile(r"(?<![\d+])[2-6](?:[ -]?\d){12,18}(?!\d)")


def holds_card_number(value: Any, exempt: frozenset[str] = frozenset()) -> bool:
    """Whether any string in a parsed JSON value holds a card number.

    `exempt` are member names that carry other long numbers by nature (a carrier's parcel number).
    """
    if isinstance(value, str):
        return any(_luhn(match.group()) for match in _CANDIDATE.finditer(value))
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


def _luhn(text: str) -> bool:
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
