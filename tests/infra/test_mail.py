"""SES: what was sent, and the events it publishes."""

from __future__ import annotations

import pytest

from infra.local.stack import Stack
from tests.infra.shop import count


def send(stack: Stack, to: str, order: str) -> str:
    answer = stack.request("POST", "/open/mail", {"to": to, "order": order})
    assert answer.status == 200, answer.text
    message_id: str = answer.json()["id"]
    return message_id


def test_the_outbox_keeps_both_bodies_and_the_tags(stack: Stack, new_id: str) -> None:
    message_id = send(stack, f"{new_id}@buyer.example", new_id)
    mail = stack.mails()[-1]
    assert mail.to == (f"{new_id}@buyer.example",)
    assert (mail.subject, mail.text, mail.html) == ("Your order", "Thank you", "<p>Thank you</p>")
    assert mail.tags == {"order": new_id}
    assert (mail.message_id, mail.sender) == (message_id, "shop@dev.example")


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("someone", {"Send": 1, "Delivery": 1, "Bounce": 0, "Complaint": 0}),
        ("bounce", {"Send": 1, "Delivery": 0, "Bounce": 1, "Complaint": 0}),
        ("complaint", {"Send": 1, "Delivery": 1, "Bounce": 0, "Complaint": 1}),
    ],
)
def test_events_reach_a_rule_on_the_default_bus(
    stack: Stack, new_id: str, local: str, expected: dict[str, int]
) -> None:
    send(stack, f"{local}@buyer.example", new_id)
    stack.settle()
    assert {kind: count(stack, "MAIL", f"{new_id}#{kind}") for kind in expected} == expected
