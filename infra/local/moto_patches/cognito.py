"""Cognito in moto: a signing key of our own, confirmation codes that count, triggers.

moto signs with a key published in its sources and accepts any confirmation code.
"""

from __future__ import annotations

import json
import secrets
import types
from typing import Any, Protocol

from joserfc import jwk, jwt
from jwt.algorithms import RSAAlgorithm
from moto.cognitoidp import models
from moto.cognitoidp.exceptions import (
    CodeMismatchException,
    ExpiredCodeException,
    InvalidParameterException,
    NotAuthorizedError,
    UserNotFoundError,
)
from moto.cognitoidp.models import CognitoIdpUser, CognitoIdpUserPool, UserStatus
from moto.cognitoidp.responses import CognitoIdpJsonWebKeyResponse, CognitoIdpResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult

from infra.local.patching import Patches

Pool = CognitoIdpUserPool
User = CognitoIdpUser


class Events(Protocol):
    """What the patched Cognito tells the stack."""

    def code(self, pool: Pool, user: User, code: str, purpose: str) -> None:
        """Mail `code` (or a temporary password) to the user."""

    def trigger(self, pool: Pool, user: User, name: str, source: str, client_id: str) -> Any:
        """Run a Lambda trigger if the pool declares it; raises TriggerFailed."""

    def hides_users(self, client_id: str) -> bool:
        """Whether the client has PreventUserExistenceErrors."""


class TriggerFailed(JsonRESTError):
    """A Lambda trigger refused."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(
            "UserLambdaValidationException", f"{name} failed with error {message}."
        )


def pool_of(pool_id: str, account: str, region: str) -> Pool:
    return models.cognitoidp_backends[account][region].user_pools[pool_id]


def public_key(pool_id: str, account: str, region: str, key_id: str | None) -> Any:
    """The pool's public key by id, for PyJWT. Raises KeyError for another id."""
    key = pool_of(pool_id, account, region).json_web_key
    if key_id != key.kid:
        raise KeyError(key_id)
    return RSAAlgorithm.from_jwk(json.dumps(key.as_dict(private=False)))


def client_ids(pool_id: str, account: str, region: str) -> set[str]:
    return set(pool_of(pool_id, account, region).clients)


def install(patches: Patches, events: Events) -> None:
    _own_key(patches)
    _codes(patches, events)
    _sign_in(patches, events)


def _own_key(patches: Patches) -> None:
    """One fresh RSA key per stack: nobody outside of this process can make a token."""
    key = jwk.RSAKey.generate_key(2048, {"kid": secrets.token_urlsafe(16), "alg": "RS256"})
    create = Pool.__init__

    def init(self: Pool, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        self.json_web_key = key

    def encode(header: dict[str, Any], claims: dict[str, Any], signing_key: Any) -> str:
        return jwt.encode({**header, "kid": key.kid}, claims, signing_key)

    public = json.dumps({"keys": [{**key.as_dict(private=False), "use": "sig"}]}).encode()
    patches.replace(Pool, "__init__", init)
    patches.replace(models, "jwt", types.SimpleNamespace(encode=encode))
    patches.replace(CognitoIdpJsonWebKeyResponse, "json_web_key", public)


def _find(handler: CognitoIdpResponse) -> tuple[Pool, User | None]:
    """The pool of the request's client, and the user it names."""
    client_id = handler._get_param("ClientId")
    for pool in handler.backend.user_pools.values():
        if client_id in pool.clients:
            return pool, pool._get_user(handler._get_param("Username"))
    raise InvalidParameterException(f"User pool client {client_id} does not exist.")


def _codes(patches: Patches, events: Events) -> None:
    handler = CognitoIdpResponse
    codes: dict[tuple[str, str], str] = {}

    def issue(pool: Pool, user: User, purpose: str) -> None:
        code = f"{secrets.randbelow(1_000_000):06d}"
        codes[user.id, purpose] = code
        events.code(pool, user, code, purpose)

    def check(self: CognitoIdpResponse, user: User | None, purpose: str) -> None:
        if user is None:
            raise ExpiredCodeException("Invalid code provided, please request a code again.")
        if codes.get((user.id, purpose)) != self._get_param("ConfirmationCode"):
            raise CodeMismatchException(
                "Invalid verification code provided, please try again."
            )

    def known(self: CognitoIdpResponse) -> tuple[Pool, User | None]:
        pool, user = _find(self)
        if user is None and not events.hides_users(self._get_param("ClientId")):
            raise UserNotFoundError("Username/client id combination not found.")
        return pool, user

    sign_up, confirm_forgot = handler.sign_up, handler.confirm_forgot_password
    create_user = handler.admin_create_user

    def new_sign_up(self: CognitoIdpResponse) -> ActionResult:
        answer = sign_up(self)
        pool, user = _find(self)
        assert user is not None
        client_id = self._get_param("ClientId")
        try:
            reply = events.trigger(pool, user, "PreSignUp", "PreSignUp_SignUp", client_id)
        except TriggerFailed:
            del pool.users[user.username]
            raise
        if reply and reply["response"].get("autoConfirmUser"):
            user.status = UserStatus.CONFIRMED
        else:
            issue(pool, user, "sign-up")
        return answer

    def confirm_sign_up(self: CognitoIdpResponse) -> ActionResult:
        pool, user = known(self)
        check(self, user, "sign-up")
        assert user is not None
        if user.status is not UserStatus.UNCONFIRMED:
            raise NotAuthorizedError("User cannot be confirmed. Current status is CONFIRMED")
        user.status = UserStatus.CONFIRMED
        user.update_attributes([{"Name": "email_verified", "Value": "true"}])
        del codes[user.id, "sign-up"]
        source = "PostConfirmation_ConfirmSignUp"
        events.trigger(pool, user, "PostConfirmation", source, self._get_param("ClientId"))
        return EmptyResult()

    def resend_confirmation_code(self: CognitoIdpResponse) -> ActionResult:
        pool, user = known(self)
        if user is not None and user.status is UserStatus.UNCONFIRMED:
            issue(pool, user, "sign-up")
        elif user is not None:
            raise InvalidParameterException("User is already confirmed.")
        return ActionResult({"CodeDeliveryDetails": _delivery(self._get_param("Username"))})

    def forgot_password(self: CognitoIdpResponse) -> ActionResult:
        pool, user = known(self)
        if user is not None:
            issue(pool, user, "password")
        return ActionResult({"CodeDeliveryDetails": _delivery(self._get_param("Username"))})

    def confirm_forgot_password(self: CognitoIdpResponse) -> ActionResult:
        pool, user = known(self)
        check(self, user, "password")
        assert user is not None
        self.backend._validate_password(pool.id, self._get_param("Password"))
        answer = confirm_forgot(self)
        del codes[user.id, "password"]
        if user.status is not UserStatus.CONFIRMED:
            user.status = UserStatus.CONFIRMED
        return answer

    def admin_create_user(self: CognitoIdpResponse) -> ActionResult:
        answer = create_user(self)
        if self._get_param("MessageAction") != "SUPPRESS":
            pool = self.backend.user_pools[self._get_param("UserPoolId")]
            user = pool._get_user(self._get_param("Username"))
            events.code(pool, user, str(user.password), "invitation")
        return answer

    patches.replace(handler, "sign_up", new_sign_up)
    patches.replace(handler, "confirm_sign_up", confirm_sign_up)
    patches.add(handler, "resend_confirmation_code", resend_confirmation_code)
    patches.replace(handler, "forgot_password", forgot_password)
    patches.replace(handler, "confirm_forgot_password", confirm_forgot_password)
    patches.replace(handler, "admin_create_user", admin_create_user)


def _sign_in(patches: Patches, events: Events) -> None:
    initiate = CognitoIdpResponse.initiate_auth
    allowed_names = {"REFRESH_TOKEN": "REFRESH_TOKEN_AUTH"}

    def initiate_auth(self: CognitoIdpResponse) -> ActionResult:
        flow, client_id = self._get_param("AuthFlow"), self._get_param("ClientId")
        pool, _ = _find_client(self, client_id)
        allowed = pool.clients[client_id].extended_config.get("ExplicitAuthFlows") or []
        if allowed and f"ALLOW_{allowed_names.get(flow, flow)}" not in allowed:
            raise InvalidParameterException(f"{flow} flow not enabled for this client")
        try:
            return initiate(self)
        except UserNotFoundError:
            if events.hides_users(client_id):
                raise NotAuthorizedError("Incorrect username or password.") from None
            raise

    patches.replace(CognitoIdpResponse, "initiate_auth", initiate_auth)


def _find_client(handler: CognitoIdpResponse, client_id: str) -> tuple[Pool, Any]:
    for pool in handler.backend.user_pools.values():
        if client_id in pool.clients:
            return pool, pool.clients[client_id]
    raise InvalidParameterException(f"User pool client {client_id} does not exist.")


def _delivery(username: str) -> dict[str, str]:
    first, _, domain = username.partition("@")
    masked = f"{first[:1]}***@{domain[:1]}***" if domain else "***"
    return {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": masked}


def attributes(user: User) -> dict[str, str]:
    """The user's attributes as a trigger's event holds them."""
    found = {item["Name"]: item["Value"] for item in user.attributes}
    return {"sub": user.id, "cognito:user_status": str(user.status.value), **found}


def setting(pool: Pool, name: str) -> Any:
    """A setting of the pool as given at creation."""
    return pool.extended_config.get(name)


