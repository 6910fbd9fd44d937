"""Mails the customer at every step that matters to them: one mail per event, whatever crashes.

Consumes NotificationsQueue: events of orders, and what SES reports of the mails. A mail is claimed,
sent, marked (`store.mails`). A message that cannot be handled stays in the queue; the queue's
redrive policy takes it to the dead letters, so that no mail is lost silently.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway.domain.account_state import BLOCKED
from parcelway.domain.customer import Customer
from parcelway.domain.mailing import ASKS_APPROVER, is_over, mailed
from parcelway.domain.order import Event, Order
from parcelway.ports import clock
from parcelway.ports.mail import MailRefused, ses_mailer
from parcelway.ports.messages import consume
from parcelway.store import mails
from parcelway.store.codec import decode
from parcelway.store.database import database
from parcelway.store.mails import MailKey
from parcelway.store.orders import get_dossier, get_order
from parcelway.store.shop import load_shop
from rendering import Reader, Rendered, render

logger = Logger(service="notifications")
db = cache(database)
mailer = cache(ses_mailer)

_REPORTS: Mapping[str, mails.Report] = {
    "Send": "sent",
    "Bounce": "bounced",
    "Complaint": "complained",
}


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Handle a batch of NotificationsQueue; messages that fail come again, alone."""
    return consume(event, logger, _handle, expected=mails.InFlight)


def _handle(envelope: dict[str, Any]) -> None:
    if envelope["source"] == "aws.ses":
        _note(envelope["detail"], clock.now())
    else:
        _tell(decode(Event, envelope["detail"]), clock.now())


def _tell(event: Event, now: datetime) -> None:
    """Mail the customer about an event of an order, if it is one to write about.

    What is told of it is read where it is kept: the bus does not carry everything.
    """
    dossier = get_dossier(db(), event.order_id)
    if dossier is None:
        raise LookupError("an event of an order that does not exist")
    event = next((kept for kept in dossier.events if kept.sequence == event.sequence), event)
    if not mailed(event, dossier.order):
        return
    key, reader = MailKey(event.order_id, event.sequence, event.type), None
    if is_over(event, dossier.order, now):
        _leave_out(key, now)
        return
    others = _linked(dossier.order) if event.type == "order.confirmed" else ()
    if event.type == ASKS_APPROVER:
        approver = _approver(event)
        if approver is None:
            _leave_out(key, now)
            return
        reader = Reader(approver.name, approver.email, approver.language)
    mail = render(dossier, event, load_shop(db()), os.environ["PUBLIC_URL"], others, reader)
    _send_once(key, mail, now)


def _approver(event: Event) -> Customer | None:
    """The approver whom an event asks; None for one who cannot decide any more."""
    from parcelway.store.customers import get_customer  # few mails are for them

    known = get_customer(db(), event.data["approver"])
    gone = known is None or known.state in BLOCKED or not known.email
    return None if gone else known


def _leave_out(key: MailKey, now: datetime) -> None:
    """Note that a mail is not sent: nobody is there to read it, or it comes too late."""
    holder = uuid.uuid4().hex
    if mails.claim(db(), key, holder, now):
        mails.leave_out(db(), key, holder, now)


def _linked(order: Order) -> list[Order]:
    found = (get_order(db(), order_id) for order_id in order.linked)
    return [other for other in found if other and other.tracking_number]


def _send_once(key: MailKey, mail: Rendered, now: datetime) -> None:
    holder = uuid.uuid4().hex
    if not mails.claim(db(), key, holder, now):
        return
    if mails.suppressed(db(), mail.to):
        mails.leave_out(db(), key, holder, now)
        return
    try:
        tags = {"mail_id": key.id}
        message_id = mailer().send(mail.to, mail.subject, mail.html, mail.text, tags)
    except MailRefused as refused:
        logger.warning("refused", mail_id=key.id, code=refused.code)
        mails.give_up(db(), key, holder, now)
        raise
    mails.report(db(), key, "sent", message_id, now)
    logger.info("sent", mail_id=key.id, message_id=message_id)


def _note(detail: Mapping[str, Any], now: datetime) -> None:
    """Take in what SES reports of a message: it proves the sending, and may forbid the next."""
    what = _REPORTS.get(detail["eventType"])
    if what is None:
        return
    message = detail["mail"]
    (mail_id,) = message.get("tags", {}).get("mail_id") or [""]
    key, message_id = MailKey.parse(mail_id), message["messageId"]
    # A send is news only after a crash: reading costs a fifth of writing it once more.
    if key and not (what == "sent" and mails.is_sent(db(), key, message_id)):
        mails.report(db(), key, what, message_id, now)
    if what == "bounced" and detail["bounce"]["bounceType"] == "Permanent":
        for recipient in detail["bounce"]["bouncedRecipients"]:
            mails.suppress(db(), parseaddr(recipient["emailAddress"])[1], "bounce", now)
    if what == "complained":
        for recipient in detail["complaint"]["complainedRecipients"]:
            mails.suppress(db(), parseaddr(recipient["emailAddress"])[1], "complaint", now)
