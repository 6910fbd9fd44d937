"""Shops, stock and carts in great variety, small enough that counterexamples can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st
from parcelway.domain import cart
from parcelway.domain.catalogue import Product
from parcelway.domain.commands import Command
from parcelway.domain.delivery import Wanted
from parcelway.domain.facts import Facts
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.parties import Address
from parcelway.domain.shop import Node, Rate, ReservationPolicy, Service, Shop
from parcelway.domain.stock import Balance

from tests.orders import AWAY, CONTACT, HOME, SHOP

NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
CURRENCIES = ("JPY", "EUR", "KWD")  # 0, 2 and 3 decimal places
SKUS = ("A", "B", "C", "D")
NODES = ("n1", "n2", "n3")

CATEGORIES = ("standard", "general", "reduced")

amounts = st.integers(-(10**12), 10**12)
rates = st.sampled_from([0, 250, 700, 810, 1900, 2000, 2700]) | st.integers(0, 10_000)

tax_regions = st.dictionaries(
    st.sampled_from(["US", "US-OH", "US-KY", "DE"]),
    st.dictionaries(st.sampled_from(CATEGORIES), rates, max_size=2),
    max_size=2,
)


def money(currency: str = "EUR", least: int = 0, most: int = 10**7) -> st.SearchStrategy[Money]:
    """Amounts of one currency."""
    return st.integers(least, most).map(lambda minor: Money(minor, currency))


@st.composite
def shops(
    draw: st.DrawFn,
    currency: str | None = None,
    policy: ReservationPolicy | None = None,
) -> Shop:
    """A shop with three tax categories, other rates in some places, one to three shipping nodes, a
    store, and two services."""
    code = currency or draw(st.sampled_from(CURRENCIES))
    policies: tuple[ReservationPolicy, ...] = ("none", "on_cart", "on_checkout")
    held: ReservationPolicy = policy if policy else draw(st.sampled_from(policies))
    settings = replace(
        SHOP.settings,
        currency=code,
        tax_rates={category: draw(rates) for category in CATEGORIES},
        tax_regions=draw(tax_regions),
        prices_include_tax=draw(st.booleans()),
        reservation_policy={"online": held},
    )
    address = SHOP.nodes["dc-1"].address
    nodes = {
        name: Node(name, name, "dc", _moved(address, draw), 0.0, 0.0, "UTC")
        for name in NODES[: draw(st.integers(1, 3))]
    }
    nodes["store"] = Node("store", "Store", "store", address, 0.0, 0.0, "UTC", ("pickup",))
    charges = sorted(draw(st.lists(st.integers(0, 5000), min_size=2, max_size=2)))
    services = {
        "parcel": Service(
            "parcel",
            {"en": "Parcel"},
            "delivery",
            "acme",
            (Rate(5_000, Money(charges[0], code)), Rate(10**9, Money(charges[1], code))),
            (HOME.country,),
        ),
        "collect": Service(
            "collect", {"en": "Collect"}, "pickup", "", (Rate(10**9, Money(0, code)),)
        ),
    }
    return Shop(settings, nodes, services)


def _moved(address: Address, draw: st.DrawFn) -> Address:
    code = draw(st.sampled_from([HOME.postal_code, "43999", "99501"]))
    return replace(address, postal_code=code)


@st.composite
def catalogues(draw: st.DrawFn, currency: str) -> dict[str, Product]:
    """Products A to D; some cost nothing, at least one does."""
    prices = draw(st.lists(st.integers(0, 100_000), min_size=4, max_size=4))
    prices[0] = max(prices[0], 1)
    return {
        sku: Product(
            sku,
            f"Product {sku}",
            Money(price, currency),
            tax_category=draw(st.sampled_from(["standard", "general", "reduced"])),
            weight_grams=draw(st.integers(0, 3000)),
        )
        for sku, price in zip(SKUS, prices, strict=True)
    }


def stocks(
    skus: tuple[str, ...] = SKUS,
    nodes: tuple[str, ...] = (*NODES, "store"),
    most: int = 12,
    least_keys: int = 0,
) -> st.SearchStrategy[dict[tuple[str, str], Balance]]:
    """Balances of any SKUs at any nodes: some missing, some with units taken by others."""
    keys = st.sampled_from([(sku, node) for sku in skus for node in nodes])
    counts = st.tuples(st.integers(0, most), st.integers(0, most), st.integers(0, most))
    return st.dictionaries(keys, counts, min_size=least_keys).map(
        lambda found: {
            key: Balance(
                *key, on_hand=free + reserved + allocated, reserved=reserved, allocated=allocated
            )
            for key, (free, reserved, allocated) in found.items()
        }
    )


baskets = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 6), min_size=1)


@st.composite
def facts_with_plenty(draw: st.DrawFn, policy: ReservationPolicy | None = None) -> Facts:
    """A shop whose every node has more of everything than any basket asks for."""
    shop = draw(shops(policy=policy))
    products = draw(catalogues(shop.settings.currency))
    balances = {(sku, node): Balance(sku, node, on_hand=100) for sku in SKUS for node in shop.nodes}
    return Facts(shop, NOW, products, balances)


def new_cart(facts: Facts) -> Order:
    """An empty cart of the shop."""
    return cart.new_draft(
        "ord_test",
        "token",
        facts,
        channel="online",
        currency=facts.shop.settings.currency,
        language="en",
        asked=Command("create", ""),
    ).order


def filled(facts: Facts, basket: Mapping[str, int], *, describe: bool = True) -> Order:
    """A cart with a basket in it and a buyer, not yet told where to deliver.

    The stock is as it was: whoever wants the holds of an `on_cart` shop booked does that.
    """
    order = new_cart(facts)
    for sku, units in basket.items():
        order = cart.set_quantity(order, sku, units, facts).order
    if not describe:
        return order
    return cart.describe(
        order, facts, contact=CONTACT, billing_address=HOME, payment_method="card"
    ).order


@st.composite
def divisions(draw: st.DrawFn, order: Order) -> list[Wanted]:
    """Deliveries of all that is in a cart, each unit in any of one to four of them."""
    parts: list[Counter[str]] = [Counter() for _ in range(draw(st.integers(1, 4)))]
    for line in order.lines:
        for _ in range(line.quantity):
            draw(st.sampled_from(parts))[line.sku] += 1
    return [
        Wanted("collect", store="store", lines=tuple(part.items()))
        if draw(st.booleans())
        else Wanted("parcel", draw(st.sampled_from([HOME, AWAY])), lines=tuple(part.items()))
        for part in parts
        if part
    ]


def chooser(seed: int) -> Callable[[str], str]:
    """A predictable stand-in for secrets.choice."""
    import random

    return random.Random(seed).choice
