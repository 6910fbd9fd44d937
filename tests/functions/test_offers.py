"""Price lists, promotions and codes over the API: kept by admins, used by carts, counted once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from parcelway.domain import cancellation, cart
from parcelway.domain.coupons import Coupon, Use
from parcelway.domain.customer import Change, Customer
from parcelway.domain.decision import Decision
from parcelway.domain.ids import derived
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.refusals import Refusal
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.commit import Stale, commit
from parcelway.store.coupons import use_writes
from parcelway.store.customers import save as save_customer
from parcelway.store.database import Database
from parcelway.store.offers import put_offer
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.selling import read_facts

from tests.domain.offers import percentage
from tests.domain.test_coupons import place
from tests.functions.tables import aws
from tests.functions.worlds import World, new_key
from tests.orders import HOME, PRODUCTS, at, store

ADMIN = {"sub": "admin-1", "cognito:groups": "admin"}
ADA = {"sub": "ada", "email": "ada@example.com", "name": "Ada"}
TENTH = {"name": {"en": "Ten off"}, "action": "percentage", "steps": [{"basis_points": 1000}]}


class Shop:
    """The functions that offer and sell, with the tables behind them."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.worlds = {name: World(db, name) for name in ("offers", "cart", "checkout", "orders")}

    def ask(
        self, function: str, route: str, body: Any = None, claims: Any = None, **more: str
    ) -> tuple[int, Any]:
        """Status and body of an answer; `more` are the path's parts, and headers."""
        method, resource = route.split()
        path = {name: more.pop(name) for name in list(more) if f"{{{name}}}" in resource}
        if method == "POST":
            more.setdefault("idempotency_key", new_key())
        world = self.worlds[function]
        answer = world.call(method, resource, path, body, claims=claims, **more)
        return answer["statusCode"], json.loads(answer["body"])

    def keep(self, route: str, body: Any = None, **path: str) -> Any:
        """What an admin gets."""
        status, answer = self.ask("offers", route, body, ADMIN, **path)
        assert status < 300, answer
        return answer

    def cart(self, **basket: int) -> Cart:
        """A new cart with MUG, TEA and BOOK in it, that only has to be placed."""
        return Cart(self, basket)

    def used(self, counter: str) -> int:
        """What a counter says."""
        item = self.db.get(self.db.orders, f"USE#{counter}", "USES")
        return int(item["used"]) if item else 0


class Cart:
    """A cart and its token."""

    def __init__(self, shop: Shop, basket: dict[str, int], currency: str = "USD") -> None:
        self.shop = shop
        status, made = shop.ask("cart", "POST /carts", {"currency": currency})
        assert status == 201, made
        self.id, self.token = made["cart"]["id"], made["cart_token"]
        names = {"MUG": "MUG-1", "TEA": "TEA-9", "BOOK": "BOOK-3"}
        for name, units in basket.items():
            body = {"sku": names[name], "quantity": units}
            assert self("cart", "POST /carts/{cart_id}/lines", body)[0] == 201

    def __call__(
        self, function: str, route: str, body: Any = None, claims: Any = None, **more: str
    ) -> tuple[int, Any]:
        more |= {"cart_id": self.id, "cart_token": self.token}
        return self.shop.ask(function, route, body, claims, **more)

    def enter(self, code: str) -> tuple[int, Any]:
        return self("cart", "PUT /carts/{cart_id}/coupons/{code}", code=code)

    def claim(self, claims: Any) -> Any:
        status, answer = self("cart", "POST /carts/{cart_id}/claim", {}, claims)
        assert status == 200, answer
        return answer

    def ready(self) -> Cart:
        """With all that checkout wants to know."""
        address = {
            "name": "Ada",
            "line1": HOME.line1,
            "city": HOME.city,
            "postal_code": HOME.postal_code,
            "country": "US",
            "region": "OH",
        }
        details = {
            "contact": {"name": "Ada", "email": "ada@example.com"},
            "billing_address": address,
            "payment_method": "card",
        }
        assert self("checkout", "PATCH /carts/{cart_id}", details)[0] == 200
        delivery = {"service": "standard", "address": address}
        assert self("checkout", "PUT /carts/{cart_id}/delivery", delivery)[0] == 200
        return self

    def place(self, key: str = "") -> tuple[int, Any]:
        more = {"idempotency_key": key} if key else {}
        return self("checkout", "POST /carts/{cart_id}/checkout", {}, **more)

    def cancel(self) -> tuple[int, Any]:
        return self("orders", "POST /carts/{cart_id}/cancel", {"reason": "no"})

    def order(self) -> Order:
        found = get_order(self.shop.db, self.id)
        assert found is not None
        return found


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with aws(monkeypatch) as db:
        store(db, at("draft", seed="of somebody else"))
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield Shop(db)
    clock.reset()


def problem(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1].get("type", "").rpartition(":")[2]


# Keeping


def test_a_promotion_counts_from_when_it_is_put_until_it_is_deleted(shop: Shop) -> None:
    cart = shop.cart(MUG=2)
    shop.keep("PUT /offers/promotions/{offer_id}", TENTH, offer_id="tenth")
    assert list(shop.keep("GET /offers")["promotions"]) == ["tenth"]
    status, shown = cart("cart", "GET /carts/{cart_id}")
    assert (status, shown["totals"]["discount"]["minor"]) == (200, 259)
    assert shown["lines"][0]["discounts"] == [
        {
            "source": "promotion",
            "id": "tenth",
            "name": "Ten off",
            "amount": {"minor": 259, "currency": "USD"},
        }
    ]
    shop.keep("DELETE /offers/promotions/{offer_id}", offer_id="tenth")
    assert cart("cart", "GET /carts/{cart_id}")[1]["totals"]["discount"]["minor"] == 0


def test_prices_of_a_list_are_replaced_in_bulk_and_deleted(shop: Shop) -> None:
    shop.keep("PUT /offers/price-lists/{offer_id}", {"name": "B", "currency": "USD"}, offer_id="b")
    tiers = [{"quantity": 3, "minor": 900}, {"minor": 1000}]
    prices = {"prices": [{"sku": sku, "tiers": tiers} for sku in PRODUCTS]}
    put = "PUT /offers/price-lists/{offer_id}/prices"
    assert shop.keep(put, prices, offer_id="b") == {"price_list": "b", "skus": 3, "version": 2}
    cart = shop.cart(MUG=2, TEA=3)
    lines = cart("cart", "GET /carts/{cart_id}")[1]["lines"]
    assert [(line["unit_price"]["minor"], line["price_source"]) for line in lines] == [
        (1000, "list:b:1"),
        (900, "list:b:3"),
    ]
    shop.keep(put, {"prices": [{"sku": "MUG-1", "tiers": []}]}, offer_id="b")
    lines = cart("cart", "GET /carts/{cart_id}")[1]["lines"]
    assert [line["price_source"] for line in lines] == ["catalogue", "list:b:3"]
    shop.keep("DELETE /offers/price-lists/{offer_id}", offer_id="b")
    lines = cart("cart", "GET /carts/{cart_id}")[1]["lines"]
    assert [line["price_source"] for line in lines] == ["catalogue", "catalogue"]


WRONG: dict[str, tuple[str, Any, int]] = {
    "an unknown currency": ("price-lists/{offer_id}", {"name": "B", "currency": "XXX"}, 422),
    "a currency the shop does not sell in": (
        "price-lists/{offer_id}",
        {"name": "B", "currency": "CHF"},
        422,
    ),
    "a list that is not there": (
        "price-lists/{offer_id}/prices",
        {"prices": [{"sku": "MUG-1", "tiers": []}]},
        404,
    ),
    "nothing taken off": ("promotions/{offer_id}", TENTH | {"steps": [{}]}, 422),
    "more than all": ("promotions/{offer_id}", TENTH | {"steps": [{"basis_points": 10_001}]}, 422),
    "an end before its start": (
        "promotions/{offer_id}",
        TENTH | {"starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"},
        422,
    ),
    "a time without a zone": ("promotions/{offer_id}", TENTH | {"ends_at": "2027-01-01"}, 422),
    "no X to buy": ("promotions/{offer_id}", TENTH | {"action": "buy_x_get_y"}, 422),
    "a negative amount": (
        "promotions/{offer_id}",
        TENTH | {"action": "amount", "steps": [{"amounts": {"USD": -1}}]},
        422,
    ),
    "an unknown member": ("promotions/{offer_id}", TENTH | {"secret": 1}, 422),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(shop: Shop, case: str) -> None:
    path, body, status = WRONG[case]
    before = shop.keep("GET /offers")
    answer = shop.ask("offers", f"PUT /offers/{path}", body, ADMIN, offer_id="wrong")
    assert answer[0] == status
    assert shop.keep("GET /offers") == before


KINDS: dict[str, tuple[str, Any, Any]] = {
    "price list": (
        "price-lists/{offer_id}",
        {"name": "A", "currency": "USD"},
        {"name": "B", "currency": "USD"},
    ),
    "promotion": ("promotions/{offer_id}", TENTH, TENTH | {"priority": 2}),
    "assortment": ("assortments/{offer_id}", {"name": "A"}, {"name": "B"}),
    "code": ("coupons/{code}", {"promotion": "codes"}, {"promotion": "codes", "limit": 3}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_who_edits_a_version_that_is_no_more_changes_nothing(shop: Shop, kind: str) -> None:
    path, first, second = KINDS[kind]
    shop.keep("PUT /offers/promotions/{offer_id}", TENTH | {"coupon": True}, offer_id="codes")
    put, delete = f"PUT /offers/{path}", f"DELETE /offers/{path}"
    place = {"code": "KEPT"} if kind == "code" else {"offer_id": "kept"}

    def ask(route: str, body: Any, version: int) -> tuple[int, Any]:
        return shop.ask("offers", route, body, ADMIN, **place, if_match=f'"{version}"')

    made = shop.keep(put, first, **place)
    assert made["version"] == 1
    assert shop.keep(put, first, **place) == made  # nothing to change
    assert ask(put, first, 7) == (200, made)
    assert problem(ask(put, second, 7)) == (409, "stale-version")
    changed = ask(put, second, 1)
    assert (changed[0], changed[1]["version"]) == (200, 2)
    assert problem(ask(put, first, 1)) == (409, "stale-version")
    assert problem(ask(delete, None, 1)) == (409, "stale-version")
    assert shop.keep(put, second, **place) == changed[1]
    assert ask(delete, None, 2)[0] == 200
    assert ask(delete, None, 2)[0] == 200  # gone is gone
    for version in (1, 2, 3):
        assert problem(ask(put, second, version)) == (409, "stale-version")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_again_is_not_what_was_deleted(shop: Shop, kind: str) -> None:
    """Nobody who still has the old one before them edits or deletes the new one by its version."""
    path, first, second = KINDS[kind]
    shop.keep("PUT /offers/promotions/{offer_id}", TENTH | {"coupon": True}, offer_id="codes")
    put, delete = f"PUT /offers/{path}", f"DELETE /offers/{path}"
    place = {"code": "KEPT"} if kind == "code" else {"offer_id": "kept"}
    old = [shop.keep(put, first, **place)["version"]]
    shop.keep(delete, **place)
    shop.keep(delete, **place)
    old.append(shop.keep(put, first, **place, if_match='"0"')["version"])
    shop.keep(delete, **place, if_match=f'"{old[-1]}"')
    made = shop.keep(put, first, **place)
    assert sorted({*old, made["version"]}) == [*old, made["version"]]
    for version in range(made["version"]):
        for route, body in ((put, second), (delete, None)):
            answer = shop.ask("offers", route, body, ADMIN, **place, if_match=f'"{version}"')
            assert problem(answer) == (409, "stale-version")
    assert shop.keep(put, first, **place) == made


def test_what_was_deleted_is_nowhere_to_be_seen(shop: Shop) -> None:
    """Beside it all else goes on, in carts that had it too."""
    shop.keep("PUT /offers/promotions/{offer_id}", TENTH | {"coupon": True}, offer_id="codes")
    places = {kind: {"code": "GONE"} if kind == "code" else {"offer_id": "gone"} for kind in KINDS}
    for kind, (path, body, _) in KINDS.items():
        shop.keep(f"PUT /offers/{path}", body, **places[kind])
    cart = shop.cart(MUG=1).ready()
    assert cart.enter("GONE")[0] == 200
    for kind, (path, *_) in KINDS.items():
        shop.keep(f"DELETE /offers/{path}", **places[kind])
    shown = shop.keep("GET /offers")
    assert {kind: list(found) for kind, found in shown.items()} == {
        "price_lists": [],
        "promotions": ["codes"],
        "assortments": [],
    }
    assert shop.ask("offers", "GET /offers/coupons/{code}", None, ADMIN, code="GONE")[0] == 404
    prices = {"prices": [{"sku": "MUG-1", "tiers": [{"minor": 1}]}]}
    put = "PUT /offers/price-lists/{offer_id}/prices"
    assert shop.ask("offers", put, prices, ADMIN, offer_id="gone")[0] == 404
    status, seen = cart("cart", "GET /carts/{cart_id}")
    assert (status, seen["coupons"]) == (200, [{"code": "GONE", "applied": False}])
    assert problem(cart.place()) == (422, "coupon-unavailable")
    assert cart("cart", "DELETE /carts/{cart_id}/coupons/{code}", code="GONE")[0] == 200
    assert cart.place()[0] == 201


def test_prices_count_as_an_edit_of_their_list(shop: Shop) -> None:
    put, prices = "PUT /offers/price-lists/{offer_id}", {"prices": [{"sku": "MUG-1", "tiers": []}]}
    shop.keep(put, {"name": "B", "currency": "USD"}, offer_id="b")
    assert shop.keep(f"{put}/prices", prices, offer_id="b")["version"] == 1  # it had none
    prices["prices"][0]["tiers"] = [{"minor": 1000}]
    assert shop.keep(f"{put}/prices", prices, offer_id="b", if_match='"1"')["version"] == 2
    assert shop.keep(f"{put}/prices", prices, offer_id="b", if_match='"1"')["version"] == 2
    prices["prices"][0]["tiers"] = [{"minor": 900}]
    stale = shop.ask("offers", f"{put}/prices", prices, ADMIN, offer_id="b", if_match='"1"')
    assert problem(stale) == (409, "stale-version")
    line = shop.cart(MUG=1)("cart", "GET /carts/{cart_id}")[1]["lines"][0]
    assert line["unit_price"]["minor"] == 1000


def test_a_list_made_again_does_not_wake_the_prices_of_the_one_deleted(shop: Shop) -> None:
    put, listed = "PUT /offers/price-lists/{offer_id}", {"name": "Summer", "currency": "USD"}
    shop.keep(put, listed, offer_id="summer")
    prices = {"prices": [{"sku": "MUG-1", "tiers": [{"minor": 1}]}]}
    shop.keep(f"{put}/prices", prices, offer_id="summer")
    shop.keep("DELETE /offers/price-lists/{offer_id}", offer_id="summer")
    shop.keep(put, listed, offer_id="summer")
    line = shop.cart(MUG=1)("cart", "GET /carts/{cart_id}")[1]["lines"][0]
    assert line["price_source"] == "catalogue"


@pytest.mark.parametrize("version", [None, 2])
def test_prices_on_their_way_do_not_bring_back_a_list_that_was_deleted_meanwhile(
    shop: Shop, version: int | None
) -> None:
    """The list that is there by then has as many changes behind it as the old one had. The prices
    are its own then, or nobody's when they were meant for the old one."""
    listed = {"name": "Summer", "currency": "USD"}
    put, delete = "PUT /offers/price-lists/{offer_id}", "DELETE /offers/price-lists/{offer_id}"

    def prices(sku: str, minor: int) -> Any:
        return {"prices": [{"sku": sku, "tiers": [{"minor": minor}]}]}

    def old_and_new(**_: Any) -> None:
        shop.db.client.meta.events.unregister(written, old_and_new)
        shop.keep(delete, offer_id="summer")
        shop.keep(put, listed | {"name": "Autumn"}, offer_id="summer")
        shop.keep(f"{put}/prices", prices("BOOK-3", 7), offer_id="summer")

    shop.keep(put, listed, offer_id="summer")
    shop.keep(f"{put}/prices", prices("TEA-9", 1), offer_id="summer")
    written = "before-call.dynamodb.TransactWriteItems"
    shop.db.client.meta.events.register(written, old_and_new)
    more = {"if_match": f'"{version}"'} if version else {}
    changing = f"{put}/prices", prices("MUG-1", 2), ADMIN
    answer = shop.ask("offers", *changing, offer_id="summer", **more)
    assert problem(answer) == ((409, "stale-version") if version else (200, ""))
    assert shop.keep("GET /offers")["price_lists"]["summer"]["name"] == "Autumn"
    lines = shop.cart(MUG=1, TEA=1, BOOK=1)("cart", "GET /carts/{cart_id}")[1]["lines"]
    mug = "catalogue" if version else "list:summer:1"
    assert [line["price_source"] for line in lines] == [mug, "catalogue", "list:summer:1"]


def test_of_two_admins_who_change_at_once_both_are_heard_in_turn(shop: Shop) -> None:
    """The second decides on what the first left: no version is written twice."""
    put_offer(shop.db, percentage("tenth", 1000), clock.now())
    between = []

    def other(**_: Any) -> None:
        if not between:
            between.append(0)
            between[0] = put_offer(shop.db, percentage("tenth", 500), clock.now()).version

    events = shop.db.client.meta.events
    events.register("before-call.dynamodb.PutItem", other)
    answer = shop.keep("PUT /offers/promotions/{offer_id}", TENTH, offer_id="tenth")
    events.unregister("before-call.dynamodb.PutItem", other)
    assert (between, answer["version"]) == ([2], 3)


def test_made_codes_stay_as_they_were_changed_when_the_request_comes_again(shop: Shop) -> None:
    shop.keep("PUT /offers/promotions/{offer_id}", TENTH | {"coupon": True}, offer_id="tenth")
    make, again = "POST /offers/promotions/{offer_id}/codes", new_key()
    made = shop.keep(make, {"count": 2}, offer_id="tenth", idempotency_key=again)["codes"]
    changed = {"promotion": "tenth", "limit": 9}
    shop.keep("PUT /offers/coupons/{code}", changed, code=made[0])
    shop.keep(make, {"count": 2}, offer_id="tenth", idempotency_key=again)
    assert shop.keep("GET /offers/coupons/{code}", code=made[0])["limit"] == 9


def test_made_codes_that_were_deleted_stay_so_when_the_request_comes_again(shop: Shop) -> None:
    shop.keep("PUT /offers/promotions/{offer_id}", TENTH | {"coupon": True}, offer_id="tenth")
    make, again = "POST /offers/promotions/{offer_id}/codes", new_key()
    made = shop.keep(make, {"count": 2}, offer_id="tenth", idempotency_key=again)["codes"]
    shop.keep("DELETE /offers/coupons/{code}", code=made[0])
    shop.keep(make, {"count": 2}, offer_id="tenth", idempotency_key=again)
    found = [
        shop.ask("offers", "GET /offers/coupons/{code}", None, ADMIN, code=code)[0] for code in made
    ]
    assert found == [404, 200]


def test_an_unknown_sku_among_prices_is_named_and_none_is_kept(shop: Shop) -> None:
    shop.keep("PUT /offers/price-lists/{offer_id}", {"name": "B", "currency": "USD"}, offer_id="b")
    prices = [{"sku": sku, "tiers": [{"minor": 1}]} for sku in ("MUG-1", "NO-SUCH")]
    put = "PUT /offers/price-lists/{offer_id}/prices"
    status, told = shop.ask("offers", put, {"prices": prices}, ADMIN, offer_id="b")
    assert (status, told["pointer"]) == (422, "/prices/1/sku")
    lines = shop.cart(MUG=1)("cart", "GET /carts/{cart_id}")[1]["lines"]
    assert lines[0]["price_source"] == "catalogue"


def test_single_use_codes_are_the_same_for_one_key_and_each_works_once(shop: Shop) -> None:
    shop.keep("PUT /offers/promotions/{offer_id}", TENTH | {"coupon": True}, offer_id="tenth")
    make, key = "POST /offers/promotions/{offer_id}/codes", new_key()
    body = {"count": 30, "prefix": "XMAS"}
    made = shop.keep(make, body, offer_id="tenth", idempotency_key=key)
    assert shop.keep(make, body, offer_id="tenth", idempotency_key=key) == made
    other = shop.keep(make, body, offer_id="tenth")
    assert len({*made["codes"], *other["codes"]}) == 60
    weak = shop.ask("offers", make, body, ADMIN, offer_id="tenth", idempotency_key="1")
    assert problem(weak) == (400, "idempotency-key-too-weak")
    code = made["codes"][7]
    first = shop.cart(MUG=1).ready()
    assert first.enter(code)[0] == 200
    assert first.place()[0] == 201
    assert problem(shop.cart(MUG=1).enter(code)) == (422, "coupon-unavailable")
    assert shop.keep("GET /offers/coupons/{code}", code=code.lower())["used"] == 1


# Using


def coupon(shop: Shop, code: str = "SAVE10", **limits: Any) -> None:
    put_offer(shop.db, percentage("tenth", 1000, coupon=True), clock.now())
    put_offer(shop.db, Coupon(code, "tenth", **limits), clock.now())


def test_a_code_is_counted_when_the_order_is_placed_and_given_back_when_it_is_cancelled(
    shop: Shop,
) -> None:
    coupon(shop, limit=5)
    buyer = shop.cart(MUG=2).ready()
    status, shown = buyer.enter("save10")
    assert (status, shown["coupons"]) == (200, [{"code": "SAVE10", "applied": True}])
    assert shop.used("CODE#SAVE10") == 0
    key = new_key()
    assert buyer.place(key)[0] == 201
    assert buyer.place(key)[0] == 201  # the same order
    assert shop.used("CODE#SAVE10") == 1
    assert buyer.cancel()[0] == 200
    assert shop.used("CODE#SAVE10") == 0
    assert buyer.cancel()[0] in (200, 409)
    assert shop.used("CODE#SAVE10") == 0


def test_an_order_that_expires_gives_its_code_back(shop: Shop) -> None:
    coupon(shop, limit=1)
    buyer = shop.cart(MUG=2).ready()
    buyer.enter("SAVE10")
    assert buyer.place()[0] == 201
    decision = cart.lapse(buyer.order(), clock.now() + timedelta(hours=1))
    assert decision is not None
    save(shop.db, decision, clock.now())
    assert (buyer.order().state, shop.used("CODE#SAVE10")) == ("expired", 0)
    with pytest.raises(Stale):
        save(shop.db, decision, clock.now())
    assert shop.used("CODE#SAVE10") == 0


def test_of_two_orders_for_the_last_redemption_one_is_placed(shop: Shop) -> None:
    """Both read the counter before either was placed."""
    coupon(shop, limit=1)
    carts = [shop.cart(MUG=1).ready(), shop.cart(MUG=1).ready()]
    for each in carts:
        assert each.enter("SAVE10")[0] == 200
    orders = [each.order() for each in carts]
    decisions = [place(o, read_facts(shop.db, o, clock.now())) for o in orders]
    save(shop.db, decisions[0], clock.now())
    with pytest.raises(Refusal) as refusal:
        save(shop.db, _renamed(decisions[1]), clock.now())
    assert refusal.value.reason.value == "coupon-unavailable"
    assert shop.used("CODE#SAVE10") == 1
    assert [each.order().state for each in carts] == ["placed", "draft"]
    assert problem(carts[1].place()) == (422, "coupon-unavailable")
    carts[1]("cart", "DELETE /carts/{cart_id}/coupons/{code}", code="SAVE10")
    assert carts[1].place()[0] == 201


def _renamed(decision: Decision) -> Decision:
    """The decision with another tracking number: numbers are given one by one."""
    return replace(decision, order=replace(decision.order, tracking_number="PW-OTHER"))


def test_a_lost_answer_counts_a_code_once(shop: Shop) -> None:
    coupon(shop, limit=9)
    buyer = shop.cart(MUG=1).ready()
    buyer.enter("SAVE10")
    key, world = new_key(), shop.worlds["checkout"]
    path, headers = {"cart_id": buyer.id}, {"cart_token": buyer.token, "idempotency_key": key}
    placing = partial(world.call, "POST", "/carts/{cart_id}/checkout", path, {}, **headers)
    world.breaking("transact_write_items", done=True, request=placing)
    assert buyer.place(key)[0] == 201
    assert shop.used("CODE#SAVE10") == 1


def test_a_customer_uses_a_code_once_and_again_after_a_cancellation(shop: Shop) -> None:
    coupon(shop, per_customer=1)
    guest = shop.cart(MUG=1)
    assert problem(guest.enter("SAVE10")) == (422, "coupon-unavailable")
    first = shop.cart(MUG=1).ready()
    first.claim(ADA)
    assert first.enter("SAVE10")[0] == 200
    assert first.place()[0] == 201
    second = shop.cart(MUG=1)
    second.claim(ADA)
    assert problem(second.enter("SAVE10")) == (422, "coupon-unavailable")
    assert first.cancel()[0] == 200
    assert second.enter("SAVE10")[0] == 200


def test_a_first_order_promotion_is_for_the_first_order(shop: Shop) -> None:
    put_offer(shop.db, percentage("welcome", 2000, first_order=True), clock.now())
    first, second = shop.cart(MUG=1).ready(), shop.cart(MUG=1).ready()
    for each in (first, second):
        assert each.claim(ADA)["totals"]["discount"]["minor"] == 259
    assert first.place()[0] == 201
    assert second("cart", "GET /carts/{cart_id}")[1]["totals"]["discount"]["minor"] == 0
    assert second.place()[1]["totals"]["discount"]["minor"] == 0


def test_wrong_codes_are_answered_alike_and_ten_of_them_are_enough(shop: Shop) -> None:
    coupon(shop, customer_id="cus_somebody")
    guess = shop.cart(MUG=1)
    answers = [guess.enter(code)[1] for code in ("SAVE10", "NEVER-WAS")]
    assert answers[0] == answers[1]
    for n in range(8):
        assert problem(guess.enter(f"GUESS{n}")) == (422, "coupon-unavailable")
    assert problem(guess.enter("GUESS8")) == (409, "too-many-coupons")
    assert guess.order().code_misses == 10


def test_an_employee_enters_a_code_for_a_customer_and_the_order_says_who(shop: Shop) -> None:
    coupon(shop)
    buyer = shop.cart(MUG=1)
    csr = {"sub": "csr-1", "cognito:groups": "csr"}
    path = {"cart_id": buyer.id, "code": "SAVE10"}
    status, shown = shop.ask("cart", "PUT /staff/carts/{cart_id}/coupons/{code}", None, csr, **path)
    assert (status, shown["totals"]["discount"]["minor"]) == (200, 130)
    events = [i["event"] for i in shop.db.query(shop.db.orders, f"ORD#{buyer.id}", "EVT#")]
    assert [(e["type"], e["actor"]["id"]) for e in events][-1:] == [("coupon.entered", "csr-1")]
    taken = "DELETE /staff/carts/{cart_id}/coupons/{code}"
    assert shop.ask("cart", taken, None, csr, **path)[1]["coupons"] == []


def test_a_staff_member_of_another_trade_enters_none(shop: Shop) -> None:
    packer = {"sub": "w-1", "cognito:groups": "warehouse"}
    path = {"cart_id": shop.cart(MUG=1).id, "code": "SAVE10"}
    put = "PUT /staff/carts/{cart_id}/coupons/{code}"
    assert shop.ask("cart", put, None, packer, **path)[0] == 403


def test_uses_are_given_back_no_further_than_they_were_taken(shop: Shop) -> None:
    (count,) = use_writes(shop.db, [Use("CODE#X", 2)], ())
    for _ in range(2):
        commit(shop.db.client, [count])
    with pytest.raises(Refusal):
        commit(shop.db.client, [count])
    (back,) = use_writes(shop.db, (), ["CODE#X"])
    for _ in range(2):
        commit(shop.db.client, [back])
    with pytest.raises(Stale):
        commit(shop.db.client, [back])


def test_what_was_taken_off_is_frozen_whatever_becomes_of_the_promotion(shop: Shop) -> None:
    coupon(shop, limit=5)
    buyer = shop.cart(MUG=2).ready()
    buyer.enter("SAVE10")
    assert buyer.place()[0] == 201
    placed = buyer.order()
    shop.keep("DELETE /offers/promotions/{offer_id}", offer_id="tenth")
    shop.keep("DELETE /offers/coupons/{code}", code="SAVE10")
    assert totals(buyer.order()).discount == totals(placed).discount
    assert cancellation.cancel(placed, (), "", SYSTEM, clock.now()).unused == ("CODE#SAVE10",)
    assert buyer.cancel()[0] == 200


def test_a_product_for_some_is_not_shown_to_everybody_and_sold_to_them_alone(shop: Shop) -> None:
    body = {"name": "Trade", "audience": {"groups": ["trade"]}}
    shop.keep("PUT /offers/assortments/{offer_id}", body, offer_id="trade")
    hidden = replace(PRODUCTS["MUG-1"], assortments=("trade",))
    catalogue.upsert(shop.db, [hidden], clock.now())
    search = World(shop.db, "search")
    shown = [search.call("GET", "/products/{sku}", {"sku": sku}) for sku in ("MUG-1", "TEA-9")]
    assert [answer["statusCode"] for answer in shown] == [404, 200]
    buyer = shop.cart(TEA=1)
    wanted = {"sku": "MUG-1", "quantity": 1}
    assert problem(buyer("cart", "POST /carts/{cart_id}/lines", wanted)) == (422, "unknown-sku")
    customer = derived("cus", ADA["sub"])
    profile = Customer(customer, 1, "enabled", ADA["sub"], "", "", "Ada", clock.now())
    save_customer(shop.db, Change(replace(profile, groups=("trade",)), (), clock.now(), SYSTEM))
    buyer.claim(ADA)
    assert buyer("cart", "POST /carts/{cart_id}/lines", wanted)[0] == 201
