"""OrdersTable, partitions of suppliers: the invoices that the shop writes in their names.

SUP#<supplier>   SBI#<sequence>   an invoice; holds each number of the supplier's series to it
SUP#<supplier>   COUNTER          last number given
SUP#<supplier>   CMD#<key>        an Idempotency-Key, what was asked by it, and what it led to
SUP#<supplier>   EVT#<sequence>   that it was issued; the stream sends it out
"""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.commands import Command
from parcelway.domain.invoice import Invoice
from parcelway.domain.invoicing import Counter
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.self_billing import SelfBilled, series_of
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Write, commit, put_new
from parcelway.store.database import Database
from parcelway.store.ledger import posting_writes
from parcelway.store.packing import Packed


def read_counter(db: Database, supplier: str) -> Counter:
    """The last number given in a supplier's series."""
    item = db.get(db.orders, f"SUP#{supplier}", "COUNTER")
    return Counter(series_of(supplier), int(item["last"]) if item else 0)


def read_self_billed(db: Database, supplier: str, sequence: int) -> Invoice | None:
    """An invoice in a supplier's name; None when there is no such number."""
    item = db.get(db.orders, f"SUP#{supplier}", _sk(sequence))
    return decode(Invoice, item["invoice"]) if item else None


def asked_before(db: Database, supplier: str, asked: Command) -> Invoice | None:
    """What a command led to before. Raises Refusal KEY_REUSED when its key asked something else."""
    item = db.get(db.orders, f"SUP#{supplier}", f"CMD#{asked.key}")
    if item is None:
        return None
    if item["fingerprint"] != asked.fingerprint:
        detail = "This Idempotency-Key was used for a different request."
        raise Refusal(Reason.KEY_REUSED, detail, "/headers/Idempotency-Key")
    return read_self_billed(db, supplier, int(item["sequence"]))


def save_self_billed(db: Database, made: SelfBilled, asked: Command, now: datetime) -> None:
    """Commit an invoice with its number, event, posting and command. Raises Stale when the number
    was given meanwhile, or the command carried out."""
    pk, invoice = {"pk": f"SUP#{made.supplier}"}, made.invoice
    before = invoice.sequence - 1
    issued = {"sk": _sk(invoice.sequence), "invoice": Packed(encode(invoice))}
    command = {"fingerprint": asked.fingerprint, "sequence": invoice.sequence}
    event = {"sk": f"EVT#{made.event.sequence:012d}", "event": encode(made.event)}
    counter = Write(
        db.orders,
        "#last = :before" if before else "attribute_not_exists(pk)",
        pk | {"sk": "COUNTER", "last": invoice.sequence},
        names={"#last": "last"} if before else {},
        values={":before": before} if before else {},
    )
    writes = [
        put_new(db.orders, pk | issued),
        put_new(db.orders, pk | {"sk": f"CMD#{asked.key}"} | command),
        put_new(db.orders, pk | event),
        counter,
    ]
    commit(db.client, [*writes, *posting_writes(db, made.posting, now)])


def _sk(sequence: int) -> str:
    return f"SBI#{sequence:012d}"
