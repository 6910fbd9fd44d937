"""Load settings, nodes, carrier services, products, stock and customers from files.

Bad rows are reported on standard error with file, line and reason; the good ones are loaded all the
same, and the exit code is then 1. Loading the same file again changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from parcelway.domain.catalogue import Product
from parcelway.domain.login import normalise_email
from parcelway.domain.shop import Node, Service, Settings, Shop
from parcelway.http.offers import OffersDocument
from parcelway.ports import clock
from parcelway.store import catalogue, codec, opening, shop
from parcelway.store.database import Database
from pydantic import BaseModel

from infra.cli import (
    calendars,
    customers_load,
    kits_load,
    models,
    offers_load,
    rows,
    stack,
    stock_load,
)
from infra.cli.customers_load import CustomerRow
from infra.cli.rows import BadRow, Row
from infra.cli.settings_model import SettingsDocument

NAME = "load"
HELP = "load catalogue, stock, customers and shop settings from files"

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
_BATCH = 100  # rows; what one BatchGetItem reads
_WORKERS = 8


@dataclass(slots=True)
class Report:
    """What was loaded (rows by file kind and outcome) and what was not."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    skus: set[str] = field(default_factory=set)  # known to be articles of the catalogue

    def count(self, kind: str, **outcomes: int) -> None:
        """Add numbers of rows to a kind's outcomes."""
        kinds = self.counts.setdefault(kind, {})
        for outcome, number in outcomes.items():
            kinds[outcome] = kinds.get(outcome, 0) + number

    def lines(self) -> Iterator[str]:
        """One line per kind, such as `products: 12 added, 3 unchanged`."""
        for kind, outcomes in self.counts.items():
            told = [f"{number:,} {outcome}" for outcome, number in outcomes.items() if number]
            yield f"{kind}: {', '.join(told) or 'none'}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--shop", type=Path, help="settings: one JSON object")
    parser.add_argument("--nodes", type=Path, help="nodes: JSON array or JSONL")
    parser.add_argument("--places", type=Path, help="coordinates of postal areas: one JSON object")
    parser.add_argument("--services", type=Path, help="carrier services: JSON array or JSONL")
    parser.add_argument("--catalogue", type=Path, help="products: JSONL or CSV")
    parser.add_argument("--kits", type=Path, help="products made of those: JSONL or CSV")
    parser.add_argument("--offers", type=Path, help="price lists, promotions, codes: one object")
    parser.add_argument("--stock", type=Path, help="sku, node, quantity: JSONL or CSV")
    parser.add_argument("--customers", type=Path, help="customers of an earlier system: JSONL")
    stack.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load the files given. Exit code 1 when a row was bad, 2 when a file cannot be read."""
    files = {name: getattr(arguments, name) for name in _LOADERS if getattr(arguments, name)}
    if not files:
        print("parcelway load: name at least one file", file=sys.stderr)
        return 2
    try:
        report = load(stack.open_database(arguments.stack), files, sys.stderr)
    except OSError as error:
        print(f"parcelway load: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    for line in report.lines():
        print(line)
    return 1 if report.bad else 0


def load(db: Database, files: dict[str, Path], to: TextIO) -> Report:
    """Load `files` (by kind: shop, nodes, places, services, catalogue, kits, offers, stock,
    customers) in the order in which one needs the other; bad rows and, on a terminal, progress go
    to `to`."""
    report = Report()
    for kind, loader in _LOADERS.items():
        if kind in files:
            loader(db, files[kind], _Progress(report, to, kind))
    if rules := files.get("shop") or files.get("nodes"):
        _check_channels(db, rules, _Progress(report, to, "channels"))
    return report


class _Progress:
    """Sorts rows into good and bad, and tells how far a file is."""

    def __init__(self, report: Report, to: TextIO, kind: str) -> None:
        self.report, self._to, self._kind, self._done = report, to, kind, 0

    def bad(self, row: BadRow) -> None:
        """Note and print a bad row."""
        self.report.bad.append(row)
        print(row, file=self._to)

    def done(self, number: int) -> None:
        """`number` more rows are through."""
        self._done += number
        if self._to.isatty():
            print(f"\r{self._kind}: {self._done:,} rows", end="", file=self._to, flush=True)

    def finish(self) -> None:
        """The file is through."""
        if self._to.isatty():
            print(file=self._to)

    def good(
        self, path: Path, model: type[M], same: Callable[[M], str], check: Callable[[M], str]
    ) -> Iterator[Row[M]]:
        """The sound rows of a file: of those with the same key only the first, none that `check`
        has a complaint about."""
        seen: dict[str, int] = {}
        for row in rows.read(path, model):
            if isinstance(row, BadRow):
                self.bad(row)
                continue
            key = same(row.value)
            complaint = f"{key} is on line {seen[key]} already" if key in seen else check(row.value)
            if complaint:
                self.bad(BadRow(str(path), row.line, complaint))
                continue
            seen[key] = row.line
            yield row


def _load_shop(db: Database, path: Path, progress: _Progress) -> None:
    only = progress.good(path, SettingsDocument, lambda _: "the shop", lambda _: "")
    _put_each(db, only, Settings, shop.put_settings, progress, "settings")


def _check_channels(db: Database, path: Path, progress: _Progress) -> None:
    """Complain of channels served by nodes that are not there, once the nodes are known."""
    known = _shop(db)
    if known is None or not known.nodes:
        return
    for channel, serving in known.settings.channel_nodes.items():
        for node in serving:
            if node not in known.nodes:
                complaint = f"channel_nodes.{channel}: there is no node {node}"
                progress.bad(BadRow(str(path), 1, complaint))


def _load_nodes(db: Database, path: Path, progress: _Progress) -> None:
    year = clock.now().year

    def public(node: models.NodeDocument) -> list[str]:
        place = node.address.country, node.address.region
        (days,) = calendars.closed_days([place], node.public_holidays, year)
        return days

    def dump(node: models.NodeDocument) -> dict[str, Any]:
        closed = sorted({*node.holidays, *public(node)})
        return node.model_dump(exclude={"public_holidays"}) | {"holidays": closed}

    settings, calendar_complaint = _settings(db), _holidays_complaint(public)

    def check(node: models.NodeDocument) -> str:
        if node.legal_entity and settings and node.legal_entity not in settings.legal_entities:
            return f"legal_entity: the shop has no {node.legal_entity}"
        return calendar_complaint(node)

    found = progress.good(path, models.NodeDocument, lambda node: node.id, check)
    _put_each(db, found, Node, shop.put_node, progress, "nodes", dump)


def _load_places(db: Database, path: Path, progress: _Progress) -> None:
    progress.report.count("places", loaded=0)
    for row in progress.good(path, models.PlacesDocument, lambda _: "the places", lambda _: ""):
        shop.put_places(db, row.value.root)
        progress.report.count("places", loaded=len(row.value.root))
        progress.done(len(row.value.root))
    progress.finish()
    db.memory.pop("shop", None)


def _load_services(db: Database, path: Path, progress: _Progress) -> None:
    settings, year = _settings(db), clock.now().year

    def public(service: models.ServiceDocument) -> dict[str, list[str]]:
        places = [(country, "") for country in service.countries]
        days = calendars.closed_days(places, service.public_holidays, year)
        return dict(zip(service.countries, days, strict=True))

    def check(service: models.ServiceDocument) -> str:
        currencies = {rate.price.currency for rate in service.rates}
        if settings and not currencies <= {settings.currency, *settings.currencies}:
            return f"rates: the shop's currency is {settings.currency}"
        return _tax_complaint(settings, service.tax_category) or calendar_complaint(service)

    def dump(service: models.ServiceDocument) -> dict[str, Any]:
        closed = {country: {*days} for country, days in service.holidays.items()}
        for country, days in public(service).items():
            closed[country] = {*days, *closed.get(country, ())}
        holidays = {country: sorted(days) for country, days in closed.items() if days}
        return service.model_dump(exclude={"public_holidays"}) | {"holidays": holidays}

    calendar_complaint = _holidays_complaint(public)
    found = progress.good(path, models.ServiceDocument, lambda service: service.id, check)
    _put_each(db, found, Service, shop.put_service, progress, "services", dump)


def _load_catalogue(db: Database, path: Path, progress: _Progress) -> None:
    settings, now = _settings(db), clock.now()
    kits: list[Row[models.ProductRow]] = []

    def check(product: models.ProductRow) -> str:
        if settings and product.price.currency != settings.currency:
            return f"price.currency: the shop's currency is {settings.currency}"
        return "" if product.components else _tax_complaint(settings, product.tax_category)

    def put(batch: list[Row[models.ProductRow]]) -> catalogue.Loaded:
        products = [codec.decode(Product, row.value.model_dump()) for row in batch]
        loaded = catalogue.upsert(db, products, now)
        progress.report.skus.update(each.sku for each in products if not each.components)
        return loaded

    found = progress.good(path, models.ProductRow, lambda product: product.sku, check)
    with ThreadPoolExecutor(_WORKERS) as pool:
        for loaded in pool.map(put, _batches(_articles(found, kits))):
            _count_products(loaded, progress)
    for batch in _batches(kits):
        complaints = kits_load.complaints(db, batch)
        for row in batch:
            if complaint := complaints.get(row.line):
                progress.bad(BadRow(str(path), row.line, complaint))
        _count_products(put([row for row in batch if row.line not in complaints]), progress)
    progress.finish()


def _articles(
    found: Iterable[Row[models.ProductRow]], kits: list[Row[models.ProductRow]]
) -> Iterator[Row[models.ProductRow]]:
    """All but the `kits`, which are put aside until what they are made of is there."""
    for row in found:
        if row.value.components:
            kits.append(row)
        else:
            yield row


def _count_products(loaded: catalogue.Loaded, progress: _Progress) -> None:
    progress.report.count(
        "products", added=loaded.added, changed=loaded.changed, unchanged=loaded.unchanged
    )
    progress.done(loaded.added + loaded.changed + loaded.unchanged)


def _load_offers(db: Database, path: Path, progress: _Progress) -> None:
    for row in progress.good(path, OffersDocument, lambda _: "the offers", lambda _: ""):
        for name, number in offers_load.put(db, row.value, clock.now()).items():
            progress.report.count(name, loaded=number)
        progress.done(1)
    progress.finish()


def _load_stock(db: Database, path: Path, progress: _Progress) -> None:
    known, as_of = _shop(db), clock.now()

    def check(row: models.StockRow) -> str:
        unknown = known is not None and row.node not in known.nodes
        return f"node: there is no node {row.node}" if unknown else ""

    def put(batch: list[Row[models.StockRow]]) -> stock_load.Loaded:
        return stock_load.put(db, str(path), batch, as_of, progress.report.skus)

    found = progress.good(path, models.StockRow, lambda row: f"{row.sku} at {row.node}", check)
    with ThreadPoolExecutor(_WORKERS) as pool:
        for loaded in pool.map(put, _batches(found, opening.MOST)):
            for bad in loaded.bad:
                progress.bad(bad)
            progress.report.count("stock", changed=loaded.changed, unchanged=loaded.unchanged)
            progress.done(loaded.changed + loaded.unchanged)
    progress.finish()


def _load_customers(db: Database, path: Path, progress: _Progress) -> None:
    now, holders = clock.now(), dict[str, str]()

    def check(row: CustomerRow) -> str:
        if complaint := customers_load.complaint(row):
            return complaint
        holder = holders.setdefault(normalise_email(row.email), row.reference)
        return "" if holder == row.reference else f"email: it is that of {holder} already"

    def put(row: Row[CustomerRow]) -> tuple[Row[CustomerRow], str]:
        return row, customers_load.put(db, row.value, now)

    found = progress.good(path, CustomerRow, lambda row: row.reference, check)
    progress.report.count("customers")
    with ThreadPoolExecutor(_WORKERS) as pool:
        for batch in _batches(found):
            for row, outcome in pool.map(put, batch):
                if outcome in customers_load.OUTCOMES:
                    progress.report.count("customers", **{outcome: 1})
                else:
                    progress.bad(BadRow(str(path), row.line, outcome))
            progress.done(len(batch))
    progress.finish()


_LOADERS: dict[str, Callable[[Database, Path, _Progress], None]] = {
    "shop": _load_shop,
    "nodes": _load_nodes,
    "places": _load_places,
    "services": _load_services,
    "catalogue": _load_catalogue,
    "kits": _load_catalogue,
    "offers": _load_offers,
    "stock": _load_stock,
    "customers": _load_customers,
}


def _put_each(
    db: Database,
    found: Iterable[Row[Any]],
    kind: type[T],
    put: Callable[[Database, T], None],
    progress: _Progress,
    name: str,
    dump: Callable[[Any], dict[str, Any]] = BaseModel.model_dump,
) -> None:
    progress.report.count(name, loaded=0)
    for row in found:
        put(db, codec.decode(kind, dump(row.value)))
        progress.report.count(name, loaded=1)
        progress.done(1)
    progress.finish()
    db.memory.pop("shop", None)  # what was cached of the shop is no longer so


def _shop(db: Database) -> Shop | None:
    try:
        return shop.load_shop(db)
    except shop.NotSetUp:
        return None


def _settings(db: Database) -> Settings | None:
    known = _shop(db)
    return known.settings if known else None


def _holidays_complaint(public: Callable[[M], object]) -> Callable[[M], str]:
    def complaint(document: M) -> str:
        try:
            public(document)
        except ValueError as error:
            return f"public_holidays: {error}"
        return ""

    return complaint


def _tax_complaint(settings: Settings | None, category: str) -> str:
    unknown = settings is not None and category not in settings.tax_rates
    return f"tax_category: the shop has no tax rate for {category}" if unknown else ""


def _batches(found: Iterable[Row[M]], size: int = _BATCH) -> Iterator[list[Row[M]]]:
    iterator = iter(found)
    while batch := list(islice(iterator, size)):
        yield batch
