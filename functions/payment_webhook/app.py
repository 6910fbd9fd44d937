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
    twice, late or unknown is a question asked once more. Only what it is about is passed on.
    """
    if len(call.raw) > MAX_BODY:
        raise Problem(413, "body-too-large", "Body too large")
    secrets = secrets_of(os.environ["STRIPE_WEBHOOK_SECRET_PARAMETER"])
    try:
        verify_stripe(call.raw, call.headers.get("stripe-signature", ""), secrets, call.now)
    except WebhookRefused as refused:
        raise Problem(400, "signature-refused", "Signature refused", str(refused)) from None
    if message := _subject_of(call.raw):
        queue = "SETTLEMENTS_QUEUE_URL" if "payout" in message else "PAYMENTS_QUEUE_URL"
        sqs().send_message(QueueUrl=os.environ[queue], MessageBody=json.dumps(message))
    return Reply({"received": True})


def _subject_of(raw: bytes) -> dict[str, str] | None:
    """The payout that a (verified) event is about, or the payment and the order it names, if it
    names one; None for an event that is about something else. Disputes are not looked for unless
    one is told of."""
    try:
        event: Any = json.loads(raw)
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON.") from None
    if not isinstance(event, dict):
        raise bad_request("The body is not an event.")
    ours = os.environ["DEPLOYMENT"]
    try:
        subject: Any = event["data"]["object"]
        if subject["object"] == "payout" and str(subject["id"]).startswith("po_"):
            return {"payout": str(subject["id"])}
        own = subject["object"] == "payment_intent"
        reference = subject["id"] if own else subject["payment_intent"]
        metadata = subject.get("metadata") or {}
        order_id, of = metadata.get("order_id", ""), metadata.get("deployment", ours)
    except (KeyError, TypeError, AttributeError):
        return None
    if of != ours:  # another stack's, which shares the account
        return None
    if order_id and not str(order_id).startswith("ord_"):  # another system's
        return None
    if not isinstance(reference, str) or not reference.startswith("pi_"):
        return None
    told = {"payment": reference, "order": str(order_id)}
    return told | {"about": "dispute"} if subject["object"] == "dispute" else told
