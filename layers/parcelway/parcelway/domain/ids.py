"""Prefixed ids, the same for the same cause: a repeat after a crash makes the same thing again."""

from __future__ import annotations

import base64
import hashlib

Prefix = str  # ord, cus, shp, ...


def derived(prefix: Prefix, *cause: str) -> str:
    """The id that `cause` (caller, Idempotency-Key, ...) leads to: 130 bits of its hash."""
    digest = hashlib.sha256("\x1f".join(cause).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode()[:26].lower()}"
