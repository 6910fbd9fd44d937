"""The opaque cursor of a search: where the last hit stood, bound to the query it belongs to."""

import base64
import hashlib
import json

from parcelway.ports.search import InvalidCursor, Place, SearchQuery, Sort

_LARGEST = 2**63 - 1  # of the index's integers
_DEEPEST = 10_000_000
HEAVIEST = 128  # weight of a word


def encode(query: SearchQuery, place: Place) -> str:
    """The cursor that continues the list of `query` right after `place`; safe in a URL."""
    text = json.dumps([_fingerprint(query), *place], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode(query: SearchQuery, sort: Sort, words: int) -> Place | None:
    """The place that came with `query`, None when there is none; `sort` is the order really used
    for it, `words` how many it has. Raises InvalidCursor."""
    if not query.cursor:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        made_for, value, tie, position, need, weights = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError) as error:
        raise InvalidCursor("not a cursor") from error
    kind = {"relevance": float, "name": str}.get(sort, int)
    if (type(value), type(tie), type(position), type(need)) != (kind, int, int, int):
        raise InvalidCursor("not a cursor")
    in_range = kind is not int or abs(value) <= _LARGEST
    if not in_range or not 0 < position <= _DEEPEST or not 0 <= need <= words:
        raise InvalidCursor("not a cursor")
    if type(weights) is not list or len(weights) != words or not all(map(_is_weight, weights)):
        raise InvalidCursor("not a cursor")
    if made_for != _fingerprint(query):
        raise InvalidCursor("the cursor belongs to another query")
    return Place(value, tie, position, need, tuple(weights))


def _is_weight(weight: object) -> bool:
    return type(weight) is int and 0 < weight <= HEAVIEST


def _fingerprint(query: SearchQuery) -> str:
    """What must not change between pages. The page's size may."""
    parts = (query.text, query.category, sorted(query.brands), query.min_price, query.max_price)
    shown = sorted(query.availability), sorted(query.assortments)
    text = json.dumps([*parts, *shown, query.sort])
    return hashlib.sha256(text.encode()).hexdigest()[:8]
