"""Gift cards and store credit: issuing them, putting them on a cart, paying with them.

A card pays before any other method does, so that only the rest is asked for (`dues.to_pay`). Its
money is held like any other payment's: it leaves the card when the order is placed, is taken as
goods leave (`capturing`), and what is not needed goes back onto the card. All of that is our own
booking, so each step is one transaction and no provider is asked.

What goes back goes back also onto a card that has expired or was blocked since: it was its
holder's money when they paid with it, and keeping it would make the shop richer by a cancelled
order. Whether it may be spent is another question, which people can answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Literal

from parcelway.domain import ledger
from parcelway.domain.decision import Decision
from parcelway.domain.dues import payable
from parcelway.domain.gift_card import GIFT_CARD, CardChange, Entry, GiftCard, Kind, Tender
from parcelway.domain.ids import derived
from parcelway.domain.money import Money, zero
from parcelway.domain.order import MAX_MISSES, Order, advance, happened, require
from parcelway.domain.parties import Actor
from parcelway.domain.payment import Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

MOST_CARDS = 5  # on one order: each is three writes and an event of the transaction that places it
# Consonants alone: a code says no word, is never taken for a card number, and has neither O nor I.
ALPHABET = "BCDFGHJKMNPQRSTVWXYZ"
LENGTH = 20  # letters, 86 bits
_PART = 4


# --- Codes -------------------------------------------------------------------------------------


def new_code(*secret: str) -> str:
    """The code that a secret leads to, always the same: `XXXX-XXXX-XXXX-XXXX-XXXX`."""
    cause = "\x1f".join(("gift-card", *secret))
    number = int.from_bytes(hashlib.sha256(cause.encode()).digest())
    letters = ""
    for _ in range(LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters += ALPHABET[letter]
    return "-".join(letters[i : i + _PART] for i in range(0, LENGTH, _PART))


def card_id(code: str) -> str:
    """The id of the card with a code, as people type it; '' when no code looks like that.

    Case, spaces and hyphens do not matter.
    """
    letters = re.sub(r"[\s-]", "", code.upper())
    if len(letters) != LENGTH or not set(letters) <= set(ALPHABET):
        return ""
    return derived("gft", letters)


# --- By staff ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Issue:
    """A card as it is wanted; `customer_id` is whose credit it is, '' for a gift card."""

    kind: Kind
    value: Money
    reason: str
    valid_until: date | None = None
    customer_id: str = ""


def issue(
    wanted: Issue, code: str, fingerprint: str, currency: str, actor: Actor, now: datetime
) -> tuple[CardChange, ledger.Posting]:
    """A new card that nobody paid for, and what the books say of it: the shop owes its value.

    Raises Refusal CURRENCY_UNAVAILABLE for another than the shop's `currency`, INVALID.
    """
    if wanted.value.currency != currency:
        raise Refusal(
            Reason.CURRENCY_UNAVAILABLE, f"This shop sells in {currency}.", "/value/currency"
        )
    if not wanted.value:
        raise Refusal(Reason.INVALID, "A card must be worth something.", "/value/minor")
    if wanted.valid_until is not None and wanted.valid_until < now.date():
        raise Refusal(Reason.INVALID, "This day is over.", "/valid_until")
    if (wanted.kind == "store_credit") != bool(wanted.customer_id):
        raise Refusal(
            Reason.INVALID, "Store credit, and only that, is a customer's.", "/customer_id"
        )
    card = GiftCard(
        id=card_id(code),
        version=1,
        kind=wanted.kind,
        currency=currency,
        balance=wanted.value.minor,
        ending=code[-_PART:],
        issued_at=now,
        valid_until=wanted.valid_until,
        customer_id=wanted.customer_id,
        fingerprint=fingerprint,
    )
    entry = Entry(1, "issued", now, card.balance, actor, reason=wanted.reason)
    return CardChange(card, (entry,)), ledger.store_credit_granted(card.id, now, card.value)


def block(
    card: GiftCard, blocked: bool, reason: str, actor: Actor, now: datetime
) -> CardChange | None:
    """Have a card pay nothing any more, or let it pay again; None when it is so already."""
    if card.blocked == blocked:
        return None
    after = replace(card, version=card.version + 1, blocked=blocked)
    kind: Literal["blocked", "unblocked"] = "blocked" if blocked else "unblocked"
    return CardChange(after, (Entry(after.version, kind, now, 0, actor, reason=reason),))


# --- In a cart ---------------------------------------------------------------------------------


def require_trusted(order: Order) -> None:
    """Refuse to look up a code for who guesses: in a draft alone, and until MAX_MISSES were
    of no use. Raises Refusal ILLEGAL_STATE, GIFT_CARD_LOCKED."""
    require(order, "draft")
    if order.code_misses >= MAX_MISSES:
        raise Refusal(
            Reason.GIFT_CARD_LOCKED, "Too many codes were wrong; this cart takes no more.", "/code"
        )


def known(order: Order, card: GiftCard | None) -> GiftCard | None:
    """The card, if whoever holds the cart may know of it: another customer's credit is nobody's."""
    mine = card is not None and order.is_for(card.customer_id)
    return card if mine else None


def mistaken(order: Order) -> Decision:
    """Count a code that led nowhere. It is no event, and nothing else has changed."""
    return Decision(advance(order, code_misses=order.code_misses + 1))


def unknown() -> Refusal:
    """The one answer for a code that is none, was mistyped, or is another customer's credit."""
    return Refusal(Reason.UNKNOWN_GIFT_CARD, "There is no gift card with this code.", "/code")


def put_on(order: Order, card: GiftCard, now: datetime) -> Decision | None:
    """Have a card pay for what is in the cart once it is placed; nothing is taken from it before.

    None when it is there already. Raises Refusal GIFT_CARD_UNUSABLE, GIFT_CARD_LIMIT.
    """
    require_usable(card, order, now)
    tender = Tender(card.id, card.kind, card.ending, card.value, zero(order.currency))
    if tender in order.gift_cards:
        return None
    others = tuple(each for each in order.gift_cards if each.card != card.id)
    if len(others) >= MOST_CARDS:
        raise Refusal(
            Reason.GIFT_CARD_LIMIT, f"An order takes {MOST_CARDS} gift cards at most.", "/code"
        )
    after = advance(order, gift_cards=(*others, tender))
    told = happened(after, now, "order.gift_card_added", order.actor, ending=card.ending)
    return Decision(after, told)


def take_off(order: Order, which: str, now: datetime) -> Decision | None:
    """Take a card out of the cart again; None when it is not there."""
    require(order, "draft")
    left = tuple(each for each in order.gift_cards if each.card != which)
    if left == order.gift_cards:
        return None
    after = advance(order, gift_cards=left)
    return Decision(after, happened(after, now, "order.gift_card_removed", order.actor))


def require_usable(card: GiftCard, order: Order, now: datetime, pointer: str = "/code") -> None:
    """Refuse a card with which this order cannot be paid at `now`, and say why."""
    why = _unusable(card, order, now)
    if why:
        raise Refusal(Reason.GIFT_CARD_UNUSABLE, f"{why}.", pointer, ending=card.ending)


def _unusable(card: GiftCard, order: Order, now: datetime) -> str:
    if card.currency != order.currency:
        return f"This gift card pays in {card.currency}, the cart is in {order.currency}"
    if card.blocked:
        return "This gift card is blocked"
    if card.valid_until is not None and card.valid_until < now.date():
        return f"This gift card was valid until {card.valid_until}"
    return "" if card.balance else "There is nothing left on this gift card"


def shares(order: Order) -> tuple[Tender, ...]:
    """The order's cards with what each pays: has paid, or would pay of the cart as it is."""
    if order.state != "draft":
        return order.gift_cards
    left, found = payable(order), []
    for tender in order.gift_cards:
        amount = min(left, tender.balance)
        left -= amount
        found.append(replace(tender, amount=amount))
    return tuple(found)


# --- Paying ------------------------------------------------------------------------------------

Cards = Mapping[str, GiftCard]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What an order's cards pay of it: as it keeps them, as payments, and what becomes of them."""

    tenders: tuple[Tender, ...] = ()
    payments: tuple[Payment, ...] = ()
    changes: tuple[CardChange, ...] = ()

    @property
    def paid(self) -> int:
        """All of it, in minor units."""
        return sum(payment.authorized for payment in self.payments)


def require_as_shown(order: Order, cards: Cards, now: datetime) -> None:
    """Refuse a cart with a card that has less than its customer was told, or pays no more: what is
    asked for by other means would be more than they agreed to.

    Raises Refusal GIFT_CARD_UNUSABLE.
    """
    for index, tender in enumerate(order.gift_cards):
        card, pointer = cards[tender.card], f"/gift_cards/{index}"
        require_usable(card, order, now, pointer)
        if known(order, card) is None or card.value < tender.balance:
            raise Refusal(
                Reason.GIFT_CARD_UNUSABLE,
                f"The gift card that ends in {card.ending} has less on it by now; add it anew.",
                pointer,
                ending=card.ending,
            )


def redeem(order: Order, due: Money, cards: Cards, now: datetime) -> Redeemed:
    """Pay as much of `due` as the order's cards have, in the order in which they were added."""
    made = Redeemed()
    for tender in order.gift_cards:
        card = cards[tender.card]
        amount = min(due, card.value)
        if not amount:
            continue
        due -= amount
        made = Redeemed(
            (*made.tenders, replace(tender, amount=amount)),
            (*made.payments, _payment(order, len(made.payments) + 1, card, amount, now)),
            (*made.changes, moved(card, "redeemed", -amount.minor, order, order.actor, now)),
        )
    return made


def together(changes: Iterable[CardChange]) -> tuple[CardChange, ...]:
    """Changes that follow each other, as one for each card."""
    found: dict[str, CardChange] = {}
    for change in changes:
        earlier = found.get(change.card.id)
        entries = (*earlier.entries, *change.entries) if earlier else change.entries
        found[change.card.id] = CardChange(change.card, entries)
    return tuple(found.values())


def moved(
    card: GiftCard,
    kind: Literal["redeemed", "returned"],
    change: int,
    order: Order,
    actor: Actor,
    now: datetime,
) -> CardChange:
    """A card of which an order took `-change` minor units, or had `change` returned."""
    after = replace(card, version=card.version + 1, balance=card.balance + change)
    return CardChange(after, (Entry(after.version, kind, now, change, actor, order.id),))


def _payment(order: Order, number: int, card: GiftCard, amount: Money, now: datetime) -> Payment:
    return Payment(
        order_id=order.id,
        number=number,
        reference=card.id,
        method=GIFT_CARD,
        status="authorized",
        amount=amount,
        created_at=now,
        authorized=amount.minor,
        counts=True,
    )
