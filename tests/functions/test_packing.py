"""Packed values: what goes in comes out, for good."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.order import Order
from parcelway.store.codec import decode, encode
from parcelway.store.items import from_item, to_item
from parcelway.store.packing import Packed, pack, unpack

from tests.orders import at

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(PLAIN)
def test_what_goes_in_comes_out(value: object) -> None:
    assert unpack(pack(value)) == value
    assert from_item(to_item({"a": Packed(value)})) == {"a": value}


@given(st.binary())
def test_other_bytes_are_refused(data: bytes) -> None:
    try:
        value = unpack(data)
    except TypeError:
        return
    assert unpack(pack(value)) == value  # chance made them valid


@pytest.mark.parametrize("data", [b"", b"{}", pack({"a": 1})[:-2], zlib.compress(b"{")])
def test_bytes_that_are_not_ours_are_refused(data: bytes) -> None:
    with pytest.raises(TypeError):
        unpack(data)


def test_any_tool_reads_what_is_packed() -> None:
    assert json.loads(zlib.decompress(pack({"name": "Ä"}))) == {"name": "Ä"}


def test_an_order_is_read_packed_and_as_maps() -> None:
    order = at("shipped").order
    packed = from_item(to_item({"order": Packed(encode(order))}))
    maps = from_item(to_item({"order": encode(order)}))
    assert decode(Order, packed["order"]) == decode(Order, maps["order"]) == order
