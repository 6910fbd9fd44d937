"""Kits that are loaded: after what they are made of, and none of what there is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.database import Database
from parcelway.store.stock import balances_of

from tests.functions import tables
from tests.functions.test_load import product, run, write


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch) as database:
        yield database
    clock.reset()


def kit(sku: str = "KIT", **more: Any) -> str:
    return product(sku=sku, **{"components": {"CUP": 2, "POT": 1}, **more})


ARTICLES = [product(sku=sku) for sku in ("CUP", "POT", "OLD")]


def load(db: Database, folder: Path, *rows: str) -> list[str]:
    """What is wrong with the rows, by line."""
    report, _ = run(db, catalogue=write(folder / "products.jsonl", "\n".join(rows)))
    return [f"{bad.line}: {bad.reason}" for bad in report.bad]


def test_kits_may_come_before_what_they_are_made_of(db: Database, tmp_path: Path) -> None:
    rows = [kit(), *ARTICLES, kit("OTHER", components={"CUP": 1})]
    assert load(db, tmp_path, *rows) == []
    stored = catalogue.get_stored(db, ["KIT", "CUP", "POT"])
    assert stored["KIT"].product.components == {"CUP": 2, "POT": 1}
    assert set(stored["CUP"].in_kits) == {"KIT", "OTHER"}
    assert stored["POT"].in_kits == ("KIT",)
    report, _ = run(db, catalogue=tmp_path / "products.jsonl")
    assert list(report.lines()) == ["products: 5 unchanged"]


WRONG: dict[str, tuple[str, str]] = {
    "of what there is not": (kit(components={"GONE": 1}), "components.GONE: there is no such"),
    "of itself": (kit(components={"KIT": 1}), "components: a kit is not a component of itself"),
    "of a kit": (kit("BIG", components={"FIRST": 1}), "components.FIRST: is a kit itself"),
    "none of one": (kit(components={"CUP": 0}), "components.CUP: "),
    "minus one": (kit(components={"CUP": -1}), "components.CUP: "),
    "half of one": (kit(components={"CUP": 0.5}), "components.CUP: "),
    "as text": (kit(components={"CUP": "1"}), "components.CUP: "),
    "too many of one": (kit(components={"CUP": 101}), "components.CUP: "),
    "too many": (kit(components={f"S{n}": 1 for n in range(21)}), "components: "),
    "a list": (kit(components=["CUP"]), "components: "),
    "no SKU": (kit(components={"a b": 1}), "components.a b"),
    "with a weight": (kit(weight_grams=5), "weight_grams: a kit has that of its components"),
    "with a tax": (kit(tax_category="food"), "tax_category: a kit has that of its components"),
    "with a launch": (kit(launch="2027-01-01"), "launch: a kit has that of its components"),
    "that does not wait": (kit(backorders=False), "backorders: a kit has that of its components"),
    "with a buffer": (kit(channel_buffers={"phone": 1}), "channel_buffers: a kit has that"),
    "with a cost": (
        kit(unit_cost={"minor": 1, "currency": "USD"}),
        "unit_cost: a kit has that of its components",
    ),
    "what has stock": (kit("OLD"), "components: OLD has stock; a kit has that of its components"),
    "what is in a kit": (kit("CUP", components={"POT": 1}), "components: CUP is in kits: FIRST"),
}


@pytest.fixture
def shop(db: Database, tmp_path: Path) -> Database:
    """Three articles, of which one lies somewhere, and a kit of another."""
    assert load(db, tmp_path, *ARTICLES, kit("FIRST", components={"CUP": 1})) == []
    stock = json.dumps({"sku": "OLD", "node": "dc", "quantity": 1})
    assert not run(db, stock=write(tmp_path / "stock.jsonl", stock))[0].bad
    return db


@pytest.mark.parametrize("what", WRONG)
def test_a_kit_that_cannot_be_is_told_by_its_line_and_the_others_are_loaded(
    shop: Database, tmp_path: Path, what: str
) -> None:
    row, why = WRONG[what]
    (told,) = load(shop, tmp_path, row, kit("GOOD"))
    assert told.startswith(f"1: {why}")
    sku = json.loads(row)["sku"]
    known = catalogue.get_many(shop, ["GOOD", sku])
    assert known["GOOD"].components
    assert sku not in known or not known[sku].components


def test_stock_of_a_kit_is_refused_by_its_line(shop: Database, tmp_path: Path) -> None:
    rows = [{"sku": sku, "node": "dc", "quantity": 3} for sku in ("FIRST", "CUP")]
    path = write(tmp_path / "stock.jsonl", "\n".join(map(json.dumps, rows)))
    report, _ = run(shop, stock=path)
    assert [(bad.line, bad.reason) for bad in report.bad] == [
        (1, "sku: FIRST is a kit: stock is kept of its components")
    ]
    assert [each.on_hand for each in balances_of(shop, "CUP")] == [3]
    assert balances_of(shop, "FIRST") == []


@pytest.mark.parametrize(
    ("cell", "components"),
    [
        ("CUP:2; POT", {"CUP": 2, "POT": 1}),
        ("CUP", {"CUP": 1}),
        ("CUP:two", "components: 'two' is no whole number"),
        ("CUP;CUP", "components: CUP is there twice"),
        ("CUP;", "components"),
    ],
)
def test_a_cell_of_a_table_names_components_and_their_units(
    shop: Database, tmp_path: Path, cell: str, components: Any
) -> None:
    table = f"sku,name,price,currency,components\nCSV,Set,9.99,USD,{cell}\n"
    report, _ = run(shop, catalogue=write(tmp_path / "products.csv", table))
    if isinstance(components, dict):
        assert not report.bad
        assert catalogue.get_many(shop, ["CSV"])["CSV"].components == components
    else:
        (bad,) = report.bad
        assert (bad.line, bad.reason[: len(components)]) == (2, components)


@pytest.mark.parametrize("other", ["BIG", "POT"])
def test_a_kit_of_a_kit_is_found_within_one_file(db: Database, tmp_path: Path, other: str) -> None:
    """Of two kits that would hold each other, or one the other, the first one counts."""
    assert load(db, tmp_path, *ARTICLES) == []
    told = load(db, tmp_path, kit(other, components={"CUP": 1}), kit("CUP", components={"POT": 1}))
    assert len(told) == 1
    stored = catalogue.get_stored(db, [other, "CUP"])
    assert stored[other].product.components == {"CUP": 1}
    assert not stored["CUP"].product.components


def test_what_is_in_no_kit_any_more_may_become_one(db: Database, tmp_path: Path) -> None:
    assert load(db, tmp_path, *ARTICLES, kit("FIRST", components={"CUP": 1})) == []
    assert load(db, tmp_path, product(sku="FIRST")) == []  # an article now
    assert load(db, tmp_path, kit("CUP", components={"POT": 1})) == []
