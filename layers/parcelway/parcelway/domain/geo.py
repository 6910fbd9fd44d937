"""Where addresses are, and how far apart two places are on the globe."""

from __future__ import annotations

from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt

from parcelway.domain.parties import Address

Point = tuple[float, float]  # latitude and longitude in degrees
_EARTH = 6_371_008.8  # metres, the mean radius


def locate(address: Address | None, places: Mapping[str, Point]) -> Point | None:
    """The coordinates of an address, as exactly as `places` knows them; None when not at all.

    The key of a place is `<country>:<start of the postal code>`; the longest start that is known
    counts, at last the country alone.
    """
    if address is None:
        return None
    code = "".join(char for char in address.postal_code.upper() if char.isalnum())
    for length in range(len(code), -1, -1):
        point = places.get(f"{address.country}:{code[:length]}")
        if point is not None:
            return point
    return None


def metres(one: Point, other: Point) -> int:
    """The great-circle distance between two points (haversine)."""
    south, north = radians(one[0]), radians(other[0])
    east = radians(other[1] - one[1])
    half = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin(east / 2) ** 2
    return round(2 * _EARTH * asin(min(1.0, sqrt(half))))
