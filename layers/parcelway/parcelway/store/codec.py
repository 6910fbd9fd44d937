"""Domain dataclasses <-> plain values (dict, list, str, int, bool) for items, events and replies.

Converters are built once per type from its annotations. A field that equals its default is left
out, so items stay small and a field added later needs no migration. Consumers of streams and
queues start faster with this than with pydantic, which guards the borders instead.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from parcelway.domain.money import Money

T = TypeVar("T")
_Converter = Callable[[Any], Any]
_SCALARS = (str, int, bool, float)
_ENCODERS: dict[Any, _Converter] = {}
_DECODERS: dict[Any, _Converter] = {}


def encode(value: Any) -> Any:
    """A domain value as plain values: times as ISO 8601 UTC, money as {minor, currency}."""
    kind = type(value)
    return (_ENCODERS.get(kind) or _encoder(kind))(value)


def decode(kind: type[T], plain: Any) -> T:
    """The `kind` that `encode` made `plain` from. Raises KeyError or TypeError when it is not."""
    result: T = _decoder(kind)(plain)
    return result


def iso(moment: datetime) -> str:
    """A UTC time as ISO 8601 with milliseconds and `Z`: sorts as text in the order of time."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _same(value: Any) -> Any:
    return value


def _encoder(kind: Any) -> _Converter:
    if kind not in _ENCODERS:
        _ENCODERS[kind] = _new_encoder(kind)
    return _ENCODERS[kind]


def _new_encoder(kind: Any) -> _Converter:
    if kind is Money:
        return lambda money: {"minor": money.minor, "currency": money.currency}
    if dataclasses.is_dataclass(kind):
        return _dataclass_encoder(kind)
    if issubclass(kind, datetime):
        return iso
    if issubclass(kind, date):
        return lambda day: day.isoformat()
    if issubclass(kind, tuple | list):
        return lambda values: [encode(value) for value in values]
    if issubclass(kind, Mapping):
        return lambda values: {name: encode(value) for name, value in values.items()}
    if issubclass(kind, _SCALARS) or kind is type(None):
        return _same
    raise TypeError(f"cannot encode {kind.__name__}")


def _dataclass_encoder(kind: Any) -> _Converter:
    fields = [(field.name, _default(field)) for field in dataclasses.fields(kind)]

    def encode_fields(value: Any) -> dict[str, Any]:
        plain = {}
        for name, default in fields:
            field_value = getattr(value, name)
            if field_value != default or type(field_value) is not type(default):
                plain[name] = encode(field_value)
        return plain

    return encode_fields


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return dataclasses.MISSING


def _decoder(kind: Any) -> _Converter:
    if kind not in _DECODERS:
        _DECODERS[kind] = _new_decoder(kind)
    return _DECODERS[kind]


def _new_decoder(kind: Any) -> _Converter:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        convert = _decoder(inner)
        return lambda plain: None if plain is None else convert(plain)
    if origin is tuple:
        return _tuple_decoder(arguments)
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        convert = _decoder(arguments[1])
        return lambda plain: {name: convert(value) for name, value in plain.items()}
    if origin is Literal or kind in _SCALARS or kind is Any:
        return _same
    if kind is Money:
        return lambda plain: Money(plain["minor"], plain["currency"])
    if kind is datetime or kind is date:
        return lambda plain: kind.fromisoformat(plain)
    if dataclasses.is_dataclass(kind):
        return _dataclass_decoder(kind)
    raise TypeError(f"cannot decode {kind}")


def _tuple_decoder(arguments: tuple[Any, ...]) -> _Converter:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        convert = _decoder(arguments[0])
        return lambda plain: tuple([convert(value) for value in plain])
    converters = [_decoder(argument) for argument in arguments]
    return lambda plain: tuple(
        convert(value) for convert, value in zip(converters, plain, strict=True)
    )


def _dataclass_decoder(kind: Any) -> _Converter:
    hints = get_type_hints(kind)
    converters = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)}

    def decode_fields(plain: Mapping[str, Any]) -> Any:
        return kind(**{name: converters[name](value) for name, value in plain.items()})

    return decode_fields
