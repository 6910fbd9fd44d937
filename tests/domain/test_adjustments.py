"""What staff may give away on an order, and that it is never more than was decided on."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from parcelway.domain import cart, checkout, delivery
from parcelway.domain.adjusting import MOST, Member, Wish, adjust, approve, reject, remove
from parcelway.domain.adjustment import Cap, Kind
from parcelway.domain.adjustments import given as given_away
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import command
from parcelway.domain.facts import Facts
from parcelway.domain.login import customer_id_of
from parcelway.domain.money import Money, total
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Actor
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shortage import resolve
from parcelway.domain.stock import Supply

from tests.domain.strategies import baskets, divisions, facts_with_plenty, filled
from tests.orders import AWAY, HOME, at, new_names

KINDS: tuple[Kind, ...] = ("shipping_override", "amount_off", "price_override")
REASONS = {"goodwill": {"en": "Goodwill", "de": "Kulanz"}}
CAPS = {"csr": Cap({"USD": 500}), "csr_supervisor": Cap({"USD": 2000}, 2500)}


def member(name: str, role: str, customer_id: str = "cus_somebody") -> Member:
    return Member(Actor("staff", name), frozenset([role]), customer_id)


CLERK, OTHER = member("clerk", "csr"), member("other", "csr")
BOSS, FINANCE = member("boss", "csr_supervisor"), member("finance", "finance")


def allowing(facts: Facts) -> Facts:
    """The same, in a shop that lets its staff adjust prices."""
    settings = replace(facts.shop.settings, adjustment_reasons=REASONS, adjustment_caps=CAPS)
    return replace(facts, shop=replace(facts.shop, settings=settings))


class Desk:
    """A cart and the people who adjust it. Unless another is given: 3 mugs at 12.95, a tea at 8.79
    and 2 books at 14.33 (76.30 together), sent for 5.99."""

    def __init__(self, order: Order | None = None, facts: Facts | None = None) -> None:
        self.facts = allowing(facts or at("draft").facts)
        self.order = price(order or at("draft").order, self.facts)

    def adjust(self, kind: Kind, value: int, who: Member = CLERK, target: str | None = None) -> str:
        """The id of the adjustment that is made or proposed: of the first line or delivery."""
        first = {"shipping_override": "g1", "price_override": self.order.lines[0].sku}
        place = first.get(kind, "") if target is None else target
        wish = Wish(kind, place, Money(value, self.order.currency), "goodwill", "asked nicely")
        asked = command(f"{self.order.version}", kind)
        self.order = adjust(self.order, wish, who, self.facts, asked).order
        return self.order.adjustments[-1].id

    def approve(self, adjustment_id: str, who: Member) -> None:
        asked = command(f"approve {self.order.version}", "")
        self.order = approve(self.order, adjustment_id, who, self.facts, asked).order

    def reject(self, adjustment_id: str, who: Member) -> None:
        asked = command(f"reject {self.order.version}", "")
        self.order = reject(self.order, adjustment_id, who, self.facts, asked).order

    def remove(self, adjustment_id: str, who: Member = CLERK) -> None:
        decision = remove(self.order, adjustment_id, who, self.facts)
        self.order = decision.order if decision else self.order

    def buy(self, sku: str, units: int) -> None:
        self.order = cart.set_quantity(self.order, sku, units, self.facts).order

    def at_price(self, sku: str, minor: int) -> None:
        product: Product = self.facts.products[sku]
        new = replace(product, price=Money(minor, self.order.currency))
        self.facts = replace(self.facts, products={**self.facts.products, sku: new})
        self.order = price(self.order, self.facts)

    @property
    def goods(self) -> int:
        return total((line.amount for line in self.order.lines), self.order.currency).minor

    @property
    def charge(self) -> int:
        charge = self.order.group.charge
        assert charge is not None
        return charge.minor

    @property
    def statuses(self) -> list[str]:
        return [each.status for each in self.order.adjustments]


def refused(reason: Reason, pointer: str = "") -> pytest.RaisesExc[Refusal]:
    """Expects a refusal for this reason, pointing there."""
    return pytest.RaisesExc(
        Refusal, check=lambda error: (error.reason, error.pointer) == (reason, pointer)
    )


# --- what each kind does -----------------------------------------------------------------------


def test_a_shipping_charge_is_overridden_and_taxed_at_what_is_left() -> None:
    desk = Desk()
    made = desk.adjust("shipping_override", 100)
    group = desk.order.group
    assert (desk.charge, group.charge_net) == (100, Money(100, "USD"))
    assert [(d.source, d.id, d.name, d.amount.minor) for d in group.charge_discounts] == [
        ("adjustment", made, "Goodwill", 499)
    ]
    kept = desk.order.adjustments[0]
    assert (kept.old.minor, kept.new.minor, kept.actor, kept.status) == (
        599,
        100,
        CLERK.actor,
        "applied",
    )


def test_an_amount_off_is_divided_over_the_lines_by_largest_remainder() -> None:
    desk = Desk()
    desk.adjust("amount_off", 500)
    off = [sum(d.amount.minor for d in line.discounts) for line in desk.order.lines]
    assert off == [254, 58, 188]  # of 38.85, 8.79 and 28.66: 254.59, 57.60 and 187.81
    assert desk.goods == 7630 - 500
    assert all(line.net == line.amount for line in desk.order.lines)


def test_a_unit_price_is_overridden_and_the_old_one_kept() -> None:
    desk = Desk()
    made = desk.adjust("price_override", 1195)
    line = desk.order.lines[0]
    assert (line.unit_price.minor, line.price_source) == (1195, f"override:{made}")
    kept = desk.order.adjustments[0]
    assert (kept.old.minor, kept.units, kept.worth.minor) == (1295, 3, 300)


def test_the_reason_is_shown_in_the_order_s_language_and_the_note_never() -> None:
    desk = Desk(replace(at("draft").order, language="de"))
    desk.adjust("amount_off", 100)
    names = {d.name for line in desk.order.lines for d in line.discounts}
    assert names == {"Kulanz"}


def test_an_override_takes_the_place_of_the_one_before() -> None:
    desk = Desk()
    desk.adjust("price_override", 1250)
    second = desk.adjust("price_override", 1200)
    (kept,) = desk.order.adjustments
    assert (kept.id, kept.old.minor, desk.order.lines[0].unit_price.minor) == (second, 1295, 1200)
    desk.remove(second)
    assert (desk.order.lines[0].unit_price.minor, desk.order.adjustments) == (1295, ())


@pytest.mark.parametrize(
    ("kind", "value", "target", "pointer"),
    [
        ("shipping_override", 599, None, "/value/minor"),  # no reduction
        ("shipping_override", 100, "g9", "/target"),
        ("price_override", 1295, None, "/value/minor"),
        ("price_override", 1, "NOT-HERE", "/target"),
        ("amount_off", 0, None, "/value/minor"),
        ("amount_off", 7631, None, "/value/minor"),  # more than the goods come to
        ("amount_off", 1, "MUG-1", "/target"),
    ],
)
def test_what_makes_no_sense_is_refused(
    kind: Kind, value: int, target: str | None, pointer: str
) -> None:
    with refused(Reason.INVALID, pointer):
        Desk().adjust(kind, value, FINANCE, target)


def test_an_unknown_reason_and_another_currency_are_refused() -> None:
    desk, asked = Desk(), command("k", "")
    wish = Wish("amount_off", "", Money(1, "USD"), "because")
    with refused(Reason.INVALID, "/reason"):
        adjust(desk.order, wish, CLERK, desk.facts, asked)
    with refused(Reason.INVALID, "/value/currency"):
        foreign = replace(wish, reason="goodwill", value=Money(1, "EUR"))
        adjust(desk.order, foreign, CLERK, desk.facts, asked)


# --- caps and four eyes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "amount", "status"),
    [
        (CLERK, 500, "applied"),
        (CLERK, 501, "proposed"),
        (BOSS, 2000 - 200, "applied"),
        (BOSS, 2001, "proposed"),
        (FINANCE, 7630, "applied"),
        (member("admin", "admin"), 7630, "applied"),
    ],
)
def test_what_is_above_the_cap_is_proposed(who: Member, amount: int, status: str) -> None:
    desk = Desk()
    desk.adjust("amount_off", amount, who)
    assert desk.statuses == [status]
    assert desk.goods == 7630 - (amount if status == "applied" else 0)


def test_a_cap_is_also_a_part_of_the_order() -> None:
    desk = Desk()
    desk.buy("MUG-1", 0)
    desk.buy("BOOK-3", 0)  # a tea at 8.79, sent for 5.99: a quarter is 3.695
    desk.adjust("amount_off", 371, BOSS)
    assert desk.statuses == ["proposed"]
    desk.remove(desk.order.adjustments[0].id)
    desk.adjust("amount_off", 370, BOSS)
    assert desk.statuses == ["applied"]


def test_many_small_adjustments_are_no_way_around_the_cap() -> None:
    desk = Desk()
    desk.adjust("amount_off", 200, CLERK)
    desk.adjust("shipping_override", 399, OTHER)  # 2.00
    desk.adjust("price_override", 1255, CLERK)  # 3 x 0.40: 5.20 together
    assert desk.statuses == ["applied", "applied", "proposed"]
    desk.adjust("amount_off", 100, OTHER)
    assert desk.statuses == ["applied", "applied", "proposed", "applied"]
    desk.adjust("amount_off", 1, OTHER)
    assert desk.statuses[-1] == "proposed"


def test_nobody_is_capped_by_the_amount_of_another_currency() -> None:
    """A cap of 5.00 USD is none of 500 JPY: where no amount was said nothing is covered."""
    assert Cap({"USD": 500}).covers(Money(500, "USD"), Money(10_000, "USD"))
    assert not Cap({"USD": 500}).covers(Money(1, "JPY"), Money(10_000, "JPY"))


def test_a_role_without_a_cap_of_its_own_gives_nothing_away() -> None:
    desk = Desk()
    settings = replace(desk.facts.shop.settings, adjustment_caps={})
    desk.facts = replace(desk.facts, shop=replace(desk.facts.shop, settings=settings))
    for who in (CLERK, BOSS, member("picker", "warehouse")):
        desk.adjust("amount_off", 1, who)
    assert set(desk.statuses) == {"proposed"}


def test_somebody_else_approves_and_only_then_it_counts() -> None:
    desk = Desk()
    made = desk.adjust("amount_off", 1500)
    with refused(Reason.FOUR_EYES):
        desk.approve(made, CLERK)
    with refused(Reason.FOUR_EYES):
        desk.approve(made, replace(CLERK, roles=frozenset(["admin"])))  # promoted meanwhile
    with refused(Reason.ABOVE_LIMIT):
        desk.approve(made, OTHER)
    assert desk.goods == 7630
    desk.approve(made, BOSS)
    assert (desk.goods, desk.statuses) == (6130, ["applied"])
    assert desk.order.adjustments[0].decided_by == BOSS.actor
    with refused(Reason.ILLEGAL_STATE):
        desk.approve(made, FINANCE)


def test_what_is_approved_counts_against_the_cap_of_all() -> None:
    desk = Desk()
    first, second = desk.adjust("amount_off", 1500), desk.adjust("amount_off", 600)
    desk.approve(first, BOSS)
    with refused(Reason.ABOVE_LIMIT):
        desk.approve(second, BOSS)
    desk.approve(second, FINANCE)
    assert desk.goods == 7630 - 2100


def test_a_rejected_proposal_has_no_effect_and_stays_on_record() -> None:
    desk = Desk()
    made = desk.adjust("amount_off", 1500)
    with refused(Reason.FOUR_EYES):
        desk.reject(made, CLERK)
    desk.reject(made, BOSS)
    assert (desk.goods, desk.statuses) == (7630, ["rejected"])
    with refused(Reason.ILLEGAL_STATE):
        desk.approve(made, FINANCE)
    with refused(Reason.ILLEGAL_STATE):
        desk.remove(made)
    with refused(Reason.NOT_FOUND):
        desk.approve("adj_other", FINANCE)


def test_nobody_adjusts_or_approves_their_own_order() -> None:
    own = replace(at("draft").order, customer_id="cus_me")
    desk = Desk(own)
    me = member("me", "admin", "cus_me")
    with refused(Reason.FOUR_EYES):
        desk.adjust("amount_off", 1, me)
    made = desk.adjust("amount_off", 501)
    with refused(Reason.FOUR_EYES):
        desk.approve(made, me)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cart_that_changed_is_not_what_was_proposed(kind: Kind) -> None:
    desk = Desk()
    made = desk.adjust(kind, {"amount_off": 1500}.get(kind, 0))
    before = desk.order
    desk.buy("MUG-1", 99)  # dearer to send as well
    with refused(Reason.STALE_VERSION):
        desk.approve(made, FINANCE)
    desk.order = before
    desk.approve(made, FINANCE)
    assert desk.statuses == ["applied"]


def test_only_one_proposal_of_the_same_price_waits() -> None:
    desk = Desk()
    desk.adjust("price_override", 1)
    with refused(Reason.ILLEGAL_STATE, "/target"):
        desk.adjust("price_override", 1294, OTHER)


def test_a_cart_has_only_so_many_adjustments() -> None:
    desk = Desk()
    for _ in range(MOST):
        desk.adjust("amount_off", 1)
    with refused(Reason.QUANTITY_LIMIT):
        desk.adjust("amount_off", 1)


def test_an_order_that_waits_for_a_decision_is_not_placed() -> None:
    desk = Desk()
    made = desk.adjust("amount_off", 1500)
    with refused(Reason.ADJUSTMENT_PENDING):
        placed(desk)
    desk.approve(made, BOSS)
    order = placed(desk)
    assert totals(order).gross == totals(desk.order).gross
    assert totals(order).discount.minor == 1500
    with refused(Reason.ILLEGAL_STATE):
        remove(order, made, BOSS, desk.facts)


def test_nobody_claims_a_cart_whose_price_they_reduced_as_a_guest_s() -> None:
    desk = Desk()
    desk.adjust("amount_off", 500)
    guest_s = desk.order
    desk.order = replace(guest_s, customer_id=customer_id_of("clerk"))
    with refused(Reason.ADJUSTMENT_PENDING):
        placed(desk)
    desk.order = replace(guest_s, customer_id=customer_id_of("somebody"))
    assert placed(desk).state == "placed"


def placed(desk: Desk) -> Order:
    names = new_names(random.Random(1)), new_names(random.Random(2))
    asked = command("place", "")
    return checkout.place(desk.order, desk.facts, asked, names=names, expected_total=None).order


def test_what_happened_is_told_without_the_note() -> None:
    desk = Desk()
    wish = Wish("amount_off", "", Money(100, "USD"), "goodwill", "Ada from Dublin")
    decision = adjust(desk.order, wish, CLERK, desk.facts, command("k", ""))
    (event,) = decision.events
    assert (event.type, event.actor) == ("order.adjusted", CLERK.actor)
    assert event.data["old"] - event.data["new"] == 100
    assert "Ada" not in str(event.data)


# --- what the customer does to the cart afterwards ------------------------------------------------


def test_more_units_than_an_override_was_for_cost_the_usual_price() -> None:
    desk = Desk()
    desk.adjust("price_override", 1195)
    desk.buy("MUG-1", 5)
    line = desk.order.lines[0]
    assert (line.unit_price.minor, line.price_source) == (1295, "catalogue")
    assert (line.amount.minor, line.discounts[0].amount.minor) == (5 * 1295 - 300, 300)
    desk.buy("MUG-1", 2)
    assert desk.order.lines[0].amount.minor == 2 * 1195
    desk.buy("MUG-1", 3)
    assert desk.order.lines[0].amount.minor == 3 * 1195


def test_a_usual_price_that_is_lower_by_now_counts() -> None:
    desk = Desk()
    desk.adjust("price_override", 1195)
    desk.at_price("MUG-1", 999)
    assert desk.order.lines[0].unit_price.minor == 999
    desk.at_price("MUG-1", 1500)
    assert desk.order.lines[0].unit_price.minor == 1195  # as agreed


def test_an_amount_off_shrinks_with_the_goods_and_never_grows() -> None:
    desk = Desk()
    desk.adjust("amount_off", 500)
    desk.buy("BOOK-3", 0)  # 47.64 of 76.30 are left: 3.1219
    assert desk.goods == 4764 - 312
    desk.buy("BOOK-3", 50)
    assert desk.goods == 4764 + 50 * 1433 - 500


def test_a_shipping_override_is_for_its_service_and_for_so_much() -> None:
    desk = Desk()
    desk.adjust("shipping_override", 199)  # 4.00 off
    desk.buy("MUG-1", 20)  # 12.99 to send now
    assert desk.charge == 1299 - 400
    desk.order = delivery.pick_up_at(desk.order, "store-1", "collect", "", desk.facts).order
    assert desk.charge == 0
    desk.order = delivery.deliver_to(desk.order, AWAY, "standard", "", desk.facts).order
    assert desk.charge == 1299 - 400


@st.composite
def desks(draw: st.DrawFn) -> Desk:
    """A cart in any shop, adjusted in any way by somebody without a cap."""
    facts = draw(facts_with_plenty("on_checkout"))
    order = filled(facts, draw(baskets))
    if draw(st.booleans()):
        desk = Desk(delivery.deliver_to(order, HOME, "parcel", "", facts).order, facts)
    else:
        desk = Desk(delivery.divide(order, draw(divisions(order)), facts).order, facts)
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
        places = {
            "shipping_override": [group.id for group in desk.order.groups],
            "price_override": [line.sku for line in desk.order.lines],
        }
        try:
            place = draw(st.sampled_from(places.get(kind, [""])))
            desk.adjust(kind, draw(st.integers(0, 20_000)), FINANCE, place)
        except Refusal as refusal:
            assert refusal.reason is Reason.INVALID  # no reduction
    assume(desk.order.adjustments)
    return desk


def usual(order: Order, facts: Facts) -> int:
    """What goods and shipping come to for everybody else, as prices are meant."""
    plain = price(replace(order, adjustments=()), facts)
    goods = sum(line.amount.minor for line in plain.lines)
    return goods + sum(group.charge.minor for group in plain.groups if group.charge)


def paid(order: Order) -> int:
    goods = sum(line.amount.minor for line in order.lines)
    return goods + sum(group.charge.minor for group in order.groups if group.charge)


@given(desks(), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=4))
def test_never_more_is_given_away_than_was_decided_on(
    desk: Desk, edits: list[tuple[int, int]]
) -> None:
    decided = given_away(desk.order.adjustments, desk.order.currency).minor
    for index, units in edits:
        if desk.order.lines:
            desk.buy(desk.order.lines[index % len(desk.order.lines)].sku, units)
        order = desk.order
        assert 0 <= usual(order, desk.facts) - paid(order) <= decided
        assert all(line.amount.minor >= 0 for line in order.lines)
        assert all(group.charge.minor >= 0 for group in order.groups if group.charge)
        assert price(order, desk.facts) == order  # and the same again


@given(desks())
def test_what_is_given_away_at_first_is_exactly_what_was_decided(desk: Desk) -> None:
    decided = given_away(desk.order.adjustments, desk.order.currency).minor
    assert usual(desk.order, desk.facts) - paid(desk.order) <= decided
    if len(desk.order.adjustments) == 1:
        assert usual(desk.order, desk.facts) - paid(desk.order) == decided


@given(desks())
def test_taken_back_everything_is_as_it_was(desk: Desk) -> None:
    plain = price(replace(desk.order, adjustments=()), desk.facts)
    for each in desk.order.adjustments:
        desk.remove(each.id)
    assert replace(desk.order, version=0, commands={}) == replace(plain, version=0, commands={})


def test_free_delivery_that_was_promised_is_free_for_what_comes_later() -> None:
    """Goods that are not there become an order of their own: what it gets of an amount off and of
    an overridden price is its units' share, and its charge is reduced as the first one's is."""
    stock = {("MUG-1", "dc-1"): 1, ("BOOK-3", "dc-1"): 2, ("TEA-9", "dc-1"): 1}
    coming = {("MUG-1", "dc-1"): (Supply("PO-1", date(2026, 12, 1), 9),)}
    story = at("draft", stock=stock, supplies=coming)
    desk = Desk(replace(story.order, shortage="separate_order"), story.facts)
    desk.adjust("shipping_override", 0, FINANCE)
    desk.adjust("amount_off", 500, FINANCE)
    desk.adjust("price_override", 1195, FINANCE)
    here, later = (part.order for part in resolve(desk.order, desk.facts))
    assert [(line.sku, line.quantity) for line in later.lines] == [("MUG-1", 2)]
    assert [line.unit_price.minor for line in later.lines] == [1195]
    goods = sum(line.amount.minor for line in (*here.lines, *later.lines))
    assert goods == desk.goods  # to the cent, however it is divided
    assert [part.group.charge for part in (here, later)] == [Money(0, "USD")] * 2
