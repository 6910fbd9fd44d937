"""Finding customers by whatever a caller tells, and the record of who looked at whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from parcelway.domain.customer import Customer
from parcelway.domain.finding import CLUES, Access, Clue, Summary, is_gone, question, summary_of
from parcelway.domain.login import normalise_email
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.tracking import parse
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.problems import bad_request
from parcelway.http.schemas import Input, Text
from parcelway.store.customers import get_customer, holder_of
from parcelway.store.database import Database
from parcelway.store.finding import (
    SEEN,
    Start,
    find,
    lookups,
    lookups_of,
    note,
    place_of,
    seen,
)
from parcelway.values import dataclass
from pydantic import Field

if TYPE_CHECKING:  # who is not looked for by a number pays nothing for orders at a start
    from parcelway.domain.order import Order

_MOST = 50  # on a page: that each was shown is put on record in one transaction


class Because(Input):
    """Why a member of staff looks at somebody's data: a word or a sentence. It is kept."""

    reason: Text(200, 3)  # type: ignore[valid-type]


class LookUp(Because):
    """One thing that the caller tells, or a family and a given name.

    Names are found by how any of their words begins, phone numbers by their last digits in any
    form, e-mail addresses and postal codes by how they begin, and everything else by all of it. An
    order that was sold elsewhere has an `external_id` of its `source`.
    """

    given_name: Text(100, 0) = ""  # type: ignore[valid-type]
    family_name: Text(100, 0) = ""  # type: ignore[valid-type]
    email: Text(254, 0) = ""  # type: ignore[valid-type]
    phone: Text(40, 0) = ""  # type: ignore[valid-type]
    postal_code: Text(20, 0) = ""  # type: ignore[valid-type]
    account: Text(40, 0) = ""  # type: ignore[valid-type]
    logon: Text(254, 0) = ""  # type: ignore[valid-type]
    order_id: Text(128, 0) = ""  # type: ignore[valid-type]
    tracking_number: Text(60, 0) = ""  # type: ignore[valid-type]
    invoice_number: Text(60, 0) = ""  # type: ignore[valid-type]
    external_id: Text(128, 0) = ""  # type: ignore[valid-type]
    source: Text(40, 0) = ""  # type: ignore[valid-type]
    limit: int = Field(default=20, ge=1, le=_MOST)
    cursor: Text(2000) | None = None  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class OrderFound:
    """The order that a number belongs to. `customer_id` is '' for a guest's."""

    order_id: str
    tracking_number: str = ""
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class FoundView:
    """A page of customers in the order of what they are found by. It may have fewer than asked for
    and not be the last: only without a `next_cursor` it is. `order` is the one that was named."""

    customers: list[Summary]
    order: OrderFound | None
    next_cursor: str | None


class Day(Page):
    """Which look-ups: those of a day (UTC), today where none is named."""

    day: date | None = None


@dataclass(frozen=True, slots=True)
class AccessesView:
    """A page of who looked at whom, latest first."""

    accesses: list[Access]
    next_cursor: str | None


def look_up(db: Database, call: Call[None]) -> FoundView:
    """Whom a look-up leads to; put on record before anybody is told.

    Raises Refusal INVALID, Problem 400 for another look-up's cursor.
    """
    asked: LookUp = call.query
    named = {name: text for name in _POINTERS if (text := getattr(asked, name))}
    clues: dict[Clue, str] = {name: text for name in CLUES if (text := getattr(asked, name))}
    if named and (clues or len(named) > 1):
        raise Refusal(Reason.INVALID, "Look for one thing, or for both names together.")
    if named:
        ((how, text),) = named.items()
        text = _external(asked) if how == "external_id" else text
        view = _pointed(db, *_POINTERS[how](db, text))
    else:
        how = question(clues).kind
        view = _searched(db, asked, clues)
    shown = [each.id for each in view.customers]
    note(db, _access(call, asked.reason, how, view), shown)
    return view


def opened(db: Database, call: Call[Any], customer: Customer, reason: str) -> None:
    """Put on record that the caller reads a customer's record, before it is answered."""
    access = Access(call.now, call.caller.subject, reason, "opened", 1)
    note(db, access, [customer.id], opened=True)


def accesses_of(db: Database, call: Call[None]) -> AccessesView:
    """A page of who looked at the customer of the path, also when there is none any more."""
    customer_id = call.path["customer_id"]
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=f"CUS#{customer_id}")
    require_place(start, SEEN)
    found, more = seen(db, customer_id, call.query.limit, start)
    return AccessesView(found, to_cursor(more))


def accesses_on(db: Database, call: Call[None]) -> AccessesView:
    """A page of the look-ups of a day."""
    day = call.query.day or call.now.date()
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=lookups_of(day))
    found, more = lookups(db, day, call.query.limit, start)
    return AccessesView(found, to_cursor(more))


def require_place(start: Start, begin: str) -> None:
    """Refuse a made-up place outside what is read: the table would, too, with less to say."""
    if start is not None and not start["sk"].startswith(begin):
        raise bad_request("This cursor is of another list.")


def _searched(db: Database, asked: LookUp, clues: Mapping[Clue, str]) -> FoundView:
    wanted = question(clues)
    pk, begin = place_of(wanted)
    start: Start = from_cursor(asked.cursor, {"pk", "sk"}, pk=pk)
    require_place(start, begin)
    found, more = find(db, wanted, asked.limit, start)
    return FoundView(found, None, to_cursor(more))


def _pointed(db: Database, customer_id: str, order: Order | None) -> FoundView:
    customer = get_customer(db, customer_id) if customer_id else None
    while customer is not None and customer.merged_into:
        customer = get_customer(db, customer.merged_into)
    there = customer is not None and not is_gone(customer)
    return FoundView(
        [summary_of(customer)] if customer is not None and there else [],
        OrderFound(order.id, order.tracking_number, order.customer_id) if order else None,
        None,
    )


def _by_logon(db: Database, text: str) -> tuple[str, None]:
    try:
        return holder_of(db, normalise_email(text)), None
    except ValueError:
        raise Refusal(
            Reason.INVALID, "Nobody signs in with that: it is no e-mail address.", "/logon"
        ) from None


def _by_order(db: Database, text: str) -> tuple[str, Order | None]:
    from parcelway.store.orders import get_order

    order = get_order(db, text.strip().casefold())
    return order.customer_id if order else "", order


def _by_tracking(db: Database, text: str) -> tuple[str, Order | None]:
    from parcelway.store.orders import order_of_tracking

    number = parse(text)
    if number is None:
        raise Refusal(
            Reason.INVALID, "There is a slip in this tracking number.", "/tracking_number"
        )
    return _by_order(db, order_of_tracking(db, number) or "")


def _by_invoice(db: Database, text: str) -> tuple[str, Order | None]:
    from parcelway.store.series import order_of_document

    return _by_order(db, order_of_document(db, text) or "")


def _external(asked: LookUp) -> str:
    """The order that was imported under an id of its source's."""
    from parcelway.domain.importing import order_id_of

    if not asked.source:
        raise Refusal(Reason.INVALID, "Of which source is this id?", "/source")
    return order_id_of(asked.source, asked.external_id)


_Pointer = Callable[[Database, str], "tuple[str, Order | None]"]
_POINTERS: Mapping[str, _Pointer] = {
    "logon": _by_logon,
    "order_id": _by_order,
    "tracking_number": _by_tracking,
    "invoice_number": _by_invoice,
    "external_id": _by_order,
}


def _access(call: Call[None], reason: str, how: str, view: FoundView) -> Access:
    more = view.next_cursor is not None
    return Access(call.now, call.caller.subject, reason, how, len(view.customers), more)
