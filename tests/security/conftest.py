"""One application for all of it: the sample shop with a few of its products."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from infra.local.application import Application, running
from tests import sample


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with running() as application:
        application.load(sample.few(tmp_path_factory.mktemp("sample"), 12))
        yield application


@pytest.fixture(scope="package")
def article(app: Application) -> Callable[..., str]:
    return sample.maker(app)


@pytest.fixture(scope="module", autouse=True)
def all_is_granted(app: Application) -> Iterator[None]:
    """Nothing any test makes the application do is refused by its own roles."""
    yield
    app.settle()
    assert app.stack.permissions.denied() == []
