"""schemathesis over the OpenAPI document: whatever is sent, the answer is as documented, no fault
of ours (5xx), and what the document does not allow is refused.

About a minute; `HYPOTHESIS_PROFILE=deep` sends twenty-five times as much.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import FlakyStrategyDefinition, Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.ports import clock
from parcelway.store import catalogue, stock_books
from schemathesis import GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from infra.local.application import Application
from tests.journeys.fuzzing import BOOKS, STORE, Fuzz, has_wrong_form, labels

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
EXAMPLES = 300 if DEEP else 12
MORE = 12  # times as many, of an operation that has led nowhere
WALKS = 100 if DEEP else 8
BEHIND_A_MAIL = {  # these want a code or a session that only their own journey has
    "POST /customers/confirmation",
    "POST /passwords/reset/confirmation",
    "POST /sessions/new-password",
}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
# Not among them: `unsupported_method` wants 405, which API Gateway cannot give for a method that a
# resource does not have; `ignored_auth` and `missing_required_header` are matrices of their own.
SEEDED = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
WALKING = settings(SEEDED, max_examples=6, stateful_step_count=12)


@pytest.fixture(scope="module")
def fuzz(app: Application, skus: list[str]) -> Iterator[Fuzz]:
    yield Fuzz(app, skus)
    # Units that were sold and not there: somebody counts.
    stock_books.count(app.database, BOOKS, "dc-columbus", 10**12, clock.now(), "end")


@pytest.fixture(scope="module")
def skus(app: Application) -> list[str]:
    """Products of which there is always enough; of the last one not at the store."""
    made = [f"FUZZ-{number}" for number in (1, 2, 3)]
    products = [
        Product(sku, sku, Money(1000, "USD"), tax_category="general") for sku in (*made, BOOKS)
    ]
    catalogue.upsert(app.database, products, clock.now())
    for sku in made:
        for node in ("dc-columbus", STORE)[: 1 if sku == made[-1] else 2]:
            stock_books.count(app.database, sku, node, 1_000_000, clock.now(), "test")
    return made


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
@pytest.mark.parametrize("label", labels())
def test_an_operation(fuzz: Fuzz, label: str, mode: GenerationMode) -> None:
    operation = fuzz.schema.find_operation_by_label(label)
    assert operation is not None

    def send(examples: int, start: int) -> None:
        @seed(start)
        @settings(SEEDED, max_examples=examples)
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            case.validate_response(fuzz.send(case), checks=CHECKS)

        one()

    _arrange(fuzz, label, mode)
    try:
        send(EXAMPLES, 0)
        # What leads somewhere differs from run to run with the ids: more, while all led nowhere.
        for start in range(1, MORE):
            if mode.is_positive and label not in fuzz.succeeded | BEHIND_A_MAIL:
                send(EXAMPLES, start)
    except Unsatisfiable:
        assert mode.is_negative
        assert not has_wrong_form(label)


def _arrange(fuzz: Fuzz, label: str, mode: GenerationMode) -> None:
    """What an operation needs for leading somewhere: carts, offers, something to approve."""
    if "{cart_id}" in label:
        fuzz.refill()
    if "{offer_id}" in label or "{code}" in label:
        fuzz.offer()
    if mode.is_positive and "{adjustment_id}" in label:
        fuzz.propose()
    if mode.is_positive and "approval" in label:
        fuzz.ask_approval(label)
    if mode.is_positive and "{shipment_id}" in label:
        fuzz.furnish(label)


def test_walks_along_links(fuzz: Fuzz) -> None:
    """What one answer says (ids, states) goes into the next request, as far as the document
    lets schemathesis see what belongs together."""

    class Walk(fuzz.schema.as_state_machine()):  # type: ignore[misc]
        def call(self, case: Any, **_: Any) -> Response:
            return fuzz.send(case)

        def validate_response(self, response: Response, case: Any, *_: Any, **more: Any) -> None:
            case.validate_response(response, checks=CHECKS, recorder=self.recorder)

    fuzz.refill()
    before = sum(fuzz.statuses.values())
    for number in range(WALKS):
        # Ids differ from run to run; where that leads a repeated walk elsewhere, it ends there.
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(seed(number)(Walk), settings=WALKING)
    fuzz.walked = sum(fuzz.statuses.values()) - before
    assert fuzz.walked > 10 * WALKS


def test_the_fuzz_got_past_every_door(fuzz: Fuzz) -> None:
    """Without this, a test of refusals only would pass for one of everything."""
    if not fuzz.walked:
        pytest.skip("runs after all others of this file")
    assert set(labels()) - fuzz.succeeded == BEHIND_A_MAIL
    sent = sum(fuzz.statuses.values())
    print(f"{sent} requests, {fuzz.negative} of them wrong")


def test_nothing_that_was_accepted_breaks_what_comes_after(fuzz: Fuzz) -> None:
    fuzz.app.settle(120)
    assert fuzz.dead_letters() == {}
