"""TransactWriteItems: all or nothing, with reasons in order and ten minutes of memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.sim.dynamodb import writes
from infra.sim.dynamodb.capacity import Meter, read_units
from infra.sim.dynamodb.errors import ConditionFailed, Refused
from infra.sim.dynamodb.requests import Parameters, check_parameters
from infra.sim.dynamodb.tables import Row, Table
from infra.sim.dynamodb.writes import Write

TOKEN_SECONDS = 600
"""How long a ClientRequestToken is remembered."""
MOST_ITEMS = 100
MOST_BYTES = 4 * 1024 * 1024
_TOKEN_LENGTH = 36
_NONE = {"Code": "None"}

Tokens = dict[str, tuple[float, list[tuple[Any, ...]], list[int]]]
"""By ClientRequestToken: when it was used, for what, and the bytes each item was billed by."""
Outcome = tuple[Row | None, Row | None]

_COMMON = frozenset(
    (
        "TableName",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ReturnValuesOnConditionCheckFailure",
    )
)
_SHAPES: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "Put": (_COMMON | {"Item"}, ("TableName", "Item")),
    "Update": (_COMMON | {"Key", "UpdateExpression"}, ("TableName", "Key", "UpdateExpression")),
    "Delete": (_COMMON | {"Key"}, ("TableName", "Key")),
    "ConditionCheck": (_COMMON | {"Key"}, ("TableName", "Key", "ConditionExpression")),
}


def write_items(
    given: Parameters, find: Callable[[str], Table], tokens: Tokens, at: float, meter: Meter
) -> None:
    """Apply a TransactWriteItems at the time `at`. Raises Refused.

    A canceled transaction is billed like a completed one. AWS does not say what it bills; that
    is the most it can be.
    """
    entries = given["TransactItems"]
    _check_count(entries)
    plans = [_planned(entry, find) for entry in entries]
    reasons = [_NONE if isinstance(plan, Write) else plan for plan in plans]
    if any(reason is not _NONE for reason in reasons):
        raise canceled(reasons)
    asked: list[Write] = plans  # type: ignore[assignment]
    _check_distinct(asked)
    token = given.get("ClientRequestToken") or None
    if token is not None and _repeated(token, asked, tokens, at, meter):
        return
    outcomes = _decided(asked, meter)
    for write, (_, new) in zip(asked, outcomes, strict=True):
        write.apply(new, at)
    if token is not None:
        sizes = [max(row.size if row else 0 for row in outcome) for outcome in outcomes]
        tokens[token] = (at, [write.content for write in asked], sizes)


def canceled(reasons: Sequence[Mapping[str, Any]]) -> Refused:
    """A canceled transaction, with a reason (`Code` "None" for none) for each of its items."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return Refused(
        message,
        "TransactionCanceledException",
        CancellationReasons=[dict(reason) for reason in reasons],
        Message=message,
    )


def reason_of(refused: Refused) -> dict[str, Any]:
    """Why one item cancels its transaction."""
    if isinstance(refused, ConditionFailed):
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Message": refused.message}
        return reason | ({"Item": dict(refused.item)} if refused.item else {})
    return {"Code": "ValidationError", "Message": refused.message}


def _check_count(entries: Sequence[Any]) -> None:
    if not entries or len(entries) > MOST_ITEMS:
        bound = "greater than or equal to 1" if not entries else "less than or equal to 100"
        raise Refused(
            "1 validation error detected: Value at 'transactItems' failed to satisfy "
            f"constraint: Member must have length {bound}"
        )


def _planned(entry: Mapping[str, Any], find: Callable[[str], Table]) -> Write | dict[str, Any]:
    """The write, or why the item cannot be written: its key is not of the table's schema."""
    if len(entry) != 1:
        raise Refused("TransactItems can only contain one of Check, Put, Update or Delete")
    ((kind, given),) = entry.items()
    known, required = _SHAPES.get(kind, (frozenset(), ()))
    check_parameters({kind: given}, frozenset(_SHAPES), ())
    check_parameters(given, known, required)
    table = find(given["TableName"])
    try:
        write: Write = writes.PLANS[kind](table, given)
    except Refused as refused:
        if any(sign in refused.message for sign in _ABOUT_THE_TABLE):
            return reason_of(refused)
        raise
    return write


# What only the table knows is found after the request itself was accepted.
_ABOUT_THE_TABLE = (
    "does not match the schema",
    "Type mismatch for",
    "Missing the key",
    "Cannot update attribute",
    "secondary index key",
)


def _check_distinct(asked: list[Write]) -> None:
    if len({(write.table.name, write.key) for write in asked}) != len(asked):
        raise Refused("Transaction request cannot include multiple operations on one item")


def _repeated(token: str, asked: list[Write], tokens: Tokens, at: float, meter: Meter) -> bool:
    """Whether this very transaction was done before.

    It then costs reads, of what the first one was billed by (measured on AWS: nubo-db/dynoxide pull
    request 188).
    """
    if len(token) > _TOKEN_LENGTH:
        raise Refused(
            f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to "
            "satisfy constraint: Member must have length less than or equal to 36"
        )
    if token not in tokens or at - tokens[token][0] >= TOKEN_SECONDS:
        return False
    _, before, sizes = tokens[token]
    if before != [write.content for write in asked]:
        raise Refused(
            "The client request token was used before with different parameters",
            "IdempotentParameterMismatchException",
        )
    for write, size in zip(asked, sizes, strict=True):
        meter.read(write.table.name, 2 * read_units(size, True))
    return True


def _decided(asked: list[Write], meter: Meter) -> list[Outcome]:
    outcomes: list[Outcome] = []
    reasons: list[Mapping[str, Any]] = []
    total = 0
    for write in asked:
        old = write.table.rows.get(write.key)
        try:
            outcome = write.decide()
            reasons.append(_NONE)
        except Refused as refused:
            reasons.append(reason_of(refused))
            outcome = old, write.row or old
        outcomes.append(outcome)
        total += max(row.size if row else 0 for row in outcome)
    for write, (old, new) in zip(asked, outcomes, strict=True):
        writes.bill(meter, write.table, old, new, 2)
    if any(reason is not _NONE for reason in reasons):
        raise canceled(reasons)
    if total > MOST_BYTES:
        raise Refused("Transaction size has exceeded the maximum allowed size")
    return outcomes
