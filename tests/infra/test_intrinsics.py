"""CloudFormation's functions, conditions and the order they impose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.intrinsics import Resolver, Resource, references
from infra.local.template import TemplateError

DOCUMENT: dict[str, Any] = {
    "Mappings": {"Sizes": {"dev": {"n": 1}, "prod": {"n": 9}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "NotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
        "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "NotProd"}]},
        "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "NotProd"}]},
    },
}


@pytest.fixture
def resolver() -> Resolver:
    found = Resolver(DOCUMENT, {"Stage": "dev", "AWS::Region": "eu-central-1"})
    found.resources["Table"] = Resource("orders", {"Arn": "arn:table", "A.B": "nested"})
    return found


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Table"}, "orders"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "arn:table"),
        ({"Fn::GetAtt": "Table.A.B"}, "nested"),
        ({"Fn::Sub": "${Stage}/${Table}/${Table.Arn}/${AWS::Region}/${!Kept}"},
         "dev/orders/arn:table/eu-central-1/${Kept}"),
        ({"Fn::Sub": ["${Own}-${Stage}", {"Own": {"Ref": "Table"}}]}, "orders-dev"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 3]]}, "a-dev-3"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b,c"]}]}, "b"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "n"]}, 1),
        ({"Fn::If": ["IsProd", "big", "small"]}, "small"),
        ({"Fn::If": ["NotProd", {"Ref": "Table"}, {"Ref": "Missing"}]}, "orders"),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a": "dev"}'),
        ({"Fn::Base64": "abc"}, "YWJj"),
        ({"a": {"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}, "b": 2}, {"b": 2}),
        ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
    ],
)  # fmt: skip
def test_functions(resolver: Resolver, node: Any, value: Any) -> None:
    assert resolver.resolve(node) == value


def test_conditions(resolver: Resolver) -> None:
    assert [resolver.condition(c) for c in ("IsProd", "NotProd", "Both", "Either")] == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "node",
    [
        {"Ref": "Nowhere"},
        {"Fn::GetAtt": ["Table", "Colour"]},
        {"Fn::GetAtt": ["Nowhere", "Arn"]},
        {"Fn::Sub": "${Nowhere}"},
        {"Fn::FindInMap": ["Sizes", "test", "n"]},
        {"Fn::ImportValue": "x"},
        {"Fn::If": ["Unknown", 1, 2]},
    ],
)
def test_unknown_names_raise(resolver: Resolver, node: Any) -> None:
    with pytest.raises(TemplateError):
        resolver.resolve(node)


def test_references() -> None:
    node = {
        "A": {"Ref": "R1"},
        "B": [{"Fn::GetAtt": ["R2", "Arn"]}, {"Fn::GetAtt": "R3.Arn"}],
        "C": {"Fn::Sub": ["${R4.Arn} ${Own} ${!No} ${AWS::Region}", {"Own": {"Ref": "R5"}}]},
    }
    assert set(references(node)) == {"R1", "R2", "R3", "R4", "R5", "AWS::Region"}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_values_stay_as_they_are(value: Any) -> None:
    assert Resolver({}, {}).resolve(value) == value
