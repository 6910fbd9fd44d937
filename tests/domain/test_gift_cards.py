"""Gift cards: no cent is lost or made between cards, orders and books, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.capturing import Step
from parcelway.domain.card_payments import settle
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.dues import payable, to_pay
from parcelway.domain.gift_card import GiftCard
from parcelway.domain.gift_cards import (
    ALPHABET,
    MOST_CARDS,
    Issue,
    block,
    card_id,
    issue,
    new_code,
    put_on,
    shares,
    take_off,
)
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.receipt import receipt
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.cards import holds_card_number
from parcelway.language.amounts import total_rows
from parcelway.language.formats import money
from parcelway.language.wording import say

from tests.domain.paying import STAFF, Wallet, card, worth
from tests.orders import SPLIT_STOCK, START

GROSS = 9086  # what the story's order comes to
SKUS = ("MUG-1", "TEA-9", "BOOK-3")
WORTHS = st.lists(st.sampled_from([1, 599, 2000, 5000, GROSS, 20_000]), min_size=1, max_size=3)
CANCEL = st.tuples(st.sampled_from(SKUS), st.integers(1, 2))
STEPS = st.lists(st.sampled_from(["on", "settle", "credit"]) | CANCEL, max_size=12)


def reason(act: Callable[[], object]) -> Reason:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.reason


def conserved(story: Wallet, issued: int) -> None:
    """What was issued is on the cards, held by the order, or taken for good: as the books say."""
    held = sum(paid.authorized - paid.captured for paid in story.by_card)
    kept = sum(paid.captured - paid.refunded for paid in story.by_card)
    assert worth(list(story.cards.values())) + held + kept == issued
    assert story.redeemed == kept
    order = story.order
    for name in ("authorized", "captured", "refunded"):
        assert getattr(order, name) == sum(getattr(p, name) for p in story.payments.values())
    assert order.secured == sum(p.authorized for p in story.payments.values() if p.counts)
    assert all(p.authorized >= p.captured >= p.refunded >= 0 for p in story.payments.values())


@given(WORTHS, STEPS, st.sampled_from([SPLIT_STOCK, None]))
def test_no_cent_is_lost_whatever_happens(
    worths: list[int], history: list[Any], stock: Any
) -> None:
    """Placed, paid, sent in parcels, cancelled unit by unit, credited; settled now and then."""
    story = Wallet(**({"stock": stock} if stock else {}))
    story.given(*worths)
    issued = sum(worths)
    story.placed()
    conserved(story, issued)
    assert to_pay(story.order).minor == max(0, totals(story.order).gross.minor - issued)
    story.pays_the_rest()
    assert story.order.state == "confirmed"
    steps = [Wallet.scheduled, Wallet.released, Wallet.packed, Wallet.shipped, Wallet.invoiced]
    for what in history:
        with suppress(Refusal):  # too late, or more than there is: nothing has changed
            if what == "on" and steps:
                steps.pop(0)(story)
            elif what == "settle":
                story.settles()
            elif what == "credit" and story.invoices:
                story.credited(Wanted(amount=Money(100, "USD")), "late")
            elif isinstance(what, tuple) and story.order.state == "confirmed":
                story.less(*what)
        conserved(story, issued)
    if story.order.state == "confirmed":
        for step in steps:
            step(story)
    conserved(story.settles(), issued)
    order = story.order
    kept = order.captured - order.refunded
    assert kept == (0 if order.state == "cancelled" else payable(order).minor)
    if order.state == "confirmed":
        assert order.authorized == order.captured  # nothing is held for what is not to come


@given(WORTHS, st.booleans())
def test_what_ends_gives_back_all_that_the_cards_paid(worths: list[int], paid: bool) -> None:
    story = Wallet().given(*worths)
    story.placed()
    if paid or story.order.state == "confirmed":
        story.pays_the_rest().cancelled()
    else:
        story.expired()
    story.settles()
    assert [c.balance for c in story.cards.values()] == worths
    assert all(p.status == "voided" for p in story.by_card)
    conserved(story, sum(worths))


def test_gift_cards_are_taken_first_and_given_back_last() -> None:
    story = Wallet().given(2000, 3000)
    story.placed()
    assert [t.amount.minor for t in story.order.gift_cards] == [2000, 3000]
    assert (story.order.state, story.order.payment_status) == ("placed", "none")
    story.pays_the_rest().scheduled().released().packed().shipped().invoiced()
    story.settles()
    gross = totals(story.order).gross.minor
    first, second = story.by_card
    assert (first.captured, second.captured) == (2000, 3000)
    assert story.order.captured == gross
    story.credited(Wanted(amount=Money(gross - 4000, "USD")), "late")
    story.settles()
    by_card = [(p.captured, p.refunded) for p in story.by_card]
    assert by_card == [(2000, 0), (3000, 1000)]  # all of the card's, and 1000 of the younger one
    assert story.order.refunded == gross - 4000
    assert [c.balance for c in story.cards.values()] == [0, 1000]


def test_an_order_that_the_cards_pay_is_confirmed_at_once() -> None:
    story = Wallet().given(20_000)
    story.placed()
    gross = totals(story.order).gross.minor
    assert (story.order.state, story.order.payment_status) == ("confirmed", "authorized")
    assert [event.type for event in story.events[-3:]] == [
        "order.placed",
        "payment.authorized",
        "order.confirmed",
    ]
    assert worth(list(story.cards.values())) == 20_000 - gross


def test_a_card_that_is_not_needed_keeps_its_money() -> None:
    story = Wallet().given(20_000, 500)
    assert [t.amount.minor for t in shares(story.order)] == [totals(story.order).gross.minor, 0]
    story.placed()
    assert len(story.order.gift_cards) == len(story.payments) == 1
    assert [c.balance for c in story.cards.values()][1] == 500


def test_money_comes_back_onto_a_card_that_expired_or_was_blocked() -> None:
    story = Wallet().given(2000)
    story.placed()
    ((which, known),) = story.cards.items()
    story.cards[which] = replace(known, blocked=True, valid_until=START.date() - timedelta(days=1))
    story.expired()
    story.settles()
    assert story.cards[which].balance == 2000


@pytest.mark.parametrize(
    "change",
    [
        {"balance": 0},
        {"balance": 1999},
        {"blocked": True},
        {"valid_until": START.date() - timedelta(days=1)},
        {"customer_id": "cus_other"},
    ],
)
def test_a_card_that_pays_less_than_was_shown_stops_the_checkout(change: dict[str, Any]) -> None:
    story = Wallet().given(2000)
    ((which, known),) = story.cards.items()
    story.cards[which] = replace(known, **change)
    before = story.order
    assert reason(story.placed) is Reason.GIFT_CARD_UNUSABLE
    assert story.order == before


def test_a_card_can_be_used_on_its_last_day() -> None:
    story = Wallet().given(2000)
    ((which, known),) = story.cards.items()
    story.cards[which] = replace(known, valid_until=story.now.date())
    assert story.placed().order.secured == 2000


def test_a_card_is_on_a_cart_once_and_can_be_taken_off() -> None:
    story = Wallet().given(2000)
    ((which, known),) = story.cards.items()
    assert put_on(story.order, known, story.now) is None
    made = take_off(story.order, which, story.now)
    assert made is not None
    assert made.order.gift_cards == ()
    assert take_off(made.order, which, story.now) is None


def test_an_order_takes_so_many_cards() -> None:
    story = Wallet().given(*[100] * MOST_CARDS)
    assert reason(lambda: put_on(story.order, card(1, "more"), START)) is Reason.GIFT_CARD_LIMIT
    assert story.placed().order.secured == 100 * MOST_CARDS


def test_a_card_of_another_currency_is_refused() -> None:
    story, other = Wallet().filled(), replace(card(100), currency="EUR")
    assert reason(lambda: put_on(story.order, other, START)) is Reason.GIFT_CARD_UNUSABLE


def test_more_than_a_card_paid_is_never_taken_nor_given_back() -> None:
    story = Wallet().given(2000)
    story.placed()
    story.pays_the_rest()
    (payment,) = story.by_card
    (known,) = story.cards.values()
    for action in ("capture", "refund"):
        step = Step(action, payment.reference, Money(2001, "USD"), "k")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=payment.order_id):
            settle(story.order, payment, known, step, story.facts)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Issue("gift_card", Money(1, "EUR"), "x"), Reason.CURRENCY_UNAVAILABLE),
        (Issue("gift_card", Money(0, "USD"), "x"), Reason.INVALID),
        (Issue("gift_card", Money(1, "USD"), "x", customer_id="cus_1"), Reason.INVALID),
        (Issue("store_credit", Money(1, "USD"), "x"), Reason.INVALID),
        (
            Issue("gift_card", Money(1, "USD"), "x", START.date() - timedelta(days=1)),
            Reason.INVALID,
        ),
    ],
)
def test_what_no_card_can_be_is_refused(wanted: Issue, why: Reason) -> None:
    assert reason(lambda: issue(wanted, new_code("x"), "", "USD", STAFF, START)) is why


def test_a_new_card_is_owed_by_the_shop_from_its_beginning() -> None:
    wanted = Issue("store_credit", Money(700, "USD"), "late", customer_id="cus_1")
    change, posting = issue(wanted, new_code("x"), "", "USD", STAFF, START)
    assert {entry.account: entry.debit for entry in posting.entries} == {
        "goodwill": 700,
        "gift_cards": -700,
    }
    assert (change.before, change.entries[0].change, change.card.balance) == (0, 700, 700)


def test_blocking_changes_no_balance_and_once_is_enough() -> None:
    known: GiftCard = card(700)
    change = block(known, True, "stolen", STAFF, START)
    assert change is not None
    assert (change.card.blocked, change.card.balance, change.entries[0].change) == (True, 700, 0)
    assert block(change.card, True, "again", STAFF, START) is None


@given(st.text(min_size=1))
def test_a_code_is_found_however_it_is_typed_and_is_no_card_number(secret: str) -> None:
    code = new_code(secret)
    assert set(code.replace("-", "")) <= set(ALPHABET)
    assert not holds_card_number({"code": code})
    assert card_id(code) == card_id(f" {code.lower().replace('-', ' ')} ") != ""
    assert code.replace("-", "").lower() not in card_id(code)


@pytest.mark.parametrize("text", ["", "BCDF", "BCDF-GHJK-MNPQ-RSTV-WXY1", "É" * 20, "B" * 21])
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert card_id(text) == ""


@pytest.mark.parametrize(("language", "name"), [("en", "Gift card"), ("de", "Geschenkkarte")])
def test_a_receipt_tells_what_each_means_of_payment_pays(language: str, name: str) -> None:
    story = Wallet().given(2000)
    story.placed()
    (tender,) = story.order.gift_cards
    bought = receipt(story.order, list(story.payments.values()))
    rest = totals(story.order).gross - Money(2000, "USD")
    parts = {(row.label, row.amount) for row in total_rows(bought, False, language)}
    assert (f"{name} …{tender.ending}", money(Money(2000, "USD"), language)) in parts
    assert (say("payment.card", language), money(rest, language)) in parts
    story.pays_the_rest().scheduled().released().packed().shipped().invoiced()
    story.settles()
    paid = receipt(story.order, list(story.payments.values())).tenders
    assert [(each.ending, each.paid.minor) for each in paid] == [
        (tender.ending, 2000),
        ("", rest.minor),
    ]


def test_a_receipt_without_gift_cards_is_as_it_was() -> None:
    assert receipt(Wallet().filled().order, ()).split == ()
