"""Rows of JSONL and CSV files with their line numbers; a bad row never stops the others."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Generic, TextIO, TypeVar

from parcelway.domain.money import CURRENCIES, zero
from pydantic import BaseModel, ValidationError

from infra.cli import fields, models

M = TypeVar("M", bound=BaseModel)
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row(Generic[M]):
    """A sound row and the line it starts on (from 1; in a JSON array: the element's number)."""

    line: int
    value: M


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


def read(path: Path, model: type[M]) -> Iterator[Row[M] | BadRow]:
    """The rows of a file by its ending: .csv, .json (an array or one object), else JSONL.

    Raises OSError when it cannot be read.
    """
    for line, values in _raw(path, model):
        try:
            yield Row(line, model.model_validate(values() if callable(values) else values))
        except ValidationError as error:
            yield BadRow(str(path), line, fields.reason(error))
        except (ValueError, RecursionError) as error:
            yield BadRow(str(path), line, str(error))


def _raw(path: Path, model: type[M]) -> Iterator[tuple[int, Values | Callable[[], Values]]]:
    # Bytes that are no UTF-8 become lone surrogates, so that they spoil their own row only.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        if path.suffix == ".csv":
            yield from _csv(file, model)
        elif path.suffix == ".json":
            document = json.load(file)
            elements = document if isinstance(document, list) else [document]
            yield from ((number, element) for number, element in enumerate(elements, start=1))
        else:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield number, lambda text=text: _parse(text)  # type: ignore[misc]


def _parse(text: str) -> Values:
    _check_utf8(text)
    try:
        return json.loads(text, parse_constant=_no_constant)  # type: ignore[no-any-return]
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None


def _csv(file: TextIO, model: type[M]) -> Iterator[tuple[int, Callable[[], Values]]]:
    reader = csv.reader(file)
    header = next(reader, [])
    convert = _product_values if model is models.ProductRow else _stock_values
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, lambda reason=str(error): _fail(reason)  # type: ignore[misc]
            line = reader.line_num + 1
            continue
        if cells:
            yield line, lambda cells=cells: convert(_cells(header, cells))  # type: ignore[misc]
        line = reader.line_num + 1


def _cells(header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells under {len(header)} columns")
    _check_utf8("".join(cells))
    return {name.strip(): cell.strip() for name, cell in zip(header, cells, strict=True)}


def _stock_values(cells: dict[str, str]) -> Values:
    values: Values = dict(cells)
    if "quantity" in cells:
        values["quantity"] = _whole(cells["quantity"], "quantity")
    return values


def _product_values(cells: dict[str, str]) -> Values:
    """A product from CSV cells; an empty cell is a field not given."""
    given = {name: cell for name, cell in cells.items() if cell}
    values: Values = {
        name: given.pop(name)
        for name in ("sku", "name", "description", "brand", "tax_category", "launch")
        if name in given
    }
    values["price"] = _price(given)
    if "category" in given:
        values["category"] = [part.strip() for part in given.pop("category").split(">")]
    for name in ("weight_grams", "min_quantity", "max_quantity", "quantity_step"):
        if name in given:
            values[name] = _whole(given.pop(name), name)
    if "components" in given:
        values["components"] = _components(given.pop("components"))
    if "unit_cost_minor" in given:
        cost = _whole(given.pop("unit_cost_minor"), "unit_cost_minor")
        values["unit_cost"] = {"minor": cost, "currency": values["price"]["currency"]}
    for name in ("active", "backorders"):
        if name in given:
            values[name] = _truth(given.pop(name), name)
    values["attributes"] = {
        name.removeprefix("attribute:"): given.pop(name)
        for name in list(given)
        if name.startswith("attribute:")
    }
    return values | given  # what is left is unknown, and refused as such


def _components(text: str) -> dict[str, int]:
    """`CUP:2; POT`: units by SKU, one where none are said."""
    found: dict[str, int] = {}
    for part in text.split(";"):
        sku, said, units = (piece.strip() for piece in part.partition(":"))
        if sku in found:
            raise ValueError(f"components: {sku} is there twice")
        found[sku] = _whole(units, "components") if said else 1
    return found


def _price(given: dict[str, str]) -> Values:
    currency = given.pop("currency", "")
    if currency not in CURRENCIES:
        raise ValueError(f"currency: unknown currency {currency!r}")
    minor, decimal = given.pop("price_minor", None), given.pop("price", None)
    if (minor is None) == (decimal is None):
        raise ValueError("price: give either price_minor or price")
    if minor is not None:
        return {"minor": _whole(minor, "price_minor"), "currency": currency}
    return {"minor": _minor(str(decimal), currency), "currency": currency}


def _minor(text: str, currency: str) -> int:
    exponent = zero(currency).exponent
    try:
        amount = Decimal(text).scaleb(exponent)
    except InvalidOperation:
        raise ValueError(f"price: {text!r} is no decimal number") from None
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError(f"price: {text!r} is no amount of {currency} ({exponent} decimals)")
    return int(amount)


def _whole(text: str, name: str) -> int:
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
        raise ValueError(f"{name}: {text!r} is no whole number")
    return int(text)


def _truth(text: str, name: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{name}: {text!r} is neither true nor false")
    return text.lower() == "true"


def _check_utf8(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("not UTF-8")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _fail(reason: str) -> Values:
    raise ValueError(reason)
