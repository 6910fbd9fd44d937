"""`python -m infra.faults`: explore, print what broke as the shortest history that shows it.

python -m infra.faults                      every single fault, then 300 random histories
python -m infra.faults --every 4            a quarter of the single faults
python -m infra.faults --random 10000       more random ones
python -m infra.faults --seed 4711          that one again, with everything that was called
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

from infra.faults.batches import SHOWN, Batch, begin, work
from infra.faults.explore import Outcome, play, random_story, shortest
from infra.faults.people import SHOP
from infra.faults.scenarios import SCENARIOS
from infra.sim.laboratory import Laboratory, laboratory

_SEEDS_A_BATCH = 50


def main(arguments: list[str] | None = None) -> int:
    """Explore; 1 when a promise was broken."""
    asked = _options(arguments)
    if asked.seed is not None:
        with laboratory() as lab:
            lab.load(SHOP)
            return _again(lab, asked.seed)
    with ProcessPoolExecutor(asked.jobs, get_context("spawn"), initializer=begin) as pool:
        broken = 0
        for scenario in () if asked.no_single else asked.scenario:
            among = asked.jobs * asked.every
            parts = [Batch(scenario, part, among) for part in range(0, among, asked.every)]
            broken += _explore(pool, f"single faults, {scenario}", parts)
        broken += _explore(pool, "random histories", list(_random_batches(asked)))
    print(f"{broken} histories broke a promise" if broken else "every promise held")
    return 1 if broken else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m infra.faults", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenario", nargs="*", default=names, choices=names)
    parser.add_argument("--every", type=int, default=1, help="of single faults only every n-th")
    parser.add_argument("--random", type=int, default=300, help="how many random histories")
    parser.add_argument("--from-seed", type=int, default=0)
    parser.add_argument("--no-single", action="store_true", help="random histories only")
    parser.add_argument("--seed", type=int, help="one random history again, told in full")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    return parser.parse_args(arguments)


def _random_batches(asked: argparse.Namespace) -> Iterator[Batch]:
    end = asked.from_seed + asked.random
    for first in range(asked.from_seed, end, _SEEDS_A_BATCH):
        yield Batch(seeds=tuple(range(first, min(first + _SEEDS_A_BATCH, end))))


def _explore(pool: Executor, what: str, batches: list[Batch]) -> int:
    started = time.monotonic()
    results = list(pool.map(work, batches))
    seconds = time.monotonic() - started
    for outcome in [outcome for result in results for outcome in result.told][:SHOWN]:
        _tell(outcome)
    count, broken = sum(r.histories for r in results), sum(r.broken for r in results)
    print(
        f"{what}: {count:,} histories, {broken} broken, {count / seconds:.0f} a second", flush=True
    )
    return broken


def _tell(outcome: Outcome) -> None:
    print(f"BROKEN: {outcome.story}")
    for broken in outcome.wrong[:10]:
        print(f"    {broken}")
    sys.stdout.flush()


def _again(lab: Laboratory, seed: int) -> int:
    outcome = play(lab, random_story(seed))
    for point in outcome.points:
        fault = outcome.story.plan.get(point)
        print(f"  {point}{f'   <- {fault}' if fault else ''}")
    if not outcome.wrong:
        print(f"every promise held: {outcome.story}")
        return 0
    _tell(outcome)
    print("the shortest that shows it:")
    _tell(shortest(lab, outcome))
    return 1


if __name__ == "__main__":
    sys.exit(main())
