"""Balances that many buyers want at once, kept on several items so that they do not collide.

SKU#<sku>      NODE#<node>        shard 0: the balance; `shards` (4 or 16) when there are more
SKU#<sku>      NODE#<node>#<k>    shard k = 1 .. shards - 1, with the same `shards`
SPLIT          <sku>#<node>       a split balance and when it was `crowded_at` last

DynamoDB lets one transaction at a time change an item and cancels the others. A balance is the sum
of its shards; on each of them available is what Balance says, and never negative. The other
counters mean something as sums only: units reserved on one shard may be released on another. What
is expected, waited for, damaged or kept back is on shard 0 and changes while there is no other.

Splitting and merging move units between items and change no sum, so the journal is not concerned.
Shard counts are remembered per container; shard 0 says the present one, so old memory is noticed.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from parcelway.domain.stock import Change
from parcelway.store.batches import get_many
from parcelway.store.codec import iso
from parcelway.store.commit import ATTEMPTS, Busy, Stale, Write, commit, put_new
from parcelway.store.database import Database
from parcelway.values import dataclass

Key = tuple[str, str]  # SKU, node
Item = dict[str, Any]

MOST = 16
CALM = timedelta(hours=1)  # since it last was crowded; then a balance is merged
COUNTERS = ("on_hand", "reserved", "allocated", "available")
# Shards made of each at once: the step to 4 touches one crowded item, to 16 four. Doubling instead,
# the sale of `make races` goes at 70 % of the pace for 1.6 times the write units.
_GROWTH = 4
WORTH = "worth_"  # with a currency: what the units that the money books own here stand at
_LEAST = 4  # available units per shard that make a split worth while
_NOTED = timedelta(minutes=10)  # how exactly `crowded_at` is kept
_REMEMBERED = 2_000  # balances; a container that has seen more starts afresh
_SPLIT = "SPLIT"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Split:
    """A split balance, as it is listed."""

    sku: str
    node: str
    crowded_at: str


def item_key(sku: str, node: str, shard: int = 0) -> dict[str, str]:
    """The primary key of one shard."""
    return {"pk": f"SKU#{sku}", "sk": f"NODE#{node}#{shard}" if shard else f"NODE#{node}"}


def read(
    db: Database,
    keys: Iterable[Key],
    also: Sequence[tuple[str, str, str]] = (),
    *,
    consistent: bool = False,
) -> tuple[dict[Key, list[Item]], list[tuple[str, Item]]]:
    """The balances that exist among `keys`, each as its shards in order, and the items `also`
    (table, pk, sk; of other tables) that exist, with their tables.

    One call when the shard counts in memory are right. Shards read while their number changed are
    read again, strongly consistent: a balance is never returned without some of its units.
    Raises Busy.
    """
    keys = list(dict.fromkeys(keys))
    guessed = {key: range(max(1, len(known(db, *key)))) for key in keys}
    found = get_many(db.client, [*also, *_wanted(db, guessed)], consistent=consistent)
    parts: dict[Key, dict[int, Item]] = {key: {} for key in keys}
    _sort_in(parts, [item for table, item in found if table == db.stock])
    missing = {key: range(len(guessed[key]), _count(shards)) for key, shards in parts.items()}
    if any(missing.values()):
        _fetch(db, missing, parts, consistent=consistent)
    for _ in range(ATTEMPTS):
        torn = [key for key, shards in parts.items() if not _whole(shards)]
        if not torn:
            break
        again = {key: range(_count(parts[key])) for key in torn}
        parts |= {key: {} for key in torn}
        _fetch(db, again, parts, consistent=True)
    else:
        raise Busy
    whole = {key: [shards[k] for k in range(_count(shards))] for key, shards in parts.items()}
    read_now = {key: shards for key, shards in whole.items() if shards}
    _remember(db, read_now)
    return read_now, [(table, item) for table, item in found if table != db.stock]


def known(db: Database, sku: str, node: str) -> tuple[int, ...]:
    """What each shard of a balance had available when this container last read it; () when it
    never did. A hint: the writes' conditions decide."""
    seen: tuple[int, ...] = _memory(db).get((sku, node), ())
    return seen


def forget(db: Database, sku: str, node: str) -> None:
    """Drop what is remembered of a balance, which turned out to be wrong."""
    _memory(db).pop((sku, node), None)


def spread(available: Sequence[int], change: Change) -> dict[int, Change] | None:
    """A change of a split balance as changes of its shards, of which each had so much `available`.

    What takes nothing goes to any shard. Units are taken from one shard that has them all, chosen
    at random by what it has; when none has, from as few as possible. None when all together have
    not enough.
    """
    wanted = -change.available
    if wanted <= 0:
        return {random.randrange(len(available)): change}  # noqa: S311
    rich = [shard for shard, units in enumerate(available) if units >= wanted]
    if rich:
        return {random.choices(rich, [available[shard] for shard in rich])[0]: change}  # noqa: S311
    if sum(units for units in available if units > 0) < wanted:
        return None
    first, *others = sorted(range(len(available)), key=lambda shard: -available[shard])
    parts, wanted = {}, wanted - available[first]
    for shard in others:
        taken = min(available[shard], wanted)
        if taken <= 0:
            break
        parts[shard] = _taking(change, taken)
        wanted -= taken
    return {first: _less(change, parts.values())} | parts


def split(db: Database, sku: str, node: str, shards: int, at: datetime) -> None:
    """Keep a balance that was crowded at `shards` shards on more of them, if it is worth while.

    Best effort, by whoever met the crowd: nothing depends on it, so nothing of it is raised.
    """
    try:
        _split(db, sku, node, shards, at)
    except (Stale, Busy):
        return  # others were faster, or it is too crowded even for this; the next will see to it
    except (ClientError, BotoCoreError) as error:
        _log.warning("%s at %s not split: %s", sku, node, type(error).__name__)


def merge(db: Database, sku: str, node: str, crowded_at: str = "") -> None:
    """Put a balance back on one item; fine when it is.

    Raises Stale when units moved meanwhile, or when it was crowded since `crowded_at`; and Busy.
    """
    read_now, _ = read(db, [(sku, node)], consistent=True)
    base, *others = read_now.get((sku, node), [{}])
    if not others:
        return
    sums = {name: sum(item[name] for item in others) for name in COUNTERS}
    posted = dict.fromkeys(name for item in others for name in item if is_posted(name))
    sums |= {name: sum(item.get(name, 0) for item in others) for name in posted}
    listed = _listed(db, sku, node)
    if crowded_at:
        listed = replace(listed, condition="crowded_at = :seen", values={":seen": crowded_at})
    together = Write(
        db.stock,
        "shards = :shards",
        key=item_key(sku, node),
        update="SET "
        + ", ".join(f"{name} = if_not_exists({name}, :zero) + :{name}" for name in sums)
        + " REMOVE shards",
        values={":shards": base["shards"], ":zero": 0} | {f":{name}": sums[name] for name in sums},
    )
    gone = [_emptied(db, item, shard) for shard, item in enumerate(others, 1)]
    commit(db.client, [together, *gone, listed])
    forget(db, sku, node)
    _log.info("%s at %s merged from %d shards", sku, node, base["shards"])


def calm(db: Database, now: datetime) -> list[Split]:
    """The split balances that were not crowded for a while."""
    items = db.query(db.stock, _SPLIT, consistent=False)
    listed = [Split(item["sku"], item["node"], item["crowded_at"]) for item in items]
    return [split for split in listed if split.crowded_at <= iso(now - CALM)]


def _split(db: Database, sku: str, node: str, shards: int, at: datetime) -> None:
    read_now, _ = read(db, [(sku, node)], consistent=True)
    items = read_now.get((sku, node), [])
    if not items or len(items) != shards:
        return  # somebody else just did
    available, more = [item["available"] for item in items], shards * _GROWTH
    # Without any left to sell there still are payments to book, and they collide as well.
    worth_while = sum(available) >= _LEAST * more or not any(available)
    if more > MOST or not worth_while:
        if shards > 1:
            _note_crowd(db, sku, node, at)
        return
    each = [units // _GROWTH for units in available]
    writes = [_giving(db, item, shard, each[shard], more) for shard, item in enumerate(items)]
    writes += [
        put_new(db.stock, _new_shard(items[0], shard, each[shard % shards], more))
        for shard in range(shards, more)
    ]
    listed = {"pk": _SPLIT, "sk": f"{sku}#{node}", "sku": sku, "node": node, "crowded_at": iso(at)}
    commit(db.client, [*writes, Write(db.stock, "", listed)], attempts=3)
    forget(db, sku, node)
    _log.info("%s at %s split into %d shards", sku, node, more)


def _giving(db: Database, item: Mapping[str, Any], shard: int, units: int, shards: int) -> Write:
    """A shard that gives `units` to each of the new ones made of it."""
    split_before = "shards" in item
    count = "shards = :before" if split_before else "attribute_not_exists(shards)"
    values = {":given": units * (_GROWTH - 1), ":shards": shards}
    if split_before:
        values[":before"] = item["shards"]
    return Write(
        db.stock,
        f"{count} AND available >= :given",
        key=item_key(item["sku"], item["node"], shard),
        update="SET on_hand = on_hand - :given, available = available - :given, shards = :shards",
        values=values,
    )


def _new_shard(base: Mapping[str, Any], shard: int, units: int, shards: int) -> Item:
    """A shard beside `base`. It says the reorder point too, so that the stream tells of what
    changes on it."""
    sku, node = base["sku"], base["node"]
    counters = {"on_hand": units, "reserved": 0, "allocated": 0, "available": units}
    told = {name: base[name] for name in ("reorder_point",) if name in base}
    named = {"sku": sku, "node": node, "shards": shards}
    return item_key(sku, node, shard) | named | counters | told


def _emptied(db: Database, item: Mapping[str, Any], shard: int) -> Write:
    """The end of a shard whose units, exactly these, are kept elsewhere now."""
    return Write(
        db.stock,
        " AND ".join([*(f"{name} = :{name}" for name in COUNTERS), posted_as(item)]),
        key=item_key(item["sku"], item["node"], shard),
        values={f":{name}": item[name] for name in (*COUNTERS, "posted") if name in item},
    )


def is_posted(name: str) -> bool:
    """Whether an attribute of a balance is what the money books have there."""
    return name in ("owned", "posted") or name.startswith(WORTH)


def posted_as(item: Mapping[str, Any]) -> str:
    """The condition (`:posted` is the item's) that nothing has been posted on it since."""
    return "posted = :posted" if "posted" in item else "attribute_not_exists(posted)"


def _note_crowd(db: Database, sku: str, node: str, at: datetime) -> None:
    noted = replace(
        _listed(db, sku, node),
        condition="crowded_at < :before",
        update="SET crowded_at = :at",
        values={":before": iso(at - _NOTED), ":at": iso(at)},
    )
    commit(db.client, [noted])


def _listed(db: Database, sku: str, node: str) -> Write:
    return Write(db.stock, "", key={"pk": _SPLIT, "sk": f"{sku}#{node}"})


def _taking(change: Change, units: int) -> Change:
    """Taking `units` from what is available, in the way that `change` takes them."""
    if change.reserved > 0:
        return Change(change.sku, change.node, 0, units, 0, least_available=units)
    if change.allocated > 0:
        return Change(change.sku, change.node, 0, 0, units, least_available=units)
    return Change(change.sku, change.node, -units, 0, 0, least_available=units)


def _less(change: Change, parts: Iterable[Change]) -> Change:
    for part in parts:
        change = Change(
            change.sku,
            change.node,
            change.on_hand - part.on_hand,
            change.reserved - part.reserved,
            change.allocated - part.allocated,
            owned=change.owned,
            worth=change.worth,
        )
    return replace(change, least_available=-change.available)


def _wanted(db: Database, shards: Mapping[Key, Iterable[int]]) -> list[tuple[str, str, str]]:
    wanted = [item_key(*key, shard) for key, numbers in shards.items() for shard in numbers]
    return [(db.stock, key["pk"], key["sk"]) for key in wanted]


def _fetch(
    db: Database,
    shards: Mapping[Key, Iterable[int]],
    parts: dict[Key, dict[int, Item]],
    *,
    consistent: bool,
) -> None:
    found = get_many(db.client, _wanted(db, shards), consistent=consistent)
    _sort_in(parts, [item for _, item in found])


def _sort_in(parts: dict[Key, dict[int, Item]], items: Iterable[Item]) -> None:
    for item in items:
        shard = item["sk"].removeprefix(f"NODE#{item['node']}").removeprefix("#")
        parts[item["sku"], item["node"]][int(shard or 0)] = item


def _count(shards: Mapping[int, Item]) -> int:
    return int(shards[0].get("shards", 1)) if 0 in shards else 0


def _whole(shards: Mapping[int, Item]) -> bool:
    """Whether no shard is missing, and all were read between the same two splits."""
    count = _count(shards)
    return all(k in shards and shards[k].get("shards") == count for k in range(1, count))


def _remember(db: Database, balances: Mapping[Key, Sequence[Item]]) -> None:
    memory = _memory(db)
    if len(memory) > _REMEMBERED:
        memory.clear()
    for key, items in balances.items():
        memory[key] = tuple(item["available"] for item in items)


def _memory(db: Database) -> dict[Key, tuple[int, ...]]:
    memory: dict[Key, tuple[int, ...]] = db.memory.setdefault("shards", {})
    return memory
