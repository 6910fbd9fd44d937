"""Stripe's webhooks: verify the raw bytes, keep them, answer. The worker does the rest.

No SDK here: this function must start fast, and a provider that waits for us sends again.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from parcelway import aws
from parcelway.http.api import SIGNED, Api, Reply
from parcelway.http.call import MAX_BODY, Call
from parcelway.http.problems import Problem, bad_request
from parcelway.ports.secret_values import secrets_of
from parcelway.ports.webhooks import WebhookRefused, verify_stripe

api = Api("payment_webhook")
handler = api
sqs = cache(lambda: aws.client("sqs"))


@api.route("POST", "/webhooks/stripe", who=SIGNED, status=200)
def receive(call: Call[None]) -> Reply:
    """Take in an event of the payment provider.

    Events are not told apart here: the worker looks at the payment itself, so an event that came
    twice, late or unknown is a question asked once more.
    """
    if len(call.raw) > MAX_BODY:
        raise Problem(413, "body-too-large", "Body too large")
    secrets = secrets_of(os.environ["STRIPE_WEBHOOK_SECRET_PARAMETER"])
    try:
        verify_stripe(call.raw, call.headers.get("stripe-signature", ""), secrets, call.now)
    except WebhookRefused as refused:
        raise Problem(400, "signature-refused", "Signature refused", str(refused)) from None
    if message := _payment_of(call.raw):
        sqs().send_message(
            QueueUrl=os.environ["PAYMENTS_QUEUE_URL"], MessageBody=json.dumps(message)
        )
    return Reply({"received": True})


def _payment_of(raw: bytes) -> dict[str, str] | None:
    """The payment that a (verified) event is about and the order it names, if it names one; None
    for an event that is about something else."""
    try:
        event: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON.") from None
    if not isinstance(event, dict):
        raise bad_request("The body is not an event.")
    try:
        subject: Any = event["data"]["object"]
        own = subject["object"] == "payment_intent"
        reference = subject["id"] if own else subject["payment_intent"]
        order_id = (subject.get("metadata") or {}).get("order_id", "")
    except (KeyError, TypeError, AttributeError):
        return None
    if not isinstance(reference, str) or not reference.startswith("pi_"):
        return None
    return {"payment": reference, "order": str(order_id)}
