"""`parcelway load`: bad rows by file, line and reason; good ones loaded; repeats change nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.adjustment import Cap
from parcelway.domain.money import Money
from parcelway.domain.shop import SourcingRules, ZeroRated
from parcelway.ports import clock
from parcelway.store import catalogue, stock
from parcelway.store import shop as shop_store
from parcelway.store.database import Database
from parcelway.store.items import to_item
from parcelway.store.shop import load_shop

from infra.cli import load, main, models, rows
from infra.cli.rows import BadRow, Row
from tests.functions import tables

WEEK = {str(day): [["09:00", "24:00"]] for day in range(5)}
SAMPLE = Path(__file__).parents[2] / "infra" / "sample"


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with tables.aws(monkeypatch) as database:
        yield database
    clock.reset()


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def run(db: Database, **files: Path) -> tuple[load.Report, list[str]]:
    output = io.StringIO()
    report = load.load(db, files, output)
    return report, output.getvalue().splitlines()


def product(**more: Any) -> str:
    return json.dumps(
        {"sku": "A1", "name": "Tea", "price": {"minor": 199, "currency": "USD"}} | more
    )


def test_bad_rows_are_reported_with_their_lines_and_the_others_loaded(
    db: Database, tmp_path: Path
) -> None:
    good = [product(sku=f"G{number}") for number in range(3)]
    lines: list[tuple[str | bytes, str]] = [
        (good[0], ""),
        ("", ""),
        ("{", "not JSON"),
        ("[1, 2]", "valid dictionary"),
        (product(colour="red"), "colour: Extra inputs"),
        (product(sku="no spaces"), "sku: "),
        (product(price={"minor": 1.5, "currency": "USD"}), "price.minor: "),
        (product(price={"minor": True, "currency": "USD"}), "price.minor: "),
        (product(price={"minor": "199", "currency": "USD"}), "price.minor: "),
        (product(price={"minor": -1, "currency": "USD"}), "price.minor: "),
        (product(price={"minor": 1, "currency": "XYZ"}), "price.currency: unknown currency 'XYZ'"),
        ('{"sku": "A1", "name": "Tea", "price": {"minor": NaN, "currency": "USD"}}', "NaN"),
        (good[1], ""),
        (product(sku="G0"), "G0 is on line 1 already"),
        (product(name="\udcff"), "name: "),
        (b'{"sku": "A1", "name": "\xff"}', "not UTF-8"),
        ('{"a":' * 100_000, "recursion"),
        (product(category=["a>b"]), "category: a category's name has no '>'"),
        (product(min_quantity=4, quantity_step=3), "min_quantity: no multiple of quantity_step"),
        (product(min_quantity=4, max_quantity=3), "max_quantity: less than min_quantity"),
        ("null", "valid dictionary"),
        (good[2], ""),
    ]
    content = b"\n".join(
        line if isinstance(line, bytes) else line.encode("utf-8") for line, _ in lines
    )
    path = write(tmp_path / "products.jsonl", b"\xef\xbb\xbf" + content)
    report, output = run(db, catalogue=path)
    expected = [(number, why) for number, (_, why) in enumerate(lines, start=1) if why]
    assert [bad.line for bad in report.bad] == [number for number, _ in expected]
    for told, (number, why) in zip(output, expected, strict=True):
        assert told.startswith(f"{path}:{number}: ")
        assert why.lower() in told.lower()
    assert set(catalogue.get_many(db, ["G0", "G1", "G2", "A1"])) == {"G0", "G1", "G2"}
    assert list(report.lines()) == ["products: 3 added"]


def test_csv_rows_keep_their_line_numbers_across_quoted_breaks(
    db: Database, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "products.csv",
        "sku,name,price,currency,category,weight_grams,active,attribute:size\r\n"
        'A1,"Tea,\nblack",1.99,USD,Food > Tea,250,true,5 oz\r\n'  # lines 2 and 3
        "A2,Pot,1.999,USD,,,,\r\n"  # line 4
        "A3,Pot,12,JPY,,,,\r\n"
        "A4,Pot,1.5,JPY,,,,\r\n"
        "A5,Pot,free,USD,,,,\r\n"
        "A6,Pot,NaN,USD,,,,\r\n"
        "A7,Pot,1,USD,,many,,\r\n"
        "A8,Pot,1,USD,,1,yes,\r\n"
        "A9,Pot,1\r\n"
        "A10,Pot,1.2,,,,,\r\n"
        "A11,Pot,1e2,USD,,0,false,\r\n",
    )
    report, _ = run(db, catalogue=path)
    told = {bad.line: bad.reason for bad in report.bad}
    assert list(told) == [4, 6, 7, 8, 9, 10, 11, 12]
    assert told[4] == "price: '1.999' is no amount of USD (2 decimals)"
    assert told[6] == "price: '1.5' is no amount of JPY (0 decimals)"
    assert told[11] == "3 cells under 8 columns"
    found = catalogue.get_many(db, ["A1", "A3", "A11"])
    assert found["A1"].category == ("Food", "Tea")
    assert found["A1"].attributes == {"size": "5 oz"}
    assert (found["A1"].name, found["A1"].price) == ("Tea,\nblack", Money(199, "USD"))
    assert (found["A3"].price, found["A11"].price) == (Money(12, "JPY"), Money(10_000, "USD"))
    assert (found["A3"].active, found["A11"].active) == (True, False)


def test_a_cost_is_a_column_in_the_currency_of_the_price(db: Database, tmp_path: Path) -> None:
    path = write(
        tmp_path / "products.csv",
        "sku,name,price_minor,currency,unit_cost_minor\n"
        "A1,Tea,5,USD,3\n"
        "A2,Tea,5,USD,\n"
        "A3,Tea,5,USD,-1\n",
    )
    report, _ = run(db, catalogue=path)
    assert [bad.line for bad in report.bad] == [4]
    found = catalogue.get_many(db, ["A1", "A2"])
    assert (found["A1"].unit_cost, found["A2"].unit_cost) == (Money(3, "USD"), None)


def test_launch_and_back_orders_are_columns_too(db: Database, tmp_path: Path) -> None:
    path = write(
        tmp_path / "products.csv",
        "sku,name,price_minor,currency,launch,backorders\n"
        "A1,Tea,1,USD,2027-03-01,false\n"
        "A2,Tea,1,USD,,\n"
        "A3,Tea,1,USD,2027-02-30,\n"
        "A4,Tea,1,USD,soon,\n"
        "A5,Tea,1,USD,,never\n",
    )
    report, _ = run(db, catalogue=path)
    assert [(bad.line, bad.reason.partition(":")[0]) for bad in report.bad] == [
        (4, "launch"),
        (5, "launch"),
        (6, "backorders"),
    ]
    found = catalogue.get_many(db, ["A1", "A2"])
    assert (found["A1"].launch, found["A1"].backorders) == (date(2027, 3, 1), False)
    assert (found["A2"].launch, found["A2"].backorders) == (None, True)


def test_an_unknown_column_is_refused_in_every_row(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "sku,name,price_minor,currency,colour\nA,Tea,1,USD,red\n")
    (row,) = rows.read(path, models.ProductRow)
    assert isinstance(row, BadRow)
    assert row.reason.startswith("colour: Extra inputs")


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=20)


@given(st.lists(st.tuples(texts, st.integers(0, 10**6), st.lists(texts, max_size=3)), max_size=8))
def test_what_csv_can_hold_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, int, list[str]]]
) -> None:
    """CSV and JSONL of the same products read the same, whatever their text."""
    folder = tmp_path_factory.mktemp("rows")
    with (folder / "p.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "name", "price_minor", "currency", "category"])
        for number, (name, minor, path) in enumerate(values):
            writer.writerow([f"S{number}", name, minor, "USD", ">".join(path)])
    read = list(rows.read(folder / "p.csv", models.ProductRow))
    assert len(read) == len(values)
    for row, (name, minor, path) in zip(read, values, strict=True):
        if isinstance(row, Row):
            assert row.value.name == name.strip()
            assert row.value.price.minor == minor
            wanted = [part.strip() for part in ">".join(path).strip().split(">")]
            assert row.value.category == (wanted if wanted != [""] else [])


def test_the_sample_loads_and_loading_it_again_writes_nothing(db: Database) -> None:
    files = {
        "shop": SAMPLE / "shop.json",
        "nodes": SAMPLE / "nodes.json",
        "services": SAMPLE / "services.json",
        "catalogue": SAMPLE / "catalogue.jsonl",
    }
    report, _ = run(db, **files)
    assert not report.bad
    assert list(report.lines()) == [
        "settings: 1 loaded",
        "nodes: 5 loaded",
        "services: 5 loaded",
        "products: 2,013 added",
    ]
    shop = load_shop(db)
    assert (len(shop.nodes), len(shop.services), shop.settings.currency) == (5, 5, "USD")
    writes: list[str] = []
    db.client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: writes.append(model.name)
    )
    report, _ = run(db, catalogue=files["catalogue"])
    assert list(report.lines()) == ["products: 2,013 unchanged"]
    assert not {"PutItem", "BatchWriteItem", "UpdateItem", "TransactWriteItems"} & set(writes)


def test_loading_again_puts_on_its_shelf_what_was_stored_before_there_were_any(
    db: Database, tmp_path: Path
) -> None:
    files = [product(category=["Tea"]), product(sku="A2", category=["Tea"])]
    path = write(tmp_path / "c.jsonl", "\n".join(files))
    run(db, catalogue=path)
    (tea,) = catalogue.get_many(db, ["A2"]).values()
    db.client.update_item(
        TableName=db.catalogue,
        Key=to_item(catalogue.key("A1")),
        UpdateExpression="REMOVE shelf, place",
    )
    assert catalogue.nearest(db, tea, 5) == []
    report, _ = run(db, catalogue=path)
    assert list(report.lines()) == ["products: 1 changed, 1 unchanged"]
    assert catalogue.nearest(db, tea, 5) == ["A1"]
    report, _ = run(db, catalogue=path)
    assert list(report.lines()) == ["products: 2 unchanged"]


def test_stock_is_booked_once_corrected_when_it_differs_and_checked(
    db: Database, tmp_path: Path
) -> None:
    run(db, shop=SAMPLE / "shop.json", nodes=SAMPLE / "nodes.json")
    run(db, catalogue=write(tmp_path / "p.jsonl", product(tax_category="grocery")))
    path = write(
        tmp_path / "stock.csv",
        "sku,node,quantity\n"
        "A1,dc-columbus,10\n"
        "A1,mars,10\n"
        "B1,dc-columbus,10\n"
        "A1,dc-columbus,11\n"
        "A1,store-dayton,-1\n"
        "A1,store-dayton,1.5\n"
        "A1,store-dayton,0\n"
        "A1,wh-louisville,3\n",
    )
    report, output = run(db, stock=path)
    assert sorted(bad.line for bad in report.bad) == [3, 4, 5, 6, 7]
    assert f"{path}:3: node: there is no node mars" in output
    assert f"{path}:4: sku: there is no product B1" in output
    assert list(report.lines()) == ["stock: 2 changed, 1 unchanged"]
    assert on_hand(db) == {"dc-columbus": 10, "wh-louisville": 3}
    report, _ = run(db, stock=path)
    assert list(report.lines()) == ["stock: 3 unchanged"]
    run(db, stock=write(tmp_path / "count.csv", "sku,node,quantity\nA1,dc-columbus,7\n"))
    assert on_hand(db) == {"dc-columbus": 7, "wh-louisville": 3}


def on_hand(db: Database) -> dict[str, int]:
    return {balance.node: balance.on_hand for balance in stock.balances_of(db, "A1")}


def test_rows_that_do_not_fit_the_shop_are_refused(db: Database, tmp_path: Path) -> None:
    run(db, shop=SAMPLE / "shop.json")
    path = write(
        tmp_path / "p.jsonl",
        "\n".join(
            [
                product(tax_category="luxury"),
                product(price={"minor": 1, "currency": "EUR"}, tax_category="grocery"),
            ]
        ),
    )
    report, _ = run(db, catalogue=path)
    assert [bad.reason for bad in report.bad] == [
        "tax_category: the shop has no tax rate for luxury",
        "price.currency: the shop's currency is USD",
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time_zone": "Mars/Base"}, "time_zone: unknown time zone"),
        ({"cut_off": "25:00"}, "cut_off: "),
        ({"working_days": [7]}, "working_days.0: "),
        ({"working_days": [1, 2, 1]}, "working_days: 1 is there twice"),
        ({"holidays": ["2026-12-25", "2026-12-25"]}, "holidays: 2026-12-25 is there twice"),
        ({"holidays": ["2026-02-30"]}, "holidays.0: day is out of range"),
        ({"public_holidays": ["Festivus"]}, "public_holidays: no public holiday is called 'Fes"),
        ({"public_holidays": "some"}, "public_holidays."),
        (
            {"hours": {"1": [["09:00", "13:00"], ["12:00", "15:00"]]}},
            "hours: weekday 1: 12:00 is before 13:00, the last end",
        ),
        ({"hours": {"1": [["13:00", "09:00"]]}}, "hours: weekday 1: 13:00 to 09:00 ends before"),
        ({"hours": {"1": [["09:00"]]}}, "hours.1.0: "),
        ({"hours": {"1": [["09:00", "24:30"]]}}, "hours.1.0.1: "),
        ({"hours": {"7": []}}, "hours.7.[key]: "),
        ({"hours": WEEK | {"6": [["09:00", "13:00"]]}}, "hours: weekday 6 is no working day"),
        ({"hours": WEEK | {"4": []}}, "hours: weekday 4 is a working day without any"),
        ({"capacity": -1}, "capacity: "),
        ({"processing_minutes": 30}, "processing_minutes: are for nodes that can do pickup"),
        ({"kind": "garage"}, "kind: "),
        ({"legal_entity": "Nobody!"}, "legal_entity: "),
        ({"latitude": 91}, "latitude: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_bad_nodes_are_told_by_their_number(
    db: Database, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    good, bad, *_ = json.loads((SAMPLE / "nodes.json").read_text(encoding="utf-8"))
    path = write(tmp_path / "nodes.json", json.dumps([good, bad | change]))
    report, output = run(db, nodes=path)
    assert output[0].startswith(f"{path}:2: {reason}")
    assert list(report.lines()) == ["nodes: 1 loaded"]


def test_public_holidays_are_written_down_as_dates(db: Database, tmp_path: Path) -> None:
    clock.travel(datetime(2026, 11, 16, tzinfo=UTC) - clock.now())
    here, there, *_ = json.loads((SAMPLE / "nodes.json").read_text(encoding="utf-8"))
    chosen = ["Thanksgiving Day", "Christmas Day"]
    here |= {"holidays": ["2026-11-27", "2026-12-25"], "public_holidays": chosen, "hours": {}}
    there |= {"public_holidays": "all", "hours": WEEK, "working_days": [0, 1, 2, 3, 4]}
    there["address"] |= {"country": "CA", "region": "QC"}
    van, *_ = json.loads((SAMPLE / "services.json").read_text(encoding="utf-8"))
    van |= {"countries": ["US", "CA"], "public_holidays": ["Canada Day", "Thanksgiving Day"]}
    van |= {"holidays": {"US": ["2026-12-24"], "DE": ["2026-10-03"]}}
    report, _ = run(
        db,
        shop=SAMPLE / "shop.json",
        nodes=write(tmp_path / "nodes.json", json.dumps([here, there])),
        services=write(tmp_path / "services.json", json.dumps([van])),
    )
    assert not report.bad
    shop = load_shop(db)
    days = [day.isoformat() for day in shop.nodes[here["id"]].holidays]
    assert days[:4] == ["2026-11-26", "2026-11-27", "2026-12-25", "2027-11-25"]
    assert (len(days), days[-1]) == (7, "2028-12-25")
    quebec = shop.nodes[there["id"]]
    assert {date(2026, 6, 24), date(2027, 7, 1)} <= set(quebec.holidays)  # Saint-Jean, Canada Day
    assert quebec.hours["4"] == (("09:00", "24:00"),)
    closed = shop.services[van["id"]].holidays
    assert closed["US"][:2] == (date(2026, 11, 26), date(2026, 12, 24))
    assert closed["CA"][:2] == (date(2026, 7, 1), date(2027, 7, 1))
    assert closed["DE"] == (date(2026, 10, 3),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"public_holidays": ["Canada Day"]}, "public_holidays: no public holiday is called 'Can"),
        (
            {"public_holidays": "all", "countries": ["US", "QQ"]},
            "public_holidays: the public holidays of QQ are not known",
        ),
        ({"delivery_days": []}, "delivery_days: "),
        ({"pickup_days": [0, 0]}, "pickup_days: 0 is there twice"),
        ({"holidays": {"US": ["2026-12-25", "2026-12-25"]}}, "holidays.US: 2026-12-25 is there tw"),
    ],
)
def test_bad_services_are_told_by_their_number(
    db: Database, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    good, bad, *_ = json.loads((SAMPLE / "services.json").read_text(encoding="utf-8"))
    path = write(tmp_path / "services.json", json.dumps([good, bad | change]))
    report, output = run(db, shop=SAMPLE / "shop.json", services=path)
    assert output[0].startswith(f"{path}:2: {reason}")
    assert list(report.lines()) == ["settings: 1 loaded", "services: 1 loaded"]


def test_the_command_says_what_it_did(
    db: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "p.jsonl", product() + "\nnonsense\n")
    assert main.main(["load", "--catalogue", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "products: 1 added\n"
    assert captured.err.startswith(f"{path}:2: not JSON")
    assert "\r" not in captured.err  # progress is for terminals
    write(path, product())
    assert main.main(["load", "--catalogue", str(path)]) == 0
    assert capsys.readouterr().out == "products: 1 unchanged\n"
    assert main.main(["load"]) == 2
    assert main.main(["load", "--stock", str(tmp_path / "none.csv")]) == 2


def test_the_tables_of_a_stack_are_found_by_its_name(
    db: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("Customers", "Catalogue", "Stock", "Orders", "Ledger")
    keys = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    schema = [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    resources = {
        f"{name}Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": keys,
                "KeySchema": schema,
                "BillingMode": "PAY_PER_REQUEST",
            },
        }
        for name in names
    }
    boto3.client("cloudformation").create_stack(
        StackName="my-shop", TemplateBody=json.dumps({"Resources": resources})
    )
    path = write(tmp_path / "p.jsonl", product())
    assert main.main(["load", "--catalogue", str(path), "--stack", "my-shop"]) == 0
    assert capsys.readouterr().out == "products: 1 added\n"
    assert not catalogue.get_many(db, ["A1"])  # not in the environment's tables


def test_places_are_replaced_as_a_whole_and_found_by_the_start_of_the_code(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_store, "_AREAS_PER_ITEM", 2)
    run(db, shop=SAMPLE / "shop.json")
    areas = {"US:432": [39.96, -83], "US:": [39.8, -98.6], "CA:M5V": [43.64, -79.39]}
    report, _ = run(db, places=write(tmp_path / "places.json", json.dumps(areas)))
    assert list(report.lines()) == ["places: 3 loaded"]
    assert load_shop(db).places == {area: tuple(point) for area, point in areas.items()}
    run(db, places=write(tmp_path / "places.json", '{"CA:": [56.1, -106.3]}'))
    assert load_shop(db).places == {"CA:": (56.1, -106.3)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"usa:432": [1, 2]}', "usa:432.[key]: "),
        ('{"US:43-2": [1, 2]}', "US:43-2.[key]: "),
        ('{"US:432": [91, 2]}', "US:432.0: "),
        ('{"US:432": [NaN, 2]}', "US:432.0: "),
        ('{"US:432": ["1", 2]}', "US:432.0: "),
        ('{"US:432": [1]}', "US:432.1: Field required"),
        ("{}", "Dictionary should have at least 1 item"),
    ],
)
def test_bad_places_are_told_and_nothing_of_the_file_is_taken(
    db: Database, tmp_path: Path, text: str, reason: str
) -> None:
    run(db, shop=SAMPLE / "shop.json")
    path = write(tmp_path / "places.json", text)
    report, output = run(db, places=path)
    assert output[0].startswith(f"{path}:1: {reason}")
    assert list(report.lines()) == ["places: none"]
    assert load_shop(db).places == {}


def test_the_rules_of_sourcing_are_loaded_and_checked(db: Database, tmp_path: Path) -> None:
    settings = json.loads((SAMPLE / "shop.json").read_text(encoding="utf-8"))
    rules = {"most_parcels": 3, "cost_per_100_km": 12}
    more = {"channel_nodes": {"phone": ["dc-columbus"]}, "sourcing": rules}
    more["tax_regions"] = {"US-OH": {"general": 725}, "DE": {"general": 1900, "grocery": 700}}
    more |= {"services": ["general"], "zero_rated": {"grocery": {"code": "E", "reason": "Food"}}}
    run(db, shop=write(tmp_path / "shop.json", json.dumps(settings | more)))
    found = load_shop(db).settings
    assert found.sourcing == SourcingRules(3, 12)
    assert found.adjustment_caps["csr"] == Cap({"USD": 1000}, 2000)
    assert found.adjustment_reasons["goodwill"]["de"] == "Kulanz"
    assert (found.services, found.zero_rated) == (("general",), {"grocery": ZeroRated("E", "Food")})
    assert found.channel_nodes == {"phone": ("dc-columbus",)}
    _, output = run(db, nodes=SAMPLE / "nodes.json")
    assert output == []
    mars = write(
        tmp_path / "mars.json", json.dumps(settings | {"channel_nodes": {"phone": ["mars"]}})
    )
    _, output = run(db, shop=mars)
    assert output == [f"{mars}:1: channel_nodes.phone: there is no node mars"]
    assert found.tax_regions == more["tax_regions"]
    for bad, reason in (
        ({"channel_nodes": {"telepathy": ["dc-columbus"]}}, "channel_nodes.telepathy"),
        ({"channel_nodes": {"phone": []}}, "channel_nodes.phone"),
        ({"tax_regions": {"Ohio": {"general": 1}}}, "tax_regions.Ohio"),
        ({"tax_regions": {"US": {"general": -1}}}, "tax_regions.US.general"),
        ({"tax_regions": {"US": {"toys": 1}}}, "US has a rate of 'toys'"),
        ({"services": ["repairs"]}, "there is no tax rate of 'repairs'"),
        ({"zero_rated": {"toys": {"code": "E", "reason": "x"}}}, "there is no tax rate of 'toys'"),
        ({"adjustment_reasons": {"goodwill": {}}}, "adjustment_reasons.goodwill"),
        ({"adjustment_caps": {"warehouse": {}}}, "adjustment_caps.warehouse"),
        ({"adjustment_caps": {"csr": {"amounts": {"XYZ": 1}}}}, "adjustment_caps.csr.amounts"),
        ({"adjustment_caps": {"csr": {"amounts": {"USD": -1}}}}, "adjustment_caps.csr.amounts.USD"),
        (
            {"adjustment_caps": {"csr": {"basis_points": 10_001}}},
            "adjustment_caps.csr.basis_points",
        ),
        ({"zero_rated": {"grocery": {"code": "S", "reason": "x"}}}, "zero_rated.grocery.code"),
        ({"sourcing": {"most_parcels": 0}}, "sourcing.most_parcels"),
        ({"credit_note_series": "INV"}, "invoices and credit notes are two series"),
        ({"sourcing": {"cost_per_100_km": -1}}, "sourcing.cost_per_100_km"),
    ):
        path = write(tmp_path / "bad.json", json.dumps(settings | bad))
        _, output = run(db, shop=path)
        assert output[0].startswith(f"{path}:1: {reason}")


def test_legal_entities_have_series_of_their_own_and_nodes(db: Database, tmp_path: Path) -> None:
    settings = json.loads((SAMPLE / "shop.json").read_text(encoding="utf-8"))
    seller = settings["seller"] | {"name": "Parcelway South, Inc."}
    south = {"seller": seller, "invoice_series": "S", "credit_note_series": "S-CRN"}
    good = settings | {"legal_entities": {"south": south}}
    first, second, *_ = json.loads((SAMPLE / "nodes.json").read_text(encoding="utf-8"))
    nodes = [first | {"legal_entity": "south"}, second | {"legal_entity": "north"}]
    path = write(tmp_path / "nodes.json", json.dumps(nodes))
    _, output = run(db, shop=write(tmp_path / "shop.json", json.dumps(good)), nodes=path)
    assert output[0] == f"{path}:2: legal_entity: the shop has no north"
    shop = load_shop(db)
    issuer = shop.issuer(first["id"])
    assert (issuer.seller.name, issuer.invoice_series) == ("Parcelway South, Inc.", "S")
    assert shop.settings.credit_notes_for("S") == "S-CRN"
    abroad = seller | {"address": seller["address"] | {"country": "DE"}}
    for change, reason in (
        ({"invoice_series": settings["invoice_series"]}, "its two series must be its own"),
        ({"invoice_series": "S-CRN"}, "its two series must be its own"),
        ({"seller": abroad}, "must be in the seller's country"),
    ):
        bad = settings | {"legal_entities": {"south": south | change}}
        path = write(tmp_path / "bad.json", json.dumps(bad))
        _, output = run(db, shop=path)
        assert output[0] == f"{path}:1: legal_entities.south: {reason}"
