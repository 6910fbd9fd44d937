"""What is asked for about a person's data, and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from parcelway.domain.demographics import Use
from parcelway.domain.erasing import Erasure, Grounds
from parcelway.http.customers import LoginEmail
from parcelway.http.schemas import Input, Text
from parcelway.values import dataclass


class More(Input):
    """Which part of an export: `cursor` is `next_cursor` of the part before. With `demographics`,
    a use that they were told for, those are in it."""

    demographics: Use | None = None
    cursor: Text(2000) | None = None  # type: ignore[valid-type]


class Because(More):
    """Why a member of staff has somebody's data put together. It is kept."""

    reason: Text(200, 3)  # type: ignore[valid-type]


class ToErase(Input):
    """Why a person is forgotten: a word of the law's (Art. 17(1)), because it is kept."""

    grounds: Grounds


class GuestToErase(ToErase):
    """A guest who is forgotten."""

    email: LoginEmail


@dataclass(frozen=True, slots=True)
class ErasureView:
    """How far forgetting somebody is. Once it is `done` nothing is known of when it was asked."""

    id: str
    status: Literal["running", "done"]
    asked_at: datetime | None
    grounds: Grounds | None


def erasure_view(erasure_id: str, running: Erasure | None) -> ErasureView:
    """An erasure as staff see it; None for one that is over."""
    if running is None:
        return ErasureView(erasure_id, "done", None, None)
    return ErasureView(erasure_id, "running", running.asked_at, running.grounds)
