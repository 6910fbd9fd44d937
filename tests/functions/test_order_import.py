"""Imported orders: what a row becomes, that it becomes it once, and what is said of those that
are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from parcelway.domain.audience import Audience
from parcelway.domain.cancellation import cancel
from parcelway.domain.catalogue import Product
from parcelway.domain.erasing import erase
from parcelway.domain.importing import order_id_of
from parcelway.domain.listing import SETTLED
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.shop import ReservationPolicy
from parcelway.domain.stock import Supply
from parcelway.domain.switching import PurchaseLimit, Switches
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.credit import get_account, get_claim
from parcelway.store.offers import put_offer
from parcelway.store.orders import get_order
from parcelway.store.saving import save
from parcelway.store.shop import put_settings
from parcelway.store.stock_books import count
from parcelway.store.switches import put_switches

from tests.domain.offers import percentage
from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, ok
from tests.imports import ACCOUNT, IMPORTS, SOURCE, Row, lines, open_source_account, row, usd
from tests.orders import PRODUCTS, STOCK, at, dossier_of, expect, store

RESOURCE = "/staff/imports/{source}/orders"
SPEAKS_FOR = ",".join(f"source-{name}" for name in IMPORTS.settings.import_sources)
ROBOT = {"sub": "robot", "cognito:groups": f"integration,{SPEAKS_FOR}"}
STRANGER = {"sub": "stranger", "cognito:groups": f"integration,source-reseller,{SOURCE}"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        stock = STOCK | {("BOOK-3", "dc-1"): 50}
        store(db, at("draft", now=clock.now(), shop=IMPORTS, stock=stock))
        open_source_account(db)
        yield World(db, "order_import")
    clock.reset()


def send(
    world: World, text: str, source: str = SOURCE, claims: Mapping[str, str] = ROBOT
) -> Answer:
    kind = "application/x-ndjson"
    return world.call(
        "POST", RESOURCE, {"source": source}, claims=claims, text=text, content_type=kind
    )


def results(world: World, *rows: Row, source: str = SOURCE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(send(world, lines(rows), source))["results"]
    return found


def statuses(found: list[dict[str, Any]]) -> list[str]:
    return [each["status"] for each in found]


def code(result: dict[str, Any]) -> str:
    kind: str = result["problem"]["type"]
    return kind.removeprefix("urn:parcelway:problem:")


def test_a_row_becomes_a_confirmed_order_that_its_source_pays_for(world: World) -> None:
    (found,) = results(world, row(units={"BOOK-3": 2, "MUG-1": 1}))
    assert found["status"] == "created" and found["row"] == 1

    dossier = dossier_of(world.db, found["order_id"])
    order = dossier.order
    assert (order.state, order.version, order.payment_status) == ("confirmed", 1, "authorized")
    assert (order.channel, order.source, order.external_id) == ("marketplace", SOURCE, "B-1")
    assert (order.actor.kind, order.actor.id, order.account) == ("staff", "robot", ACCOUNT)
    assert [line.unit_price.minor for line in order.lines] == [1200, 1000]
    assert {line.price_source for line in order.lines} == {f"source:{SOURCE}"}
    assert order.group.charge == Money(300, "USD")
    gross = totals(order).gross.minor
    assert order.secured == gross
    (payment,) = dossier.payments
    claim = get_claim(world.db, payment.reference)
    assert claim is not None and claim.status == "authorized" and claim.open == gross
    assert claim.number == order.tracking_number
    account = get_account(world.db, ACCOUNT)
    assert account is not None and account.open == gross
    assert [event.type for event in dossier.events] == [
        "order.placed",
        "payment.authorized",
        "order.confirmed",
    ]
    assert all(line.count("reserved") == line.quantity for line in order.lines)


def test_sending_rows_again_makes_nothing_new(world: World) -> None:
    rows = [row(f"B-{n}") for n in range(3)]
    first = results(world, *rows)
    before = world.dump()
    again = results(world, *rows)
    assert statuses(first) == ["created"] * 3
    assert statuses(again) == ["known"] * 3
    assert [each["order_id"] for each in again] == [each["order_id"] for each in first]
    assert world.dump() == before


def test_one_id_twice_in_a_request_is_one_order(world: World) -> None:
    found = results(world, row("B-1"), row("B-1"), row("B-1", instructions="Ring twice"))
    assert statuses(found) == ["created", "known", "refused"]
    assert code(found[2]) == "other-content"
    assert found[2]["order_id"] == found[0]["order_id"]


def test_what_is_said_counts_and_not_how(world: World) -> None:
    said = row("B-1")
    otherwise = dict(reversed(said.items())) | {"instructions": "", "billing_address": None}
    (first,) = results(world, said)
    (again,) = results(world, otherwise)
    assert again["status"] == "known" and again["order_id"] == first["order_id"]


def test_the_same_id_of_two_sources_is_two_orders(world: World) -> None:
    (one,), (other,) = (results(world, row("B-1"), source=name) for name in (SOURCE, "patient"))
    assert one["status"] == other["status"] == "created"
    assert one["order_id"] != other["order_id"]


REFUSED: dict[str, tuple[str, str, Row]] = {
    "a member that is none": ("invalid-request", "/note", row(note="x")),
    "no units": ("invalid-request", "/lines/0/quantity", row(units={"BOOK-3": 0})),
    "an unknown SKU": ("unknown-sku", "/lines/0/sku", row(lines=[
        {"sku": "NONE", "quantity": 1, "unit_price": usd(100)}
    ])),
    "a wrong postal code": ("delivery-unavailable", "/address/postal_code", row(
        address=row()["address"] | {"postal_code": "4301"}
    )),
    "a country that nothing goes to": ("delivery-unavailable", "/address/country", row(
        address=row()["address"] | {"country": "BR"}
    )),
    "an unknown service": ("delivery-unavailable", "/service", row(service="drone")),
    "a card number": ("card-number-refused", "", row(instructions="4242 4242 4242 4242")),
    "another currency": ("currency-unavailable", "/total/currency", row(
        total={"minor": 1, "currency": "EUR"}
    )),
    "no price": ("invalid-request", "/lines/0/unit_price", row(lines=[
        {"sku": "BOOK-3", "quantity": 1}
    ])),
    "two prices of one SKU": ("invalid-request", "/lines/1/unit_price", row(lines=[
        {"sku": "BOOK-3", "quantity": 1, "unit_price": usd(1200)},
        {"sku": "BOOK-3", "quantity": 1, "unit_price": usd(1100)},
    ])),
    "more than there is": ("out-of-stock", "/lines", row(units={"BOOK-3": 60})),
    "more than one may buy": ("quantity-limit", "/lines/0/quantity", row(units={"BOOK-3": 1000})),
    "a cent too little": ("total-mismatch", "/total", row() | {
        "total": usd(row()["total"]["minor"] - 1)
    }),
}  # fmt: skip


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_wrong_row_is_refused_and_the_others_are_not(world: World, wrong: str) -> None:
    reason, pointer, bad = REFUSED[wrong]
    bad["external_id"] = "BAD"
    found = results(world, row("B-1"), bad, row("B-2"))
    assert statuses(found) == ["created", "refused", "created"]
    assert code(found[1]) == reason
    assert found[1]["problem"].get("pointer", "") == pointer
    assert found[1]["row"] == 2 and not found[1].get("order_id")
    assert not any("BAD" in item for item in world.dump())


@pytest.mark.parametrize("line", ["{", "[]", "null", '{"external_id": "x"', '"\\ud83d"', "NaN"])
def test_a_line_that_is_no_row_is_refused_by_its_number(world: World, line: str) -> None:
    text = lines([row("B-1")]) + "\n" + line + "\n" + lines([row("B-2")])
    found = ok(send(world, text))["results"]
    assert [(each["row"], each["status"]) for each in found] == [
        (1, "created"),
        (3, "refused"),
        (4, "created"),
    ]


def test_a_mismatch_says_both_sums(world: World) -> None:
    right = row()["total"]["minor"]
    (found,) = results(world, row(total=usd(right + 1)))
    assert found["problem"]["stated"] == usd(right + 1)
    assert found["problem"]["computed"] == usd(right)


@pytest.mark.parametrize("policy", ["none", "on_checkout"])
def test_what_is_not_there_waits_where_the_source_says_so(
    world: World, policy: ReservationPolicy
) -> None:
    settings = replace(IMPORTS.settings, reservation_policy={"marketplace": policy})
    put_settings(world.db, settings)
    big = row(units={"BOOK-3": 60})
    assert statuses(results(world, big)) == ["refused"]

    expect(world.db, "BOOK-3", "dc-1", Supply("PO-1", (clock.now() + timedelta(9)).date(), 500))
    (found,) = results(world, big, source="patient")
    assert found["status"] == "created", found
    order = world.order(found["order_id"])
    assert order.line("BOOK-3").count("backordered") == 10  # type: ignore[union-attr]
    assert order.state == "confirmed" and order.shortage == "ship_complete"


def test_a_reseller_sells_at_the_shops_prices(world: World) -> None:
    asked = row(lines=[{"sku": "BOOK-3", "quantity": 1}], total=usd(1))
    del asked["delivery_charge"]
    (found,) = results(world, asked, source="reseller")
    computed = found["problem"]["computed"]
    (made,) = results(world, asked | {"total": computed}, source="reseller")
    order = world.order(made["order_id"])
    assert order.lines[0].unit_price == PRODUCTS["BOOK-3"].price
    assert order.lines[0].price_source == "catalogue"
    assert order.group.charge == Money(599, "USD")
    (priced,) = results(world, row("B-2"), source="reseller")
    assert code(priced) == "invalid-request"


def test_an_account_that_has_no_room_is_told_and_nothing_is_kept(world: World) -> None:
    open_source_account(world.db, Money(row()["total"]["minor"], "USD"))
    found = results(world, row("B-1"), row("B-2"))
    assert statuses(found) == ["created", "refused"]
    assert code(found[1]) == "payment-method-unavailable"
    assert found[1]["problem"]["why_not"] == "credit_limit"


def test_promotions_of_the_shop_are_not_for_what_was_sold_elsewhere(world: World) -> None:
    put_offer(world.db, percentage("all", 1000), clock.now())
    assert statuses(results(world, row())) == ["created"]


@pytest.mark.parametrize(
    ("text", "status"),
    [("", 400), ("\n \n", 400), ("{}\n" * 101, 413), ("x" * (256 * 1024 + 1), 413)],
)
def test_a_request_without_rows_or_with_too_many(world: World, text: str, status: int) -> None:
    assert send(world, text)["statusCode"] == status


def test_a_source_that_the_shop_has_not_is_not_there(world: World) -> None:
    assert send(world, lines([row()]), "elsewhere")["statusCode"] == 404


def test_a_source_of_another_machine_is_not_there_either(world: World) -> None:
    """Nor is it for a machine of no source; admins may speak for every one."""
    results(world, row())
    theirs = {"source": SOURCE, "external_id": "B-1"}
    for claims in (STRANGER, STRANGER | {"cognito:groups": "integration"}):
        assert send(world, lines([row("B-2")]), claims=claims)["statusCode"] == 404
        assert world.call("GET", RESOURCE, theirs, claims=claims)["statusCode"] == 404
        one = world.call("GET", RESOURCE + "/{external_id}", theirs, claims=claims)
        assert one["statusCode"] == 404
    assert get_order(world.db, order_id_of(SOURCE, "B-2")) is None
    admin = {"sub": "admin", "cognito:groups": "admin"}
    assert ok(send(world, lines([row("B-2")]), claims=admin))["created"] == 1


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_makes_one_order(world: World, done: bool) -> None:
    def request() -> Answer:
        return send(world, lines([row()]))

    answer = world.breaking("transact_write_items", done=done, request=request)
    assert answer["statusCode"] == 503
    (found,) = results(world, row())
    assert found["status"] == ("known" if done else "created")
    account = get_account(world.db, ACCOUNT)
    assert account is not None and account.open == row()["total"]["minor"]


def test_what_a_row_costs_in_calls(world: World) -> None:
    def imported(*rows: Row) -> list[str]:
        answer, calls = world.counting(lambda: send(world, lines(rows)))
        ok(answer)
        return calls

    imported(row("warm"))
    each = ["BatchGetItem", "GetItem", "TransactWriteItems"]  # facts, the account, the order
    assert imported(*(row(f"B-{n}") for n in range(3))) == ["BatchGetItem", *each * 3]
    assert imported(*(row(f"B-{n}") for n in range(3))) == ["BatchGetItem"]


def test_how_an_order_is_doing_by_its_sources_id(world: World) -> None:
    (found,) = results(world, row("B/1"))
    resource = RESOURCE + "/{external_id}"
    path = {"source": SOURCE, "external_id": "B%2F1"}
    seen = ok(world.call("GET", resource, path, claims=ROBOT))
    assert (seen["order_id"], seen["state"]) == (found["order_id"], "confirmed")
    assert seen["parcels"] == [] and seen["cancelled"] == []
    missing = world.call("GET", resource, path | {"external_id": "B-2"}, claims=ROBOT)
    assert missing["statusCode"] == 404


def test_the_feed_tells_each_change_once_it_is_settled(world: World) -> None:
    def asked(cursor: str | None = None) -> tuple[list[tuple[str, str]], Answer]:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = ok(world.call("GET", RESOURCE, {"source": SOURCE}, claims=ROBOT, query=query))
        return [(each["external_id"], each["state"]) for each in page["orders"]], page

    results(world, *(row(f"B-{n}") for n in range(3)))
    results(world, row("B-9"), source="patient")
    assert asked()[0] == []
    clock.travel(SETTLED)
    first, page = asked()
    assert page["more"]
    rest, page = asked(page["next_cursor"])
    assert sorted(first + rest) == [(f"B-{n}", "confirmed") for n in range(3)]
    assert not page["more"]
    assert asked(page["next_cursor"])[0] == []

    (known,) = results(world, row("B-1"))
    dossier = dossier_of(world.db, known["order_id"])
    made = cancel(dossier.order, dossier.shipments, "customer", SYSTEM, clock.now())
    save(world.db, made, clock.now())
    forgotten = erase(made.order, clock.now())  # before the source has asked
    assert forgotten is not None
    save(world.db, forgotten, clock.now())
    clock.travel(SETTLED)
    again, page = asked(page["next_cursor"])
    assert again == [("B-1", "cancelled")]
    assert asked(page["next_cursor"])[0] == []
    assert sorted(external for external, _ in asked()[0] + asked(asked()[1]["next_cursor"])[0]) == [
        f"B-{n}" for n in range(3)
    ]


def test_a_cursor_leads_through_its_own_source_only(world: World) -> None:
    page = ok(world.call("GET", RESOURCE, {"source": SOURCE}, claims=ROBOT))
    query = {"cursor": page["next_cursor"]}
    refused = world.call("GET", RESOURCE, {"source": "patient"}, claims=ROBOT, query=query)
    assert refused["statusCode"] == 400
    unknown = world.call("GET", RESOURCE, {"source": "nobody"}, claims=ROBOT)
    assert unknown["statusCode"] == 404


def test_what_was_sold_elsewhere_may_be_less_than_is_sold_here(world: World) -> None:
    dozen = replace(PRODUCTS["BOOK-3"], min_quantity=12, quantity_step=12)
    catalogue.upsert(world.db, [dozen], clock.now())
    asked = row(lines=[{"sku": "BOOK-3", "quantity": 1}], total=usd(1)) | {"delivery_charge": None}
    (found,) = results(world, asked, source="reseller")
    (made,) = results(world, asked | {"total": found["problem"]["computed"]}, source="reseller")
    assert made["status"] == "created"


def test_a_limited_promotion_counts_for_a_reseller(world: World) -> None:
    audience = Audience(accounts=(ACCOUNT,))
    put_offer(world.db, percentage("few", 1000, audience=audience, limit=1), clock.now())
    asked = row(lines=[{"sku": "BOOK-3", "quantity": 1}], total=usd(1)) | {"delivery_charge": None}
    (found,) = results(world, asked, source="reseller")
    (made,) = results(world, asked | {"total": found["problem"]["computed"]}, source="reseller")
    assert world.order(made["order_id"]).lines[0].discounts[0].id == "few"
    (usual,) = results(world, asked | {"external_id": "B-2"}, source="reseller")
    assert usual["problem"]["computed"]["minor"] > found["problem"]["computed"]["minor"]


# --- kits ----------------------------------------------------------------------------------------

SET = Product("SET", "Tea for two", Money(2500, "USD"), components={"MUG-1": 2, "TEA-9": 1})


def sold_set(quantity: int, each: int, **other: Any) -> Row:
    """A row of kits alone, without delivery charge; the mugs are taxed, the tea is not."""
    line = {"sku": SET.sku, "quantity": quantity, "unit_price": usd(each)}
    return row() | {"lines": [line], "delivery_charge": usd(0), **other}


@pytest.mark.parametrize(
    ("each", "mugs", "tea"),
    [(2500, 1867 * 2, 633 * 2), (3469, 2590 * 2, 879 * 2), (5000, 3733 * 2, 1267 * 2)],
)
def test_a_kit_that_was_sold_elsewhere_is_taken_apart_at_its_price(
    world: World, each: int, mugs: int, tea: int
) -> None:
    """For less than its components cost here, for as much, for more: what they come to is that."""
    catalogue.upsert(world.db, [SET], clock.now())
    taxed = (mugs * 700 + 5_000) // 10_000
    (found,) = results(world, sold_set(2, each, total=usd(2 * each + taxed)))
    assert found["status"] == "created", found
    order = world.order(found["order_id"])
    assert {line.sku: (line.quantity, line.net.minor) for line in order.lines} == {
        "MUG-1": (4, mugs),
        "TEA-9": (2, tea),
    }
    assert [(kit.quantity, kit.unit_price.minor) for kit in order.kits] == [(2, each)]
    assert world.reserved("MUG-1") + world.reserved("TEA-9") == 6
    shown = ok(
        world.call(
            "GET",
            f"{RESOURCE}/{{external_id}}",
            {"source": SOURCE, "external_id": "B-1"},
            claims=ROBOT,
        )
    )
    assert shown["kits"] == [{"sku": "SET", "quantity": 2, "components": SET.components}]


@pytest.mark.parametrize(
    ("kit", "quantity", "why", "pointer"),
    [
        (replace(SET, active=False), 1, "not-sellable", "/lines/0/sku"),
        (replace(SET, components={"GONE": 1}), 1, "not-sellable", "/lines/0/sku"),
        (SET, 500, "quantity-limit", "/lines/0/quantity"),
        (SET, 6, "out-of-stock", "/lines"),
    ],
)
def test_a_row_with_a_kit_that_cannot_be_is_refused_by_its_line(
    world: World, kit: Product, quantity: int, why: str, pointer: str
) -> None:
    catalogue.upsert(world.db, [kit], clock.now())
    count(world.db, "TEA-9", "dc-1", 3, clock.now(), "found fewer")
    before = world.dump()
    taxed = (3734 // 2 * quantity * 700 + 5_000) // 10_000
    refused, good = results(
        world, sold_set(quantity, 2500, total=usd(2500 * quantity + taxed)), row("B-2")
    )
    assert (refused["status"], code(refused)) == ("refused", why)
    assert refused["problem"]["pointer"] == pointer
    assert good["status"] == "created"
    assert len(world.dump()) > len(before)


def test_a_kit_that_costs_more_than_its_components_beside_it_is_refused(world: World) -> None:
    catalogue.upsert(world.db, [replace(SET, components={"BOOK-3": 1})], clock.now())
    wrong = row()
    wrong["lines"].append({"sku": "SET", "quantity": 1, "unit_price": usd(1201)})
    (found,) = results(world, wrong)
    assert (code(found), found["problem"]["pointer"]) == ("invalid-request", "/lines/1/unit_price")


def test_a_reseller_sells_kits_at_the_shops_price(world: World) -> None:
    catalogue.upsert(world.db, [SET], clock.now())
    sold = sold_set(1, 0)
    del sold["delivery_charge"], sold["lines"][0]["unit_price"]
    (found,) = results(world, sold | {"total": usd(1)}, source="reseller")
    assert code(found) == "total-mismatch"
    total = found["problem"]["computed"]["minor"]
    (found,) = results(world, sold | {"total": usd(total)}, source="reseller")
    assert found["status"] == "created"
    assert world.order(found["order_id"]).kits[0].unit_price.minor == 2500


def limited_kits(world: World, sku: str, units: int, days: int) -> None:
    """The marketplace sells a buyer so many units of an article, or kits."""
    catalogue.upsert(world.db, [SET], clock.now())
    limits = {sku: PurchaseLimit(units, days)}
    put_switches(world.db, "marketplace", Switches(purchase_limits=limits))
    world.db.memory.clear()


def set_row(number: int, quantity: int = 1) -> Row:
    tax = (1867 * quantity * 700 + 5_000) // 10_000
    total = usd(2500 * quantity + tax)
    return sold_set(quantity, 2500, external_id=f"B-{number}", total=total)


@pytest.mark.parametrize("days", [1, 7])
def test_what_kits_have_of_an_article_counts_for_its_limit(world: World, days: int) -> None:
    """In the same request the row after it is taken in all the same."""
    limited_kits(world, "MUG-1", 2, days)
    assert statuses(results(world, set_row(1))) == ["created"]
    clock.travel(timedelta(days=days // 2))
    second, other = results(world, set_row(2), row("B-3"))
    assert (second["status"], code(second)) == ("refused", "purchase-limit")
    assert other["status"] == "created"


@pytest.mark.parametrize("sku", ["SET", "TEA-9"])
def test_a_refusal_about_a_kit_or_its_component_points_at_its_line(world: World, sku: str) -> None:
    limited_kits(world, sku, 1, 7)
    (found,) = results(world, set_row(1, 2))
    assert found["problem"]["pointer"].startswith("/lines/0")
