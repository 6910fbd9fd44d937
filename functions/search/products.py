"""Products as the public sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parcelway.domain.audience import Buyer
from parcelway.domain.availability import BROWSED, Availability, availability, outlets, shown
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.prices import PriceList, Quote, components_priced, lists_for, quote
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import Shop
from parcelway.ports import clock
from parcelway.store.catalogue import get_many
from parcelway.store.database import Database
from parcelway.store.shelves import Shelf, read_shelf
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
    among = outlets(shop, buyer.channel)
    lists = lists_for(buyer, audience.currency, shop.price_lists.values(), now)
    shelf = read_shelf(db, products.values(), known, lists, among)
    return {
        sku: _view(
            products[sku],
            found,
            availability(products[sku], shelf.balances, among, now, shelf.articles),
            shop,
            shelf.articles,
        )
        for sku, found in _quotes(products, shelf, lists, audience.currency).items()
    }


def _quotes(
    products: Mapping[str, Product], shelf: Shelf, lists: Sequence[PriceList], currency: str
) -> dict[str, Quote]:
    """What one unit costs; without those that have no price, or are made of what has none."""
    quotes = {sku: quote(each, 1, currency, lists, shelf.prices) for sku, each in products.items()}
    return {
        sku: found
        for sku, found in quotes.items()
        if found and components_priced(products[sku], shelf.articles, currency, lists, shelf.prices)
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
