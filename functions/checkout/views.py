"""What a checkout shows of what can be chosen: deliveries, payment methods, what to do about
shortages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from parcelway.domain.delivery import Option
from parcelway.domain.money import Money
from parcelway.domain.order import Promise, totals
from parcelway.domain.parties import Address
from parcelway.domain.promise import hours_today
from parcelway.domain.shortage import Choice, Part
from parcelway.http.views import ExpectedView
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class MissingView:
    """Units of a SKU that are not there at present."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class HoursView:
    """Local times between which a store is open."""

    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class OptionView:
    """One way to get the goods. `available` tells whether all of them are there at present,
    `missing` which are not. For pick-up there is the store, when the goods would be ready there,
    its hours today in its own time zone, and how many kilometres away it is, if that is known."""

    service: str
    method: str
    name: Mapping[str, str]
    carrier: str
    price: Money
    from_date: date
    to_date: date
    available: bool
    store: str
    store_name: str
    store_address: Address | None
    missing: list[MissingView]
    ready_by: datetime | None
    time_zone: str
    open_today: list[HoursView]
    distance_km: float | None


@dataclass(frozen=True, slots=True)
class MethodView:
    """A payment method of the shop's. `why_not` is '' when the cart can be paid by it, else a name
    of the reason, which `detail` tells."""

    method: str
    offered: bool
    why_not: str
    detail: str


@dataclass(frozen=True, slots=True)
class MethodsView:
    """The shop's payment methods, in its order."""

    methods: list[MethodView]


@dataclass(frozen=True, slots=True)
class OptionsView:
    """What can be chosen from."""

    options: list[OptionView]


@dataclass(frozen=True, slots=True)
class WaitView:
    """Units of a SKU: there now, and expected later."""

    sku: str
    now: int
    later: list[ExpectedView]


@dataclass(frozen=True, slots=True)
class WindowView:
    """When a delivery would be there; null where that cannot be told."""

    group: str
    from_date: date | None
    to_date: date | None


@dataclass(frozen=True, slots=True)
class PartView:
    """One order that a choice leads to."""

    total: Money
    lines: list[WaitView]
    deliveries: list[WindowView]


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """What comes of a `shortage` choice: one order, or a second one for what is not there."""

    shortage: str
    orders: list[PartView]


@dataclass(frozen=True, slots=True)
class AvailabilityView:
    """Whether everything is there; then there is one entry, and nothing to choose. No entry at all
    means that the cart cannot be had as it is."""

    complete: bool
    choices: list[ChoiceView]


def option_view(option: Option, now: datetime) -> OptionView:
    """A way to get the goods; a store's hours are those of today."""
    store = option.store
    hours = hours_today(store, now) if store else ()
    return OptionView(
        service=option.service.id,
        method=option.service.method,
        name=option.service.name,
        carrier=option.service.carrier,
        price=option.price,
        from_date=option.promise.earliest,
        to_date=option.promise.latest,
        available=option.available,
        store=store.id if store else "",
        store_name=store.name if store else "",
        store_address=store.address if store else None,
        missing=[MissingView(sku, units) for sku, units in option.missing.items()],
        ready_by=option.promise.ready_by if option.available else None,
        time_zone=store.time_zone if store else "",
        open_today=[HoursView(opens, closes) for opens, closes in hours],
        distance_km=None if option.metres is None else round(option.metres / 1000, 1),
    )


def choice_view(choice: Choice) -> ChoiceView:
    """A choice with what it leads to."""
    parts = zip(choice.parts, choice.promises, strict=True)
    return ChoiceView(choice.shortage, [_part(part, windows) for part, windows in parts])


def _part(part: Part, windows: Sequence[Promise | None]) -> PartView:
    groups = zip(part.order.groups, windows, strict=True)
    return PartView(
        totals(part.order).gross,
        [
            WaitView(
                line.sku,
                line.count("reserved"),
                [
                    ExpectedView(p.quantity, p.due)
                    for p in line.portions
                    if p.stage == "backordered"
                ],
            )
            for line in part.claim.lines
        ],
        [
            WindowView(
                group.id, window.earliest if window else None, window.latest if window else None
            )
            for group, window in groups
        ],
    )
