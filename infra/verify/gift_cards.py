"""Gift cards: each is what happened to it, and all of them are what the books say the shop owes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from parcelway.domain.gift_card import GIFT_CARD, Entry, GiftCard
from parcelway.domain.payment import Payment
from parcelway.store.codec import decode

from infra.verify.finding import Break, found
from infra.verify.tables import Items


@dataclass(slots=True)
class Debt:
    """What cards can still pay with what orders hold of them, less what the books say of both: by
    currency, in minor units."""

    difference: Counter[str] = field(default_factory=Counter)

    def card(self, card: GiftCard) -> None:
        """What a card can pay."""
        self.difference[card.currency] += card.balance

    def payment(self, payment: Payment) -> None:
        """What an order holds of a card, and has not taken."""
        if payment.method == GIFT_CARD:
            self.difference[payment.amount.currency] += payment.authorized - payment.captured

    def postings(self, items: Items) -> None:
        """What the books owe: the account is a liability, so its debit balance is negative."""
        for posting in (item["posting"] for item in items):
            for entry in posting["entries"]:
                if entry["account"] == "gift_cards":
                    self.difference[posting["currency"]] += entry["debit"]

    def breaks(self) -> Iterator[Break]:
        """The currencies in which they do not agree."""
        for currency, minor in sorted(self.difference.items()):
            if minor:
                told = f"cards and what orders hold of them come to {minor} more than the books say"
                yield found("gift_card.ledger", currency, told)


def cards_in(items: Items) -> list[GiftCard]:
    """The card of a partition of the ledger, if it is one's."""
    return [decode(GiftCard, item["card"]) for item in items if item["sk"] == "CARD"]


def card_breaks(card: GiftCard, items: Items) -> Iterator[Break]:
    """What is wrong with a card, from all items of its partition."""
    entries = [decode(Entry, item["entry"]) for item in items if item["sk"].startswith("HIST#")]
    if [entry.sequence for entry in entries] != list(range(1, card.version + 1)):
        yield found("gift_card.balance", card.id, "something that happened to it is missing")
    told = sum(entry.change for entry in entries)
    if card.balance != told or card.balance < 0:
        yield found("gift_card.balance", card.id, f"{card.balance} on it, its history says {told}")
