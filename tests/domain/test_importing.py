"""What was sold elsewhere, as one decision: placed, paid for and confirmed, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.checkout import Names
from parcelway.domain.credit import CreditAccount
from parcelway.domain.facts import Facts
from parcelway.domain.importing import (
    Imported,
    Seller,
    Sold,
    SoldLine,
    draft,
    import_order,
    order_id_of,
    require_same,
)
from parcelway.domain.money import Money
from parcelway.domain.order import EVENTS_PER_COMMIT, totals
from parcelway.domain.parties import Actor, Address
from parcelway.domain.postal_codes import plausible
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import ImportSource, ReservationPolicy
from parcelway.domain.stock import Balance
from parcelway.domain.switching import PurchaseLimit, Switches

from tests.imports import ACCOUNT, IMPORTS, SOURCE
from tests.orders import CONTACT, HOME, PRODUCTS, START, STOCK

NAMES = Names("PW-1", "link")
SELLER = Seller(SOURCE, IMPORTS.settings.import_sources[SOURCE], Actor("staff", "robot"))
NOTHING = Money(0, "USD")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def sold(*lines: SoldLine, total: Money = NOTHING, **more: Any) -> Sold:
    given = {"delivery_charge": usd(300)} | more
    return Sold("X-1", "d", CONTACT, HOME, HOME, lines, total, **given)


def facts(policy: ReservationPolicy = "on_checkout", limit: int = 10**9) -> Facts:
    settings = replace(IMPORTS.settings, reservation_policy={"marketplace": policy})
    return Facts(
        replace(IMPORTS, settings=settings),
        START,
        PRODUCTS,
        {key: Balance(*key, on_hand=units) for key, units in STOCK.items()},
        credit=CreditAccount(ACCOUNT, 1, "USD", limit, 30),
    )


def imported(row: Sold, known: Facts, seller: Seller = SELLER) -> Imported:
    order = draft(row, seller, known.shop, known.now)
    return import_order(order, row, seller.source.service, NAMES, known)


def computed(row: Sold, known: Facts) -> Money:
    """What the refusal of a wrong total says that it comes to."""
    with pytest.raises(Refusal) as refused:
        imported(replace(row, total=usd(10**9)), known)
    assert refused.value.reason is Reason.TOTAL_MISMATCH
    return Money(refused.value.facts["computed"]["minor"], "USD")


LINES = st.lists(
    st.builds(
        SoldLine,
        st.sampled_from(sorted(PRODUCTS)),
        st.integers(1, 10),
        st.builds(usd, st.integers(0, 100_000)),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line.sku,
)
POLICIES: st.SearchStrategy[ReservationPolicy] = st.sampled_from(["none", "on_cart", "on_checkout"])


@given(lines=LINES, charge=st.integers(0, 5_000), policy=POLICIES, off=st.integers(-2, 2))
def test_it_is_all_paid_and_held_or_nothing(
    lines: list[SoldLine], charge: int, policy: ReservationPolicy, off: int
) -> None:
    known, row = facts(policy), sold(*lines, delivery_charge=usd(charge))
    right = computed(row, known)
    if off and right.minor + off >= 0:
        with pytest.raises(Refusal, match="its lines, delivery and tax"):
            imported(replace(row, total=usd(right.minor + off)), known)
        return
    made = imported(replace(row, total=right), known)
    decision, order = made.decision, made.decision.order
    assert (order.version, order.state) == (1, "confirmed")
    assert totals(order).gross == right and order.secured == right.minor
    goods = sum(line.unit_price.minor * line.quantity for line in lines if line.unit_price)
    net = totals(order).goods + totals(order).shipping
    assert net == usd(goods + charge)  # not a cent is ours to change
    assert [each.sequence for each in decision.events] == [
        EVENTS_PER_COMMIT + n for n in range(len(decision.events))
    ]
    kinds = [each.type for each in decision.events]
    assert kinds == ["order.placed", *(["payment.authorized"] if right else []), "order.confirmed"]
    if made.claim is None:
        assert not right
    else:
        assert (made.claim.amount, made.claim.status) == (right, "authorized")
        assert (made.claim.version, made.claim.account) == (1, ACCOUNT)
        assert decision.payment is not None
        assert decision.payment.reference == made.claim.reference
    taken: dict[str, int] = {}
    for move in decision.moves:
        assert move.kind == "reserve"
        taken[move.sku] = taken.get(move.sku, 0) + move.quantity
    assert taken == {line.sku: line.quantity for line in lines}
    assert all(line.count("reserved") == line.quantity for line in order.lines)


@given(first=st.integers(1, 9), second=st.integers(1, 9))
def test_lines_of_one_article_are_one(first: int, second: int) -> None:
    lines = [SoldLine("BOOK-3", units, usd(700)) for units in (first, second)]
    row, known = sold(*lines), facts()
    whole = sold(SoldLine("BOOK-3", first + second, usd(700)))
    assert computed(row, known) == computed(whole, known)
    (line,) = imported(replace(row, total=computed(row, known)), known).decision.order.lines
    assert line.quantity == first + second


def test_a_price_is_the_sources_also_where_the_shop_has_none_or_a_lower_one() -> None:
    dear = replace(PRODUCTS["BOOK-3"], price=Money(1, "EUR"))
    known = replace(facts(), products={"BOOK-3": dear})
    row = sold(SoldLine("BOOK-3", 1, usd(99_999)))
    order = imported(replace(row, total=computed(row, known)), known).decision.order
    assert order.lines[0].unit_price == usd(99_999)
    assert order.lines[0].weight_grams == dear.weight_grams


def test_what_is_not_for_sale_is_not_imported() -> None:
    gone = replace(PRODUCTS["BOOK-3"], active=False)
    with pytest.raises(Refusal, match="not for sale") as refused:
        row = sold(SoldLine("BOOK-3", 1, usd(1)))
        imported(row, replace(facts(), products={"BOOK-3": gone}))
    assert refused.value.pointer == "/lines/0/sku"


def test_an_account_without_terms_or_room_is_told_so() -> None:
    row = sold(SoldLine("BOOK-3", 1, usd(1000)))
    row = replace(row, total=computed(row, facts()))
    for known, why in (
        (replace(facts(), credit=None), "no_terms"),
        (facts(limit=row.total.minor - 1), "credit_limit"),
    ):
        with pytest.raises(Refusal) as refused:
            imported(row, known)
        assert refused.value.facts["why_not"] == why
    assert imported(row, facts(limit=row.total.minor)).claim is not None


def test_an_id_is_a_sources_own() -> None:
    ids = {order_id_of(source, name) for source in ("a", "ab") for name in ("b", "bb")}
    assert len(ids) == 4
    assert order_id_of("a", "b") in ids


def test_another_content_of_a_known_id_is_refused() -> None:
    row = sold(SoldLine("BOOK-3", 1, usd(1)))
    order = draft(row, SELLER, IMPORTS, START)
    require_same(order, row)
    with pytest.raises(Refusal) as refused:
        require_same(order, replace(row, digest="other"))
    assert refused.value.reason is Reason.OTHER_CONTENT


@pytest.mark.parametrize(
    ("own", "price", "charge", "pointer"),
    [
        (True, None, usd(0), "/lines/0/unit_price"),
        (True, usd(1), None, "/delivery_charge"),
        (False, usd(1), None, "/lines/0/unit_price"),
        (False, None, usd(0), "/delivery_charge"),
    ],
)
def test_who_has_the_prices_says_them(
    own: bool, price: Money | None, charge: Money | None, pointer: str
) -> None:
    seller = replace(SELLER, source=ImportSource(ACCOUNT, "USD", "standard", own_prices=own))
    row = sold(SoldLine("BOOK-3", 1, price), delivery_charge=charge)
    with pytest.raises(Refusal) as refused:
        draft(row, seller, IMPORTS, START)
    assert (refused.value.reason, refused.value.pointer) == (Reason.INVALID, pointer)


@pytest.mark.parametrize(
    ("country", "code", "right"),
    [
        ("US", "43016", True),
        ("US", "43016-1234", True),
        ("US", "4301", False),
        ("US", "٤٣٠١٦", False),
        ("DE", "80331", True),
        ("DE", "D-80331", False),
        ("GB", "sw1a 1aa", True),
        ("GB", "12345", False),
        ("CA", "K1A 0B1", True),
        ("CA", "D1A 0B1", False),
        ("NL", "1012 AB", True),
        ("IE", "anything", True),
        ("IE", "", True),
        ("HK", "", True),
        ("DE", "", False),
    ],
)
def test_postal_codes(country: str, code: str, right: bool) -> None:
    address: Address = replace(HOME, country=country, postal_code=code)
    assert plausible(address) == right


@pytest.mark.parametrize(("many", "fits"), [(43, True), (46, False)])
def test_what_limits_count_has_room_in_its_transaction(many: int, fits: bool) -> None:
    """A purchase limit on each article adds a counter, of the buyer's address."""
    skus = [f"MUG-{n}" for n in range(many)]
    limits = {sku: PurchaseLimit(9, 7) for sku in skus}
    known = facts()
    known = replace(
        known,
        shop=replace(known.shop, switches={"marketplace": Switches(purchase_limits=limits)}),
        products={sku: replace(PRODUCTS["MUG-1"], sku=sku, weight_grams=1) for sku in skus},
        balances={(sku, "dc-1"): Balance(sku, "dc-1", 9) for sku in skus},
    )
    row = sold(*(SoldLine(sku, 1, usd(700)) for sku in skus))
    try:
        made = imported(replace(row, total=computed(row, known)), known)
    except Refusal as refusal:
        assert refusal.reason is Reason.TOO_MANY_LINES
        assert not fits
    else:
        assert fits and len(made.decision.uses) == many
