"""Stream records in the form that Lambda hands to functions."""

from __future__ import annotations

import base64
from typing import Any

from infra.sim.dynamodb.tables import Change, Table
from infra.sim.dynamodb.values import Attribute, Item, size_of

REGION, ACCOUNT = "eu-central-1", "123456789012"
_NEW = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
_OLD = ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")
_FIRST = 100_000_000_000_000_000_000  # sequence numbers have 21 digits, so text sorts as numbers do


def records(table: Table, position: int) -> list[dict[str, Any]]:
    """The records from `position` on (the first is 0). Raises LookupError without a stream."""
    if table.stream is None:
        raise LookupError(f"{table.name} has no stream")
    for number in range(len(table.records), len(table.log)):
        table.records.append(_record(table, table.log[number], number))
    return table.records[position:]


def _record(table: Table, change: Change, number: int) -> dict[str, Any]:
    assert table.stream
    body: dict[str, Any] = {
        "ApproximateCreationDateTime": int(change.at),
        "Keys": _sendable(change.keys),
        "SequenceNumber": str(_FIRST + number),
        "StreamViewType": table.stream,
    }
    size = size_of(change.keys)
    if change.new and table.stream in _NEW:
        body["NewImage"] = _sendable(change.new.item)
        size += change.new.size
    if change.old and table.stream in _OLD:
        body["OldImage"] = _sendable(change.old.item)
        size += change.old.size
    name = "REMOVE" if change.new is None else "INSERT" if change.old is None else "MODIFY"
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table.name}"
    return {
        "eventID": f"{table.name}-{number}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": body | {"SizeBytes": size},
        "eventSourceARN": f"{arn}/stream/2026-01-01T00:00:00.000",
    }


def _sendable(item: Item) -> Item:
    """An item as JSON can carry it: binary values in base64."""
    return {name: _text(attribute) for name, attribute in item.items()}


def _text(attribute: Attribute) -> Attribute:
    ((kind, value),) = attribute.items()
    if kind == "B":
        return {"B": base64.b64encode(value).decode()}
    if kind == "BS":
        return {"BS": [base64.b64encode(element).decode() for element in value]}
    if kind == "M":
        return {"M": _sendable(value)}
    if kind == "L":
        return {"L": [_text(element) for element in value]}
    return attribute
