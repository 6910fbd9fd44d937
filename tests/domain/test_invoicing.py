"""Invoices: numbered without a gap, and together exactly what the order came to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import delivery
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice
from parcelway.domain.invoicing import Counter, breakdown, issue
from parcelway.domain.money import Money, total
from parcelway.domain.order import Order, totals
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment, ShipmentLine

from tests.domain.strategies import NOW, baskets, divisions, facts_with_plenty, filled
from tests.orders import SPLIT_STOCK, at


def parcel(number: int, left_at: datetime, lines: tuple[ShipmentLine, ...], group: str) -> Shipment:
    return Shipment(
        f"shp_{number}",
        "ord_test",
        1,
        group,
        "n1",
        "delivery",
        "shipped",
        lines,
        NOW,
        shipped_at=left_at,
    )


@st.composite
def split_orders(draw: st.DrawFn) -> tuple[Order, list[Shipment], Facts]:
    """An order of any shop to one or several places, the units of each place cut in any way over
    one to three parcels that have left."""
    facts = draw(facts_with_plenty("on_checkout"))
    order = filled(facts, draw(baskets))
    order = delivery.divide(order, draw(divisions(order)), facts).order
    order = replace(order, placed_at=NOW)
    contents: list[tuple[str, list[ShipmentLine]]] = []
    for group in order.groups:
        boxes: list[list[ShipmentLine]] = [[] for _ in range(draw(st.integers(1, 3)))]
        contents += [(group.id, box) for box in boxes]
        for line in order.lines:
            sent = 0
            while sent < line.units(group.id):
                units = draw(st.integers(1, line.units(group.id) - sent))
                into = draw(st.sampled_from(boxes))
                into.append(ShipmentLine(line.number, line.sku, units, sent))
                sent += units
    parcels = [
        parcel(n, NOW, tuple(lines), group) for n, (group, lines) in enumerate(contents) if lines
    ]
    return order, draw(st.permutations(parcels)), facts


def issued(order: Order, parcels: list[Shipment], facts: Facts) -> list[Invoice]:
    """The invoices of the parcels, one after the other."""
    now, counter = {p.id: p for p in parcels}, Counter("INV", 41)
    invoices = []
    for shipment in parcels:
        made = issue(order, shipment, list(now.values()), counter, facts)
        assert made is not None
        assert made.invoice is not None
        order = made.order
        now |= {changed.id: changed for changed in made.shipments}
        counter = Counter(made.invoice.series, made.invoice.sequence)
        invoices.append(made.invoice)
        assert issue(order, now[shipment.id], list(now.values()), counter, facts) is None
    return invoices


@given(split_orders())
def test_the_invoices_of_any_split_add_up_to_the_order(
    made: tuple[Order, list[Shipment], Facts],
) -> None:
    order, parcels, facts = made
    invoices, sums, currency = issued(order, parcels, facts), totals(order), order.currency
    assert total((i.net for i in invoices), currency) == sums.goods + sums.shipping
    assert total((i.tax for i in invoices), currency) == sums.tax
    assert total((i.gross for i in invoices), currency) == sums.gross
    for group in order.groups:
        of_group = [
            [line for line in invoice.lines if not line.sku]
            for invoice, shipment in zip(invoices, parcels, strict=True)
            if shipment.group == group.id
        ]
        assert [len(charges) for charges in of_group[1:]] == [0] * len(of_group[1:])
        assert [charge.unit_price for charge in of_group[0]] == (
            [group.charge_price] if group.charge_price else []
        )


@given(split_orders())
def test_every_invoice_adds_up_in_itself(made: tuple[Order, list[Shipment], Facts]) -> None:
    order, parcels, facts = made
    for invoice in issued(order, parcels, facts):
        currency = invoice.currency
        assert invoice.gross == invoice.net + invoice.tax
        assert invoice.net == total((line.net for line in invoice.lines), currency)
        assert invoice.net == total((tax.net for tax in invoice.taxes), currency)
        assert invoice.tax == total((tax.tax for tax in invoice.taxes), currency)
        assert invoice.taxes == breakdown(invoice.lines, currency)
        assert [tax.rate for tax in invoice.taxes] == sorted(
            {line.tax_rate for line in invoice.lines}
        )
        assert all(line.quantity > 0 for line in invoice.lines)
        assert min([tax.tax for tax in invoice.taxes]) >= Money(0, currency)


@given(split_orders())
def test_a_part_invoices_tax_is_what_its_net_bears_within_a_unit_and_a_half_per_line(
    made: tuple[Order, list[Shipment], Facts],
) -> None:
    """The tax of a part is a frozen share, not computed anew: it may differ from rate x net by
    the rounding of each share. How far is stated here."""
    order, parcels, facts = made
    for invoice in issued(order, parcels, facts):
        for tax in invoice.taxes:
            lines = [line for line in invoice.lines if line.tax_rate == tax.rate]
            exact = Fraction(tax.net.minor * tax.rate, 10_000)
            # A share of net or tax is off by at most one unit, a line's tax by 1.5 (see pricing).
            least = Fraction(5, 2) + Fraction(tax.rate, 10_000) * Fraction(5, 2)
            assert abs(tax.tax.minor - exact) < least * len(lines)


@given(split_orders())
def test_numbers_have_no_gap(made: tuple[Order, list[Shipment], Facts]) -> None:
    order, parcels, facts = made
    invoices = issued(order, parcels, facts)
    assert [i.sequence for i in invoices] == list(range(42, 42 + len(parcels)))
    assert [i.number for i in invoices] == [f"INV-{n:06d}" for n in range(42, 42 + len(parcels))]


def test_what_has_not_left_is_not_invoiced() -> None:
    for stage in ("scheduled", "released", "packed"):
        story = at(stage)
        (shipment,) = story.shipments
        with pytest.raises(Refusal) as refusal:
            issue(story.order, shipment, story.shipments, story.counter, story.facts)
        assert refusal.value.reason is Reason.ILLEGAL_STATE


def test_an_invoice_says_who_bought_what_from_whom_and_for_how_much() -> None:
    story = at("invoiced", stock=SPLIT_STOCK, language="de")
    first, second = story.invoices
    assert first.seller == story.shop.settings.seller
    assert (first.buyer, first.billing_address) == (story.contact, story.address)
    assert {line.description for line in first.lines} >= {"Standardpaket"}
    assert all(line.sku for line in second.lines)
    assert first.tracking_number == story.order.tracking_number
    assert first.delivered_to == story.address
    posted = [posting for made, _ in story.decisions for posting in made.postings]
    told = [p.reference for p in posted if not p.reference.startswith("goods_sold:")]
    assert told == [f"invoice:{first.number}", f"invoice:{second.number}"]
