"""Staff change what a draft costs: within their cap at once, above it with somebody else's word.

The cap is for everything that is given away on one order, by whomever, so that many small
adjustments are no way around it. Approving counts against the cap of the one who approves, who is
never the one who proposed, nor one who was let act on the order for its customer, and whose own
order it is not; and only what was proposed can be approved: not a cart that has changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from parcelway.domain.adjustment import Adjustment, Kind, Status, is_unlimited
from parcelway.domain.adjustments import given
from parcelway.domain.commands import Command, remember
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.money import Money, total
from parcelway.domain.order import Order, advance, events, require
from parcelway.domain.parties import Actor
from parcelway.domain.pricing import before_tax, price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

MOST = 20  # adjustments of an order, those that were rejected included


@dataclass(frozen=True, slots=True)
class Member:
    """Who of the staff acts, in which `roles`; `customer_id` is their own record as a customer."""

    actor: Actor
    roles: frozenset[str]
    customer_id: str


@dataclass(frozen=True, slots=True)
class Wish:
    """An adjustment that is wanted: `value` is the new charge or unit price, or the amount off."""

    kind: Kind
    target: str
    value: Money
    reason: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Terms:
    """What an adjustment is made on: if it changes, it is not the same adjustment any more."""

    old: Money
    units: int = 1
    service: str = ""


def adjust(order: Order, wish: Wish, member: Member, facts: Facts, asked: Command) -> Decision:
    """Adjust the draft, or propose to where it is above the member's cap.

    An override takes the place of an earlier one of the same charge or price. Raises Refusal
    ILLEGAL_STATE, FOUR_EYES (the member's own order), INVALID (unknown reason, target or currency;
    a value that is no reduction, or more than there is) or QUANTITY_LIMIT.
    """
    require(order, "draft")
    require_others(order, member)
    if wish.reason not in facts.shop.settings.adjustment_reasons:
        known = ", ".join(facts.shop.settings.adjustment_reasons) or "none"
        raise Refusal(Reason.INVALID, f"The shop's reasons are: {known}.", "/reason")
    if wish.value.currency != order.currency:
        raise Refusal(Reason.INVALID, f"The cart is in {order.currency}.", "/value/currency")
    if len(order.adjustments) >= MOST:
        raise Refusal(Reason.QUANTITY_LIMIT, f"At most {MOST} adjustments of one cart.")
    terms = _terms(order, wish.kind, wish.target, facts)
    made = Adjustment(
        derived("adj", order.id, asked.key),
        wish.kind,
        wish.target,
        terms.old,
        _new(wish, terms.old),
        wish.reason,
        wish.note,
        member.actor,
        facts.now,
        "proposed",
        terms.units,
        terms.service,
    )
    _require_no_rival(order, made)
    after = _with(order, replace(made, status="applied"))
    if _covers(member, order, after, facts):
        return _decided(order, after, made, "order.adjusted", member, facts, asked)
    waiting = (*order.adjustments, made)
    return _decided(order, waiting, made, "order.adjustment_proposed", member, facts, asked)


def approve(
    order: Order, adjustment_id: str, member: Member, facts: Facts, asked: Command
) -> Decision:
    """Let a proposal take effect.

    Raises Refusal ILLEGAL_STATE, NOT_FOUND, FOUR_EYES, STALE_VERSION when what it is made on has
    changed, and ABOVE_LIMIT when the member's own cap does not cover it either.
    """
    proposal = _open(order, adjustment_id, member)
    if member.actor.id in order.acted_by:
        raise Refusal(
            Reason.FOUR_EYES, "You act on this order for its customer: let somebody else decide."
        )
    if not _as_proposed(order, proposal, facts):
        raise Refusal(
            Reason.STALE_VERSION, "The cart has changed since this was proposed: propose it again."
        )
    decided = _marked(proposal, "applied", member, facts.now)
    after = _with(order, decided)
    if not _covers(member, order, after, facts):
        raise Refusal(Reason.ABOVE_LIMIT, "This is above what you may give away on an order.")
    return _decided(order, after, decided, "order.adjustment_approved", member, facts, asked)


def reject(
    order: Order, adjustment_id: str, member: Member, facts: Facts, asked: Command
) -> Decision:
    """Have nothing of a proposal. Raises Refusal ILLEGAL_STATE, NOT_FOUND, FOUR_EYES."""
    proposal = _open(order, adjustment_id, member)
    rejected = _marked(proposal, "rejected", member, facts.now)
    after = tuple(rejected if each.id == proposal.id else each for each in order.adjustments)
    return _decided(order, after, rejected, "order.adjustment_rejected", member, facts, asked)


def remove(order: Order, adjustment_id: str, member: Member, facts: Facts) -> Decision | None:
    """Take an adjustment or a proposal back; None when there is none (any more).

    Raises Refusal ILLEGAL_STATE once the order is placed, or for one that was rejected: that is
    on record.
    """
    require(order, "draft")
    found = next((each for each in order.adjustments if each.id == adjustment_id), None)
    if found is None:
        return None
    if found.status == "rejected":
        raise Refusal(Reason.ILLEGAL_STATE, "It was rejected already.")
    after = tuple(each for each in order.adjustments if each.id != adjustment_id)
    return _decided(order, after, found, "order.adjustment_removed", member, facts)


def _terms(order: Order, kind: Kind, target: str, facts: Facts) -> _Terms:
    """What an adjustment would be made on now: without any other of its kind."""
    others = tuple(each for each in order.adjustments if each.kind != kind)
    usual = before_tax(replace(order, adjustments=others), facts)
    if kind == "amount_off":
        if target:
            raise Refusal(Reason.INVALID, "An amount is off all goods.", "/target")
        return _Terms(total((line.amount for line in usual.lines), order.currency))
    if kind == "price_override":
        line = usual.line(target)
        if usual.kit(target) is not None:
            told = f"{target} is a kit: take an amount off the goods instead."
            raise Refusal(Reason.INVALID, told, "/target")
        if line is None:
            raise Refusal(Reason.INVALID, "This SKU is not in the cart.", "/target")
        return _Terms(line.unit_price, line.quantity)
    group = next((each for each in usual.groups if each.id == target), None)
    if group is None or group.charge is None:
        raise Refusal(Reason.INVALID, "There is no such delivery with a charge.", "/target")
    return _Terms(group.charge, 1, group.service)


def _as_proposed(order: Order, proposal: Adjustment, facts: Facts) -> bool:
    """Whether it would be made on the same terms today."""
    try:
        terms = _terms(order, proposal.kind, proposal.target, facts)
    except Refusal:  # the line or the charge is gone
        return False
    return terms == _Terms(proposal.old, proposal.units, proposal.service)


def _new(wish: Wish, old: Money) -> Money:
    new = old - wish.value if wish.kind == "amount_off" else wish.value
    if not new < old:
        raise Refusal(Reason.INVALID, f"This is no reduction: it is {old} now.", "/value/minor")
    if new.minor < 0:
        raise Refusal(Reason.INVALID, f"The goods come to {old}.", "/value/minor")
    return new


def _with(order: Order, applied: Adjustment) -> tuple[Adjustment, ...]:
    """The order's adjustments with this one in force, and without the one that it replaces."""
    of_all = applied.kind == "amount_off"
    same = (applied.kind, applied.target, "applied")
    kept = [
        each
        for each in order.adjustments
        if each.id != applied.id and (of_all or (each.kind, each.target, each.status) != same)
    ]
    return (*kept, applied)


def _covers(member: Member, order: Order, adjustments: Sequence[Adjustment], facts: Facts) -> bool:
    """Whether the member may give away what these do."""
    caps, given_away = facts.shop.settings.adjustment_caps, given(adjustments, order.currency)
    if is_unlimited(member.roles, caps):
        return True
    usual = before_tax(replace(order, adjustments=()), facts)
    worth = total((line.amount for line in usual.lines), order.currency)
    worth += total((group.charge for group in usual.groups if group.charge), order.currency)
    return any(caps[role].covers(given_away, worth) for role in member.roles if role in caps)


def _open(order: Order, adjustment_id: str, member: Member) -> Adjustment:
    """The proposal that the member may decide on."""
    require(order, "draft")
    found = next((each for each in order.adjustments if each.id == adjustment_id), None)
    if found is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such adjustment.")
    if found.status != "proposed":
        raise Refusal(Reason.ILLEGAL_STATE, f"It is {found.status} already.", state=found.status)
    require_others(order, member)
    if found.actor == member.actor:
        raise Refusal(Reason.FOUR_EYES, "Somebody else than who proposed it decides.")
    return found


def require_others(order: Order, member: Member) -> None:
    """Refuse with FOUR_EYES whose own order it is."""
    if order.customer_id and order.customer_id == member.customer_id:
        raise Refusal(Reason.FOUR_EYES, "It is your own order: let somebody else see to it.")


def _require_no_rival(order: Order, made: Adjustment) -> None:
    for each in order.adjustments:
        same = (each.kind, each.target) == (made.kind, made.target)
        if same and each.status == "proposed" and made.kind != "amount_off":
            raise Refusal(
                Reason.ILLEGAL_STATE, "Another proposal for this waits for a decision.", "/target"
            )


def _marked(proposal: Adjustment, status: Status, member: Member, now: datetime) -> Adjustment:
    return replace(proposal, status=status, decided_by=member.actor, decided_at=now)


def _decided(
    order: Order,
    adjustments: tuple[Adjustment, ...],
    about: Adjustment,
    event: str,
    member: Member,
    facts: Facts,
    asked: Command | None = None,
) -> Decision:
    """The decision about an adjustment as it is after it; `event` is what it comes to."""
    before = next((each for each in order.adjustments if each.id == about.id), None)
    waited = before is not None and before.status == "proposed"
    commands = remember(order, asked)
    changed = price(replace(order, adjustments=adjustments), facts)
    after = advance(changed, commands=commands)
    return Decision(
        after,
        events(after, facts.now, member.actor, (event, _told(about))),
        proposed=None if before or about.status != "proposed" else about,
        settled=before if waited else None,
    )


def _told(adjustment: Adjustment) -> dict[str, Any]:
    """What an event says of it: no note, which may name people."""
    return {
        "adjustment": adjustment.id,
        "kind": adjustment.kind,
        "target": adjustment.target,
        "old": adjustment.old.minor,
        "new": adjustment.new.minor,
        "units": adjustment.units,
        "currency": adjustment.old.currency,
        "reason": adjustment.reason,
    }
