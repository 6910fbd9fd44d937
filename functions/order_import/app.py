"""Orders that were sold elsewhere: taken in row by row, and how each is doing for its source."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Literal
from urllib.parse import unquote

from parcelway.domain.checkout import Names
from parcelway.domain.facts import Facts
from parcelway.domain.importing import (
    Seller,
    Sold,
    draft,
    import_order,
    order_id_of,
    require_same,
    taken_apart,
)
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.tracking import new_number
from parcelway.http.access import any_dossier
from parcelway.http.api import Api, staff
from parcelway.http.call import MAX_BODY, Call, read_json
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.problems import Problem, bad_request, not_found, of_refusal
from parcelway.http.taxes import with_taxes
from parcelway.store.commit import Busy, commit
from parcelway.store.credit import claim_writes, get_account
from parcelway.store.database import database
from parcelway.store.orders import get_order, get_orders
from parcelway.store.saving import writes
from parcelway.store.selling import read_facts, selling
from parcelway.store.shop import load_shop
from parcelway.values import dataclass
from rows import Row
from views import ChangesView, ImportedView, changed_view, imported_view

api = Api("order_import")
handler = api
db = cache(database)

INTEGRATION = staff("admin", "integration")
NDJSON = "application/x-ndjson"
MOST_ROWS = 100
# A request has half a minute: what is not done by then is done when it is sent again.
MOST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row, which is named by its line in the request, the first being 1.

    `created`: it is an order now. `known`: it was one already, with this content. `refused`: it is
    none, and `problem` (as RFC 9457 has it) says why; of an id that is known with other content
    `order_id` is that order's. `external_id` is '' for a row that could not be read.
    """

    row: int
    external_id: str
    status: Literal["created", "known", "refused"]
    order_id: str = ""
    problem: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImportView:
    """What became of each row, in their order; lines with nothing in them are no rows."""

    results: list[RowResult]
    created: int
    known: int
    refused: int


@api.route(
    "POST",
    "/staff/imports/{source}/orders",
    who=INTEGRATION,
    body=Row,
    reply=ImportView,
    media=NDJSON,
)
def take_in(call: Call[None]) -> ImportView:
    """Import orders, one to a line of JSON.

    At most 100 in 256 KiB. Each is taken in by itself: one that is refused does not stop the
    others, and none that was taken in is taken back. Under its `external_id` an order is imported
    once, so that sending rows again is harmless: after a 429 or a 503, or when no answer came, send
    the same request again.
    """
    seller = _seller(call)
    rows = [_read(number, raw) for number, raw in _lines(call.raw)]
    readable = [each.sold for each in rows if each.sold is not None]
    ids = dict.fromkeys(order_id_of(seller.name, sold.external_id) for sold in readable)
    known = {order.id: order for order in get_orders(db(), list(ids))} if ids else {}
    until = time.monotonic() + MOST_SECONDS
    results = []
    for each in rows:
        if time.monotonic() > until:
            raise Busy
        results.append(_result(each, seller, known, call.now))
    counts = {name: sum(r.status == name for r in results) for name in _STATUSES}
    return ImportView(results, counts["created"], counts["known"], counts["refused"])


@api.route("GET", "/staff/imports/{source}/orders", who=INTEGRATION, query=Page, reply=ChangesView)
def feed(call: Call[None]) -> ChangesView:
    """The source's orders by their last change, from the first one on or from where `cursor` says.

    Ask again with `next_cursor` from time to time: each order that has changed since comes once
    more, two minutes after its change. What it sent and what will not be sent tells the order.
    """
    from parcelway.store.listing import changed  # who brings orders in pays no start for it

    source, asked = _seller(call).name, call.query
    start = from_cursor(asked.cursor, {"source", "after"}, source=source)
    after = start["after"] if start else ""
    found, place = changed(db(), source, asked.limit, after, call.now)
    cursor = to_cursor({"source": source, "after": place})
    assert cursor is not None
    orders = [changed_view(changed_at, order) for changed_at, order in found]
    return ChangesView(orders, cursor, more=len(found) == asked.limit)


@api.route(
    "GET",
    "/staff/imports/{source}/orders/{external_id}",
    who=INTEGRATION,
    reply=ImportedView,
)
def show(call: Call[None]) -> ImportedView:
    """How an imported order is doing, by the id that its source knows it by.

    What was sent is in `parcels`, each with its carrier and number; what will not be is in
    `cancelled`.
    """
    order_id = order_id_of(_seller(call).name, unquote(call.path["external_id"]))
    return imported_view(any_dossier(db(), order_id))


_STATUSES = ("created", "known", "refused")


@dataclass(frozen=True, slots=True)
class _Read:
    """A row that was read, or what is wrong with it."""

    number: int
    external_id: str = ""
    sold: Sold | None = None
    problem: Problem | None = None


def _seller(call: Call[None]) -> Seller:
    """The source in the path, and who calls. Raises Problem 404 for one the shop has not, and for
    one that is not theirs: only admins may speak for every source."""
    name, groups = call.path["source"], call.caller.groups
    source = load_shop(db()).settings.import_sources.get(name)
    if source is None or not groups & {"admin", f"source-{name}"}:
        raise not_found()
    return Seller(name, source, Actor("staff", call.caller.subject))


def _lines(raw: bytes) -> Sequence[tuple[int, bytes]]:
    """The rows with their numbers. Raises Problem 413 for too much, 400 for nothing."""
    if len(raw) > MAX_BODY:
        told = f"At most {MAX_BODY // 1024} KiB are read."
        raise Problem(413, "body-too-large", "Body too large", told)
    lines = [(n, line) for n, line in enumerate(raw.split(b"\n"), start=1) if line.strip()]
    if len(lines) > MOST_ROWS:
        told = f"At most {MOST_ROWS} rows are read."
        raise Problem(413, "body-too-large", "Body too large", told)
    if not lines:
        raise bad_request("There are no rows.")
    return lines


def _read(number: int, raw: bytes) -> _Read:
    try:
        row = read_json(raw, Row)
    except Problem as problem:
        return _Read(number, problem=problem)
    assert isinstance(row, Row)
    return _Read(number, row.external_id, row.sold())


def _result(row: _Read, seller: Seller, known: dict[str, Order], now: datetime) -> RowResult:
    if row.sold is None:
        assert row.problem is not None
        return RowResult(row.number, "", "refused", problem=row.problem.body)
    try:
        order, created = _imported(row.sold, seller, known, now)
    except Refusal as refusal:
        if refusal.reason is Reason.CHANNEL_BUSY:
            raise  # it is about no row: the same request is answered a minute later
        about = refusal.facts.get("order_id", "")
        told = of_refusal(refusal).body
        return RowResult(row.number, row.external_id, "refused", about, told)
    known[order.id] = order
    return RowResult(row.number, row.external_id, "created" if created else "known", order.id)


def _imported(
    sold: Sold, seller: Seller, known: Mapping[str, Order], now: datetime
) -> tuple[Order, bool]:
    """The row's order, and whether it is new. Raises Refusal, Busy, and Problem when the taxes
    cannot be told at present."""
    order_id = order_id_of(seller.name, sold.external_id)
    names = Names(new_number(secrets.choice), secrets.token_urlsafe(16))
    looked_up = [known.get(order_id)]  # with all other rows; who was overtaken looks anew

    def attempt() -> tuple[Order, bool]:
        order = looked_up.pop() if looked_up else get_order(db(), order_id)
        if order is not None:
            require_same(order, sold)
            return order, order.link_token == names.link_token  # ours, whose answer was lost
        order = draft(sold, seller, load_shop(db()), now)
        facts = _facts(order, now)
        apart = taken_apart(order, sold, facts)
        if apart != order:  # what its components are limited by, and priced by, is read now
            order, facts = apart, _facts(apart, now)
        facts = replace(facts, credit=get_account(db(), seller.source.account))
        made = import_order(order, sold, seller.source.service, names, facts)
        paid = claim_writes(db(), facts.credit, None, made.claim) if made.claim else ()
        commit(db().client, [*writes(db(), made.decision, now), *paid])
        return made.decision.order, True

    return with_taxes(lambda: selling(db(), now, attempt))


def _facts(order: Order, now: datetime) -> Facts:
    return read_facts(db(), order, now, *(line.sku for line in order.lines))
