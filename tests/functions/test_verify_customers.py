"""`parcelway verify` of what customers are found by: damage is told by customer, and mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parcelway.domain.customer import Customer, Profile, displaced, edited, enabled, signed_up
from parcelway.domain.parties import SYSTEM
from parcelway.store.customers import record_item, save
from parcelway.store.database import Database
from parcelway.store.finding import key_items
from parcelway.store.items import to_item

from infra.bench.tables import container, in_model, scan
from infra.verify import AT_REST, LIVE, breaks, repair

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ANN = Profile("sgn_1", "ann@example.com", "ann@example.com", "Ann Lee", "+16145551234")
CARE = replace(LIVE, pause=0.0)


@pytest.fixture
def db() -> Database:
    return container(in_model())


def member(db: Database) -> Customer:
    new = signed_up("sub-1", ANN, NOW)
    save(db, new)
    proven = enabled(new.customer, NOW)
    save(db, proven)
    return proven.customer


def put(db: Database, item: dict[str, Any]) -> None:
    db.client.put_item(TableName=db.customers, Item=to_item(item))


def drop(db: Database, pk: str, sk: str) -> None:
    db.client.delete_item(TableName=db.customers, Key=to_item({"pk": pk, "sk": sk}))


def told(db: Database, now: datetime = NOW) -> list[tuple[str, str]]:
    at_rest = [(each.kind, each.subject) for each in breaks(db, now)]
    assert at_rest == [(each.kind, each.subject) for each in breaks(db, now, CARE)]
    return at_rest


def items(db: Database) -> list[dict[str, Any]]:
    return sorted(scan(db.client, db.customers), key=str)


def test_a_life_of_a_record_leaves_nothing_to_tell(db: Database) -> None:
    ann = member(db)
    assert told(db) == []
    renamed = edited(ann, {"name": "Ann King", "phone": ""}, NOW, SYSTEM)
    assert renamed is not None
    save(db, renamed)
    assert told(db) == []
    gone = displaced(renamed.customer, NOW)
    assert gone is not None
    save(db, gone)
    assert told(db) == []


@pytest.mark.parametrize("damage", ["missing", "stray", "other", "orphan", "unwritten"])
def test_damage_is_told_and_mended(db: Database, damage: str) -> None:
    ann = member(db)
    sound = items(db)
    (pk, sk), item = next(iter(key_items(ann, {}).items()))
    if damage == "missing":
        drop(db, pk, sk)
    elif damage == "stray":
        put(db, item | {"pk": "FIND#family_name#sm", "sk": f"smith#{ann.id}"})
    elif damage == "other":
        put(db, item | {"customer": item["customer"] | {"name": "Somebody Else"}})
    elif damage == "orphan":
        put(db, item | {"sk": "ann#cus_nobody"})
    else:  # a record of before there were keys
        put(db, record_item(replace(ann, id="cus_old")))
        sound = sorted(
            [*sound, to_item(record_item(replace(ann, id="cus_old")))]
            + [to_item(each) for each in key_items(replace(ann, id="cus_old"), {}).values()],
            key=str,
        )
    subject = {"orphan": "cus_nobody", "unwritten": "cus_old"}.get(damage, ann.id)
    assert told(db) == [("customer.keys", subject)]
    found = breaks(db, NOW)
    assert "smith" not in str(found[0]).casefold() and "ann" not in found[0].detail.casefold()
    (said,) = repair(db, found, NOW)
    assert "written or deleted" in said
    assert (items(db), told(db)) == (sound, [])
    assert "nothing left" in repair(db, found, NOW)[0]


def test_what_goes_by_itself_may_go_in_any_order(db: Database) -> None:
    save(db, signed_up("sub-1", ANN, NOW))
    assert told(db) == []
    late = NOW + timedelta(days=31)
    for item in items(db):
        if item["sk"]["S"] != "CUSTOMER":
            drop(db, item["pk"]["S"], item["sk"]["S"])
            assert breaks(db, late, AT_REST) == []


def test_a_record_that_changes_while_it_is_read_is_not_told(db: Database) -> None:
    ann = member(db)
    changed = edited(ann, {"name": "Ann King"}, NOW, SYSTEM)
    assert changed is not None

    class Busy:
        """Has the record change after the whole table was read, and before it is read again."""

        def __getattr__(self, name: str) -> Any:
            if name == "get_item" and changed not in saved:
                saved.append(changed)
                save(db, changed)
            return getattr(db.client, name)

    saved: list[Any] = []
    (pk, sk), _ = next(iter(key_items(ann, {}).items()))
    drop(db, pk, sk)
    busy = replace(db, client=Busy())
    assert breaks(busy, NOW, CARE) == []
    assert saved
