"""Who may sign in: what Parcelway asks of an identity provider, and what it is told.

ports/user_pool.py and ports/cognito.py ask Cognito.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import field
from datetime import datetime
from typing import Any, Protocol

from parcelway.domain.login import PasswordPolicy
from parcelway.values import dataclass


class IdentityUnavailable(Exception):
    """No usable answer: throttled, or the provider's own fault. Try again later."""


class IdentityFault(Exception):
    """The provider refuses a call for a reason that only its set-up explains."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation}: {code}")
        self.code = code


class SignInRefused(Exception):
    """No tokens: unknown, unproven, disabled, locked out, or the wrong secret. Not told which."""


class CodeRefused(Exception):
    """The code is wrong, expired or used, or there is nobody it could be for. Not told which."""


class PasswordRefused(Exception):
    """The password breaks the pool's policy (or is known to have leaked)."""


class LoginRefused(Exception):
    """The provider does not take this address or name for a login."""


class NewPasswordRequired(Exception):
    """The password was right but temporary; `session` continues the sign-in with a new one."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the pool. `key` names it to the provider, `subject` is its tokens' `sub`.

    `proven`: the mailbox is the user's. `pending`: signed up and never confirmed. `invited`: made
    for them, and no password of their own chosen yet. `changed_at` is when the provider last
    changed anything about it: made it, or mailed an invitation again.
    """

    key: str
    subject: str
    email: str
    name: str = ""
    language: str = ""
    proven: bool = False
    pending: bool = False
    invited: bool = False
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives; `expires_in` seconds for the first two."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int

    @property
    def claims(self) -> dict[str, Any]:
        """Whose they are. Not verified: they come from the provider itself."""
        claims = self.id_token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        told: dict[str, Any] = json.loads(urlsafe_b64decode(padded))
        return told


class Logins(Protocol):
    """Logins as the shop looks after them. `email` is always normalised.

    Every method raises IdentityUnavailable and IdentityFault.
    """

    def find(self, email: str) -> Login | None:
        """The user with this address; None when there is none."""
        ...

    def find_subject(self, subject: str) -> Login | None:
        """The user with this subject, whatever their address is now; None when there is none."""
        ...

    def is_staff(self, subject: str) -> bool:
        """Whether this user is in a group: all groups of the pool are staff's."""
        ...

    def invite(self, email: str, name: str, language: str) -> str | None:
        """Make a user for somebody, mail them a link by which they set their password, and return
        the subject; None when the address is taken. Raises LoginRefused.
        """
        ...

    def invite_again(self, email: str) -> bool:
        """Mail an invited user a new link in place of the one before; whether there is one."""
        ...

    def forget(self, login: Login) -> None:
        """Delete exactly this user; nothing when it is gone already."""
        ...

    def shut_out(self, subject: str) -> None:
        """Let a user sign in no more, and end their sessions; nothing when there is none."""
        ...

    def let_in(self, subject: str) -> None:
        """Let a user sign in again who was shut out; nothing when there is none."""
        ...


class Identity(Logins, Protocol):
    """Logins as their owners use them, too."""

    def policy(self) -> PasswordPolicy:
        """The password policy of the pool."""
        ...

    def sign_up(self, email: str, password: str, name: str, language: str) -> str | None:
        """Make a pending user, mail a code, and return the subject; None when the address is taken.

        Raises PasswordRefused, LoginRefused.
        """
        ...

    def confirm(self, email: str, code: str) -> None:
        """Prove the mailbox of a pending user. Raises CodeRefused."""
        ...

    def resend(self, email: str) -> None:
        """Mail a new code if there is a pending user."""
        ...

    def sign_in(self, email: str, password: str) -> Tokens:
        """Raises SignInRefused, NewPasswordRequired."""
        ...

    def set_new_password(self, session: str, password: str) -> Tokens:
        """Continue after NewPasswordRequired. Raises SignInRefused, PasswordRefused."""
        ...

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token. Raises SignInRefused."""
        ...

    def sign_out(self, access_token: str) -> None:
        """End every session of the token's user. Raises SignInRefused for a token not in force."""
        ...

    def send_reset(self, email: str) -> None:
        """Mail a code for a new password if there is a user who may have one."""
        ...

    def reset(self, email: str, code: str, password: str) -> None:
        """Set a new password and end every session. Raises CodeRefused, PasswordRefused."""
        ...
