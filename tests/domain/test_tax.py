"""Tax: who is taxed where and at which rate, and what it comes to, to the last unit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.eu_vat import MEMBERS, issuer, vat_state
from parcelway.domain.money import Money, share
from parcelway.domain.parties import Address, TaxExemption
from parcelway.domain.shop import Seller, Settings, ZeroRated
from parcelway.domain.tax import Assessed, Inquiry, Supply, assess
from parcelway.domain.tax_rules import Buyer, Treatment, treatment

from tests.domain.strategies import CURRENCIES, rates

DAY = date(2026, 11, 16)


def at(country: str, postal_code: str = "10115", region: str = "") -> Address:
    return Address("Ann Example", "1 Road", "Town", postal_code, country, region=region)


GERMAN = Settings(
    "Shop",
    "EUR",
    Seller("Shop GmbH", at("DE"), "DE136695976", "shop@shop.example"),
    {"standard": 1900, "reduced": 700, "help": 1900, "stamps": 0, "gifts": 0},
    tax_regions={"FR": {"standard": 2000}, "CH": {"standard": 810, "reduced": 0}},
    services=("help",),
    zero_rated={"stamps": ZeroRated("E", "VATEX-EU-132-1A")},
)
AMERICAN = replace(
    GERMAN,
    seller=replace(GERMAN.seller, address=at("US", "43217", "OH")),
    tax_rates={"standard": 0},
    tax_regions={"US-OH": {"standard": 725}},
)
RESALE = TaxExemption("OH-123", "US-OH", "Resale", date(2026, 1, 1), date(2026, 12, 31))


def treated(
    place: Address | None,
    *,
    category: str = "standard",
    sent: bool = True,
    buyer: Buyer = Buyer(),  # noqa: B008  a value that never changes
    day: date = DAY,
    settings: Settings = GERMAN,
) -> tuple[int, str, str]:
    how = treatment(category, place, sent, buyer, day, settings)
    return how.rate, how.code, how.reason


AUSTRIAN = Buyer("ATU13585627")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (None, (1900, "S", "")),  # not known yet
        (at("DE"), (1900, "S", "")),
        (at("FR", "75001"), (2000, "S", "")),  # one-stop shop: the destination's rate
        (at("IT", "00118"), (1900, "S", "")),  # below the threshold: the seller's
        (at("MC", "98000"), (2000, "S", "")),  # Monaco is France for VAT
        (at("US"), (0, "G", "VATEX-EU-G")),
        (at("GB", "SW1A 1AA"), (0, "G", "VATEX-EU-G")),
        (at("GB", "bt1 5gs"), (1900, "S", "")),  # Northern Ireland, for goods
        (at("ES", "35001"), (0, "G", "VATEX-EU-G")),  # Canary Islands
        (at("FR", "97400"), (0, "G", "VATEX-EU-G")),  # La Réunion
        (at("DE", "27498"), (0, "G", "VATEX-EU-G")),  # Heligoland
        (at("CH", "8001"), (810, "S", "")),  # registered there
    ],
)
def test_a_consumer_is_taxed_by_where_the_goods_go(
    place: Address | None, expected: tuple[int, str, str]
) -> None:
    assert treated(place) == expected


def test_what_a_registered_shop_charges_nothing_for_abroad_is_an_export() -> None:
    assert treated(at("CH"), category="reduced") == (0, "G", "VATEX-EU-G")


@pytest.mark.parametrize(
    ("place", "buyer", "expected"),
    [
        (at("AT"), AUSTRIAN, (0, "K", "VATEX-EU-IC")),
        (at("IT"), AUSTRIAN, (0, "K", "VATEX-EU-IC")),  # a number of any other state will do
        (at("DE"), AUSTRIAN, (1900, "S", "")),  # goods that stay in the country
        (at("AT"), Buyer("DE136695976"), (1900, "S", "")),  # the seller's own state
        (at("AT"), Buyer("CHE100155212"), (1900, "S", "")),  # no number of the EU
        (at("FR"), Buyer("EL094259216"), (0, "K", "VATEX-EU-IC")),
        (at("GB", "BT1 5GS"), Buyer("XI110305878"), (0, "K", "VATEX-EU-IC")),
        (at("US"), AUSTRIAN, (0, "G", "VATEX-EU-G")),  # an export all the same
    ],
)
def test_a_business_in_another_member_state_accounts_for_the_tax_itself(
    place: Address, buyer: Buyer, expected: tuple[int, str, str]
) -> None:
    assert treated(place, buyer=buyer) == expected


def test_services_are_by_reverse_charge_where_goods_are_a_supply_within_the_eu() -> None:
    assert treated(at("AT"), category="help", buyer=AUSTRIAN) == (0, "AE", "VATEX-EU-AE")


@given(st.sampled_from(sorted(MEMBERS | {"US", "CH"})), st.sampled_from(["", "ATU13585627"]))
def test_what_is_collected_is_taxed_where_the_store_is(country: str, tax_id: str) -> None:
    settings = GERMAN
    rate = settings.tax_rate("standard", at(country))
    assert treated(at(country), sent=False, buyer=Buyer(tax_id)) == (rate, "S", "")


@given(st.sampled_from(sorted(MEMBERS | {"US", "GB"})))
def test_a_seller_outside_the_eu_knows_no_relief_of_the_eu(country: str) -> None:
    assert treated(at(country), buyer=AUSTRIAN, settings=AMERICAN) == (0, "Z", "")


@pytest.mark.parametrize(
    ("place", "day", "exempt"),
    [
        (at("US", region="OH"), date(2026, 1, 1), True),
        (at("US", region="oh"), date(2026, 12, 31), True),
        (at("US", region="OH"), date(2025, 12, 31), False),
        (at("US", region="OH"), date(2027, 1, 1), False),
    ],
)
def test_a_certificate_counts_in_its_region_and_its_time(
    place: Address, day: date, exempt: bool
) -> None:
    how = treated(place, buyer=Buyer("", (RESALE,)), day=day, settings=AMERICAN)
    assert how == ((0, "E", "Resale") if exempt else (725, "S", ""))


def test_a_certificate_counts_for_no_other_region_but_a_country_s_for_all_of_it() -> None:
    settings = replace(AMERICAN, tax_rates={"standard": 500})
    kentucky = at("US", region="KY")
    national = replace(RESALE, region="US", valid_until=None)
    assert treated(kentucky, buyer=Buyer("", (RESALE,)), settings=settings) == (500, "S", "")
    buyer = Buyer("", (RESALE, national))
    assert treated(kentucky, buyer=buyer, settings=settings) == (0, "E", "Resale")
    assert treated(None, buyer=buyer, settings=settings) == (500, "S", "")


def test_a_category_without_tax_says_why() -> None:
    assert treated(at("DE"), category="stamps") == (0, "E", "VATEX-EU-132-1A")
    assert treated(at("DE"), category="gifts") == (0, "Z", "")


def test_whose_number_it_is() -> None:
    assert [issuer(number) for number in ("ATU13585627", "EL094259216", "XI110305878")] == [
        "AT",
        "GR",
        "XI",
    ]
    assert [issuer(number) for number in ("", "GB110305878", "CHE100155212", "GR0")] == [
        "",
        "",
        "",
        "GR",
    ]


@given(st.text(max_size=8), st.text(max_size=2))
def test_every_place_is_in_at_most_one_state(postal_code: str, country: str) -> None:
    state = vat_state(at(country, postal_code))
    assert state in ("", "XI") or (state == country and state in MEMBERS)


PLACES = [at("DE"), at("FR", "75001"), at("US"), at("AT"), at("CH"), None]


@st.composite
def inquiries(draw: st.DrawFn) -> tuple[Inquiry, Settings]:
    """Anything to be taxed: several rates, places and kinds of relief at once."""
    currency = draw(st.sampled_from(CURRENCIES))
    settings = replace(
        GERMAN,
        tax_rates={category: draw(rates) for category in GERMAN.tax_rates},
        tax_regions={"FR": {"standard": draw(rates)}, "CH": {"standard": draw(rates)}},
    )
    supplies = [
        Supply(
            number,
            f"g{number}",
            f"S{number}",
            Money(draw(st.integers(0, 10**9)), currency),
            draw(st.sampled_from(sorted(GERMAN.tax_rates))),
            draw(st.sampled_from(PLACES)),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 12)))
    ]
    certificate = TaxExemption("C", draw(st.sampled_from(["DE", "FR"])), "Embassy", DAY)
    exemptions = (certificate,) if draw(st.booleans()) else ()
    buyer = Buyer(draw(st.sampled_from(["", "ATU13585627", "DE136695976"])), exemptions)
    return Inquiry(currency, draw(st.booleans()), tuple(supplies), buyer, DAY), settings


Breakdown = dict[tuple[str, int], list[tuple[Supply, Assessed]]]


def breakdown(asked: Inquiry, settings: Settings) -> Breakdown:
    """The supplies and what they bear by code and rate, as documents have them (BG-23)."""
    found: Breakdown = defaultdict(list)
    for supply, part in zip(asked.supplies, assess(asked, settings), strict=True):
        found[part.tax_code, part.tax_rate].append((supply, part))
    return found


@given(inquiries())
def test_tax_is_the_rate_on_the_sum_in_every_breakdown(made: tuple[Inquiry, Settings]) -> None:
    asked, settings = made
    for (code, rate), members in breakdown(asked, settings).items():
        net = sum(part.net.minor for _, part in members)
        tax = sum(part.tax.minor for _, part in members)
        if code != "S":
            assert (rate, tax) == (0, 0)
        elif asked.inclusive:
            gross = sum(supply.amount.minor for supply, _ in members)
            assert (tax, net) == (share(gross, rate, 10_000 + rate), gross - tax)
            assert abs(tax - Fraction(net * rate, 10_000)) <= Fraction(1, 2) + Fraction(
                rate, 20_000
            )
        else:
            assert tax == share(net, rate, 10_000)  # BR-CO-17


@given(inquiries())
def test_every_supply_bears_its_own_tax_within_one_unit(made: tuple[Inquiry, Settings]) -> None:
    asked, settings = made
    for supply, part in zip(asked.supplies, assess(asked, settings), strict=True):
        rate = part.tax_rate
        exact = supply.amount.minor * Fraction(rate, 10_000 + rate if asked.inclusive else 10_000)
        assert abs(part.tax.minor - exact) < Fraction(3, 2)
        assert part.tax.minor >= 0
        assert (part.tax_code == "S") == (rate > 0)
        if part.tax_code == "S" and asked.inclusive:
            assert part.net + part.tax == supply.amount
        elif not asked.inclusive:
            assert part.net == supply.amount


@given(inquiries())
def test_relief_of_everything_leaves_exactly_the_net(made: tuple[Inquiry, Settings]) -> None:
    asked, settings = made
    home = tuple(replace(supply, place=at("DE")) for supply in asked.supplies)
    taxed = replace(asked, supplies=home, buyer=Buyer())
    certificate = TaxExemption("C", "DE", "Embassy", DAY)
    relieved = assess(replace(taxed, buyer=Buyer("", (certificate,))), settings)
    assert [part.net for part in relieved] == [part.net for part in assess(taxed, settings)]
    assert not any(part.tax for part in relieved)


@given(inquiries(), st.data())
def test_an_inclusive_price_is_what_is_paid_however_it_is_divided(
    made: tuple[Inquiry, Settings], data: st.DataObject
) -> None:
    asked, settings = made
    whole = replace(asked, inclusive=True)
    pieces: list[Supply] = []
    for supply in whole.supplies:
        cut = data.draw(st.integers(0, supply.amount.minor))
        rest = replace(supply.amount, minor=supply.amount.minor - cut)
        pieces += [
            replace(supply, amount=replace(supply.amount, minor=cut)),
            replace(supply, group=f"{supply.group} too", amount=rest),
        ]
    divided = replace(whole, supplies=tuple(pieces))
    before, after = breakdown(whole, settings), breakdown(divided, settings)
    assert before.keys() == after.keys()
    for key, members in before.items():
        for of in (lambda part: part.net.minor, lambda part: part.tax.minor):
            assert sum(of(part) for _, part in members) == sum(of(part) for _, part in after[key])


@pytest.mark.parametrize(("inclusive", "tax"), [(False, 574), (True, 482)])
def test_saleor_12348_lines_of_one_rate_are_rounded_together(inclusive: bool, tax: int) -> None:
    """There, tax was rounded line by line before it was added up, and totals were cents off."""
    lines = tuple(
        Supply(line, "g", f"S{line}", Money(1007, "EUR"), "standard", at("DE"), True)
        for line in range(3)
    )
    parts = assess(Inquiry("EUR", inclusive, lines, Buyer(), DAY), GERMAN)
    assert sum(part.tax.minor for part in parts) == tax  # 573 and 483, each by itself
    gross = 3021 if inclusive else 3021 + tax
    assert sum((part.net + part.tax).minor for part in parts) == gross


def test_what_two_reliefs_take_off_inclusive_prices_is_rounded_apart() -> None:
    """An export and a reverse charge of the same usual rate are two lines of the breakdown."""
    supplies = tuple(
        Supply(line, f"g{line}", f"S{line}", Money(minor, "JPY"), "standard", at(country), True)
        for line, (minor, country) in enumerate(((4839, "FR"), (758, "US")))
    )
    relieved = replace(supplies[0], amount=Money(4839, "JPY"))
    settings = replace(GERMAN, tax_rates=dict.fromkeys(GERMAN.tax_rates, 250), tax_regions={})
    together = Inquiry("JPY", True, (relieved, supplies[1]), Buyer("ATU13585627"), DAY)
    nets = [part.net for part in assess(together, settings)]
    alone = [assess(replace(together, supplies=(one,)), settings)[0].net for one in supplies]
    assert nets == alone


def test_how_it_is_treated_says_what_an_inclusive_price_contains() -> None:
    assert treatment("standard", at("US"), True, Buyer(), DAY, GERMAN) == Treatment(
        0, 1900, "G", "VATEX-EU-G"
    )
