"""Public holidays as plain dates: nodes and carriers keep dates, functions know no holiday's name.

Loading again next year adds the year after: YEARS from this one on are written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

YEARS = 3
Chosen = Literal["all"] | list[str]  # every public holiday, or those of these English names


def closed_days(
    places: Sequence[tuple[str, str]], chosen: Chosen, first_year: int
) -> list[list[str]]:
    """For each place (country, region or "") the dates of its public holidays among `chosen`, as
    ISO 8601 in order. A name need be known in one of the places only.

    Raises ValueError for a place whose holidays are not known, and for a name known in none.
    """
    named = [_named_days(*place, first_year) if chosen else {} for place in places]
    if chosen == "all":
        return [list(days) for days in named]
    known = {name for days in named for names in days.values() for name in names}
    if unknown := [name for name in chosen if name not in known]:
        raise ValueError(f"no public holiday is called {unknown[0]!r} there")
    wanted = set(chosen)
    return [[day for day, names in days.items() if wanted & set(names)] for days in named]


@cache
def _named_days(country: str, region: str, first_year: int) -> dict[str, tuple[str, ...]]:
    import holidays  # slow to import, and not every file asks for it

    try:
        found = holidays.country_holidays(
            country,
            subdiv=region or None,
            years=range(first_year, first_year + YEARS),
            language="en_US",
        )
    except NotImplementedError:
        place = f"{country}-{region}" if region else country
        raise ValueError(f"the public holidays of {place} are not known") from None
    return {day.isoformat(): tuple(found.get_list(day)) for day in sorted(found)}
