"""What a look-up at the service desk reads among a thousand customers and among a million:
`python -m infra.bench.finding`.

The customers are generated, every tenth of them a Smith, and stand in our model of DynamoDB, which
bills by AWS's rules. The look-ups are requests to the real handler. A million customers have five
million keys: the model holds these, and makes what they lead to when it is read.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import boto3
from parcelway.domain.customer import Customer, SavedAddress
from parcelway.domain.parties import Address
from parcelway.store.customers import record_item
from parcelway.store.database import Database
from parcelway.store.finding import key_items
from parcelway.store.items import to_item

from infra.bench.journey import Request, modules, proxy_event
from infra.bench.shop import model_of, shop
from infra.bench.text import table
from infra.bench.wire import Wire
from infra.sim.dynamodb.model import table_of
from infra.sim.dynamodb.tables import Key, Row
from infra.sim.dynamodb.values import size_of

SIZES = (1_000, 1_000_000)
_GIVEN = ("Ann", "Ben", "Carla", "Dmitri", "Élodie", "Farid", "Greta", "Hana", "Ivo", "John")
_SYLLABLES = ("ba", "ko", "li", "mar", "ne", "rö", "sen", "ti", "vu", "zan")
_MADE = datetime(2026, 1, 1, tzinfo=UTC)
_DIGITS = 26  # of an id
_STAFF = {"sub": "bench-representative", "cognito:groups": "csr"}

LOOKUPS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("family name", {"family_name": "smith"}),
    ("family name, begun", {"family_name": "sm"}),
    ("both names", {"family_name": "smith", "given_name": "jo"}),
    ("given name", {"given_name": "elodie"}),
    ("e-mail address, begun", {"email": "john."}),
    ("e-mail address", {"email": "john.smith.9@example.com"}),
    ("phone, last four digits", {"phone": "0009"}),
    ("phone", {"phone": "(614) 000-0009"}),
    ("postal code", {"postal_code": "10009"}),
    ("account", {"account": "acme-9"}),
    ("logon", {"logon": "John.Smith.9@example.com"}),
    ("nobody", {"family_name": "nobody"}),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one look-up takes: DynamoDB calls that read, what they read in units, what it takes in
    write units to put on record who was shown, and how many were. `more` is that of the answer."""

    name: str
    calls: int
    read: float
    write: float
    shown: int
    more: bool


def customer(number: int) -> Customer:
    """The customer of a number, always the same one."""
    given, family = _GIVEN[number % 10], _family(number // 10)
    email = f"{given}.{family}.{number}@example.com".lower().replace("é", "e").replace("ö", "o")
    code = f"{10_000 + number % 50}"
    home = Address(f"{given} {family}", f"{number} Long Lane", "Springfield", code, "US")
    return Customer(
        id=f"cus_{number:0{_DIGITS}d}",
        version=1,
        state="enabled",
        subject=f"subject-{number}",
        email=email,
        email_key=email,
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        created_at=_MADE,
        phone=f"+1614{number:07d}",
        addresses=(SavedAddress("adr_1", "Home", home, True, True),),
        account=f"acme-{number % 50}" if number % 2 else "",
    )


def measured(sizes: Sequence[int] = SIZES) -> dict[int, list[Cost]]:
    """Every look-up among so many customers."""
    found: dict[int, list[Cost]] = {}
    with shop() as db:
        wire = Wire(model_of(db))
        with wire.installed():
            for size in sizes:
                fill(db, size)
                desk = replace(db, client=boto3.client("dynamodb"), memory={})
                found[size] = list(_costs(desk, wire))
    return found


def fill(db: Database, count: int) -> None:
    """Put `count` customers with their keys in place of all there are."""
    customers = table_of(model_of(db), db.customers)
    customers.rows, customers.groups = _Rows(count), {}
    for number in range(count):
        for place in key_items(customer(number), {}):
            customers.groups.setdefault(place[0], []).append(place)
    for places in customers.groups.values():
        places.sort()


def report(found: Mapping[int, Sequence[Cost]]) -> str:
    """Calls, read units and customers shown by size, and what putting it on record takes."""
    rows = []
    for costs in zip(*found.values(), strict=True):
        told = [f"{each.calls} / {each.read:g} / {each.shown}" for each in costs]
        rows.append((costs[0].name, *told, f"{costs[-1].write:g}"))
    head = ("LOOK-UP", *(f"{size:,}" for size in found), "write units")
    return "reading calls / read units / customers shown\n" + table(head, rows)


class _Rows(dict[Key, Row]):
    """The items of `count` customers, made when they are read; and what is written."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def __missing__(self, key: Key) -> Row:
        item = self._made(*key)
        if item is None:
            raise KeyError(key)
        stored = to_item(item)
        return Row(stored, size_of(stored))

    def get(self, key: Key, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def _made(self, pk: str, sk: str) -> Mapping[str, Any] | None:
        kind, _, name = pk.partition("#")
        if kind == "FIND":
            return key_items(customer(int(sk[-_DIGITS:])), {}).get((pk, sk))
        if kind == "CUS" and sk == "CUSTOMER":
            return record_item(customer(int(name[-_DIGITS:])))
        number = name.partition("@")[0].rpartition(".")[2] if kind == "EMAIL" else ""
        if not number.isdecimal() or int(number) >= self._count:
            return None
        known = customer(int(number))
        item = {"pk": pk, "sk": sk, "customer_id": known.id}
        return item if known.email_key == name else None


def _family(number: int) -> str:
    """Smith for every tenth, else one of 900 names."""
    if not number % 10:
        return "Smith"
    digits = map(int, f"{number % 1000:03d}")
    return "".join(_SYLLABLES[digit] for digit in digits).capitalize()


def _costs(db: Database, wire: Wire) -> Iterator[Cost]:
    with modules(db, ("customers",)) as of:
        for name, clues in LOOKUPS:
            wire.record()
            query = {"reason": "measured", **clues}
            event = proxy_event("GET", "/staff/customers", None, {}, query=query, claims=_STAFF)
            answer = Request(name, of["customers"].handler, event).run()
            if answer["statusCode"] != 200:
                raise RuntimeError(f"{name}: {answer['statusCode']} {answer['body']}")
            told = json.loads(answer["body"])
            reads = [call for call in wire.consumed if not any(each.write for each in call)]
            yield Cost(
                name,
                len(reads),
                sum(each.read for call in reads for each in call),
                sum(each.write for call in wire.consumed for each in call),
                len(told["customers"]),
                told["next_cursor"] is not None,
            )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench.finding", description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=SIZES)
    begun = time.monotonic()
    print(report(measured(parser.parse_args().customers)))
    print(f"{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
