"""The public view: one status for people, steps that fit it, a timeline in public words."""

from __future__ import annotations

import string
from typing import get_args

import pytest
from parcelway.domain import progress
from parcelway.domain.order import totals
from parcelway.domain.progress import PublicStatus
from parcelway.domain.public_view import PublicOrder, PublicStage, public_order
from parcelway.domain.receipt import receipt
from parcelway.domain.shipment import TrackingStatus
from parcelway.language.formats import LANGUAGES
from parcelway.language.wording import WORDS

from tests.orders import SPLIT_STOCK, Stage, Story, at


def seen(story: Story, linked: bool = True) -> PublicOrder:
    return public_order(
        story.order,
        story.shipments,
        story.invoices,
        story.events,
        story.shop.nodes,
        linked=linked,
    )


@pytest.mark.parametrize(
    ("stage", "method", "status", "done"),
    [
        ("placed", "delivery", "awaiting_payment", 0),
        ("confirmed", "delivery", "confirmed", 0),
        ("scheduled", "delivery", "preparing", 1),
        ("packed", "delivery", "preparing", 1),
        ("shipped", "delivery", "shipped", 2),
        ("out_for_delivery", "delivery", "out_for_delivery", 3),
        ("delivered", "delivery", "delivered", 5),
        ("closed", "delivery", "delivered", 5),
        ("packed", "pickup", "preparing", 1),
        ("shipped", "pickup", "ready_for_pickup", 2),
        ("closed", "pickup", "collected", 4),
    ],
)
def test_status_and_steps(stage: Stage, method: str, status: str, done: int) -> None:
    view = seen(at(stage, method=method))
    assert view.status == status
    assert [step.state for step in view.steps].count("done") == done
    assert len(view.steps) == (5 if method == "delivery" else 4)
    current = [step for step in view.steps if step.state == "current"]
    assert len(current) == (0 if status in ("awaiting_payment", "delivered", "collected") else 1)


def test_what_ended_early_has_no_steps() -> None:
    for story in (at("confirmed").cancelled(), at("placed").expired()):
        view = seen(story)
        assert view.status == story.order.state
        assert view.steps == ()
        assert view.timeline[0].name == story.order.state


def one_parcel_on(story: Story, status: str) -> Story:
    """Have the carrier report only the first parcel."""
    kept = dict(story.by_id)
    first = next(iter(kept))
    story.by_id = {first: kept[first]}
    story.tracked(status)  # type: ignore[arg-type]
    story.by_id = kept | story.by_id
    return story


def test_with_two_parcels_trouble_comes_first_and_the_rest_by_what_all_agree_on() -> None:
    story = at("shipped", stock=SPLIT_STOCK)
    assert seen(story).status == "shipped"
    assert seen(one_parcel_on(story, "out_for_delivery")).status == "shipped"
    assert seen(one_parcel_on(story, "failed_attempt")).status == "problem"
    assert seen(one_parcel_on(story, "delivered")).status == "partly_delivered"
    assert seen(story.tracked("out_for_delivery")).status == "out_for_delivery"
    assert seen(story.tracked("delivered")).status == "delivered"
    assert [parcel.number for parcel in seen(story).parcels] == [1, 2]


def test_the_timeline_is_newest_first_and_has_public_words_only() -> None:
    story = at("closed").refunded(500)
    for linked in (False, True):
        names = [milestone.name for milestone in seen(story, linked).timeline]
        assert all(f"happened.{name}" in WORDS for name in names)
        assert names[-1] == "placed"
        assert ("refunded" in names) == linked
        assert ("invoiced" in names) == linked
    times = [milestone.at for milestone in seen(story).timeline]
    assert times == sorted(times, reverse=True)


def test_a_collected_order_was_not_delivered() -> None:
    told = [milestone.name for milestone in seen(at("closed", method="pickup")).timeline]
    assert "collected" in told
    assert "delivered" not in told
    (parcel,) = seen(at("closed", method="pickup")).parcels
    assert parcel.status == "collected"


def test_without_the_link_there_are_no_contents() -> None:
    assert seen(at("closed"), linked=False).link is None
    link = seen(at("closed")).link
    assert link is not None
    assert (link.lines[0].quantity, dict(link.lines[0].stages)) == (3, {"delivered": 3})
    (store,) = seen(at("closed", method="pickup")).link.destinations  # type: ignore[union-attr]
    assert store.store == "Teapot Downtown"


def test_a_cancelled_shipment_is_no_parcel() -> None:
    assert seen(at("packed").cancelled()).parcels == ()


def test_a_part_that_was_cancelled_is_told_and_the_rest_goes_on() -> None:
    story = at("packed", stock=SPLIT_STOCK).rejected()
    for linked in (False, True):
        view = seen(story, linked)
        assert (view.status, [parcel.number for parcel in view.parcels]) == ("preparing", [1])
        latest = view.timeline[0]
        assert (latest.name, latest.parcel) == ("partly_cancelled", 0)
    link = seen(story).link
    assert link is not None
    assert [dict(line.stages) for line in link.lines] == [
        {"packed": 3},
        {"cancelled": 1},
        {"packed": 2},
    ]
    (rest,) = (shipment for shipment in story.shipments if shipment.status == "packed")
    story.by_id = {rest.id: rest}
    assert seen(story.shipped().delivered()).status == "delivered"


def test_a_parcel_that_came_back_is_told_so() -> None:
    view = seen(at("shipped").tracked("returned"))
    assert (view.status, view.timeline[0].name, view.steps) == ("returned", "returned", ())
    assert [parcel.status for parcel in view.parcels] == ["returned"]


def test_a_receipt_adds_up() -> None:
    story = at("closed").refunded(500)
    assert story.payment is not None
    bought = receipt(story.order, [story.payment])
    sums = totals(story.order)
    assert sum(line.net.minor + line.tax.minor for line in bought.lines) == sums.gross.minor
    assert sum(tax.tax.minor for tax in bought.taxes) == sums.tax.minor
    assert bought.captured == sums.gross
    assert bought.refunded.minor == 500
    assert not bought.held
    held = at("confirmed")
    assert held.payment is not None
    assert receipt(held.order, [held.payment]).held == sums.gross


def test_every_name_has_words_in_every_language() -> None:
    names = [f"status.{name}" for name in get_args(PublicStatus)]
    names += [f"about.{name}" for name in get_args(PublicStatus)]
    names += [f"stage.{name}" for name in get_args(PublicStage)]
    names += [f"parcel.{name}" for name in (*get_args(TrackingStatus), "preparing", "collected")]
    happened = (*progress._HAPPENED_LINKED.values(), "collected")
    names += [f"happened.{name}" for name in happened]
    names += [f"step.{name}" for name in (*progress._DELIVERY, *progress._PICKUP)]
    assert not [name for name in names if name not in WORDS]
    for key, words in WORDS.items():
        assert set(words) == set(LANGUAGES), key
        assert all(words.values()), key
        fields = [sorted(_fields(text)) for text in words.values()]
        assert fields[0] == fields[1], key


def _fields(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]
