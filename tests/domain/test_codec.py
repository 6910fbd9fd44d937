"""Domain values <-> items: nothing is lost on the way, and nothing is taken for something else."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.catalogue import Product
from parcelway.domain.ledger import Entry as LedgerEntry
from parcelway.domain.ledger import Posting
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import CURRENCIES, Money
from parcelway.domain.order import DeliveryGroup, Event, Hold, Order, Promise, Totals
from parcelway.domain.parties import Actor, Address, Contact
from parcelway.domain.payment import Payment
from parcelway.domain.shipment import Checkpoint, Shipment
from parcelway.domain.shop import Node, Rate, Seller, Service, Settings
from parcelway.domain.stock import Balance, Entry, Move
from parcelway.store.codec import decode, encode, iso
from parcelway.store.items import from_item, to_attribute, to_item

from tests.orders import at

st.register_type_strategy(
    Money, st.builds(Money, st.integers(-(10**12), 10**12), st.sampled_from(sorted(CURRENCIES)))
)
moments = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001
    datetime(2199, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000))
st.register_type_strategy(datetime, moments)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
happenings = st.builds(Event, data=st.dictionaries(st.text(max_size=4), plain, max_size=3))
products = st.builds(
    Product,
    sku=st.sampled_from(["A", "B-1"]),
    price=st.builds(Money, st.integers(0, 10**9), st.just("USD")),
    attributes=st.dictionaries(st.text(max_size=4), st.text(max_size=4)),
)
postings = st.integers(1, 10**9).map(
    lambda n: Posting(
        "o",
        "r",
        datetime(2026, 1, 1, tzinfo=UTC),
        "USD",
        (LedgerEntry("bank", n), LedgerEntry("tax_payable:700", -n)),
    )
)
KINDS = (
    Order,
    Line,
    Portion,
    Promise,
    DeliveryGroup,
    Hold,
    Totals,
    Actor,
    Address,
    Contact,
    Payment,
    Checkpoint,
    Shipment,
    Node,
    Rate,
    Seller,
    Service,
    Settings,
    Balance,
    Entry,
    Move,
)


def through_the_tables(kind: type[Any], value: Any) -> Any:
    """What comes back of a value that was put into a table."""
    item = json.loads(json.dumps(to_item({"value": encode(value)})))  # DynamoDB speaks JSON
    return decode(kind, from_item(item)["value"])


def through_an_event(kind: type[Any], value: Any) -> Any:
    """What comes back of a value that went over the bus."""
    return decode(kind, json.loads(json.dumps(encode(value))))


@given(st.one_of([st.from_type(kind) for kind in KINDS] + [products, postings, happenings]))
def test_every_kind_of_domain_value_comes_back_the_same(value: Any) -> None:
    assert through_the_tables(type(value), value) == value
    assert through_an_event(type(value), value) == value


@pytest.mark.parametrize("method", ["delivery", "pickup"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_whole_life_comes_back_the_same(method: str, language: str) -> None:
    story = at("closed", method=method, language=language)
    for made, _ in story.decisions:
        parts = [made.order, *made.events, *made.shipments, *made.postings]
        parts += [part for part in (made.payment, made.invoice) if part]
        for part in parts:
            assert through_the_tables(type(part), part) == part


def test_a_field_at_its_default_takes_no_room() -> None:
    assert encode(Portion("g1", "open", 2)) == {"group": "g1", "stage": "open", "quantity": 2}
    assert encode(Actor("system")) == {"kind": "system"}
    # Zero and False are equal in Python; only the default itself may be left out.
    assert encode(Balance("A", "n", on_hand=False)) == {"sku": "A", "node": "n", "on_hand": False}


def test_a_field_added_later_has_its_default_in_old_items() -> None:
    assert decode(Actor, {"kind": "staff"}) == Actor("staff")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"kind": "staff", "odd": 1}, KeyError), ({"id": "x"}, TypeError), (None, AttributeError)],
)
def test_what_is_no_such_value_is_not_decoded(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode(Actor, wrong)


def test_what_has_no_plain_form_is_not_encoded() -> None:
    for odd in ({1, 2}, b"bytes", object()):
        with pytest.raises(TypeError):
            encode(odd)


@given(moments, st.timedeltas(timedelta(milliseconds=1), timedelta(days=999)))
def test_times_as_text_sort_like_times(moment: datetime, by: timedelta) -> None:
    later = moment + timedelta(milliseconds=max(1, by // timedelta(milliseconds=1)))
    assert iso(moment) < iso(later)
    assert datetime.fromisoformat(iso(moment)) == moment
    assert iso(moment).endswith("Z")


def test_days_stay_days() -> None:
    promise = Promise(date(2026, 11, 18), date(2026, 11, 20))
    assert encode(promise) == {"earliest": "2026-11-18", "latest": "2026-11-20"}


@given(st.dictionaries(st.text(min_size=1, max_size=5), plain, max_size=4))
def test_items_keep_plain_values_with_their_types(values: dict[str, Any]) -> None:
    back = from_item(json.loads(json.dumps(to_item(values))))
    assert back == values
    assert json.dumps(back) == json.dumps(values)  # tells True from 1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_fractions_come_back_as_they_were(number: float) -> None:
    assert from_item({"n": to_attribute(number)}) == {"n": number}


@pytest.mark.parametrize("odd", [b"x", {1}, object(), datetime(2026, 1, 1, tzinfo=UTC)])
def test_items_hold_no_other_types(odd: Any) -> None:
    with pytest.raises(TypeError):
        to_item({"odd": odd})
    with pytest.raises(TypeError):
        from_item({"odd": {"B": "eA=="}})
