"""Two records of one person become one: the duplicate points to the survivor, and orders follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from parcelway.domain.account_state import require_others
from parcelway.domain.address_book import MAX_ADDRESSES
from parcelway.domain.contacts import MAX_CONTACTS, ContactPoint
from parcelway.domain.customer import Change, Consent, Customer, SavedAddress, changed, is_kept
from parcelway.domain.decision import Decision
from parcelway.domain.order import Order, advance, happened
from parcelway.domain.parties import SYSTEM, Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Merger:
    """What becomes of the two records, in one transaction."""

    survivor: Change
    duplicate: Change


def merge(
    survivor: Customer, duplicate: Customer, reason: str, now: datetime, by: Actor
) -> Merger | None:
    """The survivor with what only the duplicate knew, and the duplicate, disabled for good.

    The survivor's own word counts wherever both have one; a consent is never gained by a merger,
    only lost. None when they are merged already. Raises Refusal ILLEGAL_STATE when one of the two
    cannot be merged, FOUR_EYES when one is the own record, INVALID for one and the same.
    """
    for record in (survivor, duplicate):
        require_others(record, by)
    if survivor.id == duplicate.id:
        raise Refusal(Reason.INVALID, "A record is no duplicate of itself.", "/duplicate")
    if duplicate.merged_into == survivor.id:
        return None
    if survivor.state not in ("pending", "enabled", "locked"):
        raise Refusal(Reason.ILLEGAL_STATE, f"The surviving record is {survivor.state}.")
    if survivor.state == "pending" and not is_kept(survivor):
        raise Refusal(
            Reason.ILLEGAL_STATE, "The surviving record is a sign-up that nobody has proven yet."
        )
    if duplicate.merged_into or duplicate.state in ("replaced", "erased"):
        raise Refusal(
            Reason.ILLEGAL_STATE, "The duplicate was merged into another record.", "/duplicate"
        )
    if duplicate.account not in ("", survivor.account):
        raise Refusal(
            Reason.ILLEGAL_STATE,
            "The duplicate buys for another business account; change its standing first.",
            "/duplicate",
        )
    gained = replace(
        survivor,
        phone=survivor.phone or duplicate.phone,
        given_name=survivor.given_name or duplicate.given_name,
        family_name=survivor.family_name or duplicate.family_name,
        currency=survivor.currency or duplicate.currency,
        language=survivor.language or duplicate.language,
        addresses=_addresses(survivor, duplicate),
        contacts=_contacts(survivor, duplicate),
        preferences={**duplicate.preferences, **survivor.preferences},
        consents=_consents(survivor.consents, duplicate.consents),
        absorbed=(*survivor.absorbed, duplicate.id, *duplicate.absorbed),
    )
    gone = replace(duplicate, state="disabled", state_reason=reason, merged_into=survivor.id)
    return Merger(
        replace(changed(survivor, gained, now, by), reason=reason),
        replace(changed(duplicate, gone, now, by), reason=reason),
    )


def follows(order: Order, duplicate: str, survivor: str, now: datetime) -> Decision | None:
    """An order of the duplicate's as the survivor's; None for one that is not the duplicate's any
    more. What it was placed with stays as it was: prices, addresses, and whom it is written to."""
    if order.customer_id != duplicate:
        return None
    moved = advance(order, customer_id=survivor, formerly=(*order.formerly, duplicate))
    told = happened(moved, now, "order.customer_merged", SYSTEM, customer_before=duplicate)
    return Decision(moved, told)


def claims(order: Order, survivor: str, now: datetime) -> Decision:
    """A guest's order for the duplicate's proven mailbox as the survivor's."""
    after = advance(order, customer_id=survivor)
    return Decision(after, happened(after, now, "order.claimed", SYSTEM))


def _addresses(survivor: Customer, duplicate: Customer) -> tuple[SavedAddress, ...]:
    """Both books as far as there is room; the survivor's defaults stay the defaults."""
    known = {saved.address for saved in survivor.addresses}
    book = list(survivor.addresses)
    for saved in duplicate.addresses:
        if saved.address not in known and len(book) < MAX_ADDRESSES:
            shipping = saved.default_shipping and not any(a.default_shipping for a in book)
            billing = saved.default_billing and not any(a.default_billing for a in book)
            book.append(replace(saved, default_shipping=shipping, default_billing=billing))
    return tuple(book)


def _contacts(survivor: Customer, duplicate: Customer) -> tuple[ContactPoint, ...]:
    """Both lists, with the duplicate's phone and address, as far as there is room."""
    firsts: Sequence[ContactPoint] = [
        ContactPoint("phone", duplicate.phone),
        ContactPoint("email", duplicate.email),
    ]
    known = {("", ""), ("phone", survivor.phone or duplicate.phone), ("email", survivor.email)}
    found: list[ContactPoint] = []
    for each in (*survivor.contacts, *firsts, *duplicate.contacts):
        if each.value and (each.kind, each.value) not in known:
            known.add((each.kind, each.value))
            found.append(each)
    return tuple(found[:MAX_CONTACTS])


def _consents(
    survivor: Mapping[str, Consent], duplicate: Mapping[str, Consent]
) -> dict[str, Consent]:
    consents = dict(survivor)
    for purpose, word in duplicate.items():
        own = consents.get(purpose)
        if purpose != "terms" and not word.granted and own and own.granted and word.at > own.at:
            consents[purpose] = word
    return consents
