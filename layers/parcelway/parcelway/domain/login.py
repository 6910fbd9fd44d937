"""What a customer signs in with: the normalised e-mail address, and what a password must be."""

from __future__ import annotations

import re
import unicodedata

from parcelway.domain.ids import derived
from parcelway.values import dataclass

LONGEST_EMAIL = 128  # characters; the user pool's limit for a user name
LONGEST_PASSWORD = 96  # characters; the user pool takes 256, a pass phrase needs fewer

# RFC 5321 dot-atom, in ASCII: no mail service of the shop's delivers to any other local part.
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SYMBOLS = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- ")  # what Cognito counts as one


def normalise_email(text: str) -> str:
    """The one spelling of an e-mail address that decides whether two are the same.

    NFKC, trimmed, lower case, the domain in its ASCII form (IDNA 2008, as RFC 5895 maps it).
    Dots and tags (`a.b+shop@`) stay: only some providers ignore them. Raises ValueError when the
    result is no address that mail can be sent to, or longer than LONGEST_EMAIL.
    """
    local, at, domain = unicodedata.normalize("NFKC", text).strip().rpartition("@")
    normal = f"{local.lower()}@{_ascii_domain(domain)}"
    labels = normal.rpartition("@")[2].split(".")
    if (
        not at
        or len(normal) > LONGEST_EMAIL
        or len(local) > 64  # RFC 5321, 4.5.3.1.1
        or not _LOCAL.fullmatch(local.lower())
        or len(labels) < 2
        or labels[-1].isdigit()
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise ValueError("not an e-mail address that mail can be sent to")
    return normal


def customer_id_of(subject: str) -> str:
    """The id of the customer record that belongs to a login's subject (the token's `sub`)."""
    return derived("cus", subject)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What the user pool asks of a password; `shortest` in characters."""

    shortest: int = 8
    upper: bool = True
    lower: bool = True
    digit: bool = True
    symbol: bool = True


def password_fault(password: str, policy: PasswordPolicy) -> str:
    """What is wrong with a password in a sentence, '' when nothing is.

    It is checked here before the user pool is asked, because the pool checks it only for an
    address that is free: its answer would tell which addresses have an account.
    """
    if not policy.shortest <= len(password) <= LONGEST_PASSWORD:
        return f"A password has {policy.shortest} to {LONGEST_PASSWORD} characters."
    if password != password.strip():
        return "A password neither starts nor ends with a space."
    wanted = {
        "a capital letter": policy.upper and not re.search("[A-Z]", password),
        "a small letter": policy.lower and not re.search("[a-z]", password),
        "a digit": policy.digit and not re.search("[0-9]", password),
        "a symbol": policy.symbol and not _SYMBOLS & set(password),
    }
    missing = [name for name, is_missing in wanted.items() if is_missing]
    return f"The password needs {', '.join(missing)}." if missing else ""


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    import idna  # its tables cost milliseconds, and few addresses need them

    try:
        return idna.encode(domain, uts46=True).decode().lower()
    except idna.IDNAError:
        return ""
