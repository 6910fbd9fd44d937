"""Finance: what was paid out, what it is made of, and what nothing explains."""

from __future__ import annotations

from functools import cache

from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.settlement import Resolution, Unmatched, resolve
from parcelway.http.api import Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.schemas import Input, Text
from parcelway.store import settlements
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from views import (
    ItemizedView,
    OrderFeesView,
    PayoutsView,
    QueueView,
    UnmatchedView,
    order_fees_view,
    payout_view,
    unmatched_view,
)

api = Api("settlement")
handler = api
db = cache(database)

FINANCE = staff("finance", "admin")


class Reasoned(Input):
    """Why an item is taken as it is."""

    reason: Text(500)  # type: ignore[valid-type]


@api.route("GET", "/payouts", who=FINANCE, query=Page, reply=PayoutsView)
def listed(call: Call[None]) -> PayoutsView:
    """What providers paid out."""
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk="PAYOUTS")
    found, more = settlements.payouts(db(), call.query.limit, start)
    return PayoutsView([payout_view(each) for each in found], to_cursor(more))


@api.route("GET", "/payouts/{payout_id}", who=FINANCE, query=Page, reply=ItemizedView)
def itemized(call: Call[None]) -> ItemizedView:
    """A payout with what it is made of."""
    name = call.path["payout_id"]
    known = settlements.get_settlement(db(), name)
    if known is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such payout.")
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=f"PAYOUT#{name}")
    found, more = settlements.items_of(db(), name, call.query.limit, start)
    return ItemizedView(payout_view(known), found, to_cursor(more))


@api.route("GET", "/settlement/orders/{order_id}", who=FINANCE, reply=OrderFeesView)
def of_order(call: Call[None]) -> OrderFeesView:
    """What was settled of an order, and the fees for it."""
    order_id = call.path["order_id"]
    return order_fees_view(order_id, settlements.of_order(db(), order_id))


@api.route("GET", "/settlement/unmatched", who=FINANCE, query=Page, reply=QueueView)
def queue(call: Call[None]) -> QueueView:
    """Payouts and movements that match nothing the shop knows, and payments that are not as their
    orders have them."""
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk="UNMATCHED")
    found, more = settlements.unmatched(db(), call.query.limit, start)
    return QueueView([unmatched_view(each) for each in found], to_cursor(more))


@api.route(
    "POST",
    "/settlement/unmatched/{item_id}/resolve",
    who=FINANCE,
    body=Reasoned,
    reply=UnmatchedView,
    key=True,
)
def take_as_it_is(call: Call[Reasoned]) -> UnmatchedView:
    """Take an unmatched item as it is, for a reason that is kept with who gave it."""
    return unmatched_view(until_fresh(lambda: _resolved(call)))


def _resolved(call: Call[Reasoned]) -> Unmatched:
    item = settlements.get_unmatched(db(), call.path["item_id"])
    if item is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such item.")
    if item.resolution is not None:
        _require_same(item.resolution, call)
        return item
    known = settlements.get_settlement(db(), item.payout) if item.payout else None
    if item.payout and known is None:
        raise LookupError(f"{item.payout} is not there")
    said, by = call.command, call.caller.subject
    resolution = Resolution(by, call.now, call.body.reason, said.key, said.fingerprint)
    booking = resolve(item, known, resolution)
    settlements.save(db(), booking, call.now)
    return booking.closed[0]


def _require_same(before: Resolution, call: Call[Reasoned]) -> None:
    """A repeat is answered like the first time. Raises Refusal KEY_REUSED, ILLEGAL_STATE."""
    if before.key != call.command.key:
        raise Refusal(Reason.ILLEGAL_STATE, "Somebody has resolved this already.")
    if before.fingerprint != call.command.fingerprint:
        raise Refusal(
            Reason.KEY_REUSED,
            "This Idempotency-Key was used for a different request.",
            "/headers/Idempotency-Key",
        )
