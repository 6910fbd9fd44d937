"""The cart: its lines are what was asked for, its holds are what the books say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import cart
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.filling import MAX_LINES
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Address, Contact
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import Balance, after, allowed, net

from tests.domain.strategies import NODES, NOW, SKUS, catalogues, new_cart, shops, stocks
from tests.orders import CONTACT, HOME, PRODUCTS, SHOP, at

edits = st.lists(
    st.tuples(st.sampled_from(["add", "set"]), st.sampled_from(SKUS), st.integers(0, 8)),
    max_size=12,
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    shop = draw(shops())
    products = draw(catalogues(shop.settings.currency))
    nodes = tuple(node for node in NODES if node in shop.nodes)
    return Facts(shop, NOW, products, draw(stocks(nodes=nodes, least_keys=2)))


def edited(order: Order, kind: str, sku: str, units: int, known: Facts) -> Decision | Refusal:
    asked = Command(f"key-{order.version}", "")
    try:
        if kind == "add":
            return cart.add(order, sku, units, known, asked)
        return cart.set_quantity(order, sku, units, known, asked)
    except Refusal as refusal:
        return refusal


@given(facts(), edits)
def test_a_cart_holds_what_was_asked_for_and_the_books_agree(
    known: Facts, asked: list[tuple[str, str, int]]
) -> None:
    """Any edits: the lines are the sums of what was accepted, the books never go negative, hold
    exactly the cart's reserved units on top of what others hold, and refusals change nothing."""
    order, books, wanted = new_cart(known), dict(known.balances), dict[str, int]()
    policy = known.shop.settings.policy("online")
    for kind, sku, units in asked:
        made = edited(order, kind, sku, units, replace(known, balances=books))
        if isinstance(made, Refusal):
            assert made.reason in (Reason.OUT_OF_STOCK, Reason.NOT_FOUND)
            continue
        assert all(
            allowed(books.get((c.sku, c.node), Balance(c.sku, c.node)), c) for c in net(made.moves)
        )
        books = after(books, made.moves)
        assert made.order.version == order.version + 1
        order = made.order
        wanted[sku] = units + (wanted.get(sku, 0) if kind == "add" else 0)
        wanted = {name: n for name, n in wanted.items() if n}
        assert {line.sku: line.quantity for line in order.lines} == wanted
        assert [line.number for line in order.lines] == sorted(
            {line.number for line in order.lines}
        )
        assert sum(b.reserved for b in books.values()) - sum(
            b.reserved for b in known.balances.values()
        ) == sum(line.count("reserved") for line in order.lines)
        if policy == "on_cart":
            assert all(line.count("reserved") == line.quantity for line in order.lines)
        else:
            assert not made.moves
        assert (order.hold_until is None) == (policy != "on_cart" or not order.lines)
        assert totals(order).goods.currency == order.currency


@given(facts(), st.sampled_from(SKUS), st.integers(1, 30))
def test_more_than_there_is_is_refused_with_what_there_is(
    known: Facts, sku: str, units: int
) -> None:
    there = sum(b.available for b in known.balances.values() if b.sku == sku)
    made = edited(new_cart(known), "add", sku, units, known)
    if units <= there:
        assert isinstance(made, Decision)
    else:
        assert isinstance(made, Refusal)
        (entry,) = made.facts["lines"]
        assert (entry["sku"], entry["wanted"], entry["available"]) == (sku, units, there)


def refused(order: Order, known: Facts, sku: str, units: int) -> Reason:
    made = edited(order, "set", sku, units, known)
    assert isinstance(made, Refusal)
    return made.reason


@pytest.mark.parametrize(
    ("units", "fits"),
    [
        (5, False),
        (6, True),
        (7, False),
        (8, False),
        (9, True),
        (12, True),
        (13, False),
        (15, False),
    ],
)
def test_what_is_sold_in_steps_is_ordered_in_them_and_taken_out_whole(
    units: int, fits: bool
) -> None:
    """From six on, by three, and thirteen at most: by what is in the cart, however it got there."""
    story = at("draft", basket={"MUG-1": 1}, stock={("TEA-9", "dc-1"): 99, ("MUG-1", "dc-1"): 9})
    by_three = replace(PRODUCTS["TEA-9"], min_quantity=6, max_quantity=13, quantity_step=3)
    known = replace(story.facts, products=PRODUCTS | {"TEA-9": by_three})
    for how in ("set", "add"):
        made = edited(story.order, how, "TEA-9", units, known)
        if not fits:
            assert isinstance(made, Refusal)
            assert made.reason is Reason.QUANTITY_LIMIT
            said = (made.facts["minimum"], made.facts["maximum"], made.facts["step"])
            assert (*said, made.pointer) == (6, 13, 3, "/quantity")
            continue
        assert isinstance(made, Decision)
        there = made.order.line("TEA-9")
        assert there is not None and there.quantity == units
        more = edited(made.order, "add", "TEA-9", 1, known)
        assert isinstance(more, Refusal)
        assert cart.set_quantity(made.order, "TEA-9", 0, known).order.line("TEA-9") is None


def test_a_rule_of_quantity_that_came_later_holds_when_the_order_is_placed() -> None:
    story = at("draft", basket={"MUG-1": 2})
    dozens = replace(PRODUCTS["MUG-1"], min_quantity=12, quantity_step=12)
    story.products = PRODUCTS | {"MUG-1": dozens}
    with pytest.raises(Refusal) as refusal:
        story.placed()
    assert refusal.value.reason is Reason.QUANTITY_LIMIT
    assert refusal.value.pointer == "/lines/0/quantity"


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_quantity": 0},
        {"quantity_step": 0},
        {"min_quantity": 4, "quantity_step": 3},
        {"min_quantity": 4, "max_quantity": 3},
    ],
)
def test_a_product_that_nobody_could_order_is_none(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="TEA-9"):
        replace(PRODUCTS["TEA-9"], **wrong)


def test_what_cannot_be_bought_is_refused_by_name() -> None:
    story = at("draft")
    order, known = story.order, story.facts
    assert refused(order, known, "NO-SUCH", 1) is Reason.UNKNOWN_SKU
    assert refused(order, known, "NO-SUCH", 0) is Reason.NOT_FOUND
    assert refused(order, known, "TEA-9", 1000) is Reason.QUANTITY_LIMIT
    off = replace(PRODUCTS["TEA-9"], active=False)
    foreign = replace(PRODUCTS["TEA-9"], price=Money(1, "EUR"))
    for product in (off, foreign):
        changed = replace(known, products=PRODUCTS | {"TEA-9": product})
        assert refused(order, changed, "TEA-9", 2) is Reason.NOT_SELLABLE
        gone = cart.set_quantity(order, "TEA-9", 0, changed)
        assert gone.order.line("TEA-9") is None


def test_a_cart_takes_ninety_lines_and_no_more() -> None:
    names = [f"SKU-{n}" for n in range(MAX_LINES + 1)]
    known = replace(
        at("draft").facts,
        products={name: replace(PRODUCTS["TEA-9"], sku=name) for name in names},
        balances={(name, "dc-1"): Balance(name, "dc-1", 9) for name in names},
    )
    order = new_cart(known)
    for name in names[:-1]:
        order = cart.set_quantity(order, name, 1, known).order
    assert refused(order, known, names[-1], 1) is Reason.TOO_MANY_LINES
    assert cart.set_quantity(order, names[0], 2, known).order.lines[0].quantity == 2


def test_a_cart_never_holds_more_than_one_transaction_can_give_back() -> None:
    """Taken edit by edit, the holds still lapse together."""
    names = [f"SKU-{n}" for n in range(MAX_LINES)]
    known = on_cart(
        replace(
            at("draft").facts,
            products={name: replace(PRODUCTS["TEA-9"], sku=name) for name in names},
            balances={(n, node): Balance(n, node, 1) for n in names for node in ("dc-1", "dc-2")},
        )
    )
    order = new_cart(known)
    for name in names[: MAX_LINES // 2]:
        order = cart.set_quantity(order, name, 2, known).order
    assert refused(order, known, names[-1], 2) is Reason.TOO_MANY_LINES
    lapsed = cart.lapse(order, known.now + timedelta(days=1))
    assert lapsed is not None
    assert len(net(lapsed.moves)) == MAX_LINES


def on_cart(known: Facts) -> Facts:
    settings = replace(known.shop.settings, reservation_policy={"online": "on_cart"})
    return replace(known, shop=replace(known.shop, settings=settings))


@given(st.integers(1, 30), st.lists(st.integers(0, 40), max_size=12))
def test_the_shop_hears_of_the_first_item_and_then_not_too_often(
    minutes: int, pauses: list[int]
) -> None:
    known = at("draft").facts
    telling = replace(known.shop.settings, cart_event_minutes=minutes)
    known = replace(known, shop=replace(known.shop, settings=telling))
    order, told = new_cart(known), list[tuple[timedelta, Mapping[str, object]]]()
    since = timedelta()
    for number, pause in enumerate([0, *pauses], start=1):
        since += timedelta(minutes=pause)
        made = cart.set_quantity(order, "TEA-9", number, replace(known, now=NOW + since))
        order = made.order
        for event in made.events:
            assert (event.type, event.at, event.order_id) == ("cart.updated", NOW + since, order.id)
            assert event.data["units"] == number
            told.append((since, event.data))
    assert told[0][0] == timedelta()
    whole = {"lines": 1, "units": 1, "currency": "USD"}
    assert {name: told[0][1][name] for name in whole} == whole
    for (one, _), (next_one, _) in pairwise(told):
        assert next_one - one >= timedelta(minutes=minutes)
    assert since - told[-1][0] < timedelta(minutes=minutes)  # nothing that was due was left out


def test_a_shop_that_does_not_listen_is_not_told() -> None:
    known = at("draft").facts
    made = cart.set_quantity(new_cart(known), "TEA-9", 1, known)
    assert (made.events, made.order.cart_told_at) == ((), None)


def test_a_hold_lapses_on_time_and_gives_all_back_but_keeps_the_cart() -> None:
    known = on_cart(at("draft").facts)
    made = cart.set_quantity(new_cart(known), "TEA-9", 3, known)
    order, until = made.order, made.order.hold_until
    assert until == known.now + timedelta(minutes=SHOP.settings.hold_minutes)
    assert cart.lapse(order, until - timedelta(milliseconds=1)) is None
    lapsed = cart.lapse(order, until)
    assert lapsed is not None
    assert not net([*made.moves, *lapsed.moves])
    assert lapsed.order.state == "draft"
    assert lapsed.order.lines[0].count("open") == 3
    assert cart.lapse(lapsed.order, until) is None


def test_an_order_that_nobody_paid_for_expires_and_gives_all_back() -> None:
    story = at("placed")
    until = story.order.hold_until
    assert until is not None
    expired = cart.lapse(story.order, until)
    assert expired is not None
    assert not net([*(m for made, _ in story.decisions for m in made.moves), *expired.moves])
    assert (expired.order.state, expired.order.hold_until) == ("expired", None)
    assert all(line.count("cancelled") == line.quantity for line in expired.order.lines)
    assert cart.lapse(expired.order, until) is None


def test_a_hold_never_lapses_once_the_order_is_paid_for() -> None:
    order = at("confirmed").order
    assert cart.lapse(order, NOW + timedelta(days=400)) is None


def test_details_that_are_not_given_stay() -> None:
    story = at("draft")
    other: Mapping[str, object] = {
        "contact": Contact("B", "b@customer.example"),
        "billing_address": Address("B", "2", "C", "1", "US"),
        "language": "de",
    }
    for name, value in other.items():
        order = cart.describe(story.order, story.facts, **{name: value}).order  # type: ignore[arg-type]
        assert getattr(order, name) == value
        kept = {"contact": CONTACT, "billing_address": HOME, "language": "en"} | {name: value}
        assert {key: getattr(order, key) for key in kept} == kept


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"payment_method": "cheque"}, Reason.PAYMENT_METHOD_UNAVAILABLE),
        ({"language": "xx"}, Reason.INVALID),
    ],
)
def test_details_that_the_shop_has_not_are_refused(change: dict[str, str], reason: Reason) -> None:
    story = at("draft")
    with pytest.raises(Refusal) as refusal:
        cart.describe(story.order, story.facts, **change)  # type: ignore[arg-type]
    assert refusal.value.reason is reason


def test_a_cart_is_claimed_once_and_by_one() -> None:
    order = at("draft").order
    facts = at("draft").facts
    mine = cart.claim(order, cart.Claimant("cus_1", CONTACT), facts)
    assert mine is not None
    assert mine.order.customer_id == "cus_1"
    assert cart.claim(mine.order, cart.Claimant("cus_1", CONTACT), facts) is None
    with pytest.raises(Refusal) as refusal:
        cart.claim(mine.order, cart.Claimant("cus_2", CONTACT), facts)
    assert refusal.value.reason is Reason.NOT_FOUND


def test_a_new_cart_speaks_a_language_of_the_shop_and_its_currency() -> None:
    known, asked = at("draft").facts, Command("k", "")
    options = {"channel": "online", "asked": asked}
    with pytest.raises(Refusal) as refusal:
        cart.new_draft("o", "t", known, currency="EUR", language="en", **options)  # type: ignore[arg-type]
    assert refusal.value.reason is Reason.CURRENCY_UNAVAILABLE
    made = cart.new_draft("o", "t", known, currency="USD", language="fr", **options)  # type: ignore[arg-type]
    assert made.order.language == "en"


@given(st.text(min_size=1), st.text())
def test_only_the_token_of_its_creation_opens_a_cart(token: str, other: str) -> None:
    order = replace(at("draft").order, access_hash=cart.access_hash(token))
    assert cart.may_hold(order, token)
    assert cart.may_hold(order, other) == (other == token)
    assert token not in order.access_hash or len(token) < 8
