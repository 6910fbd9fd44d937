"""Which methods a cart can be paid by: every rule that the shop may set, with its edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from parcelway.domain import cart
from parcelway.domain.credit import METHOD, CreditAccount
from parcelway.domain.methods import methods
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import MethodRule, Shop

from tests.orders import SHOP, at

CART = at("draft").order
GROSS = totals(CART).gross.minor
CANADIAN = Address("Ann Example", "1 Main Street", "Toronto", "M5V 2T6", "CA", region="ON")


def why_not(order: Order, rule: MethodRule, name: str = "card", credit: Any = None) -> str:
    (method,) = methods(order, {name: rule}, credit)
    assert bool(method.told) == bool(method.why_not)  # every reason has its words
    return method.why_not


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (MethodRule(), ""),
        (MethodRule(currencies=("EUR", "USD")), ""),
        (MethodRule(currencies=("EUR",)), "currency"),
        (MethodRule(countries=("CA", "US")), ""),
        (MethodRule(countries=("CA",)), "country"),
        (MethodRule(channels=("online",)), ""),
        (MethodRule(channels=("phone", "in_person")), "channel"),
        (MethodRule(segments=("b2c",)), ""),
        (MethodRule(segments=("b2b",)), "segment"),
        (MethodRule(minimum={"USD": GROSS}), ""),
        (MethodRule(minimum={"USD": GROSS + 1}), "minimum"),
        (MethodRule(minimum={"EUR": GROSS + 1}), ""),
        (MethodRule(maximum={"USD": GROSS}), ""),
        (MethodRule(maximum={"USD": GROSS - 1}), "maximum"),
        (MethodRule(maximum={"EUR": 1}), ""),
    ],
)
def test_a_method_is_offered_where_its_rule_lets_it(rule: MethodRule, why: str) -> None:
    assert why_not(CART, rule) == why


@pytest.mark.parametrize(
    ("segment", "credit", "why"),
    [
        ("b2c", CreditAccount("acme", 1, "USD", GROSS, 30), "no_terms"),
        ("b2b", None, "no_terms"),
        ("b2b", CreditAccount("acme", 1, "EUR", GROSS, 30), "no_terms"),
        ("b2b", CreditAccount("acme", 1, "USD", GROSS, 30), ""),
        ("b2b", CreditAccount("acme", 1, "USD", GROSS, 30, open=1), "credit_limit"),
    ],
)
def test_buying_on_account_needs_terms_with_room(segment: Any, credit: Any, why: str) -> None:
    assert why_not(replace(CART, segment=segment), MethodRule(), METHOD, credit) == why


def only_from(*countries: str) -> Shop:
    rules = {"card": MethodRule(countries=countries)}
    return replace(SHOP, settings=replace(SHOP.settings, payment_methods=rules))


def test_a_method_that_the_country_rules_out_cannot_be_chosen() -> None:
    story = at("draft", shop=only_from("US"))
    with pytest.raises(Refusal) as refused:
        cart.describe(story.order, story.facts, billing_address=CANADIAN, payment_method="card")
    assert (refused.value.reason, refused.value.pointer) == (
        *(Reason.PAYMENT_METHOD_UNAVAILABLE, "/payment_method"),
    )
    assert refused.value.facts["why_not"] == "country"


def test_who_moves_the_bill_to_another_country_afterwards_is_not_placed() -> None:
    """The method was right when it was chosen."""
    story = at("draft", shop=only_from("US"))
    story._apply(cart.describe(story.order, story.facts, billing_address=CANADIAN))
    with pytest.raises(Refusal) as refused:
        story.placed()
    assert refused.value.reason is Reason.PAYMENT_METHOD_UNAVAILABLE
