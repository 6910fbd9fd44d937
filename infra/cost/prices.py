"""List prices in US dollars: us-east-1, on demand, no free tier, as of November 2026.

Sources: the pricing page of each service (aws.amazon.com/<service>/pricing). Not in it: data
transfer, storage, point-in-time recovery, tax, what the payment provider takes.
"""

from __future__ import annotations

from collections.abc import Mapping

MILLION = 1_000_000
GIB = 1024**3

PRICES: Mapping[str, float] = {
    "requests": 3.50 / MILLION,  # API Gateway, REST
    "invocations": 0.20 / MILLION,  # Lambda
    "gb_seconds": 0.0000133334,  # Lambda, arm64, by the millisecond
    "write_units": 0.625 / MILLION,  # DynamoDB, on demand; what triggers read of streams is free
    "read_units": 0.125 / MILLION,
    "transitions": 25.0 / MILLION,  # Step Functions, Standard: each state entered, retries too
    "events": 1.0 / MILLION,  # EventBridge, custom events; AWS's own, and schedules, are free
    "queue_operations": 0.40 / MILLION,  # SQS, standard queues; what EventBridge and Lambda do too
    "mails": 0.10 / 1000,  # SES
    "files_written": 5.0 / MILLION,  # S3 PUT, LIST
    "files_read": 0.40 / MILLION,  # S3 GET
    "key_requests": 3.0 / MILLION,  # KMS: each secret decrypted; SSM's own part is free
    "log_bytes": 0.50 / GIB,  # CloudWatch Logs, ingestion
    "alarms": 0.10,  # CloudWatch, a month
}

FREE: Mapping[str, float] = {
    "invocations": MILLION,
    "gb_seconds": 400_000,
    "queue_operations": MILLION,
    "key_requests": 20_000,
    "transitions": 4_000,
    "log_bytes": 5 * GIB,
    "alarms": 10,
}
"""What an account has free every month, for good (aws.amazon.com/free, "always free")."""

APART = ("mails", "transitions")
"""What is asked for by the shop itself: each mail to the customer, each stage of fulfilment."""


def dollars(counts: Mapping[str, float], *, without: tuple[str, ...] = ()) -> float:
    """What `counts` (by the names of `PRICES`) cost. Raises KeyError for an unknown name."""
    return sum(PRICES[name] * count for name, count in counts.items() if name not in without)


def beyond_free(counts: Mapping[str, float]) -> dict[str, float]:
    """What of a month's `counts` is left to pay for."""
    return {name: max(0.0, count - FREE.get(name, 0.0)) for name, count in counts.items()}
