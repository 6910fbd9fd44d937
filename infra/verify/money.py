"""An order's money: authorised >= captured >= refunded, and nothing kept without goods for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from parcelway.domain.dues import to_pay
from parcelway.domain.order import totals

from infra.verify.case import Case
from infra.verify.finding import Break, found
from infra.verify.tables import Care, Items

_STATUSES = {
    "refunded": ("partially_refunded", "refunded"),
    "captured": ("partially_captured", "due", "captured"),
    "authorized": ("authorized",),
}


def money_breaks(case: Case, now: datetime, care: Care) -> Iterator[Break]:
    """The order's sums against its payments and each other, and what an ended order keeps."""
    order = case.order
    yield from _sum_breaks(case)
    sums = {"the order": (order.authorized, order.captured, order.refunded)} | {
        f"payment {paid.number}": (paid.authorized, paid.captured, paid.refunded)
        for paid in case.dossier.payments
    }
    for name, (authorized, captured, refunded) in sums.items():
        if not authorized >= captured >= refunded >= 0:
            told = f"authorized {authorized}, captured {captured}, refunded {refunded}"
            yield found("money.chain", order.id, f"{name}: {told}")
    said = next((words for field, words in _STATUSES.items() if getattr(order, field)), None)
    if not order.captured and to_pay(order):
        said = None  # what gift cards pay in part makes no order paid
    if said is not None and order.payment_status not in said:
        yield found("money.status", order.id, f"{order.payment_status}, not {' or '.join(said)}")
    told_at = [note.issued_at for note in case.dossier.credit_notes]  # each has money go back
    told_at += [order.ended_at] if order.ended_at else []
    if not told_at or max(told_at) + care.grace <= now:
        yield from _end_breaks(case)


def _sum_breaks(case: Case) -> Iterator[Break]:
    """What the order sums up, against what it sums up."""
    order, dossier = case.order, case.dossier
    said = {
        "money.payments": {
            field: (getattr(order, field), sum(getattr(p, field) for p in dossier.payments))
            for field in ("authorized", "captured", "refunded", "outstanding")
        }
        | {"open_payments": (order.open_payments, sum(p.open for p in dossier.payments))},
        "money.disputes": {
            "charged_back": (order.charged_back, sum(d.taken for d in dossier.disputes))
        },
        "money.secured": {
            "secured": (order.secured, sum(p.authorized for p in dossier.payments if p.counts))
        },
        "money.credited": {
            "credited": (order.credited, sum(note.gross.minor for note in dossier.credit_notes))
        },
        "money.invoiced": {"invoiced": (order.invoiced, case.billed)},
    }
    for kind, sums in said.items():
        for field, (kept, parts) in sums.items():
            if kept != parts:
                yield found(kind, order.id, f"{field} {kept}, its parts come to {parts}")


def _end_breaks(case: Case) -> Iterator[Break]:
    """A paid order ends fulfilled or refunded: what was taken is what was invoiced, or nothing. And
    nothing can be charged to its customer's card any more."""
    order = case.order
    if order.card and order.state in ("closed", "cancelled", "expired"):
        yield found("money.card", order.id, f"{order.state}, but a card is kept with {order.card}")
    if order.state in ("cancelled", "expired"):
        held = order.authorized - order.captured
        kept = order.captured - order.refunded - order.charged_back
        if held or kept > 0:
            told = f"{order.state}, but {held} is held and {kept} of what was captured is kept"
            yield found("money.kept", order.id, told)
    if order.state == "closed":
        kept = order.captured - order.refunded - order.charged_back
        if not kept <= case.billed <= order.captured:
            told = f"{order.captured} captured, {kept} of it kept"
            yield found("money.captured", order.id, f"closed with {case.billed} billed and {told}")
        invoiced = sum(invoice.gross.minor for invoice in case.dossier.invoices)
        whole, cancelled = totals(order).gross.minor, order.cancelled_gross
        if invoiced + cancelled != whole:
            told = f"closed, {invoiced} invoiced and {cancelled} cancelled of {whole}"
            yield found("invoice.total", order.id, told)


def unbalanced(order_id: str, postings: Items) -> Iterator[Break]:
    """Postings whose debits and credits differ."""
    for item in postings:
        debits = sum(entry["debit"] for entry in item["posting"]["entries"])
        if debits:
            told = f"posting {item['posting']['reference']} is {debits} off"
            yield found("money.unbalanced", order_id, told)
