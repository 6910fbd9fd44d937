"""A Cognito user pool as the shop looks after it.

Cognito's rules these adapters build on, each with the page of its documentation that states it:
- A user name has at most 128 characters; in a pool that signs in by e-mail, the address is an
  alias that every call takes for a user name (SignUp, AdminGetUser). The admin calls take the `sub`
  as well, which stays the same when the user changes the address (AdminDisableUser, `Username`).
- SignUp tells whether an address is taken, whatever `PreventUserExistenceErrors` says (Managing
  user existence error responses). What the public may learn is up to the caller.
- A user who is not confirmed gets UserNotConfirmedException for any password (aws-sdk-js issue
  4608, amazon-cognito-identity-js issue 288: intended). So it counts as a refused sign-in here.
- Tokens that were handed out stay valid for API Gateway until they expire, even after a sign-out.
- A temporary password works once and for TemporaryPasswordValidityDays; AdminCreateUser with RESEND
  puts a new one in its place and starts its time anew (AdminCreateUser, `TemporaryPassword` and
  `MessageAction`). ForgotPassword is refused to who has never chosen a password of their own.
Messages of Cognito's errors can quote what was sent, so only their codes leave this module.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from parcelway import aws
from parcelway.ports.identity import IdentityFault, IdentityUnavailable, Login, LoginRefused

Meanings = Mapping[str, type[Exception] | None]  # what a code becomes; None: nothing is there

NOBODY: Meanings = {"UserNotFoundException": None}
_UNAVAILABLE = {
    "TooManyRequestsException",
    "InternalErrorException",
    "ThrottlingException",
    "ServiceUnavailableException",
    "LimitExceededException",
    "CodeDeliveryFailureException",
}


class UserPool:
    """See identity.Logins."""

    def __init__(self, client: Any, pool_id: str) -> None:
        self._client = client
        self._pool_id = pool_id

    def find(self, email: str) -> Login | None:
        """See Logins.find."""
        return self._login(email)

    def find_subject(self, subject: str) -> Login | None:
        """See Logins.find_subject."""
        return self._login(subject)

    def is_staff(self, subject: str) -> bool:
        """See Logins.is_staff."""
        answer = self._call(
            "admin_list_groups_for_user", NOBODY, UserPoolId=self._pool_id, Username=subject
        )
        return answer is not None and bool(answer["Groups"])

    def invite(self, email: str, name: str, language: str) -> str | None:
        """See Logins.invite. The address counts as verified, or no password could be reset later:
        whoever signs in the first time does so with what was mailed there."""
        answer = self._call(
            "admin_create_user",
            {"UsernameExistsException": None, "InvalidParameterException": LoginRefused},
            UserPoolId=self._pool_id,
            Username=email,
            TemporaryPassword=_secret_of_link(),
            DesiredDeliveryMediums=["EMAIL"],
            UserAttributes=attributes(
                {"email": email, "email_verified": "true", "name": name, "locale": language}
            ),
        )
        if answer is None:
            return None
        made: dict[str, str] = {e["Name"]: e["Value"] for e in answer["User"]["Attributes"]}
        return made["sub"]

    def invite_again(self, email: str) -> bool:
        """See Logins.invite_again."""
        answer = self._call(
            "admin_create_user",
            {"UserNotFoundException": None, "UnsupportedUserStateException": None},
            UserPoolId=self._pool_id,
            Username=email,
            TemporaryPassword=_secret_of_link(),
            MessageAction="RESEND",
            DesiredDeliveryMediums=["EMAIL"],
        )
        return answer is not None

    def forget(self, login: Login) -> None:
        """See Logins.forget."""
        self._call("admin_delete_user", NOBODY, UserPoolId=self._pool_id, Username=login.key)

    def shut_out(self, subject: str) -> None:
        """See Logins.shut_out."""
        for operation in ("admin_disable_user", "admin_user_global_sign_out"):
            self._call(operation, NOBODY, UserPoolId=self._pool_id, Username=subject)

    def let_in(self, subject: str) -> None:
        """See Logins.let_in."""
        self._call("admin_enable_user", NOBODY, UserPoolId=self._pool_id, Username=subject)

    def _login(self, name: str) -> Login | None:
        user = self._call("admin_get_user", NOBODY, UserPoolId=self._pool_id, Username=name)
        if user is None:
            return None
        told = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
        status = user["UserStatus"]
        return Login(
            user["Username"],
            told["sub"],
            told["email"],
            told.get("name", ""),
            told.get("locale", ""),
            proven=status == "CONFIRMED",
            pending=status == "UNCONFIRMED" and user["Enabled"],
            invited=status == "FORCE_CHANGE_PASSWORD" and user["Enabled"],
            changed_at=user.get("UserLastModifiedDate"),
        )

    def _call(self, operation: str, meanings: Meanings, **parameters: Any) -> Any:
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


def user_pool() -> UserPool:
    """This function's user pool, from its environment. Keep it: one per container.

    Raises KeyError when USER_POOL_ID is not set.
    """
    return UserPool(client(), os.environ["USER_POOL_ID"])


def client() -> Any:
    """Cognito, which is asked again after a failure for as long as a request may wait."""
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    settings = Config(connect_timeout=2, read_timeout=8, retries=retries)
    return aws.client("cognito-idp", settings)


def attributes(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Attributes as Cognito takes them, without the empty ones."""
    return [{"Name": name, "Value": value} for name, value in values.items() if value]


def _secret_of_link() -> str:
    """A temporary password that is in nobody's hands: the pool mails it inside a link. So it has
    letters that need no escaping in a fragment or in HTML, which those that Cognito makes do need,
    and at its end one of each kind that a pool may ask for. 192 random bits."""
    return f"{secrets.token_urlsafe(24)}-Aa1"
