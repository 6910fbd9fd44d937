"""Mail as the shop sends it: one message to one address, handed over exactly as often as called.

SES's SendEmail has no idempotency token, so the client never repeats a call by itself:
`store.mails` decides whether a message is sent once more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

from parcelway import aws
from parcelway.values import dataclass


class MailRefused(Exception):
    """SES did certainly not take the message. `code` is SES's own and safe to log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Mailer(Protocol):
    """Sends mails. `tags` come back with every event that the provider reports of the message."""

    def send(self, to: str, subject: str, html: str, text: str, tags: Mapping[str, str]) -> str:
        """Hand one message over and return the provider's id for it.

        Raises MailRefused when it was certainly not taken; after any other exception it may or
        may not have been.
        """


@dataclass(frozen=True, slots=True)
class SesMailer:
    """Amazon SES, API v2. `client` must not retry; `ses_mailer` makes such a one."""

    client: Any
    sender: str
    configuration_set: str

    def send(self, to: str, subject: str, html: str, text: str, tags: Mapping[str, str]) -> str:
        """One SendEmail call. See Mailer."""
        body = {"Html": _content(html), "Text": _content(text)}
        try:
            answer = self.client.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [to]},
                Content={"Simple": {"Subject": _content(subject), "Body": body}},
                EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
                ConfigurationSetName=self.configuration_set,
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                # SES repeats addresses in its messages: only the code goes on.
                raise MailRefused(error.response["Error"]["Code"]) from None
            raise
        message_id: str = answer["MessageId"]
        return message_id


def ses_mailer() -> SesMailer:
    """The mailer of this function's environment: MAIL_FROM, MAIL_CONFIGURATION_SET.

    Raises KeyError when one is not set.
    """
    from botocore.config import Config

    once = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=10)
    client = aws.client("sesv2", once)
    return SesMailer(client, os.environ["MAIL_FROM"], os.environ["MAIL_CONFIGURATION_SET"])


def _content(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
