"""What is asked of the books."""

from __future__ import annotations

from typing import Annotated, Literal

from parcelway.domain.books import PERIOD_PATTERN
from parcelway.http.paging import Page
from parcelway.http.schemas import CurrencyCode, Input
from pydantic import Field, StringConstraints


class Month(Input):
    """Of which month, in which currency."""

    period: Annotated[str, StringConstraints(pattern=PERIOD_PATTERN)]
    currency: CurrencyCode


class Exported(Page):
    """In which layout, of which currency; a file has at most `limit` postings."""

    layout: Literal["journal", "datev"] = "journal"
    currency: CurrencyCode
    limit: int = Field(default=1000, ge=1, le=5000)


class Nothing(Input):
    """No details needed."""
