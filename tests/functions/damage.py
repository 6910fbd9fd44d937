"""A shop in the crash explorer's DynamoDB, to plant damage in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import boto3
from parcelway.domain.mailing import mailed
from parcelway.domain.order import Event
from parcelway.store.database import Database
from parcelway.store.items import from_item, to_item
from parcelway.store.mails import MailKey, claim, report

from infra.sim.dynamodb import DynamoDB
from infra.verify import AT_REST, Break, Care, breaks
from tests.functions.tables import REGION, TABLES, create_table, table_name
from tests.orders import SPLIT_STOCK, Story, at

Item = dict[str, Any]


@dataclass
class Shop:
    """Four orders: under way, unpaid, delivered in two parcels, called off. Nothing is broken."""

    db: Database
    stories: dict[str, Story]
    calls: list[str] = field(default_factory=list)
    published: list[Event] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """When the last of it happened."""
        return max(story.now for story in self.stories.values())

    def publish(self, events: Sequence[Event]) -> int:
        """The event bus, which only remembers."""
        self.published += events
        return len(events)

    def id(self, name: str) -> str:
        """An order's id."""
        return self.stories[name].order.id

    def number(self, name: str) -> str:
        """The partition of an order's tracking number."""
        return f"TRK#{self.stories[name].order.tracking_number}"

    def item(self, table: str, pk: str, sk: str = "") -> Item:
        """The first item of a partition whose sort key starts so."""
        return self.db.query(getattr(self.db, table), pk, sk)[0]

    def put(self, table: str, item: Item) -> None:
        """Write an item as nothing of ours would."""
        self.db.client.put_item(TableName=getattr(self.db, table), Item=to_item(item))

    def drop(self, table: str, item: Item) -> None:
        """Lose an item."""
        key = to_item({"pk": item["pk"], "sk": item["sk"]})
        self.db.client.delete_item(TableName=getattr(self.db, table), Key=key)

    def balance(self, **changes: int) -> None:
        """Change the counters of a balance that orders hold."""
        item = self.item("stock", "SKU#MUG-1", "NODE#dc-1")
        self.put("stock", item | {name: item[name] + by for name, by in changes.items()})

    def order(self, name: str, **changes: Any) -> None:
        """Change fields of an order."""
        item = self.item("orders", f"ORD#{self.id(name)}", "ORDER")
        self.put("orders", item | {"order": item["order"] | changes})

    def part(self, name: str, sk: str) -> Item:
        """A part of an order."""
        return self.item("orders", f"ORD#{self.id(name)}", sk)

    def found(self, care: Care = AT_REST) -> list[Break]:
        """What is wrong."""
        return breaks(self.db, self.now, care)

    def kinds(self) -> set[str]:
        """The kinds of what is wrong."""
        return {broken.kind for broken in self.found()}

    def dump(self) -> list[str]:
        """Everything in the tables, comparable."""
        db, found = self.db, []
        for table in (db.stock, db.orders, db.ledger):
            for page in db.client.get_paginator("scan").paginate(TableName=table):
                found += [json.dumps(from_item(item), sort_keys=True) for item in page["Items"]]
        return sorted(found)


def mail(db: Database, story: Story) -> None:
    """Every mail that a story deserves, sent."""
    for event in story.events:
        if mailed(event, story.order):
            key = MailKey(story.order.id, event.sequence, event.type)
            claim(db, key, "somebody", event.at)
            report(db, key, "sent", "id", event.at)


class Tables:
    """The five tables in the crash explorer's DynamoDB, behind a real client."""

    def __init__(self) -> None:
        self.model = DynamoDB(lambda: 0.0)
        maker = SimpleNamespace(create_table=lambda **given: self.model.create_table(given))
        for name in TABLES:
            create_table(maker, name)
        self.calls: list[str] = []
        client: Any = boto3.client(
            "dynamodb", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
        )
        client._make_api_call = self._call
        self.db = Database(client, *(table_name(name) for name in TABLES))

    def _call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(operation)
        return self.model.call(operation, parameters)


def four_stories() -> dict[str, Story]:
    """What happened to the four orders."""
    return {
        "working": at("released", seed="1", series="A"),
        "unpaid": at("placed", seed="2", series="B"),
        "done": at("closed", seed="3", series="C", stock=SPLIT_STOCK),
        "off": at("confirmed", seed="4", series="D").cancelled().pays("voided", authorized=0),
    }
