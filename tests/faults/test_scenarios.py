"""Scenarios come to what they are about: what is to be survived does happen in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from parcelway.domain.dunning import FALLS_DUE, REMINDERS
from parcelway.ports.webhooks import TOLERANCE
from parcelway.store.settlements import payouts

from infra.faults.people import dossier_of
from infra.faults.scenarios import SCENARIOS
from infra.sim.history import History
from infra.sim.injection import Injector, Mode, Point
from infra.sim.laboratory import Laboratory
from infra.sim.world import START


@contextmanager
def begun(lab: Laboratory, name: str, plan: dict[Point, Mode] | None = None) -> Iterator[History]:
    """A scenario's people, set in motion."""
    (scenario,) = (scenario for scenario in SCENARIOS if scenario.name == name)
    with lab.world(injector=Injector(plan or {})) as world:
        history = History(world)
        scenario.play(history)
        yield history


def test_every_scenario_has_a_name_of_its_own() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)


def test_a_crowd_splits_a_balance_to_the_utmost_and_calm_merges_it(lab: Laboratory) -> None:
    with begun(lab, "crowded") as history:
        seen: list[int] = []

        def look() -> None:
            for _ in range(120):
                history.world.kernel.sleep(1)
                database = history.world.database
                seen.append(len(database.query(database.stock, "SKU#HOT")))

        history.script("onlooker", look)
        history.run()
        assert sorted(set(seen)) == [1, 4, 16]
        assert not history.world.splits()


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("bounced", 2), ("late-bounce", 2), ("complained", 2), ("paused", 0)],
)
def test_mails_are_left_out_once_an_address_is_suppressed(
    lab: Laboratory, name: str, left_out: int
) -> None:
    with begun(lab, name) as history:
        history.run()
        database = history.world.database
        mails = database.query(database.orders, f"ORD#{history.orders['ann']}", "MAIL#")
        states = [mail["state"] for mail in mails]
        assert states.count("suppressed") == left_out
        assert states.count("sent") == len(states) - left_out


def test_ses_refuses_while_it_is_paused(lab: Laboratory) -> None:
    with begun(lab, "paused") as history:
        history.run()
        assert history.world.calls["NotificationsFunction", "sesv2.SendEmail"] > len(
            history.world.sent
        )


def test_an_order_on_hold_is_released_only_after_it_was_paid_again(lab: Laboratory) -> None:
    with begun(lab, "held") as history:
        history.run()
        dossier = dossier_of(history, "ann")
        (shipment,) = dossier.shipments
        assert [payment.status for payment in dossier.payments] == ["voided", "captured"]
        assert shipment.released_at is not None
        assert shipment.released_at > dossier.payments[1].created_at


@pytest.mark.parametrize(
    ("name", "payments"),
    [("refused-capture", ["captured"]), ("unsecured", ["voided", "captured"])],
)
def test_goods_that_left_unpaid_are_paid_for_in_the_end(
    lab: Laboratory, name: str, payments: list[str]
) -> None:
    with begun(lab, name) as history:
        history.run()
        assert "capture_failed" in history.alerts()
        assert [payment.status for payment in dossier_of(history, "ann").payments] == payments


@pytest.mark.parametrize(
    ("name", "statuses", "states"),
    [
        ("disputed", ["lost"], ["settled"]),
        ("won back", ["won"], ["settled"]),
        ("sent back", [], ["returned", "settled"]),
    ],
)
def test_money_is_disputed_paid_out_and_sent_back(
    lab: Laboratory, name: str, statuses: list[str], states: list[str]
) -> None:
    with begun(lab, name) as history:
        history.run()
        assert [each.status for each in dossier_of(history, "ann").disputes] == statuses
        known, _ = payouts(history.world.database, 10, None)
        assert sorted(each.state for each in known) == states
        assert all(each.count > 0 for each in known)


def test_a_throttled_function_is_not_reached_for_five_minutes(lab: Laboratory) -> None:
    point = Point("FulfillmentWorkerFunction", "invoke", 1)
    with begun(lab, "overdue", {point: "throttled"}) as history:
        history.run()
        events = {event.type: event.at for event in dossier_of(history, "ann").events}
        waited = (events["order.scheduled"] - events["order.confirmed"]).total_seconds()
        assert 300 <= waited < 600


@pytest.mark.parametrize(
    ("name", "person", "fills", "waves", "captures"),
    [
        ("backordered", "ann", [2], 2, 2),
        ("complete", "ann", [2], 1, 1),
        ("separate", "ann later", [2], 1, 1),
        ("forgotten", "bob", [1], 1, 1),
        ("launched", "ann", [2], 1, 1),
        ("launched", "bob", [1, 1], 2, 2),
        ("called-off", "bob", [1], 1, 1),
        ("overtaken", "bob", [1], 1, 1),
    ],
)
def test_who_waits_is_served_once_and_pays_for_what_has_left(
    lab: Laboratory, name: str, person: str, fills: list[int], waves: int, captures: int
) -> None:
    with begun(lab, name) as history:
        history.run()
        dossier = dossier_of(history, person)
        events = [event for event in dossier.events if event.type == "order.replenished"]
        assert [event.data["quantity"] for event in events] == fills
        assert dossier.order.waves == waves
        intents = history.world.provider.intents_of(dossier.order.id)
        assert [len(intent.captures) for intent in intents] == [captures]


def test_a_supply_that_never_came_is_told_once_as_such(lab: Laboratory) -> None:
    with begun(lab, "never-came") as history:
        history.run()
        group = dossier_of(history, "ann").order.group
        assert [revision.promise is None for revision in group.revisions] == [True, False]


def test_a_carrier_is_heard_once_the_clocks_agree(lab: Laboratory) -> None:
    """For days every clock here is off by more than a signature may be old: each try is refused,
    and changes nothing. It is the carrier's part to sign anew and go on."""
    with begun(lab, "bought") as history:
        world, seen = history.world, list[set[str]]()
        sent, agree = START + timedelta(hours=2), START + timedelta(days=4)

        def off() -> timedelta:
            wrong = sent < world.kernel.moment < agree
            return TOLERANCE + timedelta(minutes=1) if wrong else timedelta(0)

        def look() -> None:
            world.kernel.sleep(timedelta(days=3, hours=23).total_seconds())
            seen.append({shipment.status for shipment in dossier_of(history, "ann").shipments})

        world.lambdas.begin(world.kernel, off)
        history.script("onlooker", look)
        history.run()
        assert seen == [{"shipped"}]
        assert dossier_of(history, "ann").order.state == "closed"
        assert world.lambdas.invocations["CarrierWebhookFunction"] > 60


def test_nobody_tells_of_what_was_paid(lab: Laboratory) -> None:
    with begun(lab, "unheard") as history:
        history.run()
        runs = history.world.lambdas.invocations
        assert (runs["PaymentWebhookFunction"], runs["ReconcilerFunction"]) == (0, 8)
        for name in ("ann", "bob"):
            confirmed = dossier_of(history, name).order.confirmed_at
            assert confirmed is not None
            assert timedelta(minutes=15) <= confirmed - START < timedelta(minutes=17)


def test_a_card_is_kept_and_gone_in_the_end(lab: Laboratory) -> None:
    for name in ("kept-card-ends", "kept-card-pays"):
        with begun(lab, name) as history:
            kept: list[int] = []

            def look(history: History = history, kept: list[int] = kept) -> None:
                for _ in range(20):
                    history.world.kernel.sleep(30)
                    provider = history.world.provider
                    kept.append(len(provider.kept_cards(history.orders["ann"])))

            history.script("onlooker", look)
            history.run()
            assert max(kept) == 1
            assert history.world.provider.kept_cards(history.orders["ann"]) == []
            types = [event.type for event in dossier_of(history, "ann").events]
            assert types.count("payment.card_deleted") == 1


def test_who_buys_on_account_is_reminded_once_and_by_one_mail(lab: Laboratory) -> None:
    with begun(lab, "on account") as history:
        history.run()
        told = [
            event.type
            for name in ("one", "other")
            for event in dossier_of(history, name).events
            if event.type in REMINDERS
        ]
        assert told == [FALLS_DUE]
        mails = [mail for mail in history.world.outbox.all() if "is due on" in mail.subject]
        assert len(mails) == 1


def test_of_two_who_want_kits_of_the_same_vases_one_gets_them_and_gives_a_lamp_back(
    lab: Laboratory,
) -> None:
    with begun(lab, "kits") as history:
        history.run()
        order = dossier_of(history, "ann").order
        assert history.refusals == {"bob": "out-of-stock"}
        assert [(kit.sku, kit.quantity) for kit in order.kits] == [("LIT-VASE", 2)]
        sent = {line.sku: line.count("delivered") for line in order.lines}
        assert (order.state, sent) == ("closed", {"VASE": 3, "LAMP": 1})
        assert 0 < order.captured - order.refunded == order.invoiced
