"""Flaws of money that other shop systems had, each by the issue that tells of it, tried here.

Those of promotions, codes and tax are beside their rules, those of stock and of many at once where
there are tables (see tests/README.md).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from parcelway.domain.authorization import next_attempt, observe, undo_first
from parcelway.domain.capturing import next_step
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayStatus
from parcelway.domain.promotions import Promotion
from parcelway.domain.refusals import Reason, Refusal

from tests.domain.offers import amount
from tests.domain.paying import Wallet, provider_does
from tests.orders import SHOP, at

THREE_MUGS = {"MUG-1": 3}


def paid(
    *promotions: Promotion, basket: dict[str, int] = THREE_MUGS, inclusive: bool = False
) -> Wallet:
    """An order that was sent, invoiced and paid in full."""
    settings = replace(SHOP.settings, prices_include_tax=inclusive)
    shop = replace(SHOP, settings=settings, promotions={each.id: each for each in promotions})
    story = Wallet(shop=shop, basket=basket).given()
    story.placed()
    story.pays_the_rest().scheduled().released().packed().shipped().invoiced()
    return story.settles()


def test_medusa_13301_who_hears_of_a_payment_second_takes_nothing_twice_and_undoes_nothing() -> (
    None
):
    """There, the buyer's return and the webhook both completed the order: each captured, and the
    one that failed gave back the money of a good order."""
    story = at("placed").pays("awaiting_customer", authorized=0)
    gross = totals(story.order).gross
    assert story.seen is not None
    held = replace(story.seen, status="authorized", authorized=gross)
    both = [observe(story.order, story.payment, held, story.facts) for _ in range(2)]
    assert both[0] == both[1] is not None  # of the same version: one of them is written
    story._apply(both[0])
    assert undo_first(story.order, story.payment, held) is None
    assert observe(story.order, story.payment, held, story.facts) is None

    story.scheduled().released().packed().shipped().invoiced()
    parcels, documents = story.shipments, story.invoices
    steps = [next_step(story.order, parcels, documents, [held], story.now) for _ in range(2)]
    assert steps[0] == steps[1] is not None  # under one key: the provider takes it once
    taken = provider_does(held, steps[0])
    story._apply(observe(story.order, story.payment, taken, story.facts))
    assert story.order.captured == gross.minor
    assert next_step(story.order, parcels, documents, [taken], story.now) is None
    assert undo_first(story.order, story.payment, taken) is None
    assert observe(story.order, story.payment, taken, story.facts) is None


@pytest.mark.parametrize("ended", ["voided", "failed"])
def test_medusa_16398_a_payment_that_was_called_off_does_not_leave_its_order_waiting(
    ended: GatewayStatus,
) -> None:
    """There, webhooks of payments that failed or were cancelled were not listened to, and their
    orders waited for ever."""
    story = at("placed").pays("awaiting_customer", authorized=0).pays(ended)
    assert (story.order.state, story.order.payment_status) == ("placed", ended)
    assert next_attempt(story.order, story.payment, story.now) == 2
    story.expired()
    assert story.order.state == "expired"
    assert not any(balance.reserved for balance in story.balances.values())


@pytest.mark.parametrize("inclusive", [False, True])
def test_spree_5915_who_sends_everything_back_gets_back_what_it_cost(inclusive: bool) -> None:
    """There, the order's discount came off the refund without its tax: too little came back."""
    basket = {"MUG-1": 3, "BOOK-3": 2}
    story = paid(amount("ten", 1000, "USD"), basket=basket, inclusive=inclusive)
    (group,) = story.order.groups
    for line in story.order.lines:
        for _ in range(line.quantity):
            story.credited(Wanted({line.number: 1})).settles()
    charge = group.charge_net + group.charge_tax
    assert charge
    assert story.order.refunded == story.order.captured - charge.minor


def test_medusa_15885_a_unit_back_is_its_discounted_price_with_tax_on_that() -> None:
    """There, the discount was taken off with its tax, and tax then counted on what was left: less
    came back than the unit had cost."""
    story = paid(amount("off", 590, "USD"), basket={"MUG-1": 2})  # 25.90 - 5.90, and 7 %
    story.credited(Wanted({1: 1})).settles()
    assert story.order.refunded == 1070


def test_spree_14678_what_did_not_come_back_is_not_paid_back() -> None:
    """There, of three units that were announced two arrived, and all three were refunded."""
    story = paid()
    (line,) = story.order.lines
    gross = line.net + line.tax
    story.credited(Wanted({1: 2})).settles()
    assert story.order.refunded == round(gross.minor * 2 / 3)
    story.credited(Wanted({1: 1})).settles()  # the third came later
    assert story.order.refunded == gross.minor
    with pytest.raises(Refusal) as refused:
        story.credited(Wanted({1: 1}))
    assert refused.value.reason is Reason.CREDIT_LIMIT


def test_saleor_14326_a_refund_that_was_granted_is_owed_until_it_has_gone_back() -> None:
    """There, what had been granted did not count: an order seemed paid in full before the refund,
    and overcharged after it."""
    story = paid()
    assert (story.order.owed, story.order.payment_status) == (Money(0, "USD"), "captured")
    story.credited(Wanted({1: 1}))
    (note,) = story.credit_notes
    assert story.order.owed == -note.gross
    story.settles()
    assert story.order.owed == Money(0, "USD")
    assert story.order.payment_status == "partially_refunded"
    story.credited(Wanted({1: 2}, shipping=True)).settles()
    assert (story.order.owed, story.order.payment_status) == (Money(0, "USD"), "refunded")
