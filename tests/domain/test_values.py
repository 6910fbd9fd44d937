"""`parcelway.values.dataclass` against the standard decorator: the same but for its price."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.money import Money
from parcelway.values import dataclass


class Body:
    """Fields of every kind."""

    code: str
    count: int = 3
    facts: Mapping[str, int] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    memory: list[int] = field(default_factory=list, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("negative")


def fresh(decorate: Any) -> Any:
    """A class with that body, each time a new one: what `__init__` leaves behind is its own."""
    names = ("__annotations__", "__module__", "__doc__", "__post_init__")
    body = {name: vars(Body)[name] for name in names}
    body |= {
        "count": 3,
        "facts": field(default_factory=dict),
        "secret": field(default="", repr=False),
        "memory": field(default_factory=list, compare=False, kw_only=True),
    }
    return decorate(type("Body", (), body))


Ours = fresh(dataclass(frozen=True, slots=True))
Standard = fresh(dataclasses.dataclass(frozen=True, slots=True))

arguments = st.fixed_dictionaries(
    {"code": st.text(max_size=2)},
    optional={
        "count": st.integers(-1, 2),
        "facts": st.dictionaries(st.sampled_from("ab"), st.integers(0, 1)),
        "secret": st.sampled_from(["", "s"]),
        "memory": st.lists(st.integers(), max_size=1),
        "other": st.just(1),
    },
)


def made(kind: Any, values: Mapping[str, Any]) -> Any:
    """An object, or the type of the exception there is instead."""
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        return type(error)


def plain(value: Any) -> Any:
    """What can be compared between the two classes."""
    if isinstance(value, type):
        return value
    return {each.name: getattr(value, each.name) for each in fields(value)}


@given(arguments, arguments)
def test_it_is_the_standard_dataclass(one: dict[str, Any], two: dict[str, Any]) -> None:
    ours, standard = ([made(kind, one), made(kind, two)] for kind in (Ours, Standard))
    assert [plain(value) for value in ours] == [plain(value) for value in standard]
    if not any(isinstance(value, type) for value in ours):
        assert (ours[0] == ours[1]) == (standard[0] == standard[1])
        assert repr(ours[0]) == repr(standard[0])
        assert plain(replace(ours[0], count=7)) == plain(replace(standard[0], count=7))
        assert copy.copy(ours[0]) == ours[0] == copy.deepcopy(ours[0])
        assert ours[0] != standard[0]


def test_by_position_too_and_what_is_by_name_only_stays_so() -> None:
    assert fresh(dataclass(frozen=True, slots=True))("a", 1) != Ours("a", 1)
    assert plain(Ours("a", 1, {"b": 2})) == plain(Standard("a", 1, {"b": 2}))
    for kind in (Ours, Standard):
        with pytest.raises(TypeError):
            kind("a", 1, {}, "", [])
        with pytest.raises(TypeError):
            kind()


def test_the_first_look_may_be_at_the_class() -> None:
    ours, standard = (
        inspect.signature(fresh(decorate(frozen=True, slots=True)))
        for decorate in (dataclass, dataclasses.dataclass)
    )
    assert [(p.name, p.kind) for p in ours.parameters.values()] == [
        (p.name, p.kind) for p in standard.parameters.values()
    ]
    hints = get_type_hints(fresh(dataclass(frozen=True, slots=True)).__init__)
    assert hints == get_type_hints(Standard.__init__)


def test_nothing_can_be_changed_or_added() -> None:
    value: Any = Money(1, "EUR")
    for name in ("minor", "other"):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(value, name, 2)
        with pytest.raises((FrozenInstanceError, AttributeError)):
            delattr(value, name)
    assert not hasattr(value, "__dict__")
    assert value == Money(1, "EUR")


def test_equal_values_are_one_in_a_set_and_survive_pickling() -> None:
    assert is_dataclass(Money)
    assert len({Money(1, "EUR"), Money(1, "EUR"), Money(2, "EUR")}) == 2
    assert pickle.loads(pickle.dumps(Money(1, "EUR"))) == Money(1, "EUR")


def test_what_a_class_defines_itself_is_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class Secret:
        """Shows nothing."""

        text: str

        def __repr__(self) -> str:
            return "Secret"

    assert repr(Secret("a")) == "Secret"


def test_there_is_one_kind_only() -> None:
    with pytest.raises(TypeError):
        dataclass(frozen=False, slots=True)
