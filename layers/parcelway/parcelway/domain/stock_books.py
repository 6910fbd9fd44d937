"""What a document does to the stock books: a receipt, a count, a sale at the till, a transfer.

Each function takes the balance as it is and says what is to be booked, or raises a Refusal. Plans
(a transfer) are bound to what is there; facts (a count, a sale over the counter, a breakage) are
booked even where they take what was promised to somebody: the balance shows the shortage.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from parcelway.domain.channels import lifted
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.stock import UNBOUNDED, Balance, Expected, Kind, Move
from parcelway.values import dataclass

AdjustReason = Literal["found", "lost", "damaged_return", "correction", "shrinkage", "other"]
MOST_SUPPLIES = 20  # per balance: they are kept on it, and every sale pays for its size
MOST_UNITS = UNBOUNDED
CLOCK_SKEW = timedelta(minutes=5)  # how far ahead the clock of who counted may be
_WEST = timedelta(hours=12)  # of UTC, where a day ends last
TRANSFER = "trf"  # what the references of transfers start with


@dataclass(frozen=True, slots=True)
class Booking:
    """What one document does: its moves, what is expected from then on, and when it counted.

    `oversold` are units sold that the books do not have. With `exact` it was decided on the very
    counters that were read, and holds for no others.
    """

    moves: tuple[Move, ...] = ()
    expected: tuple[Expected, ...] = ()
    counted_at: datetime | None = None
    oversold: int = 0
    exact: bool = True

    @property
    def places(self) -> list[tuple[str, str]]:
        """The balances concerned."""
        moved = [(move.sku, move.node) for move in self.moves]
        return list(dict.fromkeys([*moved, *((each.sku, each.node) for each in self.expected)]))


def receive(balance: Balance, quantity: int, supply: str = "") -> Booking:
    """Units came in; with `supply` they are those it announced, or some of them.

    More than announced is fine, and ends the supply as all of it does. Raises Refusal NOT_FOUND
    for a supply that is not expected here.
    """
    moves = (_move(balance, "receive", quantity),)
    if not supply:
        return Booking(moves, exact=False)
    return Booking(moves, (_arrived(balance, supply, quantity),))


def take_back(balance: Balance, quantity: int, *, damaged: bool) -> Booking:
    """Units a customer brought back go on the shelf, or are kept as damaged."""
    back = _move(balance, "return", quantity)
    return Booking((back, _move(balance, "damage", quantity)) if damaged else (back,))


def adjust(balance: Balance, quantity: int) -> Booking:
    """Correct the books by `quantity`, which may be negative. Raises Refusal OUT_OF_STOCK when
    they do not have so many, INVALID for none at all."""
    if not quantity:
        raise Refusal(Reason.INVALID, "No units, no correction.", "/quantity")
    if quantity < 0:
        _require(balance, -quantity, max(0, balance.on_hand))
    return Booking((_move(balance, "adjust", quantity),))


def count(balance: Balance, quantity: int, counted_at: datetime, now: datetime) -> Booking:
    """So many units were counted at `counted_at`; what is held for orders stays as it is.

    It may leave less than was promised. An equal count is news too: it is later. Raises Refusal
    STALE_COUNT for one no later than the last, INVALID for one of the future.
    """
    if counted_at > now + CLOCK_SKEW:
        raise Refusal(Reason.INVALID, "This time has not come yet.", "/counted_at")
    if balance.counted_at is not None and counted_at <= balance.counted_at:
        raise Refusal(
            Reason.STALE_COUNT,
            "A count that is no older was booked already.",
            "/counted_at",
            last_counted_at=balance.counted_at.isoformat().replace("+00:00", "Z"),
        )
    return Booking((_move(balance, "adjust", quantity - balance.on_hand),), counted_at=counted_at)


def damage(balance: Balance, quantity: int) -> Booking:
    """Units broke: they are there, and not to be sold. Raises Refusal OUT_OF_STOCK when there are
    not so many whole ones."""
    _require(balance, quantity, max(0, balance.on_hand - balance.damaged))
    return Booking((_move(balance, "damage", quantity),))


def repair(balance: Balance, quantity: int) -> Booking:
    """Damaged units are whole again. Raises Refusal OUT_OF_STOCK."""
    _require(balance, quantity, balance.damaged)
    return Booking((_move(balance, "repair", quantity),))


def scrap(balance: Balance, quantity: int) -> Booking:
    """Damaged units are thrown away. Raises Refusal OUT_OF_STOCK."""
    _require(balance, quantity, balance.damaged)
    return Booking((_move(balance, "scrap", quantity),))


def sell(balance: Balance, quantity: int) -> Booking:
    """Units were sold over the counter: a fact, whatever the books say. What they did not have is
    `oversold`, and the balance negative until somebody counts."""
    there = max(0, balance.on_hand)
    oversold = max(0, quantity - there)
    return Booking((_move(balance, "sell", quantity),), oversold=oversold)


def keep_back(balance: Balance, quantity: int) -> Booking:
    """From now on `quantity` units are kept back as safety stock."""
    return Booking((_move(balance, "safety", quantity - balance.safety),))


def allot(quota: Balance, quantity: int) -> Booking:
    """From now on a channel may sell `quantity` units in all; what it has sold stays sold."""
    return Booking((_move(quota, "adjust", quantity - quota.on_hand),))


def lift(quota: Balance) -> Booking | None:
    """From now on the channel is not capped any more; None when it is not.

    The quota stays in the books: what was sold under it is given back to it.
    """
    if lifted(quota):
        return None
    return Booking((_move(quota, "adjust", UNBOUNDED - quota.on_hand),))


def announce(
    balance: Balance, reference: str, due: date, quantity: int, now: datetime
) -> Booking | None:
    """A supply is expected, on another day than before, in another quantity, or (0) no more.

    None when that is known already. Raises Refusal INVALID for a day that is over everywhere and
    for a transfer's reference, QUANTITY_LIMIT for more than MOST_SUPPLIES.
    """
    if reference.startswith(f"{TRANSFER}_"):
        raise Refusal(Reason.INVALID, "Transfers have routes of their own.", "/reference")
    before = {supply.reference: supply for supply in balance.supplies}
    known = before.get(reference)
    if (known.due, known.quantity) == (due, quantity) if known else not quantity:
        return None
    return Booking(expected=(_expect(balance, reference, due, quantity, now),))


def send(
    here: Balance, there: Balance, quantity: int, due: date, reference: str, now: datetime
) -> Booking:
    """Units leave for another node, which expects them on `due`.

    Raises Refusal OUT_OF_STOCK when so many are not available, and what `announce` raises.
    """
    _require(here, quantity, max(0, here.available))
    return Booking(
        (_move(here, "send", quantity),), (_expect(there, reference, due, quantity, now),)
    )


def recall(here: Balance, there: Balance, reference: str) -> Booking | None:
    """What of a transfer has not arrived goes back to where it came from; None when all has."""
    for supply in there.supplies:
        if supply.reference == reference:
            back = _move(here, "return", supply.quantity)
            return Booking((back,), (_expected(there, reference, supply.due, 0),))
    return None


def together(bookings: Sequence[Booking]) -> Booking:
    """Several lines of one document as one booking."""
    return Booking(
        tuple(move for each in bookings for move in each.moves),
        tuple(expected for each in bookings for expected in each.expected),
    )


def _arrived(balance: Balance, reference: str, quantity: int) -> Expected:
    for supply in balance.supplies:
        if supply.reference == reference:
            return _expected(balance, reference, supply.due, max(0, supply.quantity - quantity))
    raise Refusal(Reason.NOT_FOUND, "No such supply is expected here.", "/supply")


def _expect(balance: Balance, reference: str, due: date, quantity: int, now: datetime) -> Expected:
    if quantity and due < (now - _WEST).date():
        raise Refusal(Reason.INVALID, "This day is over.", "/due")
    others = [supply for supply in balance.supplies if supply.reference != reference]
    if quantity and len(others) >= MOST_SUPPLIES:
        raise Refusal(
            Reason.QUANTITY_LIMIT, f"At most {MOST_SUPPLIES} supplies are expected at a time."
        )
    return _expected(balance, reference, due, quantity)


def _expected(balance: Balance, reference: str, due: date, quantity: int) -> Expected:
    return Expected(balance.sku, balance.node, reference, due, quantity, balance.supplied + 1)


def _move(balance: Balance, kind: Kind, quantity: int) -> Move:
    return Move(balance.sku, balance.node, kind, quantity)


def _require(balance: Balance, quantity: int, there: int) -> None:
    if quantity > there:
        raise Refusal(
            Reason.OUT_OF_STOCK,
            f"There are not so many of {balance.sku} at {balance.node}.",
            "/quantity",
            sku=balance.sku,
            node=balance.node,
            wanted=quantity,
            available=there,
        )
