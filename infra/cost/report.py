"""The bill as tables."""

from __future__ import annotations

from collections.abc import Mapping

from infra.bench import text
from infra.cost.meter import Counts
from infra.cost.prices import APART, PRICES, beyond_free, dollars

_COLUMNS = {
    "aws_calls": "AWS calls",
    "write_units": "WRU",
    "read_units": "RRU",
    "invocations": "Lambda",
    "requests": "API",
    "transitions": "states",
    "events": "events",
    "queue_operations": "SQS",
    "mails": "mails",
    "log_bytes": "log B",
}


def priced(counts: Mapping[str, float], *, without: tuple[str, ...] = ()) -> float:
    """Dollars per 1,000 of what was counted once."""
    return 1000 * dollars({name: counts[name] for name in PRICES}, without=without)


def table(rows: Mapping[str, Counts]) -> str:
    """One row each, in plain text, with dollars per 1,000; `rest` leaves mails and states out."""
    head = ["", *_COLUMNS.values(), "$/1,000", "rest"]
    return text.table(head, [_row(name, counts) for name, counts in rows.items()])


def _row(name: str, counts: Counts) -> list[str]:
    numbers = [f"{counts[column]:,.1f}".removesuffix(".0") for column in _COLUMNS]
    return [name, *numbers, f"{priced(counts):.4f}", f"{priced(counts, without=APART):.4f}"]


def by_service(counts: Counts) -> str:
    """What each service takes of the bill, the dearest first."""
    shares = {name: 1000 * PRICES[name] * counts[name] for name in PRICES if counts[name]}
    ordered = sorted(shares.items(), key=lambda share: -share[1])
    lines = [[name.replace("_", " "), f"{dollars:.4f}"] for name, dollars in ordered]
    return text.table(["", "$/1,000"], lines)


def monthly(causes: Mapping[str, Counts]) -> str:
    """A month's costs by cause, in dollars, without and with what is free every month."""
    total: Counts = dict.fromkeys(PRICES, 0.0)
    for counts in causes.values():
        total = {name: total[name] + counts[name] for name in PRICES}
    lines = [
        [cause, f"{dollars(counts):.2f}", f"{dollars(beyond_free(counts)):.2f}"]
        for cause, counts in {**causes, "total": total}.items()
    ]
    return text.table(["", "at list prices", "beyond the free tier"], lines)
