"""Settlement: what the provider pays out, matched movement by movement with the orders it is for.

A payout that does not add up, goes to an account that the shop has not, or brings one back of
which it is still open what is booked, is refused whole: none of it is booked and it waits for a
person, or for the day on which it is right. Of one that is taken in every movement is booked that
is for these books (`payout_shares`): what matches an order (`matching`) with that order, its fee
included; everything else waits in the queue of unmatched items, and stays on `gateway_clearing`
meanwhile, which is how much the books do not explain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Literal

from parcelway.domain import ledger
from parcelway.domain.ledger import Posting
from parcelway.domain.matching import Known, Settled, Why, match
from parcelway.domain.money import Money
from parcelway.domain.payment import GatewayStatus
from parcelway.domain.payout import BalanceTransaction, Payout
from parcelway.domain.payout_shares import ours
from parcelway.domain.shop import Settings
from parcelway.values import dataclass

State = Literal["importing", "settled", "refused", "returned", "resolved"]


@dataclass(frozen=True, slots=True)
class Settlement:
    """A payout as the shop knows it. `version` counts its commits.

    `account` is the shop's account that it goes to. `cursor` is the last movement that was seen,
    `count` how many were booked, `unmatched` how many of those wait for a person. `gross` is by
    kind of movement; it, `fees`, `fee_taxes` and `net` are of what was booked, `others` is the net
    of what is on the books of other systems, all in minor units of the payout's currency.
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
    others: int = 0
    settled_at: datetime | None = None


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
class Booking:
    """What is to be committed together: `opened` and `closed` are items of the queue. `after` is
    None when the payout itself does not change."""

    after: Settlement | None
    items: tuple[Item, ...] = ()
    settled: tuple[Settled, ...] = ()
    opened: tuple[Unmatched, ...] = ()
    closed: tuple[Unmatched, ...] = ()
    postings: tuple[Posting, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """All movements of a payout: what they come to, and whether any is for our books (`concerned`)
    or of a payout of which that is `undecided`."""

    net: Money
    concerned: bool = False
    undecided: bool = False


def whole(
    seen: Sequence[BalanceTransaction], facts: Known, so_far: Whole, unassigned: bool
) -> Whole:
    """What the movements of a payout are together with further ones. One of another currency counts
    for nothing: the sum is then another than the payout's. What somebody dealt with by hand is all
    ours where what is of no order is, and else nobody can tell."""
    unclear = facts.undecided if unassigned else facts.undecided | facts.by_hand
    own = [each.net for each in seen if each.net.currency == so_far.net.currency]
    shares = (ours(each, facts.returned, unassigned) for each in seen)
    return Whole(
        sum(own, so_far.net),
        so_far.concerned or any(shares),
        so_far.undecided or any(each.source in unclear for each in seen),
    )


def begin(
    payout: Payout, known: Settlement | None, made_of: Whole, settings: Settings
) -> Booking | None:
    """Take a payout in, or refuse it. None when that is known. Of one with nothing for our books no
    account is needed.

    One that was refused is judged anew; whoever has resolved it has the last word.
    """
    if known is not None and known.state != "refused":
        return None
    account = settings.settlement_account(payout.amount.currency, payout.gateway)
    why = _why_refused(payout, made_of, bool(account))
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
    known: Settlement,
    seen: Sequence[BalanceTransaction],
    facts: Known,
    now: datetime,
    unassigned: bool = True,
) -> Booking:
    """Book what is ours of the next movements of a payout that adds up, in the order the provider
    lists them. `unassigned`: see `ours`."""
    items, settled, postings = [], dict(facts.settled), []
    shares = (ours(each, facts.returned, unassigned) for each in seen)
    batch = [share for share in shares if share is not None]
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
    net = sum(each.net.minor for each in batch)
    after = replace(
        known,
        version=known.version + 1,
        cursor=seen[-1].id,
        count=known.count + len(batch),
        unmatched=known.unmatched + len(waiting),
        gross=gross,
        fees=known.fees + sum(each.fee.minor for each in batch),
        fee_taxes=known.fee_taxes + sum(each.fee_tax.minor for each in batch),
        net=known.net + net,
        others=known.others + sum(each.net.minor for each in seen) - net,
    )
    changed = _changed(settled, facts)
    return Booking(after, tuple(items), changed, opened=waiting, postings=tuple(postings))


def finish(known: Settlement, now: datetime) -> Booking:
    """All movements are booked: so is what arrives of them at the shop's account.

    Raises ValueError when they do not come to the payout, which `begin` had seen to.
    """
    payout = known.payout
    if (booked_of := known.net + known.others) != payout.amount.minor:
        raise ValueError(f"{payout.id}: {booked_of} booked of {payout.amount.minor}")
    after = replace(known, version=known.version + 1, state="settled", settled_at=now)
    if not known.net:
        return Booking(after)
    return Booking(after, postings=(ledger.paid_out(payout.id, now, _net(known), known.account),))


def come_back(known: Settlement, payout: Payout, now: datetime) -> Booking | None:
    """The bank did not take a payout: its money is with the provider again. None when that is
    known, or it was never booked."""
    if known.state != "settled" or payout.status not in ("failed", "canceled"):
        return None
    after = replace(known, version=known.version + 1, state="returned", payout=payout)
    if not known.net:
        return Booking(after)
    posting = ledger.payout_failed(payout.id, now, _net(known), known.account)
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


def _net(known: Settlement) -> Money:
    return Money(known.net, known.payout.amount.currency)


def _changed(settled: Mapping[str, Settled], facts: Known) -> tuple[Settled, ...]:
    """What is settled of payments now, where it was something else before: at its next version."""
    return tuple(
        replace(now, version=now.version + 1)
        for reference, now in settled.items()
        if now != facts.settled.get(reference)
    )


def _why_refused(payout: Payout, made_of: Whole, has_account: bool) -> Why:
    if payout.itemised == "never":
        return "not_itemised"
    if made_of.net != payout.amount:
        return "does_not_add_up"
    if made_of.undecided:
        return "unknown_payout"
    return "" if has_account or not made_of.concerned else "unknown_account"
