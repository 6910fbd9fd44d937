"""Webhooks with anything changed on their way are refused, and nothing is written."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from parcelway.ports import clock, secret_values
from parcelway.ports.webhooks import TOLERANCE, sign_standard, sign_stripe

from infra.demo.people import Shopper, Warehouse
from infra.local.application import Application
from infra.local.gateway.messages import Headers, Response
from tests.orders import dossier_of
from tests.security.watching import nothing_written

NEW, OLD, FOREIGN = (
    "whsec_" + base64.b64encode(word * 4).decode() for word in (b"new!", b"old!", b"evil")
)
CLOCK = timedelta(seconds=2)  # so far from the edge of the tolerance


@dataclass(frozen=True)
class Hook:
    """One kind of signed webhook: its route, function, secret parameter, body and signer."""

    path: str
    function: str
    parameter: str
    body: bytes
    sign: Callable[[bytes, str, datetime], dict[str, str]]

    def post(self, app: Application, body: bytes, headers: Headers | Mapping[str, str]) -> Response:
        pairs = list(headers.items()) if isinstance(headers, Mapping) else headers
        return app.stack.request(
            "POST", self.path, body, [*pairs, ("Content-Type", "application/json")]
        )


def _stripe(body: bytes, secret: str, now: datetime) -> dict[str, str]:
    return {"stripe-signature": sign_stripe(body, secret, now)}


def _carrier(body: bytes, secret: str, now: datetime) -> dict[str, str]:
    return sign_standard(body, "msg-1", secret, now)


@pytest.fixture(scope="module")
def parcel(app: Application, article: Callable[..., str]) -> dict[str, Any]:
    """A parcel on its way, so that a carrier's event would be something to write."""
    shopper, warehouse = Shopper(app.url, app.stripe), Warehouse(app)
    shopper.buy((article(), 1))
    app.settle()
    (shipment,) = [s for s in warehouse.queue("dc-columbus") if s["order_id"] == shopper.id]
    shipped = warehouse.ship(shipment)
    app.settle()
    return shipped


@pytest.fixture(scope="module", params=["stripe", "carrier"])
def hook(request: pytest.FixtureRequest, app: Application, parcel: Mapping[str, Any]) -> Hook:
    if request.param == "stripe":
        dossier = dossier_of(app.database, parcel["order_id"])
        about = {"order_id": dossier.order.id}
        reference = dossier.payments[0].reference
        intent = {"object": "payment_intent", "id": reference, "metadata": about}
        body = json.dumps({"id": "evt_1", "data": {"object": intent}}).encode()
        name = "stripe-webhook-secrets"
        return Hook("/webhooks/stripe", "PaymentWebhookFunction", name, body, _stripe)
    event = {
        "event_id": "e-1",
        "carrier": parcel["carrier"],
        "parcel_number": parcel["parcel_number"],
        "status": "in_transit",
        "at": clock.now().isoformat(),
    }
    name, body = "carrier-webhook-secrets", json.dumps(event).encode()
    return Hook("/webhooks/carrier", "CarrierWebhookFunction", name, body, _carrier)


@pytest.fixture(autouse=True)
def two_secrets(app: Application, hook: Hook) -> Iterator[None]:
    """The middle of a rotation: the newest first. Put back afterwards."""
    ssm, name = app.stack.client("ssm"), f"/parcelway/{hook.parameter}"
    before = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    put = {"Name": name, "Type": "SecureString", "Overwrite": True}
    ssm.put_parameter(Value=f"{NEW}, {OLD}", **put)
    secret_values.forget()
    genuine = hook.sign(hook.body, NEW, clock.now())
    assert hook.post(app, hook.body, genuine).status == 200  # or the tests would test nothing
    app.settle()
    yield
    app.settle()
    ssm.put_parameter(Value=before, **put)
    secret_values.forget()


def refused(answer: Response, what: object) -> None:
    assert (answer.status, answer.json()["type"]) == (
        400,
        "urn:parcelway:problem:signature-refused",
    ), what


def mutations(text: bytes) -> Iterator[bytes]:
    """`text` with each byte changed in one bit, each byte gone, each byte twice, and cut off."""
    for place, byte in enumerate(text):
        yield text[:place] + bytes([byte ^ 1]) + text[place + 1 :]
        yield text[:place] + text[place + 1 :]
        yield text[: place + 1] + text[place:]
        if place % 8 == 0:
            yield text[:place]


def test_every_byte_of_the_body_counts(app: Application, hook: Hook) -> None:
    headers = hook.sign(hook.body, NEW, clock.now())
    with nothing_written(app):
        for body in {
            *mutations(hook.body),
            hook.body + b" ",
            b" " + hook.body,
            b"\xef\xbb\xbf" + hook.body,
        }:
            if body != hook.body:
                refused(hook.post(app, body, headers), body)


def test_every_byte_of_the_headers_counts(app: Application, hook: Hook) -> None:
    headers = hook.sign(hook.body, NEW, clock.now())
    with nothing_written(app):
        for name, value in headers.items():
            for changed in set(mutations(value.encode())):
                text = changed.decode("latin-1")
                if _parts(text) != _parts(value):
                    refused(hook.post(app, hook.body, headers | {name: text}), (name, text))


def _parts(header: str) -> list[str]:
    """What a header says: an empty item in a list is nothing."""
    return [part for part in header.split(",") if part]


def test_headers_that_are_missing_doubled_or_nonsense(app: Application, hook: Hook) -> None:
    headers = hook.sign(hook.body, NEW, clock.now())
    with nothing_written(app):
        for name, value in headers.items():
            rest = {key: other for key, other in headers.items() if key != name}
            refused(hook.post(app, hook.body, rest), f"no {name}")
            for text in ("", " ", ",", "=", "v1", "v1,", "t=,v1=", "t=0,v1=", "x" * 9000, "\u00e9"):
                refused(hook.post(app, hook.body, {**rest, name: text}), (name, text))
            for joined in (f"{value}\u0000", f"{value},{value}"):
                refused(hook.post(app, hook.body, {**rest, name: joined}), (name, joined))
            twice = [*rest.items(), (name, value), (name, "v1,AAAA")]  # the gateway takes the last
            refused(hook.post(app, hook.body, twice), f"{name} twice")


def test_a_signature_is_good_for_minutes_only(app: Application, hook: Hook) -> None:
    now = clock.now()
    with nothing_written(app):
        for age in (TOLERANCE + CLOCK, timedelta(days=1), timedelta(days=20_000)):
            for at in (now - age, now + age):
                refused(hook.post(app, hook.body, hook.sign(hook.body, NEW, at)), at)


def test_other_secrets_sign_nothing(app: Application, hook: Hook) -> None:
    empty = "whsec_" + base64.b64encode(b"\x00").decode()
    with nothing_written(app):
        for secret in (FOREIGN, f"{NEW}A===", empty, NEW.lower(), f"{NEW}, {OLD}"):
            try:
                headers = hook.sign(hook.body, secret, clock.now())
            except ValueError:
                continue  # not a secret at all to Standard Webhooks
            refused(hook.post(app, hook.body, headers), secret)
        for other in (b"{}", b"", b"null", hook.body[:-1] + b' , "a": 1}'):
            headers = hook.sign(other, NEW, clock.now())
            refused(hook.post(app, hook.body, headers), other)


def test_both_live_secrets_are_good_and_bytes_are_bytes(app: Application, hook: Hook) -> None:
    """However the gateway hands the body on, as text or as base64, it is the same body."""
    for secret in (NEW, OLD):
        headers = hook.sign(hook.body, secret, clock.now())
        assert hook.post(app, hook.body, headers).status == 200
    headers = hook.sign(hook.body, NEW, clock.now())
    seen: list[dict[str, Any]] = []
    for text, encoded in (
        (hook.body.decode(), False),
        (base64.b64encode(hook.body).decode(), True),
    ):
        seen.append(app.stack.invoke(hook.function, _event(hook, headers, text, encoded)))
    assert [answer["statusCode"] for answer in seen] == [200, 200]
    app.settle()
    with nothing_written(app):
        for text, encoded in (
            (base64.b64encode(hook.body).decode(), False),
            (base64.b64encode(hook.body + b"x").decode(), True),
            (base64.b64encode(base64.b64encode(hook.body)).decode(), True),
        ):
            answer = app.stack.invoke(hook.function, _event(hook, headers, text, encoded))
            assert answer["statusCode"] == 400, (text, encoded)


def _event(hook: Hook, headers: Mapping[str, str], body: str, encoded: bool) -> dict[str, Any]:
    sent = dict(headers) | {"content-type": "application/json"}
    return {
        "resource": hook.path,
        "path": hook.path,
        "httpMethod": "POST",
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"resourcePath": hook.path, "httpMethod": "POST", "identity": {}},
        "body": body,
        "isBase64Encoded": encoded,
    }
