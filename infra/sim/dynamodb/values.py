"""Attribute values as they travel (`{"S": "text"}`): checked, normalised, measured, compared.

Sizes follow the developer guide, "DynamoDB item sizes and formats". A normalised value holds
numbers without noise and sets in order, so that two equal values are equal Python objects; it is
never changed in place and may be shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ParamValidationError

from infra.sim.dynamodb import numbers
from infra.sim.dynamodb.errors import Refused

Attribute = dict[str, Any]
Item = dict[str, Attribute]

DEPTH = 32
"""Levels of lists and maps in an item, the item itself being the first."""
KINDS = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")


def take_item(given: Mapping[str, Any]) -> tuple[Item, int]:
    """An item from a request, normalised, and its size in bytes. Raises Refused."""
    if "" in given:
        raise Refused("Empty attribute name")
    return _take_names(given, 1)


def take(attribute: Mapping[str, Any], level: int = 1) -> tuple[Attribute, int]:
    """One value from a request, normalised, and its size in bytes. Raises Refused."""
    if len(attribute) != 1:
        raise Refused(_DATATYPES.format("is empty" if not attribute else _MORE))
    ((kind, value),) = attribute.items()
    if kind not in _TAKE:
        raise _wrong_type(kind, value)
    return _TAKE[kind](value, level)


def _take_names(given: Mapping[str, Attribute], level: int) -> tuple[Item, int]:
    """The values of an item or map, and the bytes of names and values.

    Texts, numbers and maps, nearly all there is, are taken here: calling `take` for each would
    double the time of a put.
    """
    taken: Item = {}
    size = 0
    for name, attribute in given.items():
        size += len(name.encode())
        if len(attribute) == 1:
            text = attribute.get("S")
            if text.__class__ is str:
                taken[name] = attribute
                size += len(text.encode())
                continue
            number = attribute.get("N")
            if number.__class__ is str:
                plain, bytes_ = numbers.normalised(number)
                taken[name] = attribute if plain == number else {"N": plain}
                size += bytes_
                continue
        taken[name], bytes_ = take(attribute, level)
        size += bytes_
    return taken, size


def _take_text(value: Any, _: int) -> tuple[Attribute, int]:
    if type(value) is not str:
        raise _wrong_type("S", value)
    return {"S": value}, len(value.encode())


def _take_number(value: Any, _: int) -> tuple[Attribute, int]:
    if type(value) is not str:
        raise _wrong_type("N", value)
    text, size = numbers.normalised(value)
    return {"N": text}, size


_MORE = "has more than one datatypes set"
_DATATYPES = "Supplied AttributeValue {}, must contain exactly one of the supported datatypes"


def _take_bool(value: Any, _: int) -> tuple[Attribute, int]:
    if type(value) is not bool:
        raise _wrong_type("BOOL", value)
    return {"BOOL": value}, 1


def _take_null(value: Any, _: int) -> tuple[Attribute, int]:
    if value is not True:
        raise Refused(_INVALID.format("Null attribute value types must have the value of true"))
    return {"NULL": True}, 1


def _take_binary(value: Any, _: int) -> tuple[Attribute, int]:
    if not isinstance(value, bytes | bytearray):
        raise _wrong_type("B", value)
    return {"B": bytes(value)}, len(value)


def _take_map(value: Any, level: int) -> tuple[Attribute, int]:
    if not isinstance(value, Mapping):
        raise _wrong_type("M", value)
    _check_level(level)
    taken, size = _take_names(value, level + 1)
    return {"M": taken}, size + 3 + len(taken)


def _take_list(value: Any, level: int) -> tuple[Attribute, int]:
    if not isinstance(value, list | tuple):
        raise _wrong_type("L", value)
    _check_level(level)
    taken, size = [], 3
    for attribute in value:
        element, bytes_ = take(attribute, level + 1)
        taken.append(element)
        size += bytes_ + 1
    return {"L": taken}, size


def _check_level(level: int) -> None:
    if level >= DEPTH:
        raise Refused(
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit"
        )


def _take_set(kind: str, word: str) -> Callable[[Any, int], tuple[Attribute, int]]:
    element_kind = kind[0]

    def take_set(value: Any, level: int) -> tuple[Attribute, int]:
        if not isinstance(value, list | tuple | set | frozenset):
            raise _wrong_type(kind, value)
        if not value:
            raise Refused(_INVALID.format(f"An {word} set  may not be empty"))
        taken = [take({element_kind: element}, level) for element in value]
        elements = {attribute[element_kind] for attribute, _ in taken}
        if len(elements) != len(taken):
            given = ", ".join(map(str, value))
            raise Refused(_INVALID.format(f"Input collection [{given}] contains duplicates"))
        return set_of(kind, elements), sum(size for _, size in taken)

    return take_set


_INVALID = "One or more parameter values were invalid: {}"
_TAKE: dict[str, Callable[[Any, int], tuple[Attribute, int]]] = {
    "S": _take_text,
    "N": _take_number,
    "BOOL": _take_bool,
    "NULL": _take_null,
    "B": _take_binary,
    "M": _take_map,
    "L": _take_list,
    "SS": _take_set("SS", "string"),
    "NS": _take_set("NS", "number"),
    "BS": _take_set("BS", "binary"),
}


def _wrong_type(kind: str, value: Any) -> Exception:
    return ParamValidationError(report=f"Invalid type {type(value)} for attribute type {kind}")


def set_of(kind: str, elements: set[Any]) -> Attribute:
    """A set of normalised elements, in order."""
    return {kind: sorted(elements, key=numbers.decimal if kind == "NS" else None)}


def size_of(item: Mapping[str, Attribute]) -> int:
    """The size in bytes of a normalised item."""
    return sum(len(name.encode()) + value_size(attribute) for name, attribute in item.items())


def size_after(item: Item, before: Mapping[str, Attribute], size: int) -> int:
    """The size of `item` that was made from `before`, which has `size` bytes: only what is not
    shared is measured."""
    for name, attribute in item.items():
        old = before.get(name)
        if old is not attribute:
            size += len(name.encode()) + value_size(attribute)
            if old is not None:
                size -= len(name.encode()) + value_size(old)
    for name, attribute in before.items():
        if name not in item:
            size -= len(name.encode()) + value_size(attribute)
    return size


def value_size(attribute: Attribute) -> int:
    """The size in bytes of a normalised value."""
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return numbers.normalised(value)[1]
    if kind == "M":
        return 3 + len(value) + size_of(value)
    if kind == "L":
        return 3 + sum(1 + value_size(inner) for inner in value)
    if kind == "B":
        return len(value)
    if kind in ("BOOL", "NULL"):
        return 1
    return sum(value_size({kind[0]: element}) for element in value)


def orderable(attribute: Attribute) -> Any:
    """A scalar's place among others of its type: str, Decimal or bytes; None for other types."""
    ((kind, value),) = attribute.items()
    if kind == "S" or kind == "B":
        return value  # code points and UTF-8 bytes sort alike
    return numbers.decimal(value) if kind == "N" else None
