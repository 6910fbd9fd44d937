"""VAT numbers and certificates over HTTP: what they do to a cart's tax, and who may say them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import delivery
from parcelway.domain.decision import Decision
from parcelway.domain.eu_vat import issuer
from parcelway.domain.ids import derived
from parcelway.domain.order import totals
from parcelway.domain.refusals import Refusal
from parcelway.http.vat_numbers import vat_number
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.saving import save

from tests.functions.tables import aws
from tests.functions.worlds import Answer, World, ok, refused
from tests.orders import HOME, PRODUCTS, SELLER, SHOP, Story, at, dossier_of, store

PARIS = replace(SELLER.address, country="FR", postal_code="75001", region="")
BERLIN = replace(HOME, country="DE", postal_code="10115", region="")
FRENCH = replace(SHOP.settings, seller=replace(SELLER, address=PARIS), prices_include_tax=True)
_TAX_ID, _EXEMPTION = "/carts/{cart_id}/tax-id", "/staff/carts/{cart_id}/tax-exemptions/{region}"
FINANCE = {"sub": "sub-fin", "email": "fin@shop.example", "cognito:groups": "[finance]"}
CSR = {"sub": "sub-csr", "email": "csr@shop.example", "cognito:groups": "[csr]"}
CERTIFICATE = {"certificate": "E-1", "reason": "VATEX-EU-151", "valid_from": "2026-01-01"}


class Buyer:
    """The cart of a French shop, sent to Berlin, and those who say something of its tax."""

    def __init__(self, world: World) -> None:
        self.world = world
        story = at("draft", shop=replace(SHOP, settings=FRENCH))
        self.id, self.token = store(world.db, story).id, story.token
        sent = delivery.deliver_to(story.order, BERLIN, "standard", "", story.facts)
        save(world.db, sent, clock.now())

    def say(self, tax_id: str, token: str = "") -> Answer:
        path, body = {"cart_id": self.id}, {"tax_id": tax_id}
        return self.world.call("PUT", _TAX_ID, path, body, cart_token=token or self.token)

    def forget(self) -> Answer:
        return self.world.call("DELETE", _TAX_ID, {"cart_id": self.id}, cart_token=self.token)

    def exempt(self, region: str = "DE", who: Mapping[str, str] = FINANCE, **more: Any) -> Answer:
        path = {"cart_id": self.id, "region": region}
        return self.world.call("PUT", _EXEMPTION, path, CERTIFICATE | more, claims=who)

    def charge(self, region: str = "DE") -> Answer:
        path = {"cart_id": self.id, "region": region}
        return self.world.call("DELETE", _EXEMPTION, path, claims=FINANCE)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with aws(monkeypatch) as db:
        catalogue.upsert(db, PRODUCTS.values(), clock.now())
        yield World(db, "taxes")


def test_a_business_in_another_state_pays_the_price_without_its_tax(world: World) -> None:
    buyer = Buyer(world)
    before = totals(world.order(buyer.id))
    assert before.tax.minor > 0
    seen = ok(buyer.say("de 136-695-976"))
    assert seen["tax_id"] == "DE136695976"
    assert seen["totals"]["tax"]["minor"] == 0
    assert seen["totals"]["goods"]["minor"] == before.goods.minor
    lines = [line for each in seen["deliveries"] for line in each["lines"]]
    assert {(ln["tax_code"], ln["tax_reason"]) for ln in lines} == {("K", "VATEX-EU-IC")}
    assert seen["deliveries"][0]["charge_tax_code"] == "K"
    assert totals(world.order(buyer.id)).tax.minor == 0
    assert ok(buyer.forget())["totals"]["tax"]["minor"] == before.tax.minor
    assert ok(buyer.forget())["tax_id"] == ""


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("GR 094259216", "EL094259216"),
        ("EL094259216", "EL094259216"),
        ("xi110305878", "XI110305878"),
    ],
)
def test_a_number_has_one_spelling(world: World, written: str, kept: str) -> None:
    assert ok(Buyer(world).say(written))["tax_id"] == kept


@pytest.mark.parametrize(
    "number", ["DE136695977", "136695976", "GB110305878", "CHE100155212", "DE"]
)
def test_what_is_no_number_of_a_member_state_changes_nothing(world: World, number: str) -> None:
    buyer = Buyer(world)
    before = world.dump()
    assert refused(buyer.say(number), 422, "invalid-request")["pointer"] == "/tax_id"
    assert world.dump() == before


@given(st.text(max_size=30) | st.from_regex(r"[A-Z]{2}[0-9A-Z]{0,12}", fullmatch=True))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = vat_number(text)
    except Refusal as refusal:
        assert refusal.pointer == "/tax_id"
    else:
        assert number == vat_number(number)
        assert issuer(number)


def test_the_shop_s_own_state_s_number_is_kept_and_relieves_of_nothing(world: World) -> None:
    buyer = Buyer(world)
    before = totals(world.order(buyer.id)).tax.minor
    seen = ok(buyer.say("FR40303265045"))
    assert (seen["tax_id"], seen["totals"]["tax"]["minor"]) == ("FR40303265045", before)


def test_the_same_again_is_no_new_version(world: World) -> None:
    buyer = Buyer(world)
    first = ok(buyer.say("DE136695976"))
    assert ok(buyer.say("DE136695976")) == first
    kept = ok(buyer.exempt())
    assert ok(buyer.exempt()) == kept


def test_a_certificate_counts_where_and_while_it_is_valid(world: World) -> None:
    buyer = Buyer(world)
    before = totals(world.order(buyer.id)).tax.minor
    assert ok(buyer.exempt("US"))["totals"]["tax"]["minor"] == before
    past = {"valid_from": "2020-01-01", "valid_until": "2020-12-31"}
    assert ok(buyer.exempt(**past))["totals"]["tax"]["minor"] == before
    assert ok(buyer.exempt())["totals"]["tax"]["minor"] == 0
    assert [each.region for each in world.order(buyer.id).tax_exemptions] == ["US", "DE"]
    event = dossier_of(world.db, buyer.id).events[-1]
    assert (event.type, event.actor.id) == ("order.tax_exempted", "sub-fin")
    assert "E-1" not in str(event.data)
    assert ok(buyer.charge())["totals"]["tax"]["minor"] == before
    version = world.order(buyer.id).version
    ok(buyer.charge())
    assert world.order(buyer.id).version == version


@pytest.mark.parametrize(
    ("region", "more", "pointer"),
    [
        ("Germany", {}, None),
        ("DE", {"valid_until": "2025-12-31"}, "/valid_until"),
        ("DE", {"valid_from": "soon"}, "/valid_from"),
        ("DE", {"certificate": ""}, "/certificate"),
    ],
)
def test_a_bad_certificate_changes_nothing(
    world: World, region: str, more: dict[str, Any], pointer: str | None
) -> None:
    buyer = Buyer(world)
    before = world.dump()
    answer = refused(buyer.exempt(region, **more), 422, "invalid-request")
    assert answer.get("pointer") == pointer
    assert world.dump() == before


def test_an_order_has_only_so_many_certificates(world: World) -> None:
    buyer = Buyer(world)
    for number in range(10):
        ok(buyer.exempt(f"US-{number}"))
    ok(buyer.exempt("US-9", reason="Other"))
    refused(buyer.exempt("US-A"), 422, "quantity-limit")


def test_only_the_holder_and_the_right_people_may(world: World) -> None:
    buyer = Buyer(world)
    refused(buyer.say("DE136695976", "another token"), 404, "not-found")
    refused(buyer.exempt(who=CSR), 403, "forbidden")
    order = world.order(buyer.id)
    own = replace(order, version=order.version + 1, customer_id=derived("cus", "sub-fin"))
    save(world.db, Decision(own), clock.now())
    refused(buyer.exempt(), 403, "four-eyes")


def test_a_placed_order_s_tax_is_frozen(world: World) -> None:
    buyer = Buyer(world)
    story = Story(seed="9").filled().placed()
    buyer.id, buyer.token = store(world.db, story).id, story.token
    refused(buyer.say("DE136695976"), 409, "illegal-state")
    refused(buyer.exempt(), 409, "illegal-state")
