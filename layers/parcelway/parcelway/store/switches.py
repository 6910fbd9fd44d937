"""CatalogueTable: how the shop's channels are set, read with the shop.

SHOP            CHANNEL#<channel>       its switches, and their version
"""

from __future__ import annotations

from dataclasses import replace

from parcelway.domain.parties import Channel
from parcelway.domain.switching import OPEN, Switches
from parcelway.store.codec import decode, encode
from parcelway.store.commit import commit, put_version, stale_version, until_fresh
from parcelway.store.database import Database
from parcelway.store.shop import PARTITION, forget_shop


def get_switches(db: Database, channel: Channel) -> Switches:
    """How a channel is set, as it is now; open, at version 0, when nobody ever touched it."""
    item = db.get(db.catalogue, PARTITION, _key(channel))
    return decode(Switches, item["value"]) if item else OPEN


def put_switches(
    db: Database, channel: Channel, wanted: Switches, expected: int | None = None
) -> Switches:
    """Set a channel; how it is set then. The same again changes nothing.

    Raises Refusal STALE_VERSION when `expected` is given and not the version there, and Contended.
    """

    def attempt() -> Switches:
        held = get_switches(db, channel)
        if replace(wanted, version=held.version) == held:
            return held
        if expected not in (None, held.version):
            raise stale_version()
        after = replace(wanted, version=held.version + 1)
        item = {"pk": PARTITION, "sk": _key(channel), "version": after.version}
        write = put_version(db.catalogue, item | {"value": encode(after)}, held.version)
        commit(db.client, [write])
        return after

    stored = until_fresh(attempt)
    forget_shop(db)
    return stored


def _key(channel: Channel) -> str:
    return f"CHANNEL#{channel}"
