"""Idempotent commands: the second time changes nothing, another request under a key is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.cancellation import cancel
from parcelway.domain.cart import add
from parcelway.domain.checkout import Names, place
from parcelway.domain.commands import REMEMBERED, Command, command, remember, repeated
from parcelway.domain.decision import Decision
from parcelway.domain.ids import derived
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal

from tests.orders import CUSTOMER, START, Story, at

texts = st.text(max_size=20)


def _add(story: Story, asked: Command) -> Decision:
    return add(story.order, "TEA-9", 2, story.facts, asked)


def _place(story: Story, asked: Command) -> Decision:
    number = "PW"
    return place(
        story.order, story.facts, asked, names=(Names(number, ""),) * 2, expected_total=None
    )


def _cancel(story: Story, asked: Command) -> Decision:
    return cancel(story.order, (), "customer", CUSTOMER, START, asked)


@pytest.mark.parametrize(
    ("stage", "decide"), [("draft", _add), ("draft", _place), ("placed", _cancel)]
)
def test_an_order_knows_a_command_it_has_had(
    stage: str, decide: Callable[[Story, Command], Decision]
) -> None:
    story = at(stage)  # type: ignore[arg-type]
    asked = command("key-1", "POST /x", "body")
    assert not repeated(story.order, asked)
    done = decide(story, asked).order
    assert repeated(done, asked)
    assert not repeated(done, command("key-2", "POST /x", "body"))
    with pytest.raises(Refusal) as refused:
        repeated(done, command("key-1", "POST /x", "another body"))
    assert refused.value.reason is Reason.KEY_REUSED


@given(st.lists(st.tuples(texts, texts), max_size=80))
def test_the_latest_commands_are_remembered_and_no_more(asked: list[tuple[str, str]]) -> None:
    order: Order = replace(at("draft").order, commands={})
    made: dict[str, Command] = {}
    for key, body in asked:
        if key in made:
            continue
        made[key] = command(key, body)
        order = replace(order, commands=remember(order, made[key]))
    latest = list(made.values())[-REMEMBERED:]
    assert dict(order.commands) == {one.key: one.fingerprint for one in latest}
    assert remember(order, None) is order.commands


def test_a_placed_order_keeps_the_key_that_placed_it() -> None:
    """Only a cancellation can follow, so its memory cannot overflow."""
    story = at("draft")
    for number in range(REMEMBERED + 10):
        story._apply(add(story.order, "TEA-9", 1, story.facts, command(f"add-{number}", "x")))
    placing = command("place-1", "x")
    story._apply(_place(story, placing)).cancelled()
    assert repeated(story.order, placing)
    assert len(story.order.commands) == REMEMBERED


@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=4))
def test_fingerprints_tell_requests_apart_and_hide_the_key(a: list[str], b: list[str]) -> None:
    one, two = command("secret-key", *a), command("secret-key", *b)
    assert one.key == two.key
    assert (one.fingerprint == two.fingerprint) == ("\n".join(a) == "\n".join(b))
    assert "secret" not in one.key


@given(texts, texts)
def test_derived_ids_are_the_same_for_the_same_cause_only(caller: str, key: str) -> None:
    made = derived("ord", caller, key)
    assert made == derived("ord", caller, key)
    assert made.startswith("ord_")
    assert len(made) == 30
    assert made[4:].isalnum()
    assert made != derived("ord", caller, key + "x")
