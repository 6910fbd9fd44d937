"""A user pool in memory, to which the callers of a race come one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from parcelway.ports.identity import Login


@dataclass
class Logins:
    """What the desk's functions ask of a user pool; others may go on before each call.

    `mailed` are the addresses that an invitation went to, in order.
    """

    pause: Callable[[], None] = lambda: None
    users: dict[str, Login] = field(default_factory=dict)
    shut: set[str] = field(default_factory=set)
    mailed: list[str] = field(default_factory=list)

    def find(self, email: str) -> Login | None:
        self.pause()
        return self.users.get(email)

    def find_subject(self, subject: str) -> Login | None:
        self.pause()
        return next((each for each in self.users.values() if each.subject == subject), None)

    def is_staff(self, subject: str) -> bool:
        self.pause()
        return False

    def invite(self, email: str, name: str, language: str) -> str | None:
        self.pause()
        if email in self.users:
            return None
        subject = f"sub-{len(self.users)}-{email}"
        self.users[email] = Login(email, subject, email, name, language, invited=True)
        self.mailed.append(email)
        return subject

    def invite_again(self, email: str) -> bool:
        self.pause()
        if email not in self.users:
            return False
        self.mailed.append(email)
        return True

    def shut_out(self, subject: str) -> None:
        self.pause()
        self.shut.add(subject)

    def let_in(self, subject: str) -> None:
        self.pause()
        self.shut.discard(subject)

    def empty(self) -> None:
        """Be as in the beginning."""
        self.users.clear()
        self.shut.clear()
        self.mailed.clear()
