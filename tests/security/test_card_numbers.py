"""A thousand test card numbers in every field: all refused, and found nowhere afterwards."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import pytest
from parcelway.http.api import Route
from parcelway.http.call import read_json, read_query
from parcelway.http.cards import holds_card_number
from parcelway.http.problems import Problem
from parcelway.http.schemas import Input

from infra.cli.openapi_examples import BODIES
from infra.cli.routes import declared, http_functions
from infra.demo.people import Shopper
from infra.local.application import Application
from tests.security.people import Caller, user
from tests.security.watching import TABLES, logged, queued, rows, watched

COUNT = 1000
# Members that hold long numbers by nature. What is secret goes to Cognito only; a carrier's parcel
# number and event id are the carrier's, and never a customer's to fill in; a till's line, a
# supply's reference and the purchase order of a self-billing are the shop's own papers, and staff's
# alone; the ids of imported orders are a marketplace's.
EXEMPT = {
    "password",
    "code",
    "session",
    "access_token",
    "refresh_token",
    "parcel_number",
    "event_id",
    "source",
    "supply",
    "purchase_order",
    "external_id",
}
_STARTS = ("4", "51", "55", "2221", "34", "37", "36", "6011", "65", "62", "3528", "81", "9792")


def _check_digit(digits: str) -> str:
    """ISO/IEC 7812-1: the digit that makes the sum of all, every other one doubled, end in 0."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def _numbers() -> list[str]:
    dice = random.Random(7812)
    made = []
    for _ in range(COUNT):
        start, length = dice.choice(_STARTS), dice.randint(13, 19)
        body = start + "".join(dice.choice("0123456789") for _ in range(length - len(start) - 1))
        made.append(body + _check_digit(body))
    return made


def _by(size: int, separator: str) -> Callable[[str], str]:
    return lambda number: separator.join(
        number[at : at + size] for at in range(0, len(number), size)
    )


# The ways in which people and programs write them.
WRITTEN: tuple[Callable[[str], str], ...] = (
    str,
    _by(4, " "),
    _by(4, "-"),
    _by(4, "."),
    _by(4, "\u00a0"),
    _by(4, "\u2011"),
    _by(4, "  "),
    _by(4, "_"),
    _by(6, " "),
    _by(1, " "),
    lambda number: f"{number[:4]} {number[4:10]} {number[10:]}",
    lambda number: f"card:{number};",
    lambda number: f"{_by(4, ' ')(number)} 12/27 123",
    lambda number: f"5 {_by(4, ' ')(number)}",
    lambda number: "\u200b".join(number),
    lambda number: number.translate({ord("0") + n: 0xFF10 + n for n in range(10)}),
)
NUMBERS = _numbers()
SPELT = [write(number) for number, write in zip(NUMBERS, cycle(WRITTEN), strict=False)]

Path = tuple[str | int, ...]


def models() -> Iterator[tuple[type[Input], bool]]:
    """Every model of what comes in, and whether it is a query's."""
    found: dict[type[Input], bool] = {}
    for function in http_functions():
        for route in function.api.routes:
            found |= {route.body: False} if route.body else {}
            found |= {route.query: True} if route.query else {}
        for value in vars(function.module).values():
            if isinstance(value, type) and issubclass(value, Input) and value is not Input:
                found.setdefault(value, False)
    yield from found.items()


def fields_of(model: type[Input]) -> list[Path]:
    """The paths of all members that may be text, of names in mappings, too."""
    schema = model.model_json_schema()
    return [path for path in _fields(schema, schema) if path]


def _fields(schema: dict[str, Any], root: dict[str, Any], at: Path = ()) -> Iterator[Path]:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    for choice in [*schema.get("anyOf", []), *schema.get("allOf", [])]:
        yield from _fields(choice, root, at)
    if schema.get("type") == "string" or "enum" in schema or "const" in schema:
        yield at
    for name, member in schema.get("properties", {}).items():
        yield from _fields(member, root, (*at, name))
    if isinstance(schema.get("items"), dict):
        yield from _fields(schema["items"], root, (*at, 0))
    for part in ("additionalProperties", "patternProperties"):
        if isinstance(schema.get(part), dict):
            yield (*at, "a_name")


def placed(example: Any, path: Path, value: str) -> Any:
    """An example with one member replaced; what leads to it is made where it is missing."""
    if not path:
        return value
    head, *rest = path
    if isinstance(head, int):
        items = list(example) if isinstance(example, list) and example else [{}]
        return [placed(items[0], tuple(rest), value), *items[1:]]
    known = dict(example) if isinstance(example, dict) else {}
    return known | {head: placed(known.get(head), tuple(rest), value)}


MODELS = dict(models())
FIELDS = [(model, path) for model in MODELS for path in fields_of(model)]
GUARDED = [(model, path) for model, path in FIELDS if not set(map(str, path)) & model.card_exempt]
EXAMPLES = {
    str(route.body): BODIES[operation]
    for name, route in declared()
    if route.body and (operation := f"{name}_{route.view.__name__}") in BODIES
}


def test_what_is_exempt_is_what_has_a_reason() -> None:
    assert set().union(*(model.card_exempt for model in MODELS)) == EXEMPT
    assert {path[-1] for model, path in FIELDS if (model, path) not in GUARDED} <= EXEMPT
    assert len(GUARDED) > 50
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize(
    ("model", "path"), GUARDED, ids=lambda part: getattr(part, "__name__", str(part))
)
def test_no_field_takes_a_card_number(model: type[Input], path: Path) -> None:
    example = EXAMPLES.get(str(model), {})
    for written in SPELT:
        try:
            if MODELS[model]:
                read_query({str(path[0]): written}, model)
            else:
                read_json(json.dumps(placed(example, path, written)).encode(), model)
        except Problem as problem:
            assert (problem.status, problem.code) == (422, "card-number-refused"), written
            assert not any(number in json.dumps(problem.body) for number in (written, *NUMBERS[:9]))
        else:
            raise AssertionError(f"{written} was taken")


def test_names_and_numbers_are_looked_at_too() -> None:
    for number, written in zip(NUMBERS, SPELT, strict=True):
        for value in (int(number), {written: 1}, [{"a": [written]}], {"a": {"b": written}}):
            assert holds_card_number(value), value


@pytest.mark.parametrize(
    "text",
    [
        "+4915112345678",  # 15 digits at most behind a plus: a phone number
        "+49 151 12345678",
        "614-555-0123, 614-555-0199",
        "2026-11-21 10.00-12.00",
        "4242424242424241",  # the check digit is wrong
        "0000000000000000",
        "1Z999AA10123456784",
        "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "12345678901234567890123",
    ],
)
def test_other_numbers_are_not_taken_for_cards(text: str) -> None:
    assert not holds_card_number(text)


def test_the_last_of_two_members_with_one_name_is_the_one_that_counts() -> None:
    """JSON allows both; what is looked at must be what is used."""
    (model,) = [model for model in MODELS if model.__name__ == "AddLine"]
    first = b'{"sku": "4242424242424242", "sku": "SKU-1", "quantity": 1}'
    assert read_json(first, model).sku == "SKU-1"  # type: ignore[attr-defined]
    with pytest.raises(Problem):
        read_json(b'{"sku": "SKU-1", "sku": "4242424242424242", "quantity": 1}', model)


def _targets() -> list[tuple[Route, Path]]:
    return [
        (route, path)
        for _, route in declared()
        for model in (route.body, route.query)
        if model is not None
        for path in fields_of(model)
        if (model, path) in GUARDED
    ]


def test_a_thousand_card_numbers_leave_no_trace(app: Application) -> None:
    customer, staff, shopper = user(app), user(app, "admin"), Shopper(app.url, app.stripe)
    headers = {"Cart-Token": shopper.token}
    callers = {
        True: Caller("staff", headers | {"Authorization": staff.authorization}),
        False: Caller("customer", headers | {"Authorization": customer.authorization}),
    }
    with watched(app) as watch:
        for written, (route, path) in zip(SPELT, cycle(_targets()), strict=False):
            target = re.sub(r"{cart_id}", shopper.id, route.path)
            target = re.sub(r"{\w+}", "x", target)
            caller = callers[bool(route.who.groups)]
            example = EXAMPLES.get(str(route.body), {})
            body = placed(example, path, written) if route.body else None
            query = {str(path[0]): written} if not route.body else None
            answer = caller.call(app, route.method, target, body, query)
            assert answer.status == 422, (route.path, path, written, answer.text)
            assert "card-number-refused" in answer.text
        _in_paths_and_headers(app, shopper)
        app.settle()
    heard = [mail.subject + (mail.text or "") + (mail.html or "") for mail in app.stack.mails()]
    places = {
        "logs": logged(app),
        "sent": "\n".join(text for _, text in watch.sent),
        "mails": "\n".join(heard),
        "queues": queued(app),
        **{name: "\n".join(text for _, _, text in rows(app, name)) for name in TABLES},
    }
    assert places["logs"] and places["Orders"]
    for name, text in places.items():
        assert [n for n in (*NUMBERS, *SPELT) if n in text] == [], name


def _in_paths_and_headers(app: Application, shopper: Shopper) -> None:
    """Where there is no field to refuse: ids nobody has, keys that are kept as digests."""
    for number in NUMBERS[:20]:
        for path in (f"/carts/{number}", f"/products/{number}", f"/track/{number}"):
            assert app.stack.request("GET", path).status == 404
        token = {"Cart-Token": number}
        assert app.stack.request("GET", shopper.path, None, token).status == 404
        keyed = {"Cart-Token": shopper.token, "Idempotency-Key": f"{number}-abcdefgh"}
        line = app.stack.request("PUT", f"{shopper.path}/lines/{number}", {"quantity": 1}, keyed)
        assert line.status == 422
        assert app.stack.request("POST", "/carts", {}, keyed).status == 201
