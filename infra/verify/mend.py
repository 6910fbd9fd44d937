"""Mending what can be mended: each break by one conditional commit, decided on what is there now.

Everything is read anew, so mending twice changes nothing the second time, and what somebody else
changed meanwhile is left alone. The order is right about what it holds, the journal about the
balances; money and issued numbers are never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from parcelway.domain.decision import Decision
from parcelway.domain.order import advance, happened
from parcelway.domain.parties import SYSTEM
from parcelway.domain.stock import Kind, Move
from parcelway.ports.bus import Bus
from parcelway.store.commit import Busy, Stale, Write, commit, put_new
from parcelway.store.database import Database
from parcelway.store.ledger import fold_again
from parcelway.store.orders import get_dossier
from parcelway.store.queues import serve
from parcelway.store.saving import save
from parcelway.store.series import counter_write, get_counter, numbers_given
from parcelway.store.shards import merge
from parcelway.store.stock import move_writes

from infra.verify.case import Evidence, Unreadable, gather
from infra.verify.check import compared, is_place_of
from infra.verify.customers import mend_keys
from infra.verify.finding import Break
from infra.verify.inventory import mend_posted
from infra.verify.orders import too_far, wrong_attributes
from infra.verify.series import documented, series_breaks
from infra.verify.statements import NONE, Held
from infra.verify.stock import Clock, Counters, available, counters, differences, of_place, place_of
from infra.verify.supplies import mend_supplies
from infra.verify.tables import AT_REST, Care

_REASON = "the order's units and its journal differed"


class Unmended(Exception):
    """A break cannot be mended, for the reason that the message gives."""


def repair(
    db: Database,
    found: Sequence[Break],
    now: datetime,
    care: Care = AT_REST,
    bus: Bus | None = None,
) -> list[str]:
    """Mend what can be mended of `found`, and say of each what was done or why not.

    `bus` is where events are published again. Those for a person are not mentioned.
    """
    mender = Mender(db, now, care, bus)
    told = []
    for kind in mender.KINDS:
        subjects = [broken.subject for broken in found if broken.kind == kind and broken.repair]
        for subject in dict.fromkeys(subjects):
            told.append(f"{kind}: {subject}: {_outcome(mender, kind, subject)}")
    return told


def _outcome(mender: Mender, kind: str, subject: str) -> str:
    try:
        return mender.mend(kind, subject)
    except Stale:
        return "not mended: it changed meanwhile, or there is not enough stock; verify again"
    except (Busy, Unmended, Unreadable) as error:
        return f"not mended: {error or 'the tables are busy'}"


class Mender:
    """How each kind is mended. Orders come before look-ups and balances: theirs is the last word,
    and a balance is rebuilt from what they have corrected."""

    def __init__(self, db: Database, now: datetime, care: Care, bus: Bus | None) -> None:
        self._db, self._now, self._care, self._bus = db, now, care, bus
        self._clock = Clock(now)
        self._published: set[str] = set()

    def mend(self, kind: str, subject: str) -> str:
        """Mend one break; what was done. Raises Unmended, Unreadable, Stale or Busy."""
        return self.KINDS[kind](self, subject)

    def _evidence(self, order_id: str) -> Evidence:
        evidence = gather(self._db, order_id, set(), self._now)
        if evidence is None:
            raise Unmended("it keeps changing")
        return evidence

    def _holdings(self, order_id: str) -> str:
        """Book the difference between an order and its journal, in journal and balance alike."""
        evidence = self._evidence(order_id)
        held, said = compared(evidence)
        moves = [
            move
            for place in sorted(held.keys() | said.keys())
            for move in _moves(place, said.get(place, NONE), held.get(place, NONE))
        ]
        if not moves:
            return _NOTHING
        if evidence.case is not None:
            changed = advance(evidence.case.order)
            told = happened(changed, self._now, "stock.corrected", SYSTEM, reason=_REASON)
            save(self._db, Decision(changed, told, tuple(moves)), self._now)
        else:
            after = int(evidence.journal[-1]["sk"]) + 1
            commit(self._db.client, move_writes(self._db, order_id, after, self._now, moves))
        return "booked " + ", ".join(f"{m.kind} {m.quantity} {m.sku} at {m.node}" for m in moves)

    def _rebuild(self, name: str) -> str:
        place = place_of(name)
        wrong = differences(self._db, [place], self._clock, self._care)
        if not wrong:
            return _NOTHING
        (difference,) = wrong
        goal, seen = difference.journal, counters(difference.shards)
        if difference.told().repair is None:
            raise Unmended("by its journal there would be less than nothing; count it first")
        if len(difference.shards) > 1:
            merge(self._db, *place)
            return self._rebuild(name)
        change = goal.plus(-value for value in counters(difference.shards))
        shard = difference.shards[0] if difference.shards else None
        commit(self._db.client, [_balance_write(self._db, place, shard, change)])
        return f"the balance was {tuple(seen)}, is {tuple(goal)} now"

    def _available(self, name: str) -> str:
        told = []
        for item in of_place(self._db, place_of(name)):
            if item.get("available", 0) != available(item):
                commit(self._db.client, [_counters_write(self._db, item, Counters())])
                told.append(f"{item['sk']} has {available(item)} available now")
        return ", ".join(told) or _NOTHING

    def _posted(self, name: str) -> str:
        return mend_posted(self._db, place_of(name)) or _NOTHING

    def _supplies(self, name: str) -> str:
        return mend_supplies(self._db, name) or _NOTHING

    def _turnover(self, period: str) -> str:
        return "counted anew" if fold_again(self._db, period) else _NOTHING

    def _index(self, order_id: str) -> str:
        case = self._evidence(order_id).case
        if case is None:
            raise Unmended("there is no such order")
        wrong = wrong_attributes(case)
        if too_far(case, self._now):
            wrong["ORDER"] = list({*wrong.get("ORDER", []), "due_at"})
        for sk, names in wrong.items():
            wanted = case.wanted[case.pk, sk]
            commit(self._db.client, [_attributes_write(self._db, case.items[sk], wanted, names)])
        return f"written: {', '.join(wrong)}" if wrong else _NOTHING

    def _lookups(self, order_id: str) -> str:
        evidence = self._evidence(order_id)
        wanted = evidence.case.lookups() if evidence.case else {}
        missing = {key: item for key, item in wanted.items() if key not in evidence.pointers}
        for item in missing.values():
            commit(self._db.client, [put_new(self._db.orders, item)])
        return "put " + ", ".join(" ".join(key) for key in missing) if missing else _NOTHING

    def _places(self, order_id: str) -> str:
        """Write the order's places in the queues as it has them."""
        evidence = self._evidence(order_id)
        written = []
        for key, item in (evidence.case.lookups() if evidence.case else {}).items():
            there = evidence.pointers.get(key)
            if there is not None and there != item and is_place_of(there, item):
                seen = {":seen": there["units"]}
                commit(
                    self._db.client, [Write(self._db.orders, "units = :seen", item, values=seen)]
                )
                written.append(" ".join(key))
        return f"written: {', '.join(written)}" if written else _NOTHING

    def _serve(self, name: str) -> str:
        served = serve(self._db, *place_of(name), self._now)
        if not (served.filled or served.redated):
            return _NOTHING
        return f"{served.filled} orders got units, {served.redated} another date"

    def _keys(self, customer_id: str) -> str:
        return mend_keys(self._db, customer_id) or _NOTHING

    def _stray(self, pk: str) -> str:
        """Delete a look-up item that its own order does not ask for."""
        for pointer in self._db.query(self._db.orders, pk):
            key = (pointer["pk"], pointer["sk"])
            case = self._evidence(pointer["order_id"]).case
            if case is None or key not in case.lookups():
                gone = Write(
                    self._db.orders,
                    "order_id = :order_id",
                    key={"pk": key[0], "sk": key[1]},
                    values={":order_id": pointer["order_id"]},
                )
                commit(self._db.client, [gone])
                return "deleted"
        return _NOTHING

    def _counter(self, series: str) -> str:
        """Set a series' counter to its last number, if it has not moved. Documents count as well
        as what holds their numbers: no number that a document has is ever given again."""
        # Read before the numbers: one that is given meanwhile moves it on, and the write fails.
        before = get_counter(self._db, series)
        printed = documented(self._db, series, self._care)
        kinds = {broken.kind for broken in series_breaks(self._db, series, printed)}
        if "invoice.counter" not in kinds:
            return _NOTHING
        if "invoice.gap" in kinds:
            raise Unmended("numbers are missing in this series; see to these first")
        highest = max(numbers_given(self._db, series) | printed, default=0)
        commit(self._db.client, [counter_write(self._db, before, highest)])
        return f"the counter was {before.last}, is {highest} now"

    def _publish(self, order_id: str) -> str:
        """Tell everybody once more what happened to an order: they act on how it is now."""
        if order_id in self._published:
            return "its events were published again"
        dossier = get_dossier(self._db, order_id)
        if self._bus is None or dossier is None:
            raise Unmended("there is no bus to publish on" if dossier else "there is no such order")
        if self._bus.publish(dossier.events) < len(dossier.events):
            raise Unmended("the bus did not take the events; try again")
        self._published.add(order_id)
        return f"its {len(dossier.events)} events were published again"

    KINDS: ClassVar[Mapping[str, Callable[[Mender, str], str]]] = {
        **dict.fromkeys(
            ("stock.reserved", "stock.allocated", "stock.shipped", "stock.backordered"), _holdings
        ),
        "stock.journal": _rebuild,
        "stock.posted": _posted,
        "stock.available": _available,
        "stock.supplies": _supplies,
        "books.turnover": _turnover,
        **dict.fromkeys(("order.stuck", "order.timer", "order.index", "shipment.queue"), _index),
        "lookup.missing": _lookups,
        "lookup.stray": _stray,
        "queue.units": _places,
        "invoice.counter": _counter,
        "customer.keys": _keys,
        **dict.fromkeys(("queue.unserved", "queue.untold"), _serve),
        **dict.fromkeys(
            ("order.unscheduled", "invoice.missing", "mail.missing", "mail.claimed"), _publish
        ),
    }


_NOTHING = "nothing left to mend"


def _moves(place: tuple[str, str], before: Held, after: Held) -> list[Move]:
    """The moves that bring what the journal says to what the order holds."""
    change = [new - old for new, old in zip(after, before, strict=True)]
    kinds: list[tuple[Kind, Kind]] = [
        ("adjust", "adjust"),
        ("reserve", "release"),
        ("allocate", "deallocate"),
        ("backorder", "unqueue"),
    ]
    made = []
    for units, (more, less) in zip(change, kinds, strict=True):
        if units:
            kind = more if units > 0 else less
            made.append(Move(*place, kind, units if kind == "adjust" else abs(units)))
    return made


def _balance_write(
    db: Database, place: tuple[str, str], shard: Mapping[str, Any] | None, change: Counters
) -> Write:
    if shard is not None:
        return _counters_write(db, shard, change)
    sku, node = place
    keys = {"pk": f"SKU#{sku}", "sk": f"NODE#{node}", "sku": sku, "node": node}
    sums: dict[str, Any] = change._asdict()
    return put_new(db.stock, keys | sums | {"available": available(sums)})


def _counters_write(db: Database, item: Mapping[str, Any], change: Counters) -> Write:
    """Change the counters of a balance item as it was seen, and count what is available anew."""
    before = {name: item.get(name) for name in (*Counters._fields, "available")}
    after: dict[str, Any] = counters([dict(item)]).plus(change)._asdict()
    after["available"] = available({**item, **after})
    conditions = [
        f"#{name} = :was_{name}" if value is not None else f"attribute_not_exists(#{name})"
        for name, value in before.items()
    ]
    return Write(
        db.stock,
        " AND ".join(conditions),
        key={"pk": item["pk"], "sk": item["sk"]},
        update="SET " + ", ".join(f"#{name} = :{name}" for name in after),
        names={f"#{name}": name for name in after},
        values={f":{name}": value for name, value in after.items()}
        | {f":was_{name}": value for name, value in before.items() if value is not None},
    )


def _attributes_write(
    db: Database, item: Mapping[str, Any], wanted: Mapping[str, Any], names: Sequence[str]
) -> Write:
    """Set the attributes that are wanted and remove those that are not, at the version seen."""
    kept = [name for name in names if name in wanted]
    gone = [name for name in names if name not in wanted]
    update = "SET " + ", ".join(f"#{name} = :{name}" for name in kept) if kept else ""
    if gone:
        update += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    return Write(
        db.orders,
        "#version = :version",
        key={"pk": item["pk"], "sk": item["sk"]},
        update=update.strip(),
        names={f"#{name}": name for name in (*names, "version")},
        values={f":{name}": wanted[name] for name in kept} | {":version": item["version"]},
    )
