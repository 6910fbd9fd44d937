"""Kits at the borders: what the handlers answer, what the tables hold, and that stock of a kit is
kept nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.cart import set_quantity
from parcelway.domain.catalogue import Product
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.prices import PriceList, Tier
from parcelway.domain.refusals import Reason, Refusal
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.codec import iso
from parcelway.store.offers import put_offer, put_prices
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop, put_settings
from parcelway.store.stock import balances_of
from parcelway.store.stock_books import count

from tests.functions.calls import load
from tests.functions.mailing import mailing
from tests.functions.tables import aws
from tests.functions.test_cart import Cart
from tests.functions.test_documents import text_of
from tests.functions.test_search_functions import World as Search
from tests.functions.test_search_functions import product, world
from tests.functions.test_stock import PLACE, STAFF
from tests.functions.worlds import Answer, World, new_key, ok, refused
from tests.orders import PRODUCTS, SHOP, Story, at, store

search = world  # the fixture, by a name that says what it is
SET = Product("TEA-SET", "Tea for two", Money(2500, "USD"), components={"MUG-1": 2, "TEA-9": 1})


@pytest.fixture
def carts(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        store(db, at("draft", seed="of somebody else"))
        catalogue.upsert(db, [*PRODUCTS.values(), SET], clock.now())
        yield World(db, "cart")
    clock.reset()


def units(cart: Cart) -> tuple[dict[str, int], dict[str, int]]:
    order = cart.world.order(cart.id)
    return cart.units(), {kit.sku: kit.quantity for kit in order.kits}


def test_a_kit_comes_goes_and_changes_its_number_with_all_of_its_components(carts: World) -> None:
    cart, key = Cart(carts), new_key()
    first = cart.add("TEA-SET", 2, key)
    assert ok(first, 201)["kits"][0]["components"] == SET.components
    assert cart.add("TEA-SET", 2, key) == first
    assert units(cart) == ({"MUG-1": 4, "TEA-9": 2}, {"TEA-SET": 2})
    ok(cart.add("TEA-SET", 1), 201)
    ok(cart.add("MUG-1", 1), 201)
    assert units(cart) == ({"MUG-1": 7, "TEA-9": 3}, {"TEA-SET": 3})
    ok(cart.set("TEA-SET", 1))
    assert units(cart) == ({"MUG-1": 3, "TEA-9": 1}, {"TEA-SET": 1})
    ok(cart.remove("TEA-SET"))
    assert units(cart) == ({"MUG-1": 1}, {})
    ok(cart.remove("TEA-SET"))


REFUSED: dict[str, tuple[Callable[[Cart], Answer], int, str, str | None]] = {
    "fewer of a component": (lambda c: c.set("MUG-1", 3), 409, "in-kit", "/quantity"),
    "a component out": (lambda c: c.remove("TEA-9"), 409, "in-kit", "/quantity"),
    "more than there is": (lambda c: c.add("TEA-SET", 49), 409, "out-of-stock", "/lines"),
    "beyond the limit of a line": (
        lambda c: c.set("TEA-SET", 500),
        422,
        "quantity-limit",
        "/quantity",
    ),
    "minus one": (lambda c: c.set("TEA-SET", -1), 422, "invalid-request", "/quantity"),
    "half a kit": (lambda c: c.set("TEA-SET", 0.5), 422, "invalid-request", "/quantity"),  # type: ignore[arg-type]
    "no such kit": (lambda c: c.add("TEA-SETS", 1), 422, "unknown-sku", "/sku"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_changes_nothing(carts: World, what: str) -> None:
    ask, status, code, pointer = REFUSED[what]
    cart = Cart(carts)
    ok(cart.add("TEA-SET", 2), 201)
    before = carts.dump()
    problem = refused(ask(cart), status, code)
    assert problem.get("pointer") == pointer or pointer in str(problem)
    assert carts.dump() == before


def test_a_kit_is_held_as_a_whole_by_the_policy_of_its_channel(carts: World) -> None:
    settings = replace(SHOP.settings, reservation_policy={"online": "on_cart"})
    put_settings(carts.db, settings)
    carts.db.memory.clear()
    cart = Cart(carts)
    assert (
        carts.breaking("transact_write_items", done=False, request=lambda: cart.add("TEA-SET", 2))[
            "statusCode"
        ]
        == 503
    )
    assert (carts.reserved("MUG-1"), carts.reserved("TEA-9")) == (0, 0)
    ok(cart.add("TEA-SET", 2), 201)
    assert (carts.reserved("MUG-1"), carts.reserved("TEA-9")) == (4, 2)
    ok(cart.set("TEA-SET", 1))
    assert (carts.reserved("MUG-1"), carts.reserved("TEA-9")) == (2, 1)
    ok(cart.remove("TEA-SET"))
    assert (carts.reserved("MUG-1"), carts.reserved("TEA-9")) == (0, 0)


def test_a_kit_costs_one_read_more_than_an_article_and_a_cart_with_one_none(carts: World) -> None:
    cart = Cart(carts)
    ok(cart.add("BOOK-3", 1), 201)
    _, article = carts.counting(lambda: cart.add("BOOK-3", 1))
    _, kit = carts.counting(lambda: cart.add("TEA-SET", 1))
    assert kit == [*article[:-1], "BatchGetItem", article[-1]]
    _, after = carts.counting(lambda: cart.add("BOOK-3", 1))
    assert after == article


def story_of(db: Any, **basket: int) -> Story:
    """A cart with kits that is ready to be placed."""
    named = {sku.replace("_", "-"): units for sku, units in basket.items()}
    story = Story(
        seed="kits",
        basket=named,
        products=PRODUCTS | {SET.sku: SET},
        now=clock.now() - timedelta(minutes=30),
    ).filled()
    store(db, story)
    return story


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, [*PRODUCTS.values(), SET], clock.now())
        yield World(db, "checkout")
    clock.reset()


def place(world: World, story: Story) -> Answer:
    path = {"cart_id": story.order.id}
    return world.call(
        "POST",
        "/carts/{cart_id}/checkout",
        path,
        {},
        cart_token=story.token,
        idempotency_key=new_key(),
    )


def test_a_kit_is_placed_at_todays_price(checkout: World) -> None:
    story = story_of(checkout.db, TEA_SET=2)
    cheaper = replace(SET, price=Money(2000, "USD"))
    catalogue.upsert(checkout.db, [cheaper], clock.now())
    placed = ok(place(checkout, story), 201)
    assert placed["kits"][0]["unit_price"]["minor"] == 2000
    assert placed["totals"]["goods"]["minor"] == 4000
    assert {sku: checkout.reserved(sku) for sku in SET.components} == {"MUG-1": 4, "TEA-9": 2}
    dearer = replace(SET, price=Money(9900, "USD"), components={"BOOK-3": 1})
    catalogue.upsert(checkout.db, [dearer], clock.now())
    order = checkout.order(story.order.id)
    (kit,) = order.kits
    assert (dict(kit.components), kit.unit_price.minor) == (SET.components, 2000)


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"components": {"MUG-1": 1, "TEA-9": 1}}, "kit-changed", "/kits/0"),
        ({"components": {}}, "kit-changed", "/kits/0"),
        ({"active": False}, "not-sellable", "/kits/0"),
        ({"min_quantity": 3}, "quantity-limit", "/kits/0/quantity"),
        ({"price": Money(1, "EUR")}, "not-sellable", "/kits/0"),
    ],
)
def test_a_kit_that_has_changed_is_not_placed_until_it_is_put_in_anew(
    checkout: World, change: dict[str, Any], code: str, pointer: str
) -> None:
    story = story_of(checkout.db, TEA_SET=2)
    catalogue.upsert(checkout.db, [replace(SET, **change)], clock.now())
    before = checkout.dump()
    problem = refused(place(checkout, story), 409 if code != "quantity-limit" else 422, code)
    assert problem["pointer"] == pointer
    assert "TEA-SET" in problem["detail"]
    assert checkout.dump() == before


def test_put_in_anew_a_kit_has_what_it_is_made_of_today(carts: World) -> None:
    cart = Cart(carts)
    ok(cart.add("TEA-SET", 2), 201)
    other = replace(SET, components={"MUG-1": 1, "BOOK-3": 1})
    catalogue.upsert(carts.db, [other], clock.now())
    assert cart.show()["kits"][0]["components"] == SET.components
    ok(cart.set("TEA-SET", 2))
    assert units(cart) == ({"MUG-1": 2, "BOOK-3": 2}, {"TEA-SET": 2})
    assert cart.show()["kits"][0]["components"] == other.components


# --- The stock books ---------------------------------------------------------------------------

DUE = (clock.now().date() + timedelta(days=9)).isoformat()
BOOKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "receipt": ("POST", f"{PLACE}/receipts", {"quantity": 1}),
    "return": ("POST", f"{PLACE}/returns", {"quantity": 1}),
    "adjustment": ("POST", f"{PLACE}/adjustments", {"quantity": 1, "reason": "found"}),
    "count": ("POST", f"{PLACE}/counts", {"quantity": 1, "counted_at": iso(clock.now())}),
    "sale": ("POST", f"{PLACE}/sales", {"quantity": 1}),
    "damage": ("POST", f"{PLACE}/damage", {"quantity": 1}),
    "safety": ("PUT", f"{PLACE}/safety", {"quantity": 1}),
    "supply": ("PUT", f"{PLACE}/supplies/{{reference}}", {"quantity": 1, "due": DUE}),
    "reorder point": ("PUT", f"{PLACE}/reorder-point", {"quantity": 1}),
    "quota": ("PUT", "/stock/{sku}/quotas/{channel}", {"quantity": 1}),
    "transfer": (
        "POST",
        "/stock/transfers",
        {
            "from_node": "dc-1",
            "to_node": "dc-2",
            "due": DUE,
            "lines": [{"sku": "TEA-SET", "quantity": 1}],
        },
    ),
}


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        store(db, at("draft", seed="of somebody else"))
        put_settings(db, replace(SHOP.settings, quota_channels=("online",)))
        catalogue.upsert(db, [*PRODUCTS.values(), SET], clock.now())
        yield World(db, "stock")
    clock.reset()


@pytest.mark.parametrize("what", BOOKED)
def test_nothing_is_booked_on_the_stock_of_a_kit(books: World, what: str) -> None:
    method, resource, body = BOOKED[what]
    before = books.dump()
    path = {"sku": "TEA-SET", "node": "dc-1", "reference": "po", "channel": "online"}
    answer = books.call(method, resource, path, body, claims=STAFF, idempotency_key=new_key())
    problem = refused(answer, 422, "stock-of-components")
    assert problem["components"] == ["MUG-1", "TEA-9"]
    assert books.dump() == before


def test_a_feed_leaves_a_kit_out_and_books_the_other_rows(books: World) -> None:
    rows = [
        {"sku": sku, "node": "dc-1", "mode": "delta", "quantity": 1} for sku in ("TEA-SET", "MUG-1")
    ]
    answer = books.call(
        "POST", "/stock/feed", {}, {"rows": rows}, claims=STAFF, idempotency_key=new_key()
    )
    told = ok(answer)["rows"]
    assert [each["booked"] for each in told] == [False, True]
    assert told[0]["refused"] == "stock-of-components"
    assert balances_of(books.db, "TEA-SET") == []


# --- The search index --------------------------------------------------------------------------


def test_a_kit_is_found_as_long_as_all_of_its_components_are_there(search: Search) -> None:
    cup, pot = product(1, "Cup"), product(2, "Pot", weight_grams=700)
    kit = product(3, "Tea set", category=("Sets",), components={"S1": 2, "S2": 1})
    search.put(cup, pot)
    search.put(kit)
    search.receive(4, "S1")
    search.index()
    assert search.found(category="Sets") == ["S3"]
    assert search.found(category="Sets", in_stock=True) == []
    search.receive(1, "S2")
    search.index()
    assert search.found(category="Sets", in_stock=True) == ["S3"]
    status, shown = search.get("/products/S3")
    assert (status, shown["availability"]["delivery"], shown["weight_grams"]) == (200, 1, 700)
    assert shown["components"] == [
        {"sku": "S1", "name": "Cup", "quantity": 2},
        {"sku": "S2", "name": "Pot", "quantity": 1},
    ]
    search.move("reserve", "S1", 3)  # one is left, and a kit needs two
    assert search.found(category="Sets", in_stock=True) == []
    _, told = search.get("/products/S3/availability", quantity=1)
    assert (told["state"], told["most"]) == ("out_of_stock", 0)


def test_an_article_that_a_load_writes_anew_is_still_known_to_be_in_its_kits(
    search: Search,
) -> None:
    search.put(product(1, "Cup"))
    search.put(product(3, "Tea set", category=("Sets",), components={"S1": 2}))
    search.put(product(1, "Cup", price=900))
    search.index()
    search.receive(2, "S1")
    search.index()
    assert search.found(category="Sets", in_stock=True) == ["S3"]
    count(search.db, "S1", "dc", 0, clock.now(), "gone")
    search.index()
    assert search.found(category="Sets", availability="out_of_stock") == ["S3"]


def test_a_page_of_kits_costs_as_many_calls_as_one_of_articles(search: Search) -> None:
    """However many there are, and with prices of a list."""
    cups = [product(number, category=("Cups",)) for number in range(18)]
    search.put(*cups)
    search.put(
        *(
            product(
                30 + n, category=("Sets", name), components={f"S{3 * n + k}": 1 for k in range(3)}
            )
            for n, name in enumerate(["One", *["Five"] * 5])
        )
    )
    put_offer(search.db, PriceList("sale", "Sale", "USD"), clock.now())
    put_prices(search.db, "sale", {"S1": [Tier(1, 450)]})
    search.receive(4, *(each.sku for each in cups))
    search.index()
    assert len(search.found()) == 24  # and with it the shop and the index, which are kept
    calls: list[str] = []
    search.search.db().client.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name)
    )
    for wanted, found in (("Cups", 18), ("Sets>One", 1), ("Sets>Five", 5), ("Sets", 6)):
        calls.clear()
        assert len(search.found(category=wanted, in_stock=True)) == found
        assert calls == ["BatchGetItem"] * 2, wanted


@pytest.mark.parametrize(
    ("cup", "status"), [((), 404), ((Tier(3, 480),), 404), ((Tier(2, 480),), 200)]
)
def test_a_kit_is_shown_in_a_currency_where_a_cart_takes_it(
    search: Search, cup: tuple[Tier, ...], status: int
) -> None:
    """Of its two cups there must be a price, too, where two are bought."""
    settings = load_shop(search.db).settings
    put_settings(search.db, replace(settings, currencies=("EUR",), tax_rates={"standard": 0}))
    put_offer(search.db, PriceList("euro", "Euro", "EUR"), clock.now())
    put_prices(search.db, "euro", {"S3": [Tier(1, 900)], "S1": cup})
    search.put(product(1, "Cup"))
    search.put(product(3, "Set", category=("Sets",), components={"S1": 2}))
    search.receive(40, "S1")
    search.index()
    assert search.get("/products/S3", currency="EUR")[0] == status
    _, page = search.get("/products", category="Sets", currency="EUR")
    assert [each["sku"] for each in page["products"]] == (["S3"] if status == 200 else [])
    assert search.found(category="Sets") == ["S3"]
    draft = Order("cart", 1, "draft", "EUR", "en", clock.now(), "")
    facts = read_facts(search.db, draft, clock.now(), "S3")
    if status == 200:
        assert set_quantity(draft, "S3", 1, facts).order.kits
        return
    with pytest.raises(Refusal) as refusal:
        set_quantity(draft, "S3", 1, facts)
    assert refusal.value.reason is Reason.NOT_SELLABLE


# --- On paper and by mail ------------------------------------------------------------------------


def sent(stage: Any) -> Story:
    return at(stage, products=PRODUCTS | {SET.sku: SET}, basket={SET.sku: 2, "BOOK-3": 1})


def test_the_invoice_says_what_a_kit_saves_under_its_name() -> None:
    (invoice,) = sent("invoiced").invoices
    pdf, _ = load("documents", "invoice_pdf").render(invoice)
    text = text_of(pdf)
    for off in ("Tea for two: -$14.46", "Tea for two: -$4.92"):
        assert off in text
    assert invoice.net.minor == 2 * 2500 + 1433 + 599


def test_the_mail_of_an_order_says_what_a_kit_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailing(monkeypatch) as world:
        story = sent("confirmed")
        store(world.db, story)
        assert world.tell(story.event("order.confirmed")) == []
        (mail,) = world.mailer.sent
        for part in (mail["text"], mail["html"]):
            assert "Tea for two" in part
        assert "-$14.46" in mail["text"]
