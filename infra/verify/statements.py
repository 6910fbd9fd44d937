"""What two places of the tables say of the same order, so that they can be held against each other.

The order says what its ledger, its journal and its look-up items must be; each of these says what
it is. While whole tables are streamed, the two are met by crossing out equal statements; only what
is said once is kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from parcelway.domain.channels import quota_of
from parcelway.domain.fulfilment import shipment_costs
from parcelway.domain.ledger import CUSTOMER, main
from parcelway.domain.line import GONE
from parcelway.domain.order import Order
from parcelway.domain.stock import Entry, net
from parcelway.store.codec import decode

from infra.verify.case import Case, Key
from infra.verify.tables import Items

# Units of (on_hand, reserved, allocated, backordered): what an order's moves come to at a place
Held = tuple[int, int, int, int]
Holdings = dict[tuple[str, str], Held]
NONE: Held = (0, 0, 0, 0)
# What comes of an order's invoices and its goods, and postings that pay them.
_EARNED = ("revenue_goods", "revenue_shipping", "tax_payable", "cost_of_goods_sold")
_TENDERS = ("capture:", "refund:")
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
    """What an order's postings come to, as far as its payments, documents and shipments decide it;
    '' for nothing."""
    sums: Counter[str] = Counter()
    for posting in (item["posting"] for item in postings):
        for entry in posting["entries"]:
            account = main(entry["account"])
            if account in CUSTOMER:
                sums[f"{posting['currency']} {account}"] += entry["debit"]
                if posting["reference"].startswith(_TENDERS):
                    sums[f"{posting['currency']} tendered"] -= entry["debit"]
            elif account in _EARNED:
                sums[f"{posting['currency']} {entry['account']}"] += entry["debit"]
    return _money(sums)


def expected_money(case: Case) -> str:
    """What the postings of an order must come to, from its payments, invoices and credit notes and
    the goods that have left."""
    order = case.order
    taken = order.captured - order.refunded - order.outstanding
    owed = case.billed - taken
    sums = Counter({"receivables": max(0, owed), "customer_deposits": min(0, owed)})
    sums["tendered"] = taken
    for sign, documents in ((-1, case.dossier.invoices), (1, case.dossier.credit_notes)):
        for document in documents:
            for line in document.lines:
                earned = "revenue_shipping" if line.kind == "shipping" else "revenue_goods"
                sums[earned] += sign * line.net.minor
            for tax in document.taxes:
                sums[f"tax_payable:{tax.rate}"] += sign * tax.tax.minor
    amounts = Counter({f"{order.currency} {account}": debit for account, debit in sums.items()})
    for sent in (each for each in case.dossier.shipments if each.shipped_at is not None):
        for cost in shipment_costs(order, sent):
            amounts[f"{cost.currency} cost_of_goods_sold"] += cost.minor
    return _money(amounts)


def pointed_at(pointer: Mapping[str, Any]) -> tuple[str, ...]:
    """What a look-up item says, after the order's id."""
    units = pointer.get("units", {})
    said = (
        " ".join(f"{day}:{quantity}" for day, quantity in sorted(units.items()))
        if isinstance(units, Mapping)
        else "unreadable"
    )
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
    return ", ".join(f"{name} {sums[name]}" for name in sorted(sums) if sums[name])


def _add(sums: Holdings, key: tuple[str, str], change: Held) -> None:
    one, two, three, four = (a + b for a, b in zip(sums.get(key, NONE), change, strict=True))
    after = (one, two, three, four)
    if any(after):
        sums[key] = after
    else:
        sums.pop(key, None)
