"""Plays histories: every single fault, then several at random, then the shortest that fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from infra.faults.people import Scenario
from infra.faults.scenarios import SCENARIOS
from infra.sim.history import History
from infra.sim.injection import Injector, Mode, Point
from infra.sim.kernel import InOrder, Shuffled
from infra.sim.laboratory import Laboratory
from infra.sim.world import Conditions

_LONGEST_SKEW = timedelta(minutes=10)
_LONGEST_WEBHOOK_DELAY = 7200.0
_MOST_FAULTS = 5


@dataclass(frozen=True)
class Story:
    """Everything that makes a history what it is. `dice` draws up to so many faults; a told story
    has none and names its faults in `plan`. `shuffled` lets handlers interleave by the seed."""

    scenario: str
    conditions: Conditions = field(default_factory=Conditions)
    plan: Mapping[Point, Mode] = field(default_factory=dict)
    dice: int = 0
    shuffled: bool = False

    def __str__(self) -> str:
        told = [f"scenario {self.scenario}, seed {self.conditions.seed}"]
        told += ["handlers interleaved"] if self.shuffled else []
        if self.conditions.repeats > 1 or self.conditions.shuffle:
            told.append(
                f"webhooks {self.conditions.repeats} times within {self.conditions.shuffle:.0f} s"
            )
        if self.conditions.skew:
            told.append(f"clocks off by up to {self.conditions.skew}")
        told += ["slow calls"] if self.conditions.slow else []
        told += ["stale reads"] if self.conditions.stale else []
        told += [f"{mode} at {point}" for point, mode in self.plan.items()]
        return "; ".join(told)


@dataclass(frozen=True)
class Outcome:
    """What came of a story, told without dice. `wrong` is empty when every promise held."""

    story: Story
    wrong: tuple[str, ...]
    points: tuple[Point, ...]
    faults: tuple[tuple[Point, Mode], ...]


def play(laboratory: Laboratory, story: Story) -> Outcome:
    """One history."""
    scenario = _scenario(story.scenario)
    dice = Random(f"faults of {story.conditions.seed}") if story.dice else None
    injector = Injector(dict(story.plan), dice, most=story.dice)
    schedule = Shuffled(story.conditions.seed) if story.shuffled else InOrder()
    with laboratory.world(story.conditions, injector, schedule) as world:
        history = History(world)
        scenario.play(history)
        history.run()
        wrong = history.wrong()
        wrong += scenario.wrong(history) if history.orders else []
        if not (story.dice or story.shuffled or len(story.plan) > 1 or wrong):
            unexpected = history.alerts() - scenario.alerts
            wrong += [f"alert {code}" for code in sorted(unexpected)]
    told = replace(story, plan={**story.plan, **injector.drawn}, dice=0)
    faults = tuple(injector.worth_trying())
    return Outcome(told, tuple(wrong), tuple(injector.points), faults)


def single_faults(
    laboratory: Laboratory, scenario: str, part: int = 0, parts: int = 1
) -> Iterator[Outcome]:
    """The history without a fault, then with each fault at each of its points; or one of several
    equal parts of these."""
    plain = play(laboratory, Story(scenario))
    yield plain
    for point, mode in plain.faults[part::parts]:
        yield play(laboratory, Story(scenario, plan={point: mode}))


def random_story(seed: int) -> Story:
    """Some people, some faults, some disorder: all from the seed."""
    dice = Random(f"story {seed}")
    conditions = Conditions(
        seed,
        repeats=dice.choice((1, 3)),
        shuffle=dice.choice((0.0, 60.0, _LONGEST_WEBHOOK_DELAY)),
        skew=dice.choice((timedelta(0), _LONGEST_SKEW)),
        stale=dice.choice((0.0, 0.2)),
        slow=dice.random() < 0.5,
    )
    return Story(
        dice.choice(SCENARIOS).name,
        conditions,
        dice=dice.randint(1, _MOST_FAULTS),
        shuffled=dice.random() < 0.8,
    )


def shortest(laboratory: Laboratory, failed: Outcome) -> Outcome:
    """The simplest story found that still goes wrong: fewer faults, less disorder."""
    best = failed
    improved = True
    while improved:
        improved = False
        for simpler in _simpler(best.story):
            tried = play(laboratory, simpler)
            if tried.wrong:
                best, improved = tried, True
                break
    return best


def _simpler(story: Story) -> Iterator[Story]:
    for point in story.plan:
        yield replace(story, plan={p: mode for p, mode in story.plan.items() if p != point})
    if story.shuffled:
        yield replace(story, shuffled=False)
    conditions = story.conditions
    if conditions.skew:
        yield replace(story, conditions=replace(conditions, skew=timedelta(0)))
    if conditions.slow:
        yield replace(story, conditions=replace(conditions, slow=False))
    if conditions.stale:
        yield replace(story, conditions=replace(conditions, stale=0.0))
    if conditions.shuffle:
        yield replace(story, conditions=replace(conditions, shuffle=0.0))
    if conditions.repeats > 1:
        yield replace(story, conditions=replace(conditions, repeats=1))


def _scenario(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)
