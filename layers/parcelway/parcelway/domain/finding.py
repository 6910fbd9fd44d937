"""Finding a customer by whatever they tell: what leads to a record, and what a question looks for.

A record is found through keys, short texts of a kind, that begin with what was typed. So one read
in the order of the keys answers a question, however many customers there are. Texts are compared
folded: without case, accents and the marks between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Literal, get_args

from parcelway.domain.customer import Customer, SavedAddress
from parcelway.domain.login import normalise_email
from parcelway.domain.parties import Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

Kind = Literal[
    "given_name", "family_name", "full_name", "email", "phone", "postal_code", "account"
]  # full_name: a family name together with a given name
Clue = Literal["given_name", "family_name", "email", "phone", "postal_code", "account"]
CLUES: tuple[Clue, ...] = get_args(Clue)

# Of a record. A merger gives the survivor other keys in place of all it had, and takes those of the
# duplicate: three times as many, which fit into one transaction of 100 writes with the records.
MAX_KEYS = 30
_STARTS = 6  # words of a name that may be typed first
_PAIRS = 12  # of a family and a given name
_LONGEST = 48  # characters of a name or of what is typed that count
_LONGEST_EMAIL = 128
_SUFFIX = 9  # digits of a phone number that are the same in every way to dial it

# Between two parts of one word; O'Brien is `obrien`, and found as `brien` too.
_APOSTROPHES = re.compile("['`´′\u2018\u2019\u201b\u02b9-\u02bf\u05f3\uff07]")
# Letters of their own that other languages write with these.
_SPELLED = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)
# Scripts that write names without blanks: each character may begin a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_IDEOGRAPH = re.compile(f"[{_UNSPACED}]")
_BETWEEN_IDEOGRAPHS = re.compile(f"(?<=[{_UNSPACED}]) (?=[{_UNSPACED}])")
_BREAK = "'"  # where an apostrophe was, while a name is taken apart
_TATWEEL = "\u0640"  # stretches an Arabic word
_EXTENSION = re.compile(r"\s*(?:ext\.?|x|#|;ext=)\s*\d*$", re.IGNORECASE)
_DIALLED = re.compile(r"[\d\s()+./-]+")
_EMAIL = re.compile(r"[^\s@]+(?:@[^\s@#]*)?")


@dataclass(frozen=True, slots=True)
class Key:
    """A text that leads to a record."""

    kind: Kind
    text: str

    @property
    def shelf(self) -> str:
        """Where keys of a kind that begin alike stand together."""
        return _shelf(self.text)


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: the keys of a kind that begin with `text`, or are it, when `whole`."""

    kind: Kind
    text: str
    whole: bool = False

    @property
    def shelf(self) -> str:
        """Where every key that answers it stands."""
        return _shelf(self.text)

    def leads_to(self, text: str) -> bool:
        """Whether a key of this kind answers it."""
        return text == self.text if self.whole else text.startswith(self.text)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list of those who were found shows: enough to tell one from another."""

    id: str
    state: str
    name: str
    email: str
    phone: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """A member of staff looked at customers: when, who (the login's subject), why, how (`opened`,
    or by what they looked for), how many were shown and whether there were `more`."""

    at: datetime
    staff: str
    reason: str
    how: str
    found: int
    more: bool = False


def summary_of(customer: Customer) -> Summary:
    """A record in short; the address is the one that parcels go to unless told otherwise."""
    book = _by_importance(customer)
    place = book[0].address if book else Address("", "", "", "", "")
    return Summary(
        customer.id,
        customer.state,
        customer.name,
        customer.email,
        customer.phone,
        place.city,
        place.postal_code,
        place.country,
        customer.account,
    )


def is_gone(customer: Customer) -> bool:
    """Whether nobody is found by what is left of a record: it was emptied, or another has all of
    it."""
    return customer.state == "replaced" or bool(customer.merged_into)


def keys_of(customer: Customer) -> tuple[Key, ...]:
    """What a record is found by, at most MAX_KEYS; nothing for what is left of one that is gone.

    Where only the whole name is known, any of its words may be the given or the family name.
    """
    if is_gone(customer):
        return ()
    return tuple(islice(dict.fromkeys(_keys(customer)), MAX_KEYS))


def question(clues: Mapping[Clue, str]) -> Question:
    """What somebody looks for who typed these `clues`: one, or a family and a given name.

    Raises Refusal INVALID for none, for others together, and for too little of one.
    """
    given = {name: text.strip() for name, text in clues.items() if text.strip()}
    if set(given) == {"given_name", "family_name"}:
        family = _long_enough(_folded(given["family_name"]), 1, "family_name")
        first = _long_enough(_folded(given["given_name"]), 1, "given_name")
        return Question("full_name", _pair(family, first))
    if len(given) != 1:
        raise Refusal(
            Reason.INVALID, f"Look for one of {', '.join(CLUES)}, or for both names together."
        )
    ((clue, text),) = given.items()
    if clue == "phone":
        return _dialled(text)
    if clue == "account":
        return Question("account", text.casefold(), whole=True)
    if clue == "email":
        return Question("email", _typed_email(text))
    if clue == "postal_code":
        return Question("postal_code", _long_enough(_postal(text), 3, clue))
    return Question(clue, _long_enough(_folded(text), 2, clue))


def _keys(customer: Customer) -> Iterator[Key]:
    """Every key, those first that a record is found by most surely: they are never left out."""
    yield from _contact_keys([("email", customer.email_key), ("phone", customer.phone)])
    if customer.account:
        yield Key("account", customer.account)
    yield from _name_keys(customer)
    codes = [_postal(saved.address.postal_code) for saved in _by_importance(customer)]
    places = [Key("postal_code", code) for code in codes if code]
    yield from places[:1]
    yield from _contact_keys([(each.kind, each.value) for each in customer.contacts])
    yield from places[1:]


def _contact_keys(contacts: list[tuple[str, str]]) -> Iterator[Key]:
    for kind, value in contacts:
        if value:
            yield Key("phone", _digits(value)[::-1]) if kind == "phone" else _email_key(value)


def _name_keys(customer: Customer) -> Iterator[Key]:
    given, family = customer.given_name, customer.family_name
    whole = "" if given or family else customer.name
    for text in _starts(family or whole):
        yield Key("family_name", text)
    for text in _starts(given or whole):
        yield Key("given_name", text)
    pairs = _pairs_within(whole) if whole else _pairs(given, family)
    for text in islice(pairs, _PAIRS):
        yield Key("full_name", text)


def _shelf(text: str) -> str:
    # No question about other texts has a single letter only.
    return text[:1] if _IDEOGRAPH.match(text) else text[:2]


def _by_importance(customer: Customer) -> list[SavedAddress]:
    return sorted(
        customer.addresses,
        key=lambda saved: (not saved.default_shipping, not saved.default_billing),
    )


def _folded(text: str) -> str:
    """A name as it is compared: its words with one blank between them."""
    return _taken_apart(text).replace(_BREAK, "")[:_LONGEST].strip()


def _taken_apart(text: str) -> str:
    """The same, with _BREAK where there was an apostrophe within a word."""
    spread = unicodedata.normalize("NFKD", _APOSTROPHES.sub(_BREAK, text))
    plain = "".join(map(_plain, spread)).casefold().translate(_SPELLED)
    plain = " ".join(word.strip(_BREAK) for word in unicodedata.normalize("NFC", plain).split())
    return _BETWEEN_IDEOGRAPHS.sub("", plain).strip()


def _plain(character: str) -> str:
    """A decomposed character without what only decorates it; a blank for what parts words."""
    if character == _BREAK or (character.isalnum() and character != _TATWEEL):
        return character
    category = unicodedata.category(character)
    if category[0] == "M":
        # Marks of these classes (vowel signs, the voiced sound mark) are letters; others, accents
        # and vowels that most people leave out.
        return character if unicodedata.combining(character) < 10 else ""
    return "" if category == "Cf" or character == _TATWEEL else " "


def _starts(name: str) -> list[str]:
    """A name from each of its words on: what is typed may begin with any."""
    apart = _taken_apart(name)
    places = [0] + [
        place
        for place in range(1, len(apart))
        if apart[place - 1] in (" ", _BREAK) or _IDEOGRAPH.match(apart[place])
    ]
    found = (apart[place:].replace(_BREAK, "")[:_LONGEST].strip() for place in places)
    return [text for text in islice(dict.fromkeys(found), _STARTS) if text]


def _pairs(given: str, family: str) -> Iterator[str]:
    """Each word of the family name, and all of it, before the given name from each of its words."""
    whole = _folded(family)
    for name in filter(None, dict.fromkeys([*whole.split(" "), whole])):
        for text in _starts(given):
            yield _pair(name, text)


def _pairs_within(whole: str) -> Iterator[str]:
    """Each word before what begins with another; the last one is the family name most often."""
    for name in reversed(_folded(whole).split(" ")):
        for text in _starts(whole):
            if name != text.split(" ")[0]:
                yield _pair(name, text)


def _pair(family: str, given: str) -> str:
    return f"{family},{given}"[:_LONGEST]


def _email_key(value: str) -> Key:
    return Key("email", _email(value))


def _email(text: str) -> str:
    try:
        return normalise_email(text)
    except ValueError:  # half of one, or of a kind that nobody can sign in with
        return unicodedata.normalize("NFKC", text).strip().lower()[:_LONGEST_EMAIL]


def _typed_email(text: str) -> str:
    typed = _email(text)
    if len(typed) < 3 or not _EMAIL.fullmatch(typed):
        raise _too_little("At least three characters an e-mail address begins with.", "email")
    return typed


def _dialled(text: str) -> Question:
    """The phone number that somebody wrote in their way: its last digits, which are the same in
    all; all of them behind a plus sign. Keys have them from the last to the first."""
    number = _EXTENSION.sub("", unicodedata.normalize("NFKC", text))
    digits = _digits(number.replace("(0)", ""))
    if _DIALLED.fullmatch(number) and number.startswith("+") and len(digits) > 6:
        return Question("phone", digits[::-1], whole=True)
    if len(digits) > 6:  # fewer are the last ones, zeros and all
        digits = digits.lstrip("0")
    if not _DIALLED.fullmatch(number) or len(digits) < 4:
        raise _too_little("A phone number, or at least its last four digits.", "phone")
    return Question("phone", digits[-_SUFFIX:][::-1])


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(each)) for each in text if each.isdecimal())


def _postal(text: str) -> str:
    """A postal code without what people write between its parts."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text))).upper()


def _long_enough(text: str, least: int, clue: Clue) -> str:
    if len(text) < least and not _IDEOGRAPH.match(text):
        raise _too_little(f"At least {least} letters or digits.", clue)
    return text


def _too_little(detail: str, clue: Clue) -> Refusal:
    return Refusal(Reason.INVALID, detail, f"/{clue}")
