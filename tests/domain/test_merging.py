"""Merging of duplicates: nothing is lost that there is room for, and nothing is agreed to by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from parcelway.domain.address_book import MAX_ADDRESSES, check_addresses
from parcelway.domain.contacts import MAX_CONTACTS, ContactPoint
from parcelway.domain.customer import Consent, Customer, SavedAddress, displaced
from parcelway.domain.login import customer_id_of
from parcelway.domain.merging import Merger, follows, merge
from parcelway.domain.parties import Actor, Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.database import Database
from parcelway.store.merging import merger_writes

from tests.orders import at

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BOSS = Actor("staff", "sub-boss")


def record(id: str, **more: Any) -> Customer:
    email = f"{id}@example.com"
    known: dict[str, Any] = {"version": 3, "state": "enabled", "subject": f"sub-{id}"}
    known |= {"email": email, "email_key": email, "name": id.title(), "created_at": NOW}
    return Customer(id=id, **(known | more))


def merged(survivor: Customer, duplicate: Customer) -> Merger:
    made = merge(survivor, duplicate, "one person", NOW, BOSS)
    assert made is not None
    return made


def address(number: int) -> Address:
    return Address(
        "Ada", f"{number} Long Lane", "Springfield", f"627{number:02}", "US", region="IL"
    )


@st.composite
def books(draw: st.DrawFn) -> tuple[SavedAddress, ...]:
    numbers = draw(st.lists(st.integers(0, 30), unique=True, max_size=MAX_ADDRESSES))
    shipping, billing = draw(st.integers(-1, 20)), draw(st.integers(-1, 20))
    return tuple(
        SavedAddress(f"adr_{n}", "", address(n), index == shipping, index == billing)
        for index, n in enumerate(numbers)
    )


@given(books(), books())
def test_both_books_are_kept_as_far_as_there_is_room_with_one_default_each(
    mine: tuple[SavedAddress, ...], theirs: tuple[SavedAddress, ...]
) -> None:
    book = merged(record("ann", addresses=mine), record("dup", addresses=theirs))
    kept = book.survivor.customer.addresses
    assert kept[: len(mine)] == mine
    check_addresses(kept)
    wanted = {each.address for each in (*mine, *theirs)}
    assert {each.address for each in kept} <= wanted
    assert len(kept) == min(MAX_ADDRESSES, len(wanted))


GRANTS = st.dictionaries(
    st.sampled_from(["terms", "marketing", "marketing_sms"]),
    st.builds(
        Consent, st.booleans(), st.sampled_from([NOW, NOW - timedelta(days=1)]), st.just("w")
    ),
)


@given(GRANTS, GRANTS)
def test_no_consent_is_gained_by_a_merger(mine: Any, theirs: Any) -> None:
    both = merged(record("ann", consents=mine), record("dup", consents=theirs))
    kept = both.survivor.customer.consents
    granted = {purpose for purpose, word in kept.items() if word.granted}
    assert granted <= {purpose for purpose, word in mine.items() if word.granted}
    later = {
        purpose
        for purpose, word in theirs.items()
        if purpose in mine and not word.granted and word.at > mine[purpose].at
    }
    assert not granted & (later - {"terms"})


def test_what_only_the_duplicate_knew_is_kept() -> None:
    mine = record("ann", phone="+16145550100", preferences={"gift_wrap": "yes"})
    theirs = record(
        "dup",
        phone="+16145550199",
        language="de",
        contacts=(ContactPoint("email", "ann@work.example", "work"),),
        preferences={"gift_wrap": "no", "substitutions": "never"},
    )
    both = merged(mine, theirs)
    ann, dup = both.survivor.customer, both.duplicate.customer
    assert (ann.phone, ann.language) == ("+16145550100", "de")
    assert [point.value for point in ann.contacts] == [
        "+16145550199",
        "dup@example.com",
        "ann@work.example",
    ]
    assert ann.preferences == {"gift_wrap": "yes", "substitutions": "never"}
    assert (dup.state, dup.merged_into, ann.absorbed) == ("disabled", "ann", ("dup",))
    assert both.survivor.reason == both.duplicate.reason == "one person"


def test_there_is_no_more_room_than_there_is() -> None:
    points = tuple(ContactPoint("phone", f"+1614555{n:04}") for n in range(MAX_CONTACTS))
    ann = merged(record("ann", contacts=points), record("dup")).survivor.customer
    assert ann.contacts == points


def test_a_merger_is_made_once_and_goes_on_along_the_chain() -> None:
    first = merged(record("bob"), record("ann"))
    assert merge(first.survivor.customer, first.duplicate.customer, "", NOW, BOSS) is None
    second = merged(record("cid"), first.survivor.customer)
    assert second.survivor.customer.absorbed == ("bob", "ann")


@pytest.mark.parametrize(
    ("survivor", "duplicate", "reason"),
    [
        (record("ann"), record("ann"), Reason.INVALID),
        (record("ann", state="disabled"), record("dup"), Reason.ILLEGAL_STATE),
        (record("ann", state="pending"), record("dup"), Reason.ILLEGAL_STATE),
        (record("ann"), record("dup", merged_into="bob"), Reason.ILLEGAL_STATE),
        (record("ann"), record("dup", state="replaced"), Reason.ILLEGAL_STATE),
        (record("ann", account="acme"), record("dup", account="other"), Reason.ILLEGAL_STATE),
        (record("ann"), record("dup", account="acme"), Reason.ILLEGAL_STATE),
    ],
)
def test_what_cannot_be_merged(survivor: Customer, duplicate: Customer, reason: Reason) -> None:
    with pytest.raises(Refusal) as refused:
        merge(survivor, duplicate, "one person", NOW, BOSS)
    assert refused.value.reason == reason


@pytest.mark.parametrize("kept", [{"invited_by": "sub-csr"}, {"absorbed": ("cid",)}])
def test_a_pending_record_that_is_kept_survives_and_is_not_emptied(kept: dict[str, Any]) -> None:
    ann = merged(record("ann", state="pending", **kept), record("dup")).survivor.customer
    lost = displaced(ann, NOW)
    assert lost is not None
    assert (lost.customer.state, lost.customer.absorbed) == ("disabled", ann.absorbed)


WORDS = st.lists(st.text("abcxyz'", min_size=1, max_size=9), max_size=9).map(" ".join)
POINTS = st.builds(
    ContactPoint,
    st.sampled_from(["phone", "email"]),
    st.from_regex(r"\+1614555[0-9]{4}", fullmatch=True),
)
PEOPLE = st.fixed_dictionaries(
    {
        "name": WORDS,
        "given_name": WORDS,
        "family_name": WORDS,
        "phone": st.sampled_from(["", "+16145550100", "+16145550101"]),
        "account": st.sampled_from(["", "acme"]),
        "addresses": st.lists(st.integers(0, 99), unique=True, max_size=MAX_ADDRESSES).map(
            lambda numbers: tuple(SavedAddress(f"adr_{n}", "", address(n)) for n in numbers)
        ),
        "contacts": st.lists(POINTS, max_size=MAX_CONTACTS).map(tuple),
        "consents": st.sampled_from([{}, {"demographics": Consent(True, NOW, "w")}]),
    }
)
FULL = {
    "phone": "+16145550100",
    "account": "acme",
    "addresses": tuple(SavedAddress(f"adr_{n}", "", address(n)) for n in range(MAX_ADDRESSES)),
    "contacts": tuple(ContactPoint("phone", f"+1614555{n:04}") for n in range(MAX_CONTACTS)),
    "consents": {"demographics": Consent(True, NOW, "w")},
}
NO = {"demographics": Consent(False, NOW + timedelta(days=1), "w")}


@example(
    FULL | {"name": "a b c d e f g", "phone": ""},
    FULL | {"given_name": "h i j k l m", "family_name": "n o p q r s", "consents": NO},
)
@given(PEOPLE, PEOPLE)
def test_a_merger_fits_into_one_transaction(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    account = mine["account"] and {"account": theirs.get("account", "")}
    both = merged(record("ann", **mine), record("dup", **(theirs | (account or {"account": ""}))))
    writes = merger_writes(Database(None, *["customers"] * 5), both, "", NOW)
    assert len(writes) <= 100
    keys = [(each.item or each.key or {}) for each in writes]
    places = [(key["pk"], key["sk"]) for key in keys]
    assert len(set(places)) == len(places)  # one transaction writes no item twice


def test_an_order_follows_once_and_keeps_what_it_was_placed_with() -> None:
    order = replace(at("placed").order, customer_id="dup")
    decision = follows(order, "dup", "ann", NOW)
    assert decision is not None
    moved = decision.order
    assert (moved.customer_id, moved.formerly, moved.version) == (
        "ann",
        ("dup",),
        order.version + 1,
    )
    kept = replace(moved, customer_id="dup", formerly=(), version=order.version)
    assert kept == order
    assert [event.type for event in decision.events] == ["order.customer_merged"]
    assert follows(moved, "dup", "ann", NOW) is None
    assert moved.is_for("dup") and moved.is_for("ann") and not moved.is_for("bob")


@pytest.mark.parametrize("own", ["ann", "dup", "gone"])
def test_nobody_merges_their_own_record(own: str) -> None:
    """Nor one that has taken theirs over."""
    me = Actor("staff", "sub-me")
    names = {"ann": "cus_ann", "dup": "cus_dup", "gone": "cus_gone"} | {own: customer_id_of(me.id)}
    ann = record(names["ann"], absorbed=(names["gone"],))
    with pytest.raises(Refusal) as refused:
        merge(ann, record(names["dup"]), "one person", NOW, me)
    assert refused.value.reason == Reason.FOUR_EYES
