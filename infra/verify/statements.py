"""What two places of the tables say of the same order, so that they can be held against each other.

The order says what its ledger, its journal and its look-up items must be; each of these says what
it is. While whole tables are streamed, the two are met by crossing out equal statements; only what
is said once is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from parcelway.domain.channels import quota_of
from parcelway.domain.order import GONE, Order
from parcelway.domain.stock import Entry, net
from parcelway.store.codec import decode

from infra.verify.case import Case, Key
from infra.verify.tables import Items

# Units of (on_hand, reserved, allocated, backordered): what an order's moves come to at a place
Held = tuple[int, int, int, int]
Holdings = dict[tuple[str, str], Held]
NONE: Held = (0, 0, 0, 0)
_ALLOCATED = ("allocated", "released", "packed")


class Crossed:
    """Statements that were made an odd number of times, each a text that begins with an order id.

    One takes 150 to 190 bytes while it waits for the other side.
    """

    def __init__(self) -> None:
        self._open: set[str] = set()

    def say(self, order_id: str, *words: str) -> None:
        """Cross out a statement that was made before, else keep it."""
        self._open ^= {"\x1f".join((order_id, *words))}

    def left(self) -> Iterator[tuple[str, list[str]]]:
        """The order ids and words that only one side said."""
        for text in self._open:
            order_id, *words = text.split("\x1f")
            yield order_id, words


def said_by_order(case: Case) -> Iterator[tuple[str, ...]]:
    """What the order expects of the other places."""
    if money := expected_money(case):
        yield ("money", money)
    if held := holdings(case.order):
        yield ("stock", text_of(held))
    for key, item in case.lookups().items():
        yield pointed_at({**item, "pk": key[0], "sk": key[1]})


def said_by_ledger(postings: Items) -> str:
    """What an order's postings come to; '' for nothing."""
    sums: dict[str, int] = {}
    for posting in (item["posting"] for item in postings):
        for entry in posting["entries"]:
            account = f"{posting['currency']} {entry['account']}"
            sums[account] = sums.get(account, 0) + entry["debit"]
    return _money(sums)


def expected_money(case: Case) -> str:
    """What the postings of an order must come to, from its payments and invoices."""
    order, invoices = case.order, case.dossier.invoices
    taken = order.captured - order.refunded
    owed = sum(invoice.gross.minor for invoice in invoices) - taken
    return _money(
        {f"{order.currency} gateway_clearing": taken, f"{order.currency} receivables": owed}
    )


def pointed_at(pointer: Mapping[str, Any]) -> tuple[str, ...]:
    """What a look-up item says, after the order's id."""
    units = sorted(pointer.get("units", {}).items())
    said = " ".join(f"{day}:{quantity}" for day, quantity in units)
    return ("lookup", pointer["pk"], pointer["sk"], str(pointer.get("shipment_id", said)))


def holdings(order: Order) -> Holdings:
    """What the moves of an order must have come to, from where its units are."""
    sums: Holdings = {}
    for sku, portion in ((line.sku, p) for line in order.lines for p in line.portions):
        units = portion.quantity
        if portion.stage == "reserved":
            change = (0, units, 0, 0)
        elif portion.stage in _ALLOCATED:
            change = (0, 0, units, 0)
        elif portion.stage in GONE:
            change = (-units, 0, 0, 0)
        elif portion.stage == "backordered":
            change = (0, 0, 0, units)
        else:
            continue
        _add(sums, (sku, portion.node), change)
        if portion.quota:
            _add(sums, (sku, quota_of(portion.quota)), (0, units, 0, 0))
    return sums


def booked(entries: Iterable[Entry]) -> Holdings:
    """What the journal's entries come to."""
    sums: Holdings = {}
    for change in net(move for entry in entries for move in entry.moves):
        counters = (change.on_hand, change.reserved, change.allocated, change.backordered)
        _add(sums, (change.sku, change.node), counters)
    return sums


def entries_of(items: Items) -> list[Entry]:
    """Journal items as entries. Raises KeyError, TypeError or ValueError when they are none."""
    return [
        decode(Entry, {name: value for name, value in item.items() if name not in ("pk", "sk")})
        for item in items
    ]


def text_of(held: Holdings) -> str:
    """Holdings in one short word, equal for equal ones."""
    return hashlib.blake2b(repr(sorted(held.items())).encode(), digest_size=12).hexdigest()


def lookup_key(words: list[str]) -> Key | None:
    """The key of the look-up item that a statement is about, if it is about one."""
    return (words[1], words[2]) if words[0] == "lookup" else None


def _money(sums: Mapping[str, int]) -> str:
    accounts = sorted(name for name, debit in sums.items() if debit)
    told = [f"{name} {sums[name]}" for name in accounts if _is_compared(name)]
    return ", ".join(told)


def _is_compared(account: str) -> bool:
    return account.endswith((" gateway_clearing", " receivables"))


def _add(sums: Holdings, key: tuple[str, str], change: Held) -> None:
    one, two, three, four = (a + b for a, b in zip(sums.get(key, NONE), change, strict=True))
    after = (one, two, three, four)
    if any(after):
        sums[key] = after
    else:
        sums.pop(key, None)
