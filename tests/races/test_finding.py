"""Several representatives change one customer at once: who is found by what is what was written
last, as a whole."""

from __future__ import annotations

from typing import Any

from parcelway.domain.customer import Profile, edited, enabled, signed_up
from parcelway.domain.finding import Clue, question
from parcelway.domain.parties import Actor
from parcelway.ports import clock
from parcelway.store.commit import until_fresh
from parcelway.store.customers import get_customer, save, save_with_email
from parcelway.store.database import Database
from parcelway.store.finding import find

from infra.bench.tables import container
from infra.verify import breaks
from tests.races.crowd import at_once, patiently

NAMES = ("Ada Byron", "Ada King", "Bea Byron", "Cy Kingsley", "Dee Noël", "Eve Ng", "Fay Byrd")


def found(db: Database, **clues: str) -> list[str]:
    typed: dict[Clue, str] = clues  # type: ignore[assignment]
    return [each.name for each in find(db, question(typed), 50, None)[0]]


def test_a_customer_renamed_by_many_is_found_by_the_last_name_only(client: Any) -> None:
    db, now = container(client), clock.now()
    new = signed_up("race-subject", Profile("sgn_1", "r@r.example", "r@r.example", "Ada"), now)
    save_with_email(db, new, "", None)
    proven = enabled(new.customer, now)
    save(db, proven)

    def rename(name: str) -> None:
        def attempt() -> None:
            known = get_customer(db, proven.customer.id)
            assert known is not None
            values = {"name": name, "phone": f"+1614555{NAMES.index(name):04d}"}
            change = edited(known, values, clock.now(), Actor("staff", name))
            if change is not None:
                save(db, change)

        assert patiently(lambda: until_fresh(attempt)) == "done"

    at_once(rename, NAMES)
    last = get_customer(db, proven.customer.id)
    assert last is not None
    assert last.version == 2 + len(NAMES)
    assert breaks(db, clock.now()) == []
    for name in NAMES:
        first, family = name.split()
        expected = [name] if name == last.name else []
        assert found(db, given_name=first, family_name=family) == expected
