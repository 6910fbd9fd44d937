"""Secrets from SSM Parameter Store (SecureString: free, encrypted), cached for five minutes."""

from __future__ import annotations

from aws_lambda_powertools.utilities import parameters

_CACHED_SECONDS = 300


def secret(name: str) -> str:
    """The decrypted value of a parameter. Raises GetParameterError when there is none."""
    value: str = parameters.get_parameter(name, decrypt=True, max_age=_CACHED_SECONDS)
    return value


def secrets_of(name: str) -> list[str]:
    """The values of a parameter that holds several, separated by commas: the live secrets of a
    webhook, the newest first, so that one can be replaced without a gap."""
    return [part.strip() for part in secret(name).split(",") if part.strip()]
