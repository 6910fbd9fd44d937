"""Signed webhooks: what is signed verifies, anything else is refused, whatever it looks like."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from parcelway.ports.webhooks import (
    WebhookRefused,
    sign_standard,
    sign_stripe,
    verify_standard,
    verify_stripe,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET, OTHER = "whsec_current", "whsec_previous"
STANDARD = "whsec_" + base64.b64encode(b"a carrier's signing key, 32 byte").decode()
STANDARD_OTHER = "whsec_" + base64.b64encode(b"another key of the same carrier.").decode()

bodies = st.binary(min_size=1, max_size=300)
texts = st.text(max_size=120)


def reason(body: bytes, header: str, now: datetime = NOW) -> str:
    with pytest.raises(WebhookRefused) as refused:
        verify_stripe(body, header, [SECRET], now)
    return refused.value.reason


@given(bodies)
def test_what_we_sign_verifies_with_either_live_secret(body: bytes) -> None:
    for secret in (SECRET, OTHER):
        verify_stripe(body, sign_stripe(body, secret, NOW), [SECRET, OTHER], NOW)


@given(bodies, st.data())
def test_every_mutated_byte_is_refused(body: bytes, data: st.DataObject) -> None:
    header = sign_stripe(body, SECRET, NOW)
    where = data.draw(st.integers(0, len(body) - 1))
    flipped = data.draw(st.integers(1, 255))
    mutated = body[:where] + bytes([body[where] ^ flipped]) + body[where + 1 :]
    assert reason(mutated, header) == "signature_mismatch"
    assert reason(body[:-1], header) == "signature_mismatch"
    assert reason(body + b"\n", header) == "signature_mismatch"


def test_every_single_byte_of_a_real_body_matters() -> None:
    body = b'{"id": "evt_1", "type": "payment_intent.succeeded"}'
    header = sign_stripe(body, SECRET, NOW)
    for where in range(len(body)):
        mutated = body[:where] + bytes([body[where] ^ 1]) + body[where + 1 :]
        assert reason(mutated, header) == "signature_mismatch"


@given(bodies, texts)
def test_no_header_gets_through_or_breaks_the_verifier(body: bytes, header: str) -> None:
    assert reason(body, header) in {"header_malformed", "timestamp_old", "signature_mismatch"}


@given(bodies, st.lists(st.sampled_from(["t=1", "t=", "v1=", "v0=aa", ",", "=", "v1=é"])))
def test_headers_made_of_the_right_pieces_are_refused_too(body: bytes, pieces: list[str]) -> None:
    stamp = f"t={int(NOW.timestamp())}"
    assert reason(body, ",".join([stamp, *pieces])) in {"header_malformed", "signature_mismatch"}


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (timedelta(minutes=5, seconds=1), "timestamp_old"),
        (timedelta(days=3), "timestamp_old"),
        (-timedelta(minutes=5, seconds=1), "timestamp_future"),
        (-timedelta(days=365), "timestamp_future"),
    ],
)
def test_old_and_future_timestamps_are_refused(shift: timedelta, expected: str) -> None:
    assert reason(b"{}", sign_stripe(b"{}", SECRET, NOW), NOW + shift) == expected


@pytest.mark.parametrize("shift", [timedelta(minutes=5), -timedelta(minutes=5)])
def test_the_tolerance_itself_is_inside(shift: timedelta) -> None:
    verify_stripe(b"{}", sign_stripe(b"{}", SECRET, NOW), [SECRET], NOW + shift)


def test_a_timestamp_cannot_be_moved_without_the_secret() -> None:
    header = sign_stripe(b"{}", SECRET, NOW)
    later = int((NOW + timedelta(hours=1)).timestamp())
    forged = f"t={later},{header.partition(',')[2]}"
    assert reason(b"{}", forged, NOW + timedelta(hours=1)) == "signature_mismatch"


def test_several_signatures_and_unknown_schemes_are_understood() -> None:
    good = sign_stripe(b"{}", SECRET, NOW).partition(",")[2]
    stamp = f"t={int(NOW.timestamp())}"
    verify_stripe(b"{}", f"{stamp},v1={'0' * 64},{good},v0=ignored", [SECRET], NOW)
    assert reason(b"{}", f"{stamp},{good.replace('v1', 'v0')}") == "header_malformed"
    assert reason(b"{}", f"{stamp},{stamp},{good}") == "header_malformed"
    assert reason(b"{}", ",".join([stamp, *["v1=00"] * 17])) == "header_malformed"


@pytest.mark.parametrize("stamp", ["", "-1", "1_0", "１２", "1e9", "9" * 400, "nan", " 1"])
def test_a_timestamp_is_plain_digits(stamp: str) -> None:
    assert reason(b"{}", f"t={stamp},v1=00") == "header_malformed"


@pytest.mark.parametrize("secrets", [[], [""], [SECRET, ""]])
def test_verifying_without_a_secret_is_a_mistake_of_ours(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        verify_stripe(b"{}", sign_stripe(b"{}", SECRET, NOW), secrets, NOW)


@given(st.text(min_size=1, max_size=200, alphabet=st.characters(exclude_categories=["Cs"])))
def test_stripes_own_sdk_and_we_accept_each_other(text: str) -> None:
    now = datetime.fromtimestamp(int(time.time()), UTC)
    ours = sign_stripe(text.encode(), SECRET, now)
    assert stripe.WebhookSignature.verify_header(text, ours, SECRET, tolerance=300)
    theirs = stripe.WebhookSignature.generate_signature_header(
        text, SECRET, timestamp=int(now.timestamp())
    )
    verify_stripe(text.encode(), theirs, [SECRET], now)


# Standard Webhooks


def verify_with(body: bytes, headers: dict[str, str], secrets: list[str], now: datetime) -> None:
    message_id, timestamp, signature = headers.values()
    verify_standard(body, message_id, timestamp, signature, secrets, now)


def standard_reason(body: bytes, headers: dict[str, str], now: datetime = NOW) -> str:
    with pytest.raises(WebhookRefused) as refused:
        verify_with(body, headers, [STANDARD], now)
    return refused.value.reason


def test_the_specifications_own_example_verifies() -> None:
    """From the test suite of the specification's reference libraries."""
    headers = sign_standard(
        b'{"test": 2432232314}',
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(bodies, st.data())
def test_standard_webhooks_verify_and_mutations_do_not(body: bytes, data: st.DataObject) -> None:
    headers = sign_standard(body, "msg_1", STANDARD, NOW)
    verify_with(body, headers, [STANDARD_OTHER, STANDARD], NOW)
    where = data.draw(st.integers(0, len(body) - 1))
    mutated = body[:where] + bytes([body[where] ^ 0x20]) + body[where + 1 :]
    assert standard_reason(mutated, headers) == "signature_mismatch"
    assert standard_reason(body, headers | {"webhook-id": "msg_2"}) == "signature_mismatch"


@given(bodies, texts, texts, texts)
def test_standard_headers_of_any_text_are_refused(
    body: bytes, message_id: str, timestamp: str, signature: str
) -> None:
    headers = {"id": message_id, "timestamp": timestamp, "signature": signature}
    assert standard_reason(body, headers) in {"header_malformed", "timestamp_old"}
    stamped = headers | {"timestamp": str(int(NOW.timestamp())), "signature": f"v1,{signature}"}
    assert standard_reason(body, stamped) in {"header_malformed", "signature_mismatch"}


def test_standard_webhooks_rotate_and_age() -> None:
    headers = sign_standard(b"{}", "msg_1", STANDARD, NOW)
    both = f"v1a,asymmetric v1,{'A' * 43}= {headers['webhook-signature']}"
    verify_with(b"{}", headers | {"webhook-signature": both}, [STANDARD], NOW)
    assert standard_reason(b"{}", headers, NOW + timedelta(minutes=6)) == "timestamp_old"
    assert standard_reason(b"{}", headers, NOW - timedelta(minutes=6)) == "timestamp_future"


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "whsec_é"])
def test_a_standard_secret_is_base64(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        sign_standard(b"{}", "msg_1", secret, NOW)
