"""What Cognito does beside keeping users: mails with codes, Lambda triggers."""

from __future__ import annotations

import re
import uuid
from typing import Any

from infra.local.functions import Functions
from infra.local.mail import Mail, Outbox
from infra.local.moto_patches import cognito

_SENDER = "no-reply@verificationemail.com"
_SUBJECTS = {
    "sign-up": "Your verification code",
    "password": "Your password reset code",
    "invitation": "Your temporary password",
}
_TEXTS = {
    "sign-up": "Your confirmation code is {####}",
    "password": "Your password reset code is {####}",
    "invitation": "Your username is {username} and temporary password is {####}",
}


def _plain(html: str) -> str:
    """What a mail program makes of a message for who reads plain text: links are written out."""
    linked = re.sub(r'<a href="([^"]*)">(.*?)</a>', r"\2 (\1)", html)
    return re.sub(r"<[^>]*>", "", linked.replace("</p> ", "</p>\n"))


class CognitoEvents:
    """Answers the patched Cognito; `triggers` maps pool id -> {trigger: function ARN}."""

    def __init__(
        self,
        functions: Functions,
        outbox: Outbox,
        triggers: dict[str, dict[str, str]],
        hidden_users: set[str],
        region: str,
    ) -> None:
        self._functions = functions
        self._outbox = outbox
        self._triggers = triggers
        self._hidden_users = hidden_users
        self._region = region

    def code(self, pool: cognito.Pool, user: cognito.User, code: str, purpose: str) -> None:
        subject, text = _SUBJECTS[purpose], _TEXTS[purpose]
        template = cognito.setting(pool, "VerificationMessageTemplate") or {}
        if purpose == "invitation":
            admin = cognito.setting(pool, "AdminCreateUserConfig") or {}
            template = admin.get("InviteMessageTemplate") or {}
        subject = template.get("EmailSubject", subject)
        text = template.get("EmailMessage", text)
        attributes = cognito.attributes(user)
        address = attributes.get("email")
        if address is None:
            return
        text = text.replace("{####}", code).replace("{username}", address)
        self._outbox.add(
            Mail(
                to=(address,),
                subject=subject,
                html=text,  # Cognito's mails have this part alone
                text=_plain(text),
                message_id=str(uuid.uuid4()),
                sender=_SENDER,
                tags={"cognito": purpose},
            )
        )

    def trigger(
        self, pool: cognito.Pool, user: cognito.User, name: str, source: str, client_id: str
    ) -> Any:
        arn = self._triggers.get(pool.id, {}).get(name)
        if arn is None:
            return None
        event = {
            "version": "1",
            "region": self._region,
            "userPoolId": pool.id,
            "userName": user.username,
            "callerContext": {"awsSdkVersion": "local", "clientId": client_id},
            "triggerSource": source,
            "request": {"userAttributes": cognito.attributes(user)},
            "response": {},
        }
        result = self._functions.invoke(self._functions.find(arn), event)
        if result.is_error:
            raise cognito.TriggerFailed(name, str(result.value["errorMessage"]))
        return result.value

    def hides_users(self, client_id: str) -> bool:
        return client_id in self._hidden_users
