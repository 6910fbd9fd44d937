"""All invariants over all tables: streamed once, and whatever looks broken looked at again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from parcelway.domain.switches import bought, counts
from parcelway.store.database import Database
from parcelway.store.series import NUMBERS, partitions_of, series_numbered

from infra.verify.books import books_breaks, counted
from infra.verify.case import Case, Evidence, Key, Unreadable, gather, to_case
from infra.verify.credit import Claims
from infra.verify.customers import key_breaks
from infra.verify.documents import invoice_breaks, mail_breaks
from infra.verify.finding import Break, found
from infra.verify.gift_cards import Debt, card_breaks, cards_in
from infra.verify.inventory import Goods
from infra.verify.money import money_breaks, unbalanced
from infra.verify.orders import order_breaks
from infra.verify.queues import queue_breaks
from infra.verify.series import Series, series_breaks
from infra.verify.settlement import payout_breaks, reconciling_breaks
from infra.verify.statements import (
    NONE,
    Crossed,
    Holdings,
    booked,
    entries_of,
    expected_money,
    holdings,
    lookup_key,
    pointed_at,
    said_by_ledger,
    said_by_order,
    text_of,
)
from infra.verify.stock import Book, Clock, add_entries, by_place, counters, differences
from infra.verify.stock import single_breaks as balance_breaks
from infra.verify.supplies import Announced, supply_breaks
from infra.verify.tables import AT_REST, Care, Items, partitions

_COUNTERS = ("shipped", "reserved", "allocated", "backordered")
_POINTERS = ("TRK#", "PCL#", "TILL#", "SERIES#", NUMBERS, "QUEUE#")


def breaks(db: Database, now: datetime, care: Care = AT_REST) -> list[Break]:
    """Every way in which the tables contradict what must always be true; empty when they do not.

    Reads only. With AT_REST nothing may be under way; on a system in use give LIVE.
    """
    clock = Clock(now)
    sweep = Sweep(db, now, care)
    sweep.ledger()
    sweep.stock()
    sweep.orders()
    sweep.meet()
    if sweep.suspects or sweep.book.differing() or sweep.skus:
        time.sleep(care.pause)
    return [*sweep.unreadable, *sweep.confirmed(clock), *key_breaks(db, now, care)]


@dataclass(slots=True)
class Sweep:
    """One pass over the tables: sums, statements, and who is suspect of what."""

    db: Database
    now: datetime
    care: Care
    crossed: Crossed = field(default_factory=Crossed)
    book: Book = field(default_factory=Book)
    announced: Announced = field(default_factory=Announced)
    series: dict[str, Series] = field(default_factory=dict)
    suspects: dict[str, set[Key]] = field(default_factory=dict)
    skus: set[str] = field(default_factory=set)
    unreadable: list[Break] = field(default_factory=list)
    books: list[Break] = field(default_factory=list)
    debt: Debt = field(default_factory=Debt)
    claims: Claims = field(default_factory=Claims)
    goods: Goods = field(default_factory=Goods)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)  # beyond what orders count on
    used: Counter[str] = field(default_factory=Counter)  # beyond the orders that say so

    def ledger(self) -> None:
        """Every posting, and every payout with its movements."""
        counts = counted(self.db)
        for pk, items in partitions(self.db, self.db.ledger, self.care):
            kind, _, subject = pk.partition("#")
            if kind == "PAYOUT":
                self.books += payout_breaks(subject, items)
            if kind == "RECONCILED" and self.care.grace:  # of tables at rest nobody compares more
                self.books += reconciling_breaks(items, self.now)
            if kind in ("CREDIT", "CLAIM"):
                self.claims.ledger(items)
            if kind not in ("ORD", "SUB"):
                continue
            postings = [item for item in items if "posting" in item]
            counts.add(postings)
            self.debt.postings(postings)
            self.goods.postings(postings)
            for card in cards_in(items):
                self.debt.card(card)
                self.books += card_breaks(card, items)
            if kind == "SUB":
                self.books += unbalanced(subject, postings)
                continue
            if said := said_by_ledger(postings):
                self.crossed.say(subject, "money", said)
            if any(unbalanced(subject, postings)):
                self.suspect(subject)
        self.books += books_breaks(counts)

    def stock(self) -> None:
        """Every balance and journal entry."""
        for pk, items in partitions(self.db, self.db.stock, self.care):
            if pk.startswith("SKU#"):
                self.goods.balances(items)
                self.book.balances |= {p: counters(i) for p, i in by_place(items).items()}
                for parts in by_place(items).values():
                    self.announced.balance(parts[0])
                if any(balance_breaks(items)):
                    self.skus.add(pk.removeprefix("SKU#"))
            elif pk.startswith("JRN#"):
                self._journal(pk.removeprefix("JRN#"), items)
            elif pk.startswith("CAP#"):
                for item in items:
                    self.taken[pk.removeprefix("CAP#"), item["sk"]] += item["taken"]

    def _journal(self, reference: str, items: Items) -> None:
        try:
            entries = entries_of(items)
        except (KeyError, TypeError, ValueError):
            self.unreadable.append(found("item.unreadable", reference, "a journal entry"))
            return
        add_entries(self.book.journal, entries)
        lately = [entry for entry in entries if entry.at > self.now - self.care.grace]
        self.book.moved |= {(move.sku, move.node) for entry in lately for move in entry.moves}
        self.book.moved |= {(told.sku, told.node) for entry in lately for told in entry.expected}
        self.announced.entries(entries)
        self.goods.entries(entries)
        if reference.startswith("ord_") and (held := booked(entries)):
            self.crossed.say(reference, "stock", text_of(held))

    def orders(self) -> None:
        """Every order with its parts, and what leads to it."""
        for pk, items in partitions(self.db, self.db.orders, self.care):
            if pk.startswith("ORD#"):
                self._order(pk.removeprefix("ORD#"), items)
            elif pk.startswith("USE#"):
                counter = pk.removeprefix("USE#")
                if counts(counter, self.now):
                    self.used[counter] += sum(item["used"] for item in items)
            elif pk.startswith(("GUEST#", "SOLD#")):
                for item in items:  # a mailbox's list: its entries are the orders
                    self.crossed.say(item["sk"], *pointed_at(item))
            elif pk.startswith(_POINTERS):
                for item in items:
                    self._pointer(item)

    def _order(self, order_id: str, items: Items) -> None:
        try:
            case = to_case(self.db, items, self.now)
        except Unreadable:
            self.suspect(order_id)
            return
        if case is None or next(case_breaks(case, self.now, self.care), None):
            self.suspect(order_id)
        if case is not None:
            for payment in case.dossier.payments:
                self.debt.payment(payment)
                self.claims.payment(payment)
            for words in said_by_order(case):
                self.crossed.say(order_id, *words)
            self.used.subtract(case.order.uses)
            self.used.subtract(bought(case.order, self.now))
            if case.order.state not in ("cancelled", "expired"):
                for group in case.order.groups:
                    self.taken.subtract((node, day.isoformat()) for node, day in group.slots)

    def _pointer(self, item: dict[str, Any]) -> None:
        if item["pk"].startswith(("SERIES#", NUMBERS)):
            self.series.setdefault(_series_of(item["pk"]), Series()).add(item)
        if "order_id" in item:
            self.crossed.say(item["order_id"], *pointed_at(item))

    def suspect(self, order_id: str, key: Key | None = None) -> None:
        """Have an order looked at again, with a look-up item that names it."""
        self.suspects.setdefault(order_id, set()).update([key] if key else [])

    def meet(self) -> None:
        """Suspect whoever was spoken of by one side only."""
        for order_id, words in self.crossed.left():
            self.suspect(order_id, lookup_key(words))

    def confirmed(self, clock: Clock) -> Iterator[Break]:
        """What of all this is still so when it is read on its own, strongly consistent. Postings
        are written once and never changed, so what is wrong about them stays so."""
        yield from self.books
        for order_id, keys in sorted(self.suspects.items()):
            yield from look_at_order(self.db, order_id, keys, self.now, self.care)
        for sku in sorted(self.skus):
            yield from balance_breaks(self.db.query(self.db.stock, f"SKU#{sku}"))
        for place in self.book.waited_for():
            yield from queue_breaks(self.db, place, self.now, self.care)
        unclear = set()
        for difference in differences(self.db, self.book.differing(), clock, self.care):
            yield (told := difference.told())
            if told.repair is None:
                unclear.add(difference.place)
        if self.care is AT_REST:  # the tables are not read at one moment
            yield from capacity_breaks(self.taken)
            yield from use_breaks(self.used)
            yield from self.debt.breaks()
            yield from self.claims.breaks()
            yield from self.goods.breaks(unclear)
        yield from supply_breaks(self.db, self.announced.differing())
        for name, series in sorted(self.series.items()):
            if not series.whole:
                yield from series_breaks(self.db, name, self._numbers(name))

    def _numbers(self, series: str) -> set[int]:
        """Invoice numbers of a series that only one side speaks of."""
        said = (words for _, words in self.crossed.left())
        of_it = partitions_of(series)
        return {int(words[2]) for words in said if words[0] == "lookup" and words[1] in of_it}


def _series_of(pk: str) -> str:
    """The series of a counter or of a number, by its partition."""
    return series_numbered(pk) if pk.startswith(NUMBERS) else pk.removeprefix("SERIES#")


def capacity_breaks(taken: Mapping[tuple[str, str], int]) -> Iterator[Break]:
    """Days of nodes on which other parcels are taken than live orders count on."""
    for (node, day), difference in sorted(taken.items()):
        if difference:
            yield found("capacity.taken", f"{node} on {day}", f"{difference:+} parcels taken")


def use_breaks(used: Mapping[str, int]) -> Iterator[Break]:
    """Limited codes and promotions that are counted more or less often than orders used them, and
    units on purchase limits that no order has, or more than are counted."""
    for counter, difference in sorted(used.items()):
        if difference:
            yield found("uses.counted", counter, f"{difference:+} beyond the orders that used it")


def case_breaks(case: Case, now: datetime, care: Care) -> Iterator[Break]:
    """What an order's own partition shows."""
    yield from order_breaks(case, now)
    yield from money_breaks(case, now, care)
    yield from invoice_breaks(case, now, care)
    yield from mail_breaks(case, now, care)


def look_at_order(
    db: Database, order_id: str, keys: set[Key], now: datetime, care: Care
) -> Iterator[Break]:
    """Everything about one order; nothing while it keeps changing: the next run will see it."""
    try:
        evidence = gather(db, order_id, keys, now)
    except Unreadable as error:
        yield found("order.unreadable", order_id, str(error))
        return
    if evidence is None:
        return
    if evidence.case is not None:
        yield from case_breaks(evidence.case, now, care)
    elif told := _lost(evidence):
        yield found("order.lost", order_id, told)
    yield from unbalanced(order_id, evidence.postings)
    yield from _money(order_id, evidence)
    yield from _holdings(order_id, evidence)
    yield from _lookups(order_id, evidence)


def _lost(evidence: Evidence) -> str:
    kinds = sorted({str(item["sk"]).partition("#")[0] for item in evidence.partition})
    return f"there is no order, but {', '.join(kinds)}" if kinds else ""


def _money(order_id: str, evidence: Evidence) -> Iterator[Break]:
    expected = expected_money(evidence.case) if evidence.case else ""
    said = said_by_ledger(evidence.postings)
    if expected != said:
        told = f"payments and invoices come to [{expected}], the ledger to [{said}]"
        yield found("money.ledger", order_id, told)


def compared(evidence: Evidence) -> tuple[Holdings, Holdings]:
    """What an order holds, and what its journal says that it does."""
    held = holdings(evidence.case.order) if evidence.case else {}
    return held, booked(entries_of(evidence.journal))


def _holdings(order_id: str, evidence: Evidence) -> Iterator[Break]:
    held, said = compared(evidence)
    for place in sorted(held.keys() | said.keys()):
        pairs = zip(held.get(place, NONE), said.get(place, NONE), strict=True)
        for counter, (mine, its) in zip(_COUNTERS, pairs, strict=True):
            if mine != its:
                told = f"{abs(mine)} {place[0]} at {place[1]}, its journal says {abs(its)}"
                yield found(f"stock.{counter}", order_id, told)


def _lookups(order_id: str, evidence: Evidence) -> Iterator[Break]:
    """Look-up items that must be there and are not, or lead elsewhere; and those without reason."""
    wanted: Mapping[Key, Mapping[str, Any]] = evidence.case.lookups() if evidence.case else {}
    for key, item in wanted.items():
        there, name = evidence.pointers.get(key), " ".join(key)
        if there == item:
            continue
        if there is None:
            yield found("lookup.missing", order_id, f"nothing at {name} leads to it")
        elif is_place_of(there, item):
            told = f"{name} has {there['units']}, the order {item['units']}"
            yield found("queue.units", order_id, told)
        else:
            yield found("lookup.foreign", order_id, f"{name} leads to {there.get('order_id')}")
    for key, there in evidence.pointers.items():
        if key not in wanted and there.get("order_id") == order_id:
            yield _stray(order_id, key)


def is_place_of(there: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether what is there is the same place in a queue; one that was left names no order."""
    return "units" in item and there.get("order_id", item["order_id"]) == item["order_id"]


def _stray(order_id: str, key: Key) -> Break:
    pk, sk = key
    if pk.startswith(NUMBERS):
        told = f"{series_numbered(pk)} {int(sk)} was given to it, and is not there"
        return found("invoice.lost", order_id, told)
    return found("lookup.stray", pk, f"leads to {order_id}, which knows nothing of it")
