"""Which command may do what at which moment: every pair is tried, every legal one is listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from parcelway.domain import (
    authorization,
    cancellation,
    cart,
    checkout,
    delivery,
    fulfilment,
    invoicing,
    pickup,
    scheduling,
)
from parcelway.domain.commands import Command
from parcelway.domain.decision import Decision
from parcelway.domain.money import Money
from parcelway.domain.order import totals
from parcelway.domain.parties import SYSTEM
from parcelway.domain.payment import GatewayPayment, GatewayStatus
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shipment import Checkpoint, Shipment, TrackingStatus

from tests.orders import CARRIER, CONTACT, HOME, WAREHOUSE, Story, at

MOMENTS: dict[str, Callable[[], Story]] = {
    "draft": lambda: at("draft"),
    "placed": lambda: at("placed"),
    "confirmed": lambda: at("confirmed"),
    "scheduled": lambda: at("scheduled"),
    "released": lambda: at("released"),
    "packed": lambda: at("packed"),
    "to_collect": lambda: at("packed", method="pickup"),
    "shipped": lambda: at("shipped"),
    "ready": lambda: at("shipped", method="pickup"),
    "captured": lambda: at("captured"),
    "delivered": lambda: at("delivered"),
    "collected": lambda: at("delivered", method="pickup"),
    "closed": lambda: at("closed"),
    "cancelled": lambda: at("packed").cancelled(),
    "expired": lambda: at("placed").expired(),
}


def _asked() -> Command:
    return Command("new-key", "")


def _only(story: Story) -> Shipment:
    """The one shipment; an order without one gets another order's, as a careless caller might."""
    if story.shipments:
        return story.shipments[0]
    if story.order.state == "confirmed":
        raise Refusal(Reason.NOT_FOUND, "There is no such shipment.")
    return replace(at("scheduled", seed=story.seed).shipments[0], status="packed")


def _seen(story: Story, status: GatewayStatus, attempt: int = 1) -> GatewayPayment:
    """The order's own payment (or its next one) with everything held, taken or given up."""
    gross = totals(story.order).gross
    nothing = Money(0, gross.currency)
    held = gross if status in ("authorized", "captured") else nothing
    taken = gross if status == "captured" else nothing
    reference = f"pi_{story.seed}" if attempt == 1 else f"pi_{attempt}"
    return GatewayPayment(reference, story.order.id, attempt, status, gross, held, taken, nothing)


def _observe(status: GatewayStatus, attempt: int = 1) -> Callable[[Story], Decision | None]:
    """A report after what must be undone was undone, as the worker does it."""

    def decide(story: Story) -> Decision | None:
        payment = story.payment if attempt == 1 else None
        seen = _seen(story, status, attempt)
        undo = authorization.undo_first(story.order, payment, seen)
        if undo is not None and undo.action == "void":
            seen = replace(seen, status="voided", authorized=Money(0, "USD"))
        elif undo is not None:
            seen = replace(seen, refunded=seen.captured)
        return authorization.observe(story.order, payment, seen, story.facts)

    return decide


def _track(status: TrackingStatus) -> Callable[[Story], Decision | None]:
    def decide(story: Story) -> Decision | None:
        said = Checkpoint("new-event", status, story.now)
        return fulfilment.track(story.order, _only(story), said, CARRIER, story.facts)

    return decide


def _nobody_comes(story: Story) -> Decision | None:
    late = replace(story.facts, now=story.now + timedelta(days=30))
    return pickup.see_to(story.order, story.shipments, late)


COMMANDS: dict[str, Callable[[Story], Decision | None]] = {
    "add": lambda s: cart.add(s.order, "TEA-9", 1, s.facts, _asked()),
    "remove": lambda s: cart.set_quantity(s.order, "TEA-9", 0, s.facts),
    "describe": lambda s: cart.describe(s.order, s.facts, language="de"),
    "claim": lambda s: cart.claim(s.order, cart.Claimant("cus_1", CONTACT), s.facts),
    "deliver_to": lambda s: delivery.deliver_to(s.order, HOME, "standard", "", s.facts),
    "pick_up_at": lambda s: delivery.pick_up_at(s.order, "store-1", "collect", "", s.facts),
    "place": lambda s: checkout.place(
        s.order, s.facts, _asked(), names=(checkout.Names("PW", ""),) * 2, expected_total=None
    ),
    "lapse": lambda s: cart.lapse(s.order, s.now + timedelta(days=1)),
    "start": lambda s: authorization.start(
        s.order, _seen(s, "awaiting_customer", s.order.payment_attempts + 1), s.now
    ),
    "authorized": _observe("authorized"),
    "captured": _observe("captured"),
    "voided": _observe("voided"),
    "second": _observe("authorized", attempt=2),
    "cancel": lambda s: cancellation.cancel(s.order, s.shipments, "", SYSTEM, s.now, _asked()),
    "schedule": lambda s: scheduling.schedule(s.order, s.shipments, 1, s.facts),
    "release": lambda s: fulfilment.release(s.order, _only(s), s.facts),
    "pack": lambda s: fulfilment.pack(s.order, _only(s), WAREHOUSE, s.facts),
    "ship": lambda s: fulfilment.ship(s.order, _only(s), "acme", "1", WAREHOUSE, s.facts),
    "ready": lambda s: pickup.ready(s.order, _only(s), WAREHOUSE, s.facts),
    "hand_over": lambda s: pickup.hand_over(s.order, _only(s), "code", WAREHOUSE, s.facts),
    "expire": _nobody_comes,
    "in_transit": _track("in_transit"),
    "arrived": _track("delivered"),
    "invoice": lambda s: invoicing.issue(s.order, _only(s), s.shipments, s.counter, s.facts),
    "close": lambda s: fulfilment.close(s.order, s.facts),
}


def outcome(command: str, moment: str) -> str:
    """`-` refused, `.` nothing to do, else the order's state afterwards, and the shipment's."""
    story = MOMENTS[moment]()
    before = story.order
    try:
        made = COMMANDS[command](story)
    except Refusal:
        return "-"
    if made is None:
        return "."
    assert made.order.version == before.version + 1
    assert (
        sum(line.quantity for line in made.order.lines)
        == sum(line.quantity for line in before.lines)
        or before.state == "draft"
    )
    changed = [f"/{shipment.status}" for shipment in made.shipments]
    return "".join([made.order.state, *changed])


# By moment and outcome: every command that is not refused.
LEGAL: dict[str, dict[str, str]] = {
    "draft": {
        "draft": "add remove describe claim deliver_to pick_up_at "
        "authorized captured voided second",
        "placed": "place",
        ".": "lapse release pack expire",
    },
    "placed": {
        "expired": "lapse",
        "placed": "start voided",
        "confirmed": "authorized captured second",
        "cancelled": "cancel",
        ".": "release pack expire",
    },
    "confirmed": {
        ".": "lapse authorized close expire",
        "confirmed": "captured voided second",
        "cancelled": "cancel",
        "confirmed/scheduled": "schedule",
    },
    "scheduled": {
        ".": "lapse authorized schedule close expire",
        "confirmed": "captured voided second",
        "cancelled/cancelled": "cancel",
        "confirmed/released": "release",
    },
    "released": {
        ".": "lapse authorized schedule release close expire",
        "confirmed": "captured voided second",
        "cancelled/cancelled": "cancel",
        "confirmed/packed": "pack",
    },
    "packed": {
        ".": "lapse authorized schedule release pack close expire",
        "confirmed": "captured voided second",
        "cancelled/cancelled": "cancel",
        "confirmed/shipped": "ship",
    },
    "to_collect": {
        ".": "lapse authorized schedule release pack close expire",
        "confirmed": "captured voided second",
        "cancelled/cancelled": "cancel",
        "confirmed/ready_for_pickup": "ready",
    },
    "shipped": {
        ".": "lapse authorized schedule release pack close expire",
        "confirmed": "captured voided second",
        "confirmed/shipped": "in_transit invoice",
        "confirmed/delivered": "arrived",
    },
    "ready": {
        ".": "lapse authorized schedule release pack ready close",
        "confirmed": "captured voided second",
        "confirmed/delivered": "hand_over",
        "cancelled/cancelled": "cancel expire",
    },
    "captured": {
        ".": "lapse authorized captured voided schedule release pack invoice close expire",
        "confirmed": "second",
        "confirmed/shipped": "in_transit",
        "confirmed/delivered": "arrived",
    },
    "delivered": {
        ".": "lapse authorized captured voided schedule release pack invoice expire",
        "confirmed": "second",
        "confirmed/delivered": "in_transit arrived",
        "closed": "close",
    },
    "collected": {
        ".": "lapse authorized captured voided schedule release pack ready hand_over invoice "
        "expire",
        "confirmed": "second",
        "closed": "close",
    },
    "closed": {
        ".": "lapse authorized captured voided release pack invoice close expire",
        "closed": "second",
        "closed/delivered": "in_transit arrived",
    },
    "cancelled": {
        ".": "lapse release close expire",
        "cancelled": "authorized captured voided second",
    },
    "expired": {
        ".": "lapse release pack expire",
        "expired": "authorized captured voided second",
    },
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_only_the_listed_commands_do_anything_and_exactly_that(moment: str) -> None:
    expected = {
        command: led_to
        for led_to, commands in LEGAL[moment].items()
        for command in commands.split()
    }
    assert {
        command: led_to for command in COMMANDS if (led_to := outcome(command, moment)) != "-"
    } == expected


def test_every_moment_that_is_not_an_end_can_be_left() -> None:
    """By a command that leads to another state of the order, or of its shipment."""
    for moment in MOMENTS.keys() - {"closed", "cancelled", "expired"}:
        story = MOMENTS[moment]()
        here = {story.order.state, *(f"{story.order.state}/{s.status}" for s in story.shipments)}
        assert LEGAL[moment].keys() - here - {"."}, moment
