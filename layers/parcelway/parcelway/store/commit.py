"""The one way to write: conditional, all or nothing, safe to repeat.

One write is a conditional put, update or delete, several are one TransactWriteItems. Each write
may name the refusal that its failed condition means. Conflicts and throttling are retried here with
full jitter, because botocore retries neither TransactionCanceled nor TransactionConflict.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.items import to_attribute, to_item
from parcelway.values import dataclass

T = TypeVar("T")

ATTEMPTS = 10
CROWDED = 2  # conflicts that one commit meets on one item, from which on it is too popular
_BASE_SECONDS, _CAP_SECONDS = 0.02, 0.5
TRANSIENT = {
    "TransactionConflictException",
    "TransactionInProgressException",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
}
_TRANSIENT_REASONS = {
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}


class Busy(Exception):
    """The tables would not take the write in time; nothing was written. Try again later."""


class Contended(Busy):
    """Other commits always came between. Nothing was written."""


class Stale(Exception):
    """What the decision was based on has changed meanwhile. Read and decide again."""


@dataclass(frozen=True, slots=True)
class Write:
    """One item to put (`item`), update (`key`, `update`) or delete (`key`), under `condition` if
    there is one. With `check` nothing is done to `key`: its condition must hold for the others.

    `values` are plain values for the placeholders of both expressions. `otherwise` makes the
    exception that a failed condition means; without one it means Stale. `crowded` is called once
    a commit has ended, well or not, that met CROWDED conflicts on this item.
    """

    table: str
    condition: str
    item: Mapping[str, Any] | None = None
    key: Mapping[str, str] | None = None
    update: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Callable[[], Exception] = Stale
    crowded: Callable[[], None] | None = field(default=None, compare=False)
    check: bool = False

    @property
    def kind(self) -> str:
        """What it is called in a transaction."""
        if self.item is not None:
            return "Put"
        if self.check:
            return "ConditionCheck"
        return "Update" if self.update else "Delete"

    def request(self) -> dict[str, Any]:
        """The write as DynamoDB's parameters."""
        request: dict[str, Any] = {"TableName": self.table}
        if self.condition:
            request["ConditionExpression"] = self.condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if self.names:
            request["ExpressionAttributeNames"] = dict(self.names)
        if self.values:
            request["ExpressionAttributeValues"] = {
                name: to_attribute(value) for name, value in self.values.items()
            }
        if self.item is not None:
            return request | {"Item": to_item(self.item)}
        assert self.key is not None
        request["Key"] = to_item(self.key)
        return request | {"UpdateExpression": self.update} if self.update else request


def put_new(
    table: str, item: Mapping[str, Any], otherwise: Callable[[], Exception] = Stale
) -> Write:
    """Put an item that must not exist yet."""
    return Write(table, "attribute_not_exists(pk)", item, otherwise=otherwise)


def put_version(table: str, item: Mapping[str, Any], version: int) -> Write:
    """Replace an item that must still be at `version`, or must not exist when that is 0."""
    if not version:
        return put_new(table, item)
    return Write(
        table,
        "#version = :version",
        item,
        names={"#version": "version"},
        values={":version": version},
    )


def commit(client: Any, writes: Sequence[Write], attempts: int = ATTEMPTS) -> None:
    """Make all `writes` or none.

    Raises what the first failed condition means (Stale or the write's own refusal), and Busy
    when conflicts or throttling outlast the attempts. Repeating a commit whose answer was lost
    is safe: a put that finds itself already there counts as done.
    """
    if not writes:
        return
    if len(writes) == 1 and not writes[0].condition:
        raise ValueError("a single write must be conditional: the SDK may send it twice")
    conflicts = Counter[int]()
    failure = _outcome(client, writes, attempts, conflicts)
    for index, met in conflicts.items():
        if met >= CROWDED and (crowded := writes[index].crowded):
            crowded()
    if failure is not None:
        raise failure


def _outcome(
    client: Any, writes: Sequence[Write], attempts: int, conflicts: Counter[int]
) -> Exception | None:
    """Why the writes were not made, None when they were; `conflicts` are counted by write."""
    for attempt in range(attempts):
        try:
            return _write_one(client, writes[0]) if len(writes) == 1 else _write_all(client, writes)
        except ClientError as error:
            if not _transient(error):
                raise
            conflicts.update(_conflicts(error))
        time.sleep(random.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2**attempt)))  # noqa: S311
    return Busy()


def until_fresh(attempt: Callable[[], T], tries: int = ATTEMPTS) -> T:
    """Read, decide and commit in `attempt`, again while somebody else's commit comes between.

    Raises Contended when that keeps happening.
    """
    for number in range(tries):
        try:
            return attempt()
        except Stale:
            time.sleep(random.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2**number)))  # noqa: S311
    raise Contended


def stale_version() -> Refusal:
    """The refusal for a client that edits a version which is no longer the current one."""
    return Refusal(Reason.STALE_VERSION, "This was changed meanwhile; read it again.")


def _write_one(client: Any, write: Write) -> Exception | None:
    request = write.request()
    make = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[write.kind]
    try:
        getattr(client, make)(**request)
    except ClientError as error:
        if _code(error) != "ConditionalCheckFailedException":
            raise
        # The SDK repeats a call whose answer was lost; then the item in the way is our own.
        if "Item" in request and error.response.get("Item") == request["Item"]:
            return None
        return write.otherwise()
    return None


def _write_all(client: Any, writes: Sequence[Write]) -> Exception | None:
    try:
        client.transact_write_items(TransactItems=[{w.kind: w.request()} for w in writes])
    except ClientError as error:
        if _code(error) != "TransactionCanceledException":
            raise
        reasons = error.response.get("CancellationReasons", [])
        for write, reason in zip(writes, reasons, strict=False):
            if reason.get("Code") == "ConditionalCheckFailed":
                return write.otherwise()
        raise
    return None


def _conflicts(error: ClientError) -> list[int]:
    """The writes that others were in the way of, by index."""
    if _code(error) == "TransactionConflictException":
        return [0]
    reasons = error.response.get("CancellationReasons", [])
    return [index for index, r in enumerate(reasons) if r.get("Code") == "TransactionConflict"]


def _transient(error: ClientError) -> bool:
    if _code(error) in TRANSIENT:
        return True
    reasons = error.response.get("CancellationReasons", [])
    return any(reason.get("Code") in _TRANSIENT_REASONS for reason in reasons)


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
