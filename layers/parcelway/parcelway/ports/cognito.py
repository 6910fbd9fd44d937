"""Cognito as its users meet it, through an app client: sign-up, sessions, passwords."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from parcelway.domain.login import PasswordPolicy
from parcelway.ports.identity import (
    CodeRefused,
    IdentityFault,
    LoginRefused,
    NewPasswordRequired,
    PasswordRefused,
    SignInRefused,
    Tokens,
)
from parcelway.ports.user_pool import NOBODY, Meanings, UserPool, attributes, client

_NO_SIGN_IN: Meanings = {
    "NotAuthorizedException": SignInRefused,
    "UserNotFoundException": SignInRefused,
    "UserNotConfirmedException": SignInRefused,
    "PasswordResetRequiredException": SignInRefused,
    "InvalidParameterException": SignInRefused,
}
_NO_CODE: Meanings = {
    "CodeMismatchException": CodeRefused,
    "ExpiredCodeException": CodeRefused,
    "UserNotFoundException": CodeRefused,
    "UserNotConfirmedException": CodeRefused,
    "NotAuthorizedException": CodeRefused,
    "AliasExistsException": CodeRefused,
    "InvalidParameterException": CodeRefused,
    "TooManyFailedAttemptsException": CodeRefused,
    "LimitExceededException": CodeRefused,
}
_NO_PASSWORD: Meanings = {
    "InvalidPasswordException": PasswordRefused,
    "PasswordHistoryPolicyViolationException": PasswordRefused,
}
# Mail or none, the public gets one answer; these say that there was nobody to write to.
_NO_MAIL: Meanings = {
    "UserNotFoundException": None,
    "InvalidParameterException": None,
    "NotAuthorizedException": None,
    "LimitExceededException": None,
    "CodeDeliveryFailureException": None,
}


class Cognito(UserPool):
    """A Cognito user pool, through an app client that has no secret and allows passwords."""

    def __init__(self, client: Any, pool_id: str, client_id: str) -> None:
        super().__init__(client, pool_id)
        self._client_id = client_id
        self._policy: PasswordPolicy | None = None

    def policy(self) -> PasswordPolicy:
        """See Identity.policy; read once."""
        if self._policy is None:
            pool = self._call("describe_user_pool", {}, UserPoolId=self._pool_id)
            rules = pool["UserPool"].get("Policies", {}).get("PasswordPolicy", {})
            self._policy = PasswordPolicy(
                rules.get("MinimumLength", 8),
                rules.get("RequireUppercase", True),
                rules.get("RequireLowercase", True),
                rules.get("RequireNumbers", True),
                rules.get("RequireSymbols", True),
            )
        return self._policy

    def sign_up(self, email: str, password: str, name: str, language: str) -> str | None:
        """See Identity.sign_up."""
        answer = self._call(
            "sign_up",
            {
                "UsernameExistsException": None,
                "InvalidParameterException": LoginRefused,
                **_NO_PASSWORD,
            },
            ClientId=self._client_id,
            Username=email,
            Password=password,
            UserAttributes=attributes({"email": email, "name": name, "locale": language}),
        )
        return answer["UserSub"] if answer else None

    def confirm(self, email: str, code: str) -> None:
        """See Identity.confirm."""
        self._call(
            "confirm_sign_up",
            _NO_CODE,
            ClientId=self._client_id,
            Username=email,
            ConfirmationCode=code,
        )

    def resend(self, email: str) -> None:
        """See Identity.resend."""
        self._call("resend_confirmation_code", _NO_MAIL, ClientId=self._client_id, Username=email)

    def sign_in(self, email: str, password: str) -> Tokens:
        """See Identity.sign_in."""
        answer = self._initiate("USER_PASSWORD_AUTH", USERNAME=email, PASSWORD=password)
        challenge = answer.get("ChallengeName")
        if challenge == "NEW_PASSWORD_REQUIRED":
            known = answer["ChallengeParameters"]
            # The answer to a challenge takes the user name, never an alias.
            user_name = known.get("USER_ID_FOR_SRP") or known["USERNAME"]
            raise NewPasswordRequired(f"{user_name}:{answer['Session']}")
        if challenge:
            raise IdentityFault("initiate_auth", f"challenge {challenge}")
        return _tokens(answer["AuthenticationResult"])

    def set_new_password(self, session: str, password: str) -> Tokens:
        """See Identity.set_new_password."""
        user_name, _, cognitos = session.partition(":")
        answer = self._call(
            "respond_to_auth_challenge",
            {
                **_NO_SIGN_IN,
                **_NO_PASSWORD,
                "CodeMismatchException": SignInRefused,
                "ExpiredCodeException": SignInRefused,
                "ResourceNotFoundException": SignInRefused,
            },
            ClientId=self._client_id,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=cognitos,
            ChallengeResponses={"USERNAME": user_name, "NEW_PASSWORD": password},
        )
        return _tokens(answer["AuthenticationResult"])

    def refresh(self, refresh_token: str) -> Tokens:
        """See Identity.refresh."""
        answer = self._initiate("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=refresh_token)
        return _tokens(answer["AuthenticationResult"], refresh_token)

    def sign_out(self, access_token: str) -> None:
        """See Identity.sign_out."""
        self._call("global_sign_out", _NO_SIGN_IN, AccessToken=access_token)

    def send_reset(self, email: str) -> None:
        """See Identity.send_reset."""
        self._call("forgot_password", _NO_MAIL, ClientId=self._client_id, Username=email)

    def reset(self, email: str, code: str, password: str) -> None:
        """See Identity.reset."""
        self._call(
            "confirm_forgot_password",
            {**_NO_CODE, **_NO_PASSWORD, "ResourceNotFoundException": CodeRefused},
            ClientId=self._client_id,
            Username=email,
            ConfirmationCode=code,
            Password=password,
        )
        self._call("admin_user_global_sign_out", NOBODY, UserPoolId=self._pool_id, Username=email)

    def _initiate(self, flow: str, **parameters: str) -> Any:
        return self._call(
            "initiate_auth",
            _NO_SIGN_IN,
            ClientId=self._client_id,
            AuthFlow=flow,
            AuthParameters=parameters,
        )


def cognito() -> Cognito:
    """This function's user pool and app client, from its environment. Keep it: one per container.

    Raises KeyError when USER_POOL_ID or USER_POOL_CLIENT_ID is not set.
    """
    return Cognito(client(), os.environ["USER_POOL_ID"], os.environ["USER_POOL_CLIENT_ID"])


def _tokens(result: Mapping[str, Any], refresh_token: str = "") -> Tokens:
    return Tokens(
        result["IdToken"],
        result["AccessToken"],
        result.get("RefreshToken", refresh_token),
        result["ExpiresIn"],
    )
