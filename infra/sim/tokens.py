"""Who is signed in: the simulated gateway believes every token, forging is tested elsewhere."""

from __future__ import annotations

import base64
import json

from infra.local.gateway.tokens import Refused


class Tokens:
    """Claims of ID tokens, as the gateway's TokenChecker gives them."""

    def claims(self, header: str | None, _scopes: tuple[str, ...]) -> dict[str, str]:
        """The payload of a JWT or of `staff_token`. Raises Refused without a token."""
        if not header:
            raise Refused("Unauthorized")
        payload = header.removeprefix("Bearer ").split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in found.items()
        }


def staff_token(*groups: str) -> str:
    """A token of somebody in staff groups."""
    name = groups[0]
    claims = {"sub": f"staff-{name}", "email": f"{name}@example.com", "cognito:groups": [*groups]}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"sim.{body}.sim"
