"""Price lists: one price per buyer, quantity and moment, with its source, in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cart, checkout, delivery
from parcelway.domain.audience import Assortment, Audience, Buyer, Window, assortments_for, visible
from parcelway.domain.commands import Command
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.prices import PriceList, Prices, Quote, Tier, lists_for, quote
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Rate
from parcelway.domain.stock import Balance

from tests.domain.strategies import NOW
from tests.orders import CONTACT, HOME, PRODUCTS, SHOP

MUG = PRODUCTS["MUG-1"]
CHANNEL = Audience(channels=("online",))
GROUP = Audience(groups=("trade",))
ACCOUNT = Audience(accounts=("acme",))
ACME = Buyer("online", "b2b", ("trade",), "acme")
# From the least to the most specific.
LADDER = (
    Audience(),
    Audience(segments=("b2b",)),
    CHANNEL,
    GROUP,
    replace(GROUP, channels=("online",)),
    ACCOUNT,
    replace(ACCOUNT, groups=("trade",)),
)


def facts_of(*lists: PriceList, prices: Prices, **more: object) -> Facts:
    """The shop of `tests.orders` with these lists, and stock of everything."""
    settings = replace(SHOP.settings, currencies=("EUR", "JPY", "KWD"))
    shop = replace(SHOP, settings=settings, price_lists={each.id: each for each in lists})
    stock = {(sku, n): Balance(sku, n, on_hand=99) for sku in PRODUCTS for n in SHOP.nodes}
    return replace(Facts(shop, NOW, PRODUCTS, stock, prices=prices), **more)


def new(facts: Facts, currency: str = "USD") -> Order:
    """An empty cart."""
    asked = Command("create", "")
    return cart.new_draft(
        "ord_1", "t", facts, channel="online", currency=currency, language="en", asked=asked
    ).order


def reason(run: object) -> Reason:
    with pytest.raises(Refusal) as refusal:
        run()  # type: ignore[operator]
    return refusal.value.reason


@pytest.mark.parametrize(("lesser", "greater"), list(pairwise(LADDER)))
def test_account_counts_before_group_before_channel_before_everybody(
    lesser: Audience, greater: Audience
) -> None:
    """Also where the lesser list has the higher priority and the lower id."""
    lists = PriceList("a", "", "USD", lesser, priority=9), PriceList("b", "", "USD", greater)
    prices = {("a", MUG.sku): (Tier(1, 100),), ("b", MUG.sku): (Tier(1, 200),)}
    for mixed in permutations(lists):
        found = quote(MUG, 1, "USD", lists_for(ACME, "USD", mixed, NOW), prices)
        assert found == Quote(Money(200, "USD"), "list:b:1")


def test_of_equal_audiences_priority_decides_and_then_the_lower_id() -> None:
    lists = [PriceList(id, "", "USD", priority=p) for id, p in (("b", 1), ("c", 2), ("a", 2))]
    for mixed in permutations(lists):
        found = lists_for(ACME, "USD", mixed, NOW)
        assert [each.id for each in found] == ["a", "c", "b"]


@given(
    st.lists(
        st.builds(
            PriceList,
            st.sampled_from("abcdef"),
            st.just(""),
            st.sampled_from(["USD", "EUR"]),
            st.sampled_from(LADDER),
            st.builds(Window, st.none() | st.just(NOW), st.none() | st.just(NOW)),
            st.integers(0, 2),
        ),
        unique_by=lambda each: each.id,
    ),
    st.integers(1, 12),
    st.randoms(),
)
def test_the_price_never_depends_on_the_order_of_the_lists(
    lists: list[PriceList], quantity: int, dice: object
) -> None:
    prices = {
        (each.id, MUG.sku): (Tier(10, 1000 + n), Tier(1 + n % 5, 2000 + n))
        for n, each in enumerate(lists)
    }
    found = quote(MUG, quantity, "USD", lists_for(ACME, "USD", lists, NOW), prices)
    dice.shuffle(lists)  # type: ignore[attr-defined]
    assert quote(MUG, quantity, "USD", lists_for(ACME, "USD", lists, NOW), prices) == found
    assert found is not None
    if found.source != "catalogue":
        _, id, least = found.source.split(":")
        tier = next(t for t in prices[id, MUG.sku] if t.quantity == int(least))
        assert (tier.minor, tier.quantity <= quantity) == (found.unit_price.minor, True)


@pytest.mark.parametrize(
    ("quantity", "minor", "source"),
    [
        (1, 1295, "catalogue"),
        (4, 1295, "catalogue"),
        (5, 1100, "list:bulk:5"),
        (11, 1100, "list:bulk:5"),
        (12, 990, "list:bulk:12"),
    ],
)
def test_a_cart_line_has_the_price_of_its_quantity(quantity: int, minor: int, source: str) -> None:
    prices = {("bulk", MUG.sku): (Tier(12, 990), Tier(5, 1100))}
    facts = facts_of(PriceList("bulk", "Bulk", "USD"), prices=prices)
    line = cart.set_quantity(new(facts), MUG.sku, quantity, facts).order.lines[0]
    assert (line.unit_price.minor, line.price_source) == (minor, source)
    assert line.amount == Money(minor * quantity, "USD")


def test_a_list_holds_for_its_time_alone() -> None:
    window = Window(NOW, NOW + timedelta(days=1))
    facts = facts_of(
        PriceList("sale", "", "USD", window=window), prices={("sale", MUG.sku): (Tier(1, 900),)}
    )
    order = cart.set_quantity(new(facts), MUG.sku, 1, facts).order
    later = [timedelta(0), timedelta(days=1), -timedelta(seconds=1)]
    found = [price(order, replace(facts, now=NOW + each)).lines[0].unit_price for each in later]
    assert [each.minor for each in found] == [900, 1295, 1295]


def test_a_customer_gets_their_prices_with_the_cart_they_claim() -> None:
    facts = facts_of(
        PriceList("trade", "", "USD", GROUP), prices={("trade", MUG.sku): (Tier(1, 800),)}
    )
    order = cart.set_quantity(new(facts), MUG.sku, 2, facts).order
    claimed = cart.claim(order, cart.Claimant("cus_1", CONTACT, ("trade",), "acme"), facts)
    assert claimed is not None
    mine = claimed.order
    assert (mine.lines[0].unit_price.minor, mine.segment) == (800, "b2b")
    assert (mine.customer_groups, mine.account) == (("trade",), "acme")
    left = cart.claim(mine, cart.Claimant("cus_1", CONTACT, (), "acme"), facts)
    assert left is not None  # no longer of the group, when they claim it again
    assert left.order.lines[0].unit_price.minor == 1295


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 1480), ("EUR", 1190), ("KWD", 3950)])
def test_a_cart_is_in_one_currency_and_what_has_no_price_in_it_is_not_for_sale(
    currency: str, minor: int
) -> None:
    facts = facts_of(
        PriceList("abroad", "", currency), prices={("abroad", MUG.sku): (Tier(1, minor),)}
    )
    order = cart.set_quantity(new(facts, currency), MUG.sku, 3, facts).order
    assert totals(order).goods == Money(3 * minor, currency)
    assert {line.unit_price.currency for line in order.lines} == {currency}
    wrong = lambda: cart.set_quantity(order, "TEA-9", 1, facts)  # noqa: E731
    assert reason(wrong) is Reason.NOT_SELLABLE
    without = replace(facts, prices={})
    assert price(order, without).lines[0].unit_price == Money(minor, currency)  # its last


def test_a_currency_the_shop_does_not_sell_in_is_refused() -> None:
    assert reason(lambda: new(facts_of(prices={}), "CHF")) is Reason.CURRENCY_UNAVAILABLE


def test_a_service_has_a_charge_in_the_currencies_it_has_rates_in() -> None:
    facts = facts_of(PriceList("eu", "", "EUR"), prices={("eu", MUG.sku): (Tier(1, 1190),)})
    order = cart.set_quantity(new(facts, "EUR"), MUG.sku, 1, facts).order
    assert delivery.options(order, "US", facts) == []
    standard = SHOP.services["standard"]
    both = replace(standard, rates=(*standard.rates, Rate(5_000, Money(490, "EUR"))))
    facts = replace(facts, shop=replace(facts.shop, services={"standard": both}))
    assert [o.price for o in delivery.options(order, "US", facts)] == [Money(490, "EUR")]
    assert delivery.deliver_to(order, HOME, "standard", "", facts).order.group.charge_price == (
        Money(490, "EUR")
    )


ids = st.sampled_from(["a", "b", "c", "gone"])
chosen = st.builds(
    Audience,
    channels=st.sets(st.sampled_from(["online", "phone"])).map(tuple),
    groups=st.sets(st.sampled_from(["trade", "club"])).map(tuple),
    accounts=st.sets(st.just("acme")).map(tuple),
)


@given(
    st.sets(ids).map(tuple),
    st.fixed_dictionaries({}, optional=dict.fromkeys(["a", "b", "c"], chosen)),
    st.sampled_from([ACME, Buyer("online"), Buyer("phone", groups=("club", "trade"))]),
)
def test_what_can_be_seen_is_what_is_in_no_assortment_or_in_one_for_the_buyer(
    among: tuple[str, ...], audiences: dict[str, Audience], buyer: Buyer
) -> None:
    """So the search, which goes by the assortments, finds what the cart takes."""
    known = {id: Assortment(id, id, audience) for id, audience in audiences.items()}
    product = replace(MUG, assortments=among)
    own = assortments_for(buyer, known.values())
    assert visible(product, buyer, known) == (not among or not set(among).isdisjoint(own))


def test_what_is_in_an_assortment_is_seen_and_sold_by_its_audience_alone() -> None:
    trade = Assortment("trade-only", "Trade", GROUP)
    facts = facts_of(prices={})
    products = PRODUCTS | {MUG.sku: replace(MUG, assortments=("trade-only", "gone"))}
    shop = replace(facts.shop, assortments={"trade-only": trade})
    facts = replace(facts, products=products, shop=shop)
    public = lambda: cart.set_quantity(new(facts), MUG.sku, 1, facts)  # noqa: E731
    assert reason(public) is Reason.UNKNOWN_SKU
    theirs = replace(new(facts), customer_groups=("trade",))
    order = cart.set_quantity(theirs, MUG.sku, 1, facts).order
    complete = cart.describe(
        order, facts, contact=CONTACT, billing_address=HOME, payment_method="card"
    ).order
    complete = delivery.deliver_to(complete, HOME, "standard", "", facts).order
    names = (checkout.Names("PW-1", "a"), checkout.Names("PW-2", "b"))
    place = lambda o: checkout.place(  # noqa: E731
        o, facts, Command("p", ""), names=names, expected_total=None
    )
    assert place(complete).order.state == "placed"
    left = replace(complete, customer_groups=())
    assert reason(lambda: place(left)) is Reason.NOT_SELLABLE
