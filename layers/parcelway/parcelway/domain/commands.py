"""Idempotent commands: an order remembers which Idempotency-Keys were applied to it.

The memory is part of the order, so applying a command and remembering its key is one write: a
repeat after any crash, hours or years later, finds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

REMEMBERED = (
    32  # per order, oldest forgotten first; a placed order takes few more, so its own key stays
)


@dataclass(frozen=True, slots=True)
class Command:
    """One POST: its Idempotency-Key and the fingerprint of what it asks for."""

    key: str
    fingerprint: str


def command(key: str, *request: str) -> Command:
    """The command of an Idempotency-Key and the parts of its request (route, path, body)."""
    return Command(_digest(key), _digest("\n".join(request)))


class Remembering(Protocol):
    """An order, or a customer's record: what remembers the commands that were applied to it."""

    @property
    def commands(self) -> Mapping[str, str]:
        """Fingerprints of requests by the digest of their Idempotency-Key, oldest first."""


def repeated(holder: Remembering, asked: Command) -> bool:
    """Whether the order, or the record, already had this command.

    Raises Refusal KEY_REUSED when the key came with another request.
    """
    known = holder.commands.get(asked.key)
    if known is not None and known != asked.fingerprint:
        raise Refusal(
            Reason.KEY_REUSED,
            "This Idempotency-Key was used for a different request.",
            "/headers/Idempotency-Key",
        )
    return known is not None


def remember(
    holder: Remembering, asked: Command | None, most: int = REMEMBERED
) -> Mapping[str, str]:
    """The command memory with one more entry, of `most` at most."""
    if asked is None:
        return holder.commands
    kept = list(holder.commands.items())[-(most - 1) :]
    return dict([*kept, (asked.key, asked.fingerprint)])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
