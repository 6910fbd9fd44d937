"""`parcelway redrive`: what failed for good comes back once it is mended, and is done once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.cli.dead_letters import Depot
from infra.cli.redrive import redrive
from infra.local.application import ROOT, Application, running
from infra.local.calls import Call
from infra.local.template import read
from infra.verify import breaks
from tests.orders import at, store

CONSUMERS = {
    "PaymentsDeadLetters": "PaymentWorkerFunction",
    "CapturesDeadLetters": "CaptureFunction",
    "FulfillmentDeadLetters": "FulfillmentWorkerFunction",
    "DocumentsDeadLetters": "DocumentsFunction",
    "InvoicesDeadLetters": "InvoicingFunction",
    "MailDeadLetters": "NotificationsFunction",
    "SettlementsDeadLetters": "SettlementImporterFunction",
}
OTHERS = ("ScheduleDeadLetters", "StreamDeadLetters")


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    with running() as application:
        yield application


@pytest.fixture
def depot(app: Application) -> Depot:
    names = [*CONSUMERS, *OTHERS, "OrdersTable", "OrderEvents"]
    return Depot({name: app.stack.resource(name) for name in names}, app.stack.client)


@pytest.fixture
def refuse(app: Application) -> Iterator[Callable[[str, str], Callable[[], None]]]:
    """Has AWS refuse an operation from now on; what it gives ends that."""
    hooks = app.stack.calls.before
    kept = list(hooks)

    def start(operation: str, code: str) -> Callable[[], None]:
        def hook(call: Call) -> None:
            if call.operation == operation:
                error = {"Code": code, "Message": "no"}
                status = {"HTTPStatusCode": 400}
                raise ClientError({"Error": error, "ResponseMetadata": status}, operation)

        hooks.append(hook)
        return lambda: hooks.remove(hook)

    yield start
    hooks[:] = kept


def put(app: Application, queue: str, body: Any, **attributes: str) -> None:
    """Put a message in a queue as AWS would."""
    app.stack.client("sqs").send_message(
        QueueUrl=app.stack.resource(queue),
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def until(happened: Callable[[], bool]) -> None:
    """Wait for what takes a message's retries; they are no work under way that could be settled."""
    for _ in range(1200):
        if happened():
            return
        time.sleep(0.1)
    raise TimeoutError


def invoked(app: Application, function: str) -> int:
    """How often a function ran."""
    return app.stack.counts[("invoke", function)]


def given_up(app: Application, table: str, function: str) -> dict[str, Any]:
    """Lambda's record of a batch of a table's stream: all of it, here."""
    described = app.stack.client("dynamodb").describe_table(TableName=app.stack.resource(table))
    arn = described["Table"]["LatestStreamArn"]
    streams = app.stack.client("dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    found = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = streams.get_records(ShardIterator=found["ShardIterator"])["Records"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    return {
        "requestContext": {"functionArn": app.stack.functions()[function].arn},
        "DDBStreamBatchInfo": {
            "shardId": shard["ShardId"],
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "batchSize": len(numbers),
            "streamArn": arn,
        },
    }


def test_mails_that_were_refused_are_sent_once_when_they_are_taken_again(
    app: Application, depot: Depot, refuse: Callable[[str, str], Callable[[], None]]
) -> None:
    accept = refuse("SendEmail", "MessageRejected")
    story = at("released", seed="mail", series="MAIL")
    store(app.database, story)
    until(lambda: depot.depth("MailDeadLetters") == 1)
    assert [b.kind for b in breaks(app.database, story.now)] == ["mail.claimed"]
    accept()
    assert redrive(depot, "MailDeadLetters", None) == 0
    assert redrive(depot, "MailDeadLetters", None) == 0
    app.settle()
    assert depot.depth("MailDeadLetters") == 0
    assert [mail.to for mail in app.stack.mails()] == [(story.contact.email,)]
    assert breaks(app.database, story.now) == []


def test_events_that_the_bus_refused_are_read_from_the_stream_again(
    app: Application, depot: Depot, refuse: Callable[[str, str], Callable[[], None]]
) -> None:
    accept = refuse("PutEvents", "InternalFailure")
    sent = len(app.stack.mails())
    story = at("packed", seed="stream", series="STREAM")
    store(app.database, story)
    until(lambda: depot.depth("StreamDeadLetters") == 6)  # one event each, after bisecting
    assert len(app.stack.mails()) == sent
    assert redrive(depot, "StreamDeadLetters", None) == 1  # the bus still refuses them
    accept()
    for _ in range(2):  # the second time there is nothing left
        assert redrive(depot, "StreamDeadLetters", None) == 0
    app.settle()
    assert len(app.stack.mails()) == sent + 1
    assert breaks(app.database, story.now) == []


@pytest.mark.parametrize(("queue", "consumer"), CONSUMERS.items())
def test_every_queue_gets_its_own_messages_back(
    app: Application, depot: Depot, queue: str, consumer: str
) -> None:
    detail = {"order_id": "ord_x", "sequence": 1, "type": "x", "at": "2026-01-01T00:00:00Z"}
    event = {"source": "parcelway.orders", "detail-type": "x", "detail": detail}
    for _ in range(3):
        put(app, queue, event)
    before = invoked(app, consumer)
    assert redrive(depot, queue, 2) == 0
    app.settle(120)
    assert invoked(app, consumer) > before
    assert depot.depth(queue) >= 1


def test_an_event_for_a_function_is_handed_to_it(app: Application, depot: Depot) -> None:
    arn = app.stack.functions()["SweeperFunction"].arn
    before = invoked(app, "SweeperFunction")
    put(app, "ScheduleDeadLetters", {"source": "aws.events"}, TARGET_ARN=arn, ERROR_CODE="X")
    context = {"functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted"}
    put(app, "ScheduleDeadLetters", {"requestContext": context, "requestPayload": {}})
    assert redrive(depot, "ScheduleDeadLetters", None) == 0
    app.settle()
    assert invoked(app, "SweeperFunction") == before + 2


def test_an_event_for_a_queue_goes_to_that_queue(app: Application, depot: Depot) -> None:
    arn = app.stack.attribute("PaymentsQueue", "Arn")
    put(app, "StreamDeadLetters", {"detail": {"order_id": "ord_x"}}, TARGET_ARN=arn)
    before = invoked(app, "PaymentWorkerFunction")
    assert redrive(depot, "StreamDeadLetters", None) == 0
    app.settle()
    assert invoked(app, "PaymentWorkerFunction") == before + 1


def test_one_rebuild_covers_whatever_the_search_index_missed(
    app: Application, depot: Depot
) -> None:
    record = given_up(app, "StockTable", "SearchIndexerFunction")
    for _ in range(3):
        put(app, "StreamDeadLetters", record)
    before = invoked(app, "SearchIndexerFunction")
    outcome = depot.redrive("StreamDeadLetters")
    assert outcome.done == {"covered by a rebuild of the search index": 3}
    app.settle()
    assert invoked(app, "SearchIndexerFunction") == before + 1


def test_records_that_the_stream_has_dropped_are_left_to_the_sweeper_and_to_verify(
    app: Application, depot: Depot, refuse: Callable[[str, str], Callable[[], None]]
) -> None:
    put(app, "StreamDeadLetters", given_up(app, "OrdersTable", "EventsFunction"))
    refuse("GetShardIterator", "TrimmedDataAccessException")
    outcome = depot.redrive("StreamDeadLetters")
    assert list(outcome.done) == ["too old to be read again: see `parcelway verify --repair`"]
    assert depot.depth("StreamDeadLetters") == 0


def test_what_nobody_can_place_stays(
    app: Application, depot: Depot, capsys: pytest.CaptureFixture[str]
) -> None:
    put(app, "StreamDeadLetters", "what is this?")
    assert redrive(depot, "StreamDeadLetters", None) == 1
    assert "nothing tells where it came from" in capsys.readouterr().err
    assert depot.depth("StreamDeadLetters") == 1


def test_without_a_queue_all_are_listed_and_a_wrong_name_is_wrong_usage(
    depot: Depot, capsys: pytest.CaptureFixture[str]
) -> None:
    assert redrive(depot, None, None) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == sorted([*CONSUMERS, *OTHERS])
    assert redrive(depot, "Nobody", None) == 2


def test_every_dead_letter_queue_of_the_template_is_known_by_its_name() -> None:
    """Redrive finds them by it, and these tests go through all of them."""
    resources = read(ROOT / "template.yaml")["Resources"]
    named = {name for name in resources if name.endswith("DeadLetters")}
    assert named == {*CONSUMERS, *OTHERS}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::SQS::Queue" and name not in named:
            assert "RedrivePolicy" in resource["Properties"], name
