"""What `parcelway verify` can find, and what `--repair` does about each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_REINDEX = "write its index attributes as store.saving writes them"
_PUBLISH = "publish the order's events again"
_CORRECT = "book the difference: a journal entry and the balance, with an event in the timeline"
_REBUILD = "rebuild the balance from the journal"
_SERVE = "serve the queue"
_FIND = "write the keys that the record has, delete the others"

# Every kind of break, with what `--repair` does; None where only a person can mend it.
KINDS: Mapping[str, str | None] = {
    "stock.journal": _REBUILD,
    "stock.available": "count what is available anew",
    "stock.supplies": "have the balance expect what its journal says",
    "stock.posted": "have the balance say what its journal does",
    "stock.negative": None,
    "stock.shards": None,
    "stock.reserved": _CORRECT,
    "stock.allocated": _CORRECT,
    "stock.backordered": _CORRECT,
    "stock.shipped": _CORRECT,
    "capacity.taken": None,
    "uses.counted": None,
    "money.chain": None,
    "money.payments": None,
    "money.status": None,
    "money.secured": None,
    "money.credited": None,
    "money.invoiced": None,
    "money.ledger": None,
    "money.unbalanced": None,
    "money.kept": None,
    "money.card": None,
    "money.captured": None,
    "money.disputes": None,
    "gift_card.balance": None,
    "gift_card.ledger": None,
    "goods.worth": None,
    "credit.open": None,
    "credit.claim": None,
    "settlement.payout": None,
    "settlement.behind": None,
    "books.turnover": "have the period's turnover counted anew",
    "books.locked": None,
    "invoice.gap": None,
    "invoice.counter": "set the counter to the last number used",
    "invoice.missing": _PUBLISH,
    "invoice.double": None,
    "invoice.lost": None,
    "invoice.total": None,
    "credit_note.beyond": None,
    "mail.missing": _PUBLISH,
    "mail.claimed": _PUBLISH,
    "mail.unexpected": None,
    "lookup.missing": "put the look-up item",
    "lookup.foreign": None,
    "lookup.stray": "delete the look-up item",
    "queue.units": "write the place as its order has it",
    "queue.unserved": _SERVE,
    "queue.untold": _SERVE,
    "order.stuck": _REINDEX,
    "order.timer": _REINDEX,
    "order.index": _REINDEX,
    "order.overdue": None,
    "order.unscheduled": _PUBLISH,
    "order.units": None,
    "order.kits": None,
    "order.uncollected": None,
    "order.identity": None,
    "order.lost": None,
    "order.unreadable": None,
    "shipment.queue": _REINDEX,
    "event.missing": None,
    "event.sequence": None,
    "item.unreadable": None,
    "customer.keys": _FIND,
}


@dataclass(frozen=True, slots=True)
class Break:
    """One way in which the tables contradict what must always be true.

    `kind` is a key of KINDS; `subject` the order's id, `SKU at node`, `node on day`, the
    counter of a code or promotion, currency, invoice series, journal reference or look-up key
    concerned.
    `repair` says what `--repair` would do; None when only a person can mend it.
    """

    kind: str
    subject: str
    detail: str
    repair: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.detail}"


def found(kind: str, subject: str, detail: str) -> Break:
    """A break of a known kind. Raises KeyError for another."""
    return Break(kind, subject, detail, KINDS[kind])
