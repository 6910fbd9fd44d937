"""Staff who act for customers at the same time as others: two on one draft, a grant that ends under
somebody's hands, a reduction that is decided on while the order is placed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest
from parcelway.domain.parties import Actor
from parcelway.ports import clock
from parcelway.store import proposals

from infra.bench.hot_sku import Shop
from infra.demo.people import Client, Json, Shopper, staff
from infra.local.application import Application
from infra.verify import breaks
from tests.orders import dossier_of
from tests.races.crowd import at_once, patiently

_numbers = count(1)


@pytest.fixture(autouse=True)
def exact(app: Application) -> Iterator[None]:
    """Whatever the race was: everything comes to rest and the books add up."""
    yield
    app.settle(180)
    assert [str(found) for found in breaks(app.database, clock.now())] == []


@pytest.fixture
def sku(app: Application) -> str:
    """An article of which there is more than enough."""
    name = f"ACT-{next(_numbers)}"
    Shop(app.database, 1000, name)
    return name


class Desk:
    """Representatives who act on one cart, each with a grant of their own."""

    def __init__(self, app: Application) -> None:
        self.app, self.clerk = app, staff(app, "csr")
        begun = self.clerk.call(
            "POST", "/staff/carts", {"channel": "phone", "cause": "phone_order"}
        )
        self.id, self.grant = str(begun["order"]["id"]), str(begun["grant"])
        self.path, self.first = f"/carts/{self.id}", self._held(begun)
        other = staff(app, "csr_supervisor")
        opened = other.call("POST", f"/staff{self.path}/grants", {"cause": "assistance"})
        self.second = self._held(opened)

    def _held(self, made: Json) -> Shopper:
        return Shopper.holding(self.app.url, self.app.stripe, self.id, made["cart_token"])

    def client(self, of: Shopper) -> Client:
        """A connection of one's own for a thread."""
        return Client(self.app.url, dict(of.api.headers))


def test_two_representatives_on_one_draft_lose_nothing(app: Application, sku: str) -> None:
    desk = Desk(app)
    line = {"sku": sku, "quantity": 1}

    def add(number: int) -> str:
        mine = desk.client((desk.first, desk.second)[number % 2])
        return patiently(partial(mine.call, "POST", f"{desk.path}/lines", line))

    assert at_once(add, range(24), 8) == ["done"] * 24
    assert [each["quantity"] for each in desk.first.order["lines"]] == [24]
    kept = dossier_of(app.database, desk.id).order
    assert len(kept.acted_by) == 2
    assert kept.actor.kind == "staff" and kept.actor.id in kept.acted_by


def test_of_two_who_edit_what_they_read_one_is_told_to_read_again(
    app: Application, sku: str
) -> None:
    desk = Desk(app)
    version = desk.first.add(sku)["version"]

    def edit(number: int) -> str:
        mine = desk.client((desk.first, desk.second)[number % 2])
        mine.headers["If-Match"] = f'"{version}"'
        put = partial(mine.call, "PUT", f"{desk.path}/lines/{sku}", {"quantity": number + 2})
        return patiently(put)

    assert Counter(at_once(edit, range(8), 8)) == {"done": 1, "stale-version": 7}


def test_two_representatives_place_one_order(app: Application, sku: str) -> None:
    desk = Desk(app)
    desk.first.add(sku)
    desk.first.deliver()
    desk.first.describe()

    def place(number: int) -> str:
        mine = desk.client((desk.first, desk.second)[number % 2])
        return patiently(partial(mine.call, "POST", f"{desk.path}/checkout", {}))

    assert Counter(at_once(place, range(8), 8)) == {"done": 1, "illegal-state": 7}
    told = [event.type for event in dossier_of(app.database, desk.id).events]
    assert told.count("order.placed") == 1


def test_nothing_is_done_by_a_grant_once_it_is_ended(app: Application, sku: str) -> None:
    """Everything answered as done is there, and nothing came after the end."""
    desk = Desk(app)
    line = {"sku": sku, "quantity": 1}

    def act(number: int) -> str:
        if number == 6:
            end = f"/staff{desk.path}/grants/{desk.grant}"
            mine = Client(app.url, dict(desk.clerk.headers))
            return "ended " + patiently(partial(mine.call, "DELETE", end))
        mine = desk.client(desk.first)
        return patiently(partial(mine.call, "POST", f"{desk.path}/lines", line))

    outcomes = Counter(at_once(act, range(20), 6))
    assert set(outcomes) <= {"done", "grant-over", "ended done"}
    dossier = dossier_of(app.database, desk.id)
    assert sum(each.quantity for each in dossier.order.lines) == outcomes["done"]
    (ended,) = [event for event in dossier.events if event.type == "order.acting_ended"]
    assert outcomes["grant-over"] + outcomes["done"] == 19
    assert ended.actor != Actor("staff", "")
    assert patiently(partial(desk.first.add, sku)) == "grant-over"


def test_an_order_is_placed_at_the_price_that_was_decided_on(app: Application, sku: str) -> None:
    """A reduction is approved, rejected, taken back, and the order placed, all at once."""
    for _ in range(6):
        desk = Desk(app)
        desk.first.add(sku, 9)
        desk.first.deliver()
        desk.first.describe()
        usual = desk.first.order["totals"]["gross"]["minor"]
        path = f"/staff{desk.path}/adjustments"
        value = {"minor": usual // 2, "currency": "USD"}
        asked = {"kind": "amount_off", "value": value, "reason": "goodwill"}
        made = desk.clerk.call("POST", path, asked)["adjustments"][0]
        assert made["status"] == "proposed"
        boss, clerk = staff(app, "finance"), desk.clerk

        def does(what: str) -> str:
            one = f"{path}/{made['id']}"  # noqa: B023
            ways: dict[str, Callable[[], Any]] = {
                "approve": lambda: boss.call("POST", f"{one}/approve"),  # noqa: B023
                "remove": lambda: clerk.call("DELETE", one),  # noqa: B023
                "place": lambda: desk.client(desk.first).call(  # noqa: B023
                    "POST",
                    f"{desk.path}/checkout",  # noqa: B023
                    {},
                ),
            }
            return f"{what} {patiently(ways[what])}"

        outcomes = set(at_once(does, ("approve", "remove", "place"), 3))
        order = dossier_of(app.database, desk.id).order
        applied = [each for each in order.adjustments if each.status == "applied"]
        gross = desk.first.order["totals"]["gross"]["minor"]
        assert (gross < usual) == bool(applied), outcomes
        if "place done" in outcomes:
            assert order.state == "placed"
            assert not [each for each in order.adjustments if each.status == "proposed"], outcomes
        waiting, _ = proposals.waiting(app.database, 100, None)
        assert desk.id not in [each.id for each, _ in waiting], outcomes
