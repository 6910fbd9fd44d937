"""What the warehouse's routes take."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from parcelway.domain.astray import Then, Unfit
from parcelway.domain.cancellation import Units
from parcelway.domain.fulfilment_orders import NotThere, Why
from parcelway.domain.shipment import HoldReason
from parcelway.http.paging import Page
from parcelway.http.schemas import Input, Text
from pydantic import Field, StringConstraints, model_validator

_MOST_LINES, _MOST_UNITS = 100, 10_000  # of a shipment


class Nothing(Input):
    """No details needed."""


class Parcel(Input):
    """The parcel a shipment left in."""

    card_exempt: ClassVar[frozenset[str]] = frozenset({"parcel_number"})
    carrier: Text(60)  # type: ignore[valid-type]
    parcel_number: Text(60)  # type: ignore[valid-type]


class HandOver(Input):
    """How somebody proved to be the customer: by the code they were given, or by a document of
    their own that was looked at."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = None
    identity_checked: (
        Literal["identity_card", "passport", "driving_licence", "residence_permit"] | None
    ) = None

    @model_validator(mode="after")
    def _one(self) -> HandOver:
        if (self.code is None) == (self.identity_checked is None):
            raise ValueError("one of code and identity_checked is needed")
        return self


class Queue(Page):
    """Which part of what waits: `status`, `held` and `accepted` leave out what is otherwise."""

    status: Literal["released", "packed", "shipped", "ready_for_pickup"] | None = None
    held: Literal["yes", "no"] | None = None
    accepted: Literal["yes", "no"] | None = None


class Note(Input):
    """What people want to say besides; customers do not see it."""

    note: Text(200, 0) = ""  # type: ignore[valid-type]


class Rejection(Note):
    """Why the node does not send it: the goods are not there or not fit to be sent, which its stock
    books are corrected for, or it has no room or time, is closed, or something else."""

    reason: Why = "out_of_stock"


class Holding(Note):
    """Why it must not be packed or sent for now."""

    reason: HoldReason


class Target(Note):
    """The node that sends it instead."""

    node: Text(60)  # type: ignore[valid-type]


class Found(Input):
    """How many units of a SKU were picked."""

    sku: Text(64)  # type: ignore[valid-type]
    picked: int = Field(ge=0, le=_MOST_UNITS)

    def units(self) -> Units:
        """As decisions take it."""
        return Units(self.sku, self.picked)


class Picked(Input):
    """What was found of the lines that are short, and what is wrong with the rest."""

    lines: Annotated[list[Found], Field(min_length=1, max_length=_MOST_LINES)]
    reason: NotThere = "out_of_stock"


class Leaving(Input):
    """How many units of a SKU leave in another parcel."""

    sku: Text(64)  # type: ignore[valid-type]
    quantity: int = Field(ge=1, le=_MOST_UNITS)

    def units(self) -> Units:
        """As decisions take it."""
        return Units(self.sku, self.quantity)


class Division(Note):
    """What leaves in another parcel."""

    lines: Annotated[list[Leaving], Field(min_length=1, max_length=_MOST_LINES)]


class Astray(Note):
    """What becomes of the units of a parcel that did not get to its store; not said: they are sent
    again, unless they failed to arrive before."""

    then: Then | None = None


class Fit(Input):
    """How many units of a SKU came back as they left."""

    sku: Text(64)  # type: ignore[valid-type]
    fit: int = Field(ge=0, le=_MOST_UNITS)

    def units(self) -> Units:
        """As decisions take it."""
        return Units(self.sku, self.fit)


class CameBack(Astray):
    """The lines of which not all units can be sent again, and what is wrong with the others."""

    lines: list[Fit] = Field(default_factory=list, max_length=_MOST_LINES)
    unfit: Unfit = "damaged"
