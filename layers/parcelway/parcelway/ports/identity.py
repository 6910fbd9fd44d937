"""Who may sign in: a small interface, and Cognito behind it.

Cognito's rules this adapter builds on, each with the page of its documentation that states it:
- A user name has at most 128 characters; in a pool that signs in by e-mail, the address is an
  alias that every call takes for a user name (SignUp, AdminGetUser). The admin calls take the `sub`
  as well, which stays the same when the user changes the address (AdminDisableUser, `Username`).
- SignUp tells whether an address is taken, whatever `PreventUserExistenceErrors` says (Managing
  user existence error responses). What the public may learn is up to the caller.
- A user who is not confirmed gets UserNotConfirmedException for any password (aws-sdk-js issue
  4608, amazon-cognito-identity-js issue 288: intended). So it counts as a refused sign-in here.
- Tokens that were handed out stay valid for API Gateway until they expire, even after a sign-out.
Messages of Cognito's errors can quote what was sent, so only their codes leave this module.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from parcelway import aws
from parcelway.domain.login import PasswordPolicy
from parcelway.values import dataclass


class IdentityUnavailable(Exception):
    """No usable answer: throttled, or the provider's own fault. Try again later."""


class IdentityFault(Exception):
    """The provider refuses a call for a reason that only its set-up explains."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation}: {code}")
        self.code = code


class SignInRefused(Exception):
    """No tokens: unknown, unproven, disabled, locked out, or the wrong secret. Not told which."""


class CodeRefused(Exception):
    """The code is wrong, expired or used, or there is nobody it could be for. Not told which."""


class PasswordRefused(Exception):
    """The password breaks the pool's policy (or is known to have leaked)."""


class LoginRefused(Exception):
    """The provider does not take this address or name for a login."""


class NewPasswordRequired(Exception):
    """The password was right but temporary; `session` continues the sign-in with a new one."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the pool. `key` names it to the provider, `subject` is its tokens' `sub`.

    `proven`: the mailbox is the user's. `pending`: signed up and never confirmed. `invited`: made
    for them, and no password of their own chosen yet.
    """

    key: str
    subject: str
    email: str
    name: str = ""
    language: str = ""
    proven: bool = False
    pending: bool = False
    invited: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives; `expires_in` seconds for the first two."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int

    @property
    def subject(self) -> str:
        """Whose they are. Not verified: they come from the provider itself."""
        claims = self.id_token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        subject: str = json.loads(urlsafe_b64decode(padded))["sub"]
        return subject


class Identity(Protocol):
    """What Parcelway asks of the identity provider. `email` is always normalised.

    Every method raises IdentityUnavailable and IdentityFault.
    """

    def policy(self) -> PasswordPolicy:
        """The password policy of the pool."""
        ...

    def find(self, email: str) -> Login | None:
        """The user with this address; None when there is none."""
        ...

    def find_subject(self, subject: str) -> Login | None:
        """The user with this subject, whatever their address is now; None when there is none."""
        ...

    def is_staff(self, subject: str) -> bool:
        """Whether this user is in a group: all groups of the pool are staff's."""
        ...

    def sign_up(self, email: str, password: str, name: str, language: str) -> str | None:
        """Make a pending user, mail a code, and return the subject; None when the address is taken.

        Raises PasswordRefused, LoginRefused.
        """
        ...

    def invite(self, email: str, name: str, language: str) -> str | None:
        """Make a user for somebody, mail them a temporary password that nobody else sees, and
        return the subject; None when the address is taken. Raises LoginRefused.
        """
        ...

    def invite_again(self, email: str) -> bool:
        """Mail a new temporary password to an invited user; whether there is one."""
        ...

    def forget(self, login: Login) -> None:
        """Delete exactly this user; nothing when it is gone already."""
        ...

    def shut_out(self, subject: str) -> None:
        """Let a user sign in no more, and end their sessions; nothing when there is none."""
        ...

    def let_in(self, subject: str) -> None:
        """Let a user sign in again who was shut out; nothing when there is none."""
        ...

    def confirm(self, email: str, code: str) -> None:
        """Prove the mailbox of a pending user. Raises CodeRefused."""
        ...

    def resend(self, email: str) -> None:
        """Mail a new code if there is a pending user."""
        ...

    def sign_in(self, email: str, password: str) -> Tokens:
        """Raises SignInRefused, NewPasswordRequired."""
        ...

    def set_new_password(self, session: str, password: str) -> Tokens:
        """Continue after NewPasswordRequired. Raises SignInRefused, PasswordRefused."""
        ...

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token. Raises SignInRefused."""
        ...

    def sign_out(self, access_token: str) -> None:
        """End every session of the token's user. Raises SignInRefused for a token not in force."""
        ...

    def send_reset(self, email: str) -> None:
        """Mail a code for a new password if there is a user who may have one."""
        ...

    def reset(self, email: str, code: str, password: str) -> None:
        """Set a new password and end every session. Raises CodeRefused, PasswordRefused."""
        ...


_Meanings = Mapping[str, type[Exception] | None]

_UNAVAILABLE = {
    "TooManyRequestsException",
    "InternalErrorException",
    "ThrottlingException",
    "ServiceUnavailableException",
    "LimitExceededException",
    "CodeDeliveryFailureException",
}
_NOBODY: _Meanings = {"UserNotFoundException": None}
_NO_SIGN_IN: _Meanings = {
    "NotAuthorizedException": SignInRefused,
    "UserNotFoundException": SignInRefused,
    "UserNotConfirmedException": SignInRefused,
    "PasswordResetRequiredException": SignInRefused,
    "InvalidParameterException": SignInRefused,
}
_NO_CODE: _Meanings = {
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
_NO_PASSWORD: _Meanings = {
    "InvalidPasswordException": PasswordRefused,
    "PasswordHistoryPolicyViolationException": PasswordRefused,
}
# Mail or none, the public gets one answer; these say that there was nobody to write to.
_NO_MAIL: _Meanings = {
    "UserNotFoundException": None,
    "InvalidParameterException": None,
    "NotAuthorizedException": None,
    "LimitExceededException": None,
    "CodeDeliveryFailureException": None,
}


class Cognito:
    """A Cognito user pool, through an app client that has no secret and allows passwords."""

    def __init__(self, client: Any, pool_id: str, client_id: str) -> None:
        self._client = client
        self._pool_id = pool_id
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

    def find(self, email: str) -> Login | None:
        """See Identity.find."""
        return self._login(email)

    def find_subject(self, subject: str) -> Login | None:
        """See Identity.find_subject."""
        return self._login(subject)

    def is_staff(self, subject: str) -> bool:
        """See Identity.is_staff."""
        answer = self._call(
            "admin_list_groups_for_user", _NOBODY, UserPoolId=self._pool_id, Username=subject
        )
        return answer is not None and bool(answer["Groups"])

    def _login(self, name: str) -> Login | None:
        user = self._call("admin_get_user", _NOBODY, UserPoolId=self._pool_id, Username=name)
        if user is None:
            return None
        attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
        status = user["UserStatus"]
        return Login(
            user["Username"],
            attributes["sub"],
            attributes["email"],
            attributes.get("name", ""),
            attributes.get("locale", ""),
            proven=status == "CONFIRMED",
            pending=status == "UNCONFIRMED" and user["Enabled"],
            invited=status == "FORCE_CHANGE_PASSWORD",
        )

    def sign_up(self, email: str, password: str, name: str, language: str) -> str | None:
        """See Identity.sign_up."""
        attributes = {"email": email, "name": name, "locale": language}
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
            UserAttributes=_attributes(attributes),
        )
        return answer["UserSub"] if answer else None

    def invite(self, email: str, name: str, language: str) -> str | None:
        """See Identity.invite. The address counts as verified, or no password could be reset later:
        whoever signs in the first time does so with what was mailed there."""
        attributes = {"email": email, "email_verified": "true", "name": name, "locale": language}
        answer = self._call(
            "admin_create_user",
            {"UsernameExistsException": None, "InvalidParameterException": LoginRefused},
            UserPoolId=self._pool_id,
            Username=email,
            DesiredDeliveryMediums=["EMAIL"],
            UserAttributes=_attributes(attributes),
        )
        if answer is None:
            return None
        made: dict[str, str] = {e["Name"]: e["Value"] for e in answer["User"]["Attributes"]}
        return made["sub"]

    def invite_again(self, email: str) -> bool:
        """See Identity.invite_again."""
        answer = self._call(
            "admin_create_user",
            {"UserNotFoundException": None, "UnsupportedUserStateException": None},
            UserPoolId=self._pool_id,
            Username=email,
            MessageAction="RESEND",
            DesiredDeliveryMediums=["EMAIL"],
        )
        return answer is not None

    def forget(self, login: Login) -> None:
        """See Identity.forget."""
        self._call("admin_delete_user", _NOBODY, UserPoolId=self._pool_id, Username=login.key)

    def shut_out(self, subject: str) -> None:
        """See Identity.shut_out."""
        for operation in ("admin_disable_user", "admin_user_global_sign_out"):
            self._call(operation, _NOBODY, UserPoolId=self._pool_id, Username=subject)

    def let_in(self, subject: str) -> None:
        """See Identity.let_in."""
        self._call("admin_enable_user", _NOBODY, UserPoolId=self._pool_id, Username=subject)

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
        self._call("admin_user_global_sign_out", _NOBODY, UserPoolId=self._pool_id, Username=email)

    def _initiate(self, flow: str, **parameters: str) -> Any:
        return self._call(
            "initiate_auth",
            _NO_SIGN_IN,
            ClientId=self._client_id,
            AuthFlow=flow,
            AuthParameters=parameters,
        )

    def _call(self, operation: str, meanings: _Meanings, **parameters: Any) -> Any:
        """The answer, or None for an error that means nothing is there."""
        try:
            return getattr(self._client, operation)(**parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
        if code not in meanings:
            raise IdentityUnavailable if code in _UNAVAILABLE else IdentityFault(operation, code)
        meaning = meanings[code]
        if meaning is not None:
            raise meaning
        return None


def cognito() -> Cognito:
    """This function's user pool, from its environment. Keep it: one per container.

    Raises KeyError when USER_POOL_ID or USER_POOL_CLIENT_ID is not set.
    """
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    settings = Config(connect_timeout=2, read_timeout=8, retries=retries)
    return Cognito(
        aws.client("cognito-idp", settings),
        os.environ["USER_POOL_ID"],
        os.environ["USER_POOL_CLIENT_ID"],
    )


def _attributes(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items() if value]


def _tokens(result: Mapping[str, Any], refresh_token: str = "") -> Tokens:
    return Tokens(
        result["IdToken"],
        result["AccessToken"],
        result.get("RefreshToken", refresh_token),
        result["ExpiresIn"],
    )
