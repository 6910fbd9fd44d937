"""Addresses on the globe: the longest start of a postal code that is known, and great circles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.geo import Point, locate, metres

from tests.orders import HOME

points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
PLACES = {
    "US:": (39.8, -98.6),
    "US:432": (39.96, -83.0),
    "CA:M5V": (43.64, -79.39),
    "CA:M": (43.7, -79.4),
    "DE:10115": (52.53, 13.38),
}


@pytest.mark.parametrize(
    ("country", "code", "area"),
    [
        ("US", "43215", "US:432"),
        ("US", "43215-1234", "US:432"),
        ("US", "99501", "US:"),
        ("US", "", "US:"),
        ("CA", "m5v 3l9", "CA:M5V"),
        ("CA", "M1B", "CA:M"),
        ("CA", "V5K 0A1", None),
        ("DE", "10115", "DE:10115"),
        ("DE", "10116", None),
    ],
)
def test_an_address_is_found_by_the_longest_known_start(
    country: str, code: str, area: str | None
) -> None:
    address = replace(HOME, country=country, postal_code=code)
    assert locate(address, PLACES) == (PLACES[area] if area else None)
    assert locate(None, PLACES) is None


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ((40.7128, -74.0060), (34.0522, -118.2437), 3936),  # New York, Los Angeles
        ((43.6532, -79.3832), (45.5019, -73.5674), 504),  # Toronto, Montreal
        ((0.0, 179.5), (0.0, -179.5), 111),  # over the date line
        ((90.0, 0.0), (-90.0, 77.0), 20015),
    ],
)
def test_known_distances(one: Point, other: Point, kilometres: int) -> None:
    assert metres(one, other) == pytest.approx(kilometres * 1000, abs=1000)


@given(points, points, points)
def test_distance_is_a_metric(one: Point, other: Point, third: Point) -> None:
    assert metres(one, one) == 0
    assert 0 <= metres(one, other) == metres(other, one) <= 20_015_200
    assert metres(one, third) <= metres(one, other) + metres(other, third) + 2
