"""Money, dates and addresses as people of a language write them (CLDR, through Babel)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent

from parcelway.domain.money import Money
from parcelway.domain.order import Promise
from parcelway.domain.parties import Address

LANGUAGES = ("en", "de")  # the first is for whoever reads none of them
# Where the place comes before the postal code, with the region between them.
_CITY_FIRST = frozenset({"US", "CA", "AU", "GB", "IE"})


def language_for(wanted: str) -> str:
    """The language to write in for a BCP 47 tag: itself, its base language, or the first one."""
    base = wanted.lower().replace("_", "-").split("-")[0]
    return base if base in LANGUAGES else LANGUAGES[0]


def accepted_language(header: str) -> str:
    """The best language for an Accept-Language header (RFC 9110, 12.5.4), the first one by default.

    What cannot be read is passed over.
    """
    best, weight = LANGUAGES[0], 0.0
    for tag, quality in weighed(header):
        base = tag.split("-")[0]
        if base in LANGUAGES and quality > weight:
            best, weight = base, quality
    return best


def weighed(header: str) -> list[tuple[str, float]]:
    """The members of an Accept-like header, lower-cased, each with its q-value (default 1)."""
    members = []
    for part in header[:1000].lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            members.append((name, min(1.0, max(0.0, float(quality)))))
        except ValueError:
            continue
    return [(name, quality) for name, quality in members if name]


def money(amount: Money, language: str) -> str:
    """An amount with its currency, with exactly the decimals the currency has."""
    value = Decimal(amount.minor).scaleb(-amount.exponent)
    return format_currency(
        value, amount.currency, locale=_locale(language), decimal_quantization=False
    )


def percent(basis_points: int, language: str) -> str:
    """A tax rate: 700 is 7 %."""
    rate = Decimal(basis_points) / 10_000
    return format_percent(rate, locale=_locale(language), decimal_quantization=False)


def number(value: int, language: str) -> str:
    """A whole number, grouped."""
    return format_decimal(value, locale=_locale(language))


def day(value: date, language: str) -> str:
    """A date with its year, no weekday: what documents carry."""
    return format_date(value, "long", locale=_locale(language))


def weekday(value: date, language: str) -> str:
    """A date with its weekday."""
    return format_date(value, "full", locale=_locale(language))


def window(promise: Promise, language: str) -> str:
    """A delivery window with weekdays, as short as it can be said."""
    if promise.earliest == promise.latest:
        return weekday(promise.earliest, language)
    return format_interval(
        promise.earliest, promise.latest, skeleton="MMMEd", locale=_locale(language)
    )


def moment(value: datetime, zone: str, language: str) -> str:
    """A time with its weekday and date, as the clocks of `zone` (IANA name) show it."""
    local, locale = value.astimezone(ZoneInfo(zone)), _locale(language)
    on = format_skeleton("MMMEd", local, tzinfo=local.tzinfo, locale=locale)
    return f"{on}, {format_time(local, 'short', tzinfo=local.tzinfo, locale=locale)}"


def address_lines(address: Address, language: str) -> list[str]:
    """An address as the lines of a label, the country's name in the reader's language."""
    place = town(address.city, address.postal_code, address.country, address.region)
    country = _locale(language).territories.get(address.country, address.country)
    name = () if address.company == address.name else (address.name,)
    return _filled([address.company, *name, address.line1, address.line2, place, country])


def town(city: str, postal_code: str, country: str, region: str = "") -> str:
    """A town with its postal code in the order its country writes them."""
    if country not in _CITY_FIRST:
        return _words(postal_code, city)
    return f"{city}, {_words(region, postal_code)}" if region else _words(city, postal_code)


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)


def _filled(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line]


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
