"""Tasks take turns on virtual time, the same way every time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.sim.kernel import Endless, InOrder, Kernel, Schedule, Shuffled, Signal, Stopped

START = datetime(2026, 3, 2, tzinfo=UTC)


def kernel(schedule: Schedule | None = None) -> Kernel:
    return Kernel(START, schedule or InOrder())


def test_time_stands_still_while_tasks_run_and_jumps_when_they_sleep() -> None:
    world, seen = kernel(), []

    def sleeper(seconds: float) -> None:
        world.sleep(seconds)
        seen.append((seconds, world.now - START.timestamp()))

    for seconds in (30, 5, 86400):
        world.spawn("sleeper", lambda seconds=seconds: sleeper(seconds))
    world.run()
    assert seen == [(5, 5), (30, 30), (86400, 86400)]


def test_who_waits_for_what_never_comes_is_named_and_the_history_ends() -> None:
    world, never = kernel(), False

    def waits() -> None:
        while not never:
            world.sleep(86400)

    world.spawn("patient", waits)
    world.spawn("sleeper", lambda: world.sleep(86400))
    world.run()
    ((name, why),) = world.failures
    assert name == "patient" and isinstance(why, Endless)
    world.close()


def test_a_signal_wakes_its_waiters_and_a_timeout_those_it_came_too_late_for() -> None:
    world, seen = kernel(), []
    signal = Signal(world)

    def waiter(name: str, timeout: float | None) -> None:
        seen.append((name, world.wait(signal, timeout), world.now - START.timestamp()))

    world.spawn("patient", lambda: waiter("patient", None))
    world.spawn("hasty", lambda: waiter("hasty", 1.0))
    world.spawn("bell", lambda: (world.sleep(10), signal.set("rung")))
    world.run()
    assert seen == [("hasty", False, 1.0), ("patient", True, 10.0)]


def test_join_gives_the_result_or_raises_what_ended_the_task() -> None:
    world, seen = kernel(), []

    def failing() -> None:
        world.sleep(1)
        raise ValueError("broken")

    def main() -> None:
        seen.append(world.join(world.spawn("fine", lambda: 42)))
        with pytest.raises(ValueError, match="broken"):
            world.join(world.spawn("failing", failing))
        seen.append("caught")

    world.spawn("main", main)
    world.run()
    assert seen == [42, "caught"]
    assert world.failures == []


def test_what_nobody_joined_is_not_lost() -> None:
    world = kernel()

    def failing() -> None:
        raise ValueError("broken")

    world.spawn("failing", failing)
    world.run()
    assert [(name, str(error)) for name, error in world.failures] == [("failing", "broken")]


def test_a_stopped_task_ends_where_it_is() -> None:
    world, seen = kernel(), []

    def endless() -> None:
        try:
            while True:
                world.sleep(1)
        except Stopped:
            seen.append(world.now - START.timestamp())
            raise

    task = world.spawn("endless", endless)
    world.spawn("enough", lambda: (world.sleep(3.5), world.stop(task)))
    world.run()
    assert seen == [3.5]


def test_closing_ends_everybody_even_those_who_catch_everything() -> None:
    world, seen = kernel(), []

    def stubborn() -> None:
        for _ in range(3):
            try:
                world.sleep(10**9)
            except BaseException:
                seen.append("stopped")

    world.spawn("stubborn", stubborn)
    world.run(until=world.now + 1)
    world.close()
    assert seen == ["stopped"] * 3


def _turns(seed: int) -> list[int]:
    world, order = kernel(Shuffled(seed)), []

    def worker(number: int) -> None:
        for _ in range(5):
            order.append(number)
            world.pause()

    for number in range(4):
        world.spawn("worker", lambda number=number: worker(number))
    world.run()
    return order


def test_one_seed_is_one_order_of_turns_and_seeds_differ() -> None:
    assert _turns(1) == _turns(1)
    assert len({tuple(_turns(seed)) for seed in range(20)}) > 10


def test_in_order_nobody_is_interrupted() -> None:
    world, order = kernel(), []

    def worker(number: int) -> None:
        for _ in range(3):
            order.append(number)
            world.pause()

    for number in range(3):
        world.spawn("worker", lambda number=number: worker(number))
    world.run()
    assert order == [0, 0, 0, 1, 1, 1, 2, 2, 2]
