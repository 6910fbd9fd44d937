"""Credit notes: the frozen shares of what is given back, in any steps, never more than invoiced."""

from __future__ import annotations

from collections import Counter as Count
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from parcelway.domain.commands import Command, repeated
from parcelway.domain.credit_notes import Wanted, credit, left
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.invoice import Invoice
from parcelway.domain.invoicing import Counter, breakdown
from parcelway.domain.ledger import balances
from parcelway.domain.money import Money, total
from parcelway.domain.order import Order
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shares import units_share
from parcelway.domain.shipment import Shipment

from tests.domain.test_invoicing import issued, split_orders
from tests.orders import at

FINANCE = Actor("staff", "f1")
Split = tuple[Order, list[Shipment], Facts]


class Desk:
    """Somebody who issues credit notes of one order, one after the other."""

    def __init__(self, order: Order, facts: Facts) -> None:
        self.order, self.facts = order, facts
        self.notes: list[Invoice] = []
        self.made: list[Decision] = []

    def credit(self, invoice: Invoice, wanted: Wanted, key: str = "") -> Invoice:
        counter = Counter("CRN", len(self.notes))
        asked = Command(key, "asked") if key else None
        made = credit(
            self.order, invoice, self.notes, wanted, counter, self.facts, "Broken", FINANCE, asked
        )
        (note,) = made.credit_notes
        self.order = made.order
        self.made.append(made)
        self.notes.append(note)
        return note

    def of(self, invoice: Invoice) -> list[Invoice]:
        return [note for note in self.notes if note.refers_to == invoice.number]


def contents(invoice: Invoice) -> Count[int]:
    """The units an invoice has, by order line."""
    units = Count[int]()
    for line in invoice.lines:
        if line.line:
            units[line.line] += line.quantity
    return units


def has_charge(invoice: Invoice) -> bool:
    return any(line.kind == "shipping" for line in invoice.lines)


@given(split_orders(), st.data())
def test_crediting_everything_in_any_steps_gives_back_exactly_what_was_invoiced(
    split: Split, data: st.DataObject
) -> None:
    order, parcels, facts = split
    invoices = issued(order, parcels, facts)
    desk = Desk(order, facts)
    steps = [
        (invoice, Wanted({number: 1}))
        for invoice in invoices
        for number, units in contents(invoice).items()
        for _ in range(units)
    ]
    steps += [(invoice, Wanted(shipping=True)) for invoice in invoices if has_charge(invoice)]
    assume(len(steps) <= 60)
    for invoice, wanted in data.draw(st.permutations(steps)):
        desk.credit(invoice, wanted)
    for invoice in invoices:
        notes = desk.of(invoice)
        for part in ("net", "tax", "gross"):
            given_back = total((getattr(note, part) for note in notes), order.currency)
            assert given_back == getattr(invoice, part)
        assert all(not each.net and not each.tax for each in left(invoice, desk.notes))
        with pytest.raises(Refusal) as refusal:
            desk.credit(invoice, Wanted(amount=Money(1, order.currency)))
        assert refusal.value.reason is Reason.CREDIT_LIMIT
    assert [note.sequence for note in desk.notes] == list(range(1, len(steps) + 1))


@given(split_orders(), st.data())
def test_units_are_credited_at_their_frozen_shares(split: Split, data: st.DataObject) -> None:
    """Which units of the line these are follows from the invoices, not from the steps."""
    order, parcels, facts = split
    invoice = data.draw(st.sampled_from(issued(order, parcels, facts)))
    desk, lines = Desk(order, facts), {line.number: line for line in order.lines}
    number, units = data.draw(st.sampled_from(sorted(contents(invoice).items())))
    before = data.draw(st.integers(0, units - 1))
    if before:
        desk.credit(invoice, Wanted({number: before}))
    note = desk.credit(invoice, Wanted({number: data.draw(st.integers(1, units - before))}))
    of_group = lines[number].share(invoice.group)
    for line in note.lines:
        whole = lines[number].units(invoice.group)
        span = (whole, line.units_from, line.units_from + line.quantity)
        assert line.net == units_share(of_group.net, *span)
        assert line.tax == units_share(of_group.tax, *span)
    taken = [n for made in desk.notes for ln in made.lines for n in range(*_span(ln))]
    invoiced = [n for ln in invoice.lines if ln.line == number for n in range(*_span(ln))]
    assert taken == invoiced[: len(taken)]


def _span(line: object) -> tuple[int, int]:
    first: int = line.units_from  # type: ignore[attr-defined]
    return first, first + line.quantity  # type: ignore[attr-defined]


@given(split_orders(), st.data())
def test_never_is_more_credited_at_a_rate_than_was_invoiced(
    split: Split, data: st.DataObject
) -> None:
    """Whatever mix of units, shipping and goodwill is asked for, and in whatever order."""
    order, parcels, facts = split
    invoices = issued(order, parcels, facts)
    desk = Desk(order, facts)
    for _ in range(data.draw(st.integers(1, 8))):
        invoice = data.draw(st.sampled_from(invoices))
        amount = data.draw(st.none() | st.integers(1, invoice.gross.minor + 2))
        units = data.draw(st.dictionaries(st.sampled_from(sorted(contents(invoice))), UNITS))
        wanted = Wanted(
            units, data.draw(st.booleans()), Money(amount, order.currency) if amount else None
        )
        try:
            note = desk.credit(invoice, wanted)
        except Refusal as refusal:
            assert refusal.reason in (Reason.CREDIT_LIMIT, Reason.INVALID)
            continue
        if amount:
            goodwill = [ln.net + ln.tax for ln in note.lines if ln.kind == "goodwill"]
            assert total(goodwill, order.currency) == Money(amount, order.currency)
        assert note.taxes == breakdown(note.lines, order.currency)
        assert note.gross == note.net + note.tax
        assert note.net == total((line.net for line in note.lines), order.currency)
    for invoice in invoices:
        notes = desk.of(invoice)
        back = breakdown([ln for note in notes for ln in note.lines], order.currency)
        charged = {each.rate: each for each in invoice.taxes}
        for each in back:
            assert each.net <= charged[each.rate].net
            assert each.tax <= charged[each.rate].tax
        assert all(min(ln.net.minor, ln.tax.minor) >= 0 for note in notes for ln in note.lines)


UNITS = st.integers(1, 4)


def test_the_books_take_back_what_was_earned() -> None:
    story = at("invoiced")
    (invoice,) = story.invoices
    desk = Desk(story.order, story.facts)
    shipping = next(ln for ln in invoice.lines if ln.kind == "shipping")
    desk.credit(invoice, Wanted(dict(contents(invoice)), shipping=True))
    (posting,) = desk.made[0].postings
    assert posting.reference == "credit_note:CRN-000001"
    sums = balances([posting])
    assert sums["receivables"] == -invoice.gross.minor
    assert sums["revenue_shipping"] == shipping.net.minor
    assert sums["revenue_goods"] == invoice.net.minor - shipping.net.minor
    for each in invoice.taxes:
        assert sums.get(f"tax_payable:{each.rate}", 0) == each.tax.minor
    posted = [each for made, _ in story.decisions for each in made.postings]
    left = {name for name, minor in balances([*posted, posting]).items() if minor}
    assert left == {"cost_of_goods_sold", "inventory"}  # the goods are still gone


def test_it_says_what_it_is_and_why_and_of_what() -> None:
    story = at("invoiced", language="de")
    (invoice,) = story.invoices
    desk = Desk(story.order, story.facts)
    note = desk.credit(invoice, Wanted(shipping=True), "key-1")
    assert (note.kind, note.number, note.reason) == ("credit_note", "CRN-000001", "Broken")
    assert (note.refers_to, note.refers_to_issued) == (invoice.number, invoice.issued_at)
    assert (note.seller, note.buyer, note.language) == (invoice.seller, invoice.buyer, "de")
    (event,) = desk.made[0].events
    assert (event.type, event.actor) == ("credit_note.issued", FINANCE)
    assert event.data == {
        "shipment": invoice.shipment_id,
        "number": note.number,
        "invoice": invoice.number,
        "gross": note.gross.minor,
    }
    assert note.command == "key-1"
    assert repeated(desk.order, Command("key-1", "asked"))
    assert desk.order.version == story.order.version + 1


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(), Reason.INVALID),
        (Wanted({1: 0}), Reason.INVALID),
        (Wanted({9: 1}), Reason.INVALID),
        (Wanted({0: 1}), Reason.INVALID),
        (Wanted({1: 4}), Reason.CREDIT_LIMIT),
        (Wanted(amount=Money(0, "USD")), Reason.INVALID),
        (Wanted(amount=Money(100, "EUR")), Reason.INVALID),
        (Wanted(amount=Money(8616, "USD")), Reason.CREDIT_LIMIT),
        (Wanted({1: 3}, amount=Money(8000, "USD")), Reason.CREDIT_LIMIT),
    ],
)
def test_what_cannot_be_credited_is_refused(wanted: Wanted, reason: Reason) -> None:
    story = at("invoiced")
    (invoice,) = story.invoices
    assert invoice.gross == Money(8615, "USD")
    with pytest.raises(Refusal) as refusal:
        Desk(story.order, story.facts).credit(invoice, wanted)
    assert refusal.value.reason is reason
    if reason is Reason.CREDIT_LIMIT:
        assert refusal.value.facts["left"] == {"minor": 8615, "currency": "USD"}


def test_goodwill_leaves_less_for_the_units() -> None:
    story = at("invoiced")
    (invoice,) = story.invoices
    desk = Desk(story.order, story.facts)
    desk.credit(invoice, Wanted(amount=Money(500, "USD")))
    with pytest.raises(Refusal) as refusal:
        desk.credit(invoice, Wanted(dict(contents(invoice)), shipping=True))
    assert refusal.value.facts["left"] == {"minor": 8115, "currency": "USD"}
    rest = desk.credit(invoice, Wanted(amount=Money(8115, "USD")))
    assert rest.tax == invoice.tax - desk.notes[0].tax


def test_an_invoice_kept_before_its_lines_told_their_units_is_credited_by_amount() -> None:
    story = at("invoiced")
    (invoice,) = story.invoices
    old = replace(invoice, lines=tuple(replace(ln, line=0) for ln in invoice.lines), group="")
    desk = Desk(story.order, story.facts)
    with pytest.raises(Refusal):
        desk.credit(old, Wanted({1: 1}))
    assert desk.credit(old, Wanted(amount=old.gross)).tax == old.tax


def test_shipping_is_credited_once_and_only_where_it_was_charged() -> None:
    story = at("invoiced")
    (invoice,) = story.invoices
    desk = Desk(story.order, story.facts)
    goods = replace(invoice, lines=tuple(ln for ln in invoice.lines if ln.kind == "goods"))
    with pytest.raises(Refusal):
        desk.credit(goods, Wanted(shipping=True))
    note = desk.credit(invoice, Wanted(shipping=True))
    with pytest.raises(Refusal):
        desk.credit(invoice, Wanted(shipping=True))
    assert [ln.kind for ln in note.lines] == ["shipping"]
