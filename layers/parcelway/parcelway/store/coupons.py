"""Coupon codes, and how often limited codes and promotions were used.

    CatalogueTable  COUPON#<code>    COUPON    the code, in capitals (written by store/offers.py)
    OrdersTable     USE#<counter>    USES      `used`: orders, or units, that count on it

A counter is there from the first use of something limited. It changes in the transaction of an
order alone, which names the counters it is counted on: no use is counted or given back twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from parcelway.domain.coupons import Coupon, Use, counters
from parcelway.domain.redemption import unavailable
from parcelway.domain.refusals import Refusal
from parcelway.store import codec
from parcelway.store.commit import Stale, Write
from parcelway.store.database import Database

COUPON, USES = "COUPON", "USES"


def coupon_keys(codes: Iterable[str]) -> list[tuple[str, str]]:
    """The primary keys of codes in CatalogueTable."""
    return [(f"COUPON#{code}", COUPON) for code in codes]


def counter_keys(counters: Iterable[str]) -> list[tuple[str, str]]:
    """The primary keys of counters in OrdersTable."""
    return [(f"USE#{counter}", USES) for counter in counters]


def to_coupon(item: dict[str, Any]) -> Coupon | None:
    """A code from its item; None for one that was deleted."""
    return codec.decode(Coupon, item["coupon"]) if "coupon" in item else None


def code_of(item: dict[str, Any]) -> str:
    """The code that an item is about, deleted or not."""
    return str(item["pk"]).removeprefix("COUPON#")


def to_used(item: dict[str, Any]) -> tuple[str, int]:
    """A counter and how often it was used, from its item."""
    return item["pk"].removeprefix("USE#"), int(item["used"])


def get_used(db: Database, code: str) -> int:
    """How many orders count on a code."""
    ((pk, sk),) = counter_keys(counters(code, ""))
    item = db.get(db.orders, pk, sk)
    return to_used(item)[1] if item else 0


def use_writes(
    db: Database,
    uses: Iterable[Use],
    unused: Iterable[str],
    unbought: Iterable[tuple[str, int]] = (),
) -> list[Write]:
    """Uses counted, where their limit leaves room, and uses given back.

    A code that is used up is refused; anything else that is means to read and decide again.
    """
    back = [*((counter, 1) for counter in unused), *unbought]
    return [_count(db, use) for use in uses] + [_give_back(db, *each) for each in back]


def _count(db: Database, use: Use) -> Write:
    update = "SET used = if_not_exists(used, :none) + :units"
    values: dict[str, int] = {":room": use.limit - use.units, ":none": 0, ":units": use.units}
    if use.expires is not None:
        update += ", expires = :expires"
        values[":expires"] = int(use.expires.timestamp())
    return Write(
        db.orders,
        "attribute_not_exists(used) OR used <= :room",
        key=_key(use.counter),
        update=update,
        values=values,
        otherwise=_used_up if use.counter.startswith("CODE#") else Stale,
    )


def _give_back(db: Database, counter: str, units: int) -> Write:
    return Write(
        db.orders,
        "used >= :units",
        key=_key(counter),
        update="SET used = used - :units",
        values={":units": units},
    )


def _key(counter: str) -> dict[str, str]:
    return {"pk": f"USE#{counter}", "sk": USES}


def _used_up() -> Refusal:
    return unavailable("/coupons")
