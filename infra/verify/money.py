"""An order's money: authorised >= captured >= refunded, and nothing kept without goods for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from parcelway.domain.order import totals

from infra.verify.case import Case
from infra.verify.finding import Break, found
from infra.verify.tables import Care, Items

_STATUSES = {
    "refunded": ("partially_refunded", "refunded"),
    "captured": ("partially_captured", "captured"),
    "authorized": ("authorized",),
}


def money_breaks(case: Case, now: datetime, care: Care) -> Iterator[Break]:
    """The order's sums against its payments and each other, and what an ended order keeps."""
    order = case.order
    for field in ("authorized", "captured", "refunded"):
        kept, paid = getattr(order, field), sum(getattr(p, field) for p in case.dossier.payments)
        if kept != paid:
            yield found("money.payments", order.id, f"{field} {kept}, its payments say {paid}")
    sums = {"the order": (order.authorized, order.captured, order.refunded)} | {
        f"payment {paid.number}": (paid.authorized, paid.captured, paid.refunded)
        for paid in case.dossier.payments
    }
    for name, (authorized, captured, refunded) in sums.items():
        if not authorized >= captured >= refunded >= 0:
            told = f"authorized {authorized}, captured {captured}, refunded {refunded}"
            yield found("money.chain", order.id, f"{name}: {told}")
    said = next((words for field, words in _STATUSES.items() if getattr(order, field)), None)
    if said is not None and order.payment_status not in said:
        yield found("money.status", order.id, f"{order.payment_status}, not {' or '.join(said)}")
    if order.ended_at is None or order.ended_at + care.grace <= now:
        yield from _end_breaks(case)


def _end_breaks(case: Case) -> Iterator[Break]:
    """A paid order ends fulfilled or refunded: what was taken is what was invoiced, or nothing."""
    order = case.order
    if order.state in ("cancelled", "expired"):
        held, kept = order.authorized - order.captured, order.captured - order.refunded
        if held or kept:
            told = f"{order.state}, but {held} is held and {kept} of what was captured is kept"
            yield found("money.kept", order.id, told)
    if order.state == "closed":
        invoiced = sum(invoice.gross.minor for invoice in case.dossier.invoices)
        if invoiced != order.captured:
            told = f"closed with {invoiced} invoiced and {order.captured} captured"
            yield found("money.captured", order.id, told)
        whole = totals(order).gross.minor
        if invoiced != whole and not any(line.count("cancelled") for line in order.lines):
            told = f"closed and whole, {invoiced} of {whole} invoiced"
            yield found("invoice.total", order.id, told)


def unbalanced(order_id: str, postings: Items) -> Iterator[Break]:
    """Postings whose debits and credits differ."""
    for item in postings:
        debits = sum(entry["debit"] for entry in item["posting"]["entries"])
        if debits:
            told = f"posting {item['posting']['reference']} is {debits} off"
            yield found("money.unbalanced", order_id, told)
