"""Package sizes of the source ("12 PK/12 OZ", "2 1/4 OZ", "1/2 GAL") as text and as grams."""

from __future__ import annotations

import re

# One unit in grams. The source writes fluid and avoirdupois ounces alike as OZ; the difference
# (4 %) is far below what a carrier's weight step notices.
_GRAMS = {
    "OZ": 28.35, "LB": 453.6, "ML": 1.0, "L": 1000.0, "PT": 473.2, "QT": 946.4, "GA": 3785.4,
    "GAL": 3785.4,
}  # fmt: skip
_PACKAGING = 1.08  # the packed weight over the content's

# Typical packed weight of an article whose size says nothing about it.
DEFAULT_GRAMS = {
    "GROCERY": 500, "DRUG GM": 250, "PRODUCE": 700, "MEAT": 900, "MEAT-PCKGD": 500, "DELI": 450,
    "PASTRY": 500, "NUTRITION": 400, "COSMETICS": 100, "SEAFOOD": 500, "SEAFOOD-PCKGD": 500,
    "FLORAL": 600, "GARDEN CENTER": 1500,
}  # fmt: skip

_NUMBER = r"(?:(?:\d+ )?[1357]/[248]|\d*\.\d+|\d+)"  # "3/3 OZ" is no fraction: three of three
_SINGLE = re.compile(rf"^(?:[LN] )?({_NUMBER}) ?([A-Z]+)(?: (?:BAG|CAN|TRAY|AERO))?$")
_BARE = re.compile(r"^(OZ|LB|PT|QT|GAL)$")
_MULTI = re.compile(rf"^(\d+)(?: (?:PK|CT|BAR))?/({_NUMBER}) ([A-Z]+)$")
_MULTI_AFTER = re.compile(rf"^({_NUMBER}) ([A-Z]+)/(\d+) (?:PK|CT)$")
_CAPACITY = {"FD WRAPS/BAGS/TRSH BG", "PAPER HOUSEWARES"}  # a 33 gal bag holds that, empty
_CASE_POUNDS = 8  # loose produce from this size on is the size of the wholesale case


def grams(size: str, department: str, category: str) -> int:
    """The packed weight in grams that `size` says, else the department's typical one."""
    misleads = _is_case(size, department) or category in _CAPACITY
    content = None if misleads else _content(size)
    return round(content * _PACKAGING) if content else DEFAULT_GRAMS.get(department, 400)


def display(size: str, department: str) -> str:
    """The size as a shopper reads it ("32 oz"), or "" where it would mislead or says nothing."""
    if not size or _is_case(size, department) or not re.search(r"\d", size):
        return ""
    many = _MULTI.match(size) and not _SINGLE.match(size)
    text = re.sub(r"^[LN] |^\(\d+\) ", "", size).replace("/", " x " if many else "/")
    text = re.sub(r"\.0+(?=\D)", "", re.sub(r"(?<!\d)\.", "0.", text)).lower()
    return re.sub(r" l$", " L", re.sub(r" ga$", " gal", text))


def _content(size: str) -> float | None:
    if bare := _BARE.match(size):
        return _GRAMS[bare[1]]
    if match := _SINGLE.match(size):
        return _times(1, match[1], match[2])
    if match := _MULTI.match(size):
        return _times(int(match[1]), match[2], match[3])
    if match := _MULTI_AFTER.match(size):
        # "144 OZ/12 PK" is the whole, "12 OZ/12 PK" the piece: a piece is never over 40 oz.
        pieces = int(match[3]) if _decimal(match[1]) <= 40 else 1
        return _times(pieces, match[1], match[2])
    return None


def _times(pieces: int, amount: str, unit: str) -> float | None:
    return pieces * _decimal(amount) * _GRAMS[unit] if unit in _GRAMS else None


def _decimal(amount: str) -> float:
    whole = 0.0
    for part in amount.split():
        above, _, below = part.partition("/")
        whole += float(above) / float(below or 1)
    return whole


def _is_case(size: str, department: str) -> bool:
    match = re.match(r"^(\d+(?:\.\d+)?) (LB|CT)$", size)
    if department != "PRODUCE" or match is None:
        return False
    return match[2] == "CT" or float(match[1]) >= _CASE_POUNDS
