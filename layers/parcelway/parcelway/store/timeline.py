"""All that happened to an order, as its partition tells it: events, notes, and mails.

    ORD#<id>      NOTE#<note id>      what people of the shop noted

A note is written in the transaction that changes its order. That of a draft is forgotten with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from parcelway.domain.decision import Decision
from parcelway.domain.notes import Note
from parcelway.domain.order import Event, Order
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Write, commit
from parcelway.store.database import Database
from parcelway.store.orders import to_order
from parcelway.store.saving import forgotten, writes
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, with the note that it tells of, and what became of the mail about it: claimed,
    sent, bounced, complained, suppressed or refused; '' for none."""

    event: Event
    note: str = ""
    mail: str = ""


def get_timeline(db: Database, order_id: str) -> tuple[Order, list[Entry]] | None:
    """An order and what happened to it, the oldest first; None when there is no such order."""
    items = db.query(db.orders, f"ORD#{order_id}")
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        by_kind.setdefault(item["sk"].partition("#")[0], []).append(item)
    if "ORDER" not in by_kind:
        return None
    notes = {note.id: note.text for note in map(_note, by_kind.get("NOTE", ()))}
    mails = {_sequence(item): item["state"] for item in by_kind.get("MAIL", ())}
    events = (decode(Event, item["event"]) for item in by_kind.get("EVT", ()))
    return to_order(by_kind["ORDER"][0]), [
        Entry(event, notes.get(event.data.get("note", ""), ""), mails.get(event.sequence, ""))
        for event in events
    ]


def save_note(db: Database, decision: Decision, note: Note, now: datetime) -> None:
    """Commit a decision made at `now` with the note that it tells of. Raises Stale."""
    item: dict[str, Any] = {"pk": f"ORD#{note.order_id}", "sk": f"NOTE#{note.id}"}
    item["note"] = encode(note)
    if decision.order.state == "draft":
        item["expires"] = forgotten(decision.order)
    # No condition of its own: the order's orders these writes.
    commit(db.client, [*writes(db, decision, now), Write(db.orders, "", item)])


def _note(item: Mapping[str, Any]) -> Note:
    return decode(Note, item["note"])


def _sequence(mail: Mapping[str, Any]) -> int:
    return int(mail["sk"].split("#")[1])
