"""One seed is one history, and the explorer finds what is planted for it to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from parcelway.ports import messages
from parcelway.ports.mail import SesMailer
from parcelway.store import commit, mails, saving
from parcelway.store.queues import Served

from infra.faults.explore import Outcome, Story, play, random_story, shortest
from infra.faults.scenarios import SCENARIOS
from infra.local.patching import Patches
from infra.sim.laboratory import Laboratory
from infra.sim.world import Conditions

SEEDS = range(1000, 1006)


@pytest.fixture
def planted() -> Iterator[Patches]:
    patches = Patches()
    yield patches
    patches.undo()


@pytest.mark.parametrize("scenario", [scenario.name for scenario in SCENARIOS])
def test_without_faults_every_scenario_ends_well(lab: Laboratory, scenario: str) -> None:
    assert play(lab, Story(scenario)).wrong == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_one_seed_is_one_history(lab: Laboratory, seed: int) -> None:
    assert play(lab, random_story(seed)) == play(lab, random_story(seed))


def test_a_story_told_without_dice_is_the_same_history(lab: Laboratory) -> None:
    for seed in SEEDS:
        drawn = play(lab, random_story(seed))
        assert drawn.story.dice == 0
        assert play(lab, drawn.story) == drawn


def _mail_faults(lab: Laboratory) -> Iterator[Outcome]:
    """Every single fault of the function that mails."""
    plain = play(lab, Story("collected"))
    for point, mode in plain.faults:
        if point.function == "NotificationsFunction":
            yield play(lab, Story("collected", plan={point: mode}))


def _found(outcomes: Iterator[Outcome], words: str) -> Outcome:
    """The first failure among outcomes that says `words`; the others are let pass."""
    for outcome in outcomes:
        if any(words in broken for broken in outcome.wrong):
            return outcome
    raise AssertionError(f"nothing was found that says {words!r}")


def test_it_finds_writes_without_their_conditions_and_shortens_the_story(
    lab: Laboratory, planted: Patches
) -> None:
    request = commit.Write.request

    def unconditional(write: commit.Write) -> dict[str, Any]:
        made = request(write)
        made.pop("ConditionExpression", None)
        return _without_unused_values(made, write)

    planted.replace(commit.Write, "request", unconditional)
    stories = (Story("race", Conditions(seed), dice=3, shuffled=True) for seed in range(20))
    outcomes = (play(lab, story) for story in stories)
    failed = (o for o in outcomes if any("stock" in broken for broken in o.wrong))
    simplest = (shortest(lab, outcome) for outcome in failed)
    assert any(outcome.wrong and outcome.story.plan == {} for outcome in simplest)


def _without_unused_values(made: dict[str, Any], write: commit.Write) -> dict[str, Any]:
    for part in ("ExpressionAttributeValues", "ExpressionAttributeNames"):
        used = {name: value for name, value in made.get(part, {}).items() if name in write.update}
        made.pop(part, None)
        if used:
            made[part] = used
    return made


def test_it_finds_a_mail_that_can_go_twice(lab: Laboratory, planted: Patches) -> None:
    planted.replace(mails, "claim", lambda *_: True)
    _found(_mail_faults(lab), "2 times")


def test_it_finds_a_message_that_is_swallowed(lab: Laboratory) -> None:
    consume = messages.consume

    def swallow(event: Any, logger: Any, handle: Callable[[Any], None], **more: Any) -> Any:
        def careless(message: Any) -> None:
            with suppress(Exception):
                handle(message)

        return consume(event, logger, careless, **more)

    play(lab, Story("collected"))  # loads the handlers
    with lab.planted("consume", swallow):
        _found(_mail_faults(lab), "mail")


def test_it_finds_a_lost_update(lab: Laboratory, planted: Patches) -> None:
    """Two tabs edit one cart; without the version's condition the last one wins."""

    def any_version(table: str, item: dict[str, Any], _version: int) -> commit.Write:
        always = "attribute_exists(pk) OR attribute_not_exists(pk)"
        return commit.Write(table, always, item)

    planted.replace(saving, "put_version", any_version)
    stories = (Story("tabs", Conditions(seed), shuffled=True) for seed in range(20))
    _found((play(lab, story) for story in stories), "ann has")


def test_it_finds_mails_that_never_leave(lab: Laboratory, planted: Patches) -> None:
    planted.replace(SesMailer, "send", lambda *_: "an id of nothing")
    _found(iter([play(lab, Story("cancelled"))]), "went 0 times")


def test_it_finds_stock_of_an_abandoned_order_that_nobody_gives_back(
    lab: Laboratory, planted: Patches
) -> None:
    play(lab, Story("abandoned"))  # loads the handlers
    with lab.planted("due_orders", lambda *_: []):
        _found(iter([play(lab, Story("abandoned"))]), "order is placed")


def test_it_finds_goods_that_came_and_that_nobody_is_given(lab: Laboratory) -> None:
    play(lab, Story("complete"))  # loads the handlers
    with lab.planted("serve", lambda *_: Served()):
        _found(iter([play(lab, Story("complete"))]), "queue.unserved")
