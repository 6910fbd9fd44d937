"""Checks of the Cognito authorizer, as API Gateway makes them."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt

from infra.local.moto_patches import cognito

_CACHE_LIMIT = 2000


class Refused(Exception):
    """The token is not accepted; the message is what the client may know."""


class TokenChecker:
    """Verifies identity tokens (access tokens where a route asks for scopes)."""

    def __init__(self, pool_ids: list[str], account: str, region: str) -> None:
        self._pools = pool_ids
        self._account = account
        self._region = region
        self._verified: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}

    def claims(self, authorization: str | None, scopes: tuple[str, ...]) -> dict[str, str]:
        """The token's claims as API Gateway hands them on: all of them strings.

        Raises Refused when the token is missing, forged, expired, or of the wrong kind.
        """
        if not authorization:
            raise Refused("Unauthorized")
        token = authorization.removeprefix("Bearer ")
        known = self._verified.get((token, scopes))
        if known is None:
            known = self._verify(token, scopes)
            if len(self._verified) >= _CACHE_LIMIT:
                self._verified.clear()
            self._verified[token, scopes] = known
        if known["exp"] < time.time():
            raise Refused("The incoming token has expired")
        return {name: _text(name, value) for name, value in known.items()}

    def _verify(self, token: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        if not _is_compact(token):
            raise Refused("Unauthorized")
        for pool_id in self._pools:
            issuer = f"https://cognito-idp.{self._region}.amazonaws.com/{pool_id}"
            try:
                key_id = jwt.get_unverified_header(token).get("kid")
                key = cognito.public_key(pool_id, self._account, self._region, key_id)
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key,
                    algorithms=["RS256"],
                    issuer=issuer,
                    options={"verify_aud": False, "require": ["exp", "iat", "sub", "token_use"]},
                )
            except jwt.ExpiredSignatureError:
                raise Refused("The incoming token has expired") from None
            except (jwt.InvalidTokenError, KeyError):
                continue
            clients = cognito.client_ids(pool_id, self._account, self._region)
            _check_use(claims, scopes, clients)
            return claims
        raise Refused("Unauthorized")


def _is_compact(token: str) -> bool:
    """Whether a token is three parts of canonical base64url: PyJWT skips what it cannot decode."""
    parts = token.split(".")
    return len(parts) == 3 and all(_canonical(part) == part for part in parts)


def _canonical(part: str) -> str | None:
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
    except ValueError:
        return None
    return base64.urlsafe_b64encode(decoded).decode().rstrip("=")


def _check_use(claims: dict[str, Any], scopes: tuple[str, ...], clients: set[str]) -> None:
    use = claims.get("token_use")
    client = claims.get("aud") if use == "id" else claims.get("client_id")
    if client not in clients or use != ("access" if scopes else "id"):
        raise Refused("Unauthorized")
    if scopes and not set(scopes) & set(str(claims.get("scope", "")).split()):
        raise Refused("Unauthorized")


_TIMES = {"exp", "iat"}


def _text(name: str, value: Any) -> str:
    format_value: Callable[[Any], str] = str
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    if name in _TIMES:
        return datetime.fromtimestamp(value, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
    return format_value(value)
