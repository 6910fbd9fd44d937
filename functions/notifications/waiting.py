"""What a mail tells of goods that were not there: what comes later and when, what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from parcelway.domain.line import Portion
from parcelway.domain.order import Event, Order
from parcelway.language.formats import weekday
from parcelway.language.wording import say
from parcelway.store.orders import Dossier
from parcelway.values import dataclass

_TELLS = ("order.confirmed", "promise.revised", "shipment.shipped")


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the mail; `amount` is what it comes to or when it comes, '' where neither is
    told, `off` what was taken off and why."""

    name: str
    quantity: int
    amount: str = ""
    off: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Items under a heading of their own."""

    label: str
    items: Sequence[Item]


def sections(event: Event, dossier: Dossier, language: str) -> list[Section]:
    """What comes later, with its days, and in the confirmation what was left out."""
    found = [
        Section(say("label.later", language), _later(event, dossier.order, language)),
        Section(say("label.dropped", language), _dropped(event, dossier.events)),
    ]
    return [section for section in found if section.items]


def waits(order: Order) -> bool:
    """Whether units of the order wait for goods."""
    return any(line.count("backordered") for line in order.lines)


def _later(event: Event, order: Order, language: str) -> list[Item]:
    if event.type not in _TELLS:
        return []
    group = event.data.get("group") if event.type == "promise.revised" else None
    return [
        Item(line.name, portion.quantity, _day(portion, language))
        for line in order.lines
        for portion in line.portions
        if portion.stage == "backordered" and group in (None, portion.group)
    ]


def _dropped(event: Event, events: Sequence[Event]) -> list[Item]:
    if event.type != "order.confirmed":
        return []
    return [
        Item(dropped["name"], dropped["quantity"])
        for placed in events
        if placed.type == "order.placed"
        for dropped in placed.data.get("dropped", ())
    ]


def _day(portion: Portion, language: str) -> str:
    return weekday(portion.due, language) if portion.due else say("label.unknown", language)
