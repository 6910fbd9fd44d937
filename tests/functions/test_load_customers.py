"""`parcelway load --customers`: those of an earlier system, found at once by what they tell."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parcelway.domain.customer import Customer, displaced
from parcelway.domain.demographics import withdraw
from parcelway.domain.finding import Clue, question
from parcelway.domain.parties import SYSTEM
from parcelway.domain.taking_over import id_of
from parcelway.ports import clock
from parcelway.store.customers import get_customer, holder_of, save
from parcelway.store.database import Database
from parcelway.store.demographics import get_demographics, save_demographics
from parcelway.store.finding import find

from infra.bench.tables import container, in_moto
from infra.cli import customers_load, load
from infra.cli.customers_load import CustomerRow

HOUSEHOLDS = Path(__file__).parents[2] / "infra" / "sample" / "customers.jsonl"
HOME = {"name": "A", "line1": "1", "city": "Dayton", "postal_code": "45402", "country": "US"}


@pytest.fixture
def db() -> Iterator[Database]:
    with in_moto() as client:
        yield container(client)


def row(reference: str = "r1", **more: Any) -> dict[str, Any]:
    return {
        "reference": reference,
        "email": f"{reference}@example.com",
        "given_name": "Ann",
        "family_name": "Lee",
        **more,
    }


def loaded(db: Database, path: Path, *rows: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    path.write_text("\n".join(map(json.dumps, rows)))
    said = io.StringIO()
    report = load.load(db, {"customers": path}, said)
    return report.counts["customers"], [
        line.partition(":")[2] for line in said.getvalue().splitlines()
    ]


def found(db: Database, **clues: str) -> list[str]:
    typed: dict[Clue, str] = clues  # type: ignore[assignment]
    return [each.id for each in find(db, question(typed), 50, None)[0]]


def record(db: Database, reference: str) -> Customer:
    known = get_customer(db, id_of(reference))
    assert known is not None
    return known


def test_loaded_twice_is_one_customer_who_is_found(db: Database, tmp_path: Path) -> None:
    address = {"label": "Home", "address": HOME, "default_shipping": True}
    rows = [row(phone="+16145550001", addresses=[address]), row("r2", given_name="", name="A Lee")]
    assert loaded(db, tmp_path / "c.jsonl", *rows) == ({"added": 2}, [])
    assert loaded(db, tmp_path / "c.jsonl", *rows) == ({"unchanged": 2}, [])
    ann = record(db, "r1")
    assert (ann.state, ann.name, ann.subject, dict(ann.consents)) == ("enabled", "Ann Lee", "", {})
    assert found(db, phone="0001") == found(db, postal_code="45402") == [ann.id]
    assert sorted(found(db, family_name="lee")) == sorted([ann.id, id_of("r2")])
    assert holder_of(db, "r1@example.com") == ann.id


def test_loaded_again_it_is_as_the_file_has_it_now(db: Database, tmp_path: Path) -> None:
    loaded(db, tmp_path / "c.jsonl", row())
    assert loaded(db, tmp_path / "c.jsonl", row(family_name="King"))[0] == {"changed": 1}
    assert found(db, family_name="lee") == []
    assert found(db, family_name="king") == [id_of("r1")]


def test_bad_rows_are_told_and_the_others_loaded(db: Database, tmp_path: Path) -> None:
    wrong = {"label": "Home", "address": HOME | {"postal_code": "4540"}}
    counts, said = loaded(
        db,
        tmp_path / "c.jsonl",
        row(),
        row(),
        row("r3", email="R1@Example.com"),
        row("r4", phone="0614 5550001"),
        row("r5", email="nobody"),
        row("r6", given_name="", family_name=""),
        row("r7", addresses=[wrong]),
        row("r8", password="secret"),
        row("r9"),
    )
    assert counts == {"added": 2}
    assert [line.partition(":")[0] for line in said] == ["2", "3", "4", "5", "6", "7", "8"]
    assert said[1].endswith("email: it is that of r1 already")
    assert "addresses.0.address.postal_code" in said[5]
    taken = loaded(db, tmp_path / "d.jsonl", row("r10", email="r1@example.com"))
    assert taken == ({}, ["1: email: a customer has this address already"])


def test_another_address_than_before_is_a_logins_to_change(db: Database, tmp_path: Path) -> None:
    loaded(db, tmp_path / "c.jsonl", row())
    counts, said = loaded(db, tmp_path / "c.jsonl", row(email="other@example.com"))
    assert (counts, len(said), record(db, "r1").email) == ({}, 1, "r1@example.com")


def test_who_has_a_record_of_their_own_by_now_is_left_alone(db: Database, tmp_path: Path) -> None:
    loaded(db, tmp_path / "c.jsonl", row())
    lost = displaced(record(db, "r1"), clock.now())
    assert lost is not None
    save(db, lost)
    counts, said = loaded(db, tmp_path / "c.jsonl", row(family_name="King"))
    assert (counts, len(said), record(db, "r1").family_name) == ({}, 1, "Lee")


def test_the_households_of_the_sample_become_customers(db: Database, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in HOUSEHOLDS.read_text().splitlines()]
    assert len(rows) == 2_469
    assert not any(customers_load.complaint(CustomerRow.model_validate(each)) for each in rows)
    some = [each for each in rows if each["family_name"] == "O'Brien"][:20]
    assert loaded(db, tmp_path / "c.jsonl", *some) == ({"added": 20}, [])
    assert sorted(found(db, family_name="O’BRIEN")) == sorted(
        id_of(each["reference"]) for each in some
    )
    for each in some:
        assert found(db, phone=each["phone"][2:]) == [id_of(each["reference"])]


def test_demographics_come_with_their_consent_and_are_not_told_again_once_withdrawn(
    db: Database, tmp_path: Path
) -> None:
    households = [json.loads(line) for line in HOUSEHOLDS.read_text().splitlines()]
    told = [each for each in households if "demographics" in each]
    assert len(told) == 801
    one, file = told[0], tmp_path / "c.jsonl"
    customer_id = id_of(one["reference"])
    assert loaded(db, file, one) == ({"added": 1}, [])
    kept = get_demographics(db, customer_id)
    assert kept is not None
    assert (kept.uses, kept.age) == (("statistics",), one["demographics"]["age"])
    assert record(db, one["reference"]).consents["demographics"].granted
    assert loaded(db, file, one) == ({"unchanged": 1}, [])
    change = withdraw(record(db, one["reference"]), clock.now(), SYSTEM)
    assert change is not None
    save_demographics(db, change, None)
    assert loaded(db, file, one) == ({"unchanged": 1}, [])
    assert get_demographics(db, customer_id) is None


def test_demographics_without_consent_are_refused(db: Database, tmp_path: Path) -> None:
    silent = {"uses": ["statistics"], "age": "25-34"}
    counts, said = loaded(db, tmp_path / "c.jsonl", row(demographics=silent))
    assert (counts, len(said)) == ({}, 1)
    assert "demographics.consent" in said[0]
