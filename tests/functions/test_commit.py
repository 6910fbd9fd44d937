"""commit: all or nothing, safe to repeat, patient with conflicts, honest about everything else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, Kind, Move, after, allowed, net
from parcelway.store.commit import (
    ATTEMPTS,
    CROWDED,
    Busy,
    Stale,
    Write,
    commit,
    put_new,
    put_version,
    stale_version,
    until_fresh,
)
from parcelway.store.database import Database
from parcelway.store.items import to_item
from parcelway.store.stock import move_writes, read_balances

from tests.domain.strategies import NOW
from tests.functions.tables import aws

TRANSIENT_CODES = (
    "TransactionConflictException",
    "TransactionInProgressException",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
)
TRANSIENT_REASONS = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with aws(monkeypatch) as database:
        yield database


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, which take no time here."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def error(code: str, *reasons: str, item: dict[str, Any] | None = None) -> ClientError:
    answer: dict[str, Any] = {"Error": {"Code": code, "Message": ""}}
    if reasons:
        answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    if item is not None:
        answer["Item"] = item
    return ClientError(answer, "Write")  # type: ignore[arg-type]


class Answers:
    """A client whose writes have these outcomes, in turn: an error, or success (None)."""

    def __init__(self, *outcomes: ClientError | None) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[dict[str, Any]] = []

    def _answer(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        outcome = self.outcomes.pop(0)
        if outcome is not None:
            raise outcome
        return {}

    put_item = update_item = transact_write_items = _answer


class LosesAnswers:
    """A client that sends every write twice, as the SDK does when the first answer is lost."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def put_item(self, **request: Any) -> Any:
        self.client.put_item(**request)
        return self.client.put_item(**request)

    def update_item(self, **request: Any) -> Any:
        self.client.update_item(**request)
        return self.client.update_item(**request)


def item(sk: str, **values: Any) -> dict[str, Any]:
    return {"pk": "P", "sk": sk} | values


def bump(table: str, sk: str, least: int = 0) -> Write:
    return Write(
        table,
        "n >= :least",
        key={"pk": "P", "sk": sk},
        update="SET n = n + :one",
        values={":least": least, ":one": 1},
    )


def full() -> Refusal:
    return Refusal(Reason.OUT_OF_STOCK, "none left")


def test_nothing_to_write_is_no_call() -> None:
    commit(Answers(), [])


def test_a_single_write_must_be_conditional() -> None:
    with pytest.raises(ValueError, match="conditional"):
        commit(Answers(), [Write("t", "", item("a"))])


def test_a_new_item_is_put_once(db: Database) -> None:
    commit(db.client, [put_new(db.orders, item("a", n=1))])
    assert db.get(db.orders, "P", "a") == item("a", n=1)
    with pytest.raises(Stale):
        commit(db.client, [put_new(db.orders, item("a", n=2))])
    with pytest.raises(Refusal) as refusal:
        commit(db.client, [put_new(db.orders, item("a", n=2), full)])
    assert refusal.value.reason is Reason.OUT_OF_STOCK
    assert db.get(db.orders, "P", "a") == item("a", n=1)


def test_a_version_is_replaced_by_the_next_only(db: Database) -> None:
    for version in (1, 2):
        commit(db.client, [put_version(db.orders, item("a", version=version), version - 1)])
    for stale in (0, 1, 3):
        with pytest.raises(Stale):
            commit(db.client, [put_version(db.orders, item("a", version=9), stale)])
    assert db.get(db.orders, "P", "a") == item("a", version=2)


@pytest.mark.parametrize("version", [0, 1])
def test_a_put_whose_answer_was_lost_counts_as_done(db: Database, version: int) -> None:
    if version:
        commit(db.client, [put_version(db.orders, item("a", version=1), 0)])
    mine = item("a", version=version + 1, text="ä", parts=[1, {"x": None}], yes=True)
    commit(LosesAnswers(db.client), [put_version(db.orders, mine, version)])
    assert db.get(db.orders, "P", "a") == mine


def test_a_transaction_whose_answer_was_lost_is_sent_again_under_one_token(
    db: Database, slept: list[float]
) -> None:
    """DynamoDB recognises it by that; moto does not, so the request itself is looked at."""
    tokens: list[str] = []

    def lose_the_first(request: Any, **_: Any) -> None:
        tokens.append(json.loads(request.body)["ClientRequestToken"])
        if len(tokens) == 1:
            raise ConnectionClosedError(endpoint_url=request.url)

    name = "before-send.dynamodb.TransactWriteItems"
    db.client.meta.events.register_first(name, lose_the_first)
    commit(db.client, [put_new(db.orders, item("a")), put_new(db.orders, item("b"))])
    assert len(tokens) == 2
    assert tokens[0] == tokens[1] != ""
    commit(db.client, [put_new(db.orders, item("c")), put_new(db.orders, item("d"))])
    assert tokens[2] not in tokens[:2]


def test_a_bare_update_whose_answer_was_lost_is_reported_stale_not_made_twice(
    db: Database,
) -> None:
    commit(db.client, [put_new(db.stock, item("a", n=10))])
    once = Write(
        db.stock,
        "n = :ten",
        key={"pk": "P", "sk": "a"},
        update="SET n = n + :one",
        values={":ten": 10, ":one": 1},
    )
    with pytest.raises(Stale):
        commit(LosesAnswers(db.client), [once])
    assert db.get(db.stock, "P", "a") == item("a", n=11)


def test_somebody_elses_item_is_not_taken_for_our_own() -> None:
    theirs = to_item(item("a", n=2))
    with pytest.raises(Stale):
        commit(
            Answers(error("ConditionalCheckFailedException", item=theirs)),
            [put_new("t", item("a", n=1))],
        )
    ours = to_item(item("a", n=1))
    commit(
        Answers(error("ConditionalCheckFailedException", item=ours)),
        [put_new("t", item("a", n=1))],
    )


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_several_writes_are_made_together_or_not_at_all(db: Database, failing: int) -> None:
    commit(db.client, [put_new(db.stock, item("count", n=5))])
    writes = [
        put_new(db.orders, item("order")),
        bump(db.stock, "count", least=6 if failing == 1 else 0),
        put_new(db.ledger, item("posting"), full),
    ]
    if failing != 1:
        in_the_way = (db.orders, "order") if failing == 0 else (db.ledger, "posting")
        commit(db.client, [put_new(in_the_way[0], item(in_the_way[1], old=True))])
    with pytest.raises(Refusal if failing == 2 else Stale):
        commit(db.client, writes)
    assert db.get(db.stock, "P", "count") == item("count", n=5)
    left = [db.get(db.orders, "P", "order"), db.get(db.ledger, "P", "posting")]
    assert [found for found in left if found and "old" not in found] == []


def test_the_first_failed_condition_says_what_it_means() -> None:
    client = Answers(
        error(
            "TransactionCanceledException",
            "TransactionConflict",
            "ConditionalCheckFailed",
            "ConditionalCheckFailed",
        )
    )
    with pytest.raises(Refusal, match="none left"):
        commit(
            client,
            [put_new("t", item("a")), put_new("t", item("b"), full), put_new("t", item("c"))],
        )
    assert len(client.calls) == 1


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("code", TRANSIENT_CODES)
def test_conflicts_and_throttling_are_waited_out(slept: list[float], code: str, count: int) -> None:
    client = Answers(error(code), error(code), None)
    commit(client, [put_new("t", item(str(n))) for n in range(count)])
    assert len(client.calls) == 3
    assert client.calls[0] == client.calls[2]
    assert len(slept) == 2


@pytest.mark.parametrize("reason", TRANSIENT_REASONS)
def test_a_transaction_cancelled_by_others_is_made_again(slept: list[float], reason: str) -> None:
    client = Answers(error("TransactionCanceledException", "None", reason), None)
    commit(client, [put_new("t", item("a")), put_new("t", item("b"))])
    assert len(client.calls) == 2


def test_patience_ends_as_busy_after_growing_random_pauses(slept: list[float]) -> None:
    client = Answers(*[error("TransactionConflictException")] * ATTEMPTS)
    with pytest.raises(Busy):
        commit(client, [put_new("t", item("a"))])
    assert len(client.calls) == ATTEMPTS
    for attempt, pause in enumerate(slept):
        assert 0 <= pause <= min(0.5, 0.02 * 2**attempt)
    assert len(set(slept)) > 1


def conflicts(at: int) -> ClientError:
    return error("TransactionCanceledException", *(["None"] * at), "TransactionConflict")


@pytest.mark.parametrize("met", range(4))
@pytest.mark.parametrize("end", ["made", "stale", "busy"])
def test_an_item_where_others_were_too_often_in_the_way_is_told_of(
    slept: list[float], met: int, end: str
) -> None:
    told: list[str] = []
    writes = [
        replace(put_new("t", item(name)), crowded=partial(told.append, name)) for name in "abc"
    ]
    failed = error("TransactionCanceledException", "ConditionalCheckFailed")
    throttled = error("TransactionCanceledException", "ThrottlingError")
    last = {"made": None, "stale": failed, "busy": throttled}[end]
    client = Answers(conflicts(0), *[conflicts(2)] * met, *[last] * ATTEMPTS)
    expected = {"made": nullcontext(), "stale": pytest.raises(Stale), "busy": pytest.raises(Busy)}
    with expected[end]:
        commit(client, writes)
    assert told == (["c"] if met >= CROWDED else [])


def test_a_commit_that_failed_otherwise_tells_nothing(slept: list[float]) -> None:
    """It may be the process's end; at any rate nobody knows what became of the write."""
    told: list[str] = []
    crowded = replace(put_new("t", item("a")), crowded=partial(told.append, "a"))
    client = Answers(conflicts(0), conflicts(0), error("ValidationException"))
    with pytest.raises(ClientError):
        commit(client, [crowded, put_new("t", item("b"))])
    assert told == []


def test_a_delete_is_made_alone_or_with_others(db: Database) -> None:
    def gone(sk: str, n: int) -> Write:
        return Write(db.orders, "n = :n", key={"pk": "P", "sk": sk}, values={":n": n})

    commit(db.client, [put_new(db.orders, item(sk, n=1)) for sk in "abc"])
    with pytest.raises(Stale):
        commit(db.client, [gone("a", 2)])
    commit(db.client, [gone("a", 1)])
    with pytest.raises(Stale):
        commit(db.client, [gone("b", 1), gone("c", 2)])
    commit(db.client, [gone("b", 1), put_new(db.orders, item("d"))])
    assert [found["sk"] for found in db.query(db.orders, "P")] == ["c", "d"]


@pytest.mark.parametrize(
    "refused",
    [
        error("ValidationException"),
        error("AccessDeniedException"),
        error("ResourceNotFoundException"),
        error("TransactionCanceledException", "None", "ValidationError"),
        error("TransactionCanceledException", "ItemCollectionSizeLimitExceeded", "None"),
    ],
)
def test_every_other_error_is_raised_at_once(slept: list[float], refused: ClientError) -> None:
    client = Answers(refused)
    with pytest.raises(ClientError) as raised:
        commit(client, [put_new("t", item("a")), put_new("t", item("b"))])
    assert raised.value is refused
    assert not slept


def test_reading_and_deciding_again_until_nobody_comes_between(slept: list[float]) -> None:
    outcomes = [Stale(), Stale(), None]

    def attempt() -> str:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        return "done"

    assert until_fresh(attempt) == "done"
    assert len(slept) == 2


def test_always_being_overtaken_ends_as_busy(slept: list[float]) -> None:
    tries: list[int] = []

    def attempt() -> None:
        tries.append(1)
        raise Stale

    with pytest.raises(Busy):
        until_fresh(attempt, tries=4)
    assert len(tries) == len(slept) == 4


def test_a_refusal_is_not_tried_again() -> None:
    def attempt() -> None:
        raise stale_version()

    with pytest.raises(Refusal) as refusal:
        until_fresh(attempt)
    assert refusal.value.reason is Reason.STALE_VERSION


KINDS: tuple[Kind, ...] = ("receive", "reserve", "release", "allocate", "deallocate", "ship")
moves = st.lists(
    st.builds(
        Move,
        st.sampled_from("AB"),
        st.sampled_from(["n1", "n2"]),
        st.sampled_from(KINDS),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=st.lists(moves, min_size=1, max_size=5))
def test_the_tables_allow_exactly_what_the_domain_allows(
    db: Database, commits: list[list[Move]]
) -> None:
    """Stock moves in DynamoDB and in `domain.stock`, side by side, end in the same balances."""
    run, books = uuid4(), dict[tuple[str, str], Balance]()
    keys = [(f"{sku}-{run}", node) for sku in "AB" for node in ("n1", "n2")]
    for number, made in enumerate(commits):
        own = [Move(f"{m.sku}-{run}", m.node, m.kind, m.quantity) for m in made]
        fine = all(allowed(books.get((c.sku, c.node), Balance(c.sku, c.node)), c) for c in net(own))
        try:
            commit(db.client, move_writes(db, f"test-{run}", number, NOW, own))
        except Stale:
            assert not fine
        else:
            assert fine
            books = after(books, own)
        assert read_balances(db, keys, consistent=True) == books
