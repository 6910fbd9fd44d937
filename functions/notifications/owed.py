"""What a reminder tells of an invoice on account: what is open, since or until when, where to."""

from __future__ import annotations

from datetime import date

from parcelway.domain.dunning import REMINDERS
from parcelway.domain.money import Money
from parcelway.domain.order import Event, Order
from parcelway.language.formats import day, money
from parcelway.language.wording import say
from parcelway.store.orders import Dossier


def transfer(event: Event, dossier: Dossier, language: str) -> dict[str, str]:
    """What to transfer where: the invoice, its last day, and the account of who issued it."""
    if event.type not in REMINDERS:
        return {}
    number = event.data["number"]
    (invoice,) = (each for each in dossier.invoices if each.number == number)
    return {"invoice": number, "due": _due(event, language), "iban": invoice.seller.iban}


def owed_facts(event: Event, order: Order, language: str) -> list[tuple[str, str]]:
    """The invoice, the buyer's own number, the last day and what is open, as a list."""
    own = [(say("invoice.purchase_order", language), order.purchase_order)]
    amount = Money(event.data["amount"], order.currency)
    return [
        (say("invoice.number", language), event.data["number"]),
        *(own if order.purchase_order else []),
        (say("invoice.due", language), _due(event, language)),
        (say("invoice.open", language), money(amount, language)),
    ]


def _due(event: Event, language: str) -> str:
    return day(date.fromisoformat(event.data["due"]), language)
