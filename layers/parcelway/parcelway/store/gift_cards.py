"""Gift cards in LedgerTable: one partition per card, beside what was posted about it.

    SUB#<card>    CARD                the card
    SUB#<card>    HIST#<sequence>     something that happened to it; never changed
    SUB#<card>    POST#...            a posting (store/ledger.py)
    HOLDER#<customer>   <card>        store credit of a customer's

A card is a debt of the shop's. It lies with the books, because it must agree with them: what all
cards of a currency can still pay, with what orders hold of them, is the balance of the account
`gift_cards`. Its id is the hash of its code, so that a code is looked up in one read and kept
nowhere.
"""

from __future__ import annotations

from contextlib import suppress

from parcelway.domain.gift_card import CardChange, Entry, GiftCard
from parcelway.domain.ledger import Posting
from parcelway.domain.order import Order
from parcelway.domain.payment import Payment
from parcelway.store.batches import get_many
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Stale, Write, commit, put_new, put_version
from parcelway.store.database import Database
from parcelway.store.ledger import partition, posting_writes


def get_card(db: Database, card_id: str) -> GiftCard | None:
    """A card by its id; None when there is none."""
    item = db.get(db.ledger, partition(card_id), "CARD") if card_id else None
    return decode(GiftCard, item["card"]) if item else None


def the_card(db: Database, payment: Payment) -> GiftCard:
    """The card that a payment was made with. Raises LookupError when it is not there: cards are
    never deleted."""
    card = get_card(db, payment.reference)
    if card is None:
        raise LookupError(f"no card of payment {payment.number} of {payment.order_id}")
    return card


def cards_of(db: Database, order: Order) -> dict[str, GiftCard]:
    """The cards on an order by id, strongly consistent, in one call or none."""
    keys = [(db.ledger, partition(tender.card), "CARD") for tender in order.gift_cards]
    found = get_many(db.client, keys, consistent=True)
    cards = [decode(GiftCard, item["card"]) for _, item in found]
    return {card.id: card for card in cards}


def history(db: Database, card_id: str) -> list[Entry]:
    """All that happened to a card, the first thing first."""
    items = db.query(db.ledger, partition(card_id), "HIST#")
    return [decode(Entry, item["entry"]) for item in items]


def writes(db: Database, change: CardChange) -> list[Write]:
    """What writes a change; Stale when the card has changed since it was read."""
    card, pk = change.card, partition(change.card.id)
    item = {"pk": pk, "sk": "CARD", "version": card.version, "card": encode(card)}
    entries = [
        put_new(db.ledger, {"pk": pk, "sk": f"HIST#{e.sequence:09d}", "entry": encode(e)})
        for e in change.entries
    ]
    return [put_version(db.ledger, item, change.before), *entries]


def issue_writes(db: Database, change: CardChange, posting: Posting) -> list[Write]:
    """What writes a new card with its posting."""
    made = [*writes(db, change), *posting_writes(db, posting, posting.at)]
    if holder := change.card.customer_id:
        made.append(put_new(db.ledger, {"pk": _held_by(holder), "sk": change.card.id}))
    return made


def cards_of_customer(db: Database, customer_id: str) -> list[GiftCard]:
    """The store credit that a customer was ever given."""
    ids = [item["sk"] for item in db.query(db.ledger, _held_by(customer_id))]
    return [card for card in (get_card(db, card_id) for card_id in ids) if card is not None]


def untold(db: Database, card_id: str) -> None:
    """Leave of what happened to a card only what moved its balance, and not what staff said."""
    for item in db.query(db.ledger, partition(card_id), "HIST#"):
        if "reason" not in item["entry"]:
            continue
        wordless = Write(
            db.ledger,
            "attribute_exists(pk)",
            key={"pk": item["pk"], "sk": item["sk"]},
            update="REMOVE #entry.#reason",
            names={"#entry": "entry", "#reason": "reason"},
        )
        with suppress(Stale):
            commit(db.client, [wordless])


def _held_by(customer_id: str) -> str:
    return f"HOLDER#{customer_id}"
