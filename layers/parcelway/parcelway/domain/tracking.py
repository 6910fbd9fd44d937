"""The public tracking number: unguessable, easy to copy, with a check character.

`PW-XXXXX-XXXXX-XXXXX-XXXXX`: 19 random characters (94 bits) and a check character, so that a
mistyped number is told from an unknown one without a look-up. The alphabet is Crockford's base 32
without the Z: with 31 characters, a prime, the weighted check finds every single wrong character
and every exchange of two neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXY"
_RANDOM = 19
_PREFIX = "PW"
_READ_AS = str.maketrans("OIL", "011")  # Crockford: these are never written, so read them so


def new_number(choose: Callable[[str], str]) -> str:
    """A new tracking number; `choose` picks one character unpredictably (secrets.choice)."""
    body = "".join(choose(ALPHABET) for _ in range(_RANDOM))
    return _format(body + _check(body))


def parse(text: str) -> str | None:
    """The tracking number a person meant, in canonical form; None when it cannot be one.

    Case, spaces and hyphens do not matter, O is read as 0, I and L as 1.
    """
    code = re.sub(r"[\s-]", "", text.upper())
    if len(code) > _RANDOM + 1:  # without its prefix, a number may itself begin with PW
        code = code.removeprefix(_PREFIX)
    code = code.translate(_READ_AS)
    if len(code) != _RANDOM + 1 or any(character not in ALPHABET for character in code):
        return None
    return _format(code) if _check(code[:-1]) == code[-1] else None


def _format(code: str) -> str:
    return "-".join([_PREFIX, *(code[i : i + 5] for i in range(0, len(code), 5))])


def _check(body: str) -> str:
    weighted = sum(i * ALPHABET.index(character) for i, character in enumerate(body, start=1))
    return ALPHABET[weighted % len(ALPHABET)]
