"""LedgerTable: postings by subject and period, periods that lock, turnovers that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcelway.domain import books, ledger
from parcelway.domain.books import SETTLED, period_of
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money, zero
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.commit import Stale, commit
from parcelway.store.database import Database
from parcelway.store.ledger import (
    first_period,
    fold,
    fold_again,
    journal,
    lock,
    locked_through,
    locks,
    posting_writes,
    postings_of,
    turnover,
)

from infra.verify import breaks
from tests.functions.damage import Tables
from tests.functions.tables import aws

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
LATER = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)  # an hour after the month is over
NOTHING = zero("EUR")


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with aws(monkeypatch) as database:
        yield database


def payout(number: int, at: datetime, amount: int = 100, currency: str = "EUR") -> Posting:
    return ledger.paid_out(f"po_{number}", at, Money(amount, currency))


def post(db: Database, posting: Posting, now: datetime) -> None:
    commit(db.client, posting_writes(db, posting, now))


def numbers(db: Database, period: str) -> list[str]:
    return [booked.posting.subject for booked in journal(db, period)[0]]


def test_a_posting_is_written_once(db: Database) -> None:
    post(db, payout(1, NOW), NOW)
    with pytest.raises(Stale):
        post(db, payout(1, NOW), NOW + timedelta(days=40))
    (booked,) = postings_of(db, "po_1")
    assert (booked.period, booked.posting) == ("2026-11", payout(1, NOW))


def test_postings_of_a_subject_are_in_the_order_in_which_they_were_written(db: Database) -> None:
    for minute, made in enumerate([ledger.disputed, ledger.dispute_won, ledger.dispute_lost]):
        at = NOW + timedelta(minutes=minute)
        post(db, made("ord_1", "dp_1", at, Money(5, "EUR")), at)
    told = [booked.posting.reference for booked in postings_of(db, "ord_1")]
    assert told == ["dispute:dp_1", "dispute_won:dp_1", "dispute_lost:dp_1"]


def test_a_journal_is_read_in_the_order_of_time_page_by_page(db: Database) -> None:
    for number in range(40):
        at = NOW + timedelta(seconds=number // 2)  # two at the same moment
        post(db, payout(number, at), at)
    post(db, payout(99, LATER), LATER)
    whole = numbers(db, "2026-11")
    assert sorted(whole) == sorted(f"po_{number}" for number in range(40))
    told, place = [], ""
    for _ in range(10):
        page, place = journal(db, "2026-11", 7, place)
        told += [booked.posting.subject for booked in page]
        assert len(page) <= 7
        if not place:
            break
    assert told == whole
    assert [int(name[3:]) // 2 for name in whole] == sorted(int(n[3:]) // 2 for n in whole)
    assert numbers(db, "2026-12") == ["po_99"]


def test_a_late_event_goes_into_its_own_month_while_that_is_open(db: Database) -> None:
    post(db, payout(1, NOW), LATER)
    assert numbers(db, "2026-11") == ["po_1"]
    assert lock(db, "2026-11", LATER, "fin").period == "2026-11"
    post(db, payout(2, NOW), LATER)
    assert numbers(db, "2026-11") == ["po_1"]
    assert numbers(db, "2026-12") == ["po_2"]
    (booked,) = postings_of(db, "po_2")
    assert booked.posting.at == NOW  # when it was is not forgotten


def test_an_event_of_the_future_is_posted_now(db: Database) -> None:
    post(db, payout(1, LATER), NOW)
    assert numbers(db, "2026-11") == ["po_1"]


def test_no_posting_lands_in_a_month_that_was_locked_between_read_and_commit(db: Database) -> None:
    decided = posting_writes(db, payout(1, NOW), LATER)
    lock(db, "2026-11", LATER, "fin")
    with pytest.raises(Stale):
        commit(db.client, decided)
    post(db, payout(1, NOW), LATER)  # read again
    assert (numbers(db, "2026-11"), numbers(db, "2026-12")) == ([], ["po_1"])
    assert breaks(db, LATER) == []


def test_the_present_month_and_one_just_over_cannot_be_locked(db: Database) -> None:
    for now in (NOW, books.ends("2026-11"), books.ends("2026-11") + SETTLED / 2):
        with pytest.raises(Refusal) as refused:
            lock(db, "2026-11", now, "fin")
        assert refused.value.reason is Reason.TOO_EARLY
        assert refused.value.facts == {"lockable_from": "2026-12-01T01:00:00Z"}
    assert locked_through(db) == ""


def test_what_was_decided_in_the_last_second_of_a_month_needs_no_guard(db: Database) -> None:
    """It is written within the quarter of an hour that a function can run."""
    last = books.ends("2026-11") - timedelta(seconds=1)
    (write,) = posting_writes(db, payout(1, last), last)
    with pytest.raises(Refusal):
        lock(db, "2026-11", last + timedelta(minutes=15), "fin")
    commit(db.client, [write])
    assert numbers(db, "2026-11") == ["po_1"]


def test_locking_again_changes_nothing_and_earlier_months_go_with_a_later_one(
    db: Database,
) -> None:
    first = lock(db, "2026-10", LATER, "ann")
    assert lock(db, "2026-10", LATER + timedelta(days=1), "bob") == first
    assert lock(db, "2026-09", LATER, "bob") == first
    second = lock(db, "2026-11", LATER, "bob")
    assert lock(db, "2026-10", LATER, "eve") == first
    assert locks(db) == [first, second]
    assert locked_through(db) == "2026-11"


def test_a_kept_turnover_is_what_was_posted_and_nothing_is_counted_twice(db: Database) -> None:
    post(db, payout(1, NOW, 100), NOW)
    assert fold(db, "2026-11", NOW) is False  # not an hour old
    assert fold(db, "2026-11", NOW + SETTLED) is True
    assert fold(db, "2026-11", NOW + SETTLED) is False
    post(db, payout(2, NOW, 30), LATER)
    expected = {("EUR", "bank"): (130, 0), ("EUR", "gateway_clearing"): (0, 130)}
    assert turnover(db, "2026-11") == expected
    assert fold(db, "2026-11", LATER + timedelta(days=2)) is True
    assert turnover(db, "2026-11") == expected
    assert breaks(db, LATER) == []


def test_a_turnover_is_kept_by_one_of_two_who_count_at_once(db: Database) -> None:
    post(db, payout(1, NOW), NOW)
    real = db.client.put_item

    def late(**request: object) -> object:
        db.client.put_item = real
        assert fold(db, "2026-11", LATER) is True
        return real(**request)

    db.client.put_item = late
    with pytest.raises(Stale):
        fold(db, "2026-11", NOW + SETTLED)
    assert turnover(db, "2026-11")["EUR", "bank"] == (100, 0)


def test_the_books_begin_with_the_first_posting(db: Database) -> None:
    assert first_period(db, LATER) == "2026-12"
    post(db, payout(1, NOW), NOW)
    post(db, payout(2, LATER), LATER)
    assert first_period(db, LATER) == "2026-11"


def test_verify_finds_a_kept_turnover_that_is_wrong_and_counts_it_anew(db: Database) -> None:
    post(db, payout(1, NOW), NOW)
    fold(db, "2026-11", LATER)
    item = db.get(db.ledger, "TURNOVER", "2026-11")
    assert item is not None
    wrong = {"turnover": {"M": {"EUR": {"M": {"bank": {"L": [{"N": "99"}, {"N": "0"}]}}}}}}
    plain = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}, "through": {"S": item["through"]}}
    db.client.put_item(TableName=db.ledger, Item=plain | wrong)
    assert [broken.kind for broken in breaks(db, LATER)] == ["books.turnover"]
    assert fold_again(db, "2026-11") is True
    assert breaks(db, LATER) == []
    assert fold_again(db, "2026-11") is False


def test_verify_finds_a_posting_in_a_month_that_had_been_locked(db: Database) -> None:
    lock(db, "2026-11", LATER, "fin")
    after = LATER + SETTLED + timedelta(minutes=1)
    (write,) = posting_writes(db, payout(1, after), after)
    assert write.item is not None
    place = write.item["booked"].replace("2026-12", "2026-11", 1)
    values = {"booked": place, "pk": "SUB#po_1", "sk": "POST#payout:po_1"}
    commit(db.client, [type(write)(write.table, write.condition, dict(write.item) | values)])
    assert [broken.kind for broken in breaks(db, after)] == ["books.locked"]


events = st.lists(
    st.tuples(
        st.integers(0, 70 * 24),  # hours after the beginning, when it was
        st.integers(0, 40 * 24),  # hours later it is heard of
        st.sampled_from(["EUR", "JPY", "KWD"]),
        st.integers(-(10**6), 10**6).filter(bool),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(events, st.lists(st.integers(0, 110 * 24), max_size=3), st.lists(st.booleans(), max_size=4))
def test_whenever_months_are_locked_and_counted_the_sums_are_those_of_the_postings(
    happened: list[tuple[int, int, str, int]], lock_at: list[int], folds: list[bool]
) -> None:
    tables, begin = Tables(), datetime(2026, 9, 3, tzinfo=UTC)
    db, snapshots = tables.db, {}
    steps = [(at + heard, "post", number) for number, (at, heard, _, _) in enumerate(happened)]
    steps += [(hour, "lock", 0) for hour in lock_at]
    steps += [(hour * 700, "fold", 0) for hour, wanted in enumerate(folds, 1) if wanted]
    for hour, what, number in sorted(steps):
        now = begin + timedelta(hours=hour)
        if what == "post":
            at, _, currency, amount = happened[number]
            post(db, payout(number, begin + timedelta(hours=at), amount, currency), now)
        elif what == "lock":
            last = period_of(now - timedelta(days=32))
            lock(db, last, now, "fin")
            snapshots |= {p: numbers(db, p) for p in books.periods("2026-08", last)}
        else:
            for period in books.periods("2026-09", period_of(now)):
                fold(db, period, now)
    end = begin + timedelta(days=120)
    all_periods = list(books.periods("2026-08", period_of(end)))
    assert all(numbers(db, period) == told for period, told in snapshots.items())
    told = [name for period in all_periods for name in numbers(db, period)]
    assert sorted(told) == sorted(f"po_{n}" for n in range(len(happened)))
    made = [payout(n, NOW, amount, code) for n, (_, _, code, amount) in enumerate(happened)]
    sums = books.together(turnover(db, period) for period in all_periods)
    assert sums == books.turnover(made)
    for currency in ("EUR", "JPY", "KWD"):
        rows = books.trial_balance({}, sums, currency)
        assert sum(row.closing.minor for row in rows) == 0
        assert sum(row.debit.minor - row.credit.minor for row in rows) == 0
    assert breaks(db, end) == []
