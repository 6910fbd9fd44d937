"""An order paid by gift cards and, for the rest, by card; and the provider of the latter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from parcelway.domain import ledger
from parcelway.domain.authorization import observe, undo_first
from parcelway.domain.capturing import Step, next_step
from parcelway.domain.card_payments import held, settle
from parcelway.domain.decision import Decision
from parcelway.domain.dues import to_pay
from parcelway.domain.facts import Facts
from parcelway.domain.gift_card import GIFT_CARD, CardChange, GiftCard
from parcelway.domain.gift_cards import Issue, issue, new_code, put_on
from parcelway.domain.money import Money
from parcelway.domain.parties import Actor
from parcelway.domain.payment import GatewayPayment, Payment

from tests.orders import START, Story

STAFF = Actor("staff", "s1")


def issued(minor: int, name: str = "a", now: datetime = START) -> tuple[CardChange, ledger.Posting]:
    """A new gift card of so much, and its posting."""
    wanted = Issue("gift_card", Money(minor, "USD"), "sorry")
    return issue(wanted, new_code(name), "", "USD", STAFF, now)


def card(minor: int, name: str = "a") -> GiftCard:
    """A gift card of so much."""
    return issued(minor, name)[0].card


@dataclass
class Wallet(Story):
    """A story with gift cards on its cart; `cards` are as they are now."""

    cards: dict[str, GiftCard] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        """The same with the cards."""
        return replace(super().facts, cards=self.cards)

    def given(self, *minors: int) -> Wallet:
        """Cards of so much each, on the filled cart."""
        self.filled()
        for index, minor in enumerate(minors):
            made = card(minor, f"{self.seed}-{index}")
            self.cards[made.id] = made
            self._apply(put_on(self.order, made, self.now))
        return self

    def pays_the_rest(self) -> Wallet:
        """The provider holds what the cards do not pay."""
        rest = to_pay(self.order)
        if rest:
            nothing, number = Money(0, "USD"), self.order.payment_attempts + 1
            self.seen = GatewayPayment(
                *(f"pi_{self.seed}", self.order.id, number, "authorized", rest, rest),
                *(nothing, nothing),
                multicapture=True,
            )
            self._apply(observe(self.order, None, self.seen, self.facts))
        return self

    def settles(self) -> Wallet:
        """All that is to be done with the payments now is done."""
        while self.order.state in ("confirmed", "closed"):
            paying = [paid for _, paid in sorted(self.payments.items()) if paid.counts]
            seen = [self._seen(payment) for payment in paying]
            step = next_step(self.order, self.shipments, self.invoices, seen, self.now)
            if step is None:
                return self
            payment = next(p for p in paying if p.reference == step.reference)
            self._apply(self._step(payment, step))
        for payment in self.payments.values():
            undo = undo_first(self.order, payment, self._seen(payment))
            if undo is not None and payment.method == GIFT_CARD:
                known = self.cards[payment.reference]
                self._apply(settle(self.order, payment, known, undo, self.facts))
        return self

    def _seen(self, payment: Payment) -> GatewayPayment:
        if payment.method == GIFT_CARD:
            return held(payment)
        assert self.seen is not None
        return self.seen

    def _step(self, payment: Payment, step: Step) -> Decision | None:
        if payment.method == GIFT_CARD:
            known = self.cards[payment.reference]
            return settle(self.order, payment, known, step, self.facts)
        assert self.seen is not None
        self.seen = provider_does(self.seen, step)
        return observe(self.order, payment, self.seen, self.facts)

    def _apply(self, made: Decision | None) -> Wallet:
        if made is not None:
            self.cards |= {change.card.id: change.card for change in made.cards}
            paid = (*made.tenders, *([made.payment] if made.payment else []))
            self.payments |= {payment.number: payment for payment in paid}
        super()._apply(made)
        return self

    @property
    def by_card(self) -> list[Payment]:
        """The payments by gift card, the oldest first."""
        paid = [payment for _, payment in sorted(self.payments.items())]
        return [payment for payment in paid if payment.method == GIFT_CARD]

    @property
    def redeemed(self) -> int:
        """What the books say the cards have paid for good."""
        postings = [posting for made, _ in self.decisions for posting in made.postings]
        return ledger.balances(postings).get("gift_cards", 0)


def provider_does(seen: GatewayPayment, step: Step) -> GatewayPayment:
    """What a provider does, and refuses nothing of what it must not."""
    if step.action == "refund":
        after = replace(seen, refunded=seen.refunded + step.amount)
    elif step.action == "void":
        after = replace(seen, status="voided", authorized=Money(0, "USD"))
    else:
        captured = seen.captured + step.amount
        after = replace(seen, captured=captured)
        if step.final:
            after = replace(after, status="captured", authorized=captured)
    assert after.authorized >= after.captured >= after.refunded
    return after


def worth(cards: Sequence[GiftCard]) -> int:
    """What cards can pay together."""
    return sum(known.balance for known in cards)
