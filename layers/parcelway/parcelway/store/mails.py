"""Who was sent which mail, and who must not be sent any.

OrdersTable     ORD#<id>                MAIL#<sequence>#<kind>   one mail about one event
CustomersTable  MAIL#<address digest>   SUPPRESSED               never to be written to again

One mail per event, though SES knows no idempotent send: whoever wants to send claims the mail for
LEASE, sends, and marks it. While a claim runs nobody else sends. After a crash the claim lapses; by
then SES has reported the message if it ever took it (its Send event carries our id and marks the
mail too), so that a mail still merely claimed may be sent again. Should SES's event be lost as
well, the mail comes twice.
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, timedelta
from typing import Any, Literal

from parcelway.store.codec import iso
from parcelway.store.commit import Stale, Write, commit, put_new
from parcelway.store.database import Database
from parcelway.values import dataclass

LEASE = timedelta(minutes=15)
# What SES tells of a message after it took it.
Report = Literal["sent", "bounced", "complained"]


class InFlight(Exception):
    """Somebody claimed this mail and may be sending it; look again when the lease is over."""


@dataclass(frozen=True, slots=True)
class MailKey:
    """A mail: the order, and the sequence and type of the event that it tells of."""

    order_id: str
    sequence: int
    kind: str

    @property
    def id(self) -> str:
        """The key as one word of letters, digits, `-` and `_`: what SES allows in a tag."""
        return f"{self.order_id}-{self.sequence}-{self.kind.replace('.', '-', 1)}"

    @staticmethod
    def parse(mail_id: str) -> MailKey | None:
        """The key of an id made by `id`; None for anything else."""
        order_id, _, rest = mail_id.partition("-")
        sequence, _, kind = rest.partition("-")
        if not (order_id and kind and sequence.isascii() and sequence.isdigit()):
            return None
        return MailKey(order_id, int(sequence), kind.replace("-", ".", 1))

    @property
    def item_key(self) -> dict[str, str]:
        """The primary key in OrdersTable."""
        return {"pk": f"ORD#{self.order_id}", "sk": f"MAIL#{self.sequence:012d}#{self.kind}"}


def claim(db: Database, mail: MailKey, holder: str, now: datetime) -> bool:
    """Claim a mail for `holder`, a word nobody else uses. False when it needs no sending any more.

    Raises InFlight while somebody else's claim runs.
    """
    item = mail.item_key | {
        "state": "claimed",
        "holder": holder,
        "lease_until": iso(now + LEASE),
    }
    try:
        commit(db.client, [put_new(db.orders, item)])
        return True
    except Stale:
        known = db.get(db.orders, item["pk"], item["sk"])
    if known is None:
        raise InFlight
    if known["state"] != "claimed":
        return False
    if known["lease_until"] > iso(now):
        raise InFlight
    taken_over = Write(
        db.orders,
        "#state = :claimed AND holder = :before",
        item,
        names={"#state": "state"},
        values={":claimed": "claimed", ":before": known["holder"]},
        otherwise=InFlight,
    )
    commit(db.client, [taken_over])
    return True


def give_up(db: Database, mail: MailKey, holder: str, now: datetime) -> None:
    """End `holder`'s claim on a mail that was certainly not sent, so that it can be tried again."""
    _end(db, mail, holder, "SET lease_until = :now", now)


def report(db: Database, mail: MailKey, what: Report, message_id: str, at: datetime) -> None:
    """Note what became of a message. Any report proves that it was sent; repeats change nothing.

    A mail that nobody ever claimed is not ours, and nothing is noted.
    """
    noted = Write(
        db.orders,
        "attribute_exists(pk)",
        key=mail.item_key,
        update="SET #state = :sent, message_id = if_not_exists(message_id, :id), "
        "#at = if_not_exists(#at, :at)",
        names={"#state": "state", "#at": f"{what}_at"},
        values={":sent": "sent", ":id": message_id, ":at": iso(at)},
    )
    _unless_stale(db, noted)


def is_sent(db: Database, mail: MailKey, message_id: str) -> bool:
    """Whether it is noted already that a mail was sent as this message."""
    known = state_of(db, mail) or {}
    return (known.get("state"), known.get("message_id")) == ("sent", message_id)


def leave_out(db: Database, mail: MailKey, holder: str, now: datetime) -> None:
    """Note that the mail `holder` has claimed is not sent because its address is suppressed."""
    update = "SET #state = :suppressed, suppressed_at = :now"
    _end(db, mail, holder, update, now, suppressed="suppressed")


def _end(
    db: Database,
    mail: MailKey,
    holder: str,
    update: str,
    now: datetime,
    **values: str,
) -> None:
    """Make `update` the end of `holder`'s claim, if they still have it."""
    ended = Write(
        db.orders,
        "#state = :claimed AND holder = :holder",
        key=mail.item_key,
        update=update,
        names={"#state": "state"},
        values={":claimed": "claimed", ":holder": holder, ":now": iso(now)}
        | {f":{name}": value for name, value in values.items()},
    )
    _unless_stale(db, ended)


def state_of(db: Database, mail: MailKey) -> dict[str, Any] | None:
    """The mail's item, None when nobody ever claimed it."""
    return db.get(db.orders, **mail.item_key)


def suppress(
    db: Database, address: str, reason: Literal["bounce", "complaint"], at: datetime
) -> None:
    """Never write to an address again. The first reason stays."""
    item = {"pk": _digest(address), "sk": "SUPPRESSED", "reason": reason, "at": iso(at)}
    _unless_stale(db, put_new(db.customers, item))


def suppressed(db: Database, address: str) -> bool:
    """Whether an address must not be written to."""
    return db.get(db.customers, _digest(address), "SUPPRESSED") is not None


def _digest(address: str) -> str:
    """The partition of an address: the table need not know the address to recognise it."""
    normal = unicodedata.normalize("NFKC", address.strip()).casefold()
    return f"MAIL#{hashlib.sha256(normal.encode()).hexdigest()}"


def _unless_stale(db: Database, write: Write) -> None:
    """Write, or leave it when what it assumes does not hold: then somebody else settled it."""
    try:
        commit(db.client, [write])
    except Stale:
        return
