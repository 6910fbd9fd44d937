"""GetItem, BatchGetItem and TransactGetItems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from infra.sim.dynamodb import paths
from infra.sim.dynamodb.capacity import Meter, read_units
from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.requests import Parameters, Placeholders, check_parameters
from infra.sim.dynamodb.syntax import Parser
from infra.sim.dynamodb.tables import Key, Row, Table
from infra.sim.dynamodb.transactions import MOST_ITEMS, canceled, reason_of
from infra.sim.dynamodb.values import Item

Find = Callable[[str], Table]
Stale = Callable[[str, str], bool]
Projection = tuple[tuple[paths.Parts, ...], frozenset[str]]

_LABEL = "ProjectionExpression"
_BATCH_BYTES = 16 * 1024 * 1024
_OF_BATCH = frozenset(("Keys", "ConsistentRead", _LABEL, "ExpressionAttributeNames"))
_OF_GET = frozenset(("TableName", "Key", _LABEL, "ExpressionAttributeNames"))


@lru_cache(maxsize=4096)
def projection(text: str, names: tuple[tuple[str, str], ...]) -> Projection:
    """The paths of a ProjectionExpression, and the names it uses. Raises Refused."""
    parser = Parser(text, _LABEL, dict(names))
    found = parser.several(parser.path)
    parser.finish()
    paths.check_overlaps(found, _LABEL)
    return tuple(path.parts for path in found), frozenset(parser.names)


def projected(given: Parameters, placeholders: Placeholders) -> tuple[paths.Parts, ...] | None:
    """The paths that a request wants; None for all. Raises Refused."""
    text = given.get(_LABEL)
    if text is None:
        return None
    wanted, names = projection(text, placeholders.names)
    placeholders.use(names, frozenset(), _LABEL)
    return wanted


def shown(item: Item, wanted: tuple[paths.Parts, ...] | None) -> Item:
    """An item as it is answered: the caller's own at the top, shared below."""
    return dict(item) if wanted is None else paths.project(item, wanted)


def get_item(table: Table, given: Parameters, meter: Meter, stale: bool) -> dict[str, Any]:
    """GetItem."""
    key, _ = table.key(given["Key"])
    wanted = _projection_only(given)
    row = before(table, key) if stale else table.rows.get(key)
    consistent = given.get("ConsistentRead", False)
    meter.read(table.name, read_units(row.size if row else 0, consistent))
    return {"Item": shown(row.item, wanted)} if row else {}


def before(table: Table, key: Key) -> Row | None:
    """An item as it was before its last write."""
    return table.before[key] if key in table.before else table.rows.get(key)


def batch_get_item(given: Parameters, find: Find, meter: Meter, stale: Stale) -> dict[str, Any]:
    """BatchGetItem; what does not fit in 16 MB is left in UnprocessedKeys."""
    requests: Mapping[str, Any] = given["RequestItems"]
    if not requests:
        raise Refused("BatchGetItem must have some requests set")
    if sum(len(request["Keys"]) for request in requests.values()) > MOST_ITEMS:
        raise Refused("Too many items requested for the BatchGetItem call")
    responses: dict[str, list[Item]] = {}
    left: dict[str, Any] = {}
    room = _BATCH_BYTES
    for name, request in requests.items():
        check_parameters(request, _OF_BATCH, ("Keys",))
        table = find(name)
        keys = _batch_keys(table, request)
        wanted = _projection_only(request)
        consistent = request.get("ConsistentRead", False)
        is_stale = not consistent and stale(name, "BatchGetItem")
        responses[name] = []
        for position, key in enumerate(keys):
            row = before(table, key) if is_stale else table.rows.get(key)
            size = row.size if row else 0
            if size > room:
                left[name] = {**request, "Keys": request["Keys"][position:]}
                break
            room -= size
            meter.read(name, read_units(size, consistent))
            if row:
                responses[name].append(shown(row.item, wanted))
    return {"Responses": responses, "UnprocessedKeys": left}


def transact_get_items(given: Parameters, find: Find, meter: Meter) -> dict[str, Any]:
    """TransactGetItems: one moment, twice the price, never stale."""
    entries = given["TransactItems"]
    if not entries or len(entries) > MOST_ITEMS:
        bound = "greater than or equal to 1" if not entries else "less than or equal to 100"
        raise Refused(
            "1 validation error detected: Value at 'transactItems' failed to satisfy "
            f"constraint: Member must have length {bound}"
        )
    gets: list[tuple[Table, Key, Any]] = []
    reasons: list[dict[str, Any]] = []
    for entry in entries:
        check_parameters(entry, frozenset(("Get",)), ("Get",))
        get = entry["Get"]
        check_parameters(get, _OF_GET, ("TableName", "Key"))
        table = find(get["TableName"])
        wanted = _projection_only(get)
        try:
            gets.append((table, table.key(get["Key"])[0], wanted))
            reasons.append({"Code": "None"})
        except Refused as refused:
            reasons.append(reason_of(refused))
    if len(gets) < len(entries):
        raise canceled(reasons)
    if len({(table.name, key) for table, key, _ in gets}) != len(gets):
        raise Refused("Transaction request cannot include multiple operations on one item")
    responses = []
    for table, key, wanted in gets:
        row = table.rows.get(key)
        meter.read(table.name, 2 * read_units(row.size if row else 0, True))
        responses.append({"Item": shown(row.item, wanted)} if row else {})
    return {"Responses": responses}


def _projection_only(given: Parameters) -> tuple[paths.Parts, ...] | None:
    if _LABEL not in given and "ExpressionAttributeNames" not in given:
        return None
    placeholders = Placeholders(given, (_LABEL,))
    wanted = projected(given, placeholders)
    placeholders.finish()
    return wanted


def _batch_keys(table: Table, request: Parameters) -> list[Key]:
    if not request["Keys"]:
        raise Refused(
            "The list of keys in RequestItems for BatchGetItem is required: "
            f"{table.name} has empty list"
        )
    keys = [table.key(key)[0] for key in request["Keys"]]
    if len(set(keys)) != len(keys):
        raise Refused("Provided list of item keys contains duplicates")
    return keys
