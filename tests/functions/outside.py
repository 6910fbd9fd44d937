"""Who is outside, in memory: the payment provider and Step Functions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError
from parcelway.domain.dispute import Dispute
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayPayment
from parcelway.ports.payments import GatewayRefused, GatewayUnavailable

from tests.orders import Story

MACHINE = "arn:aws:states:eu-central-1:1:stateMachine:m"


class Provider:
    """A payment provider in memory, which may be out of reach."""

    def __init__(self) -> None:
        self.payments: dict[str, GatewayPayment] = {}
        self.unreachable: set[str] = set()
        self.disputed: set[str] = set()  # of which nothing can be given back
        self.written: list[tuple[str, str]] = []

    def holds(self, story: Story, minor: int | None = None, **changes: Any) -> str:
        """The customer has paid `minor` (all there is to pay, unless given); the reference."""
        assert story.seen is not None
        amount = totals(story.order).gross
        if minor is not None:
            amount = Money(minor, amount.currency)
        seen = replace(story.seen, status="authorized", amount=amount, authorized=amount)
        self.payments[seen.reference] = replace(seen, **changes)
        return seen.reference

    def create(self, **_: Any) -> GatewayPayment:
        raise AssertionError("the worker creates no payments")

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        raise AssertionError("the worker captures nothing")

    def retrieve(self, reference: str) -> GatewayPayment:
        if reference in self.unreachable:
            raise GatewayUnavailable
        if reference not in self.payments:
            raise GatewayRefused("resource_missing")
        return self.payments[reference]

    def void(self, reference: str, *, key: str) -> GatewayPayment:
        payment = self.retrieve(reference)
        if payment.captured:
            raise GatewayRefused("payment_intent_unexpected_state")
        self.written.append(("void", reference))
        nothing = Money(0, payment.amount.currency)
        self.payments[reference] = replace(payment, status="voided", authorized=nothing)
        return self.payments[reference]

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        payment = self.retrieve(reference)
        if reference in self.disputed:
            raise GatewayRefused("charge_disputed")
        self.written.append(("refund", reference))
        self.payments[reference] = replace(payment, refunded=payment.refunded + amount)
        return self.payments[reference]


def told(reference: str, story: Story | None = None, about: str = "") -> dict[str, str]:
    """What the webhook leaves in the queue."""
    message = {"payment": reference, "order": story.order.id if story else ""}
    return message | ({"about": about} if about else {})


class Machine:
    """Step Functions: what was started and answered; some tokens answer with an error."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Any]] = []
        self.sent: list[tuple[str, str]] = []
        self.errors: dict[str, str] = {}

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:
        assert stateMachineArn == MACHINE
        if name in self.errors:
            raise _error(self.errors[name])
        if any(name == known for known, _ in self.started):
            raise _error("ExecutionAlreadyExists")
        self.started.append((name, json.loads(input)))

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:
        assert executionArn.startswith("arn:aws:states:eu-central-1:1:execution:m:")
        return {"status": "RUNNING"}

    def send_task_success(self, *, taskToken: str, output: str) -> None:
        json.loads(output)
        self._answer(taskToken, "success")

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> None:
        self._answer(taskToken, error)

    def _answer(self, token: str, answer: str) -> None:
        self.sent.append((token, answer))
        if token in self.errors:
            raise _error(self.errors[token])


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "AnyOperation")


class Bank:
    """What a payment provider says of disputes."""

    def __init__(self) -> None:
        self.disputes: dict[str, list[Dispute]] = {}
        self.asked = 0

    def of_payment(self, reference: str) -> tuple[Dispute, ...]:
        self.asked += 1
        return tuple(self.disputes.get(reference, ()))
