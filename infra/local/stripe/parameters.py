"""Which parameters an endpoint takes: the official SDK's own lists, so that they stay Stripe's."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TypedDict

from stripe import RequestOptions

from infra.local.stripe.errors import Json, invalid

# Sent by a browser, where the SDK's lists are a server's.
_BROWSER = frozenset({"client_secret", "key"})


def check_parameters(operation: str, params: Json) -> None:
    """Raise Refusal unless `operation` (`PaymentIntentCreate`, ...) takes all of `params`."""
    if "payment_method_types" in params and operation.startswith("PaymentIntent"):
        raise invalid(
            "payment_method_types is no longer supported; use allowed_payment_method_types.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    for name in params:
        if name not in _known(operation):
            message = f"Received unknown parameter: {name[:80]}"
            raise invalid(message, code="parameter_unknown", param=name[:80])


@cache
def _known(operation: str) -> frozenset[str]:
    declared: type[TypedDict] = getattr(  # type: ignore[valid-type]
        import_module("stripe.params"), f"{operation}Params"
    )
    options = frozenset(RequestOptions.__annotations__)
    return frozenset(declared.__annotations__) - options | _BROWSER
