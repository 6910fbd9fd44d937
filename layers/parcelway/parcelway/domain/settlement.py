"""Settlement: what the provider pays out, matched movement by movement with the orders it is for.

A payout that does not add up, or goes to an account that the shop has not, is refused whole: none
of it is booked and it waits for a person, or for the day on which it is right. Of one that adds up
every movement is booked: what matches a capture, refund or dispute that an order knows with that
order, its fee included; everything else waits in the queue of unmatched items, and stays on
`gateway_clearing` meanwhile, which is how much the books do not explain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Literal

from parcelway.domain import ledger
from parcelway.domain.dispute import Dispute
from parcelway.domain.ledger import Posting
from parcelway.domain.money import Money
from parcelway.domain.payment import GatewayStatus, Payment
from parcelway.domain.payout import BalanceTransaction, Payout
from parcelway.domain.shop import Settings
from parcelway.values import dataclass

State = Literal["importing", "settled", "refused", "returned", "resolved"]
# Why something cannot be matched; '' for what can.
Why = Literal[
    "",
    "does_not_add_up",
    "unknown_account",
    "not_itemised",
    "unknown_payment",
    "exceeds_captured",
    "exceeds_refunded",
    "unknown_dispute",
    "differs_from_dispute",
    "unknown_payout",
    "unknown_kind",
    "unknown_order",
    "currency_differs",
    "amount_differs",
    "status_differs",
]


@dataclass(frozen=True, slots=True)
class Settlement:
    """A payout as the shop knows it. `version` counts its commits.

    `account` is the shop's account that it goes to. `cursor` is the last movement that was booked,
    `count` how many were, `unmatched` how many of those wait for a person. `gross` is by kind of
    movement; it, `fees`, `fee_taxes` and `net` are in minor units of the payout's currency.
    """

    payout: Payout
    state: State
    version: int
    account: str = ""
    reason: Why = ""
    cursor: str = ""
    count: int = 0
    unmatched: int = 0
    gross: Mapping[str, int] = field(default_factory=dict)
    fees: int = 0
    fee_taxes: int = 0
    net: int = 0
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What of a payment has been settled so far, in minor units of its currency: captured,
    refunded, and moved by a dispute (`dispute:du_1`, `dispute_reversal:du_1`), each once."""

    order_id: str
    payment: str
    version: int = 0
    captured: int = 0
    refunded: int = 0
    disputes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """A movement of a payout, and what became of it: `why` it is unmatched, '' when it is not."""

    payout: str
    transaction: BalanceTransaction
    why: Why = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who took an unmatched item as it is, when and why; with which request (`key`,
    `fingerprint`)."""

    by: str
    at: datetime
    reason: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a payment is. `authorized` is what is held or was captured, before refunds."""

    status: GatewayStatus
    amount: Money
    authorized: Money
    captured: Money
    refunded: Money


@dataclass(frozen=True, slots=True)
class Difference:
    """A payment on which provider and order contradict each other. `order` is None when the order
    has no such payment."""

    payment: str
    order_id: str
    provider: Reading
    order: Reading | None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """What waits for a person: a whole payout that was refused, one movement of a payout, or a
    payment that differs from its order's record (`payout` is '').

    `amount` is what the books do not explain: of a payout all of it, of a movement its net, of a
    payment what the provider has of it.
    """

    id: str
    payout: str
    why: Why
    since: datetime
    amount: Money
    transaction: BalanceTransaction | None = None
    resolution: Resolution | None = None
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of that which a batch of movements is about: payments, disputes and what was
    settled before by reference, and the payouts that did not arrive."""

    payments: Mapping[str, Payment] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    settled: Mapping[str, Settled] = field(default_factory=dict)
    returned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Booking:
    """What is to be committed together: `opened` and `closed` are items of the queue. `after` is
    None when the payout itself does not change."""

    after: Settlement | None
    items: tuple[Item, ...] = ()
    settled: tuple[Settled, ...] = ()
    opened: tuple[Unmatched, ...] = ()
    closed: tuple[Unmatched, ...] = ()
    postings: tuple[Posting, ...] = ()


def begin(
    payout: Payout, known: Settlement | None, net: Money, settings: Settings
) -> Booking | None:
    """Take a payout in whose movements come to `net`, or refuse it. None when that is known.

    One that was refused is judged anew; whoever has resolved it has the last word.
    """
    if known is not None and known.state != "refused":
        return None
    account = settings.settlement_account(payout.amount.currency, payout.gateway)
    why = _why_refused(payout, net, account)
    if known is not None and why == known.reason:
        return None
    version = known.version + 1 if known else 1
    state: State = "refused" if why else "importing"
    after = Settlement(payout, state, version, account, why)
    item = refused_item(after)
    before = refused_item(known) if known else None
    return Booking(
        after,
        opened=(item,) if item else (),
        closed=(before,) if before else (),
    )


def take_in(
    known: Settlement, batch: Sequence[BalanceTransaction], facts: Known, now: datetime
) -> Booking:
    """Book the next movements of a payout that adds up, in the order the provider lists them."""
    items, settled, postings = [], dict(facts.settled), []
    for each in batch:
        why, so_far = match(each, replace(facts, settled=settled))
        items.append(Item(known.payout.id, each, why))
        if so_far is not None:
            settled[each.payment] = so_far
        postings += [] if why else booked(known.payout.id, each, now)
    waiting = tuple(item for item in map(unmatched, items) if item is not None)
    gross = dict(known.gross)
    for each in batch:
        gross[each.kind] = gross.get(each.kind, 0) + each.gross.minor
    after = replace(
        known,
        version=known.version + 1,
        cursor=batch[-1].id,
        count=known.count + len(batch),
        unmatched=known.unmatched + len(waiting),
        gross=gross,
        fees=known.fees + sum(each.fee.minor for each in batch),
        fee_taxes=known.fee_taxes + sum(each.fee_tax.minor for each in batch),
        net=known.net + sum(each.net.minor for each in batch),
    )
    changed = _changed(settled, facts)
    return Booking(after, tuple(items), changed, opened=waiting, postings=tuple(postings))


def finish(known: Settlement, now: datetime) -> Booking:
    """All movements are booked: so is what arrives at the shop's account.

    Raises ValueError when they do not come to the payout, which `begin` had seen to.
    """
    payout = known.payout
    if known.net != payout.amount.minor:
        raise ValueError(f"{payout.id}: {known.net} booked of {payout.amount.minor}")
    after = replace(known, version=known.version + 1, state="settled", settled_at=now)
    return Booking(after, postings=(ledger.paid_out(payout.id, now, payout.amount, known.account),))


def come_back(known: Settlement, payout: Payout, now: datetime) -> Booking | None:
    """The bank did not take a payout: its money is with the provider again. None when that is
    known, or it was never booked."""
    if known.state != "settled" or payout.status not in ("failed", "canceled"):
        return None
    after = replace(known, version=known.version + 1, state="returned", payout=payout)
    posting = ledger.payout_failed(payout.id, now, payout.amount, known.account)
    return Booking(after, postings=(posting,))


def rematch(item: Unmatched, known: Settlement, facts: Known, now: datetime) -> Booking | None:
    """Book a movement that was unmatched, now that its order knows of it. None while it does not.
    Raises ValueError for an item that is no movement."""
    each = item.transaction
    if each is None:
        raise ValueError(f"{item.id} is no movement")
    why, settled = match(each, facts)
    if why:
        return None
    return Booking(
        replace(known, version=known.version + 1, unmatched=known.unmatched - 1),
        (Item(item.payout, each),),
        _changed({each.payment: settled} if settled else {}, facts),
        closed=(item,),
        postings=tuple(booked(item.payout, each, now)),
    )


def resolve(item: Unmatched, known: Settlement | None, resolution: Resolution) -> Booking:
    """Finance takes an unmatched item as it is: what the books do not explain is a difference of
    settlement from now on. A payout that was refused is dealt with by hand, and never booked; of a
    payment (`known` is None) the books tell when its money moves."""
    done = replace(item, resolution=resolution)
    if known is None:
        return Booking(None, closed=(done,))
    version = known.version + 1
    if item.transaction is None:
        return Booking(replace(known, version=version, state="resolved"), closed=(done,))
    after = replace(known, version=version, unmatched=known.unmatched - 1)
    posting = ledger.settlement_difference(
        item.payout, item.transaction.id, resolution.at, item.amount
    )
    return Booking(after, closed=(done,), postings=(posting,))


def match(each: BalanceTransaction, facts: Known) -> tuple[Why, Settled | None]:
    """Why a movement is not of anything that is known, '' when it is; and what of its payment is
    settled with it (None: it is of no payment, or is unmatched)."""
    if not each.adds_up:
        return "does_not_add_up", None
    if each.kind in ("fee", "reserve"):
        return "", None
    if each.kind == "payout_failure":
        return ("" if each.source in facts.returned else "unknown_payout"), None
    if each.kind == "other":
        return "unknown_kind", None
    payment = facts.payments.get(each.payment)
    original = each.original
    if payment is None or original is None or original.currency != payment.amount.currency:
        return "unknown_payment", None
    before = facts.settled.get(each.payment, Settled(payment.order_id, each.payment))
    after = _with(before, each, original.minor)
    why = _why_not(after, each, original, payment, facts.disputes.get(each.source))
    return why, None if why else after


def unmatched(item: Item) -> Unmatched | None:
    """The item of the queue for a movement; None for one that is matched."""
    if not item.why:
        return None
    each = item.transaction
    return Unmatched(
        queued_as(each.id, each.created_at),
        item.payout,
        item.why,
        each.created_at,
        each.net,
        each,
    )


def refused_item(known: Settlement) -> Unmatched | None:
    """The item of the queue for a payout; None for one that is not refused."""
    if known.state != "refused" or not known.reason:
        return None
    payout = known.payout
    return Unmatched(
        queued_as(payout.id, payout.created_at),
        payout.id,
        known.reason,
        payout.created_at,
        payout.amount,
    )


def queued_as(reference: str, since: datetime) -> str:
    """The id of an item of the queue: they sort by time, and each has but one."""
    return f"{since:%Y%m%dT%H%M%S}-{reference}"


def booked(payout: str, each: BalanceTransaction, now: datetime) -> list[Posting]:
    """What the books say of a movement that is matched: its fee, and what was exchanged. That it
    was captured, refunded or disputed is on them since it happened."""
    subject = each.order_id or payout
    postings = []
    if each.kind == "reserve":
        postings.append(ledger.reserved(each.id, now, -each.gross))
    if each.fee or each.fee_tax:
        postings.append(ledger.fee(subject, each.id, now, each.fee, each.fee_tax))
    if each.original is not None and each.original.currency != each.gross.currency:
        postings += ledger.exchanged(subject, each.id, now, each.original, each.gross)
    return postings


def _changed(settled: Mapping[str, Settled], facts: Known) -> tuple[Settled, ...]:
    """What is settled of payments now, where it was something else before: at its next version."""
    return tuple(
        replace(now, version=now.version + 1)
        for reference, now in settled.items()
        if now != facts.settled.get(reference)
    )


def _why_refused(payout: Payout, net: Money, account: str) -> Why:
    if payout.itemised == "never":
        return "not_itemised"
    if net != payout.amount:
        return "does_not_add_up"
    return "" if account else "unknown_account"


def _with(before: Settled, each: BalanceTransaction, original: int) -> Settled:
    if each.kind == "charge":
        return replace(before, captured=before.captured + original)
    if each.kind in ("refund", "refund_failure"):
        return replace(before, refunded=before.refunded - original)
    name = _dispute_name(each)
    moved = before.disputes.get(name, 0) + original
    return replace(before, disputes={**before.disputes, name: moved})


def _dispute_name(each: BalanceTransaction) -> str:
    return f"{each.kind}:{each.source}"


def _why_not(
    after: Settled,
    each: BalanceTransaction,
    original: Money,
    payment: Payment,
    dispute: Dispute | None,
) -> Why:
    """Why the order would not have so much settled. A refund that failed is settled as both."""
    if each.kind == "charge":
        return "exceeds_captured" if after.captured > payment.captured else ""
    if each.kind == "refund":
        return "exceeds_refunded" if after.refunded > payment.refunded else ""
    if each.kind == "refund_failure":
        return ""
    if dispute is None:
        return "unknown_dispute"
    expected = dispute.amount if each.kind == "dispute_reversal" else -dispute.amount
    # One of each kind: a second one makes the sum another.
    once = after.disputes[_dispute_name(each)] == original.minor
    return "" if once and original == expected else "differs_from_dispute"
