"""Signed webhooks: is this body from whom it claims, and fresh? Standard library only.

The webhook functions answer in milliseconds and must not pay for importing a provider's SDK.
Verify the raw bytes before parsing them. A replay inside the tolerance verifies; being applied
once is the business of whoever handles the event.

- Stripe: `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>...]`, HMAC-SHA256 of `<t>.<body>`
  keyed with the secret's text (docs.stripe.com/webhooks#verify-manually).
- Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64> ...`,
  HMAC-SHA256 of `<id>.<timestamp>.<body>` keyed with the bytes behind `whsec_<base64>`
  (github.com/standard-webhooks/standard-webhooks, spec).

Both refuse timestamps of the future as well as old ones: a signature made for next year would
otherwise stay good until then.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

Reason = Literal["header_malformed", "timestamp_old", "timestamp_future", "signature_mismatch"]

TOLERANCE = timedelta(minutes=5)
# More than the two of a rotation, and few enough that nobody makes us hash for long.
_MAX_SIGNATURES = 16


class WebhookRefused(Exception):
    """The delivery must not be believed. `reason` is safe to log and to count."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def verify_stripe(
    body: bytes,
    header: str,
    secrets: Sequence[str],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Return if `header` (Stripe-Signature) signs `body` with one of `secrets` at about `now`.

    Raises WebhookRefused otherwise, whatever the header holds, and ValueError when `secrets` is
    empty or holds an empty one, which would let anybody sign.
    """
    _require(secrets)
    stamps: list[str] = []
    signatures: list[str] = []
    for item in header.split(","):
        name, _, value = item.partition("=")
        if name == "t":
            stamps.append(value)
        elif name == "v1":
            signatures.append(value)
    if len(stamps) != 1:
        raise WebhookRefused("header_malformed")
    stamp = _timestamp(stamps[0], now, tolerance)
    expected = [_stripe_signature(body, stamp, secret) for secret in secrets]
    _match(expected, signatures)


def sign_stripe(body: bytes, secret: str, now: datetime) -> str:
    """The Stripe-Signature header a provider with `secret` would send with `body` at `now`."""
    stamp = str(int(now.timestamp()))
    return f"t={stamp},v1={_stripe_signature(body, stamp, secret)}"


def verify_standard(
    body: bytes,
    message_id: str,
    timestamp: str,
    signature: str,
    secrets: Sequence[str],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Return if the three Standard Webhooks headers sign `body` with one of `secrets` at `now`.

    Raises WebhookRefused otherwise, and ValueError for unusable `secrets`.
    """
    _require(secrets)
    if not message_id:
        raise WebhookRefused("header_malformed")
    stamp = _timestamp(timestamp, now, tolerance)
    signatures = [
        value
        for version, _, value in (item.partition(",") for item in signature.split(" "))
        if version == "v1"
    ]
    _match([_standard_signature(body, message_id, stamp, key) for key in secrets], signatures)


def sign_standard(body: bytes, message_id: str, secret: str, now: datetime) -> dict[str, str]:
    """The three Standard Webhooks headers for `body`, lower-case names to values."""
    stamp = str(int(now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{_standard_signature(body, message_id, stamp, secret)}",
    }


def _require(secrets: Iterable[str]) -> None:
    kept = list(secrets)
    if not kept or not all(kept):
        raise ValueError("webhooks cannot be verified without a secret")


def _timestamp(text: str, now: datetime, tolerance: timedelta) -> str:
    # ASCII digits only, few of them: int() takes '１２', '1_0' and a megabyte of nines, too.
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise WebhookRefused("header_malformed")
    age = now.timestamp() - int(text)
    if age > tolerance.total_seconds():
        raise WebhookRefused("timestamp_old")
    if -age > tolerance.total_seconds():
        raise WebhookRefused("timestamp_future")
    return text


def _match(expected: Sequence[str], signatures: Sequence[str]) -> None:
    if not 1 <= len(signatures) <= _MAX_SIGNATURES:
        raise WebhookRefused("header_malformed")
    # Bytes, because compare_digest raises on text outside ASCII; every pair is compared, so the
    # time taken does not tell which secret came close.
    matches = [
        hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))
        for ours in expected
        for theirs in signatures
    ]
    if not any(matches):
        raise WebhookRefused("signature_mismatch")


def _stripe_signature(body: bytes, stamp: str, secret: str) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _standard_signature(body: bytes, message_id: str, stamp: str, secret: str) -> str:
    signed = f"{message_id}.{stamp}.".encode("utf-8", "surrogatepass") + body
    digest = hmac.new(_standard_key(secret), signed, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _standard_key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a Standard Webhooks secret is whsec_ and base64") from error
    if not key:
        raise ValueError("a Standard Webhooks secret is whsec_ and base64")
    return key
