"""Whoever has what was typed is found, once, and nobody else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.contacts import ContactPoint
from parcelway.domain.customer import Customer, SavedAddress
from parcelway.domain.finding import (
    MAX_KEYS,
    Clue,
    Key,
    Question,
    keys_of,
    question,
    summary_of,
)
from parcelway.domain.parties import Address
from parcelway.domain.refusals import Reason, Refusal

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ANN = Customer("cus_ann", 1, "enabled", "sub-1", "Ann@Example.com", "ann@example.com", "Ann", NOW)
# What one letter looks like in names, and what somebody at a keyboard types for it.
LETTERS = {
    "a": "aAáÀâÄåā",
    "e": "eEéÈêëęě",
    "i": "iIíÎïİı",
    "l": "lLłĺ",
    "n": "nNñň",
    "o": "oOóÔöøő",
    "s": "sSšŞß",
    "u": "uUúÛüů",
    "z": "zZžŻ",
    "и": "иИйЙ",
    "ا": "اأإآ",
    "ש": "ש",
}
plain_words = st.text(sorted(LETTERS), min_size=1, max_size=6)
plain_names = st.lists(plain_words, min_size=1, max_size=4)


@st.composite
def spelled(draw: st.DrawFn, words: list[str]) -> str:
    """The words as somebody writes them: any case, accents, blanks or hyphens between."""
    text = ""
    for word in words:
        text += draw(st.sampled_from((" ", "-", "  ", " - "))) if text else ""
        for letter in word:
            text += draw(st.sampled_from(LETTERS[letter].replace("ß", "")))
    return text


def named(given_name: str, family_name: str) -> Customer:
    return replace(ANN, name="-", given_name=given_name, family_name=family_name)


def leads(asked: Question, customer: Customer) -> bool:
    keys = [key for key in keys_of(customer) if key.kind == asked.kind]
    answers = [key for key in keys if asked.leads_to(key.text)]
    assert all(key.shelf == asked.shelf for key in answers)  # or it would not be looked at
    return bool(answers)


def found(customer: Customer, **clues: str) -> bool:
    typed: dict[Clue, str] = clues  # type: ignore[assignment]
    return leads(question(typed), customer)


def begins(words: list[str], typed: list[str]) -> bool:
    """The rule: these words follow each other in the name, the last one at least begun."""
    *whole, last = typed
    return any(
        words[at : at + len(whole)] == whole
        and at + len(whole) < len(words)
        and words[at + len(whole)].startswith(last)
        for at in range(len(words))
    )


@given(st.data(), plain_names, plain_names)
def test_whoever_has_the_words_is_found_by_them_and_nobody_else(
    data: st.DataObject, family: list[str], typed: list[str]
) -> None:
    customer = named("-", data.draw(spelled(family)))
    if len("".join(typed)) < 2:
        return
    asked = question({"family_name": data.draw(spelled(typed))})
    assert leads(asked, customer) == begins(family, typed)
    assert not leads(replace(asked, kind="given_name"), customer)


@given(st.data(), plain_names)
def test_any_word_that_is_begun_finds_its_owner(data: st.DataObject, given_name: list[str]) -> None:
    customer = named(data.draw(spelled(given_name)), "Smith")
    at = data.draw(st.integers(0, len(given_name) - 1))
    begun = data.draw(st.integers(1, len(given_name[at])))
    typed = [*given_name[at : at + data.draw(st.integers(0, 1))]] or [given_name[at][:begun]]
    text = data.draw(spelled(typed))
    if len("".join(typed)) > 1:
        assert found(customer, given_name=text)
    assert found(customer, given_name=text, family_name="SMITH")
    assert not found(customer, given_name=text, family_name="Smit")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Weiß", "weiss"),
        ("WEISS", "weiß"),
        ("Müller", "MULLER"),
        ("Mu\u0308ller", "müll"),
        ("Yıldız", "YILDIZ"),
        ("İnönü", "inonu"),
        ("O'Brien", "obrien"),
        ("O\u2019Brien", "o'b"),
        ("OBrien", "O´Brien"),
        ("O'Brien", "brien"),
        ("d'Angelo", "D\u2019ANG"),
        ("Smith-Jones", "jones"),
        ("Smith\u2013Jones", "smith jon"),
        ("van der Berg", "der berg"),
        ("van der Berg", "berg"),
        ("Sørensen", "sorensen"),
        ("Wałęsa", "walesa"),
        ("Æbelø", "aebelo"),
        ("Nguyễn", "nguyen"),
        ("Đặng", "dang"),
        ("王", "王"),
        ("欧阳", "欧"),
        ("山田 花子", "山田花子"),
        ("김", "김"),
        ("ガルシア", "ガル"),
        ("مُحَمَّد", "محمد"),
        ("الأحمد", "الاحمد"),
        ("محـــمد", "محمد"),
        ("Παπαδόπουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ"),
        ("Королёв", "королев"),
        ("ｓｍｉｔｈ", "smith"),
        ("Smith, Jr.", "smith jr"),
        ("शर्मा", "शर्मा"),
    ],
)
def test_names_are_found_as_people_type_them(name: str, typed: str) -> None:
    assert found(named("Kim", name), family_name=typed)
    assert not found(named(name, "Kim"), family_name=typed) or typed == "김"


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Smith", "mith"), ("Jonas", "jones"), ("か", "が"), ("कि", "कु"), ("Smith-Jones", "smithj")],
)
def test_others_are_not(name: str, typed: str) -> None:
    assert not found(named("Kim", name), family_name=typed)


def test_a_name_without_blanks_is_found_by_either_part() -> None:
    li = replace(ANN, name="李小龙")
    for typed in ("李", "李小龙", "小龙", "龙"):
        assert found(li, family_name=typed) and found(li, given_name=typed)
    assert not found(li, family_name="李龙")


def test_a_name_of_which_the_parts_are_not_known_is_found_by_any_word() -> None:
    bare = replace(ANN, name="María del Carmen García")
    assert found(bare, given_name="maria") and found(bare, family_name="maria")
    assert found(bare, family_name="garcia", given_name="car")
    assert found(bare, family_name="maria", given_name="gar")
    assert not found(bare, family_name="garcia", given_name="garcia")


def test_of_two_family_names_each_and_both_go_with_each_given_name() -> None:
    maria = named("María Carmen", "García López")
    for family in ("garcia", "lopez", "Garcia Lopez", "garcía-lópez"):
        for first in ("maria", "car", "maria c"):
            assert found(maria, family_name=family, given_name=first)
    assert not found(maria, family_name="lopez garcia", given_name="maria")


# Written in all the ways a caller may say it, from abroad, too.
BERLIN = [
    "+49 30 1234567",
    "+49 (0)30 / 123 45 67",
    "0049 30 1234567",
    "030 1234567",
    "(030) 123-4567",
    "030.123.4567",
    "1234567",
    "4567",
    "０３０ １２３４５６７",
    "011 49 30 1234567",
    "030 1234567 ext. 12",
    "030 1234567x9",
]


@pytest.mark.parametrize("typed", BERLIN)
def test_a_phone_number_is_found_however_it_is_written(typed: str) -> None:
    assert found(replace(ANN, phone="+49301234567"), phone=typed)
    mobile = ContactPoint("phone", "+49301234567", "second")
    assert found(replace(ANN, phone="+4917012345678", contacts=(mobile,)), phone=typed)
    assert not found(replace(ANN, phone="+49301234568"), phone=typed)


@pytest.mark.parametrize(
    ("number", "typed"),
    [
        ("+16145551234", "1-614-555-1234"),
        ("+16145551234", "(614) 555 1234"),
        ("+79123456789", "8 912 345-67-89"),
        ("+3612345678", "06 1 234 5678"),
        ("+390612345678", "06 1234 5678"),
        ("+441134960000", "0113 496 0000"),
        ("+441134960000", "0000"),
    ],
)
def test_trunk_prefixes_of_other_countries_do_not_matter(number: str, typed: str) -> None:
    assert found(replace(ANN, phone=number), phone=typed)


def test_behind_a_plus_sign_every_digit_counts() -> None:
    assert not found(replace(ANN, phone="+49301234567"), phone="+43301234567")


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.integers(4, 9))
def test_a_phone_number_is_found_by_its_last_digits(number: str, count: int) -> None:
    typed = number[-min(count, len(number) - 1) :]
    if len(typed.lstrip("0")) >= 4:
        assert found(replace(ANN, phone=number), phone=typed)
        wrong = str((int(typed[-1]) + 1) % 10)
        assert not found(replace(ANN, phone=number), phone=typed[:-1] + wrong)


@pytest.mark.parametrize("typed", ["ann@example.com", " ANN@Example.COM", "ann@", "ann@exa", "ann"])
def test_an_email_address_is_found_by_how_it_begins(typed: str) -> None:
    assert found(ANN, email=typed)
    assert not found(replace(ANN, email_key="joanne@example.com"), email=typed)
    work = ContactPoint("email", "Ann@Example.com", "work")
    assert found(replace(ANN, email_key="x@example.org", contacts=(work,)), email=typed)


def test_an_email_address_of_another_alphabet_is_found_in_its_one_spelling() -> None:
    ann = replace(ANN, email_key="ann@xn--mller-kva.de")
    assert found(ann, email="ann@müller.de") and found(ann, email="Ann@MÜLLER.de")


@pytest.mark.parametrize(
    ("code", "typed"),
    [
        ("43215-1234", "43215"),
        ("43215-1234", "432151234"),
        ("SW1A 1AA", "sw1a1aa"),
        ("SW1A 1AA", "sw1a"),
        ("K1A 0B1", "k1a-0b1"),
        ("10115", "10115"),
    ],
)
def test_a_postal_code_is_found_with_and_without_its_blanks(code: str, typed: str) -> None:
    place = Address("Ann", "1 Long Lane", "Somewhere", code, "US")
    living = replace(ANN, addresses=(SavedAddress("adr_1", "Home", place),))
    assert found(living, postal_code=typed)
    assert not found(living, postal_code=typed[:-1] + "9")


def test_a_business_account_is_found_by_its_whole_name_only() -> None:
    member = replace(ANN, account="acme")
    assert found(member, account=" ACME") and not found(member, account="acm")


@pytest.mark.parametrize(
    ("clues", "pointer"),
    [
        ({}, ""),
        ({"family_name": "  "}, ""),
        ({"email": "ann@example.com", "phone": "+16145551234"}, ""),
        ({"family_name": "smith", "given_name": "ann", "phone": "1234"}, ""),
        ({"family_name": "s"}, "/family_name"),
        ({"given_name": "'"}, "/given_name"),
        ({"family_name": "-", "given_name": "ann"}, "/family_name"),
        ({"family_name": "smith", "given_name": "..."}, "/given_name"),
        ({"phone": "123"}, "/phone"),
        ({"phone": "00000001"}, "/phone"),
        ({"phone": "call me"}, "/phone"),
        ({"email": "an"}, "/email"),
        ({"email": "ann@example.com#cus_"}, "/email"),
        ({"postal_code": "43"}, "/postal_code"),
    ],
)
def test_too_little_or_too_much_is_refused(clues: dict[Clue, str], pointer: str) -> None:
    with pytest.raises(Refusal) as refused:
        question(clues)
    assert (refused.value.reason, refused.value.pointer) == (Reason.INVALID, pointer)


def test_one_letter_is_enough_of_a_family_name_that_is_one() -> None:
    assert found(named("Jin-hui", "O"), family_name="o", given_name="ji")


def test_who_is_gone_is_found_by_nothing() -> None:
    assert keys_of(ANN)
    assert not keys_of(replace(ANN, state="replaced"))
    assert not keys_of(replace(ANN, state="disabled", merged_into="cus_other"))
    assert keys_of(replace(ANN, state="disabled")) == keys_of(ANN)


def test_a_record_has_no_more_keys_than_two_of_them_fit_into_a_transaction() -> None:
    places = tuple(
        SavedAddress(f"adr_{i}", "", Address("A", "1", "S", f"{10000 + i}", "US"))
        for i in range(20)
    )
    contacts = tuple(
        ContactPoint(kind, f"+1614555{i:04d}" if kind == "phone" else f"a{i}@example.com")
        for i in range(5)
        for kind in ("phone", "email")
    )
    most = replace(
        named("A B C D E F G H", "I J K L M N O P"),
        phone="+491234567",
        account="acme",
        addresses=(*places[:19], replace(places[19], default_shipping=True)),
        contacts=contacts,  # type: ignore[arg-type]
    )
    assert len(keys_of(most)) == MAX_KEYS
    # The place that parcels go to is not what is left out.
    assert Key("postal_code", "10019") in keys_of(most)


def test_what_a_list_shows_is_where_parcels_go() -> None:
    home = SavedAddress("adr_1", "Home", Address("Ann", "1", "Springfield", "62701", "US"))
    work = SavedAddress("adr_2", "Work", Address("Ann", "2", "Chicago", "60601", "US"), True)
    shown = summary_of(replace(ANN, addresses=(home, work), phone="+16145551234"))
    assert (shown.city, shown.postal_code, shown.phone) == ("Chicago", "60601", "+16145551234")
    assert summary_of(ANN).city == ""
