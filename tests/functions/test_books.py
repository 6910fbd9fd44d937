"""The books over HTTP: trial balance, journal, files and locks, for people of finance."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from parcelway.domain import books, ledger
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.money import Money
from parcelway.domain.shop import Datev
from parcelway.ports import clock
from parcelway.store.commit import commit
from parcelway.store.database import Database
from parcelway.store.ledger import fold, posting_writes, turnover
from parcelway.store.saving import save
from parcelway.store.shop import put_settings

from infra.verify import breaks
from tests.functions.calls import Context, load
from tests.functions.damage import Tables, mail
from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, ok
from tests.orders import SHOP, Story, at, store

FINANCE = {"sub": "fin", "cognito:groups": "finance"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        yield World(db, "books")


@pytest.fixture
def sold(world: World) -> str:
    """An order that ran its course, in other months than a payout; the month of the order."""
    story = at("closed")
    store(world.db, story)
    mail(world.db, story)
    now = story.now + timedelta(days=40)
    post(world.db, ledger.paid_out("po_1", now, Money(500, "USD")), now)
    post(world.db, ledger.paid_out("po_2", now, Money(7, "JPY")), now)
    clock.travel(now - clock.now())
    return books.period_of(story.now)


@pytest.fixture(autouse=True)
def no_travelling() -> Iterator[None]:
    yield
    clock.reset()


def post(db: Database, posting: ledger.Posting, now: datetime) -> None:
    commit(db.client, posting_writes(db, posting, now))


def get(world: World, path: str, month: str = "", /, **query: str) -> Answer:
    named = {"period": month} if month else {}
    return world.call("GET", path, named, query=query, claims=FINANCE)


def lock(world: World, period: str, **headers: str) -> Answer:
    claims, key = FINANCE, {"idempotency_key": "k"} | headers
    path = "/books/periods/{period}/lock"
    return world.call("POST", path, {"period": period}, {}, claims=claims, **key)


def files(world: World, period: str, /, **query: str) -> list[tuple[str, Answer]]:
    """Every file of an export, as its `Link` headers lead on."""
    found = []
    while True:
        answer = get(world, "/books/periods/{period}/export", period, **query)
        assert answer["statusCode"] == 200, answer["body"]
        content = base64.b64decode(answer["body"])
        headers = answer["headers"]
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert headers["Content-Digest"] == f"sha-256=:{digest}:"
        charset = headers["Content-Type"].partition("charset=")[2]
        found.append((content.decode(charset), answer))
        if "Link" not in headers:
            return found
        match = re.fullmatch(r'<\?(.*)>; rel="next"', headers["Link"])
        assert match is not None
        query = dict(parse_qsl(match[1]))


def test_a_trial_balance_carries_what_was_before(world: World, sold: str) -> None:
    first = ok(get(world, "/books/trial-balance", period=sold, currency="USD"))
    later = books.next_period(sold)
    then = ok(get(world, "/books/trial-balance", period=later, currency="USD"))
    assert first["debits"] == first["credits"]
    assert not any(row["opening"]["minor"] for row in first["balances"])
    closing = {row["account"]: row["closing"]["minor"] for row in first["balances"]}
    opening = {row["account"]: row["opening"]["minor"] for row in then["balances"]}
    assert {"bank": 0, **closing} == opening
    assert closing["gateway_clearing"] > 0 > closing["revenue_goods"]
    assert sum(closing.values()) == sum(opening.values()) == 0
    (bank,) = [row for row in then["balances"] if row["account"] == "bank"]
    assert (bank["debit"]["minor"], bank["closing"]["minor"]) == (500, 500)
    yen = ok(get(world, "/books/trial-balance", period=later, currency="JPY"))
    assert [row["account"] for row in yen["balances"]] == ["gateway_clearing", "bank"]


def test_a_trial_balance_is_the_same_whether_it_was_counted_before_or_not(
    world: World, sold: str
) -> None:
    before = get(world, "/books/trial-balance", period=sold, currency="USD")["body"]
    keeper = load("bookkeeping")
    keeper.db = lambda: world.db
    assert keeper.handler({}, Context())["folded"] == [sold]
    assert keeper.handler({}, Context())["folded"] == []
    counted, calls = world.counting(
        lambda: get(world, "/books/trial-balance", period=sold, currency="USD")
    )
    assert counted["body"] == before
    assert "Scan" not in calls
    assert breaks(world.db, clock.now()) == []


def test_a_journal_is_read_page_by_page(world: World, sold: str) -> None:
    path, told, cursor = "/books/periods/{period}/journal", [], {}
    while True:
        page = ok(get(world, path, sold, limit="1", **cursor))
        told += page["postings"]
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [posting["reference"].partition(":")[0] for posting in told] == [
        "goods_sold",
        "invoice",
        "capture",
    ]
    for posting in told:
        entries = posting["entries"]
        assert sum(e.get("debit", 0) - e.get("credit", 0) for e in entries) == 0
        assert posting["dated"][:7] == sold


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{}",
        '{"period": "2025-01", "booked": "2025-01#", "part": "1"}',
        '{"period": "%s", "booked": "9", "part": "1"}',
        '{"period": "%s", "booked": "%s#", "part": "x"}',
    ],
)
def test_a_cursor_that_was_made_up_is_refused(world: World, sold: str, text: str) -> None:
    made = base64.urlsafe_b64encode(text.replace("%s", sold).encode()).decode()
    answer = get(world, "/books/periods/{period}/journal", sold, cursor=made)
    assert answer["statusCode"] == 400


def test_a_journal_is_handed_over_in_files_that_add_up(world: World, sold: str) -> None:
    for limit in ("1", "2", "100"):
        parts = files(world, sold, currency="USD", limit=limit)
        rows = [
            row
            for text, answer in parts
            for row in list(csv.DictReader(io.StringIO(text, newline="")))
        ]
        assert sum(int(answer["headers"]["Row-Count"]) for _, answer in parts) == len(rows)
        sums: Counter[str] = Counter()
        for row in rows:
            sums[row["Account Name"]] += round(float(row["Debits"] or 0) * 100)
            sums[row["Account Name"]] -= round(float(row["Credits"] or 0) * 100)
        balances = ok(get(world, "/books/trial-balance", period=sold, currency="USD"))["balances"]
        assert sums == {row["account"]: row["closing"]["minor"] for row in balances}
    (_, answer) = files(world, sold, currency="JPY")[0]
    assert (answer["headers"]["Row-Count"], answer["headers"]["Debit-Total"]) == ("0", "0 JPY")


def test_datev_needs_its_numbers_and_marks_what_is_locked(world: World, sold: str) -> None:
    path = "/books/periods/{period}/export"
    put_settings(world.db, SHOP.settings)
    refused = get(world, path, sold, currency="USD", layout="datev")
    assert (refused["statusCode"], "DATEV" in refused["body"]) == (409, True)
    world.db.memory.clear()
    put_settings(world.db, replace(SHOP.settings, datev=Datev(29098, 55003)))
    (text, answer) = files(world, sold, currency="USD", layout="datev")[0]
    assert text.split(";")[20] == "0"
    assert answer["headers"]["Content-Disposition"].endswith(
        f'filename="EXTF_Buchungsstapel_{sold}_USD_1.csv"'
    )
    ok(lock(world, sold))
    (text, _) = files(world, sold, currency="USD", layout="datev")[0]
    assert text.split(";")[20] == "1"
    assert get(world, path, sold, currency="JPY", layout="datev")["statusCode"] == 422


def test_a_month_is_locked_for_good_and_late_news_go_into_the_present_one(
    world: World, sold: str
) -> None:
    locked = ok(lock(world, sold))
    assert (locked["state"], locked["locked_by"]) == ("locked", "fin")
    assert ok(lock(world, sold, idempotency_key="other")) == locked
    before = get(world, "/books/trial-balance", period=sold, currency="USD")["body"]
    late = ledger.dispute_lost("ord_x", "dp_1", books.begins(sold), Money(3, "USD"))
    post(world.db, late, clock.now())
    assert get(world, "/books/trial-balance", period=sold, currency="USD")["body"] == before
    assert turnover(world.db, books.period_of(clock.now()))["USD", "chargeback_losses"] == (3, 0)
    months = ok(get(world, "/books/periods"))["periods"]
    assert [month["period"] for month in months] == [sold, books.next_period(sold)]
    assert [month["state"] for month in months] == ["locked", "open"]


def test_who_owes_what_is_listed_from_the_oldest_order_on(world: World) -> None:
    """The hold on the card lapsed; money that is still held is taken next, and is no debt."""
    stories = [at("invoiced", seed=seed, series=seed.upper()) for seed in ("a", "b", "c")]
    for story in stories:
        story.pays("voided", authorized=0)
    secured = at("invoiced", seed="f", series="F")
    for story in (*stories, secured, at("closed", seed="d", series="D"), at("placed", seed="e")):
        store(world.db, story)
    path, told, cursor = "/books/receivables", [], {}
    clock.travel(stories[0].now + timedelta(days=45) - clock.now())
    while True:
        page = ok(get(world, path, limit="2", **cursor))
        told += page["accounts"]
        for ages in page["ageing"]:
            owed = sum(account["owed"]["minor"] for account in page["accounts"])
            assert ages["days_31_to_60"]["minor"] == owed
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(account["order_id"] for account in told) == sorted(s.order.id for s in stories)
    for account in told:
        (item,) = account["items"]
        assert account["owed"] == item["open"] == item["amount"]
        assert (item["reference"][:8], item["days_overdue"]) == ("invoice:", 45)
        assert account["name"]
    for story in stories:
        story.credited(Wanted(amount=story.invoices[0].gross))
        save(world.db, *story.decisions[-1])
    assert ok(get(world, path))["accounts"] == []


def packed_for(customer_id: str, seed: str) -> Story:
    """An order of a signed-in customer, packed."""
    story = Story(seed=seed, series=seed.upper())
    made, now = story.decisions[0]
    story.decisions[0] = replace(made, order=replace(made.order, customer_id=customer_id)), now
    return story.filled().placed().confirmed().scheduled().released().packed()


def test_what_a_customer_owes_or_is_owed_is_added_up(world: World) -> None:
    owing = packed_for("cus_1", "a").shipped().invoiced()
    paid = packed_for("cus_1", "b").shipped().invoiced().captured()
    early = packed_for("cus_1", "c").captured()
    for story in (owing, paid, early):
        store(world.db, story)
    path = "/books/customers/{customer_id}/receivables"
    answer = world.call("GET", path, {"customer_id": "cus_1"}, claims=FINANCE)
    accounts = ok(answer)["accounts"]
    assert {a["order_id"]: a["owed"]["minor"] for a in accounts} == {
        owing.order.id: owing.order.owed.minor,
        early.order.id: -early.order.captured,
    }
    (ages,) = ok(answer)["ageing"]
    assert ages["held"]["minor"] == early.order.captured
    nobody = world.call("GET", path, {"customer_id": "cus_2"}, claims=FINANCE)
    assert ok(nobody) == {"accounts": [], "ageing": [], "next_cursor": None}


@pytest.mark.parametrize("place", ["9", "~", ""])
def test_a_cursor_of_debts_that_was_made_up_leads_nowhere(place: str) -> None:
    world = World(Tables().db, "books")  # as strict about a range as DynamoDB
    made = base64.urlsafe_b64encode(b'{"debt": "%s"}' % place.encode()).decode()
    assert ok(get(world, "/books/receivables", cursor=made))["accounts"] == []


def test_a_month_that_is_not_over_is_not_locked(world: World, sold: str) -> None:
    present = books.period_of(clock.now())
    refused = lock(world, present)
    assert (refused["statusCode"], "too-early" in refused["body"]) == (409, True)
    assert "lockable_from" in refused["body"]


@pytest.mark.parametrize("done", [True, False])
def test_a_lock_whose_answer_was_lost_is_taken_once(world: World, sold: str, done: bool) -> None:
    answer = world.breaking("transact_write_items", done=done, request=lambda: lock(world, sold))
    assert answer["statusCode"] == 503
    assert ok(lock(world, sold))["state"] == "locked"
    assert breaks(world.db, clock.now()) == []


def test_turnovers_are_kept_by_whoever_counts_first(world: World, sold: str) -> None:
    assert fold(world.db, sold, clock.now()) is True
    assert fold(world.db, sold, clock.now()) is False


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("/books/trial-balance", {"period": "2026-13", "currency": "USD"}, "/period"),
        ("/books/trial-balance", {"period": "2026-11", "currency": "XXX"}, "/currency"),
        ("/books/trial-balance", {"period": "2026-11"}, "/currency"),
        ("/books/periods/{period}/export", {"currency": "usd"}, "/currency"),
        ("/books/periods/{period}/export", {"currency": "USD", "layout": "x"}, "/layout"),
        ("/books/periods/{period}/export", {"currency": "USD", "limit": "5001"}, "/limit"),
    ],
)
def test_bad_questions_are_answered_clearly(
    world: World, path: str, query: dict[str, str], pointer: str
) -> None:
    answer = get(world, path, "2026-11" if "{" in path else "", **query)
    assert answer["statusCode"] == 422
    assert f'"{pointer}"' in answer["body"]


@pytest.mark.parametrize("path", ["journal", "export"])
def test_what_is_no_month_is_refused(world: World, path: str) -> None:
    query: dict[str, Any] = {"currency": "USD"} if path == "export" else {}
    answer = get(world, f"/books/periods/{{period}}/{path}", "2026-99", **query)
    assert answer["statusCode"] == 422
    assert lock(world, "2026-99")["statusCode"] == 422
