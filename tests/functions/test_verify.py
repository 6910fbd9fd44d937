"""`parcelway verify`: damage planted in the tables is named for what it is, and mended or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from parcelway.domain.credit import Claim, CreditAccount
from parcelway.domain.credit_notes import Wanted
from parcelway.domain.gift_cards import Issue, issue, new_code
from parcelway.domain.money import Money
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payout import Payout
from parcelway.domain.reconciling import OVERLAP, Progress, begin, reviewing, turned
from parcelway.domain.settlement import Settlement
from parcelway.domain.stock import Document
from parcelway.domain.stock_books import allot, announce
from parcelway.ports import clock
from parcelway.store import shards
from parcelway.store.codec import encode, iso
from parcelway.store.commit import commit
from parcelway.store.credit import account_write
from parcelway.store.gift_cards import issue_writes
from parcelway.store.ledger import partition
from parcelway.store.reconciling import save_progress
from parcelway.store.series import SHARDS, get_counter, numbers_given
from parcelway.store.stock_books import book

from infra.cli.main import main
from infra.verify import LIVE, breaks, repair
from infra.verify.case import to_case
from infra.verify.finding import KINDS, found
from infra.verify.mend import Mender
from tests.functions.damage import Shop, Tables, four_stories, mail
from tests.functions.tables import aws
from tests.orders import SPLIT_STOCK, Story, at, store


@pytest.fixture(scope="module")
def made() -> Callable[[], tuple[Tables, dict[str, Story]]]:
    """Makes the shop's tables as they were at first."""
    tables, stories = Tables(), four_stories()
    for story in stories.values():
        store(tables.db, story)
        mail(tables.db, story)
    start = tables.model.snapshot()

    def again() -> tuple[Tables, dict[str, Story]]:
        tables.model.restore(start)
        tables.calls.clear()
        return tables, dict(stories)

    return again


@pytest.fixture
def shop(made: Callable[[], tuple[Tables, dict[str, Story]]]) -> Shop:
    tables, stories = made()
    return Shop(tables.db, stories, tables.calls)


def _lose_the_entry(shop: Shop) -> None:
    shop.drop("stock", shop.item("stock", f"JRN#{shop.id('unpaid')}"))


def _hold_less(shop: Shop) -> None:
    """An unpaid order that forgot one of its holds."""
    lines = shop.part("unpaid", "ORDER")["order"]["lines"]
    lines[0]["portions"][0] |= {"stage": "open", "node": ""}
    shop.order("unpaid", lines=lines)


def _lose_the_order(shop: Shop) -> None:
    """What remains is a hold on stock that nobody has."""
    for item in shop.db.query(shop.db.orders, f"ORD#{shop.id('unpaid')}"):
        shop.drop("orders", item)


def _claim(shop: Shop) -> None:
    item = shop.part("done", "MAIL#")
    claimed = {name: item[name] for name in ("pk", "sk", "holder", "lease_until")}
    shop.put("orders", claimed | {"state": "claimed"})


def _counter(shop: Shop, by: int) -> None:
    item = shop.item("orders", "SERIES#C", "COUNTER")
    shop.put("orders", item | {"last": item["last"] + by})


def _due(shop: Shop, name: str, at: datetime) -> None:
    shop.put("orders", {"due_shard": "1"} | shop.part(name, "ORDER") | {"due_at": iso(at)})


def _without(shop: Shop, name: str, sk: str, *attributes: str) -> None:
    item = shop.part(name, sk)
    assert set(attributes) <= set(item)
    shop.put("orders", {key: value for key, value in item.items() if key not in attributes})


def _stray_parcel(shop: Shop) -> None:
    target = {"order_id": shop.id("done"), "shipment_id": "shp_none"}
    shop.put("orders", {"pk": "PCL#acme#1", "sk": "PARCEL"} | target)


PLACE = ("MUG-1", "dc-1")


def _announce(shop: Shop, number: int, quantity: int) -> None:
    due = shop.now.date() + timedelta(days=number)
    book(
        shop.db,
        f"stk_{number}_{quantity}",
        Document("supply", "w1", "f"),
        shop.now,
        [PLACE],
        lambda all_: announce(all_[PLACE], f"PO-{number}", due, quantity, shop.now),
        {},
    )


def _expect(shop: Shop, **changes: Any) -> None:
    """A balance that expects other supplies than were announced."""
    for number, quantity in ((1, 5), (2, 7), (1, 3)):
        _announce(shop, number, quantity)
    assert shop.found() == []
    item = shop.item("stock", "SKU#MUG-1", "NODE#dc-1")
    shop.put("stock", item | changes)


def _charge_a_quota(shop: Shop) -> None:
    """An order whose units count against a quota that does not know of them."""
    lines = shop.part("unpaid", "ORDER")["order"]["lines"]
    lines[0]["portions"][0] |= {"quota": "marketplace"}
    quota = (lines[0]["sku"], "quota:marketplace")
    said = Document("quota", "w1", "f")
    book(shop.db, "stk_quota", said, shop.now, [quota], lambda all_: allot(all_[quota], 50), {})
    shop.order("unpaid", lines=lines)


MENDED: dict[str, tuple[Callable[[Shop], None], set[str]]] = {
    "a counter of a balance": (lambda s: s.balance(reserved=3, available=-3), {"stock.journal"}),
    "units from nowhere": (lambda s: s.balance(on_hand=5, available=5), {"stock.journal"}),
    "available alone": (lambda s: s.balance(available=-1), {"stock.available"}),
    "a supply": (lambda s: _expect(s, supplies=[]), {"stock.supplies"}),
    "the count of supplies": (lambda s: _expect(s, supplied=9), {"stock.supplies"}),
    "a use of a quota": (_charge_a_quota, {"stock.reserved"}),
    "a whole balance": (
        lambda s: s.drop("stock", s.item("stock", "SKU#BOOK-3", "NODE#dc-2")),
        {"stock.journal", "stock.posted"},
    ),
    "a journal entry": (_lose_the_entry, {"stock.journal", "stock.reserved"}),
    "a hold": (_hold_less, {"stock.reserved", "order.index"}),
    "a tracking number": (
        lambda s: s.drop("orders", s.item("orders", s.number("done"))),
        {"lookup.missing"},
    ),
    "an invoice number's holder": (
        lambda s: s.drop("orders", s.item("orders", "NUMBERS#1#C", "0")),
        {"lookup.missing"},
    ),
    "a parcel nobody sent": (_stray_parcel, {"lookup.stray"}),
    "a counter behind": (lambda s: _counter(s, -1), {"invoice.counter"}),
    "a counter ahead": (lambda s: _counter(s, 1), {"invoice.counter"}),
    "a timer": (lambda s: _without(s, "working", "ORDER", "due_shard", "due_at"), {"order.stuck"}),
    "half a timer": (lambda s: _without(s, "unpaid", "ORDER", "due_at"), {"order.stuck"}),
    "a timer in the far future": (
        lambda s: _due(s, "working", s.now + timedelta(days=365)),
        {"order.stuck"},
    ),
    "a timer too many": (lambda s: _due(s, "done", s.now), {"order.timer"}),
    "held SKUs": (lambda s: _without(s, "unpaid", "ORDER", "held_skus"), {"order.index"}),
    "work at a node": (
        lambda s: _without(s, "working", "SHP#", "queue", "queued_at"),
        {"shipment.queue"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", MENDED)
def test_damage_is_named_mended_and_gone(shop: Shop, damage: str) -> None:
    plant, kinds = MENDED[damage]
    plant(shop)
    found = shop.found()
    assert {broken.kind for broken in found} == kinds
    assert all(broken.repair for broken in found)
    told = repair(shop.db, found, shop.now)
    assert not [line for line in told if "not mended" in line]
    assert shop.found() == []
    before = shop.dump()
    repair(shop.db, found, shop.now)
    assert shop.dump() == before


def _lose_mail(shop: Shop) -> None:
    shop.drop("orders", shop.part("done", "MAIL#"))


@pytest.mark.parametrize(
    ("plant", "kind"), [(_lose_mail, "mail.missing"), (_claim, "mail.claimed")]
)
def test_a_mail_that_was_not_sent_is_asked_for_again(
    shop: Shop, plant: Callable[[Shop], None], kind: str
) -> None:
    plant(shop)
    found = shop.found()
    assert [broken.kind for broken in found] == [kind]
    (told,) = repair(shop.db, found, shop.now)
    assert "not mended" in told  # there is no bus
    (told,) = repair(shop.db, found, shop.now, bus=shop)
    assert [event.order_id for event in shop.published] == [shop.id("done")] * len(
        shop.stories["done"].events
    )


def test_a_parcel_without_an_invoice_has_its_execution_told_again(shop: Shop) -> None:
    late = at("shipped", seed="9", series="E")
    store(shop.db, late)
    mail(shop.db, late)
    shop.stories["late"] = late
    found = shop.found()
    assert [(broken.kind, broken.subject) for broken in found] == [
        ("invoice.missing", late.order.id)
    ]
    repair(shop.db, found, shop.now, bus=shop)
    assert "shipment.shipped" in {event.type for event in shop.published}


def test_the_stock_of_an_order_that_is_lost_is_given_back(shop: Shop) -> None:
    _lose_the_order(shop)
    found = shop.found()
    assert {broken.kind for broken in found} == {"lookup.stray", "stock.reserved"}
    assert shop.number("unpaid") in {broken.subject for broken in found}
    repair(shop.db, found, shop.now)
    assert shop.found() == []
    assert shop.item("stock", "SKU#TEA-9", "NODE#dc-1")["reserved"] == 0


def _post(shop: Shop, **changes: int) -> None:
    """Change what a posting of an order says, by account."""
    item = shop.item("ledger", f"ORD#{shop.id('done')}", "POST#invoice")
    for entry in item["posting"]["entries"]:
        entry["debit"] += changes.get(entry["account"], 0)
    shop.put("ledger", item)


def _refund_too_much(shop: Shop) -> None:
    item = shop.part("done", "PAY#")
    shop.put("orders", item | {"payment": item["payment"] | {"refunded": 10**7}})
    shop.order("done", refunded=10**7, payment_status="partially_refunded")
    case = to_case(shop.db, shop.db.query(shop.db.orders, f"ORD#{shop.id('done')}"), shop.now)
    assert case is not None
    shop.put("orders", dict(case.wanted[case.pk, "ORDER"]))  # in the index of debts, as it would be


def _issue_twice(shop: Shop) -> None:
    """A second invoice for the same parcel, in all its glory but for its place in the timeline."""
    item = shop.part("done", "INV#")
    number = {"number": "C-000003", "sequence": 3}
    shop.put("orders", item | {"sk": "INV#C-000003", "invoice": item["invoice"] | number})
    held = {"pk": "NUMBERS#3#C", "sk": f"{3:012d}", "order_id": shop.id("done")}
    shop.put("orders", held)
    shop.put("orders", {"pk": "SERIES#C", "sk": "COUNTER", "last": 3})


def _lead_astray(shop: Shop) -> None:
    item = shop.item("orders", shop.number("done"))
    shop.put("orders", item | {"order_id": shop.id("off")})


def _skip_a_number(shop: Shop) -> None:
    item = shop.item("orders", "NUMBERS#2#C", "000000000002")
    shop.put("orders", {"pk": "NUMBERS#3#D", "sk": f"{3:012d}", "order_id": item["order_id"]})


def _status(shop: Shop) -> None:
    item = shop.part("done", "SHP#")
    shop.put("orders", item | {"shipment": item["shipment"] | {"status": "shipped"}})


def _extra_mail(shop: Shop) -> None:
    shop.put("orders", shop.part("done", "MAIL#") | {"sk": f"MAIL#{1:012d}#order.confirmed"})


def _settled(shop: Shop, net: int) -> dict[str, Any]:
    """A payout of which nothing but the header is there."""
    paid = Payout("po_1", "stripe", Money(5, "USD"), "paid", shop.now, shop.now.date())
    known = Settlement(paid, "settled", 3, "main", net=net)
    key = {"pk": "PAYOUT#po_1", "sk": "PAYOUT"}
    return key | {"version": 3, "settlement": encode(known)}


def _claim_of(shop: Shop, **changes: Any) -> None:
    """A business account in use for a claim of an order that knows nothing of it."""
    claim = Claim("acc_x_1", 1, "ord_x", 1, "acme", Money(500, "USD"), 30, "PW-X")
    claim = replace(claim, status="authorized", authorized=500)
    account = replace(CreditAccount("acme", 1, "USD", 900, 30, open=500), **changes)
    commit(shop.db.client, [account_write(shop.db, account)])
    item = {"pk": "CLAIM#acc_x_1", "sk": "CLAIM", "version": 1, "claim": encode(claim)}
    shop.put("ledger", item)


def _gift_card(shop: Shop, sk: str = "CARD", balance: int = 0) -> dict[str, Any]:
    """An item of a new gift card, which has `balance` more on it than it should."""
    wanted = Issue("gift_card", Money(500, "USD"), "late")
    change, posting = issue(wanted, new_code("x"), "", "USD", SYSTEM, shop.now)
    commit(shop.db.client, issue_writes(shop.db, change, posting))
    item = shop.item("ledger", partition(change.card.id), sk)
    if balance:
        item["card"]["balance"] += balance
    return item


def _kit(**changed: Any) -> dict[str, Any]:
    """A kit at what its components cost alone, as it is kept."""
    price = {"minor": 1295, "currency": "USD"}
    kept = {"sku": "K", "name": "Kit", "quantity": 1, "components": {"MUG-1": 1}}
    return kept | {"unit_price": price} | changed


NAMED: dict[str, tuple[Callable[[Shop], None], set[str]]] = {
    "less than nothing in the journal": (
        lambda s: s.drop("stock", s.item("stock", "JRN#opening BOOK-3 dc-2")),
        {"stock.journal"},
    ),
    "less than nothing in the balance": (
        lambda s: s.balance(on_hand=-200, available=-200),
        {"stock.journal", "stock.negative"},
    ),
    "a parcel that no order counts on": (
        lambda s: s.put("stock", {"pk": "CAP#dc-1", "sk": "2026-11-17", "taken": 1}),
        {"capacity.taken"},
    ),
    "a use that no order made": (
        lambda s: s.put("orders", {"pk": "USE#CODE#ONCE", "sk": "USES", "used": 1}),
        {"uses.counted"},
    ),
    "an authorization": (lambda s: s.order("working", authorized=1), {"money.payments"}),
    "more refunded than captured": (
        _refund_too_much,
        {"money.chain", "money.ledger"},
    ),
    "a payment status": (lambda s: s.order("done", payment_status="none"), {"money.status"}),
    "what a bank took": (lambda s: s.order("done", charged_back=1), {"money.disputes"}),
    "a payout that does not add up": (
        lambda s: s.put("ledger", _settled(s, net=1)),
        {"settlement.payout"},
    ),
    "what an account has in use": (
        lambda s: _claim_of(s, open=501),
        {"credit.open", "credit.claim"},
    ),
    "a claim that no order knows": (lambda s: _claim_of(s), {"credit.claim"}),
    "a gift card's balance": (
        lambda s: s.put("ledger", _gift_card(s, balance=3)),
        {"gift_card.balance", "gift_card.ledger"},
    ),
    "a gift card's history": (
        lambda s: s.drop("ledger", _gift_card(s, sk="HIST#000000001")),
        {"gift_card.balance"},
    ),
    "what a gift card is owed": (
        lambda s: s.drop("ledger", _gift_card(s, sk="POST#")),
        {"gift_card.ledger"},
    ),
    "a posting": (
        lambda s: s.drop("ledger", s.item("ledger", f"ORD#{s.id('done')}", "POST#capture")),
        {"money.ledger"},
    ),
    "half a posting": (
        lambda s: _post(s, revenue_goods=-1),
        {"money.unbalanced", "money.ledger"},
    ),
    "an invoice": (
        lambda s: s.drop("orders", s.part("done", "INV#")),
        {
            "invoice.lost",
            "event.missing",
            "money.invoiced",
            "money.ledger",
            "money.captured",
            "invoice.total",
        },
    ),
    "an invoice too many": (
        _issue_twice,
        {
            "invoice.double",
            "event.missing",
            "money.invoiced",
            "money.ledger",
            "money.captured",
            "invoice.total",
        },
    ),
    "a number that was never used": (
        _skip_a_number,
        {"invoice.gap", "invoice.lost", "invoice.counter"},
    ),
    "a tracking number that leads elsewhere": (_lead_astray, {"lookup.foreign", "lookup.stray"}),
    "a mail too many": (_extra_mail, {"mail.unexpected"}),
    "a due time two days ago": (
        lambda s: _due(s, "working", s.now - timedelta(days=2)),
        {"order.overdue"},
    ),
    "when a pick-up is seen to": (
        lambda s: s.order("working", uncollected={"shp_1": iso(s.now)}),
        {"order.uncollected"},
    ),
    "a shipment's status": (_status, {"order.units"}),
    "more kits than there are units for": (
        lambda s: s.order("done", kits=[_kit(quantity=99)]),
        {"order.kits"},
    ),
    "a kit's price": (
        lambda s: s.order("done", kits=[_kit(unit_price={"minor": 1, "currency": "USD"})]),
        {"order.kits"},
    ),
    "a kit of what is not there": (
        lambda s: s.order("done", kits=[_kit(components={"GONE": 1})]),
        {"order.kits"},
    ),
    "a version": (
        lambda s: s.put("orders", s.part("working", "ORDER") | {"version": 99}),
        {"order.identity"},
    ),
    "an order": (
        lambda s: s.drop("orders", s.part("off", "ORDER")),
        {"order.lost", "lookup.stray"},
    ),
    "an order's fields": (
        lambda s: s.put("orders", s.part("done", "ORDER") | {"order": {"id": s.id("done")}}),
        {"order.unreadable"},
    ),
    "a journal entry's fields": (
        lambda s: s.put("stock", {"pk": "JRN#x", "sk": "1"}),
        {"item.unreadable"},
    ),
    "an event": (lambda s: s.drop("orders", s.part("unpaid", "EVT#")), {"event.missing"}),
    "an event's number": (
        lambda s: s.put("orders", s.part("unpaid", "EVT#") | {"sk": f"EVT#{9:012d}"}),
        {"event.sequence", "event.missing"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", NAMED)
def test_damage_for_a_person_is_named_and_left_alone(shop: Shop, damage: str) -> None:
    plant, kinds = NAMED[damage]
    plant(shop)
    found = shop.found()
    assert {broken.kind for broken in found} == kinds
    for_a_person = [broken for broken in found if broken.repair is None]
    assert for_a_person
    before = shop.dump()
    assert repair(shop.db, for_a_person, shop.now) == []
    assert shop.dump() == before


def test_money_that_an_ended_order_keeps_is_named(shop: Shop) -> None:
    kept = at("confirmed", seed="5", series="E").cancelled()
    lost = at("invoiced", seed="6", series="F").tracked("delivered").closed()
    for story in (kept, lost):
        store(shop.db, story)
        mail(shop.db, story)
        shop.stories[story.seed] = story
    assert {(broken.kind, broken.subject) for broken in shop.found()} == {
        ("money.kept", kept.order.id),
        ("money.captured", lost.order.id),
    }


def test_a_card_that_an_ended_order_keeps_is_named(shop: Shop) -> None:
    shop.order("done", card="pi_1")
    assert "money.card" in shop.kinds()


def test_payments_that_nobody_compares_are_named_on_an_open_shop(shop: Shop) -> None:
    heard = begin(Progress(), shop.now - timedelta(hours=25), OVERLAP)
    save_progress(shop.db, "stripe", turned(heard, ""))
    care = replace(LIVE, pause=0.0, rate=0.0)
    assert [broken.kind for broken in shop.found(care)] == ["settlement.behind"]
    assert shop.found() == []
    earlier = shop.now - timedelta(hours=2)
    assert breaks(shop.db, earlier, care) == []


def test_a_review_that_does_not_come_to_its_end_is_named(shop: Shop) -> None:
    heard = turned(begin(Progress(), shop.now, OVERLAP), "")
    begun = reviewing(heard, shop.now - timedelta(hours=49))
    save_progress(shop.db, "stripe", begun)
    care = replace(LIVE, pause=0.0, rate=0.0)
    (broken,) = shop.found(care)
    assert (broken.kind, "still open" in broken.detail) == ("settlement.behind", True)
    assert breaks(shop.db, shop.now - timedelta(hours=2), care) == []


def test_what_is_in_order_takes_one_scan_of_each_table(shop: Shop) -> None:
    assert shop.found() == []
    about_the_books = ["Query"] * 2  # what was locked, what was counted
    assert shop.calls == [*about_the_books, *["Scan"] * 4]


def _credited(story: Story) -> Story:
    """With two credit notes, for a unit and its shipping, and for goodwill, and the money back."""
    story.credited(Wanted({1: 1}, shipping=True))
    story.credited(Wanted(amount=Money(100, "USD")))
    return story.refunded(story.order.credited)


def _credit_beyond(shop: Shop) -> None:
    """A credit note for more of an article than there was."""
    story = _credited(at("closed", seed="9", series="G"))
    store(shop.db, story)
    mail(shop.db, story)
    item = shop.item("orders", f"ORD#{story.order.id}", "CRN#")
    tax = [each | {"net": each["net"] | {"minor": 9_999}} for each in item["credit_note"]["taxes"]]
    lines = [ln | {"net": ln["net"] | {"minor": 9_999}} for ln in item["credit_note"]["lines"]]
    shop.put("orders", item | {"credit_note": item["credit_note"] | {"lines": lines, "taxes": tax}})


def test_a_credit_note_beyond_its_invoice_is_named(shop: Shop) -> None:
    _credit_beyond(shop)
    assert shop.kinds() == {"credit_note.beyond", "money.ledger"}


def test_money_that_did_not_go_back_for_a_credit_note_is_named(shop: Shop) -> None:
    story = at("closed", seed="9", series="G").credited(Wanted({1: 1}))
    store(shop.db, story)
    mail(shop.db, story)
    assert shop.kinds() == {"money.captured"}


def test_what_secures_an_order_is_what_its_payments_say(shop: Shop) -> None:
    shop.order("working", secured=1)
    assert shop.kinds() == {"money.secured"}


def test_a_credit_note_that_is_lost_is_named(shop: Shop) -> None:
    story = _credited(at("closed", seed="9", series="G"))
    store(shop.db, story)
    mail(shop.db, story)
    assert shop.found() == []
    shop.drop("orders", shop.item("orders", f"ORD#{story.order.id}", "CRN#"))
    lost = {"invoice.lost", "event.missing", "money.ledger", "money.invoiced", "money.credited"}
    assert shop.kinds() == lost


def test_nothing_is_broken_in_order_whatever_its_stage() -> None:
    """`shipped` apart: an order at rest with a parcel that left has its invoice."""
    stages = ("draft", "placed", "confirmed", "scheduled", "packed", "invoiced", "captured")
    stories = [at(stage, seed=stage, series=stage) for stage in stages]
    stories.append(at("closed", seed="store", series="S", method="pickup"))
    stories.append(at("placed", seed="late").expired())
    stories.append(at("packed", seed="part", series="P", stock=SPLIT_STOCK).rejected())
    stories.append(_credited(at("captured", seed="less", series="L")))
    stories.append(_credited(at("closed", seed="much less", series="M")))
    shop = Shop(Tables().db, {story.seed: story for story in stories})
    for story in stories:
        store(shop.db, story)
        mail(shop.db, story)
    before = shop.dump()
    assert shop.found() == []
    assert shop.found(replace(LIVE, rate=0.0)) == []
    assert shop.dump() == before


def test_what_is_younger_than_the_grace_is_not_judged(shop: Shop) -> None:
    shop.drop("orders", shop.part("working", "MAIL#"))
    assert shop.kinds() == {"mail.missing"}
    event = shop.stories["working"].event("order.confirmed")
    care = replace(LIVE, pause=0.0)
    assert breaks(shop.db, event.at + care.grace - timedelta(seconds=1), care) == []
    assert len(breaks(shop.db, event.at + care.grace, care)) == 1


def test_a_sale_between_two_readings_is_no_break(shop: Shop) -> None:
    """A journal entry that the balance, read a moment before, has not got yet."""
    care = replace(LIVE, pause=0.0)
    entry = {"reference": "count", "sequence": 1, "at": iso(shop.now)} | {
        "moves": [{"sku": "MUG-1", "node": "dc-1", "kind": "adjust", "quantity": 1}]
    }
    shop.put("stock", {"pk": "JRN#count", "sk": "1"} | entry)
    assert breaks(shop.db, shop.now, care) == []
    assert [b.kind for b in breaks(shop.db, shop.now + 2 * care.grace, care)] == ["stock.journal"]
    assert shop.kinds() == {"stock.journal"}


def _split(shop: Shop) -> None:
    shards.split(shop.db, "MUG-1", "dc-1", 1, shop.now)
    assert len(shop.db.query(shop.db.stock, "SKU#MUG-1", "NODE#dc-1")) == 4


def test_a_split_balance_is_the_sum_of_its_shards(shop: Shop) -> None:
    _split(shop)
    assert shop.found() == []
    shard = shop.item("stock", "SKU#MUG-1", "NODE#dc-1#2")
    more = {"on_hand": shard["on_hand"] + 1, "available": shard["available"] + 1}
    shop.put("stock", shard | more)
    found = shop.found()
    assert [(broken.kind, broken.subject) for broken in found] == [
        ("stock.journal", "MUG-1 at dc-1")
    ]
    repair(shop.db, found, shop.now)
    assert shop.found() == []


def test_a_shard_that_is_lost_is_named(shop: Shop) -> None:
    _split(shop)
    shop.drop("stock", shop.item("stock", "SKU#MUG-1", "NODE#dc-1#2"))
    assert shop.kinds() == {"stock.shards", "stock.journal"}


@pytest.mark.parametrize("damage", MENDED)
def test_what_was_put_right_meanwhile_is_left_alone(
    shop: Shop, made: Callable[[], tuple[Tables, dict[str, Story]]], damage: str
) -> None:
    before = shop.dump()
    plant, kinds = MENDED[damage]
    plant(shop)
    found = shop.found()
    made()  # somebody else was faster
    told = repair(shop.db, found, shop.now)
    assert {line.split(":")[0] for line in told} == kinds
    assert all(line.endswith("nothing left to mend") for line in told), told
    assert shop.dump() == before


def test_units_that_broke_do_not_keep_a_hold_from_being_given_back(shop: Shop) -> None:
    _hold_less(shop)
    found = [broken for broken in shop.found() if broken.kind == "stock.reserved"]
    item = shop.item("stock", "SKU#MUG-1", "NODE#dc-1")
    shop.put("stock", item | {"available": 0, "damaged": item["available"]})
    (told,) = repair(shop.db, found, shop.now)
    assert "booked release" in told
    assert "stock.reserved" not in shop.kinds()


def test_every_kind_is_explained_and_every_promised_repair_exists() -> None:
    readme = (Path(__file__).parents[2] / "infra/verify/README.md").read_text()
    table = [line for line in readme.splitlines() if line.startswith("| `")]
    explained = {
        word
        for line in table
        for word in line.split("|")[1].replace("`", "").replace(",", " ").split()
    }
    assert explained == set(KINDS)
    assert set(Mender.KINDS) == {kind for kind, mend in KINDS.items() if mend}


def test_the_command_names_breaks_mends_them_and_tells_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, story = ["verify", "--grace", "0", "--rate", "0"], at("placed")
    with aws(monkeypatch) as db:
        store(db, story)
        shop = Shop(db, {"unpaid": story})
        clock.travel(story.now - clock.now())
        try:
            assert main(command) == 0
            assert capsys.readouterr().out == "nothing is broken\n"
            shop.balance(reserved=1, available=-1)
            assert main([*command, "--repair"]) == 1
            out = capsys.readouterr().out
            assert "stock.journal: MUG-1 at dc-1: the journal says" in out
            assert "repair: stock.journal: MUG-1 at dc-1: the balance was" in out
            assert main(command) == 0
        finally:
            clock.reset()


@pytest.mark.parametrize("by", [0, -1])
def test_a_counter_is_never_set_back_behind_documents_whose_numbers_are_held_elsewhere(
    shop: Shop, by: int
) -> None:
    """The items that hold the numbers have other keys, as those of an older release would."""
    last = get_counter(shop.db, "C").last
    for number in numbers_given(shop.db, "C"):
        held = shop.item("orders", f"NUMBERS#{number % SHARDS}#C", f"{number:012d}")
        shop.drop("orders", held)
        shop.put("orders", held | {"pk": f"SERIES#C/{number}", "sk": "NUMBER"})
    _counter(shop, by)
    repair(
        shop.db, [found("invoice.counter", "C", "by somebody who looked at older keys")], shop.now
    )
    assert get_counter(shop.db, "C").last == last > 0


def test_a_counter_that_moves_while_it_is_mended_is_not_set_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invoice is issued right after the numbers were read by which the counter is set."""
    _counter(shop, +1)
    wrong = [each for each in shop.found() if each.kind == "invoice.counter"]
    call, reads = shop.db.client._make_api_call, []

    def meanwhile(operation: str, parameters: dict[str, Any]) -> Any:
        answer = call(operation, parameters)
        if operation == "Query" and "NUMBERS#" in str(parameters):
            reads.append(parameters)
            if len(reads) == 2 * SHARDS:  # once to judge, once to mend
                _counter(shop, +1)
        return answer

    monkeypatch.setattr(shop.db.client, "_make_api_call", meanwhile)
    issued = get_counter(shop.db, "C").last + 1
    (told,) = repair(shop.db, wrong, shop.now)
    assert "not mended: it changed meanwhile" in told
    assert get_counter(shop.db, "C").last == issued
    assert len(reads) == 2 * SHARDS
