"""What goes in and out of the customer routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from parcelway.domain.address_book import MAX_ADDRESSES
from parcelway.domain.customer import WORDING, Customer, Profile, consented
from parcelway.domain.ids import derived
from parcelway.domain.login import normalise_email
from parcelway.http.contacts import ContactPoints, points
from parcelway.http.customers import BookEntry, Language, LoginEmail, PreferenceName
from parcelway.http.schemas import AnyPhone, CountryCode, CurrencyCode, Input, Text
from parcelway.ports.phones import e164
from parcelway.values import dataclass
from pydantic import AfterValidator, Field, StringConstraints


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


def _Opaque(most: int) -> Any:
    """A token or code of the user pool: visible ASCII, as it was given out."""
    return Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=most)]


Password = Annotated[
    str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)
]
Code = _Opaque(64)
Session = Annotated[  # the user's name, a colon, the user pool's session
    str, StringConstraints(pattern=r"^[\x21-\x39\x3b-\x7e]+:[\x21-\x7e]{20,}$", max_length=4225)
]
SignUpName = Annotated[str, StringConstraints(pattern=r"^sgn_[a-z2-7]{26}$")]
_SECRETS = frozenset({"password", "code", "session", "access_token", "refresh_token"})


class Agreement(Input):
    """What is agreed to when signing up; `wording` is the version of the texts that were shown."""

    terms_accepted: Literal[True]
    marketing: bool = False
    wording: Text(40) = WORDING  # type: ignore[valid-type]


class NewCustomer(Input):
    """Somebody who wants an account. Currency and language are the shop's unless given. A phone
    number without `+` is one of `phone_country`."""

    card_exempt: ClassVar[frozenset[str]] = _SECRETS

    name: Text(100)  # type: ignore[valid-type]
    given_name: Text(60, 0) = ""  # type: ignore[valid-type]
    family_name: Text(60, 0) = ""  # type: ignore[valid-type]
    email: LoginEmail
    password: Password
    phone: AnyPhone | None = None
    phone_country: CountryCode | None = None
    currency: CurrencyCode = ""
    language: Language = ""
    addresses: list[BookEntry] = Field(default_factory=list, max_length=MAX_ADDRESSES)
    consent: Agreement

    def profile(self, key: str) -> Profile:
        """What is recorded. The sign-up is named by its Idempotency-Key and all that was sent but
        the password, of which nothing is kept, not even a part of a digest."""
        sign_up = derived("sgn", key, self.model_dump_json(exclude={"password"}))
        return Profile(
            sign_up=sign_up,
            email=self.email,
            email_key=normalise_email(self.email),
            name=self.name,
            given_name=self.given_name,
            family_name=self.family_name,
            phone=e164(self.phone, self.phone_country or "", "/phone") if self.phone else "",
            currency=self.currency,
            language=self.language,
            addresses=tuple(
                entry.saved(derived("adr", sign_up, str(index)))
                for index, entry in enumerate(self.addresses)
            ),
            marketing=self.consent.marketing,
            wording=self.consent.wording,
        )


class Mailbox(Input):
    """Whose mailbox a code goes to."""

    email: LoginEmail


class Confirmation(Input):
    """The code from the mail. `sign_up` is what the sign-up answered: a storefront that still has
    it sends it, so that nobody else's later sign-up for the address can be confirmed by mistake."""

    card_exempt: ClassVar[frozenset[str]] = _SECRETS

    email: LoginEmail
    code: Code
    sign_up: SignUpName | None = None


class Credentials(Input):
    """E-mail and password."""

    card_exempt: ClassVar[frozenset[str]] = _SECRETS

    email: LoginEmail
    password: Password


class FirstPassword(Input):
    """A password of one's own in place of a temporary one."""

    card_exempt: ClassVar[frozenset[str]] = _SECRETS

    session: Session
    password: Password


class Refresh(Input):
    """A refresh token."""

    card_exempt: ClassVar[frozenset[str]] = _SECRETS

    refresh_token: _Opaque(8192)  # type: ignore[valid-type]


class SignOut(Input):
    """The access token of a session of the caller's."""

    card_exempt: ClassVar[frozenset[str]] = _SECRETS

    access_token: _Opaque(8192)  # type: ignore[valid-type]


class NewPassword(Input):
    """A new password with the code that was mailed for it."""

    card_exempt: ClassVar[frozenset[str]] = _SECRETS

    email: LoginEmail
    code: Code
    password: Password


class ConsentEdit(Input):
    """A change of mind, or a newer wording accepted. Terms are left by closing the account."""

    marketing: bool | None = None
    terms_accepted: Literal[True] | None = None
    wording: Text(40) = WORDING  # type: ignore[valid-type]


_PLAIN = frozenset({"name", "given_name", "family_name", "currency", "language", "preferences"})


class Edit(Input):
    """Fields of the own record to change; what is not sent stays, `phone: null` is removed. A phone
    number without `+` is one of `phone_country`.

    `contacts` and `preferences` are replaced as a whole.
    """

    name: Text(100) = ""  # type: ignore[valid-type]
    given_name: Text(60, 0) = ""  # type: ignore[valid-type]
    family_name: Text(60, 0) = ""  # type: ignore[valid-type]
    phone: AnyPhone | None = None
    phone_country: CountryCode | None = None
    currency: CurrencyCode = ""
    language: Language = ""
    contacts: ContactPoints = Field(default_factory=list)
    preferences: dict[PreferenceName, Text(200)] = Field(  # type: ignore[valid-type]
        default_factory=dict, max_length=20
    )
    consent: ConsentEdit = Field(default_factory=ConsentEdit)

    def values(self, customer: Customer, now: datetime) -> dict[str, Any]:
        """The record's fields with the values they are to have. Raises Refusal INVALID."""
        values = {name: getattr(self, name) for name in self.model_fields_set & _PLAIN}
        if "phone" in self.model_fields_set:
            country = self.phone_country or ""
            values["phone"] = e164(self.phone, country, "/phone") if self.phone else ""
        if "contacts" in self.model_fields_set:
            values["contacts"] = points(self.contacts)
        consents, wording = customer.consents, self.consent.wording
        if self.consent.terms_accepted:
            consents = consented(consents, "terms", True, wording, now)
        if self.consent.marketing is not None:
            consents = consented(consents, "marketing", self.consent.marketing, wording, now)
        return values | {"consents": consents}


@dataclass(frozen=True, slots=True)
class SignedUpView:
    """The same for every address. `sign_up` belongs to the request, not to an account."""

    message: str
    sign_up: str


@dataclass(frozen=True, slots=True)
class CheckMailView:
    """The same for every address."""

    message: str
