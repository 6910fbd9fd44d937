"""A running sample stack per test module; tests use their own ids and stay apart."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from infra.local.stack import Stack
from tests.infra.shop import SAMPLE


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(SAMPLE) as running:
        yield running


@pytest.fixture(autouse=True)
def _at_rest(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test never starts in, or leaves, the middle of another one's work."""
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").settle()


@pytest.fixture
def new_id() -> str:
    return uuid.uuid4().hex[:10]
