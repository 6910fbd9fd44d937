"""`dataclass` for values that never change: the standard one, several times cheaper to define.

The standard decorator writes and compiles six methods for every class: 5 million instructions, half
a percent of a start with boto3, for each of the hundred classes that a function imports. Here all
classes share their methods but `__init__`, and that is compiled when it is first looked for.
`replace`, `fields`, `is_dataclass` and `copy` of the standard library work as ever, and a type
checker sees the standard decorator. `make bench` prints what the start costs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields
from dataclasses import dataclass as _standard
from operator import attrgetter
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

C = TypeVar("C")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: Literal[True], slots: Literal[True]) -> Callable[[type[C]], type[C]]:
        """`dataclasses.dataclass(frozen=True, slots=True)`, the one kind there is."""
        if not (frozen and slots):
            raise TypeError("values are frozen and have slots")
        return _value


def _value(kind: type[C]) -> type[C]:
    # The standard decorator would work a text out from the signature: as dear as ten classes.
    kind.__doc__ = kind.__doc__ or kind.__name__
    made: Any = _standard(init=False, repr=False, eq=False, slots=True)(kind)
    for name, method in _SHARED.items():
        if vars(kind).get(name) is None:  # a class may have its own
            setattr(made, name, method)
    compared = [each.name for each in fields(made) if each.compare]
    made.__compared__ = attrgetter(*compared) if compared else type
    return made  # type: ignore[no-any-return]


class _Init:
    """An `__init__` that writes itself into its class when it is first looked for."""

    def __get__(self, instance: Any, kind: Any) -> Any:
        kind.__init__ = init = _new_init(kind)
        return init if instance is None else MethodType(init, instance)


def _new_init(kind: Any) -> Callable[..., None]:
    """`__init__` with the fields as parameters: it fills the slots, past `__setattr__`."""
    scope: dict[str, Any] = {"_missing": MISSING}
    positional, by_name = ["self"], ["*"]
    body = ["pass"]
    for each in fields(kind):
        name = value = parameter = each.name
        scope[f"_set_{name}"] = getattr(kind, name).__set__
        if each.default_factory is not MISSING:
            scope[f"_new_{name}"] = each.default_factory
            parameter = f"{name}=_missing"
            value = f"_new_{name}() if {name} is _missing else {name}"
        elif each.default is not MISSING:
            scope[f"_default_{name}"] = each.default
            parameter = f"{name}=_default_{name}"
        (by_name if each.kw_only else positional).append(parameter)
        body.append(f"_set_{name}(self, {value})")
    if hasattr(kind, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(positional + (by_name if len(by_name) > 1 else []))
    # Made inside a function whose parameters are the scope: so the module's names stay the globals,
    # in which tools look up the annotations.
    lines = [f"def make({', '.join(scope)}):", f" def __init__({parameters}):"]
    lines += [f"  {line}" for line in body] + [" return __init__"]
    made: dict[str, Any] = {}
    module = sys.modules.get(kind.__module__)
    exec("\n".join(lines), vars(module) if module else {}, made)  # noqa: S102  names of fields only
    init: Callable[..., None] = made["make"](**scope)
    init.__qualname__ = f"{kind.__qualname__}.__init__"
    init.__annotations__ = {each.name: each.type for each in fields(kind)} | {"return": None}
    return init


def _repr(self: Any) -> str:
    shown = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__compared__(self) == other.__compared__(other)


def _hash(self: Any) -> int:
    return hash(self.__compared__(self))


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise FrozenInstanceError(f"cannot change field {name!r} of {type(self).__qualname__}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


_SHARED: dict[str, Any] = {
    "__init__": _Init(),
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}
