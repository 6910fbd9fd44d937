"""A person's data in one document: for them, or for the supervisor who answers them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from parcelway.domain.demographics import Demographics, Use
from parcelway.domain.finding import Access
from parcelway.domain.money import Money
from parcelway.http.customers import CustomerView, customer_view
from parcelway.http.paging import from_cursor, to_cursor
from parcelway.store import exporting
from parcelway.store.challenges import get_challenge
from parcelway.store.codec import encode
from parcelway.store.customers import get_customer
from parcelway.store.database import Database
from parcelway.store.demographics import get_demographics
from parcelway.store.exporting import OrderExport
from parcelway.store.gift_cards import cards_of_customer
from parcelway.store.mails import suppressed
from parcelway.store.orders import orders_of
from parcelway.values import dataclass

# Lambda answers with at most 6 MB. An order of a hundred lines and all their events has some
# 200 KB: what is added last does not go beyond it.
_FULL = 3_000_000  # bytes
_PAGE = 5  # orders read before the size is looked at
_INDEX = {"pk", "sk", "owner", "placed_at"}
_OF_STAFF = {"acted_by", "causes"}  # fields of an order that name people of the shop


@dataclass(frozen=True, slots=True)
class CreditView:
    """Store credit: its code is known to its customer alone."""

    ending: str
    value: Money
    issued_at: datetime
    valid_until: date | None
    blocked: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of it, and what demographics are to be used for, if they are to be in it."""

    cursor: str | None = None
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class ExportView:
    """What is kept of a person; of somebody who was forgotten nothing is.

    Orders come newest first and, of a person with very many, not all at once: `next_cursor` leads
    to the others, which come without the rest of it. `look_ups` say when and why staff looked at
    the record; who did is told to staff only. `mail_suppressed`: they are never written to, because
    mail came back or they complained.
    """

    exported_at: datetime
    customer: CustomerView | None
    demographics: Demographics | None
    challenge_question: str
    history: list[Mapping[str, Any]]
    look_ups: list[Access]
    store_credit: list[CreditView]
    mail_suppressed: bool
    carts: list[OrderExport]
    guest_orders: list[OrderExport]
    orders: list[OrderExport]
    next_cursor: str | None


def export(
    db: Database, customer_id: str, wanted: Wanted, now: datetime, *, to_staff: bool
) -> ExportView:
    """A page of what is kept of a customer. Raises Problem 400 for a made-up cursor, Refusal
    NOT_FOR_THIS_USE for demographics that were not told for it."""
    start = from_cursor(wanted.cursor, _INDEX, owner=customer_id)
    known = get_customer(db, customer_id)
    if known is not None and known.state in ("erased", "replaced"):
        return _nothing(now)
    view = _nothing(now)
    if start is None:
        key = known.email_key if known else ""
        challenge = get_challenge(db, customer_id)
        view = replace(
            view,
            customer=customer_view(known) if known else None,
            demographics=_demographics(db, customer_id, wanted.use),
            challenge_question=challenge.question if challenge else "",
            history=list(exporting.history_of(db, customer_id)),
            look_ups=exporting.look_ups_of(db, customer_id),
            store_credit=_credit(db, customer_id),
            mail_suppressed=bool(known) and suppressed(db, known.email),
            carts=exporting.carts_of(db, customer_id),
            guest_orders=exporting.guest_orders_of(db, key),
        )
    view = _with_orders(db, view, customer_id, start)
    return view if to_staff else _without_staff(view)


def _with_orders(
    db: Database, view: ExportView, customer_id: str, start: dict[str, Any] | None
) -> ExportView:
    """The view with as many orders as go in."""
    found, size = list[OrderExport](), _bytes(view)
    while size < _FULL:
        ids, start = orders_of(db, customer_id, _PAGE, start)
        more = list(exporting.orders(db, ids))
        found += more
        size += sum(_bytes(each) for each in more)
        if start is None:
            break
    return replace(view, orders=found, next_cursor=to_cursor(start))


def _bytes(value: Any) -> int:
    return len(json.dumps(encode(value), ensure_ascii=False).encode())


def _demographics(db: Database, customer_id: str, use: Use | None) -> Demographics | None:
    """What was told for a use; nothing unless one is named."""
    told = get_demographics(db, customer_id) if use else None
    if told is not None and use is not None:
        told.require(use)
    return told


def _credit(db: Database, customer_id: str) -> list[CreditView]:
    return [
        CreditView(card.ending, card.value, card.issued_at, card.valid_until, card.blocked)
        for card in cards_of_customer(db, customer_id)
    ]


def _nothing(now: datetime) -> ExportView:
    return ExportView(now, None, None, "", [], [], [], False, [], [], [], None)


def _without_staff(view: ExportView) -> ExportView:
    """The view without who of the shop's people it was: that is about them."""
    return replace(
        view,
        history=[_unnamed(each) for each in view.history],
        look_ups=[replace(each, staff="") for each in view.look_ups],
        carts=[_order_unnamed(each) for each in view.carts],
        guest_orders=[_order_unnamed(each) for each in view.guest_orders],
        orders=[_order_unnamed(each) for each in view.orders],
    )


def _order_unnamed(export: OrderExport) -> OrderExport:
    return replace(
        export,
        order={k: v for k, v in _unnamed(export.order).items() if k not in _OF_STAFF},
        events=[_unnamed(each) for each in export.events],
        notes=[_unnamed(each) for each in export.notes],
    )


def _unnamed(value: Any) -> Any:
    """Plain values in which a member of staff is just that."""
    if isinstance(value, Mapping):
        if value.get("kind") == "staff":
            return {"kind": "staff"}
        return {name: _unnamed(each) for name, each in value.items() if name != "staff"}
    if isinstance(value, list | tuple):
        return [_unnamed(each) for each in value]
    return value
