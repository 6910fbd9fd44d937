"""A month is locked while others still post into it: what was there stays, nothing follows."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from parcelway.domain import ledger
from parcelway.domain.books import SETTLED, ends
from parcelway.domain.money import Money
from parcelway.store.commit import commit, until_fresh
from parcelway.store.ledger import journal, lock, posting_writes, turnover

from infra.bench.conflicts import ConflictWindow
from infra.bench.tables import container
from infra.verify import breaks
from tests.races.crowd import at_once, patiently

LAST, NOW = datetime(2031, 1, 31, 12, tzinfo=UTC), ends("2031-01") + SETTLED
LATE, LOCK_AFTER, TOO_LATE = 60, 15, 5


def test_no_posting_lands_in_a_month_after_it_was_locked(client: Any) -> None:
    contended = ConflictWindow(client, 0.002)
    here, seen = threading.local(), list[set[str]]()
    done, locked = threading.Semaphore(0), threading.Event()

    def in_january() -> set[str]:
        return {booked.posting.subject for booked in journal(container(client), "2031-01")[0]}

    def post(number: int) -> None:
        here.db = getattr(here, "db", None) or container(contended)
        posting = ledger.paid_out(f"po_race_{number}", LAST, Money(100, "EUR"))
        until_fresh(lambda: commit(here.db.client, posting_writes(here.db, posting, NOW)))

    def work(number: int) -> str:
        if number < LATE:
            if number >= LATE - TOO_LATE:
                locked.wait(60)
            answer = patiently(lambda: post(number))
            done.release()
            return answer
        for _ in range(LOCK_AFTER):
            done.acquire()
        answer = patiently(lambda: lock(container(contended), "2031-01", NOW, "fin"))
        locked.set()
        seen.append(in_january())
        return answer

    assert set(at_once(work, [LATE, *range(LATE)], threads=16)) == {"done"}
    db = container(client)
    assert in_january() == seen[0]
    later = {booked.posting.subject for booked in journal(db, "2031-02")[0]}
    assert len(seen[0]) >= LOCK_AFTER and len(later) >= TOO_LATE
    assert seen[0] | later == {f"po_race_{number}" for number in range(LATE)}
    assert not seen[0] & later
    sums = [turnover(db, period)["EUR", "bank"][0] for period in ("2031-01", "2031-02")]
    assert sum(sums) == LATE * 100
    assert [each for each in breaks(db, NOW) if each.kind.startswith("books.")] == []
