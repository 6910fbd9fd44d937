"""One invoice per shipment that left, one mail per event that deserves one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from parcelway.domain.credit_notes import left
from parcelway.domain.mailing import mailed
from parcelway.store.codec import iso

from infra.verify.case import Case
from infra.verify.finding import Break, found
from infra.verify.tables import Care


def invoice_breaks(case: Case, now: datetime, care: Care) -> Iterator[Break]:
    """The order's invoices against its shipments."""
    order_id, invoices = case.order.id, case.dossier.invoices
    numbers = {shipment.id: shipment.invoice_number for shipment in case.dossier.shipments}
    per_shipment = Counter(invoice.shipment_id for invoice in invoices)
    for shipment in case.dossier.shipments:
        count, number = per_shipment[shipment.id], numbers[shipment.id]
        if shipment.shipped_at is None:
            if count or number:
                yield found(
                    "invoice.double", order_id, f"{shipment.id} has not left, but is billed"
                )
        elif count > 1:
            yield found("invoice.double", order_id, f"{count} invoices for {shipment.id}")
        elif number and not count:
            yield found("invoice.lost", order_id, f"{number} of {shipment.id} is not there")
        elif not count and shipment.shipped_at + care.grace <= now:
            yield found("invoice.missing", order_id, f"{shipment.id} left without one")
    for invoice in invoices:
        alone = per_shipment[invoice.shipment_id] == 1
        if alone and numbers.get(invoice.shipment_id) != invoice.number:
            told = f"{invoice.number} is for {invoice.shipment_id}, which does not know of it"
            yield found("invoice.double", order_id, told)
    yield from _credit_breaks(case)


def _credit_breaks(case: Case) -> Iterator[Break]:
    """No more is credited of an invoice, at any of its rates, than it says."""
    by_number = {invoice.number: invoice for invoice in case.dossier.invoices}
    for note in case.dossier.credit_notes:
        if note.refers_to not in by_number:
            told = f"{note.number} is of {note.refers_to}, which is not there"
            yield found("credit_note.beyond", case.order.id, told)
    for invoice in by_number.values():
        rest = left(invoice, case.dossier.credit_notes)
        if any(min(each.net.minor, each.tax.minor) < 0 for each in rest):
            told = f"more than {invoice.number} says was credited of it"
            yield found("credit_note.beyond", case.order.id, told)


def mail_breaks(case: Case, now: datetime, care: Care) -> Iterator[Break]:
    """The order's mails against its events; claims that ran out."""
    order = case.order
    mails = {sk: item for sk, item in case.items.items() if sk.startswith("MAIL#")}
    wanted = {
        f"MAIL#{event.sequence:012d}#{event.type}": event
        for event in case.dossier.events
        if mailed(event, order)
    }
    for sk, event in wanted.items():
        if sk not in mails and event.at + care.grace <= now:
            yield found("mail.missing", order.id, f"none for {event.type} ({event.sequence})")
    for sk, item in mails.items():
        if sk not in wanted:
            yield found("mail.unexpected", order.id, f"{sk} is about nothing to write about")
        elif item["state"] == "claimed" and _given_up(item, now, care):
            yield found("mail.claimed", order.id, f"{sk} was claimed and never sent")


def _given_up(mail: dict[str, Any], now: datetime, care: Care) -> bool:
    """Whether nobody is sending a claimed mail any more; at rest nobody does."""
    return not care.grace or mail["lease_until"] <= iso(now - care.grace)
