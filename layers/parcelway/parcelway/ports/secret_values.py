"""Secrets from SSM Parameter Store (SecureString: free, encrypted), cached for five minutes.

Not by Powertools' parameters: importing those and the boto3 session they make of their own cost a
start as much as a fifth of boto3 itself.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from parcelway import aws

_CACHED_SECONDS = 300.0
_kept: dict[str, tuple[float, str]] = {}  # when it was read, and the value, by name


def secret(name: str) -> str:
    """The decrypted value of a parameter. Raises ClientError (ParameterNotFound) without one."""
    kept = _kept.get(name)
    if kept is None or time.monotonic() - kept[0] > _CACHED_SECONDS:
        answer = client().get_parameter(Name=name, WithDecryption=True)
        kept = _kept[name] = (time.monotonic(), answer["Parameter"]["Value"])
    return kept[1]


def secrets_of(name: str) -> list[str]:
    """The values of a parameter that holds several, separated by commas: the live secrets of a
    webhook, the newest first, so that one can be replaced without a gap."""
    return [part.strip() for part in secret(name).split(",") if part.strip()]


@cache
def client() -> Any:
    """The client that secrets are read with, one per process."""
    return aws.client("ssm")


def forget() -> None:
    """Read every secret anew, with a new client: they are of another deployment from now on."""
    _kept.clear()
    client.cache_clear()
