"""A stack's dead letters: what each is, and where it has to go.

- A message that a consumer failed on, or that EventBridge could not put in a queue: to its queue.
- An event that EventBridge could not hand to a function, and an invocation that a function failed
  on (Lambda's destination record): to the function again.
- Lambda's record of stream records that it gave up. It holds no more than where they are in the
  stream. Of the orders' stream they are read again and their events published; when they are older
  than a stream keeps (24 hours) the sweeper has published the events of every live order again
  long since, and `parcelway verify --repair` finds what an ended one lacks. Of the catalogue's and
  the stock's stream nothing is read: the search index is rebuilt from the tables.

Not SQS's own StartMessageMoveTask: it can neither stop after some messages nor place those that no
queue handed over, and here one way does for all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from parcelway.domain.order import Event
from parcelway.ports.bus import EventBridge
from parcelway.store.codec import decode
from parcelway.store.items import from_item

_BATCH = 10  # ReceiveMessage takes no more
_HIDDEN_SECONDS = 300  # while one is seen to; then it shows again, if it had to stay
_TRIMMED = ("TrimmedDataAccessException", "ResourceNotFoundException")

Message = dict[str, Any]


class NotPlaced(Exception):
    """A message has to stay for the reason given."""


@dataclass(slots=True)
class Outcome:
    """What became of a queue's messages: how many were done with what, and why others stayed."""

    done: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def stayed(self) -> int:
        """Messages that are still there."""
        return self.reasons.total()


class Depot:
    """The dead letter queues of a stack, given its physical by its logical ids."""

    def __init__(self, resources: Mapping[str, str], client: Callable[[str], Any]) -> None:
        self._resources = resources
        self._client = client
        self._sqs = client("sqs")
        self._urls = {
            name: url for name, url in resources.items() if name.endswith("DeadLetters") and url
        }
        self._rebuilt = False

    def names(self) -> Sequence[str]:
        """The queues' logical ids."""
        return sorted(self._urls)

    def depth(self, name: str) -> int:
        """Roughly how many messages are in a queue."""
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._urls[name], AttributeNames=wanted)
        return sum(int(answer["Attributes"][attribute]) for attribute in wanted)

    def redrive(self, name: str, most: int | None = None) -> Outcome:
        """Bring back the messages that are in a queue now, `most` at most."""
        outcome, self._rebuilt = Outcome(), False
        sources = self._sqs.list_dead_letter_source_queues(QueueUrl=self._urls[name])
        queues = list(sources.get("queueUrls", []))
        stayed: list[dict[str, str]] = []
        for message in self._messages(name, self.depth(name) if most is None else most):
            handle = {"QueueUrl": self._urls[name], "ReceiptHandle": message["ReceiptHandle"]}
            try:
                outcome.done[self._place(message, queues)] += 1
            except (NotPlaced, ClientError) as reason:
                outcome.reasons[str(reason)] += 1
                stayed.append(handle)
            else:
                self._sqs.delete_message(**handle)
        for handle in stayed:  # not before the end, or they would be received again
            self._sqs.change_message_visibility(**handle, VisibilityTimeout=0)
        return outcome

    def _messages(self, name: str, most: int) -> Iterator[Message]:
        """At most so many messages; what comes in meanwhile is for the next time."""
        while most > 0:
            answer = self._sqs.receive_message(
                QueueUrl=self._urls[name],
                MaxNumberOfMessages=min(_BATCH, most),
                VisibilityTimeout=_HIDDEN_SECONDS,
                MessageAttributeNames=["All"],
                WaitTimeSeconds=1,
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            most -= len(messages)
            yield from messages

    def _place(self, message: Message, queues: Sequence[str]) -> str:
        """Bring one message to where it belongs; what was done. Raises NotPlaced."""
        body = _record(message["Body"])
        target = message.get("MessageAttributes", {}).get("TARGET_ARN", {}).get("StringValue", "")
        if "DDBStreamBatchInfo" in body:
            return self._stream(body)
        if "requestPayload" in body and "requestContext" in body:
            return self._invoke(body["requestContext"]["functionArn"], body["requestPayload"])
        if ":lambda:" in target:
            return self._invoke(target, json.loads(message["Body"]))
        if ":sqs:" in target:
            name = target.rsplit(":", 1)[1]
            queues = [self._sqs.get_queue_url(QueueName=name)["QueueUrl"]]
        if len(queues) != 1:
            raise NotPlaced("nothing tells where it came from")
        self._sqs.send_message(
            QueueUrl=queues[0],
            MessageBody=message["Body"],
            MessageAttributes={
                name: {key: value for key, value in attribute.items() if "List" not in key}
                for name, attribute in message.get("MessageAttributes", {}).items()
            },
        )
        return f"sent to {queues[0].rsplit('/', 1)[1]}"

    def _invoke(self, function_arn: str, payload: Any) -> str:
        self._client("lambda").invoke(
            FunctionName=function_arn.removesuffix(":$LATEST"),
            InvocationType="Event",
            Payload=json.dumps(payload).encode(),
        )
        return f"handed to {function_arn.split(':')[6]}"

    def _stream(self, record: Mapping[str, Any]) -> str:
        info = record["DDBStreamBatchInfo"]
        if info["streamArn"].split("/")[1] != self._resources.get("OrdersTable"):
            return self._rebuild(record["requestContext"]["functionArn"])
        try:
            events = list(self._events(info))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TRIMMED:
                raise
            return "too old to be read again: see `parcelway verify --repair`"
        except (KeyError, TypeError, ValueError):
            raise NotPlaced("an event among its records cannot be read") from None
        bus = EventBridge(self._client("events"), self._resources["OrderEvents"])
        if bus.publish(events) < len(events):
            raise NotPlaced("the bus did not take all of its events")
        return "published anew"

    def _events(self, info: Mapping[str, Any]) -> Iterator[Event]:
        """The events among the records of a batch, read from the stream once more."""
        streams, last = self._client("dynamodbstreams"), int(info["endSequenceNumber"])
        iterator: str | None = streams.get_shard_iterator(
            StreamArn=info["streamArn"],
            ShardId=info["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=info["startSequenceNumber"],
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator)
            for record in answer["Records"]:
                change = record["dynamodb"]
                if int(change["SequenceNumber"]) > last:
                    return
                new = record["eventName"] == "INSERT"
                if new and change["Keys"]["sk"]["S"].startswith("EVT#"):
                    yield decode(Event, from_item(change["NewImage"])["event"])
                if int(change["SequenceNumber"]) == last:
                    return
            iterator = answer.get("NextShardIterator")

    def _rebuild(self, function_arn: str) -> str:
        """Have the search index built anew, once for all records of a run."""
        if not self._rebuilt:
            self._invoke(function_arn, {"action": "rebuild"})
            self._rebuilt = True
        return "covered by a rebuild of the search index"


def _record(body: str) -> Mapping[str, Any]:
    """A message's body if it is a JSON object, else nothing."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
