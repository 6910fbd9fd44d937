"""The one way to write: conditional, all or nothing, safe to repeat.

One write is a conditional put or update, several are one TransactWriteItems. Each write may name
the refusal that its failed condition means. Conflicts and throttling are retried here with full
jitter, because botocore retries neither TransactionCanceled nor TransactionConflict.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.items import to_attribute, to_item

T = TypeVar("T")

ATTEMPTS = 10
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


class Stale(Exception):
    """What the decision was based on has changed meanwhile. Read and decide again."""


@dataclass(frozen=True, slots=True)
class Write:
    """One item to put (`item`), or to update (`key`, `update`), under `condition` if there is one.

    `values` are plain values for the placeholders of both expressions. `otherwise` makes the
    exception that a failed condition means; without one it means Stale.
    """

    table: str
    condition: str
    item: Mapping[str, Any] | None = None
    key: Mapping[str, str] | None = None
    update: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Callable[[], Exception] = Stale

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
        return request | {"Key": to_item(self.key), "UpdateExpression": self.update}


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


def commit(client: Any, writes: Sequence[Write]) -> None:
    """Make all `writes` or none.

    Raises what the first failed condition means (Stale or the write's own refusal), and Busy
    when conflicts or throttling outlast the retries. Repeating a commit whose answer was lost
    is safe: a put that finds itself already there counts as done.
    """
    if not writes:
        return
    if len(writes) == 1 and not writes[0].condition:
        raise ValueError("a single write must be conditional: the SDK may send it twice")
    for attempt in range(ATTEMPTS):
        try:
            if len(writes) == 1:
                _write_one(client, writes[0])
            else:
                _write_all(client, writes)
            return
        except ClientError as error:
            if not _transient(error):
                raise
        time.sleep(random.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2**attempt)))  # noqa: S311
    raise Busy


def until_fresh(attempt: Callable[[], T], tries: int = ATTEMPTS) -> T:
    """Read, decide and commit in `attempt`, again while somebody else's commit comes between.

    Raises Busy when that keeps happening.
    """
    for number in range(tries):
        try:
            return attempt()
        except Stale:
            time.sleep(random.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2**number)))  # noqa: S311
    raise Busy


def stale_version() -> Refusal:
    """The refusal for a client that edits a version which is no longer the current one."""
    return Refusal(Reason.STALE_VERSION, "This was changed meanwhile; read it again.")


def _write_one(client: Any, write: Write) -> None:
    request = write.request()
    try:
        if write.item is not None:
            client.put_item(**request)
        else:
            client.update_item(**request)
    except ClientError as error:
        if _code(error) != "ConditionalCheckFailedException":
            raise
        # The SDK repeats a call whose answer was lost; then the item in the way is our own.
        if "Item" in request and error.response.get("Item") == request["Item"]:
            return
        raise write.otherwise() from None


def _write_all(client: Any, writes: Sequence[Write]) -> None:
    actions = [{"Put" if write.item is not None else "Update": write.request()} for write in writes]
    try:
        client.transact_write_items(TransactItems=actions)
    except ClientError as error:
        if _code(error) != "TransactionCanceledException":
            raise
        reasons = error.response.get("CancellationReasons", [])
        for write, reason in zip(writes, reasons, strict=False):
            if reason.get("Code") == "ConditionalCheckFailed":
                raise write.otherwise() from None
        raise


def _transient(error: ClientError) -> bool:
    if _code(error) in TRANSIENT:
        return True
    reasons = error.response.get("CancellationReasons", [])
    return any(reason.get("Code") in _TRANSIENT_REASONS for reason in reasons)


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
