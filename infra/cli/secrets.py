"""Make and replace a deployment's secrets: SSM SecureStrings, which CloudFormation cannot make.

    stripe-secret-key        asked for, or taken from STRIPE_SECRET_KEY
    stripe-webhook-secrets   asked for, or taken from STRIPE_WEBHOOK_SECRET
    carrier-webhook-secrets  generated; give it to the carrier (--show)

A webhook has at most two live secrets, the newest first: both verify while the sender changes over.
What is entered is never printed.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

NAME = "secrets"
HELP = "make or replace a secret of a deployment"

_KEY_BYTES = 32  # Standard Webhooks asks for 24 to 64
_LIVE = 2


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret: how it looks, where it comes from, how many values are live at once."""

    name: str
    pattern: str
    variable: str = ""  # the environment variable to take it from; '': it is generated
    live: int = 1


SECRETS: Mapping[str, Secret] = {
    secret.name: secret
    for secret in (
        Secret("stripe-secret-key", r"[sr]k_(test|live)_[A-Za-z0-9]{10,}", "STRIPE_SECRET_KEY"),
        Secret(
            "stripe-webhook-secrets", r"whsec_[\x21-\x2b\x2d-\x7e]+", "STRIPE_WEBHOOK_SECRET", _LIVE
        ),
        Secret("carrier-webhook-secrets", r"whsec_[A-Za-z0-9+/]+=*", live=_LIVE),
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "secret", choices=[*SECRETS, "status"], help="which one; or which there are"
    )
    parser.add_argument("--prefix", default="parcelway", help="the stack's SecretPrefix")
    parser.add_argument(
        "--show", action="store_true", help="print a generated secret, to hand it to the sender"
    )
    parser.add_argument(
        "--drop-old", action="store_true", help="let only the newest secret live on; make none"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write one secret. Exit code 1 when it is unusable or AWS refuses, 2 for wrong usage."""
    try:
        client = boto3.client("ssm")
        if arguments.secret == "status":
            print("\n".join(status(client, arguments.prefix)))
            return 0
        secret = SECRETS[arguments.secret]
        if (arguments.show and secret.variable) or (arguments.drop_old and secret.live == 1):
            print("parcelway secrets: not an option of this secret", file=sys.stderr)
            return 2
        if arguments.drop_old:
            kept = keep_newest(client, arguments.prefix, secret)
            print(f"{secret.name}: {'only the newest is live' if kept else 'there is none'}")
            return 0 if kept else 1
        value = (
            _generated() if not secret.variable else _entered(secret, os.environ, getpass.getpass)
        )
        live = put(client, arguments.prefix, secret, value)
    except ValueError as error:
        print(f"parcelway secrets: {error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"parcelway secrets: {error}", file=sys.stderr)
        return 1
    print(f"{secret.name}: stored, {live} live")
    if arguments.show:
        print(value)
    return 0


def put(client: Any, prefix: str, secret: Secret, value: str) -> int:
    """Make `value` the newest of a secret's values; how many are live then.

    Storing the newest once more changes nothing. Raises ValueError for one of another form.
    """
    if not re.fullmatch(secret.pattern, value):
        raise ValueError(f"this does not look like {secret.name}")
    before = _values(client, prefix, secret)
    values = [value, *(old for old in before if old != value)][: secret.live]
    if values != before:
        _store(client, prefix, secret, values)
    return len(values)


def keep_newest(client: Any, prefix: str, secret: Secret) -> bool:
    """Let only the newest value live on; False when there is none at all."""
    values = _values(client, prefix, secret)
    if len(values) > 1:
        _store(client, prefix, secret, values[:1])
    return bool(values)


def status(client: Any, prefix: str) -> list[str]:
    """One line per secret: how many values are live."""
    lines = []
    for secret in SECRETS.values():
        values = _values(client, prefix, secret)
        lines.append(f"{secret.name}: {len(values) or 'missing'}{' live' if values else ''}")
    return lines


def _values(client: Any, prefix: str, secret: Secret) -> list[str]:
    try:
        found = client.get_parameter(Name=f"/{prefix}/{secret.name}", WithDecryption=True)
    except client.exceptions.ParameterNotFound:
        return []
    return [part.strip() for part in found["Parameter"]["Value"].split(",") if part.strip()]


def _store(client: Any, prefix: str, secret: Secret, values: list[str]) -> None:
    client.put_parameter(
        Name=f"/{prefix}/{secret.name}",
        Value=",".join(values),
        Type="SecureString",
        Overwrite=True,
    )


def _generated() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _entered(secret: Secret, environment: Mapping[str, str], ask: Callable[[str], str]) -> str:
    given = environment.get(secret.variable)
    return (given if given is not None else ask(f"{secret.name}: ")).strip()
