"""The bill, held: what an order may use, step by step. A change that makes it dearer fails here.

Whoever makes it cheaper writes the new figures down. `make cost` prints them with their prices.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.cost.__main__ import SIZES
from infra.cost.idle import month
from infra.cost.journey import QUIET, abandoned, order, shop_files
from infra.cost.meter import Counts, Meter
from infra.cost.prices import APART, PRICES, beyond_free, dollars
from infra.cost.report import monthly, priced, table
from infra.sim.laboratory import Laboratory, laboratory
from infra.sim.people import SUBSCRIBED
from tests.infra.expanded import ROOT, listed, of_type, statements, target

BUDGETED = (
    "aws_calls",
    "write_units",
    "read_units",
    "invocations",
    "requests",
    "transitions",
    "events",
    "queue_operations",
    "mails",
    "files_written",
    "key_requests",
)
STEPS: dict[str, tuple[float, ...]] = {
    # in the order of BUDGETED
    "browse": (7, 0, 76, 2, 2, 0, 0, 0, 0, 0, 0),
    "cart, 3 lines, one change": (15, 5, 20.5, 5, 5, 0, 0, 0, 0, 0, 0),
    "delivery and details": (9, 2, 16, 3, 3, 0, 0, 0, 0, 0, 0),
    "checkout": (3, 21, 10, 1, 1, 0, 0, 0, 0, 0, 0),
    "pay, confirm, schedule, release": (27, 52, 19, 14, 2, 3, 5, 12, 1, 0, 2),
    QUIET: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "pack": (11, 12, 5.5, 5, 2, 1, 1, 3, 0, 0, 0),
    "ship, invoice, capture": (39, 59, 29, 18, 3, 3, 3, 24, 1, 1, 2),
    "in transit": (6, 8, 4, 2, 1, 0, 1, 0, 0, 0, 1),
    "deliver, close": (20, 24, 14, 7, 1, 1, 2, 9, 1, 0, 1),
    "track twice": (5, 0, 7, 2, 2, 0, 0, 0, 0, 0, 0),
}
TOTALS: dict[str, dict[int, tuple[float, ...]]] = {
    "order": {
        1: (136, 163, 168.5, 57, 20, 8, 12, 48, 3, 1, 6),
        3: (142, 183, 201, 59, 22, 8, 12, 48, 3, 1, 6),
        10: (163, 238, 326.5, 66, 29, 8, 12, 48, 3, 1, 6),
        40: (259, 537, 1146, 96, 59, 8, 12, 48, 3, 1, 6),
    },
    "cart": {
        1: (9, 3, 10, 3, 3, 0, 0, 0, 0, 0, 0),
        3: (15, 5, 20.5, 5, 5, 0, 0, 0, 0, 0, 0),
        10: (36, 12, 73, 12, 12, 0, 0, 0, 0, 0, 0),
        40: (126, 85, 575.5, 42, 42, 0, 0, 0, 0, 0, 0),
    },
}
LOG_BYTES = 250  # an invocation, on average
CRITICAL_PATH = {"dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"}

SCRIPT = """
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from infra.cost.journey import order, shop_files
from infra.sim.laboratory import laboratory
with laboratory(log_level="INFO") as lab, TemporaryDirectory() as folder:
    lab.load(shop_files(Path(folder)))
    print(json.dumps(order(lab, 3).steps))
"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[subprocess.Popen[str]]:
    """The same order in another process, where sets come in another order."""
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def lab(elsewhere: subprocess.Popen[str]) -> Iterator[Laboratory]:
    with laboratory(log_level="INFO") as made, TemporaryDirectory() as folder:
        made.load(shop_files(Path(folder)))
        yield made


@pytest.fixture(scope="module")
def orders(lab: Laboratory) -> dict[int, Meter]:
    return {lines: order(lab, lines) for lines in SIZES}


@pytest.fixture(scope="module")
def carts(lab: Laboratory) -> dict[int, Meter]:
    return {lines: abandoned(lab, lines) for lines in SIZES}


def budgeted(counts: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(counts[kind] for kind in BUDGETED)


def test_each_step_uses_exactly_its_budget(orders: dict[int, Meter]) -> None:
    assert {name: budgeted(used) for name, used in orders[3].steps.items()} == STEPS


def test_each_size_uses_exactly_its_budget(
    orders: dict[int, Meter], carts: dict[int, Meter]
) -> None:
    found = {
        "order": {lines: budgeted(meter.total()) for lines, meter in orders.items()},
        "cart": {lines: budgeted(meter.total()) for lines, meter in carts.items()},
    }
    assert found == TOTALS


def test_the_bill_stays_under_what_is_promised(
    orders: dict[int, Meter], carts: dict[int, Meter]
) -> None:
    assert priced(orders[3].total()) < 0.81
    assert priced(orders[3].total(), without=APART) < 0.31
    assert priced(orders[10].total()) < 0.90
    assert priced(carts[3].total()) < 0.03


def test_what_is_logged_of_an_invocation_is_a_line(orders: dict[int, Meter]) -> None:
    for meter in orders.values():
        total = meter.total()
        assert 0 < total["log_bytes"] <= LOG_BYTES * total["invocations"]


def test_a_second_run_uses_the_same(lab: Laboratory, orders: dict[int, Meter]) -> None:
    assert order(lab, 3).steps == orders[3].steps


def test_another_process_uses_the_same(
    elsewhere: subprocess.Popen[str], orders: dict[int, Meter]
) -> None:
    """But for log lines, which other tests of this process may have been given a say in."""
    told, _ = elsewhere.communicate(timeout=120)
    steps = json.loads(told.splitlines()[-1])
    there = {name: budgeted(Counter(counts)) for name, counts in steps.items()}
    assert there == {name: budgeted(counts) for name, counts in orders[3].steps.items()}


@pytest.mark.parametrize(("lines", "batches"), [(1, 1), (3, 1), (10, 1), (40, 3)])
def test_a_checkout_waits_for_three_calls(
    orders: dict[int, Meter], lines: int, batches: int
) -> None:
    """The order, what it is about, the transaction. 40 products at five nodes each are 240 items,
    of which one BatchGetItem reads 100."""
    calls = orders[lines].calls["checkout"]
    once = dict.fromkeys(CRITICAL_PATH, 1)
    assert {what: n for (_, what), n in calls.items()} == once | {"dynamodb.BatchGetItem": batches}
    assert {function for function, _ in calls} == {"CheckoutFunction"}


def test_an_order_that_goes_its_way_is_never_nudged(orders: dict[int, Meter]) -> None:
    """Hours pass between pay, pack, ship and deliver; nobody is told anything twice for it."""
    for meter in orders.values():
        assert budgeted(meter.steps[QUIET]) == (0.0,) * len(BUDGETED)


def functions_behind_the_api() -> set[str]:
    permissions = of_type("Lambda::Permission").values()
    return {
        target(permission["FunctionName"])
        for permission in permissions
        if permission["Principal"] == "apigateway.amazonaws.com"
    }


def test_no_request_scans(orders: dict[int, Meter], carts: dict[int, Meter]) -> None:
    behind = functions_behind_the_api()
    called = {
        call
        for meter in [*orders.values(), *carts.values()]
        for calls in meter.calls.values()
        for call in calls
    }
    assert {function for function, _ in called} & behind
    assert not {function for function, what in called if what == "dynamodb.Scan"} & behind


def test_no_function_behind_the_api_could_scan() -> None:
    functions = of_type("Lambda::Function")
    roles = {target(functions[name]["Role"]) for name in functions_behind_the_api()}
    may = {role for role, given in statements() if "dynamodb:Scan" in listed(given["Action"])}
    assert may, "somebody builds the search index"
    assert not may & roles


def test_a_month_without_customers(lab: Laboratory) -> None:
    causes = month(lab)
    total: Counts = {name: sum(used[name] for used in causes.values()) for name in PRICES}
    assert total["queue_operations"] == 7 * 5 * 3 * 60 * 730
    assert total["alarms"] <= 12
    assert dollars(total) < 3.15
    assert dollars(beyond_free(total)) < 1.70
    shown = monthly(causes)
    sums = (dollars(total), dollars(beyond_free(total)))
    assert shown.splitlines()[-1].split() == ["total", *(f"{each:.2f}" for each in sums)]


def test_tables_show_what_was_counted(orders: dict[int, Meter]) -> None:
    head, row = table({"all": orders[3].total()}).splitlines()
    assert head.split()[:4] == ["AWS", "calls", "WRU", "RRU"]
    assert row.split()[1:3] == [f"{n:g}" for n in budgeted(orders[3].total())[:2]]


def test_dollars_are_counts_times_prices() -> None:
    counts = {name: 0.0 for name in PRICES} | {"mails": 3.0, "events": 12.0}
    assert dollars(counts) == pytest.approx(0.000312)
    assert dollars(counts, without=("mails",)) == pytest.approx(0.000012)
    assert beyond_free({"alarms": 12.0, "mails": 1.0}) == {"alarms": 2.0, "mails": 1.0}


def test_the_readme_has_the_owner_subscribe_to_what_is_sent_here() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"register the webhook[^.]*?for (.*?), then store", text, re.DOTALL)
    names = re.findall(r"`([a-z_.]+)`", told)
    families = accumulate(names, lambda last, name: last if name[0] == "." else name)
    whole = {
        family.rpartition(".")[0] + name if name[0] == "." else name
        for family, name in zip(families, names, strict=True)
    }
    assert whole == SUBSCRIBED
