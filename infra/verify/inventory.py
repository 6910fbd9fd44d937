"""Goods in the money books: units and worth of each balance are those of its journal, and what the
journal says that all of them are worth is the balance of account `inventory`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from parcelway.domain.stock import Entry, net
from parcelway.store import shards
from parcelway.store.commit import Write, commit
from parcelway.store.database import Database
from parcelway.store.shards import WORTH, item_key, posted_as

from infra.verify.finding import Break, found
from infra.verify.statements import entries_of
from infra.verify.stock import Place, name_of, of_place
from infra.verify.tables import AT_REST, Items, partitions

Posted = Counter[str]  # `owned` units, and `worth_<currency>` in minor units


@dataclass(slots=True)
class Goods:
    """Balances less their journal, and the journal less the books."""

    places: dict[Place, Posted] = field(default_factory=dict)
    books: Counter[str] = field(default_factory=Counter)

    def balances(self, items: Items) -> None:
        """The balances of a SKU."""
        for item in items:
            self._add((item["sku"], item["node"]), posted_on(item), 1)

    def entries(self, entries: Iterable[Entry]) -> None:
        """What the journal says."""
        for change in net(move for entry in entries for move in entry.moves):
            said = {f"{WORTH}{currency}": minor for currency, minor in change.worth}
            self._add((change.sku, change.node), {"owned": change.owned, **said}, -1)
            self.books.update(dict(change.worth))

    def postings(self, items: Items) -> None:
        """What the books have."""
        for posting in (item["posting"] for item in items):
            for entry in posting["entries"]:
                if entry["account"] == "inventory":
                    self.books[posting["currency"]] -= entry["debit"]

    def _add(self, place: Place, posted: Mapping[str, int], sign: int) -> None:
        """Places that agree take no room, as far as the journal is read."""
        sums = self.places.setdefault(place, Counter())
        for name, value in posted.items():
            sums[name] += sign * value
        if not any(sums.values()):
            del self.places[place]

    def breaks(self, unclear: Collection[Place] = ()) -> Iterator[Break]:
        """The places, and the currencies, in which they do not agree; nothing of places of which
        the journal cannot be right."""
        for place, difference in sorted(self.places.items()):
            if place in unclear:
                continue
            told = ", ".join(f"{value:+} {name}" for name, value in difference.items() if value)
            yield found("stock.posted", name_of(place), f"{told} beyond its journal")
        for currency, minor in sorted(self.books.items()):
            if minor:
                told = f"by the journal they are worth {minor:+} beyond what the books have"
                yield found("goods.worth", currency, told)


def posted_on(item: Mapping[str, Any]) -> dict[str, int]:
    """What a balance item says that the money books have."""
    return {name: item[name] for name in item if name == "owned" or name.startswith(WORTH)}


def mend_posted(db: Database, place: Place) -> str | None:
    """Have a balance say what its journal does; what was done, None when nothing is wrong. Raises
    Stale when something was posted on it meanwhile, and Busy."""
    items = of_place(db, place)
    if len(items) > 1:
        shards.merge(db, *place)
        items = of_place(db, place)
    goods = Goods()
    goods.balances(items)
    for pk, journal in partitions(db, db.stock, AT_REST):
        if pk.startswith("JRN#"):
            goods.entries(entries_of(journal))
    difference = goods.places.get(place)
    if not difference or not items:
        return None
    (item,) = items
    sets = [f"{name} = if_not_exists({name}, :zero) - :{name}" for name in difference]
    values = {":zero": 0, ":one": 1} | {f":{name}": value for name, value in difference.items()}
    write = Write(
        db.stock,
        f"attribute_exists(pk) AND {posted_as(item)}",
        key=item_key(*place),
        update=f"SET {', '.join(sets)}, posted = if_not_exists(posted, :zero) + :one",
        values=values | ({":posted": item["posted"]} if "posted" in item else {}),
    )
    commit(db.client, [write])
    return f"changed by {', '.join(f'{-v:+} {name}' for name, v in difference.items() if v)}"
