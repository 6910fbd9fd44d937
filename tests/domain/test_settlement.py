"""Settlement: whatever is paid out when, the books explain every cent of it or say what is not."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import ledger, matching, settlement
from parcelway.domain.dispute import Dispute
from parcelway.domain.ledger import Posting, balances
from parcelway.domain.matching import Known, Settled, Why
from parcelway.domain.money import Money, share
from parcelway.domain.payment import Payment
from parcelway.domain.payout import BalanceTransaction, Kind, Payout
from parcelway.domain.settlement import (
    Booking,
    Resolution,
    Settlement,
    Unmatched,
    Whole,
)

from tests.orders import SHOP

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SETTINGS = replace(SHOP.settings, settlement_accounts={"USD": "main", "stripe:EUR": "euro"})


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def payout(minor: int = 1000, **changes: Any) -> Payout:
    fresh = Payout("po_1", "stripe", usd(minor), "paid", NOW, date(2026, 11, 21), "ba_1")
    return replace(fresh, **changes)


def moved(
    kind: Kind = "charge", gross: int = 1000, fee: int = 0, tax: int = 0, **changes: Any
) -> BalanceTransaction:
    """A movement of the payment pi_1, in the payment's own currency."""
    fresh = BalanceTransaction(
        "txn_1",
        kind,
        usd(gross),
        usd(fee),
        usd(tax),
        usd(gross - fee - tax),
        NOW - timedelta(days=3),
        NOW,
        source="ch_1",
        payment="pi_1",
        order_id="ord_1",
        attempt=1,
        original=usd(gross),
    )
    return replace(fresh, **changes)


def payment(number: int = 1, captured: int = 1000, refunded: int = 0) -> Payment:
    return Payment(
        "ord_1",
        1,
        f"pi_{number}",
        "card",
        "captured",
        usd(captured),
        NOW,
        captured,
        captured,
        refunded,
    )


def dispute(number: int = 1, minor: int = 400) -> Dispute:
    return Dispute(f"du_{number}", "pi_1", usd(minor), "fraudulent", "lost", NOW)


def known(**changes: Any) -> Known:
    fresh = Known({"pi_1": payment()}, {"du_1": dispute()})
    return replace(fresh, **changes)


# one movement


@pytest.mark.parametrize(
    ("each", "facts", "why"),
    [
        (moved(), known(), ""),
        (moved(gross=1001), known(), "exceeds_captured"),
        (moved(), known(settled={"pi_1": Settled("ord_1", "pi_1", 1, 1)}), "exceeds_captured"),
        (moved(), known(payments={}), "unknown_payment"),
        (moved(original=None), known(), "unknown_payment"),
        (moved(original=Money(1000, "EUR")), known(), "unknown_payment"),
        (moved(net=usd(999)), known(), "does_not_add_up"),
        (moved(fee_tax=Money(0, "EUR")), known(), "does_not_add_up"),
        (moved("refund", -300), known(payments={"pi_1": payment(refunded=300)}), ""),
        (
            moved("refund", -301),
            known(payments={"pi_1": payment(refunded=300)}),
            "exceeds_refunded",
        ),
        (moved("refund_failure", 300), known(), ""),
        (moved("dispute", -400, 1500, source="du_1"), known(), ""),
        (moved("dispute", -400, source="du_2"), known(), "unknown_dispute"),
        (moved("dispute", -399, source="du_1"), known(), "differs_from_dispute"),
        (moved("dispute_reversal", 400, source="du_1"), known(), ""),
        (moved("dispute_reversal", -400, source="du_1"), known(), "differs_from_dispute"),
        (
            moved("dispute", -400, source="du_1"),
            known(settled={"pi_1": Settled("ord_1", "pi_1", 1, 0, 0, {"dispute:du_1": -400})}),
            "differs_from_dispute",
        ),
        (moved("fee", 0, 70, payment="", original=None), known(), ""),
        (moved("reserve", -70, payment="", original=None), known(), ""),
        (moved("payout_failure", source="po_0"), known(), "unknown_payout"),
        (moved("payout_failure", source="po_0"), known(returned={"po_0": 1000}), ""),
        (moved("other"), known(), "unknown_kind"),
    ],
)
def test_a_movement_is_of_what_an_order_knows_or_says_why_not(
    each: BalanceTransaction, facts: Known, why: Why
) -> None:
    assert matching.match(each, facts)[0] == why


def test_the_same_money_is_not_settled_twice_within_a_batch() -> None:
    twice = [moved(id="txn_1"), moved(id="txn_2")]
    booking = settlement.take_in(begun(2000), twice, known(), NOW)
    assert [item.why for item in booking.items] == ["", "exceeds_captured"]
    assert booking.settled == (Settled("ord_1", "pi_1", 1, 1000),)
    assert [item.transaction for item in booking.opened] == [twice[1]]


def test_fees_and_exchange_are_booked_with_the_order() -> None:
    each = replace(
        moved(gross=900, fee=56, tax=11),
        **{
            name: Money(amount.minor, "EUR")
            for name, amount in (
                *(("gross", usd(900)), ("fee", usd(56))),
                *(("fee_tax", usd(11)), ("net", usd(833))),
            )
        },
    )
    each = replace(each, original=usd(1000), exchange_rate="0.9")
    postings = settlement.booked("po_1", each, NOW)
    assert {posting.subject for posting in postings} == {"ord_1"}
    euros = balances(posting for posting in postings if posting.currency == "EUR")
    assert euros == {
        **{"payment_fees": 56, "input_tax": 11},
        **{"gateway_clearing": 833, "exchange_differences": -900},
    }
    dollars = balances(posting for posting in postings if posting.currency == "USD")
    assert dollars == {"gateway_clearing": -1000, "exchange_differences": 1000}


def test_a_fee_for_no_payment_is_booked_with_the_payout() -> None:
    each = moved("fee", 0, 70, 7, payment="", order_id="", original=None)
    (posting,) = settlement.booked("po_1", each, NOW)
    assert posting.subject == "po_1"
    assert balances([posting]) == {"payment_fees": 70, "input_tax": 7, "gateway_clearing": -77}


# a payout


def begun(minor: int = 1000, **changes: Any) -> Settlement:
    booking = settlement.begin(payout(minor, **changes), None, Whole(usd(minor), True), SETTINGS)
    assert booking is not None and booking.after is not None
    return booking.after


@pytest.mark.parametrize(
    ("seen", "net", "why"),
    [
        (payout(), usd(999), "does_not_add_up"),
        (payout(), Money(1000, "EUR"), "does_not_add_up"),
        (payout(amount=Money(1000, "GBP")), Money(1000, "GBP"), "unknown_account"),
        (payout(itemised="never"), usd(0), "not_itemised"),
    ],
)
def test_a_payout_that_is_wrong_is_refused_whole(seen: Payout, net: Money, why: Why) -> None:
    booking = settlement.begin(seen, None, Whole(net, True), SETTINGS)
    assert booking is not None and booking.after is not None
    assert (booking.after.state, booking.after.reason) == ("refused", why)
    assert (booking.items, booking.settled, booking.postings) == ((), (), ())
    (item,) = booking.opened
    assert (item.why, item.amount, item.transaction) == (why, seen.amount, None)
    # Nothing new: nothing is written. Right in the end: it is taken in, and waits no more.
    assert settlement.begin(seen, booking.after, Whole(net, True), SETTINGS) is None
    right = settlement.begin(payout(), booking.after, Whole(usd(1000), True), SETTINGS)
    assert right is not None and right.after is not None
    assert (right.after.state, right.closed, right.opened) == ("importing", (item,), ())


def test_a_payout_goes_to_the_account_of_its_gateway_and_currency() -> None:
    assert begun().account == "main"
    euros = payout(amount=Money(1000, "EUR"))
    booking = settlement.begin(euros, None, Whole(Money(1000, "EUR"), True), SETTINGS)
    assert booking is not None and booking.after is not None
    assert booking.after.account == "euro"
    done = settlement.finish(replace(booking.after, net=1000), NOW)
    assert balances(done.postings) == {"bank:euro": 1000, "gateway_clearing": -1000}


def test_one_that_was_taken_in_or_resolved_is_not_begun_again() -> None:
    for state in ("importing", "settled", "returned", "resolved"):
        there = replace(begun(), state=state)
        assert settlement.begin(payout(), there, Whole(usd(5), True), SETTINGS) is None


def test_what_is_not_all_booked_is_never_paid_out() -> None:
    with pytest.raises(ValueError, match="999 booked of 1000"):
        settlement.finish(replace(begun(), net=999), NOW)


def test_a_payout_that_the_bank_sent_back_is_with_the_provider_again() -> None:
    done = settlement.finish(replace(begun(), net=1000), NOW)
    assert done.after is not None
    assert settlement.come_back(done.after, payout(), NOW) is None
    back = settlement.come_back(done.after, payout(status="failed"), NOW)
    assert back is not None and back.after is not None and back.after.state == "returned"
    assert not any(balances([*done.postings, *back.postings]).values())
    assert settlement.come_back(back.after, payout(status="failed"), NOW) is None


# the queue


def waiting(each: BalanceTransaction) -> tuple[Unmatched, Settlement]:
    booking = settlement.take_in(begun(each.net.minor), [each], known(payments={}), NOW)
    (item,) = booking.opened
    assert booking.after is not None and booking.postings == ()
    return item, booking.after


def test_an_unmatched_movement_is_booked_once_its_order_knows_of_it() -> None:
    item, there = waiting(moved(fee=59))
    assert there.unmatched == 1
    assert settlement.rematch(item, there, known(payments={}), NOW) is None
    booking = settlement.rematch(item, there, known(), NOW)
    assert booking is not None and booking.after is not None
    assert (booking.after.unmatched, booking.closed) == (0, (item,))
    assert booking.settled == (Settled("ord_1", "pi_1", 1, 1000),)
    assert balances(booking.postings) == {"payment_fees": 59, "gateway_clearing": -59}


def test_what_finance_takes_as_it_is_is_a_difference() -> None:
    item, there = waiting(moved(fee=59))
    booking = settlement.resolve(item, there, Resolution("usr_1", NOW, "a gift", "k", "f"))
    assert booking.after is not None and booking.after.unmatched == 0
    assert booking.closed[0].resolution is not None
    assert balances(booking.postings) == {
        **{"gateway_clearing": 941, "settlement_differences": -941},
    }


def test_a_refused_payout_that_finance_resolved_is_never_booked() -> None:
    booking = settlement.begin(payout(), None, Whole(usd(1), True), SETTINGS)
    assert booking is not None and booking.after is not None
    done = settlement.resolve(
        booking.opened[0], booking.after, Resolution("usr_1", NOW, "by hand", "k", "f")
    )
    assert done.after is not None and (done.after.state, done.postings) == ("resolved", ())


def test_items_have_one_id_each_and_sort_by_time() -> None:
    early, late = moved(created_at=NOW - timedelta(days=400)), moved(id="txn_0")
    ids = [settlement.queued_as(each.id, each.created_at) for each in (early, late)]
    assert ids == sorted(ids)
    assert ids[1] == "20261117T060000-txn_0"


# an account that several systems share


@given(st.lists(st.tuples(st.sampled_from("ab-"), st.integers(-900, 900)), max_size=12))
def test_the_shares_of_all_systems_are_the_payout_also_when_it_came_back(
    made: list[tuple[str, int]],
) -> None:
    """`a` has what is of no order, `b` has not; each cent is on the books of one."""
    whole = sum(minor for _, minor in made)
    came_back = moved("payout_failure", whole, payment="", order_id="", source="po_0")
    for movements in (made, [("failure", whole)]):
        seen = begun(whole)
        for name in ("a", "b"):
            batch = [
                {
                    name: moved(gross=minor),
                    "-": moved("charge", minor, order_id=""),  # made by hand
                    "failure": came_back,
                }.get(whose, moved("foreign", minor))
                for whose, minor in movements
            ]
            ours = sum(minor for whose, minor in made if whose == name or name + whose == "a-")
            facts = known(payments={"pi_1": payment(captured=10**6)}, returned={"po_0": ours})
            if not batch:
                continue
            after = settlement.take_in(seen, batch, facts, NOW, name == "a").after
            assert after is not None
            assert (after.net, after.net + after.others) == (ours, whole)
            done = settlement.finish(after, NOW)
            posted = {"bank:main": ours, "gateway_clearing": -ours} if ours else {}
            assert balances(done.postings) == posted


# a year of business


@dataclass
class Business:
    """A provider that keeps a balance and pays it out, and the shop's books beside it."""

    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    payments: dict[str, Payment] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    settled: dict[str, Settled] = field(default_factory=dict)
    balance: list[BalanceTransaction] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    paid: int = 0
    captured: int = 0
    refunded: int = 0
    lost: int = 0
    fees: int = 0

    def move(self, kind: Kind, gross: int, fee: int, reference: str, source: str = "") -> None:
        name = f"txn_{next(iter(self.numbers))}"
        each = moved(kind, gross, fee, share(fee, 1900, 10_000), id=name)
        owner = {"payment": reference, "order_id": "ord_1", "original": usd(gross)}
        if not reference:
            owner = {"payment": "", "order_id": "", "original": None}
        self.balance.append(replace(each, source=source, **owner))
        self.fees += each.fee.minor + each.fee_tax.minor

    def capture(self, minor: int) -> None:
        number = len(self.payments) + 1
        made = payment(number, minor)
        self.payments[made.reference] = made
        self.captured += minor
        self._post(
            ledger.captured("ord_1", made.reference, NOW, usd(0), usd(minor)),
        )
        first = minor // 2  # in two parcels
        for part in filter(None, (first, minor - first)):
            self.move("charge", part, share(part, 290, 10_000) + 30, made.reference)

    def refund(self, made: Payment, minor: int) -> None:
        name = f"{made.reference}:{made.refunded}"
        self.payments[made.reference] = replace(made, refunded=made.refunded + minor)
        self.refunded += minor
        self._post(ledger.refunded("ord_1", name, NOW, usd(0), usd(minor)))
        self.move("refund", -minor, 0, made.reference, f"re_{name}")

    def charge_back(self, made: Payment, minor: int, won: bool) -> None:
        name = f"du_{len(self.disputes) + 1}"
        self.disputes[name] = replace(dispute(), reference=name, amount=usd(minor))
        self._post(ledger.disputed("ord_1", name, NOW, usd(minor)))
        self.move("dispute", -minor, 1500, made.reference, name)
        if won:
            self._post(ledger.dispute_won("ord_1", name, NOW, usd(minor)))
            self.move("dispute_reversal", minor, -1500, made.reference, name)
        else:
            self._post(ledger.dispute_lost("ord_1", name, NOW, usd(minor)))
            self.lost += minor

    def pay_out(self, size: int) -> None:
        net = sum(each.net.minor for each in self.balance)
        if net <= 0:
            return
        name = f"po_{next(iter(self.numbers))}"
        seen = payout(net, id=name)
        there = self._book(settlement.begin(seen, None, Whole(usd(net), True), SETTINGS))
        newest = self.balance[::-1]
        for start in range(0, len(newest), size):
            facts = Known(self.payments, self.disputes, self.settled)
            there = self._book(settlement.take_in(there, newest[start : start + size], facts, NOW))
            assert there.unmatched == 0
        self._book(settlement.finish(there, NOW))
        self.balance, self.paid = [], self.paid + net

    def _book(self, booking: Booking | None) -> Settlement:
        assert booking is not None and booking.after is not None
        for each in booking.settled:
            before = self.settled.get(each.payment)
            assert each.version == (before.version if before else 0) + 1
            self.settled[each.payment] = each
        self.postings += booking.postings
        return booking.after

    def _post(self, posting: Posting) -> None:
        self.postings.append(posting)


@given(st.data(), st.integers(1, 4))
def test_what_was_paid_out_is_what_was_taken_less_what_was_given_back_and_kept(
    data: st.DataObject, size: int
) -> None:
    shop = Business()
    for step in data.draw(st.lists(st.sampled_from("ccrdfp"), min_size=3, max_size=25)):
        made = list(shop.payments.values())
        if step == "c" or not made:
            shop.capture(data.draw(st.integers(1, 100_000)))
        elif step == "r":
            each = data.draw(st.sampled_from(made))
            if left := each.captured - each.refunded:
                shop.refund(each, data.draw(st.integers(1, left)))
        elif step == "d":
            each = data.draw(st.sampled_from(made))
            shop.charge_back(
                each, data.draw(st.integers(1, each.captured)), data.draw(st.booleans())
            )
        elif step == "f":
            shop.move("fee", 0, data.draw(st.integers(1, 5000)), "")
        else:
            shop.pay_out(size)
    shop.capture(10_000_000)  # so that the last payout is one
    shop.pay_out(size)
    assert shop.paid == shop.captured - shop.refunded - shop.lost - shop.fees
    sums = balances(shop.postings)
    assert sums["gateway_clearing"] == sums.get("chargebacks", 0) == 0
    assert sums["bank:main"] == shop.paid
    assert sums["payment_fees"] + sums["input_tax"] == shop.fees
    names = [(posting.subject, posting.reference) for posting in shop.postings]
    assert len(set(names)) == len(names)
