"""A tax engine: asked before decisions, believed where it adds up, frozen with the order."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cart, tax
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.parties import TaxExemption
from parcelway.domain.tax import Assessed, Inquiry, Supply, TaxNeeded, sound
from parcelway.domain.tax_rules import Buyer
from parcelway.http import taxes
from parcelway.ports import clock
from parcelway.ports.tax import LambdaTaxEngine, TaxUnavailable
from parcelway.store import catalogue
from parcelway.store.saving import save

from tests.domain.test_tax import inquiries
from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import HOME, PRODUCTS, Story, store

TEXAS = replace(HOME, region="TX", postal_code="73301")


class Engine:
    """A Lambda client whose function charges 8.25 % in Texas and nothing elsewhere."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.says: Callable[[dict[str, Any]], Any] = self.assess

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:
        assert FunctionName == "arn:engine"
        self.asked.append(json.loads(Payload))
        answer = self.says(self.asked[-1])
        if isinstance(answer, Exception):
            raise answer
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    @staticmethod
    def assess(asked: dict[str, Any]) -> dict[str, Any]:
        return {"supplies": [Engine.one(each) for each in asked["supplies"]]}

    @staticmethod
    def one(supply: dict[str, Any]) -> dict[str, Any]:
        taxed = supply["place"]["region"] == "TX"
        rate = 825 if taxed else 0
        bears = {"net": supply["amount"], "tax": supply["amount"] * rate // 10_000, "rate": rate}
        return bears | ({"code": "S"} if taxed else {"code": "O", "reason": "No nexus"})


class Shop:
    """A cart of a story, over HTTP, in a shop with an engine."""

    def __init__(self, world: World, engine: Engine) -> None:
        self.world, self.engine = world, engine
        self.story = Story().filled()
        store(world.db, self.story)
        self.id = self.story.order.id

    def call(self, method: str, under: str, body: Any = None, **headers: str) -> Answer:
        path, token = {"cart_id": self.id}, self.story.token
        return self.world.call(
            method, f"/carts/{{cart_id}}{under}", path, body, cart_token=token, **headers
        )

    def deliver(self, **changes: str) -> Answer:
        address = {"name": "Ada", "line1": "1 Rose Lane", "city": "Austin", "region": "TX"}
        address |= {"postal_code": "73301", "country": "US"} | changes
        return self.call("PUT", "/delivery", {"service": "standard", "address": address})

    def place(self, key: str = "") -> Answer:
        return self.call("POST", "/checkout", {}, idempotency_key=key or new_key())


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Iterator[Shop]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        world = World(db, "checkout")
        adapter = LambdaTaxEngine(engine, "arn:engine")
        world.function.api.around = lambda view: taxes.with_taxes(view, adapter)
        yield Shop(world, engine)


def test_what_the_engine_says_is_frozen_with_the_order(shop: Shop, engine: Engine) -> None:
    seen = ok(shop.deliver())
    lines = seen["deliveries"][0]["lines"]
    assert {(line["tax_rate"], line["tax_code"]) for line in lines} == {(825, "S")}
    assert seen["totals"]["tax"]["minor"] == 320 + 72 + 236 + 49  # of each by itself, as it says
    placed = ok(shop.place(), 201)
    assert placed["totals"] == seen["totals"]
    assert totals(shop.world.order(shop.id)).tax.minor == seen["totals"]["tax"]["minor"]


def test_it_is_told_where_to_but_not_whom(shop: Shop, engine: Engine) -> None:
    ok(shop.deliver(name="Ada Private", line1="77 Secret Street", company="Hidden Ltd."))
    (asked,) = engine.asked
    assert not [word for word in ("Private", "Secret", "Hidden") if word in json.dumps(asked)]
    assert asked["supplies"][0]["place"] == {
        "city": "Austin",
        "postal_code": "73301",
        "region": "TX",
        "country": "US",
    }
    assert [each["sku"] for each in asked["supplies"]] == ["MUG-1", "TEA-9", "BOOK-3", ""]


@pytest.mark.parametrize(
    "says",
    [
        EndpointConnectionError(endpoint_url="https://lambda.example"),
        {"errorMessage": "boom", "errorType": "KeyError"},
        {"supplies": []},
        [],
        {"supplies": [{"net": 1, "tax": 0, "rate": 0, "code": "Z"}] * 4},
        {"supplies": "all of them"},
    ],
    ids=["unreachable", "fault", "too few", "no object", "other amounts", "no list"],
)
def test_no_sound_answer_is_no_order(shop: Shop, engine: Engine, says: Any) -> None:
    ok(shop.deliver())
    before, engine.says = shop.world.dump(), lambda _: says
    key = new_key()
    answer = shop.place(key)
    assert answer["headers"]["Retry-After"] == "2"
    refused(answer, 503, "tax-unavailable")
    assert shop.world.dump() == before
    engine.says = engine.assess
    ok(shop.place(key), 201)


def test_questions_without_end_have_one(engine: Engine) -> None:
    """A decision that asked something else each time would be made again for ever."""
    amounts = count(1)

    def view() -> None:
        other = replace(SUPPLY, amount=Money(next(amounts), "EUR"), place=TEXAS)
        raise TaxNeeded(replace(ASKED, inclusive=False, supplies=(other,)))

    with pytest.raises(TaxUnavailable):
        taxes.asking(LambdaTaxEngine(engine, "arn:engine"), view, seconds=0.1)
    assert engine.asked


def test_what_goes_nowhere_yet_is_not_asked_for(shop: Shop, engine: Engine) -> None:
    fresh = Story(seed="2")
    store(shop.world.db, fresh)
    save(shop.world.db, cart.set_quantity(fresh.order, "MUG-1", 1, fresh.facts), clock.now())
    engine.says = lambda _: {}
    shop.id, shop.story = fresh.order.id, fresh
    assert ok(shop.call("PATCH", "", {"language": "de"}))["lines"][0]["tax_rate"] == 700


def test_each_order_that_a_cart_may_become_is_asked_for_once(shop: Shop, engine: Engine) -> None:
    ok(shop.deliver())
    engine.asked.clear()
    ok(shop.call("GET", "/availability"))
    assert len(engine.asked) == 1  # everything is there: one order


DAY = date(2026, 11, 16)
SUPPLY = Supply(1, "g1", "A", Money(119, "EUR"), "standard", HOME, True)
EXEMPT = Buyer("", (TaxExemption("C", "US", "R", DAY),))
ASKED = Inquiry("EUR", True, (SUPPLY,), EXEMPT, DAY)


def euros(net: int, tax_: int, rate: int = 1900, code: Any = "S") -> Assessed:
    return Assessed(Money(net, "EUR"), Money(tax_, "EUR"), rate, code)


@pytest.mark.parametrize(
    ("inclusive", "part", "fits"),
    [
        (True, euros(100, 19), True),
        (True, euros(100, 20), False),
        (True, euros(100, 0, 0, "K"), True),
        (True, euros(120, 0, 0, "K"), False),
        (True, euros(100, 19, 1900, "K"), False),
        (True, euros(119, 0, 0, "S"), False),
        (True, euros(120, -1), False),
        (False, euros(119, 23), True),
        (False, euros(118, 23), False),
        (False, euros(119, 0, 0, "E"), True),
        (False, Assessed(Money(119, "USD"), Money(0, "USD"), 0, "E"), False),
    ],
)
def test_what_adds_up(inclusive: bool, part: Assessed, fits: bool) -> None:
    assert sound(replace(ASKED, inclusive=inclusive), [part]) is fits
    assert not sound(replace(ASKED, inclusive=inclusive), [part, part])


@given(inquiries())
def test_the_shop_s_own_answers_are_sound(made: Any) -> None:
    asked, settings = made
    assert sound(asked, tax.assess(asked, settings))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_an_engine_says_is_an_answer_or_unavailable(said: Any) -> None:
    engine = Engine()
    for answer in (said, {"supplies": said}, {"supplies": [said]}):
        engine.says = lambda _, answer=answer: answer  # type: ignore[misc]
        try:
            found = LambdaTaxEngine(engine, "arn:engine").assess(ASKED)
        except TaxUnavailable:
            continue
        assert sound(ASKED, found)
