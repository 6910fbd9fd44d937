"""Products as the public sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from parcelway.domain.audience import Buyer
from parcelway.domain.availability import BROWSED, Availability, availability, outlets, shown
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.prices import Quote, components_priced, lists_for, quote
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Shop
from parcelway.ports import clock
from parcelway.store.catalogue import get_many
from parcelway.store.database import Database
from parcelway.store.prices import get_prices
from parcelway.store.stock import read_balances
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class ComponentView:
    """Units of an article that one kit has."""

    sku: str
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product at its price and availability of this moment, for the buyer of the cart that was
    named; for who is nobody in particular without one. It is ordered from `min_quantity` units on,
    in steps of `quantity_step`, up to `max_quantity` (null: as many as of any). A kit has the
    `components` that it is made of, whose weight it has."""

    sku: str
    name: str
    description: str
    brand: str
    category: tuple[str, ...]
    attributes: Mapping[str, str]
    price: Money
    price_source: str
    tax_included: bool
    weight_grams: int
    availability: Availability
    min_quantity: int
    max_quantity: int | None
    quantity_step: int
    components: list[ComponentView]


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom products are looked up, and the currency of the prices they are shown."""

    buyer: Buyer
    currency: str


def buyer_of(cart: Order | None) -> Buyer:
    """Who buys with a cart; without one, who is nobody in particular."""
    return cart.buyer if cart else Buyer(BROWSED)


def audience_of(cart: Order | None, currency: str, shop: Shop) -> Audience:
    """Who buys with a cart, in its currency; without one who is nobody in particular, in `currency`
    ('': the shop's own). Raises Refusal CURRENCY_UNAVAILABLE, also for another than the cart's."""
    if cart is None:
        if currency:
            shop.settings.require_sold_in(currency)
        return Audience(buyer_of(cart), currency or shop.settings.currency)
    if currency not in ("", cart.currency):
        detail = f"This cart is in {cart.currency}."
        raise Refusal(Reason.CURRENCY_UNAVAILABLE, detail, "/currency")
    return Audience(buyer_of(cart), cart.currency)


def views_of(
    db: Database, skus: Sequence[str], shop: Shop, audience: Audience
) -> dict[str, ProductView]:
    """The products among `skus` that are for sale to an audience, by SKU."""
    now, buyer = clock.now(), audience.buyer
    known = get_many(db, skus)
    products = {sku: each for sku, each in known.items() if shown(each, buyer, shop)}
    parts = _components(db, products.values(), known)
    quotes = _quotes(db, products, parts, shop, audience, now)
    among = outlets(shop, buyer.channel)
    articles = [part for sku in quotes for part in products[sku].components or (sku,)]
    balances = read_balances(db, among.keys(dict.fromkeys(articles)))
    return {
        sku: _view(
            products[sku],
            found,
            availability(products[sku], balances, among, now, parts),
            shop,
            parts,
        )
        for sku, found in quotes.items()
    }


def _components(
    db: Database, products: Iterable[Product], known: Mapping[str, Product]
) -> Mapping[str, Product]:
    """What the kits among `products` are made of, as far as there is such an article."""
    wanted = {part for product in products for part in product.components}
    missing = wanted - known.keys()
    return {**known, **get_many(db, missing)} if missing else known


def _quotes(
    db: Database,
    products: Mapping[str, Product],
    parts: Mapping[str, Product],
    shop: Shop,
    audience: Audience,
    now: datetime,
) -> dict[str, Quote]:
    """What one unit costs; without those that have no price, or are made of what has none."""
    currency = audience.currency
    lists = lists_for(audience.buyer, currency, shop.price_lists.values(), now)
    of_kits = (part for each in products.values() for part in each.components if part in parts)
    prices = get_prices(db, lists, dict.fromkeys([*products, *of_kits])) if lists else {}
    quotes = {sku: quote(each, 1, currency, lists, prices) for sku, each in products.items()}
    return {
        sku: found
        for sku, found in quotes.items()
        if found and components_priced(products[sku], parts, currency, lists, prices)
    }


def _view(
    product: Product,
    price: Quote,
    stock: Availability,
    shop: Shop,
    parts: Mapping[str, Product],
) -> ProductView:
    components = [(parts[sku], units) for sku, units in product.components.items() if sku in parts]
    grams = sum(part.weight_grams * units for part, units in components)
    return ProductView(
        product.sku,
        product.name,
        product.description,
        product.brand,
        product.category,
        product.attributes,
        price.unit_price,
        price.source,
        shop.settings.prices_include_tax,
        grams if product.components else product.weight_grams,
        stock,
        product.min_quantity,
        product.max_quantity,
        product.quantity_step,
        [ComponentView(part.sku, part.name, units) for part, units in components],
    )
