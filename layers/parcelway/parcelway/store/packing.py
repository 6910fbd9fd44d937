"""Values kept as compressed JSON: what is large, read as a whole, and rewritten with every commit.

DynamoDB bills a write by the kilobyte, twice in a transaction. An order of three lines takes 2.1 KB
as nested maps and 0.9 KB like this, one of 40 lines 13.6 and 2.7 KB; and botocore walks through
every element of nested maps, so that packing costs a fraction of the CPU. In exchange the console
shows bytes: plain zlib (RFC 1950) around JSON, which any language reads in a line. Events beside
the order stay maps, and `GET /staff/orders/{id}` shows all of it.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from parcelway.values import dataclass

_LEVEL = 9


@dataclass(frozen=True, slots=True)
class Packed:
    """A plain value that `items` keeps packed. What is read is the plain value itself."""

    value: Any


def pack(value: Any) -> bytes:
    """A plain value (dict, list, str, int, float, bool, None) in few bytes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return zlib.compress(text.encode(), _LEVEL)


def unpack(packed: bytes) -> Any:
    """The plain value that `pack` made `packed` from. Raises TypeError when it is not."""
    try:
        return json.loads(zlib.decompress(packed))
    except (zlib.error, ValueError) as error:
        raise TypeError("bytes that are no packed value") from error
