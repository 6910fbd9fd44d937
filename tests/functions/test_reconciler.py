"""The reconciler: what no webhook told of is found, told to the worker or shown to finance, once;
and a run that is cut off anywhere is gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.payment import GatewayPayment
from parcelway.domain.reconciling import OVERLAP, SETTLING, Progress
from parcelway.ports import clock
from parcelway.ports.payments import GatewayUnavailable, PaymentGateway, PaymentPage, Payments
from parcelway.store.database import Database
from parcelway.store.items import to_item
from parcelway.store.orders import DUE_SHARDS, Dossier
from parcelway.store.reconciling import get_progress
from parcelway.store.saving import save
from parcelway.store.shop import put_settings

from tests.functions import tables, worlds
from tests.functions.calls import Context, failed, load, queue_event
from tests.functions.outside import Provider
from tests.functions.worlds import new_key, ok
from tests.orders import SHOP, Story, at, dossier_of, store

FINANCE = {"sub": "fin_1", "cognito:groups": "finance"}
NOW = datetime.fromisoformat("2026-11-16T12:00:00+00:00")


class Listing(Provider):
    """A provider that lists its payments, newest first, so many on a page. `unreadable` are those
    that make no sense; `breaks` is how many pages it still gives before it is out of reach;
    `windows` is what was asked for, `given` is every payment that was listed."""

    def __init__(self) -> None:
        super().__init__()
        self.page = 2
        self.given: list[str] = []
        self.unreadable: tuple[str, ...] = ()
        self.breaks = -1
        self.windows: list[tuple[datetime, datetime]] = []

    def made(self, since: datetime, until: datetime, after: str) -> PaymentPage:
        if self.breaks == 0:
            raise GatewayUnavailable
        self.breaks -= 1
        self.windows.append((since, until))
        within = [p for p in self.payments.values() if p.made_at and since <= p.made_at < until]
        found = sorted(within, key=lambda p: (p.made_at, p.reference), reverse=True)
        names = [payment.reference for payment in found]
        start = names.index(after) + 1 if after else 0
        page = found[start : start + self.page]
        more = len(found) > start + self.page
        self.given += [payment.reference for payment in page]
        return PaymentPage(tuple(page), self.unreadable, page[-1].reference if more else "")


@dataclass
class World:
    db: Database
    queue_url: str
    provider: Listing = field(default_factory=Listing)
    now: datetime = NOW
    most_pages: int = 0  # that a run has time for; 0 for what it has

    def __post_init__(self) -> None:
        self.http = worlds.World(self.db, "settlement")

    def has(self, story: Story, made_at: datetime | None = None, **changes: Any) -> GatewayPayment:
        """The provider has a payment of a story, which nobody was told of."""
        assert story.seen is not None
        made = replace(story.seen, made_at=made_at or self.now - timedelta(minutes=20), **changes)
        self.provider.payments[made.reference] = made
        return made

    def run(self, minutes: int = 0, send: Callable[..., Any] | None = None) -> dict[str, int]:
        """The schedule, so many minutes later, in a new container; `send` sends its messages."""
        self.now += timedelta(minutes=minutes)
        function = load("reconciler")
        listing: Payments = self.provider
        gateway: PaymentGateway = self.provider
        function.db = lambda: self.db
        function.payments = lambda: listing
        function.gateway = lambda _: gateway
        if self.most_pages:
            function.MOST_PAGES = self.most_pages
        if send is not None:
            function.sqs = lambda: SimpleNamespace(send_message=send)
        counts: dict[str, int] = function.handler({}, Context())
        return counts

    def told(self) -> list[dict[str, Any]]:
        """What lies in the worker's queue, and is taken out of it."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def work(self) -> list[str]:
        """Let the payment worker take what it was told; what stays in the queue."""
        worker = load("payment_worker")
        gateway: PaymentGateway = self.provider
        worker.db = lambda: self.db
        worker.gateway = lambda _: gateway
        return failed(worker.handler(queue_event(*self.told()), Context()))

    def queue(self) -> list[Any]:
        """What finance sees."""
        items: list[Any] = ok(self.http.call("GET", "/settlement/unmatched", claims=FINANCE))[
            "items"
        ]
        return items

    def resolve(self, item: str, **options: Any) -> Any:
        path = "/settlement/unmatched/{item_id}/resolve"
        body = {"reason": "made by hand, agreed with Ann"}
        return self.http.call(
            "POST", path, path={"item_id": item}, body=body, claims=FINANCE, **options
        )

    def dossier(self, story: Story) -> Dossier:
        return dossier_of(self.db, story.order.id)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch) as db:
        url = boto3.client("sqs").create_queue(QueueName="payments")["QueueUrl"]
        monkeypatch.setenv("PAYMENTS_QUEUE_URL", url)
        made = World(db, url)
        clock.use(lambda: made.now)
        yield made
        clock.reset()


def awaiting(world: World, seed: str = "1") -> Story:
    """A placed order whose payment is with the customer, stored."""
    story = at("placed", seed=seed).pays("awaiting_customer", authorized=0)
    store(world.db, story)
    return story


def confirmed(world: World, seed: str) -> Story:
    """An order with a hold that ends in a week, as the provider said, stored."""
    story = at("placed", seed=seed).pays("awaiting_customer", authorized=0)
    assert story.seen is not None
    story.seen = replace(story.seen, capture_before=story.now + timedelta(days=7))
    story.pays("authorized", authorized=totals(story.order).gross.minor)
    store(world.db, story)
    return story


def held(story: Story) -> dict[str, Any]:
    """What changes when the customer has paid."""
    gross = totals(story.order).gross
    return {"status": "authorized", "amount": gross, "authorized": gross}


def unknown(world: World, seed: str = "1") -> Story:
    """A placed order that has no payment; its story has one."""
    story = at("placed", seed=seed)
    store(world.db, story)
    story.pays("awaiting_customer", authorized=0)
    return story


def test_a_payment_no_webhook_told_of_confirms_its_order(world: World) -> None:
    story = awaiting(world)
    seen = world.has(story, **held(story))
    counts = world.run()
    assert (counts["compared"], counts["asked"]) == (1, 1)
    assert world.work() == []
    assert world.dossier(story).order.state == "confirmed"
    assert world.run(15) == {"compared": 1, "asked": 0, "opened": 0, "closed": 0, "failed": 0}
    assert world.told() == []
    assert world.dossier(story).payment(seen.reference) is not None


def test_a_payment_no_order_knew_is_attached_where_the_order_awaits_it(world: World) -> None:
    story = unknown(world)
    seen = world.has(story, **held(story))
    assert world.run()["asked"] == 1
    assert world.work() == []
    dossier = world.dossier(story)
    assert (dossier.order.state, dossier.order.secured) == ("confirmed", seen.authorized.minor)
    assert world.run(15)["asked"] == 0


@pytest.mark.parametrize("taken", [False, True])
def test_a_payment_that_an_ended_order_did_not_know_goes_back(world: World, taken: bool) -> None:
    story = at("placed").cancelled()
    store(world.db, story)
    story.seen = at("placed").pays("awaiting_customer", authorized=0).seen
    more = {"status": "captured", "captured": totals(story.order).gross} if taken else {}
    seen = world.has(story, order_id=story.order.id, **held(story) | more)
    world.run()
    assert world.work() == []
    assert world.provider.written == [("refund" if taken else "void", seen.reference)]
    assert world.run(15)["asked"] == 0
    assert world.queue() == []


def test_a_second_payment_made_by_hand_goes_back_and_the_first_stays(world: World) -> None:
    """With the metadata of the first, number and all."""
    story = at("confirmed")
    store(world.db, story)
    first = world.has(story)
    second = world.has(story, reference="pi_by_hand")
    assert world.run()["asked"] == 1
    assert world.work() == []
    assert world.provider.written == [("void", second.reference)]
    dossier = world.dossier(story)
    assert {p.number: p.reference for p in dossier.payments} == {
        1: first.reference,
        2: "pi_by_hand",
    }
    assert dossier.order.secured == first.authorized.minor
    assert world.run(15)["asked"] == 0


def test_an_order_whose_hold_was_let_go_is_stopped_and_asks_for_money(world: World) -> None:
    story = at("confirmed")
    store(world.db, story)
    world.has(story, status="voided", authorized=Money(0, "USD"))
    assert world.run()["asked"] == 1
    assert world.work() == []
    order = world.dossier(story).order
    assert [hold.code for hold in order.holds] == ["payment_lost"]
    assert world.run(15)["asked"] == 0


def test_what_contradicts_waits_for_finance_until_it_is_decided_or_comes_right(
    world: World,
) -> None:
    story = at("captured")
    store(world.db, story)
    assert story.seen is not None
    nothing = Money(0, "USD")
    gone = world.has(story, status="voided", authorized=nothing, captured=nothing)
    assert world.run()["opened"] == 1
    assert world.told() == []
    (item,) = world.queue()
    assert (item["why"], item["payout"]) == ("status_differs", "")
    both = item["difference"]
    assert (both["payment"], both["order_id"]) == (gone.reference, story.order.id)
    assert (both["provider"]["status"], both["order"]["status"]) == ("voided", "captured")
    assert "client_secret" not in json.dumps(item)
    assert world.run(15)["opened"] == 0  # it is there already
    key = new_key()
    done = ok(world.resolve(item["id"], idempotency_key=key))
    assert done["resolved_by"] == "fin_1"
    assert ok(world.resolve(item["id"], idempotency_key=key)) == done
    assert world.queue() == []
    assert world.run(15)["opened"] == 0  # finance has had the last word
    amount = story.seen.amount + Money(1, "USD")
    world.has(story, amount=amount)  # something else, which comes right by itself
    assert world.run(15)["opened"] == 1
    world.has(story)
    assert world.run(15)["closed"] == 0
    assert world.run(24 * 60)["closed"] == 1
    assert world.queue() == []


def test_money_for_an_order_that_does_not_exist_waits_for_finance(world: World) -> None:
    world.has(at("confirmed"))
    assert world.run()["opened"] == 1
    (item,) = world.queue()
    assert (item["why"], item["difference"]["order"]) == ("unknown_order", None)
    assert world.told() == []


def test_an_order_that_counts_on_what_the_provider_never_heard_of_is_stopped(world: World) -> None:
    """Once a day, of what was made in the days that are looked back at."""
    lost, fine, late = (confirmed(world, seed) for seed in ("1", "2", "3"))
    world.has(fine, made_at=world.now - timedelta(hours=2))
    world.now += timedelta(hours=1)  # they were made at ten
    assert world.run()["asked"] == 2
    told = {message["order"] for message in world.told()}
    assert told == {lost.order.id, late.order.id}
    assert world.run(15)["asked"] == 0  # the next day
    world.has(late, made_at=world.now - timedelta(hours=2))
    assert world.run(24 * 60)["asked"] == 1
    assert world.work() == []
    order = world.dossier(lost).order
    assert [alert.code for alert in order.alerts] == ["unknown_payment"]
    assert [hold.code for hold in order.holds] == ["payment_lost"]
    assert not world.dossier(fine).order.alerts
    assert world.run(24 * 60)["asked"] == 0  # nobody counts on it any more


def test_what_is_young_is_left_to_its_webhook_and_looked_at_next_time(world: World) -> None:
    story = awaiting(world)
    world.has(story, made_at=world.now - SETTLING + timedelta(seconds=1), **held(story))
    assert world.run()["compared"] == 0
    assert world.run(15)["asked"] == 1


def without_links(world: World, hold_minutes: int = 30) -> None:
    """A shop that gives whoever pays by link no more time than anybody."""
    given = {"hold_minutes": hold_minutes, "payment_link_minutes": hold_minutes}
    put_settings(world.db, replace(SHOP.settings, **given))


def test_a_payment_that_is_paid_long_after_it_was_made_is_seen_again(world: World) -> None:
    story = awaiting(world)
    without_links(world)
    world.has(story)
    assert world.run()["asked"] == 0
    world.has(story, made_at=world.now - timedelta(minutes=20), **held(story))
    assert world.run(25)["asked"] == 1
    assert world.provider.windows[-1][0] == world.provider.windows[0][1] - OVERLAP


def test_a_pass_that_is_cut_off_goes_on_where_it_was(world: World) -> None:
    stories = [awaiting(world, str(n)) for n in range(5)]
    for n, story in enumerate(stories):
        world.has(story, made_at=world.now - timedelta(minutes=30 + n), **held(story))
    world.provider.breaks = 2
    with pytest.raises(GatewayUnavailable):
        world.run()
    cut_off = get_progress(world.db, "stripe")
    assert cut_off.heard_until is None
    assert cut_off.after == stories[3].seen.reference  # type: ignore[union-attr]
    assert len(world.told()) == 4
    world.provider.breaks = -1
    late = awaiting(world, "late")
    world.has(late, made_at=world.now, **held(late))
    counts = world.run(15)
    assert counts["asked"] >= 2  # the fifth, and in the next window what came meanwhile
    names = {message["order"] for message in world.told()}
    assert {stories[4].order.id, late.order.id} <= names
    progress = get_progress(world.db, "stripe")
    assert (progress.window, progress.heard_until) == (None, world.now - SETTLING)


def test_two_runs_at_once_do_the_work_of_one(world: World) -> None:
    story = awaiting(world)
    world.has(story, **held(story))
    inner, after = list[dict[str, int]](), list[Progress]()
    made, listing = world.provider.made, world.provider

    def meanwhile(*asked: Any) -> PaymentPage:
        listing.made = made  # type: ignore[method-assign]
        inner.append(world.run())
        after.append(get_progress(world.db, "stripe"))
        return made(*asked)

    listing.made = meanwhile  # type: ignore[method-assign]
    counts = world.run()
    assert (counts["failed"], inner[0]["asked"]) == (0, 1)
    assert (get_progress(world.db, "stripe"), len(after)) == (after[0], 1)


def test_one_payment_that_cannot_be_looked_at_stops_no_other(world: World) -> None:
    broken, story = awaiting(world, "1"), awaiting(world, "2")
    world.has(story, **held(story))
    seen = world.has(broken, made_at=world.now - timedelta(minutes=10), **held(broken))
    world.provider.unreachable.add(seen.reference)
    with pytest.raises(Exception, match=r"^$"):
        world.run()
    assert [message["order"] for message in world.told()] == [story.order.id]
    world.provider.unreachable.clear()
    assert world.run(15)["asked"] == 2


def test_what_makes_no_sense_is_an_alarm(world: World) -> None:
    world.provider.unreadable = ("pi_odd",)
    with pytest.raises(Exception, match=r"^$"):
        world.run()
    assert get_progress(world.db, "stripe").heard_until is not None


# ---- the long look, over several runs -----------------------------------------------------------


@contextmanager
def dying_at(world: World, number: int, after: bool) -> Iterator[None]:
    """Whoever makes the `number`th write dies before it, or with the answer to it."""
    client, writes = world.db.client, [0]

    def dies(**_: Any) -> None:
        writes[0] += not after
        if writes[0] == number:
            raise ConnectionError("the run dies")

    def died(**_: Any) -> None:
        writes[0] += after
        if writes[0] == number:
            raise ConnectionError("the run dies")

    names = [f"dynamodb.{call}" for call in ("PutItem", "TransactWriteItems")]
    for name in names:
        client.meta.events.register(f"before-call.{name}", dies)
        client.meta.events.register(f"after-call.{name}", died)
    try:
        yield
    finally:
        for name in names:
            client.meta.events.unregister(f"before-call.{name}", dies)
            client.meta.events.unregister(f"after-call.{name}", died)


def crowd(world: World, count: int) -> set[str]:
    """So many payments of the last eight days that came to nothing; their references."""
    story = at("placed", seed="crowd").pays("awaiting_customer", authorized=0)
    store(world.db, story)
    apart = timedelta(days=8) / count
    return {
        world.has(
            story,
            reference=f"pi_crowd_{n:05d}",
            status="voided",
            made_at=world.now - timedelta(hours=3) - n * apart,
        ).reference
        for n in range(count)
    }


def lost_and_fine(world: World, count: int) -> tuple[set[str], set[str]]:
    """Orders whose hold the provider does not have, and those whose hold it has."""
    lost = [confirmed(world, f"lost {n}") for n in range(count)]
    fine = [confirmed(world, f"fine {n}") for n in range(count)]
    for story in fine:
        world.has(story, made_at=world.now - timedelta(hours=2))
    world.now += timedelta(hours=1)  # they were made at ten
    return {story.order.id for story in lost}, {story.order.id for story in fine}


def copy_of_order(world: World, order_id: str, copies: int, *, listed: bool) -> None:
    """More orders of the same kind, with payments of their own which the provider has or has not:
    `order_id` followed by 1, 2, ..., spread over the shards of the index."""
    (payment,) = dossier_of(world.db, order_id).payments
    items = [i for i in world.db.query(world.db.orders, f"ORD#{order_id}") if "payment" in i]
    items += world.db.query(world.db.orders, f"ORD#{order_id}", "ORDER")
    for n in range(1, copies):
        reference = f"{payment.reference}_{n}"
        text = json.dumps(items).replace(order_id, f"{order_id}{n}")
        for item in json.loads(text.replace(payment.reference, reference)):
            shard = {"due_shard": str(n % DUE_SHARDS)} if "due_shard" in item else {}
            stored = to_item(item | shard)
            world.db.client.put_item(TableName=world.db.orders, Item=stored)
        if listed:
            like = world.provider.payments[payment.reference]
            made = replace(like, reference=reference, order_id=f"{order_id}{n}")
            world.provider.payments[reference] = made


def all_told(world: World) -> set[str]:
    """The orders that the worker was told of."""
    found: set[str] = set()
    while messages := world.told():
        found |= {message["order"] for message in messages}
    return found


def test_a_review_of_thousands_of_payments_goes_on_over_several_runs_and_ends(
    world: World,
) -> None:
    lost, _ = lost_and_fine(world, 3)
    world.provider.page = 10
    references = crowd(world, 2_050)  # 205 pages, of which a run has time for 200
    without_links(world)
    assert world.run()["failed"] == 0
    first = get_progress(world.db, "stripe")
    assert first.review is not None
    assert (first.window, first.heard_until) == (None, world.now - SETTLING)
    assert first.review.stage == "listing"
    assert all_told(world) == set()  # it is not known yet what the provider has not
    late = awaiting(world, "late")  # who pays now waits for nothing
    without_links(world)  # a story is stored with its shop
    world.has(late, made_at=world.now, **held(late))
    world.run(15)
    assert all_told(world) == {*lost, late.order.id}
    given = [name for name in world.provider.given if name in references]
    assert sorted(given) == sorted(references)  # each once
    done = get_progress(world.db, "stripe")
    assert (done.review, done.reviewed_at) == (None, first.reviewed_at)
    world.provider.given.clear()
    world.run(15)
    assert not references & set(world.provider.given)  # the next one is for tomorrow


def test_orders_that_count_on_money_are_looked_at_over_several_runs(world: World) -> None:
    """More than fit into a page, on all of the index's shards; the first run dies."""
    (lost,), (fine,) = lost_and_fine(world, 1)
    world.provider.page = 100
    copy_of_order(world, fine, 95, listed=True)
    copy_of_order(world, lost, 12, listed=False)
    runs, found, at_once = 0, set[str](), [0]
    sent = boto3.client("sqs").send_message

    def dying(**asked: Any) -> Any:
        at_once[0] += 1
        if at_once[0] > 3:
            raise ConnectionError("the run dies")
        return sent(**asked)

    while runs == 0 or get_progress(world.db, "stripe").review is not None:
        runs, at_once[0] = runs + 1, 0
        with suppress(ConnectionError):
            world.run(15 * bool(runs), send=sent if runs > 1 else dying)
        found |= all_told(world)
        assert runs < 20
    assert found == {f"{lost}{n or ''}" for n in range(12)}
    assert runs == 2


@pytest.mark.parametrize("dies_at", range(1, 7))
def test_a_review_that_dies_at_any_write_is_gone_on_with(world: World, dies_at: int) -> None:
    """Before or after its bookmark is written: nothing is left out, and it ends."""
    lost, fine = lost_and_fine(world, 2)
    for after in (False, True):
        with dying_at(world, dies_at, after), suppress(ConnectionError):
            world.run(15)
    world.run(15)
    world.run(15)
    assert get_progress(world.db, "stripe").review is None
    assert all_told(world) == lost
    assert not [order for order in fine if dossier_of(world.db, order).order.holds]


def test_two_reviews_at_once_do_the_work_of_one(world: World) -> None:
    """The second begins while the first has a page in its hands, and is done before it."""
    lost, _ = lost_and_fine(world, 1)
    references = crowd(world, 5)
    made, listing = world.provider.made, world.provider

    def meanwhile(since: datetime, until: datetime, after: str) -> PaymentPage:
        if until - since < timedelta(days=1):
            return made(since, until, after)
        listing.made = made  # type: ignore[method-assign]
        page = made(since, until, after)
        world.run()
        return page

    listing.made = meanwhile  # type: ignore[method-assign]
    assert world.run()["failed"] == 0
    done = get_progress(world.db, "stripe")
    assert done.review is None
    assert all_told(world) == lost
    assert references <= set(listing.given)


def test_an_earlier_review_vouches_for_nothing(world: World) -> None:
    """It had more pages; what is on them is not what the provider has today."""
    story = confirmed(world, "1")
    crowd(world, 3)
    seen = world.has(story, made_at=world.now - timedelta(days=8, hours=12))  # on the last page
    world.now += timedelta(hours=1)
    world.run()
    assert all_told(world) == set()
    del world.provider.payments[seen.reference]
    for reference in [name for name in world.provider.payments if "crowd" in name]:
        del world.provider.payments[reference]
    world.run(24 * 60)
    assert all_told(world) == {story.order.id}


def test_windows_reach_back_as_far_as_the_shop_lets_orders_wait(world: World) -> None:
    """An order that may wait three hours, paid in the last of them, of which no webhook told."""
    story = awaiting(world)
    without_links(world, hold_minutes=180)
    world.has(story)
    world.run()
    world.run(150)
    world.has(story, made_at=world.now - timedelta(minutes=170), **held(story))
    assert world.run(15)["asked"] == 1
    since, _ = world.provider.windows[-1]
    assert since == world.now - timedelta(minutes=15) - SETTLING - timedelta(minutes=210)


def test_who_pays_by_link_is_seen_until_the_link_is_over(world: World) -> None:
    """The form was opened an hour after the order, and paid a quarter of an hour before the link's
    day is over; no webhook told of it. The order is confirmed, and not given up."""
    story = awaiting(world)
    until = world.now + timedelta(days=1)
    order = replace(story.order, version=story.order.version + 1, hold_until=until)
    save(world.db, Decision(order), world.now)
    world.has(story, made_at=world.now)
    for _ in range(6):
        world.run(4 * 60 - 5)
    world.has(story, made_at=until - timedelta(hours=23), **held(story))
    assert world.run(15)["asked"] == 1 and world.now < until
    assert world.work() == []
    assert world.dossier(story).order.state == "confirmed"


def test_a_review_comes_to_its_end_however_many_payments_a_pass_takes(world: World) -> None:
    """A day's payments are more pages than a run has time for, each time."""
    story = awaiting(world)
    like = world.has(story)
    world.run()
    first, day = get_progress(world.db, "stripe").reviewed_at, timedelta(days=1)
    world.provider.page, world.most_pages = 1, 10
    for n in range(17):
        made = world.now + day - timedelta(minutes=10 + n)
        world.provider.payments[f"pi_{n:03}"] = replace(like, reference=f"pi_{n:03}", made_at=made)
    world.run(24 * 60)
    for _ in range(12):
        assert get_progress(world.db, "stripe").window is not None
        world.run(15)
    progress = get_progress(world.db, "stripe")
    assert progress.reviewed_at != first and progress.review is None
