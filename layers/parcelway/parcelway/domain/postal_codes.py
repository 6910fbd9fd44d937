"""What postal codes look like, where that is sure: for addresses that nobody will look at again.

A country that is not named here takes any code.
"""

from __future__ import annotations

import re

from parcelway.domain.parties import Address

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


def plausible(address: Address) -> bool:
    """Whether the address's postal code can be one of its country, in capitals or not."""
    form = _FORMS.get(address.country)
    return form is None or re.fullmatch(form, address.postal_code.upper(), re.ASCII) is not None
