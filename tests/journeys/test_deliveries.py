"""One order, several places: two addresses and a pick-up from the cart to the door."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from parcelway.domain.shop import ReservationPolicy
from parcelway.ports import clock
from parcelway.store import stock, stock_books

from infra.demo.people import HOME, Carrier, Refused, Shopper, Warehouse
from infra.local.application import Application
from tests.orders import dossier_of

Article = Callable[..., str]
Json = dict[str, Any]
NODE, STORE = "dc-columbus", "store-dayton"
AWAY = HOME | {"name": "Bob Example", "line1": "9 River Road", "city": "Toledo"}
AWAY |= {"postal_code": "43604"}


def lines(*units: tuple[str, int]) -> list[Json]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in units]


def sent(address: Json, *units: tuple[str, int], **more: Any) -> Json:
    return {"service": "parcel-standard", "address": address, "lines": lines(*units)} | more


def collected(*units: tuple[str, int], store: str = STORE) -> Json:
    return {"service": "store-pickup", "store": store, "lines": lines(*units)}


@pytest.fixture
def skus(app: Application, article: Article) -> tuple[str, str]:
    """Two articles, both at the distribution centre, the first at the store as well."""
    both, one = article(units=20, price=1999), article(units=20, price=333)
    stock_books.count(app.database, both, STORE, 5, clock.now(), "test")
    return both, one


@pytest.fixture
def cart(shopper: Shopper, skus: tuple[str, str]) -> Shopper:
    """Four of the first article and two of the other."""
    for sku, units in zip(skus, (4, 2), strict=True):
        shopper.add(sku, units)
    return shopper


def parts(skus: tuple[str, str]) -> tuple[Json, Json, Json]:
    both, one = skus
    return (
        sent(HOME, (both, 1), (one, 1)),
        sent(AWAY, (both, 2), (one, 1), instructions="At the back."),
        collected((both, 1)),
    )


def waiting(warehouse: Warehouse, shopper: Shopper, node: str) -> dict[str, Json]:
    """What waits for the order at a node, by delivery."""
    mine = [s for s in warehouse.queue(node) if s["order_id"] == shopper.id]
    return {shipment["group"]: shipment for shipment in mine}


def minor(amounts: Sequence[Any]) -> int:
    return sum(amount["minor"] for amount in amounts)


def test_two_addresses_and_a_pick_up_are_one_order_to_the_end(
    app: Application,
    skus: tuple[str, str],
    cart: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    both, one = skus
    seen = cart.divide(*parts(skus))
    assert [d["group"] for d in seen["deliveries"]] == ["g1", "g2", "g3"]
    shown = [{n["sku"]: n["quantity"] for n in d["lines"]} for d in seen["deliveries"]]
    assert shown == [{n["sku"]: n["quantity"] for n in p["lines"]} for p in parts(skus)]
    assert minor([d["charge"] for d in seen["deliveries"]]) == seen["totals"]["shipping"]["minor"]
    assert seen["totals"]["goods"]["minor"] == 4 * 1999 + 2 * 333
    cart.describe()
    placed = cart.place(expected_total=seen["totals"]["gross"])
    assert all(d["promised_from"] <= d["promised_to"] for d in placed["deliveries"])
    cart.pay()
    app.settle()

    boxes = waiting(warehouse, cart, NODE)
    assert {group: box["ship_to"]["city"] for group, box in boxes.items()} == {
        "g1": "Columbus",
        "g2": "Toledo",
    }
    assert boxes["g2"]["instructions"] == "At the back."
    assert {line["sku"]: line["quantity"] for line in boxes["g2"]["lines"]} == {both: 2, one: 1}
    (bag,) = waiting(warehouse, cart, STORE).values()
    assert (bag["group"], bag["method"], bag["ship_to"]) == ("g3", "pickup", None)

    parcels = [warehouse.ship(box) for box in boxes.values()]
    warehouse.report(bag, "pack")
    warehouse.report(bag, "ready")
    app.settle()
    assert cart.order["payment_status"] == "partially_captured"
    for parcel in parcels:
        carrier.report(parcel, "delivered")
    app.settle()
    assert (cart.order["state"], cart.order["fulfilment_status"]) == (
        "confirmed",
        "partially_delivered",
    )
    warehouse.report(bag, "hand-over", {"code": cart.code()})
    app.settle()

    order = cart.order
    assert (order["state"], order["fulfilment_status"]) == ("closed", "delivered")
    assert order["captured"] == placed["totals"]["gross"]
    dossier = dossier_of(app.database, cart.id)
    invoiced = [invoice.gross.minor for invoice in dossier.invoices]
    assert (len(invoiced), sum(invoiced)) == (3, order["captured"]["minor"])
    assert {i.delivered_to.city if i.delivered_to else "" for i in dossier.invoices} == {
        "Columbus",
        "Toledo",
        "",
    }
    left = {(b.node, b.on_hand, b.available) for b in stock.balances_of(app.database, both)}
    assert left == {(NODE, 17, 17), (STORE, 4, 4)}


def test_every_delivery_is_taxed_where_it_goes(
    app: Application,
    settings: Callable[..., None],
    skus: tuple[str, str],
    cart: Shopper,
    warehouse: Warehouse,
) -> None:
    """Columbus is where the shop's own rate counts, Louisville in one with another."""
    both, one = skus
    settings(tax_regions={"US-KY": {"general": 600}})
    louisville = AWAY | {"city": "Louisville", "region": "KY", "postal_code": "40202"}
    seen = cart.divide(sent(HOME, (both, 1), (one, 2)), sent(louisville, (both, 3)))
    assert [[line["tax_rate"] for line in d["lines"]] for d in seen["deliveries"]] == [
        [700, 700],
        [600],
    ]
    (line, _) = seen["lines"]
    shares = [d["lines"][0] for d in seen["deliveries"]]
    assert [share["net"]["minor"] for share in shares] == [1999, 3 * 1999]
    assert minor([share["tax"] for share in shares]) == line["tax"]["minor"]
    charged = [(d["charge"]["minor"], d["charge_tax_rate"]) for d in seen["deliveries"]]
    assert [rate for _, rate in charged] == [700, 600]
    per_rate = {700: 1999 + 2 * 333 + charged[0][0], 600: 3 * 1999 + charged[1][0]}
    tax = {rate: (base * rate + 5000) // 10_000 for rate, base in per_rate.items()}
    assert seen["totals"]["tax"]["minor"] == sum(tax.values())

    cart.describe()
    placed = cart.place()
    cart.pay()
    app.settle()
    for box in waiting(warehouse, cart, NODE).values():
        warehouse.ship(box)
    app.settle()
    assert cart.order["captured"] == placed["totals"]["gross"]
    invoices = dossier_of(app.database, cart.id).invoices
    assert {t.rate: t.tax.minor for invoice in invoices for t in invoice.taxes} == tax
    assert all(len(invoice.taxes) == 1 for invoice in invoices)


def test_a_divided_order_gives_everything_back_when_it_is_cancelled(
    app: Application, skus: tuple[str, str], cart: Shopper
) -> None:
    cart.divide(*parts(skus))
    cart.describe()
    cart.place()
    cart.pay()
    app.settle()
    cart.cancel()
    app.settle()
    assert (cart.order["state"], cart.order["payment_status"]) == ("cancelled", "voided")
    for sku in skus:
        assert all(b.on_hand == b.available for b in stock.balances_of(app.database, sku))


def test_a_delivery_that_its_node_has_not_got_does_not_stop_the_others(
    app: Application,
    skus: tuple[str, str],
    cart: Shopper,
    warehouse: Warehouse,
    carrier: Carrier,
) -> None:
    cart.divide(*parts(skus))
    cart.describe()
    cart.place()
    cart.pay()
    app.settle()
    (bag,) = waiting(warehouse, cart, STORE).values()
    warehouse.report(bag, "reject", {"reason": "out_of_stock"})
    parcels = [warehouse.ship(box) for box in waiting(warehouse, cart, NODE).values()]
    app.settle()
    for parcel in parcels:
        carrier.report(parcel, "delivered")
    app.settle()
    order = cart.order
    assert (order["state"], order["fulfilment_status"]) == ("closed", "delivered")
    assert 0 < order["captured"]["minor"] < order["totals"]["gross"]["minor"]


def test_the_same_again_is_the_same(cart: Shopper, skus: tuple[str, str]) -> None:
    first = cart.divide(*parts(skus))
    again = cart.divide(*parts(skus))
    assert again | {"version": first["version"]} == first


def test_an_edit_by_an_old_version_is_refused(cart: Shopper, skus: tuple[str, str]) -> None:
    stale = cart.order["version"]
    cart.divide(*parts(skus))
    cart.api.headers["If-Match"] = f'"{stale}"'
    with pytest.raises(Refused) as refused:
        cart.divide(sent(HOME, (skus[0], 4), (skus[1], 2)))
    assert refused.value.code == "stale-version"
    cart.api.headers["If-Match"] = f'"{stale + 1}"'
    assert len(cart.divide(sent(HOME, (skus[0], 4), (skus[1], 2)))["deliveries"]) == 1


def test_choosing_one_delivery_joins_them_all(cart: Shopper, skus: tuple[str, str]) -> None:
    cart.divide(*parts(skus))
    (delivery,) = cart.deliver()["deliveries"]
    assert {line["sku"]: line["quantity"] for line in delivery["lines"]} == {
        skus[0]: 4,
        skus[1]: 2,
    }


def test_the_cart_stays_divided_while_it_is_edited(cart: Shopper, skus: tuple[str, str]) -> None:
    both, one = skus
    cart.divide(*parts(skus))

    def after(quantity: int) -> dict[str, int]:
        seen = cart.api.call("PUT", f"{cart.path}/lines/{both}", {"quantity": quantity})
        units = {
            d["group"]: {n["sku"]: n["quantity"] for n in d["lines"]} for d in seen["deliveries"]
        }
        assert sum(found.get(one, 0) for found in units.values()) == 2
        return {group: found.get(both, 0) for group, found in units.items()}

    assert after(6) == {"g1": 3, "g2": 2, "g3": 1}
    assert after(4) == {"g1": 3, "g2": 1}
    assert after(0) == {"g1": 0, "g2": 0}
    cart.api.call("DELETE", f"{cart.path}/lines/{one}")
    assert [d["group"] for d in cart.order["deliveries"]] == ["g1"]


def test_each_delivery_is_offered_what_the_others_leave(
    app: Application, cart: Shopper, article: Article
) -> None:
    scarce = article(units=0)
    for node in (NODE, STORE):
        stock_books.count(app.database, scarce, node, 1, clock.now(), "test")
    other = Shopper(app.url, app.stripe)
    other.add(scarce)
    other.divide(sent(HOME, (scarce, 1)))
    path = f"{other.path}/delivery-options"

    def to_be_had(**where: str) -> set[str]:
        found = other.api.call("GET", path, None, None, country="US", **where)["options"]
        return {option["store"] or option["service"] for option in found if option["available"]}

    assert STORE in to_be_had(group="g1")
    assert "parcel-standard" in to_be_had(group="g1", postal_code="43604")
    with pytest.raises(Refused) as refused:
        to_be_had(group="g2")
    assert (refused.value.code, refused.value.problem["pointer"]) == ("invalid-request", "/group")


@pytest.mark.parametrize("when", ["on_cart", "none"])
def test_holds_follow_a_divided_cart(
    app: Application,
    policy: Callable[[ReservationPolicy], None],
    shopper: Shopper,
    skus: tuple[str, str],
    when: ReservationPolicy,
) -> None:
    policy(when)
    both, one = skus

    def held() -> dict[str, int]:
        return {sku: sum(b.reserved for b in stock.balances_of(app.database, sku)) for sku in skus}

    def holds(first: int, second: int) -> dict[str, int]:
        return {both: first, one: second} if when == "on_cart" else {both: 0, one: 0}

    shopper.add(both, 4)
    shopper.add(one, 2)
    shopper.divide(*parts(skus))
    assert held() == holds(4, 2)
    shopper.add(both, 2)
    assert held() == holds(6, 2)
    shopper.api.call("PUT", f"{shopper.path}/lines/{both}", {"quantity": 3})
    assert held() == holds(3, 2)
    shopper.describe()
    shopper.place()
    shopper.pay()
    app.settle()
    assert shopper.order["state"] == "confirmed"


def bad(skus: tuple[str, str]) -> dict[str, tuple[list[Json], int, str, str]]:
    """What cannot be: the deliveries, and the status, kind and pointer of the answer."""
    both, _ = skus
    good = list(parts(skus))

    def changed(index: int, **members: Any) -> list[Json]:
        wanted = copy.deepcopy(good)
        wanted[index] |= members
        return wanted

    away, unavailable, invalid = "/deliveries/1", "delivery-unavailable", "invalid-request"
    return {
        "nothing": ([], 422, invalid, "/deliveries"),
        "too many": (good * 7, 422, invalid, "/deliveries"),
        "far too many": (good * 70, 422, invalid, "/deliveries"),
        "no lines": (changed(1, lines=[]), 422, invalid, f"{away}/lines"),
        "no place": (changed(1, address=None), 422, invalid, f"{away}/address"),
        "two places": (changed(1, store=STORE), 422, invalid, f"{away}/address"),
        "less": (good[:2], 409, "quantity-mismatch", "/deliveries"),
        "more": ([*good, good[0]], 409, "quantity-mismatch", "/deliveries"),
        "a zero": (
            changed(2, lines=lines((both, 0))),
            422,
            invalid,
            "/deliveries/2/lines/0/quantity",
        ),
        "half": (
            changed(2, lines=[{"sku": both, "quantity": 0.5}]),
            422,
            invalid,
            "/deliveries/2/lines/0/quantity",
        ),
        "not in the cart": (
            changed(2, lines=lines((both, 1), ("no-such", 1))),
            422,
            "unknown-sku",
            "/deliveries/2/lines/1/sku",
        ),
        "no such service": (changed(1, service="pigeon"), 422, unavailable, f"{away}/service"),
        "not there": (
            changed(1, address=AWAY | {"country": "FR"}),
            422,
            unavailable,
            f"{away}/address/country",
        ),
        "no such store": (changed(2, store="nowhere"), 422, unavailable, "/deliveries/2/store"),
        "not a store": (changed(2, store=NODE), 422, unavailable, "/deliveries/2/store"),
        "a parcel to a store": (
            changed(2, service="parcel-standard"),
            422,
            unavailable,
            "/deliveries/2/service",
        ),
        "a stranger": (changed(1, price=1), 422, invalid, f"{away}/price"),
    }


def test_deliveries_that_cannot_be_are_refused_and_change_nothing(
    cart: Shopper, skus: tuple[str, str]
) -> None:
    cart.divide(*parts(skus))
    before = cart.order
    for what, (wanted, status, code, pointer) in bad(skus).items():
        with pytest.raises(Refused) as refused:
            cart.divide(*wanted)
        said = refused.value
        assert (said.status, said.code, said.problem["pointer"]) == (status, code, pointer), what
        assert cart.order == before, what


def test_what_does_not_add_up_is_named_with_what_is_wanted(
    cart: Shopper, skus: tuple[str, str]
) -> None:
    both, _ = skus
    with pytest.raises(Refused) as refused:
        cart.divide(*parts(skus)[:2])
    assert refused.value.problem["lines"] == [{"sku": both, "wanted": 4, "given": 3}]
    assert both in refused.value.problem["detail"]


def test_more_than_a_place_has_is_not_placed(cart: Shopper, skus: tuple[str, str]) -> None:
    """The second article is not at the store: only that delivery cannot be served."""
    both, one = skus
    cart.describe()
    cart.divide(sent(HOME, (both, 4), (one, 1)), collected((one, 1)))
    with pytest.raises(Refused) as refused:
        cart.place()
    assert refused.value.code == "out-of-stock"
    assert refused.value.problem["lines"][0]["sku"] == one
    assert cart.order["state"] == "draft"
    cart.divide(sent(HOME, (both, 3), (one, 2)), collected((both, 1)))
    assert cart.place()["state"] == "placed"
