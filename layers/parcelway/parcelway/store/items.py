"""Plain Python values <-> DynamoDB attribute values.

Our own and not boto3's TypeDeserializer, because that one turns every integer into a Decimal and
costs several times as much per item; only the types the tables use are known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parcelway.store.packing import Packed, pack, unpack

Attribute = dict[str, Any]
Item = dict[str, Attribute]


def to_item(values: Mapping[str, Any]) -> Item:
    """A mapping as a DynamoDB item. Raises TypeError for a type the tables do not use."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """A DynamoDB item as a mapping: numbers become int (float when they have a fraction)."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def to_attribute(value: Any) -> Attribute:
    """One value as an attribute value."""
    if isinstance(value, str):
        return {"S": value}
    if value is True or value is False:
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Mapping):
        return {"M": to_item(value)}
    if isinstance(value, list | tuple):
        return {"L": [to_attribute(element) for element in value]}
    if isinstance(value, Packed):
        return {"B": pack(value.value)}
    raise TypeError(f"no attribute type for {type(value).__name__}")


def from_attribute(attribute: Attribute) -> Any:
    """One attribute value as a plain value."""
    ((kind, value),) = attribute.items()
    if kind == "S" or kind == "BOOL":
        return value
    if kind == "N":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if kind == "NULL":
        return None
    if kind == "M":
        return from_item(value)
    if kind == "L":
        return [from_attribute(element) for element in value]
    if kind == "B":
        return unpack(value)
    raise TypeError(f"the tables hold no attribute of type {kind}")
