"""Gift cards and store credit: issued and blocked by staff, put on carts by whoever has a code."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache

from forms import Code, NewCard, Why
from parcelway.domain import gift_cards
from parcelway.domain.gift_card import Entry, GiftCard, Kind
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.access import held_order
from parcelway.http.api import CART, Api, staff
from parcelway.http.call import Call, random_key
from parcelway.http.views import OrderView, held_view
from parcelway.store import gift_cards as store
from parcelway.store.commit import commit, until_fresh
from parcelway.store.customers import get_customer
from parcelway.store.database import database
from parcelway.store.saving import save
from parcelway.store.shop import load_shop
from parcelway.values import dataclass

api = Api("gift_cards")
handler = api
db = cache(database)

ISSUERS = staff("csr_supervisor", "finance", "admin")
DESK = staff("csr", "csr_supervisor", "finance", "admin")
_STAFF = "/staff/gift-cards"
_ONE = f"{_STAFF}/{{card_id}}"
_CART = "/carts/{cart_id}/gift-cards"


@dataclass(frozen=True, slots=True)
class CardView:
    """A card as staff see it: of its code only the end."""

    id: str
    kind: Kind
    ending: str
    balance: Money
    issued_at: datetime
    valid_until: date | None
    customer_id: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class IssuedView:
    """A new card and its code, which nobody can be told again but by the same request."""

    card: CardView
    code: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A card and all that happened to it, the first thing first."""

    card: CardView
    history: list[Entry]


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What a card can pay, for whoever has its code."""

    kind: Kind
    ending: str
    balance: Money
    valid_until: date | None
    blocked: bool


@api.route("POST", _STAFF, who=ISSUERS, body=NewCard, reply=IssuedView, status=201, key=True)
def issue(call: Call[NewCard]) -> IssuedView:
    """Issue a gift card or store credit that nobody paid for.

    Its code comes from the Idempotency-Key, which must be as hard to guess: so a repeat is answered
    with the same code, though that is kept nowhere.
    """
    key = random_key(call.headers, "it protects the gift card")
    code = gift_cards.new_code(call.caller.subject, key)

    def attempt() -> GiftCard:
        known = store.get_card(db(), gift_cards.card_id(code))
        return _issued(call, code) if known is None else _same(known, call.command.fingerprint)

    return IssuedView(_view(until_fresh(attempt)), code)


@api.route("GET", _ONE, who=DESK, reply=HistoryView)
def show(call: Call[None]) -> HistoryView:
    """A card with its history."""
    return _history(_known(call))


@api.route("POST", f"{_ONE}/block", who=ISSUERS, body=Why, reply=HistoryView, key=True)
def block(call: Call[Why]) -> HistoryView:
    """Have a card pay nothing any more; it keeps its balance."""
    return _block(call, True)


@api.route("POST", f"{_ONE}/unblock", who=ISSUERS, body=Why, reply=HistoryView, key=True)
def unblock(call: Call[Why]) -> HistoryView:
    """Let a blocked card pay again."""
    return _block(call, False)


@api.route("PUT", _CART, who=CART, body=Code, reply=OrderView)
def put_on(call: Call[Code]) -> OrderView:
    """Have a gift card pay for the cart once it is placed, as far as it goes."""

    def attempt() -> Order:
        order = held_order(db(), call)
        card = _found(call, order)
        decision = gift_cards.put_on(order, card, call.now)
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, until_fresh(attempt))


@api.route("DELETE", f"{_CART}/{{card_id}}", who=CART, reply=OrderView)
def take_off(call: Call[None]) -> OrderView:
    """Take a gift card out of the cart; it not being there is fine."""

    def attempt() -> Order:
        order = held_order(db(), call)
        decision = gift_cards.take_off(order, call.path["card_id"], call.now)
        if decision is None:
            return order
        save(db(), decision, call.now)
        return decision.order

    return held_view(call, until_fresh(attempt))


@api.route("PUT", f"{_CART}/balance", who=CART, body=Code, reply=BalanceView)
def balance(call: Call[Code]) -> BalanceView:
    """What a gift card can still pay; each cart may be wrong about codes a few times only."""
    card = until_fresh(lambda: _found(call, held_order(db(), call)))
    return BalanceView(card.kind, card.ending, card.value, card.valid_until, card.blocked)


def _found(call: Call[Code], order: Order) -> GiftCard:
    """The card with the code. One that leads to none is counted on the cart, and answered the same
    whatever it was. Raises Refusal UNKNOWN_GIFT_CARD, GIFT_CARD_LOCKED, ILLEGAL_STATE."""
    gift_cards.require_trusted(order)
    card = store.get_card(db(), gift_cards.card_id(call.body.code))
    known = gift_cards.known(order, card)
    if known is None:
        save(db(), gift_cards.mistaken(order), call.now)
        raise gift_cards.unknown()
    return known


def _issued(call: Call[NewCard], code: str) -> GiftCard:
    asked = call.body
    if asked.customer_id and get_customer(db(), asked.customer_id) is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such customer.", "/customer_id")
    value, currency = asked.value.money(), load_shop(db()).settings.currency
    wanted = gift_cards.Issue(asked.kind, value, asked.reason, asked.valid_until, asked.customer_id)
    change, posting = gift_cards.issue(
        wanted, code, call.command.fingerprint, currency, _actor(call), call.now
    )
    commit(db().client, store.issue_writes(db(), change, posting))
    return change.card


def _same(card: GiftCard, fingerprint: str) -> GiftCard:
    """The card of a repeated request. Raises Refusal KEY_REUSED when it is another one."""
    if card.fingerprint != fingerprint:
        raise Refusal(
            Reason.KEY_REUSED,
            "This Idempotency-Key was used for a different request.",
            "/headers/Idempotency-Key",
        )
    return card


def _block(call: Call[Why], blocked: bool) -> HistoryView:
    def attempt() -> GiftCard:
        card = _known(call)
        change = gift_cards.block(card, blocked, call.body.reason, _actor(call), call.now)
        if change is None:
            return card
        commit(db().client, store.writes(db(), change))
        return change.card

    return _history(until_fresh(attempt))


def _known(call: Call[None] | Call[Why]) -> GiftCard:
    card = store.get_card(db(), call.path["card_id"])
    if card is None:
        raise Refusal(Reason.NOT_FOUND, "There is no such gift card.")
    return card


def _actor(call: Call[NewCard] | Call[Why]) -> Actor:
    return Actor("staff", call.caller.subject)


def _history(card: GiftCard) -> HistoryView:
    return HistoryView(_view(card), store.history(db(), card.id))


def _view(card: GiftCard) -> CardView:
    return CardView(
        card.id,
        card.kind,
        card.ending,
        card.value,
        card.issued_at,
        card.valid_until,
        card.customer_id,
        card.blocked,
    )
