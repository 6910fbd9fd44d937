"""What of the stock a channel may sell: buffers keep units back from it, quotas cap what it sells.

A buffer is a number of units at every node that a channel does not see: it sees its balances with
so many `withheld`. A quota is a balance that lies at no node: its units on hand are those allotted,
its reserved ones those that the channel's orders hold or have got. So taking from it, giving back,
its journal and its repair are those of all stock. A SKU without a quota has no cap, nor has one
whose quota was lifted: what is sold without a quota counts against none that comes later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from parcelway.domain.catalogue import Product
from parcelway.domain.shop import Settings
from parcelway.domain.stock import UNBOUNDED, Balance

_NODE = "quota:"  # no node's id has a colon
PREORDER = "preorder"  # caps what is sold of a SKU before its launch, in whatever channel


def quota_of(channel: str) -> str:
    """The node at which a channel's quotas are kept."""
    return _NODE + channel


def channel_of(node: str) -> str:
    """The channel whose quotas are kept at `node`; '' for a real node."""
    return node.removeprefix(_NODE) if node.startswith(_NODE) else ""


def quota_keys(skus: Iterable[str], channel: str, settings: Settings) -> list[tuple[str, str]]:
    """The quotas to read for an order of a channel; none where the shop caps none of it."""
    capped = [name for name in (channel, PREORDER) if name in settings.quota_channels]
    return [(sku, quota_of(name)) for sku in skus for name in capped]


def seen_by(
    channel: str,
    balances: Mapping[tuple[str, str], Balance],
    buffers: Mapping[str, int],
    products: Mapping[str, Product],
) -> dict[tuple[str, str], Balance]:
    """The balances as a channel sees them, by the shop's `buffers` and the products' own.

    What an order holds it keeps: never more is withheld than is available, and a quota that was
    cut below what is sold is just used up.
    """
    return {
        key: _seen(balance, _buffer(channel, buffers, products.get(balance.sku)))
        for key, balance in balances.items()
    }


def lifted(quota: Balance) -> bool:
    """Whether a quota is none any more: as many units are allotted as there can be at all."""
    return quota.on_hand >= UNBOUNDED


def caps(
    skus: Iterable[str],
    channel: str,
    balances: Mapping[tuple[str, str], Balance],
    early: Collection[str],
) -> dict[str, str]:
    """Whose quota the units of each SKU count against; a SKU without one is left out. `early` are
    those that are not launched yet."""
    found: dict[str, str] = {}
    for sku in skus:
        names = (PREORDER, channel) if sku in early else (channel,)
        for name in names:
            quota = balances.get((sku, quota_of(name)))
            if quota is not None and not lifted(quota):
                found[sku] = name
                break
    return found


def left_of(
    sku: str, channel: str, balances: Mapping[tuple[str, str], Balance], *, early: bool
) -> int | None:
    """How many units of a SKU the channel may still sell by its quota; None where it has none."""
    found = caps([sku], channel, balances, {sku} if early else ())
    if sku not in found:
        return None
    return max(0, balances[sku, quota_of(found[sku])].available)


def _buffer(channel: str, buffers: Mapping[str, int], product: Product | None) -> int:
    own = product.channel_buffers if product else {}
    return own.get(channel, buffers.get(channel, 0))


def _seen(balance: Balance, buffer: int) -> Balance:
    there = balance.available
    if channel_of(balance.node):
        return replace(balance, withheld=min(0, there))
    withheld = min(buffer, max(0, there))
    return replace(balance, withheld=withheld) if withheld else balance
