"""Where the races are run: tables with AWS's conflicts, and the whole application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from parcelway.ports import clock

from infra.bench.tables import dynamodb_local, in_dynamodb_local, in_moto
from infra.local.application import SAMPLE_FILES, Application, running


@pytest.fixture(scope="module", params=["moto", "dynamodb-local"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of tables that a module shares."""
    with ExitStack() as stack:
        if request.param == "moto":
            yield stack.enter_context(in_moto())
            return
        jar = dynamodb_local()
        if jar is None:
            pytest.skip("no DynamoDB Local here: `make dynamodb-local` downloads it, it needs Java")
        yield stack.enter_context(in_dynamodb_local(jar))


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    """The application with the sample's shop, and no products."""
    with running() as application:
        names = ("shop", "nodes", "services")
        application.load({name: SAMPLE_FILES[name] for name in names})
        yield application
    clock.reset()
