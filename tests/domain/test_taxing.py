"""Orders and their tax: several treatments in one, and what is kept of them."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

import pytest
from parcelway.domain import checkout, delivery
from parcelway.domain.adjusting import Member
from parcelway.domain.commands import Command
from parcelway.domain.facts import Facts
from parcelway.domain.money import share
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Actor, TaxExemption
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.tax_details import exempt, identify

from tests.orders import HOME, SELLER, SHOP, Story, new_names

PARIS = replace(SELLER.address, country="FR", postal_code="75001", region="")
BERLIN = replace(HOME, country="DE", postal_code="10115", region="")
STORE = replace(SHOP.nodes["store-1"], address=PARIS)
BOSTON = replace(HOME, city="Boston", postal_code="02110", region="MA")
NUMBER = "DE136695976"


def french(*, inclusive: bool) -> tuple[Order, Facts]:
    """A French shop's cart: to a business in Berlin, for export to Boston, and to be collected."""
    settings = replace(
        SHOP.settings,
        seller=replace(SELLER, address=PARIS),
        prices_include_tax=inclusive,
        tax_rates={"grocery": 550, "general": 2000, "books": 550},
    )
    nodes = dict(SHOP.nodes) | {"store-1": STORE}
    story = Story(shop=replace(SHOP, settings=settings, nodes=nodes)).filled()
    wanted = [
        delivery.Wanted("standard", BERLIN, lines=(("MUG-1", 1), ("BOOK-3", 1))),
        delivery.Wanted("standard", BOSTON, lines=(("MUG-1", 1),)),
        delivery.Wanted(
            "collect", store="store-1", lines=(("MUG-1", 1), ("TEA-9", 1), ("BOOK-3", 1))
        ),
    ]
    order = delivery.divide(story.order, wanted, story.facts).order
    decision = identify(order, NUMBER, story.facts)
    assert decision is not None
    return decision.order, story.facts


@pytest.mark.parametrize("inclusive", [True, False])
def test_one_order_has_as_many_treatments_as_places(inclusive: bool) -> None:
    order, _ = french(inclusive=inclusive)
    codes = {(s.group, s.tax_code, s.tax_rate) for line in order.lines for s in line.by_group}
    assert codes == {("g1", "K", 0), ("g2", "G", 0), ("g3", "S", 2000), ("g3", "S", 550)}
    assert [group.charge_tax_code for group in order.groups] == ["K", "G", "S"]
    bases: dict[int, int] = defaultdict(int)
    taxes: dict[int, int] = defaultdict(int)
    for line in order.lines:
        for part in line.by_group:
            assert bool(part.tax_reason) == (part.tax_code != "S")
            bases[part.tax_rate] += (part.net + part.tax if inclusive else part.net).minor
            taxes[part.tax_rate] += part.tax.minor
    for rate, base in bases.items():
        assert taxes[rate] == share(base, rate, 10_000 + rate if inclusive else 10_000)
    assert totals(order).tax.minor == sum(taxes.values())


def placed(order: Order, facts: Facts) -> Order:
    names = new_names(random.Random(1)), new_names(random.Random(2))
    asked = Command("place", "")
    return checkout.place(order, facts, asked, names=names, expected_total=None).order


def test_somebody_is_to_ask_the_register_about_a_number_that_relieves() -> None:
    order, facts = french(inclusive=True)
    (alert,) = placed(order, facts).alerts
    assert (alert.code, alert.detail) == ("vat_number_unconfirmed", NUMBER)
    taken_back = identify(order, "", facts)
    assert taken_back is not None
    assert placed(taken_back.order, facts).alerts == ()


def test_a_certificate_that_ends_before_the_order_is_placed_counts_for_nothing() -> None:
    """What the customer was shown is not what they would pay: they are asked again."""
    story = Story().filled()
    finance = Member(Actor("staff", "f"), frozenset(["finance"]), "")
    today = story.facts.now.date()
    certificate = TaxExemption("C-1", "US-OH", "Resale", today, today)
    decision = exempt(story.order, certificate, finance, story.facts)
    assert decision is not None
    shown = totals(decision.order).gross
    names = new_names(random.Random(1)), new_names(random.Random(2))
    tomorrow = replace(story.facts, now=story.facts.now.replace(day=story.facts.now.day + 1))
    with pytest.raises(Refusal) as refused:
        checkout.place(
            decision.order, tomorrow, Command("p", ""), names=names, expected_total=shown
        )
    assert refused.value.reason is Reason.TOTAL_CHANGED
