"""Poison: a message that cannot be handled costs itself and nothing else.

Batches of ten, the poison in the first, a middle and the last place, over real queues (moto's) that
give up as `template.yaml` says. The nine others are done once; the poison ends among the dead
letters, and `parcelway redrive` has it done once when its cause is gone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from parcelway.store.database import Database
from parcelway.store.orders import get_dossier
from parcelway.store.waits import Wait, keep

from infra.cli.dead_letters import Depot
from tests.functions.calls import Context, bus_event, failed, load, queue_event
from tests.functions.mailing import mailing
from tests.functions.outside import MACHINE, Machine, Provider
from tests.functions.tables import REGION, aws
from tests.infra.expanded import of_type
from tests.orders import Story, at, store

BATCH = 10
PLACES = (0, 4, 9)
GIVEN_UP = (0, 9)  # where it is tried until it is given up, which takes time; else mended before
BAD = "not an order"


@dataclass
class Consumer:
    """A function behind a queue: what it is told of an order, and what it has done."""

    db: Database
    queue: str
    function: Any
    story: Callable[[str], Story]
    message: Callable[[Story], dict[str, Any]]
    done: Callable[[], Counter[str]]
    """How often it has done its work, by order."""
    reset: Callable[[], None] = lambda: None
    """Make it all to be done again, as far as that is not in the tables."""


@contextmanager
def documents(patch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    with aws(patch, DOCUMENTS_BUCKET="documents") as db:
        s3 = boto3.client("s3")
        s3.create_bucket(
            Bucket="documents", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        s3.put_bucket_versioning(Bucket="documents", VersioningConfiguration={"Status": "Enabled"})

        def done() -> Counter[str]:
            kept = s3.list_object_versions(Bucket="documents").get("Versions", [])
            return Counter(orders[version["Key"].split("/")[1]] for version in kept)

        def reset() -> None:
            for entry in s3.list_objects_v2(Bucket="documents").get("Contents", []):
                s3.delete_object(Bucket="documents", Key=entry["Key"])

        orders: dict[str, str] = {}

        def story(seed: str) -> Story:
            made = at("invoiced", seed=seed, series=f"S{seed}")
            orders[f"S{seed}"] = made.order.id
            return made

        yield Consumer(
            db,
            "DocumentsQueue",
            load("documents"),
            story,
            lambda story: bus_event(story.event("invoice.issued")),
            done,
            reset,
        )


@contextmanager
def notifications(patch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    with mailing(patch) as world:
        yield Consumer(
            world.db,
            "MailQueue",
            world.function,
            lambda seed: at("confirmed", seed=seed),
            lambda story: bus_event(story.event("order.confirmed")),
            lambda: Counter(mail["tags"]["mail_id"].split("-")[0] for mail in world.mailer.sent),
        )


@contextmanager
def fulfillment(patch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    with aws(patch, FULFILLMENT_ARN=MACHINE) as db:
        machine, function = Machine(), load("fulfillment_worker")
        function.executions = lambda: machine

        def message(story: Story) -> dict[str, Any]:
            keep(db, Wait(story.order.id, story.shipments[0].id, "packed", story.order.id))
            return bus_event(story.event("shipment.packed"))

        yield Consumer(
            db,
            "FulfillmentQueue",
            function,
            lambda seed: at("packed", seed=seed),
            message,
            lambda: Counter(token for token, _ in machine.sent),
        )


@contextmanager
def payments(patch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    with aws(patch) as db:
        provider, function = Provider(), load("payment_worker")
        function.gateway = lambda _: provider
        told: set[str] = set()

        def message(story: Story) -> dict[str, Any]:
            told.add(story.order.id)
            return {"payment": provider.holds(story), "order": story.order.id}

        def done() -> Counter[str]:
            events = [
                event
                for order_id in told
                if not broken(db, order_id) and (dossier := get_dossier(db, order_id))
                for event in dossier.events
            ]
            return Counter(event.order_id for event in events if event.type == "order.confirmed")

        yield Consumer(
            db,
            "PaymentsQueue",
            function,
            lambda seed: at("placed", seed=seed).pays("awaiting_customer", authorized=0),
            message,
            done,
        )


def key(order_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"ORD#{order_id}"}, "sk": {"S": "ORDER"}}


def raw(db: Database, order_id: str) -> dict[str, Any]:
    item: dict[str, Any] = db.client.get_item(TableName=db.orders, Key=key(order_id))["Item"]
    return item


def broken(db: Database, order_id: str) -> bool:
    return "broken" in raw(db, order_id)


@dataclass
class Queues:
    """The consumer's queue and its dead letters."""

    consumer: Consumer
    url: str
    letters: str
    tries: int

    def send(self, *bodies: str) -> None:
        for body in bodies:
            boto3.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def drain(self, most: int = 0) -> list[int]:
        """Let the consumer have batches, `most` or until the queue is empty (it is then seen to
        be); how many messages failed in each."""
        sqs, found = boto3.client("sqs"), list[int]()
        while len(found) <= self.tries:
            if len(found) == most > 0 and most < self.tries:
                return found
            answer = sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=BATCH)
            messages = answer.get("Messages", [])
            if not messages:
                return found
            event = queue_event(*({} for _ in messages))
            for record, message in zip(event["Records"], messages, strict=True):
                record["body"] = message["Body"]
            left = failed(self.consumer.function.handler(event, Context()))
            found.append(len(left))
            for record, message in zip(event["Records"], messages, strict=True):
                if record["messageId"] not in left:
                    sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        raise AssertionError("the queue gives up nothing")

    def dead(self) -> list[str]:
        """What the dead letters are; they stay."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.letters, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [message["Body"] for message in answer.get("Messages", [])]

    def forget(self) -> None:
        """Throw the dead letters away."""
        sqs = boto3.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.letters).get("Messages"):
            for message in messages:
                handle = message["ReceiptHandle"]
                sqs.delete_message(QueueUrl=self.letters, ReceiptHandle=handle)

    def redrive(self) -> int:
        """`parcelway redrive`; how many messages stayed."""
        depot = Depot({"DeadLetters": self.letters}, boto3.client)
        return depot.redrive("DeadLetters").stayed


def opened(consumer: Consumer) -> Queues:
    """Both queues, which give up as the template says; nothing stays hidden between two tries."""
    sqs, declared = boto3.client("sqs"), of_type("SQS::Queue")[consumer.queue]
    tries = declared["RedrivePolicy"]["maxReceiveCount"]
    letters = sqs.create_queue(QueueName="letters")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": tries})
    attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "0"}
    url = sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
    return Queues(consumer, url, letters, tries)


@pytest.fixture(params=[documents, notifications, fulfillment, payments], ids=lambda c: c.__name__)
def queues(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    with ExitStack() as stack:
        consumer = stack.enter_context(request.param(monkeypatch))
        consumer.function.db = lambda: consumer.db
        yield opened(consumer)


def break_order(db: Database, order_id: str) -> dict[str, Any]:
    """Have the order's item be undecodable; what it was."""
    item = raw(db, order_id)
    garbage = {name: {"S": BAD} for name in item if name not in ("pk", "sk")}
    db.client.put_item(TableName=db.orders, Item=item | garbage | {"broken": {"S": "yes"}})
    return item


Tables = dict[tuple[str, str, str], dict[str, Any]]


def tables(db: Database) -> Tables:
    """Every item of every table."""
    found: Tables = {}
    for table in (db.customers, db.catalogue, db.stock, db.orders, db.ledger):
        for page in db.client.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                found[table, item["pk"]["S"], item["sk"]["S"]] = item
    return found


def restore(db: Database, before: Tables) -> None:
    """Back to how the tables were."""
    now = tables(db)
    for table, pk, sk in now.keys() - before.keys():
        db.client.delete_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
    for place, item in before.items():
        if now.get(place) != item:
            db.client.put_item(TableName=place[0], Item=item)


def test_an_order_that_cannot_be_read_costs_only_itself_and_comes_back(queues: Queues) -> None:
    consumer = queues.consumer
    stories = [consumer.story(str(number)) for number in range(BATCH)]
    for story in stories:
        store(consumer.db, story)
    bodies = [json.dumps(consumer.message(story)) for story in stories]
    fresh = tables(consumer.db)
    for place in PLACES:
        restore(consumer.db, fresh)
        consumer.reset()
        before = consumer.done()
        poison = stories[place].order.id
        once = Counter(story.order.id for story in stories)
        whole = break_order(consumer.db, poison)

        queues.send(*bodies)
        given_up = place in GIVEN_UP
        tries = queues.tries if given_up else 1
        assert queues.drain(tries) == [1] * tries
        assert consumer.done() - before == once - Counter([poison])
        assert queues.dead() == ([bodies[place]] if given_up else [])

        consumer.db.client.put_item(TableName=consumer.db.orders, Item=whole)
        assert queues.redrive() == 0
        assert queues.drain() == [0]
        assert queues.dead() == []
        assert consumer.done() - before == once


def test_what_is_no_message_of_ours_costs_only_itself(queues: Queues) -> None:
    consumer = queues.consumer
    story = consumer.story("whole")
    store(consumer.db, story)
    good = json.dumps(consumer.message(story))
    unknown = good.replace(story.order.id, "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    kinds = ["{", "[]", "null", '"text"', "{}", '{"detail": {}}', '{"detail": []}', unknown]
    for place in (0, 4, len(kinds)):
        queues.send(*kinds[:place], good, *kinds[place:])
        queues.drain()
        assert sorted(queues.dead()) == sorted(kinds)
        queues.forget()
        assert consumer.done()[story.order.id] == 1
