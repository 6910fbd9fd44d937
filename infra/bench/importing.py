"""What it takes to import orders of a marketplace: `python -m infra.bench.importing`.

Rows of one article each, in requests of one, ten and a hundred, go to the real handler over our
model of DynamoDB; CPU is measured as in `warm`. The rows of a request are taken in one after the
other. With 4 ms to a read and 10 to a transaction the clock tells how many a source gets through
that sends one request after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from itertools import islice

import boto3
from parcelway.store.database import Database

from infra.bench.hot_sku import READ_SECONDS
from infra.bench.journey import Json, Request, modules, proxy_event
from infra.bench.shop import model_of, shop
from infra.bench.text import table
from infra.bench.warm import best, recorded
from infra.bench.wire import Wire
from infra.demo.marketplace import MACHINE, MEDIA, SOURCE, body, sold
from infra.local.application import SAMPLE_FILES

REQUESTS = (1, 10, 100)  # rows in each
_TRANSACTION_SECONDS = 0.010
_RUNS = 15
_TERMS = {"limit": {"minor": 10**9, "currency": "USD"}, "days": 30}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request of so many rows takes: DynamoDB calls that read and that write, their units,
    and CPU seconds with botocore's."""

    rows: int
    reads: int
    writes: int
    read: float
    write: float
    seconds: float

    @property
    def rows_a_second(self) -> float:
        """Rows that get through, one after the other."""
        waited = self.reads * READ_SECONDS + self.writes * _TRANSACTION_SECONDS
        return self.rows / (self.seconds + waited)


def measured(requests: Sequence[int] = REQUESTS, runs: int = _RUNS) -> list[Cost]:
    """Requests of so many rows, each with orders of its own."""
    with shop() as stored:
        wire = Wire(model_of(stored))
        with wire.installed(), redirect_stdout(StringIO()):
            return list(_costs(stored, wire, requests, runs))


def report(found: Sequence[Cost]) -> str:
    """Calls, units and CPU for a row, and rows a second."""
    rows = [
        (
            f"{each.rows}",
            f"{each.reads / each.rows:.2f}",
            f"{each.writes / each.rows:.2f}",
            f"{each.read / each.rows:.1f}",
            f"{each.write / each.rows:.1f}",
            f"{each.seconds / each.rows * 1000:.2f}",
            f"{each.rows_a_second:.0f}",
        )
        for each in found
    ]
    head = ("ROWS", "reads", "writes", "read units", "write units", "CPU ms", "rows/s")
    return "for each row of a request\n" + table(head, rows)


def _costs(stored: Database, wire: Wire, requests: Sequence[int], runs: int) -> Iterator[Cost]:
    db = replace(stored, client=boto3.client("dynamodb"), memory={})
    with modules(db, ("credit", "order_import")) as of:
        terms = json.dumps(_TERMS), "application/json", "finance"
        allowed = _request("PUT", "/staff/accounts/{account}/credit", *terms)
        Request("terms", of["credit"].handler, allowed).run()
        for rows in requests:
            sent = _body(rows), MEDIA, ",".join(MACHINE)
            event = _request("POST", "/staff/imports/{source}/orders", *sent)
            request = Request(f"{rows} rows", of["order_import"].handler, event)
            answer = recorded(request, wire, model_of(stored))
            created = json.loads(answer["body"])["created"]
            if created != rows:
                raise RuntimeError(f"{created} of {rows} rows: {answer['body'][:500]}")
            calls = [any(each.write for each in call) for call in wire.consumed]
            spent = [each for call in wire.consumed for each in call]
            yield Cost(
                rows,
                calls.count(False),
                calls.count(True),
                sum(each.read for each in spent),
                sum(each.write for each in spent),
                best(request.run, wire, runs),
            )
            wire.record()


def _body(rows: int) -> str:
    """So many rows, each of another article, of those that no tax is due for."""
    catalogue = map(json.loads, SAMPLE_FILES["catalogue"].read_text().splitlines())
    free = (article["sku"] for article in catalogue if article["tax_category"] == "grocery")
    return body(sold(f"{rows}-{sku}", sku, rate=0) for sku in islice(free, rows))


def _request(method: str, resource: str, text: str, media: str, groups: str) -> Json:
    where = {"source": SOURCE, "account": SOURCE}
    claims = {"sub": "bench-machine", "cognito:groups": groups}
    headers = {"Content-Type": media}
    return proxy_event(method, resource, text, headers, path=where, claims=claims)


def main() -> None:
    """Measure, and print the table."""
    print(report(measured()))


if __name__ == "__main__":
    main()
