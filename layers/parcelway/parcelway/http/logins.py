"""What an identity provider refuses, as answers that tell no more than they should."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.problems import Problem, busy
from parcelway.ports.identity import (
    CodeRefused,
    IdentityUnavailable,
    LoginRefused,
    NewPasswordRequired,
    PasswordRefused,
    SignInRefused,
)


@contextmanager
def login_problems() -> Iterator[None]:
    """Raise what a Problem or a Refusal says of it in place of an identity provider's refusal."""
    try:
        yield
    except IdentityUnavailable:
        raise busy() from None
    except PasswordRefused:
        raise bad_password("This password is too weak or has been used before.") from None
    except LoginRefused:
        raise Refusal(Reason.INVALID, "This address cannot sign in here.", "/email") from None
    except CodeRefused:
        raise Problem(
            422,
            "code-refused",
            "Code refused",
            "The code is wrong, has expired or was used already.",
            pointer="/code",
        ) from None
    except NewPasswordRequired as needed:
        raise Problem(
            409,
            "new-password-required",
            "Choose a password",
            "This password was temporary: send one of your own with the session.",
            session=needed.session,
        ) from None
    except SignInRefused:
        raise Problem(
            401,
            "sign-in-failed",
            "Sign-in failed",
            "That does not match an account that can sign in, or its address is not confirmed.",
        ) from None


def bad_password(detail: str) -> Refusal:
    """A password that cannot be one, with what is wrong with it."""
    return Refusal(Reason.INVALID, detail, "/password")
