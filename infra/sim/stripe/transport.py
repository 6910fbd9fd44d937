"""The stripe SDK's HTTP, led to a Provider: below its retries, above its sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import stripe
from requests.structures import CaseInsensitiveDict

from infra.local.patching import Patches
from infra.sim.errors import not_simulated
from infra.sim.stripe.provider import Provider, route

T = TypeVar("T")


class Around(Protocol):
    """What happens about each HTTP attempt of the SDK.

    `label` is `stripe.` and the SDK's name of the call (`stripe.PaymentIntentCapture`); `attempt`
    makes the request and may be called not at all, once or more often. What this raises the SDK
    takes for its transport's: `connection_error()` is repeated by its own rules (with `time.sleep`
    in between), anything else ends the call.
    """

    def __call__(self, label: str, attempt: Callable[[], T], /) -> T:
        """The answer the SDK gets."""
        ...


def untouched(_: str, attempt: Callable[[], T]) -> T:
    """One attempt, one answer."""
    return attempt()


def connection_error() -> stripe.APIConnectionError:
    """What the SDK raises when no answer came, whether or not the request arrived."""
    return stripe.APIConnectionError(  # type: ignore[no-untyped-call]
        "simulated: no answer", should_retry=True
    )


def too_many_requests() -> tuple[bytes, int, Mapping[str, str]]:
    """The answer to a request over the rate limit, which did nothing (docs.stripe.com/rate-limits).

    The SDK does not repeat it by itself.
    """
    error = {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}
    return json.dumps({"error": error}).encode(), 429, CaseInsensitiveDict()


def installed(provider: Provider, patches: Patches, around: Around = untouched) -> None:
    """Let every `stripe.RequestsClient` talk to `provider` until `patches.undo()`.

    The SDK's encoding, keys, retries and errors stay in force. Streams, which Parcelway does not
    use, are refused rather than let out to the network.
    """

    def request(
        _: stripe.RequestsClient,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: str | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        def attempt() -> tuple[bytes, int, Mapping[str, str]]:
            status, answered, body = provider.request(method, url, headers or {}, post_data)
            return body.encode(), status, CaseInsensitiveDict(answered)

        return around(_label(method, url), attempt)

    def request_stream(*_: object, **__: object) -> None:
        raise not_simulated("a stream of Stripe's")

    patches.replace(stripe.RequestsClient, "request", request)
    patches.replace(stripe.RequestsClient, "request_stream", request_stream)


def _label(method: str, url: str) -> str:
    call, _ = route(method.upper(), urlsplit(url).path)
    return f"stripe.{call.name if call else 'Unknown'}"
