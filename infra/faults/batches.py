"""The work of several processes: each has a laboratory, and takes a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from infra.faults.explore import Outcome, play, random_story, shortest, single_faults
from infra.faults.people import SHOP
from infra.sim.laboratory import Laboratory, laboratory

SHOWN = 5
"""How many failures of a batch are shortened and told."""

_laboratories: list[Laboratory] = []  # this process's one, once it is made
_open = ExitStack()


@dataclass(frozen=True)
class Batch:
    """A part of the work: every single fault of a scenario whose number is `part` modulo `parts`,
    or the random histories of some seeds."""

    scenario: str = ""
    part: int = 0
    parts: int = 1
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Result:
    """How many histories a batch had, how many were broken, and some of these at their shortest."""

    histories: int
    broken: int
    told: tuple[Outcome, ...]


def begin() -> None:
    """Make this process's laboratory."""
    lab = _open.enter_context(laboratory())
    lab.load(SHOP)
    _laboratories.append(lab)


def work(batch: Batch) -> Result:
    """Play a batch in this process's laboratory."""
    lab = _laboratories[0]
    count, broken = 0, 0
    told: list[Outcome] = []
    for outcome in _outcomes(lab, batch):
        count += 1
        if outcome.wrong:
            broken += 1
            if len(told) < SHOWN:
                told.append(shortest(lab, outcome))
    return Result(count, broken, tuple(told))


def _outcomes(lab: Laboratory, batch: Batch) -> Iterable[Outcome]:
    if batch.scenario:
        return single_faults(lab, batch.scenario, batch.part, batch.parts)
    return (play(lab, random_story(seed)) for seed in batch.seeds)
