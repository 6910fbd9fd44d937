"""Settlement: payouts into the books, however often they are told of and wherever it breaks off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from parcelway.domain.dispute import Dispute
from parcelway.domain.disputes import observe as observe_disputes
from parcelway.domain.ledger import balances
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.ports import clock
from parcelway.ports.settlements import Settlements
from parcelway.store import settlements as kept
from parcelway.store import shop
from parcelway.store.database import Database
from parcelway.store.ledger import postings_of
from parcelway.store.saving import save

from tests.functions import tables, worlds
from tests.functions.calls import Context, failed, load, queue_event
from tests.functions.payouts import NOW, Payouts, moved, nobodys
from tests.functions.together import Together
from tests.functions.worlds import new_key, ok, refused
from tests.orders import SHOP, Story, at, dossier_of, store, store_shop

ACCOUNTS = replace(SHOP, settings=replace(SHOP.settings, settlement_accounts={"USD": "main"}))
FINANCE = {"sub": "fin_1", "cognito:groups": "finance"}


@dataclass
class World:
    db: Database
    queues: dict[str, str]
    payouts: Payouts = field(default_factory=Payouts)

    def __post_init__(self) -> None:
        self.http = worlds.World(self.db, "settlement")

    def importer(self, db: Database) -> Any:
        function = load("settlement_importer")
        port: Settlements = self.payouts
        function.db = lambda: db
        function.settlements = lambda: port
        return function

    def deliver(self, *payouts: str, db: Database | None = None) -> list[str]:
        """What the webhook left in the queue, to a new container; what stays there."""
        messages = [{"payout": payout} for payout in payouts]
        function = self.importer(db or self.db)
        return failed(function.handler(queue_event(*messages), Context()))

    def sweep(self) -> dict[str, int]:
        counts: dict[str, int] = self.importer(self.db).handler({}, Context())
        return counts

    def sent(self, queue: str) -> list[dict[str, str]]:
        """What lies in a queue, and is taken out of it."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.queues[queue], MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def call(self, method: str, resource: str, body: Any = None, **options: Any) -> Any:
        return self.http.call(method, resource, body=body, claims=FINANCE, **options)

    def payout(self, payout: str) -> Any:
        """A payout as finance sees it."""
        return ok(self.call("GET", "/payouts/{payout_id}", path={"payout_id": payout}))

    def queue(self) -> list[Any]:
        items: list[Any] = ok(self.call("GET", "/settlement/unmatched"))["items"]
        return items

    def books(self, *subjects: str) -> dict[str, int]:
        """What was posted about them, by account."""
        found = [booked.posting for each in subjects for booked in postings_of(self.db, each)]
        return dict(balances(found))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with tables.aws(monkeypatch) as db:
        sqs = boto3.client("sqs")
        queues = {}
        for name in ("SETTLEMENTS", "PAYMENTS"):
            queues[name] = sqs.create_queue(QueueName=name.lower())["QueueUrl"]
            monkeypatch.setenv(f"{name}_QUEUE_URL", queues[name])
        store_shop(db, ACCOUNTS)
        clock.use(lambda: NOW)
        yield World(db, queues)
        clock.reset()


def paid(world: World, seed: str = "1", **options: Any) -> Story:
    """An order whose money was taken."""
    story = at("captured", seed=seed, shop=ACCOUNTS, series=f"INV{seed}", **options)
    store(world.db, story)
    return story


def test_a_payout_is_matched_booked_and_paid_out(world: World) -> None:
    first, second = paid(world, "1"), paid(world, "2").refunded(300)
    store_last(world, second)
    payout = world.payouts.pay_out(
        moved(first, fee=59),
        moved(second, fee=59),
        moved(second, "refund", -300),
        nobodys("fee", 0, 70),
        nobodys("reserve", -100),
    )
    assert world.deliver(payout) == []
    seen = world.payout(payout)
    gross = totals(first.order).gross.minor
    assert (seen["payout"]["state"], seen["payout"]["account"]) == ("settled", "main")
    assert (seen["payout"]["count"], seen["payout"]["unmatched"]) == (5, 0)
    assert seen["payout"]["fees"]["minor"] == 59 + 59 + 70
    assert seen["payout"]["gross"]["charge"]["minor"] == 2 * gross
    net = 2 * gross - 300 - 100 - 59 - 59 - 70
    assert seen["payout"]["net"]["minor"] == seen["payout"]["amount"]["minor"] == net
    assert len(seen["items"]) == 5 and not any(item.get("why") for item in seen["items"])
    assert world.queue() == []
    # What the provider holds for the shop is nothing any more, but for what it keeps back.
    orders = [first.order.id, second.order.id]
    sums = world.books(*orders, payout, "txn_reserve")
    assert (sums["gateway_clearing"], sums["gateway_reserve"]) == (0, 100)
    assert sums["bank:main"] == net
    fees = ok(world.call("GET", "/settlement/orders/{order_id}", path={"order_id": orders[1]}))
    assert [amount["minor"] for amount in fees["fees"]] == [59]
    assert [amount["minor"] for amount in fees["net"]] == [gross - 300 - 59]
    assert len(fees["transactions"]) == 2


def store_last(world: World, story: Story) -> None:
    """Write the last thing that happened to a story that was stored before."""
    made, now = story.decisions[-1]
    save(world.db, made, now)


def many(world: World, units: int = 40) -> str:
    """A payout of forty parcels of one order, so that each batch builds on the one before."""
    story = paid(world)
    gross = totals(story.order).gross.minor
    assert gross > units
    parts = [moved(story, minor=1 + n, fee=n % 7) for n in range(units)]
    return world.payouts.pay_out(*(replace(p, id=f"txn_{n:03}") for n, p in enumerate(parts)))


def test_a_payout_that_is_told_of_twice_is_booked_once(world: World) -> None:
    payout = many(world)
    assert world.deliver(payout, payout) == []
    once = world.http.dump()
    assert world.deliver(payout) == []
    assert world.http.dump() == once


class Dying:
    """A DynamoDB client whose process dies at the n-th transaction: before it, or once it is
    made."""

    def __init__(self, client: Any, turn: int, *, done: bool) -> None:
        self._client, self._turn, self._done = client, turn, done

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name != "transact_write_items":
            return method

        def call(**request: Any) -> Any:
            self._turn -= 1
            if self._turn:
                return method(**request)
            if self._done:
                method(**request)
            raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

        return call


@pytest.mark.parametrize("turn", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("done", [False, True])
def test_an_import_that_breaks_off_goes_on_where_it_was(
    world: World, turn: int, done: bool
) -> None:
    payout = many(world)
    broken = replace(world.db, client=Dying(world.db.client, turn, done=done))
    assert world.deliver(payout, db=broken) == ["m0"]
    known = kept.get_settlement(world.db, payout)
    booked = known.count if known else 0
    assert booked == 15 * max(0, min(turn - 2 + done, 2)) + 10 * (turn - 2 + done >= 3)
    asked = world.payouts.asked
    assert world.deliver(payout) == []
    whole = world.payout(payout)["payout"]
    assert (whole["state"], whole["count"], whole["unmatched"]) == ("settled", 40, 0)
    # What is booked is not asked for again, nor is the sum once it was right.
    assert world.payouts.asked - asked <= (1 if known is None else 0) + 1 + -(-(40 - booked) // 15)
    fees = sum(n % 7 for n in range(40))
    sums = world.books(payout, at("captured", seed="1").order.id)
    assert (sums["payment_fees"], sums["bank:main"]) == (fees, whole["amount"]["minor"])


def test_four_who_are_told_of_a_payout_at_once_book_it_once(world: World) -> None:
    """Each batch of it, and what arrived."""
    payout = many(world)
    together = Together(world.db.client, 4)
    function = world.importer(replace(world.db, client=together))
    event = queue_event({"payout": payout})
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: function.handler(event, Context()), range(4)))
    assert answers == [{"batchItemFailures": []}] * 4
    assert together.refused >= 3
    whole = world.payout(payout)["payout"]
    assert (whole["state"], whole["count"], whole["unmatched"]) == ("settled", 40, 0)
    sums = world.books(payout, at("captured", seed="1").order.id)
    fees = sum(n % 7 for n in range(40))
    assert (sums["payment_fees"], sums["bank:main"]) == (fees, whole["amount"]["minor"])


def test_a_payout_that_does_not_add_up_changes_nothing_and_waits(world: World) -> None:
    story = paid(world)
    before = world.http.dump()
    payout = world.payouts.pay_out(moved(story, fee=59), short=1)
    assert world.deliver(payout) == []
    added = [json.loads(line)[1] for line in world.http.dump() if line not in before]
    assert {item["pk"] for item in added} == {f"PAYOUT#{payout}", "PAYOUTS", "UNMATCHED"}
    (item,) = world.queue()
    assert (item["payout"], item["why"], item["transaction"]) == (
        *(payout, "does_not_add_up"),
        None,
    )
    refused_so = world.http.dump()
    assert world.deliver(payout) == []
    assert world.http.dump() == refused_so
    # The provider mends it, and the sweep has it looked at again.
    seen = world.payouts.payouts[payout]
    world.payouts.payouts[payout] = replace(seen, amount=seen.amount + Money(1, "USD"))
    world.sweep()
    assert world.sent("SETTLEMENTS") == [{"payout": payout}]
    assert world.deliver(payout) == []
    assert (world.payout(payout)["payout"]["state"], world.queue()) == ("settled", [])


def test_a_payout_to_an_unknown_account_waits_for_the_setting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "CACHED_SECONDS", -1)
    shop.put_settings(world.db, SHOP.settings)
    payout = world.payouts.pay_out(moved(paid_by(world, SHOP)))
    assert world.deliver(payout) == []
    (item,) = world.queue()
    assert item["why"] == "unknown_account"
    # It has the account now, and yet does not add up: the one item says so.
    seen = world.payouts.payouts[payout]
    world.payouts.payouts[payout] = replace(seen, amount=seen.amount + Money(1, "USD"))
    shop.put_settings(world.db, ACCOUNTS.settings)
    assert world.deliver(payout) == []
    assert [each["why"] for each in world.queue()] == ["does_not_add_up"]
    world.payouts.payouts[payout] = seen
    assert world.deliver(payout) == []
    assert (world.payout(payout)["payout"]["account"], world.queue()) == ("main", [])


def paid_by(world: World, of: Any) -> Story:
    story = at("captured", shop=of)
    store(world.db, story)
    return story


def test_what_is_not_itemised_yet_or_on_its_way_is_left_alone(world: World) -> None:
    before = world.http.dump()
    part = nobodys("charge", 100)
    early = world.payouts.pay_out(part, itemised="not_yet")
    under_way = world.payouts.pay_out(part, status="in_transit")
    assert world.deliver(early, under_way) == []
    assert world.http.dump() == before
    by_hand = world.payouts.pay_out(part, itemised="never")
    assert world.deliver(by_hand) == []
    assert [item["why"] for item in world.queue()] == ["not_itemised"]


def test_a_payout_the_bank_sent_back_is_paid_out_by_another(world: World) -> None:
    story = paid(world)
    first = world.payouts.pay_out(moved(story))
    assert world.deliver(first) == []
    world.payouts.payouts[first] = replace(world.payouts.payouts[first], status="failed")
    assert world.deliver(first, first) == []
    assert world.payout(first)["payout"]["state"] == "returned"
    assert world.books(first)["bank:main"] == 0
    gross = totals(story.order).gross.minor
    second = world.payouts.pay_out(replace(nobodys("payout_failure", gross), source=first))
    assert world.deliver(second) == []
    assert world.queue() == []
    sums = world.books(first, second, story.order.id)
    assert (sums["gateway_clearing"], sums["bank:main"]) == (0, gross)


def test_that_a_payout_came_back_may_be_told_after_the_next_one(world: World) -> None:
    story = paid(world)
    first = world.payouts.pay_out(moved(story))
    world.payouts.payouts[first] = replace(world.payouts.payouts[first], status="failed")
    gross = totals(story.order).gross.minor
    second = world.payouts.pay_out(replace(nobodys("payout_failure", gross), source=first))
    assert world.deliver(second) == []
    assert world.queue() == []
    assert world.payout(first)["payout"]["state"] == "returned"
    done = world.http.dump()
    assert world.deliver(first) == []
    assert world.http.dump() == done


def test_a_chargeback_and_its_fee_are_of_the_order(world: World) -> None:
    story = paid(world)
    assert story.seen is not None
    gross = totals(story.order).gross
    dispute = Dispute("du_1", story.seen.reference, gross, "fraudulent", "lost", NOW)
    decision = observe_disputes(story.order, [], [dispute], NOW)
    assert decision is not None
    save(world.db, decision, NOW)
    back = replace(moved(story, "dispute", -gross.minor, 1500), source="du_1")
    payout = world.payouts.pay_out(moved(story), back, nobodys("reserve", 5000))
    assert world.deliver(payout) == []
    assert world.queue() == []
    sums = world.books(story.order.id)
    assert (sums["payment_fees"], sums["chargeback_losses"]) == (1500, gross.minor)


# an account that another system has, too


def shares_the_account(world: World, monkeypatch: pytest.MonkeyPatch, unassigned: bool) -> None:
    monkeypatch.setattr(shop, "CACHED_SECONDS", -1)
    settings = replace(ACCOUNTS.settings, books_unassigned=unassigned)
    shop.put_settings(world.db, settings)


@pytest.mark.parametrize("unassigned", [True, False])
def test_of_a_payout_that_is_shared_each_system_books_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, unassigned: bool
) -> None:
    """The bank has it all; on these books is what was moved for its payments and, where it was told
    so, for none: also when the whole comes back, and is paid out again with more of others."""
    story = paid(world)
    shares_the_account(world, monkeypatch, unassigned)
    gross = totals(story.order).gross.minor
    first = world.payouts.pay_out(
        moved(story, fee=59), nobodys("foreign", 900, 40), nobodys("fee", 0, 70)
    )
    assert world.deliver(first) == []
    kept_here = 59 + 70 * unassigned
    seen = world.payout(first)
    told = seen["payout"]
    assert (told["state"], told["count"], told["unmatched"]) == ("settled", 1 + unassigned, 0)
    assert len(seen["items"]) == told["count"] and world.queue() == []
    assert (told["fees"]["minor"], told["net"]["minor"]) == (kept_here, gross - kept_here)
    assert told["net"]["minor"] + told["others"]["minor"] == told["amount"]["minor"]
    assert "foreign" not in told["gross"]
    sums = world.books(story.order.id, first)
    assert (sums["bank:main"], sums["gateway_clearing"]) == (gross - kept_here, 0)
    whole = world.payouts.payouts[first].amount.minor
    world.payouts.payouts[first] = replace(world.payouts.payouts[first], status="failed")
    second = world.payouts.pay_out(
        replace(nobodys("payout_failure", whole), source=first), nobodys("foreign", 5, 1, "more")
    )
    assert world.deliver(second, first) == []
    assert world.queue() == []
    again = world.payout(second)["payout"]
    assert (again["state"], again["net"]["minor"]) == ("settled", gross - kept_here)
    assert again["net"]["minor"] + again["others"]["minor"] == again["amount"]["minor"]
    sums = world.books(story.order.id, first, second)
    assert (sums["bank:main"], sums["gateway_clearing"]) == (gross - kept_here, 0)


@pytest.mark.parametrize("unassigned", [True, False])
def test_what_came_back_waits_until_it_is_known_how_much_of_it_was_booked(
    world: World, monkeypatch: pytest.MonkeyPatch, unassigned: bool
) -> None:
    """The payout is refused here for want of an account when its money is with the provider again:
    how much of that is ours is seen when the account is there, and is booked once."""
    story = paid(world)
    shares_the_account(world, monkeypatch, unassigned)
    shop.put_settings(
        world.db, replace(SHOP.settings, books_unassigned=unassigned, settlement_accounts={})
    )
    gross = totals(story.order).gross.minor
    first = world.payouts.pay_out(moved(story), nobodys("foreign", 900))
    assert world.deliver(first) == []
    came_back = nobodys("payout_failure", gross + 900)
    world.payouts.payouts[first] = replace(world.payouts.payouts[first], status="failed")
    second = world.payouts.pay_out(replace(came_back, source=first))
    third = world.payouts.pay_out(nobodys("foreign", 7, name="later"))
    assert world.deliver(second, third, second) == []
    whys = {item["payout"]: item["why"] for item in world.queue()}
    assert whys == {first: "unknown_account", second: "unknown_payout"}
    assert world.payout(third)["payout"]["state"] == "settled"
    assert not world.books(first, second)
    shares_the_account(world, monkeypatch, unassigned)
    assert world.deliver(second, first, second) == []
    assert (world.queue(), world.payout(first)["payout"]["state"]) == ([], "returned")
    told = world.payout(second)["payout"]
    assert (told["net"]["minor"], told["others"]["minor"]) == (gross, 900)
    sums = world.books(story.order.id, first, second)
    assert (sums["bank:main"], sums["gateway_clearing"]) == (gross, 0)


@pytest.mark.parametrize("itemised", ["not_yet", "yes"])
@pytest.mark.parametrize("unassigned", [True, False])
def test_what_came_back_waits_until_its_payout_is_heard_of(
    world: World, monkeypatch: pytest.MonkeyPatch, unassigned: bool, itemised: Any
) -> None:
    """Its payout cannot be itemised yet, or is still said to be on its way."""
    story = paid(world)
    shares_the_account(world, monkeypatch, unassigned)
    gross = totals(story.order).gross.minor
    status: Any = "failed" if itemised == "not_yet" else "in_transit"
    parts = moved(story), nobodys("foreign", 900)
    first = world.payouts.pay_out(*parts, status=status, itemised=itemised)
    second = world.payouts.pay_out(replace(nobodys("payout_failure", gross + 900), source=first))
    assert world.deliver(second) == []
    assert [item["why"] for item in world.queue()] == ["unknown_payout"]
    told = replace(world.payouts.payouts[first], status="failed", itemised="yes")
    world.payouts.payouts[first] = told
    assert world.deliver(first, second) == []
    assert (world.queue(), world.payout(second)["payout"]["state"]) == ([], "settled")
    sums = world.books(story.order.id, first, second)
    assert (sums["bank:main"], sums["gateway_clearing"]) == (gross, 0)


@pytest.mark.parametrize("unassigned", [True, False])
def test_what_came_back_of_a_payout_done_by_hand_is_for_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch, unassigned: bool
) -> None:
    """Where what is of no order is ours, it is one item; else nobody can tell how much of it is."""
    story = paid(world)
    shares_the_account(world, monkeypatch, unassigned)
    nowhere = replace(SHOP.settings, books_unassigned=unassigned, settlement_accounts={})
    shop.put_settings(world.db, nowhere)
    first = world.payouts.pay_out(moved(story), nobodys("foreign", 900))
    assert world.deliver(first) == []
    (item,) = world.queue()
    resource, path = "/settlement/unmatched/{item_id}/resolve", {"item_id": item["id"]}
    by_hand = {"reason": "by hand"}
    ok(world.call("POST", resource, by_hand, path=path, idempotency_key=new_key()))
    world.payouts.payouts[first] = replace(world.payouts.payouts[first], status="failed")
    whole = totals(story.order).gross.minor + 900
    second = world.payouts.pay_out(replace(nobodys("payout_failure", whole), source=first))
    shares_the_account(world, monkeypatch, unassigned)
    assert world.deliver(second) == []
    ((why, amount),) = {(item["why"], item["amount"]["minor"]) for item in world.queue()}
    assert (why, amount) == ("unknown_payout", whole)
    state = world.payout(second)["payout"]["state"]
    assert state == ("settled" if unassigned else "refused")


def test_a_payout_with_nothing_of_ours_is_none_of_our_business(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even an account in its currency is needed, and nothing is posted."""
    shares_the_account(world, monkeypatch, False)
    by_hand = replace(nobodys("charge", 0), payment="pi_by_hand", original=Money(0, "EUR"))
    parts = [nobodys("foreign", 900, 40), nobodys("fee", 0, 70), nobodys("reserve", -5), by_hand]
    euros = [replace(each, net=Money(each.net.minor, "EUR")) for each in parts]
    theirs = world.payouts.pay_out(*euros, amount=Money(785, "EUR"))
    assert world.deliver(theirs) == []
    told = world.payout(theirs)["payout"]
    assert (told["state"], told["count"], told["others"]["minor"]) == ("settled", 0, 785)
    world.payouts.payouts[theirs] = replace(world.payouts.payouts[theirs], status="failed")
    whole, nothing = Money(785, "EUR"), Money(0, "EUR")
    came_back = replace(
        nobodys("payout_failure", 785), source=theirs, gross=whole, fee=nothing, net=whole
    )
    again = world.payouts.pay_out(came_back, amount=whole)
    assert world.deliver(again) == []
    assert world.payout(again)["payout"]["others"]["minor"] == 785
    assert (world.queue(), world.books(theirs, again)) == ([], {})
    assert world.sweep()["sent"] == 0


# what nothing explains


def test_finance_sees_what_is_unmatched_and_takes_it_as_it_is_once(world: World) -> None:
    payout = world.payouts.pay_out(nobodys("charge", 700, 50), nobodys("other", 20))
    assert world.deliver(payout) == []
    assert world.payout(payout)["payout"]["unmatched"] == 2
    charge, other = sorted(world.queue(), key=lambda item: -item["amount"]["minor"])
    assert (charge["why"], charge["amount"]["minor"]) == ("unknown_payment", 650)
    assert (other["why"], other["transaction"]["id"]) == ("unknown_kind", "txn_other")
    resource, path = "/settlement/unmatched/{item_id}/resolve", {"item_id": charge["id"]}
    key = new_key()

    def resolve(reason: str, key: str) -> Any:
        body = {"reason": reason}
        return self_call("POST", resource, body, path=path, idempotency_key=key)

    self_call = world.call
    done = ok(resolve("paid at the fair", key))
    assert (done["resolved_by"], done["reason"]) == ("fin_1", "paid at the fair")
    once = world.http.dump()
    assert ok(resolve("paid at the fair", key)) == done
    refused(resolve("another reason", key), 422, "idempotency-key-reused")
    refused(resolve("paid at the fair", new_key()), 409, "illegal-state")
    assert world.http.dump() == once
    assert [item["id"] for item in world.queue()] == [other["id"]]
    assert world.payout(payout)["payout"]["unmatched"] == 1
    sums = world.books(payout)
    assert (sums["settlement_differences"], sums["gateway_clearing"]) == (-650, -20)
    assert world.sweep()["matched"] == 0


def test_a_refused_payout_that_finance_resolved_stays_so(world: World) -> None:
    payout = world.payouts.pay_out(nobodys("charge", 700), short=1)
    assert world.deliver(payout) == []
    (item,) = world.queue()
    resource, path = "/settlement/unmatched/{item_id}/resolve", {"item_id": item["id"]}
    body = {"reason": "booked by hand"}
    ok(world.call("POST", resource, body, path=path, idempotency_key=new_key()))
    assert (world.payout(payout)["payout"]["state"], world.queue()) == ("resolved", [])
    assert world.deliver(payout) == []
    assert world.sweep()["sent"] == 0
    assert world.books(payout) == {}


def test_what_is_not_there_cannot_be_seen_or_resolved(world: World) -> None:
    refused(world.call("GET", "/payouts/{payout_id}", path={"payout_id": "po_9"}), 404, "not-found")
    resource, path = "/settlement/unmatched/{item_id}/resolve", {"item_id": "x"}
    answer = world.call("POST", resource, {"reason": "r"}, path=path, idempotency_key=new_key())
    refused(answer, 404, "not-found")
    answer = world.call("POST", resource, {"reason": ""}, path=path, idempotency_key=new_key())
    refused(answer, 422, "invalid-request")


def test_lists_page_from_the_newest_payout_and_the_oldest_item(world: World) -> None:
    for days in range(3):
        made = NOW - timedelta(days=days)
        part = replace(nobodys("other", 10 + days, 0, f"{days}"), created_at=made)
        assert world.deliver(world.payouts.pay_out(part, created_at=made)) == []
    for resource, name, expected in (
        ("/payouts", "payouts", ["po_1", "po_2", "po_3"]),
        ("/settlement/unmatched", "items", ["po_3", "po_2", "po_1"]),
    ):
        seen: list[str] = []
        cursor = None
        while cursor or not seen:
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = ok(world.call("GET", resource, query=query))
            seen += [each.get("payout") or each["id"] for each in page[name]]
            cursor = page["next_cursor"]
        assert seen == expected


# what got lost


def test_the_sweep_finds_payouts_nobody_told_of(world: World) -> None:
    payout = world.payouts.pay_out(nobodys("fee", 0, -10))
    old = world.payouts.pay_out(nobodys("fee", 0, -10), created_at=NOW - timedelta(days=15))
    assert world.sweep() == {"sent": 1, "matched": 0, "waiting": 0}
    assert world.sent("SETTLEMENTS") == [{"payout": payout}]
    assert world.deliver(payout) == []
    assert world.sweep()["sent"] == 0
    world.payouts.payouts[payout] = replace(world.payouts.payouts[payout], status="failed")
    assert world.sweep()["sent"] == 1
    assert kept.get_settlement(world.db, old) is None


def test_a_movement_is_matched_once_its_order_hears_of_it(world: World) -> None:
    """Whose webhook was lost: the sweep has the order's payment looked at, and books it then."""
    story = at("invoiced", shop=ACCOUNTS)
    store(world.db, story)
    payout = world.payouts.pay_out(moved(story, fee=59))
    assert world.deliver(payout) == []
    assert [item["why"] for item in world.queue()] == ["exceeds_captured"]
    assert story.seen is not None
    assert world.sweep() == {"sent": 0, "matched": 0, "waiting": 1}
    told = {"payment": story.seen.reference, "order": story.order.id, "about": "dispute"}
    assert world.sent("PAYMENTS") == [told]
    store_last(world, story.captured())
    assert world.sweep() == {"sent": 0, "matched": 1, "waiting": 0}
    seen = world.payout(payout)
    assert (world.queue(), seen["payout"]["unmatched"]) == ([], 0)
    assert not seen["items"][0].get("why")
    sums = world.books(payout, story.order.id)
    assert sums["gateway_clearing"] == 0
    assert dossier_of(world.db, story.order.id).order.captured == totals(story.order).gross.minor
    done = world.http.dump()
    assert world.sweep() == {"sent": 0, "matched": 0, "waiting": 0}
    assert world.http.dump() == done
