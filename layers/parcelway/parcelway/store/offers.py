"""CatalogueTable: what is offered to whom. Every write is on the version that it was decided on.

SHOP            PRICELIST#<id>, PROMOTION#<id>, ASSORTMENT#<id>   read with the shop
COUPON#<code>   COUPON                                            a code, in capitals
SKU#<sku>       PRICE#<list>#<created>                            see store/prices.py

What is deleted leaves its item with the version and without the value. Versions go on from there
when it is made again: who read the old one, or is changing its prices, does not change the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from parcelway.domain.audience import Assortment
from parcelway.domain.coupons import Coupon
from parcelway.domain.offering import O, Offer, kept
from parcelway.domain.prices import PriceList, Tier
from parcelway.domain.promotions import Promotion
from parcelway.store import batches, codec
from parcelway.store.commit import Write, commit, put_version, stale_version, until_fresh
from parcelway.store.coupons import code_of, coupon_keys
from parcelway.store.database import Database
from parcelway.store.prices import by_quantity, get_prices, price_write
from parcelway.store.shop import PARTITION, forget_shop

_MOST_WRITES = 100
_NOTHING = (None, 0)  # what is held where there never was anything
_PREFIXES = {PriceList: "PRICELIST#", Promotion: "PROMOTION#", Assortment: "ASSORTMENT#"}


def get_offer(db: Database, kind: type[O], name: str) -> O | None:
    """A price list, promotion or assortment by its id, a coupon by its code, as it is now."""
    return _to_held(kind, db.get(db.catalogue, *_key(kind, name)))[0]


def put_offer(db: Database, offer: O, now: datetime, expected: int | None = None) -> O:
    """Add or replace; what is there afterwards, with its version. The same again changes nothing.

    Raises Refusal STALE_VERSION when `expected` is given and not the version there (0: none).
    """

    def attempt() -> O:
        held, version = _held(db, type(offer), _name(offer))
        offered = kept(offer, held, version, now)
        if offered is held:
            return offered
        _check(expected, held)
        commit(db.client, [_write(db, offered)])
        return offered

    stored = until_fresh(attempt)
    forget_shop(db)
    return stored


def delete_offer(db: Database, kind: type[O], name: str, expected: int | None = None) -> None:
    """Delete what may be there. Raises Refusal STALE_VERSION as `put_offer` does."""

    def attempt() -> None:
        held, version = _held(db, kind, name)
        if held is not None:
            _check(expected, held)
            commit(db.client, [_put(db, kind, name, version + 1, {})])

    until_fresh(attempt)
    forget_shop(db)


def put_coupons(db: Database, coupons: Sequence[Coupon], now: datetime) -> None:
    """Add or replace codes, as many at once as a transaction holds; uses counted stay counted."""

    def attempt(some: Sequence[Coupon]) -> None:
        known = _held_coupons(db, some)
        writes = []
        for coupon in some:
            held, version = known.get(coupon.code, _NOTHING)
            if (offered := kept(coupon, held, version, now)) is not held:
                writes.append(_write(db, offered))
        commit(db.client, writes)

    _in_turn(coupons, attempt)


def add_coupons(db: Database, coupons: Sequence[Coupon], now: datetime) -> None:
    """Add those codes that there never were. What was changed or deleted since stays so."""

    def attempt(some: Sequence[Coupon]) -> None:
        known = _held_coupons(db, some)
        added = [kept(coupon, *_NOTHING, now) for coupon in some if coupon.code not in known]
        commit(db.client, [_write(db, coupon) for coupon in added])

    _in_turn(coupons, attempt)


def _in_turn(coupons: Sequence[Coupon], attempt: Callable[[Sequence[Coupon]], None]) -> None:
    for start in range(0, len(coupons), _MOST_WRITES):
        until_fresh(partial(attempt, coupons[start : start + _MOST_WRITES]))


def put_prices(
    db: Database,
    list_id: str,
    prices: Mapping[str, Sequence[Tier]],
    expected: int | None = None,
) -> PriceList | None:
    """Replace the prices of at most MOST_PRICES SKUs by a list; without tiers a SKU has none in it.

    The list as it is then: its version counts changes of its prices too. None when there is no
    such list. Raises Refusal STALE_VERSION as `put_offer` does.
    """
    wanted = {sku: by_quantity(tiers) for sku, tiers in prices.items()}

    def attempt() -> PriceList | None:
        held = get_offer(db, PriceList, list_id)
        if held is None:
            return None
        now = get_prices(db, [held], wanted, consistent=True)
        changes = {s: tiers for s, tiers in wanted.items() if now.get((list_id, s), ()) != tiers}
        if not changes:
            return held
        _check(expected, held)
        changed = replace(held, version=held.version + 1)
        writes = [price_write(db, held, sku, tiers) for sku, tiers in changes.items()]
        commit(db.client, [_write(db, changed), *writes])
        return changed

    stored = until_fresh(attempt)
    forget_shop(db)
    return stored


def _check(expected: int | None, held: Offer | None) -> None:
    if expected not in (None, held.version if held else 0):
        raise stale_version()


def _held(db: Database, kind: type[O], name: str) -> tuple[O | None, int]:
    """What is offered under a name (None: nothing, or nothing any more), and the version there."""
    return _to_held(kind, db.get(db.catalogue, *_key(kind, name)))


def _held_coupons(db: Database, coupons: Iterable[Coupon]) -> dict[str, tuple[Coupon | None, int]]:
    """The same of codes, of those that there are or were."""
    keys = [(db.catalogue, *key) for key in coupon_keys(coupon.code for coupon in coupons)]
    found = batches.get_many(db.client, keys, consistent=True)
    return {code_of(item): _to_held(Coupon, item) for _, item in found}


def _to_held(kind: type[O], item: Mapping[str, Any] | None) -> tuple[O | None, int]:
    if item is None:
        return _NOTHING
    value = item.get(_field(kind))
    return None if value is None else codec.decode(kind, value), int(item["version"])


def _write(db: Database, offer: Offer) -> Write:
    value = {_field(type(offer)): codec.encode(offer)}
    return _put(db, type(offer), _name(offer), offer.version, value)


def _put(
    db: Database, kind: type[Offer], name: str, version: int, value: Mapping[str, Any]
) -> Write:
    """The next version of an item: its value, or none for what is deleted."""
    pk, sk = _key(kind, name)
    return put_version(db.catalogue, {"pk": pk, "sk": sk, "version": version, **value}, version - 1)


def _name(offer: Offer) -> str:
    return offer.code if isinstance(offer, Coupon) else offer.id


def _key(kind: type[Offer], name: str) -> tuple[str, str]:
    return coupon_keys([name])[0] if kind is Coupon else (PARTITION, f"{_PREFIXES[kind]}{name}")


def _field(kind: type[Offer]) -> str:
    return "coupon" if kind is Coupon else "value"
