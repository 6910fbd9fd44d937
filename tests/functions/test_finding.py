"""What customers are found by, in the table: written with the record, found once, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcelway.domain.customer import Customer, SavedAddress
from parcelway.domain.finding import Clue, Summary, keys_of, question, summary_of
from parcelway.domain.parties import Address
from parcelway.store.commit import commit
from parcelway.store.database import Database
from parcelway.store.finding import Start, find, key_writes

from infra.bench.tables import container, in_model, scan

NOW = datetime(2026, 11, 30, tzinfo=UTC)
NOBODY = Customer("", 1, "enabled", "", "", "", "-", NOW)
EXPIRES = {"expires": 1_800_000_000}

names = st.lists(st.sampled_from(("Ann", "Anna", "Annan", "Bo", "An", "Én")), min_size=1).map(
    lambda words: " ".join(words[:3])
)
people = st.builds(
    lambda given_name, family_name, code, email, state: replace(
        NOBODY,
        given_name=given_name,
        family_name=family_name,
        email_key=email,
        state=state,
        addresses=(SavedAddress("adr_1", "", Address("", "", "Town", code, "US")),),
    ),
    names,
    names,
    st.sampled_from(("10115", "10117", "20095")),
    st.sampled_from(("ann@example.com", "anna@example.com", "bo@example.com")),
    st.sampled_from(("enabled", "locked", "pending", "replaced")),
)
questions = st.one_of(
    st.sampled_from(("an", "ann", "anna", "ann anna", "bo", "en")).map(
        lambda text: {"family_name": text}
    ),
    st.sampled_from(("an", "ann", "bo")).map(lambda text: {"given_name": text}),
    st.sampled_from(("ann", "an", "bo")).map(
        lambda text: {"family_name": text, "given_name": text}
    ),
    st.sampled_from(("ann@", "ann@example.com", "bo@")).map(lambda text: {"email": text}),
    st.sampled_from(("101", "10117")).map(lambda text: {"postal_code": text}),
)


def write(db: Database, before: Customer | None, after: Customer) -> None:
    expiry = EXPIRES if after.state == "pending" else {}
    writes = list(key_writes(db, before, after, expiry))
    if len(writes) > 1:
        commit(db.client, writes)


def pages(db: Database, clues: dict[Clue, str], limit: int) -> Iterator[list[Summary]]:
    start: Start = None
    while True:
        page, start = find(db, question(clues), limit, start)
        yield page
        if start is None:
            return


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), people), min_size=1, max_size=12), questions)
def test_after_any_changes_everybody_who_answers_is_found_once(
    changes: list[tuple[int, Customer]], clues: dict[Clue, str]
) -> None:
    db = container(in_model())
    records: dict[str, Customer] = {}
    for number, person in changes:
        after = replace(person, id=f"cus_{number}")
        write(db, records.get(after.id), after)
        records[after.id] = after
    asked = question(clues)
    expected = {
        id: summary_of(record)
        for id, record in records.items()
        if any(key.kind == asked.kind and asked.leads_to(key.text) for key in keys_of(record))
    }
    for limit in (1, 3, 50):
        shown = [found for page in pages(db, clues, limit) for found in page]
        assert len(shown) == len(expected)
        assert {each.id: each for each in shown} == expected


def test_nothing_is_left_of_keys_that_lead_nowhere_any_more() -> None:
    db = container(in_model())
    ann = replace(NOBODY, id="cus_ann", given_name="Ann", family_name="Lee", phone="+16145551234")
    write(db, None, ann)
    married = replace(ann, family_name="Smith", phone="")
    write(db, ann, married)
    keys = {item["sk"]["S"] for item in scan(db.client, db.customers)}
    assert keys == {"ann#cus_ann", "smith#cus_ann", "smith,ann#cus_ann"}
    write(db, married, replace(NOBODY, id="cus_ann", state="replaced"))
    assert not list(scan(db.client, db.customers))


def test_keys_go_with_a_record_that_goes_by_itself() -> None:
    db = container(in_model())
    ann = replace(NOBODY, id="cus_ann", given_name="Ann", family_name="Lee", state="pending")
    write(db, None, ann)
    assert all("expires" in item for item in scan(db.client, db.customers))
    write(db, ann, replace(ann, state="enabled"))
    assert not any("expires" in item for item in scan(db.client, db.customers))


def test_a_change_of_nothing_that_is_shown_writes_nothing() -> None:
    db = container(in_model())
    ann = replace(NOBODY, id="cus_ann", given_name="Ann", family_name="Lee")
    assert not list(key_writes(db, ann, replace(ann, currency="EUR", version=2), {}))
    renamed = list(key_writes(db, ann, replace(ann, name="Ann L."), {}))
    assert len(renamed) == len(keys_of(ann))  # each shows the name


@pytest.mark.parametrize("family_name", ["Smith" * 30, "李" * 100, "😀" * 100, "\U00020000" * 100])
def test_the_longest_name_fits_into_a_key(family_name: str) -> None:
    db = container(in_model())
    write(db, None, replace(NOBODY, id="cus_" + "x" * 26, given_name="A", family_name=family_name))
    if keys_of(replace(NOBODY, family_name=family_name)):
        assert [len(page) for page in pages(db, {"family_name": family_name}, 5)] == [1]
