"""The customer record and the login: one spelling per address, defaults, consents, versions."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.address_book import (
    MAX_ADDRESSES,
    check_addresses,
    with_address,
    without_address,
)
from parcelway.domain.commands import command
from parcelway.domain.customer import (
    Change,
    Customer,
    Profile,
    SavedAddress,
    consented,
    displaced,
    edited,
    enabled,
    found,
    may_hold,
    signed_up,
)
from parcelway.domain.login import PasswordPolicy, normalise_email, password_fault
from parcelway.domain.parties import Actor, Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.codec import decode, encode

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
HOME = Address("Ada Byron", "1 Long Lane", "Springfield", "62701", "US", region="IL")
ME = Actor("customer", "cus_me")


def saved(id: str, shipping: bool = False, billing: bool = False) -> SavedAddress:
    return SavedAddress(id, id, HOME, shipping, billing)


def customer(*addresses: SavedAddress) -> Customer:
    profile = Profile("sgn_a", "Ada@Example.com", "ada@example.com", "Ada", addresses=addresses)
    return enabled(signed_up("sub-1", profile, NOW).customer, NOW).customer


def changed(change: Change | None) -> Customer:
    assert change is not None
    return change.customer


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("  Ada.Byron@Example.COM \n", "ada.byron@example.com"),
        ("ａｄａ@example.com", "ada@example.com"),  # full-width letters
        ("ada+shop@example.com", "ada+shop@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BU\u0308CHER.example", "ada@xn--bcher-kva.example"),  # u and a combining diaeresis
        ("ada@straße.example", "ada@xn--strae-oqa.example"),  # IDNA 2008: not strasse
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_one_spelling_per_address(typed: str, normal: str) -> None:
    assert normalise_email(typed) == normal


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a@b@example.com",
        "ada@-example.com",
        "ada@example..com",
        "ada@exam_ple.com",
        "ada@127.0.0.1",
        "ada @example.com",
        ".ada@example.com",
        "a..b@example.com",
        "päda@example.com",
        "а" + "da@example.com",  # a Cyrillic а
        "a" * 65 + "@example.com",
        "ada@" + "a" * 64 + ".com",
        "ada@" + "a.b" * 60 + ".com",
        "ada@\u2603\ufe0e.\udc80",
    ],
)
def test_what_no_mail_reaches_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="mail can be sent"):
        normalise_email(typed)


@given(st.text(max_size=40) | st.emails() | st.builds("{}@{}.com".format, st.text(), st.text()))
def test_a_normal_address_is_ascii_and_stays_as_it_is(typed: str) -> None:
    try:
        normal = normalise_email(typed)
    except ValueError:
        return
    assert normal.isascii() and normal == normal.lower().strip() and normal.count("@") == 1
    assert normalise_email(normal) == normal
    assert normalise_email(f" {normal.upper()}\t") == normal
    assert normalise_email(unicodedata.normalize("NFD", typed)) == normal


policies = st.builds(
    PasswordPolicy,
    st.integers(6, 20),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(policies, st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=110))
def test_a_password_passes_if_and_only_if_it_has_all_that_is_asked(
    policy: PasswordPolicy, password: str
) -> None:
    complete = (
        policy.shortest <= len(password) <= 96
        and (not policy.upper or any(c.isupper() for c in password))
        and (not policy.lower or any(c.islower() for c in password))
        and (not policy.digit or any(c.isdigit() for c in password))
        and (not policy.symbol or any(not c.isalnum() for c in password))
    )
    assert (password_fault(password, policy) == "") == complete


def test_spaces_count_inside_a_password_only() -> None:
    policy = PasswordPolicy(8, upper=False, digit=False)
    assert password_fault("correct horse battery", policy) == ""
    assert password_fault(" correct-horse", policy)
    assert password_fault("correct-horse ", policy)


@pytest.mark.parametrize(
    ("country", "good", "bad"),
    [
        ("US", ["62701", "62701-1234"], ["6270", "627011", "ABCDE", "62701-12", "٦٢٧٠١"]),
        ("DE", ["01067"], ["1067", "D-01067"]),
        ("FR", ["75001"], ["7500", "75 001"]),
        ("AT", ["1010"], ["0101", "10100"]),
        ("CH", ["8001"], ["0801", "80010"]),
        ("CA", ["K1A 0B1", "k1a0b1"], ["K1A-0B1", "D1A 0B1", "12345"]),
        ("GB", ["SW1A 1AA", "M1 1AE", "b338th"], ["SW1A", "1AA SW1", "SW1A 1A"]),
        ("IE", ["D02 AF30", "anything"], []),
    ],
)
def test_postal_codes_by_country(country: str, good: list[str], bad: list[str]) -> None:
    def check(code: str) -> None:
        check_addresses(
            [saved("a"), SavedAddress("b", "b", replace(HOME, country=country, postal_code=code))]
        )

    for code in good:
        check(code)
    for code in bad:
        with pytest.raises(Refusal) as refused:
            check(code)
        assert refused.value.pointer == "/addresses/1/address/postal_code"


def test_two_defaults_for_one_use_are_refused() -> None:
    check_addresses([saved("a", shipping=True), saved("b", billing=True)])
    with pytest.raises(Refusal) as refused:
        check_addresses([saved("a", billing=True), saved("b"), saved("c", billing=True)])
    assert refused.value.pointer == "/addresses/2/default_billing"


entries = st.builds(saved, st.sampled_from("abcdef"), st.booleans(), st.booleans())


@given(st.lists(entries | st.sampled_from("abcdef"), max_size=25))
def test_the_book_never_has_two_defaults_for_one_use(steps: list[SavedAddress | str]) -> None:
    """Additions, changes and removals in any order; the last one marked is the default."""
    own, expected = customer(), {}
    for step in steps:
        if isinstance(step, SavedAddress):
            change = with_address(own, step, LATER, ME)
            expected[step.id] = step
        elif step in expected:
            change = without_address(own, step, LATER, ME)
            del expected[step]
        else:
            with pytest.raises(Refusal):
                without_address(own, step, LATER, ME)
            continue
        if change is not None:
            assert change.fields == ("addresses",)
            assert change.customer.version == own.version + 1
            own = change.customer
        assert {each.id for each in own.addresses} == set(expected)
        for use in ("default_shipping", "default_billing"):
            marked = [each.id for each in own.addresses if getattr(each, use)]
            assert len(marked) <= 1
            if isinstance(step, SavedAddress) and getattr(step, use):
                assert marked == [step.id]


def test_an_added_address_is_added_once_for_ever() -> None:
    asked = command("key-1", "body")
    own = changed(with_address(customer(), saved("a"), NOW, ME, asked))
    assert with_address(own, saved("a"), NOW, ME, asked) is None
    moved = replace(saved("a"), label="moved")
    own = changed(with_address(own, moved, NOW, ME))
    assert with_address(own, saved("a"), NOW, ME, asked) is None
    own = without_address(own, "a", NOW, ME).customer
    assert with_address(own, saved("a"), NOW, ME, asked) is None
    with pytest.raises(Refusal) as refused:
        with_address(own, saved("a"), NOW, ME, command("key-1", "another body"))
    assert refused.value.reason is Reason.KEY_REUSED


def test_the_book_is_limited() -> None:
    own = customer(*(saved(str(n)) for n in range(MAX_ADDRESSES)))
    with pytest.raises(Refusal) as refused:
        with_address(own, saved("one more"), NOW, ME)
    assert refused.value.facts == {"maximum": MAX_ADDRESSES}
    assert changed(with_address(own, replace(saved("3"), label="x"), NOW, ME))


def test_a_change_names_its_fields_and_nothing_else() -> None:
    own = customer()
    change = edited(own, {"name": "Ada Lovelace", "phone": "", "language": "de"}, LATER, ME)
    assert change is not None
    assert change.fields == ("name", "language")
    assert (change.customer.version, change.at, change.actor) == (own.version + 1, LATER, ME)
    assert edited(own, {"name": own.name, "addresses": own.addresses}, LATER, ME) is None


def test_consents_keep_the_time_of_the_last_word() -> None:
    own = customer()
    again = consented(own.consents, "terms", True, own.consents["terms"].wording, LATER)
    assert again == own.consents
    newer = consented(own.consents, "terms", True, "2027-01", LATER)
    assert (newer["terms"].at, newer["terms"].wording) == (LATER, "2027-01")
    assert newer["marketing"] == own.consents["marketing"]
    given_ = consented(own.consents, "marketing", True, "2026-11", LATER)
    assert (given_["marketing"].granted, given_["marketing"].at) == (True, LATER)


def test_states_that_allow_no_edit() -> None:
    for state in ("pending", "locked", "disabled", "replaced"):
        with pytest.raises(Refusal) as refused:
            edited(replace(customer(), state=state), {"name": "X"}, NOW, ME)  # type: ignore[arg-type]
        assert refused.value.reason is Reason.ILLEGAL_STATE


def test_only_a_pending_record_is_enabled() -> None:
    for state in ("enabled", "locked", "disabled", "replaced"):
        with pytest.raises(Refusal):
            enabled(replace(customer(), state=state), NOW)  # type: ignore[arg-type]


def test_a_record_in_use_that_lost_its_address_is_kept_disabled() -> None:
    for state in ("enabled", "locked"):
        own = replace(customer(saved("a")), state=state)  # type: ignore[arg-type]
        change = displaced(own, LATER)
        assert change is not None and change.fields == ("state",)
        assert change.customer == replace(own, state="disabled", version=own.version + 1)
        assert displaced(change.customer, LATER) is None


def test_nothing_personal_is_left_of_a_replaced_sign_up() -> None:
    profile = Profile(
        "sgn_a", "Ada@Example.com", "ada@example.com", "Ada", "+15550100", "USD", "en-US"
    )
    profile = replace(profile, addresses=(saved("a"),), marketing=True)
    pending = signed_up("sub-1", profile, NOW).customer
    left = encode(changed(displaced(pending, LATER)))
    assert set(left) == {
        "id", "version", "state", "subject", "email", "email_key", "name", "created_at"
    }  # fmt: skip
    assert (left["email"], left["email_key"], left["name"]) == ("", "", "")
    assert left["version"] == pending.version + 1


def test_who_holds_an_address() -> None:
    pending = signed_up("sub-1", Profile("sgn_a", "a@b.example", "a@b.example", "A"), NOW).customer
    proven = found("sub-2", "a@b.example", "B", "", NOW).customer
    others = {"pending": True, "replaced": True, "enabled": False, "locked": False}
    for state, gives_way in others.items():
        holder = replace(pending, state=state)  # type: ignore[arg-type]
        assert may_hold(pending, holder) == gives_way
        assert may_hold(proven, holder)
    assert may_hold(pending, None)


def test_a_record_survives_storage() -> None:
    own = customer(saved("a", shipping=True))
    own = changed(edited(own, {"preferences": {"substitutes": "no"}}, LATER, ME))
    assert decode(Customer, encode(own)) == own
    assert own.consents["terms"].granted and not own.consents["marketing"].granted


def test_a_change_knows_the_record_before_it() -> None:
    new = signed_up("sub-1", Profile("sgn_a", "a@b.example", "a@b.example", "A"), NOW)
    assert new.before is None
    own = customer()
    change = edited(own, {"name": "B"}, NOW, ME)
    assert change is not None and change.before == own


def test_staff_edit_what_its_owner_may_not() -> None:
    staff = Actor("staff", "sub-csr")
    for state, theirs, desks in (
        ("pending", False, True),
        ("enabled", True, True),
        ("locked", False, True),
        ("disabled", False, False),
        ("replaced", False, False),
    ):
        own = replace(customer(), state=state)  # type: ignore[arg-type]
        for actor, may in ((ME, theirs), (staff, desks)):
            if may:
                assert edited(own, {"name": "B"}, NOW, actor) is not None
                continue
            with pytest.raises(Refusal) as refused:
                edited(own, {"name": "B"}, NOW, actor)
            assert refused.value.reason == Reason.ILLEGAL_STATE
