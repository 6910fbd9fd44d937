"""Every mail this stack sent, and the events SES would publish about it."""

from __future__ import annotations

import base64
import email
import email.policy
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.pumps.deliver import new_event

_KINDS = {
    "SEND": ("Send", "Email Sent", "send"),
    "DELIVERY": ("Delivery", "Email Delivered", "delivery"),
    "BOUNCE": ("Bounce", "Email Bounced", "bounce"),
    "COMPLAINT": ("Complaint", "Email Complaint Received", "complaint"),
}


@dataclass(frozen=True)
class Mail:
    """A mail as its reader sees it."""

    to: tuple[str, ...]
    subject: str
    html: str | None
    text: str | None
    message_id: str
    sender: str
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration_set: str | None = None
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Outbox:
    """Keeps mails in the order they were sent, and publishes SES events for configured sets.

    Addresses that start with `bounce@` or `complaint@` behave like SES's mailbox simulator.
    """

    def __init__(
        self,
        account: str,
        region: str,
        destinations: Mapping[str, list[dict[str, Any]]],
        publish: Callable[[dict[str, Any]], None],
    ) -> None:
        self._account = account
        self._region = region
        self._destinations = destinations
        self._publish = publish
        self._mails: list[Mail] = []
        self._lock = threading.Lock()

    def all(self) -> list[Mail]:
        with self._lock:
            return list(self._mails)

    def add(self, mail: Mail) -> None:
        with self._lock:
            self._mails.append(mail)

    def sent(self, request: dict[str, Any], message_id: str) -> None:
        """SES accepted `request` (SendEmail's parameters)."""
        mail = _mail(request, message_id)
        self.add(mail)
        self._announce(mail, "SEND", mail.to)
        for address in mail.to:
            local = address.rsplit("<", 1)[-1].split("@", 1)[0].lower()
            if local == "bounce":
                self._announce(mail, "BOUNCE", (address,))
                continue
            self._announce(mail, "DELIVERY", (address,))
            if local == "complaint":
                self._announce(mail, "COMPLAINT", (address,))

    def _announce(self, mail: Mail, kind: str, recipients: tuple[str, ...]) -> None:
        configured = self._destinations.get(mail.configuration_set or "", [])
        if not any(kind in [t.upper() for t in d["MatchingEventTypes"]] for d in configured):
            return
        event_type, detail_type, key = _KINDS[kind]
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        detail = {
            "eventType": event_type,
            "mail": self._described(mail),
            key: _DETAILS[kind](recipients, now),
        }
        arn = (
            f"arn:aws:ses:{self._region}:{self._account}:configuration-set/{mail.configuration_set}"
        )
        self._publish(new_event("aws.ses", detail_type, detail, self._account, self._region, arn))

    def _described(self, mail: Mail) -> dict[str, Any]:
        domain = mail.sender.rsplit("@", 1)[-1].rstrip(">")
        return {
            "timestamp": mail.sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "source": mail.sender,
            "sendingAccountId": self._account,
            "messageId": mail.message_id,
            "destination": list(mail.to),
            "headersTruncated": False,
            "headers": [
                {"name": "From", "value": mail.sender},
                {"name": "To", "value": ", ".join(mail.to)},
                {"name": "Subject", "value": mail.subject},
            ],
            "commonHeaders": {
                "from": [mail.sender],
                "to": list(mail.to),
                "messageId": mail.message_id,
                "subject": mail.subject,
            },
            "tags": {
                "ses:operation": ["SendEmail"],
                "ses:configuration-set": [str(mail.configuration_set)],
                "ses:from-domain": [domain],
                **{name: [value] for name, value in mail.tags.items()},
            },
        }


def _bounce(recipients: tuple[str, ...], now: str) -> dict[str, Any]:
    return {
        "feedbackId": str(uuid.uuid4()),
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": address,
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
            for address in recipients
        ],
        "timestamp": now,
        "reportingMTA": "dsn; local",
    }


def _delivery(recipients: tuple[str, ...], now: str) -> dict[str, Any]:
    return {
        "timestamp": now,
        "processingTimeMillis": 1,
        "recipients": list(recipients),
        "smtpResponse": "250 2.0.0 OK",
        "reportingMTA": "local",
    }


def _complaint(recipients: tuple[str, ...], now: str) -> dict[str, Any]:
    return {
        "feedbackId": str(uuid.uuid4()),
        "complainedRecipients": [{"emailAddress": address} for address in recipients],
        "timestamp": now,
        "complaintFeedbackType": "abuse",
    }


_DETAILS: dict[str, Callable[[tuple[str, ...], str], dict[str, Any]]] = {
    "SEND": lambda _recipients, _now: {},
    "DELIVERY": _delivery,
    "BOUNCE": _bounce,
    "COMPLAINT": _complaint,
}


def _mail(request: dict[str, Any], message_id: str) -> Mail:
    destination = request.get("Destination", {})
    kinds = ("ToAddresses", "CcAddresses", "BccAddresses")
    to = tuple(address for kind in kinds for address in destination.get(kind, []))
    content = request["Content"]
    subject, html, text = _raw(content["Raw"]) if "Raw" in content else _simple(content["Simple"])
    return Mail(
        to=to,
        subject=subject,
        html=html,
        text=text,
        message_id=message_id,
        sender=request.get("FromEmailAddress", ""),
        tags={tag["Name"]: tag["Value"] for tag in request.get("EmailTags", [])},
        configuration_set=request.get("ConfigurationSetName"),
    )


def _simple(simple: dict[str, Any]) -> tuple[str, str | None, str | None]:
    body = simple["Body"]
    html, text = (body.get(kind, {}).get("Data") for kind in ("Html", "Text"))
    return simple["Subject"]["Data"], html, text


def _raw(raw: dict[str, Any]) -> tuple[str, str | None, str | None]:
    message = email.message_from_bytes(base64.b64decode(raw["Data"]), policy=email.policy.default)
    parts = [message.get_body((kind,)) for kind in ("html", "plain")]
    html, text = (part.get_content() if part else None for part in parts)
    return str(message["Subject"]), html, text
