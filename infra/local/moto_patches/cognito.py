"""Cognito in moto: a signing key of our own, confirmation codes that count, triggers.

moto signs with a key published in its sources and accepts any confirmation code.
"""

from __future__ import annotations

import json
import secrets
import types
from collections.abc import Callable
from datetime import datetime, timedelta
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
from parcelway.ports import clock

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
        super().__init__("UserLambdaValidationException", f"{name} failed with error {message}.")


class UnsupportedUserState(JsonRESTError):
    """Only who was invited and has not come yet can be invited again."""

    def __init__(self) -> None:
        super().__init__("UnsupportedUserStateException", "Resend not possible in this state.")


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


def forget_users(account: str, region: str) -> None:
    """Empty every user pool."""
    for pool in models.cognitoidp_backends[account][region].user_pools.values():
        pool.users.clear()


def install(patches: Patches, events: Events) -> None:
    _own_key(patches)
    _ignore_case(patches)
    _sign_out(patches)
    codes = _codes(patches, events)
    _sign_in(patches, events, codes)


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


def _ignore_case(patches: Patches) -> None:
    """UsernameConfiguration.CaseSensitive: false, which moto stores but does not heed."""
    get_user = Pool._get_user

    def get_user_ignoring_case(self: Pool, username: str) -> User:
        found = get_user(self, username)
        ignores = (setting(self, "UsernameConfiguration") or {}).get("CaseSensitive") is False
        if found is not None or not ignores:
            return found
        for user in self.users.values():
            names = (user.username, attributes(user).get("email", ""))
            if username.casefold() in (name.casefold() for name in names):
                return user
        return found

    patches.replace(Pool, "_get_user", get_user_ignoring_case)


def _sign_out(patches: Patches) -> None:
    """A user is signed out by any of their names; moto ends only the sessions begun by that one."""
    sign_out = Pool.sign_out

    def sign_out_by_any_name(self: Pool, username: str) -> None:
        user = self._get_user(username)
        sessions = (*self.refresh_tokens.values(), *self.access_tokens.values())
        names = {session[1] for session in sessions if session is not None}
        for name in names:
            if name == username or (user is not None and self._get_user(name) is user):
                sign_out(self, name)

    patches.replace(Pool, "sign_out", sign_out_by_any_name)


def _client_pool(handler: CognitoIdpResponse) -> Pool:
    client_id = handler._get_param("ClientId")
    for pool in handler.backend.user_pools.values():
        if client_id in pool.clients:
            return pool
    raise InvalidParameterException(f"User pool client {client_id} does not exist.")


class _Codes:
    """Issued codes by (user, purpose), and the operations that need them."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._codes: dict[tuple[str, str], str] = {}
        self._invited: dict[str, datetime] = {}  # since when a temporary password is in force
        self._confirm_forgot = CognitoIdpResponse.confirm_forgot_password
        self._sign_up = CognitoIdpResponse.sign_up
        self._create_user = CognitoIdpResponse.admin_create_user

    def sign_up(self, request: CognitoIdpResponse) -> ActionResult:
        answer = self._sign_up(request)
        pool = _client_pool(request)
        user = pool._get_user(request._get_param("Username"))
        client_id = request._get_param("ClientId")
        try:
            reply = self._events.trigger(pool, user, "PreSignUp", "PreSignUp_SignUp", client_id)
        except TriggerFailed:
            del pool.users[user.username]
            raise
        if reply and reply["response"].get("autoConfirmUser"):
            user.status = UserStatus.CONFIRMED
        else:
            self._issue(pool, user, "sign-up")
        return answer

    def confirm_sign_up(self, request: CognitoIdpResponse) -> ActionResult:
        pool, user = self._checked(request, "sign-up")
        if user.status is not UserStatus.UNCONFIRMED:
            raise NotAuthorizedError("User cannot be confirmed. Current status is CONFIRMED")
        user.status = UserStatus.CONFIRMED
        user.update_attributes([{"Name": "email_verified", "Value": "true"}])
        del self._codes[user.id, "sign-up"]
        source = "PostConfirmation_ConfirmSignUp"
        client_id = request._get_param("ClientId")
        self._events.trigger(pool, user, "PostConfirmation", source, client_id)
        return EmptyResult()

    def resend_confirmation_code(self, request: CognitoIdpResponse) -> ActionResult:
        pool, user = self._known(request)
        if user is not None and user.status is not UserStatus.UNCONFIRMED:
            raise InvalidParameterException("User is already confirmed.")
        return self._send(request, pool, user, "sign-up")

    def forgot_password(self, request: CognitoIdpResponse) -> ActionResult:
        pool, user = self._known(request)
        if user is not None and user.status is UserStatus.FORCE_CHANGE_PASSWORD:
            raise NotAuthorizedError("User password cannot be reset in the current state.")
        return self._send(request, pool, user, "password")

    def confirm_forgot_password(self, request: CognitoIdpResponse) -> ActionResult:
        pool, user = self._checked(request, "password")
        request.backend._validate_password(pool.id, request._get_param("Password"))
        answer = self._confirm_forgot(request)
        del self._codes[user.id, "password"]
        user.status = UserStatus.CONFIRMED
        return answer

    def admin_create_user(self, request: CognitoIdpResponse) -> ActionResult:
        """With the temporary password that moto does not make, and the day of its end; RESEND keeps
        the user that moto would replace."""
        action, password = request._get_param("MessageAction"), secrets.token_urlsafe(15)
        pool = request.backend.user_pools[request._get_param("UserPoolId")]
        if action == "RESEND":
            user = pool._get_user(request._get_param("Username"))
            if user is None:
                raise UserNotFoundError("User does not exist.")
            if user.status is not UserStatus.FORCE_CHANGE_PASSWORD:
                raise UnsupportedUserState
            user.password = request._get_param("TemporaryPassword") or password
            answer = ActionResult({"User": user.to_json(extended=True)})
        else:
            answer = self._create_user(request)
            user = pool._get_user(request._get_param("Username"))
            user.password = user.password or password
        user.last_modified_date = self._invited[user.id] = clock.now()
        if action != "SUPPRESS":
            self._events.code(pool, user, str(user.password), "invitation")
        return answer

    def require_in_time(self, pool: Pool, user: User | None) -> None:
        """Refuse a sign-in with a temporary password whose days are over."""
        if user is None or user.status is not UserStatus.FORCE_CHANGE_PASSWORD:
            return
        policy = (setting(pool, "Policies") or {}).get("PasswordPolicy", {})
        days = timedelta(days=policy.get("TemporaryPasswordValidityDays", 7))
        if clock.now() > self._invited.get(user.id, clock.now()) + days:
            raise NotAuthorizedError(
                "Temporary password has expired and must be reset by an administrator."
            )

    def _issue(self, pool: Pool, user: User, purpose: str) -> None:
        code = f"{secrets.randbelow(1_000_000):06d}"
        self._codes[user.id, purpose] = code
        self._events.code(pool, user, code, purpose)

    def _send(
        self, request: CognitoIdpResponse, pool: Pool, user: User | None, purpose: str
    ) -> ActionResult:
        if user is not None:
            self._issue(pool, user, purpose)
        return ActionResult({"CodeDeliveryDetails": _delivery(request._get_param("Username"))})

    def _known(self, request: CognitoIdpResponse) -> tuple[Pool, User | None]:
        pool = _client_pool(request)
        user = pool._get_user(request._get_param("Username"))
        if user is None and not self._events.hides_users(request._get_param("ClientId")):
            raise UserNotFoundError("Username/client id combination not found.")
        return pool, user

    def _checked(self, request: CognitoIdpResponse, purpose: str) -> tuple[Pool, User]:
        pool, user = self._known(request)
        if user is None:
            raise ExpiredCodeException("Invalid code provided, please request a code again.")
        if self._codes.get((user.id, purpose)) != request._get_param("ConfirmationCode"):
            raise CodeMismatchException("Invalid verification code provided, please try again.")
        return pool, user


def _codes(patches: Patches, events: Events) -> _Codes:
    codes = _Codes(events)

    def handler(operation: Callable[..., ActionResult]) -> Callable[..., ActionResult]:
        def handle(self: CognitoIdpResponse) -> ActionResult:
            return operation(self)

        return handle

    patches.replace(CognitoIdpResponse, "sign_up", handler(codes.sign_up))
    patches.replace(CognitoIdpResponse, "confirm_sign_up", handler(codes.confirm_sign_up))
    patches.replace(CognitoIdpResponse, "forgot_password", handler(codes.forgot_password))
    patches.replace(CognitoIdpResponse, "admin_create_user", handler(codes.admin_create_user))
    confirm = handler(codes.confirm_forgot_password)
    patches.replace(CognitoIdpResponse, "confirm_forgot_password", confirm)
    resend = handler(codes.resend_confirmation_code)
    patches.add(CognitoIdpResponse, "resend_confirmation_code", resend)
    return codes


def _sign_in(patches: Patches, events: Events, codes: _Codes) -> None:
    initiate = CognitoIdpResponse.initiate_auth
    allowed_names = {"REFRESH_TOKEN": "REFRESH_TOKEN_AUTH"}

    def initiate_auth(self: CognitoIdpResponse) -> ActionResult:
        flow, client_id = self._get_param("AuthFlow"), self._get_param("ClientId")
        pool = _client_pool(self)
        allowed = pool.clients[client_id].extended_config.get("ExplicitAuthFlows") or []
        if allowed and f"ALLOW_{allowed_names.get(flow, flow)}" not in allowed:
            raise InvalidParameterException(f"{flow} flow not enabled for this client")
        if name := (self._get_param("AuthParameters") or {}).get("USERNAME"):
            codes.require_in_time(pool, pool._get_user(name))
        try:
            return initiate(self)
        except UserNotFoundError:
            if events.hides_users(client_id):
                raise NotAuthorizedError("Incorrect username or password.") from None
            raise

    patches.replace(CognitoIdpResponse, "initiate_auth", initiate_auth)


def _delivery(username: str) -> dict[str, str]:
    first, _, domain = username.partition("@")
    masked = f"{first[:1]}***@{domain[:1]}***" if domain else "***"
    return {"AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": masked}


def attributes(user: User) -> dict[str, str]:
    """The user's attributes as a trigger's event holds them."""
    found = {item["Name"]: item["Value"] for item in user.attributes}
    return {"sub": user.id, "cognito:user_status": UserStatus(user.status).value, **found}


def setting(pool: Pool, name: str) -> Any:
    """A setting of the pool as given at creation."""
    return pool.extended_config.get(name)
