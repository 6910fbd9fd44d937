"""Least privilege: what a role does not grant fails, what nobody uses is listed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.calls import Call
from infra.local.iam.actions import UnmappedCall, needs
from infra.local.iam.policies import decide, statements
from infra.local.stack import ACCOUNT, Stack
from infra.local.template import TemplateError

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"


def test_a_call_outside_the_role_is_denied(stack: Stack) -> None:
    answer = stack.request("GET", "/open/forbidden")
    assert answer.status == 502
    log = "\n".join(stack.logs["Shop"])
    assert "AccessDeniedException" in log
    assert "is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb" in log


def test_a_missing_key_is_denied_without_list_bucket(stack: Stack) -> None:
    assert stack.request("GET", "/files/nothing").status == 502
    log = list(stack.logs["Shop"])
    assert any("AccessDenied" in line and "s3:ListBucket" in line for line in log)


def test_the_stack_itself_is_not_checked(stack: Stack) -> None:
    stack.client("dynamodb").scan(TableName=stack.resource("OrdersTable"), Limit=1)


def test_unused_grants_are_listed(stack: Stack, new_id: str) -> None:
    stack.request("POST", "/open/count", "x")
    unused = {(owner, action) for owner, action, _ in stack.permissions.unused()}
    assert ("Shop", "dynamodb:DeleteItem") in unused
    left = [
        resource
        for owner, action, resource in stack.permissions.unused()
        if (owner, action) == ("Shop", "dynamodb:UpdateItem")
    ]
    assert left  # the policy names the table and its indexes; nobody updates by index
    assert all(resource.endswith("/index/*") for resource in left)
    assert ("Shop", "dynamodb:UpdateItem") in stack.permissions.used()
    assert not any(action.startswith("logs:") for _, action in unused)  # managed, not ours


def decided(document: Any, action: str, resource: str, **context: Any) -> bool:
    return decide(statements(document), action, resource, context)[0]


def test_evaluation() -> None:
    document = {
        "Statement": [
            {"Effect": "Allow", "Action": "dynamodb:*Item", "Resource": TABLE},
            {"Effect": "Allow", "Action": ["DynamoDB:query"], "Resource": f"{TABLE}/index/*"},
            {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": "*",
                "Condition": {"StringEquals": {"events:source": ["shop"]}},
            },
        ]
    }
    assert decided(document, "dynamodb:PutItem", TABLE)
    assert decided(document, "dynamodb:Query", f"{TABLE}/index/gsi1")
    assert not decided(document, "dynamodb:Query", TABLE)
    assert not decided(document, "dynamodb:PutItem", TABLE.upper())
    assert not decided(document, "dynamodb:DeleteItem", TABLE)
    assert decided(document, "events:PutEvents", "bus", **{"events:source": "shop"})
    assert not decided(document, "events:PutEvents", "bus", **{"events:source": "aws.s3"})
    assert not decided(document, "events:PutEvents", "bus")


def test_unknown_operators_raise() -> None:
    condition = {"NumericLessThan": {"s3:max-keys": "10"}}
    document = {
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    }
    with pytest.raises(TemplateError, match="NumericLessThan"):
        decided(document, "s3:ListBucket", "x")


@given(st.text("abc*?", max_size=6), st.text("abc", max_size=6))
def test_a_deny_always_wins(pattern: str, action: str) -> None:
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": pattern, "Resource": "*"}
    alone = decided({"Statement": [{**deny, "Effect": "Allow"}]}, action, "r")
    assert decided({"Statement": [allow, deny]}, action, "r") is not alone


def asked(service: str, operation: str, **parameters: Any) -> list[tuple[str, str]]:
    call = Call("F", service, operation, parameters)
    return [(n.action, n.resource) for n in needs(call, ACCOUNT, "eu-central-1")]


def test_a_transaction_needs_the_permissions_of_its_parts() -> None:
    items = [
        {"Put": {"TableName": "orders"}},
        {"ConditionCheck": {"TableName": "orders"}},
        {"Update": {"TableName": TABLE}},
    ]
    assert asked("dynamodb", "TransactWriteItems", TransactItems=items) == [
        ("dynamodb:PutItem", TABLE),
        ("dynamodb:ConditionCheckItem", TABLE),
        ("dynamodb:UpdateItem", TABLE),
    ]


def test_other_calls() -> None:
    assert asked("dynamodb", "Query", TableName="orders", IndexName="g") == [
        ("dynamodb:Query", f"{TABLE}/index/g")
    ]
    assert asked("s3", "HeadObject", Bucket="b", Key="k/x") == [
        ("s3:GetObject", "arn:aws:s3:::b/k/x")
    ]
    assert asked("cognito-idp", "InitiateAuth", ClientId="c") == []
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/work"
    assert asked("sqs", "SendMessageBatch", QueueUrl=url) == [
        ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:work")
    ]
    with pytest.raises(UnmappedCall, match="s3:PutBucketPolicy"):
        asked("s3", "PutBucketPolicy", Bucket="b")


DELETES_GUESTS = {
    "Statement": {
        "Effect": "Allow",
        "Action": "dynamodb:*",
        "Resource": TABLE,
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["GUEST#*"]}},
    }
}


def by_key(pk: str) -> dict[str, Any]:
    return {"TableName": "orders", "Key": {"pk": {"S": pk}, "sk": {"S": "x"}}}


def of_partition(pk: str) -> dict[str, Any]:
    values = {":sk": {"S": "GUEST#"}, ":pk": {"S": pk}}
    condition = "pk = :pk AND begins_with(sk, :sk)"
    asked = {"TableName": "orders", "KeyConditionExpression": condition}
    return asked | {"ExpressionAttributeValues": values}


@pytest.mark.parametrize(
    ("operation", "parameters", "allowed"),
    [
        ("DeleteItem", by_key("GUEST#1"), True),
        ("DeleteItem", by_key("ORD#1"), False),
        ("TransactWriteItems", {"TransactItems": [{"Delete": by_key("GUEST#1")}]}, True),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Delete": by_key("GUEST#1")}, {"Delete": by_key("ORD#1")}]},
            False,
        ),
        ("PutItem", {"TableName": "orders", "Item": {"pk": {"S": "ORD#1"}}}, False),
        ("BatchGetItem", {"RequestItems": {"orders": {"Keys": [{"pk": {"S": "GUEST#1"}}]}}}, True),
        ("BatchGetItem", {"RequestItems": {"orders": {"Keys": [{"pk": {"S": "ORD#1"}}]}}}, False),
        (
            "BatchWriteItem",
            {"RequestItems": {"orders": [{"DeleteRequest": {"Key": {"pk": {"S": "ORD#1"}}}}]}},
            False,
        ),
        ("Query", {"TableName": "orders"}, False),
        ("Query", of_partition("GUEST#1"), True),
        ("Query", of_partition("ORD#1"), False),
    ],
)
def test_a_condition_on_the_partition_key(
    operation: str, parameters: dict[str, Any], allowed: bool
) -> None:
    call = Call("F", "dynamodb", operation, parameters)
    found = [
        decided(DELETES_GUESTS, need.action, need.resource, **need.context)
        for need in needs(call, ACCOUNT, "eu-central-1")
    ]
    assert all(found) is allowed
