"""One application for all journeys: the sample shop with fifty of its products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from parcelway.domain.shop import ReservationPolicy
from parcelway.ports import clock
from parcelway.store import shop

from infra.demo.people import Carrier, Shopper, Warehouse
from infra.local.application import Application, running
from infra.sim.states.replay import same_paths
from infra.verify import breaks
from tests import sample


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with running() as application:
        application.load(sample.few(tmp_path_factory.mktemp("sample"), 50))
        yield application


@pytest.fixture
def article(app: Application) -> Callable[..., str]:
    return sample.maker(app)


@pytest.fixture
def kit(app: Application) -> Callable[..., str]:
    return sample.kit_maker(app)


@pytest.fixture
def settings(app: Application, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Changes settings of the shop for one test, and has every container know at once."""
    monkeypatch.setattr(shop, "CACHED_SECONDS", -1)
    before = shop.load_shop(app.database).settings

    def change(**members: Any) -> None:
        shop.put_settings(app.database, replace(before, **members))

    yield change
    app.settle()
    shop.put_settings(app.database, before)
    app.database.memory.clear()
    for containers in app.stack.build.functions._free.values():
        containers.clear()  # they would remember for a minute more


@pytest.fixture
def policy(settings: Callable[..., None]) -> Callable[[ReservationPolicy], None]:
    """Sets when stock is reserved for online orders."""

    def reserve(when: ReservationPolicy) -> None:
        settings(reservation_policy={"online": when})

    return reserve


@pytest.fixture
def shopper(app: Application) -> Shopper:
    return Shopper(app.url, app.stripe)


@pytest.fixture(scope="package")
def warehouse(app: Application) -> Warehouse:
    return Warehouse(app)


@pytest.fixture(scope="package")
def carrier(app: Application) -> Carrier:
    return Carrier(app)


@pytest.fixture(scope="package")
def replayed() -> set[str]:
    """The executions that ended and were replayed."""
    return set()


@pytest.fixture(scope="module", autouse=True)
def books_balance(app: Application, replayed: set[str]) -> Iterator[None]:
    """After the journeys of a file, whatever they were: all is at rest and the books add up, and
    the crash explorer's interpreter takes every execution the same way."""
    yield
    app.settle()
    app.stack.fire("SweeperFunction")  # no schedule runs here, and some tests travel in time
    app.settle()
    assert breaks(app.database, clock.now()) == []
    same_paths(app.stack.client("stepfunctions"), replayed)
