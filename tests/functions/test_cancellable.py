"""No order is ever made that one transaction could not cancel, counted in what is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import fulfilment, fulfilment_orders, replenishment, scheduling
from parcelway.domain.cancellation import Units, cancel
from parcelway.domain.channels import quota_of
from parcelway.domain.decision import Decision
from parcelway.domain.line import Line, Portion
from parcelway.domain.order import Shortage
from parcelway.domain.parties import SYSTEM
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Shipment
from parcelway.domain.shop import Shop
from parcelway.domain.status import ready
from parcelway.domain.stock import Balance, Entry, Supply
from parcelway.domain.waves import has_wave
from parcelway.store.database import Database
from parcelway.store.saving import writes

from infra.bench.tables import container, in_model
from infra.verify.statements import booked, holdings
from tests.orders import PRODUCTS, SHOP, START, WAREHOUSE, Story, store_shop

MOST = 100  # writes of a TransactWriteItems
NODES = [f"n{number:02}" for number in range(16)]
SOON = START.date() + timedelta(days=14)
SKUS = [f"S{number:02}" for number in range(84)]
GOODS = {sku: replace(PRODUCTS["TEA-9"], sku=sku, weight_grams=10) for sku in SKUS}
Step = Callable[[Story, Random], Decision | None]


def network(policy: str = "on_checkout", capacity: int = 2) -> Shop:
    """A shop with sixteen warehouses that make so many parcels ready in a day."""
    node = replace(SHOP.nodes["dc-1"], capacity=capacity)
    settings = replace(SHOP.settings, reservation_policy={"online": policy})  # type: ignore[dict-item]
    return replace(SHOP, settings=settings, nodes={id: replace(node, id=id) for id in NODES})


@cache
def tables() -> Database:
    """Tables of which only the shop is read; nothing is written to them."""
    db = container(in_model())
    store_shop(db, network())
    return db


def basket(
    chance: Random, lines: int, places: int, shop: Shop, shortage: Shortage = "", more: int = 0
) -> Story:
    """A draft of so many lines, each a few units of which lie at up to three of so many nodes;
    `more` of the lines want units that are only expected."""
    spread = chance.choice(((1,), (1, 1, 1, 1, 2), (1, 2, 3)))
    stock: dict[tuple[str, str], int] = {}
    wanted: dict[str, int] = {}
    supplies = {}
    for number, sku in enumerate(SKUS[:lines]):
        for node in chance.sample(NODES[:places], min(places, chance.choice(spread))):
            stock[sku, node] = chance.randint(1, 2)
            wanted[sku] = wanted.get(sku, 0) + stock[sku, node]
        if number < more:
            at = sku, chance.choice(NODES[:places])
            supplies[at] = (Supply("po-1", SOON, 4),)
            stock.setdefault(at, 0)
            wanted[sku] += chance.randint(1, 4)
    story = Story(
        shop=shop,
        products=GOODS,
        basket={SKUS[0]: 1},
        stock=stock,
        supplies=supplies,
        shortage=shortage,
    ).filled()
    made, at_ = story.decisions[-1]
    (line,) = made.order.lines
    drafted = tuple(_line(line, n, sku, wanted[sku]) for n, sku in enumerate(wanted, start=1))
    story.decisions[-1] = replace(made, order=replace(made.order, lines=drafted)), at_
    return story


def _line(line: Line, number: int, sku: str, units: int) -> Line:
    return replace(line, number=number, sku=sku, portions=(Portion("g1", "open", units),))


def _one(story: Story, chance: Random) -> Shipment:
    live = [shipment for shipment in story.shipments if shipment.status != "cancelled"]
    return chance.choice(live or story.shipments)


def _schedule(story: Story, _: Random) -> Decision | None:
    return scheduling.schedule(story.order, story.shipments, story.order.waves + 1, story.facts)


def _release(story: Story, chance: Random) -> Decision | None:
    return fulfilment.release(story.order, _one(story, chance), story.facts)


def _split(story: Story, chance: Random) -> Decision | None:
    one = _one(story, chance)
    return fulfilment_orders.split(story.order, one, [Units(one.lines[0].sku, 1)], "", story.said())


def _move(story: Story, chance: Random) -> Decision | None:
    one, node = _one(story, chance), chance.choice(NODES)
    for sent in one.lines:
        there = story.balances.get((sent.sku, node), Balance(sent.sku, node))
        story.balances[sent.sku, node] = replace(there, on_hand=there.on_hand + 9)
    return fulfilment_orders.move(story.order, one, node, "", story.said())


def _reject(story: Story, chance: Random) -> Decision | None:
    one, why = _one(story, chance), chance.choice(("capacity", "out_of_stock", "damaged"))
    return fulfilment_orders.reject(story.order, story.shipments, one, why, "", story.said())  # type: ignore[arg-type]


def _short(story: Story, chance: Random) -> Decision | None:
    one = _one(story, chance)
    none = [Units(sent.sku, 0) for sent in one.lines if chance.random() < 0.5]
    return fulfilment_orders.short_pick(
        story.order, story.shipments, one, none, "damaged", story.said()
    )


def _fill(story: Story, chance: Random) -> Decision | None:
    if not story.places:
        return None
    place = chance.choice(story.places)
    key = place.sku, place.node
    there = story.balances[key]
    story.balances[key] = replace(there, on_hand=there.on_hand + 1)
    balance = story.balances[key]
    return replenishment.fill(story.order, place, 1, balance, story.facts) if balance.free else None


def _elsewhere(story: Story, chance: Random) -> Decision | None:
    for place in story.places:
        key = place.sku, chance.choice(NODES)
        if key in story.balances and key[1] != place.node:
            story.balances[key] = replace(story.balances[key], on_hand=9)
    return replenishment.elsewhere(story.order, story.facts)


def _late(story: Story, chance: Random) -> Decision | None:
    if not story.places:
        return None
    place = chance.choice(story.places)
    return replenishment.redate(story.order, place, [(place.quantity, None)], story.facts)


STEPS: tuple[Step, ...] = (
    _schedule,
    _schedule,
    _release,
    _split,
    _split,
    _move,
    _reject,
    _short,
    _fill,
    _fill,
    _elsewhere,
    _late,
)


def cancelling(story: Story) -> int:
    """How many writes it takes to cancel the order as it is."""
    made = cancel(story.order, story.shipments, "customer", SYSTEM, story.now)
    return len(writes(tables(), made, story.now))


def tried(story: Story, step: Step, chance: Random) -> bool:
    """Whether a step was not refused; what it made fits, and can be cancelled."""
    try:
        made = step(story, chance)
    except Refusal:
        return False
    if made is not None:
        assert len(writes(tables(), made, story.now)) <= MOST
        story._apply(made)
    if story.order.state == "confirmed":
        assert cancelling(story) <= MOST
    return made is not None


@given(
    st.integers(0, 10_000),
    st.sampled_from([3, 20, 40, 50, 60, 70, 75, 80, 84]),
    st.sampled_from([1, 2, 6, 10, 14, 16]),
    st.sampled_from(["on_checkout", "none"]),
    st.sampled_from(
        [("", 0), ("ship_available", 12), ("ship_complete", 12), ("separate_order", 9)]
    ),
    st.lists(st.sampled_from(STEPS), min_size=10, max_size=40),
)
def test_every_decision_fits_and_leaves_an_order_that_can_be_cancelled(
    seed: int,
    lines: int,
    places: int,
    policy: str,
    waits: tuple[Shortage, int],
    steps: list[Step],
) -> None:
    chance = Random(seed)
    story = basket(chance, lines, places, network(policy), *waits)
    try:
        story.placed()
        made, now = story.decisions[-1]
        assert len(writes(tables(), made, now)) <= MOST
        assert cancelling(story) <= MOST
        story.confirmed()
    except Refusal as refusal:
        assert refusal.reason is Reason.TOO_MANY_LINES
        return
    made, now = story.decisions[-1]
    assert len(writes(tables(), made, now)) <= MOST
    tried(story, _schedule, chance)
    for step in steps:
        if story.shipments or step in (_schedule, _fill, _elsewhere, _late):
            tried(story, step, chance)
        if story.order.state != "confirmed":
            break


def paid(lines: int, shortage: Shortage = "", more: int = 0) -> Story:
    """A confirmed order of so many lines at one warehouse, its first wave scheduled."""
    story = basket(Random(1), lines, 1, network(), shortage, more).placed().confirmed()
    return story._apply(_schedule(story, Random(1)))


def test_a_shipment_is_split_only_as_often_as_its_order_can_still_be_cancelled() -> None:
    story, parcels = paid(84), 1
    for sent in story.shipments[0].lines:
        try:
            away = [Units(sent.sku, 1)]
            one = story.by_id[story.shipments[0].id]
            story._apply(fulfilment_orders.split(story.order, one, away, "", story.said()))
        except Refusal as refusal:
            assert refusal.reason is Reason.TOO_MANY_LINES
            break
        story._apply(_schedule(story, Random(1)))
        parcels += 1
    assert len(story.shipments) == parcels > 3
    assert cancelling(story) in (MOST - 1, MOST)  # one parcel more takes two: its day besides
    assert story.cancelled().order.state == "cancelled"


def test_what_is_counted_on_codes_and_limits_takes_its_room() -> None:
    """Two codes, and twenty articles of which a customer may buy so many, known by two names."""
    story = paid(50)
    made, now = story.decisions[-1]
    day = START.date().isoformat()
    limited = {sku: (f"BOUGHT#a#{sku}#{day}", f"BOUGHT#b#{sku}#{day}") for sku in SKUS[:20]}
    counted = replace(made.order, uses=("CODE#A", "CODE#B"), limited=limited)
    story.decisions[-1] = replace(made, order=counted), now
    for sent in story.shipments[0].lines:
        tried(story, lambda s, _, sku=sent.sku: _split_off(s, sku), Random(1))
        tried(story, _schedule, Random(1))
    assert cancelling(story) in (MOST - 1, MOST)
    assert story.cancelled().order.state == "cancelled"


def _split_off(story: Story, sku: str) -> Decision | None:
    one = story.by_id[story.shipments[0].id]
    return fulfilment_orders.split(story.order, one, [Units(sku, 1)], "", story.said())


def full() -> Story:
    """Units come one by one, each is a shipment of its own, and there is room for no more."""
    story = paid(72, "ship_available", 12)
    while story.places and (has_wave(story.order) or not ready(story.order)):
        assert tried(story, _fill, Random(1))
        if has_wave(story.order):
            tried(story, _schedule, Random(1))
    return story


def leaves(story: Story) -> Story:
    """The first of its parcels is on its way."""
    first, facts = story.shipments[0], story.facts
    story._apply(fulfilment.release(story.order, first, facts))
    story._apply(fulfilment.pack(story.order, story.by_id[first.id], WAREHOUSE, facts))
    packed = story.by_id[first.id]
    return story._apply(fulfilment.ship(story.order, packed, "acme", "P1", WAREHOUSE, facts))


def test_a_wave_that_could_not_be_cancelled_waits_until_something_has_left() -> None:
    story = full()
    assert ready(story.order) and not has_wave(story.order)
    shipments = len(story.shipments)
    tried(story, _schedule, Random(1))  # its execution had begun
    assert len(story.shipments) == shipments
    leaves(story)
    assert has_wave(story.order)
    story._apply(_schedule(story, Random(1)))
    assert len(story.shipments) == shipments + 1 and not ready(story.order)


@given(
    st.integers(0, 10_000),
    st.sampled_from(["", "ship_available", "ship_complete"]),
    st.lists(st.sampled_from(STEPS), min_size=4, max_size=20),
)
def test_what_an_order_holds_is_what_it_booked_of_stock_and_of_quotas(
    seed: int, shortage: Shortage, steps: list[Step]
) -> None:
    chance = Random(seed)
    story = basket(chance, 6, 3, network(), shortage, 3 if shortage else 0)
    for sku in SKUS[:4]:
        story.balances[sku, quota_of("online")] = Balance(sku, quota_of("online"), 40)
    story.placed().confirmed()
    for step in (_schedule, *steps):
        if story.order.state == "confirmed" and (story.shipments or step in (_schedule, _fill)):
            tried(story, step, chance)
        moves = tuple(move for made, _ in story.decisions for move in made.moves)
        assert holdings(story.order) == booked([Entry("", 1, story.now, moves)])
        for line in story.order.lines:
            charged = {p.quota for p in line.portions if p.stage not in ("cancelled", "open")}
            assert charged <= {"online" if line.sku in SKUS[:4] else ""}
