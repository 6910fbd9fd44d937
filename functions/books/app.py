"""The money books: trial balance, journal, files for other systems, months that lock, debtors."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from functools import cache
from hashlib import sha256
from urllib.parse import urlencode

from forms import Exported, Month, Nothing
from parcelway.domain import books
from parcelway.domain.books import Booked
from parcelway.domain.books_export import Export, general_journal
from parcelway.domain.datev import batch
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.receivables import OpenItem, ageing, open_items
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.api import Api, Reply, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.problems import bad_request
from parcelway.store.database import database
from parcelway.store.ledger import (
    first_period,
    journal,
    lock,
    locked_through,
    locks,
    opening,
    postings_of,
    turnover,
)
from parcelway.store.orders import get_orders, indebted, orders_of
from parcelway.store.shop import load_shop
from views import (
    JournalView,
    PeriodsView,
    PeriodView,
    ReceivablesView,
    TrialBalanceView,
    account_view,
    period_view,
    posting_view,
    trial_balance_view,
)

api = Api("books")
handler = api
db = cache(database)

FINANCE = staff("finance", "admin")


@api.route("GET", "/books/trial-balance", who=FINANCE, query=Month, reply=TrialBalanceView)
def trial_balance(call: Call[None]) -> TrialBalanceView:
    """Every account: what it had, what was posted in the month, what it has."""
    period, currency = call.query.period, call.query.currency
    balances = books.trial_balance(
        opening(db(), period, call.now), turnover(db(), period), currency
    )
    locked = period <= locked_through(db())
    return trial_balance_view(period, currency, balances, locked=locked)


@api.route("GET", "/books/periods", who=FINANCE, reply=PeriodsView)
def periods(call: Call[None]) -> PeriodsView:
    """All months that have postings, and which are locked."""
    known = books.periods(first_period(db(), call.now), books.period_of(call.now))
    done = locks(db())
    by = {month: next((each for each in done if each.period >= month), None) for month in known}
    return PeriodsView([period_view(month, locked) for month, locked in by.items()])


@api.route("GET", "/books/periods/{period}/journal", who=FINANCE, query=Page, reply=JournalView)
def read_journal(call: Call[None]) -> JournalView:
    """The postings of a month."""
    period = call.path["period"]
    books.begins(period)
    lines, place = journal(db(), period, call.query.limit, _place(call)[0])
    views = [posting_view(booked) for booked in lines]
    return JournalView(period, views, _cursor(period, place, 1))


@api.route("GET", "/books/periods/{period}/export", who=FINANCE, query=Exported)
def export(call: Call[None]) -> Reply:
    """The postings of a month as a file, or the next one of several.

    `Link` with rel="next" leads to the next file (RFC 8288); `Row-Count` and `Debit-Total` say what
    must have arrived, `Content-Digest` (RFC 9530) whether it did.
    """
    period, currency = call.path["period"], call.query.currency
    books.begins(period)
    place, part = _place(call)
    lines, more = journal(db(), period, call.query.limit, place)
    own = [booked for booked in lines if booked.posting.currency == currency]
    made = _file(call, own, part)
    headers = {
        "Content-Type": made.media_type,
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Content-Digest": f"sha-256=:{b64encode(sha256(made.content).digest()).decode()}:",
        "Row-Count": str(made.rows),
        "Posting-Count": str(len(own)),
        "Debit-Total": str(made.total),
    }
    if cursor := _cursor(period, more, part + 1):
        told = call.query.model_dump() | {"cursor": cursor}
        headers["Link"] = f'<?{urlencode(told)}>; rel="next"'
    return Reply(made.content, content_type="text/csv", headers=headers)


@api.route(
    "POST",
    "/books/periods/{period}/lock",
    who=FINANCE,
    body=Nothing,
    reply=PeriodView,
    key=True,
)
def lock_period(call: Call[Nothing]) -> PeriodView:
    """Lock a month and all before it, for good: what is heard of later goes into the present one.

    Locking it again is answered the same way.
    """
    period = call.path["period"]
    return period_view(period, lock(db(), period, call.now, call.caller.subject))


@api.route("GET", "/books/receivables", who=FINANCE, query=Page, reply=ReceivablesView)
def receivables(call: Call[None]) -> ReceivablesView:
    """Who owes what, and since when: orders with invoices that neither money nor an authorization
    covers."""
    start = from_cursor(call.query.cursor, {"debt"})
    ids, more = indebted(db(), call.query.limit, start["debt"] if start else "")
    cursor = to_cursor({"debt": more} if more else None)
    return _accounts(get_orders(db(), ids), call.now.date(), cursor)


@api.route(
    "GET",
    "/books/customers/{customer_id}/receivables",
    who=FINANCE,
    query=Page,
    reply=ReceivablesView,
)
def customer_receivables(call: Call[None]) -> ReceivablesView:
    """What a customer owes, or is owed, of the orders of this page."""
    owner = call.path["customer_id"]
    start = from_cursor(call.query.cursor, {"pk", "sk", "owner", "placed_at"}, owner=owner)
    ids, more = orders_of(db(), owner, call.query.limit, start)
    unsettled = [order for order in get_orders(db(), ids) if order.owed]
    return _accounts(unsettled, call.now.date(), to_cursor(more))


def _accounts(orders: list[Order], today: date, cursor: str | None) -> ReceivablesView:
    views, items, held = [], list[OpenItem](), list[Money]()
    for order in orders:
        postings = (booked.posting for booked in postings_of(db(), order.id))
        open_, deposit = open_items(postings)
        views.append(account_view(order, open_, today))
        items += open_
        held += [deposit] if deposit is not None else []
    currencies = sorted({amount.currency for amount in (*held, *(i.open for i in items))})
    ages = [
        ageing(
            [item for item in items if item.open.currency == currency],
            [amount for amount in held if amount.currency == currency],
            currency,
            today,
        )
        for currency in currencies
    ]
    return ReceivablesView(views, ages, cursor)


def _file(call: Call[None], lines: list[Booked], part: int) -> Export:
    period, currency = call.path["period"], call.query.currency
    if call.query.layout == "journal":
        return general_journal(f"journal-{period}-{currency}-{part}.csv", lines, currency)
    settings = load_shop(db()).settings
    if settings.datev is None:
        raise Refusal(Reason.ILLEGAL_STATE, "The shop's settings have no DATEV numbers.")
    locked = period <= locked_through(db())
    return batch(lines, period, currency, settings.datev, call.now, part=part, locked=locked)


def _place(call: Call[None]) -> tuple[str, int]:
    """Where a page or file starts, and the file's number. Raises Problem 400."""
    start = from_cursor(call.query.cursor, {"period", "booked", "part"}, period=call.path["period"])
    if start is None:
        return "", 1
    if not start["part"].isdecimal() or not start["booked"].startswith(f"{start['period']}#"):
        raise bad_request("This cursor is not one of ours.")
    return start["booked"], int(start["part"])


def _cursor(period: str, place: str, part: int) -> str | None:
    return to_cursor({"period": period, "booked": place, "part": str(part)} if place else None)
