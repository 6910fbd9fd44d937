"""Rows of a marketplace, and the shop of `tests.orders` with a marketplace as its source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from parcelway.domain.credit import with_terms
from parcelway.domain.money import Money
from parcelway.domain.shop import ImportSource, MethodRule
from parcelway.store.codec import encode
from parcelway.store.commit import commit
from parcelway.store.credit import account_write, get_account
from parcelway.store.database import Database

from tests.orders import HOME, PRODUCTS, SHOP

Row = dict[str, Any]
SOURCE, ACCOUNT = "bazaar", "bazaar-ltd"
IMPORTS = replace(
    SHOP,
    settings=replace(
        SHOP.settings,
        payment_methods={"card": MethodRule(), "invoice": MethodRule(segments=("b2b",))},
        import_sources={
            SOURCE: ImportSource(ACCOUNT, "USD", "standard"),
            "patient": ImportSource(ACCOUNT, "USD", "standard", shortage="ship_complete"),
            "reseller": ImportSource(ACCOUNT, "USD", "standard", own_prices=False),
        },
    ),
)
LIMIT = Money(100_000_00, "USD")


def usd(minor: int) -> dict[str, Any]:
    """An amount as a row says it."""
    return {"minor": minor, "currency": "USD"}


def tax_of(minor: int, sku: str, rates: Mapping[str, int]) -> int:
    """The tax of an amount without it, rounded half up, as the sample shop has it."""
    return (minor * rates[PRODUCTS[sku].tax_category] + 5_000) // 10_000


def row(external_id: str = "B-1", units: Mapping[str, int] | None = None, **other: Any) -> Row:
    """A row of books at 12.00, or of others at 10.00, and 3.00 for delivery, that adds up."""
    wanted = units or {"BOOK-3": 2}
    price = {sku: 1200 if sku == "BOOK-3" else 1000 for sku in wanted}
    rates = SHOP.settings.tax_rates
    net: dict[int, int] = {}
    for sku, count in wanted.items():
        rate = rates[PRODUCTS[sku].tax_category]
        net[rate] = net.get(rate, 0) + price[sku] * count
    net[rates["general"]] = net.get(rates["general"], 0) + 300
    total = sum(amount + (amount * rate + 5_000) // 10_000 for rate, amount in net.items())
    return {
        "external_id": external_id,
        "contact": {"name": "Ada Example", "email": "ada@customer.example"},
        "address": encode(HOME),
        "lines": [
            {"sku": sku, "quantity": count, "unit_price": usd(price[sku])}
            for sku, count in wanted.items()
        ],
        "delivery_charge": usd(300),
        "total": usd(total),
    } | other


def lines(rows: Iterable[Row]) -> str:
    """Rows as the body of a request."""
    return "".join(json.dumps(each) + "\n" for each in rows)


def open_source_account(db: Database, limit: Money = LIMIT) -> None:
    """Have the sources' account pay by invoice within `limit`."""
    account = with_terms(get_account(db, ACCOUNT), ACCOUNT, limit, 30)
    commit(db.client, [account_write(db, account)])
