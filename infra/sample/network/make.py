"""Makes nodes.json of the network from the sample's own five nodes and a table of cities.

    python -m infra.sample.network.make

Coordinates and time zones of cities are GeoNames' (geonames.org, CC BY 4.0); a store's postal code
is that of the nearest area, streets are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.sample.network import HERE, SAMPLE

# City, region, latitude, longitude, time zone, postal code, parcels a day.
AMERICAN = [
    ("New York", "NY", 40.7143, -74.006, "America/New_York", "10007", 60),
    ("Los Angeles", "CA", 34.0522, -118.2437, "America/Los_Angeles", "90013", 60),
    ("Chicago", "IL", 41.85, -87.65, "America/Chicago", "60608", 60),
    ("Houston", "TX", 29.7633, -95.3633, "America/Chicago", "77002", 60),
    ("Phoenix", "AZ", 33.4484, -112.074, "America/Phoenix", "85003", 45),
    ("Philadelphia", "PA", 39.9524, -75.1636, "America/New_York", "19102", 45),
    ("San Antonio", "TX", 29.4241, -98.4936, "America/Chicago", "78205", 45),
    ("San Diego", "CA", 32.7157, -117.1647, "America/Los_Angeles", "92101", 45),
    ("Dallas", "TX", 32.7831, -96.8067, "America/Chicago", "75201", 45),
    ("Jacksonville", "FL", 30.3322, -81.6556, "America/New_York", "32202", 30),
    ("Charlotte", "NC", 35.2271, -80.8431, "America/New_York", "28202", 30),
    ("San Francisco", "CA", 37.7749, -122.4194, "America/Los_Angeles", "94102", 45),
    ("Seattle", "WA", 47.6062, -122.3321, "America/Los_Angeles", "98104", 45),
    ("Denver", "CO", 39.7392, -104.9847, "America/Denver", "80202", 45),
    ("Washington", "DC", 38.8951, -77.0364, "America/New_York", "20004", 45),
    ("Nashville", "TN", 36.1659, -86.7844, "America/Chicago", "37219", 30),
    ("Oklahoma City", "OK", 35.4676, -97.5164, "America/Chicago", "73102", 30),
    ("Boston", "MA", 42.3584, -71.0598, "America/New_York", "02108", 45),
    ("Portland", "OR", 45.5234, -122.6762, "America/Los_Angeles", "97204", 30),
    ("Detroit", "MI", 42.3314, -83.0457, "America/Detroit", "48226", 30),
    ("Memphis", "TN", 35.1495, -90.049, "America/Chicago", "38103", 30),
    ("Minneapolis", "MN", 44.98, -93.2638, "America/Chicago", "55402", 30),
    ("Atlanta", "GA", 33.749, -84.388, "America/New_York", "30303", 45),
    ("Miami", "FL", 25.7743, -80.1937, "America/New_York", "33130", 45),
    ("St. Louis", "MO", 38.6273, -90.1979, "America/Chicago", "63101", 30),
    ("Salt Lake City", "UT", 40.7608, -111.8911, "America/Denver", "84111", 30),
]
CANADIAN = [
    ("Toronto", "ON", 43.7064, -79.3986, "America/Toronto", "M4R 1A1", 60),
    ("Montréal", "QC", 45.5088, -73.5878, "America/Toronto", "H3H 1A1", 60),
    ("Vancouver", "BC", 49.2497, -123.1193, "America/Vancouver", "V5Z 1A1", 45),
    ("Calgary", "AB", 51.0501, -114.0853, "America/Edmonton", "T2R 1A1", 45),
    ("Edmonton", "AB", 53.5501, -113.4687, "America/Edmonton", "T5H 1A1", 30),
    ("Ottawa", "ON", 45.4112, -75.6981, "America/Toronto", "K2P 1A1", 30),
    ("Winnipeg", "MB", 49.8844, -97.147, "America/Winnipeg", "R3B 1A1", 30),
    ("Québec", "QC", 46.8123, -71.2145, "America/Toronto", "G1K 1A1", 30),
    ("Halifax", "NS", 44.6427, -63.5769, "America/Halifax", "B3J 1A1", 30),
    ("Saskatoon", "SK", 52.1324, -106.6689, "America/Regina", "S7H 1A1", 30),
    ("St. John's", "NL", 47.5649, -52.7093, "America/St_Johns", "A1A 1A1", 30),
]
SHOP_HOURS = {
    "US": {**{str(day): [["07:00", "22:00"]] for day in range(6)}, "6": [["08:00", "21:00"]]},
    "CA": {**{str(day): [["08:00", "21:00"]] for day in range(6)}, "6": [["10:00", "18:00"]]},
}
# What the shops of a region close on, by the names that its calendar has (see the load command).
CLOSED = {
    "US": ["Thanksgiving Day", "Christmas Day"],
    "CA": ["New Year's Day", "Good Friday", "Canada Day", "Labor Day", "Christmas Day"],
}
LETTERS = str.maketrans("é", "e", ".'")


def main(folder: Path = HERE) -> None:
    """Write the 43 nodes."""
    own = json.loads((SAMPLE / "nodes.json").read_text(encoding="utf-8"))
    stores = [store(*city, country="US") for city in AMERICAN]
    stores += [store(*city, country="CA") for city in CANADIAN]
    numbered = [*own[:2], canadian_warehouse(), *own[2:], *stores]
    text = json.dumps(numbered, ensure_ascii=False, indent=2)
    (folder / "nodes.json").write_text(text + "\n", encoding="utf-8")
    print(f"nodes.json: {len(numbered)} nodes")


def store(
    city: str,
    region: str,
    latitude: float,
    longitude: float,
    zone: str,
    postal_code: str,
    capacity: int,
    *,
    country: str,
) -> dict[str, Any]:
    """A store, open on all days but the great holidays; orders by six are picked on the day."""
    closed = CLOSED[country]
    if region == "NL":  # where the first of July is a day of remembrance
        closed = [name.replace("Canada Day", "Memorial Day") for name in closed]
    return {
        "id": "store-" + city.lower().translate(LETTERS).replace(" ", "-"),
        "name": f"{city} store",
        "kind": "store",
        "address": address("1 Example Street", city, region, postal_code, country),
        "latitude": latitude,
        "longitude": longitude,
        "time_zone": zone,
        "capabilities": ["ship", "pickup"],
        "priority": 50,
        "processing_days": 1,
        "cut_off": "18:00",
        "working_days": [0, 1, 2, 3, 4, 5, 6],
        "public_holidays": closed,
        "hours": SHOP_HOURS[country],
        "processing_minutes": 120,
        "capacity": capacity,
        "parcel_cost": 650 if country == "US" else 750,
        "keep_back": 1,
    }


def canadian_warehouse() -> dict[str, Any]:
    """The second warehouse, beside Toronto."""
    return {
        "id": "wh-mississauga",
        "name": "Mississauga warehouse",
        "kind": "warehouse",
        "address": address("30 Example Freight Road", "Mississauga", "ON", "L5C 1A1", "CA"),
        "latitude": 43.5789,
        "longitude": -79.6583,
        "time_zone": "America/Toronto",
        "capabilities": ["ship"],
        "priority": 20,
        "processing_days": 1,
        "cut_off": "14:00",
        "working_days": [0, 1, 2, 3, 4],
        "public_holidays": "all",
        "parcel_cost": 520,
    }


def address(line: str, city: str, region: str, postal_code: str, country: str) -> dict[str, str]:
    return {
        "name": "Parcelway Sample Grocery",
        "line1": line,
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "country": country,
    }


if __name__ == "__main__":
    main()
