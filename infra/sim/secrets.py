"""SSM parameters: the secrets of the simulated shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.sim.errors import client_error, not_simulated


@dataclass(frozen=True)
class Parameters:
    """Secrets under a prefix, as the README tells the owner to store them."""

    webhook_secret: str = "whsec_simulated"
    carrier_secret: str = "whsec_" + "c2ltdWxhdGVkIHNlY3JldCBvZiBhIGNhcnJpZXI="
    stripe_key: str = "sk_test_simulated"

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """GetParameter, the one operation that handlers use."""
        if operation != "GetParameter":
            raise not_simulated(f"ssm.{operation}")
        values = {
            "/parcelway/stripe-secret-key": self.stripe_key,
            "/parcelway/stripe-webhook-secrets": self.webhook_secret,
            "/parcelway/carrier-webhook-secrets": self.carrier_secret,
        }
        name = parameters["Name"]
        if name not in values:
            raise client_error("ParameterNotFound", operation)
        return {"Parameter": {"Name": name, "Value": values[name], "Type": "SecureString"}}
