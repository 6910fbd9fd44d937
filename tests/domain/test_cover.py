"""The exact cover: what it chooses is what looking at every set of sources would choose."""

from __future__ import annotations

import random
import time
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from parcelway.domain.cover import cover

Case = tuple[list[int], list[list[int]], list[tuple[int, int]]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    items, sources = draw(st.integers(0, 5)), draw(st.integers(0, 7))
    few = st.sampled_from([0, 0, 1, 1, 2, 3])
    wanted = draw(st.lists(st.sampled_from([0, 1, 1, 2, 3, 4]), min_size=items, max_size=items))
    row = st.lists(few, min_size=items, max_size=items)
    offers = draw(st.lists(row, min_size=sources, max_size=sources))
    weight = st.tuples(st.integers(0, 3), st.integers(0, 3))
    return wanted, offers, draw(st.lists(weight, min_size=sources, max_size=sources))


def missing(wanted: list[int], offers: list[list[int]], chosen: tuple[int, ...]) -> int:
    return sum(max(0, units - sum(offers[j][i] for j in chosen)) for i, units in enumerate(wanted))


def by_looking_at_all(case: Case, most: int | None) -> tuple[int, ...]:
    wanted, offers, weights = case
    count = len(offers)
    sets = [
        chosen
        for size in range(min(count, count if most is None else most) + 1)
        for chosen in combinations(range(count), size)
    ]
    return min(
        sets,
        key=lambda chosen: (
            missing(wanted, offers, chosen),
            len(chosen),
            sum(weights[j][0] for j in chosen),
            sum(weights[j][1] for j in chosen),
            chosen,
        ),
    )


@settings(max_examples=600, deadline=None)
@given(cases())
@example(([2, 2], [[1, 1], [1, 0], [0, 1], [1, 1]], [(0, 0)] * 4))
def test_the_choice_is_the_best_of_all(case: Case) -> None:
    found = cover(*case)
    assert found.chosen == by_looking_at_all(case, None)
    assert found.missing == missing(case[0], case[1], found.chosen)
    assert found.proven


@settings(max_examples=600, deadline=None)
@given(cases(), st.integers(0, 3))
def test_so_it_is_when_only_so_many_may_be_chosen(case: Case, most: int) -> None:
    found = cover(*case, most=most)
    assert found.chosen == by_looking_at_all(case, most)
    assert found.missing == missing(case[0], case[1], found.chosen)
    assert found.proven


@settings(max_examples=300, deadline=None)
@given(cases(), st.none() | st.integers(0, 3), st.integers(0, 12))
def test_without_time_for_a_proof_the_choice_is_still_sound(
    case: Case, most: int | None, work: int
) -> None:
    wanted, offers, _ = case
    found = cover(*case, most=most, work=work)
    best = by_looking_at_all(case, most)
    assert found.missing == missing(wanted, offers, found.chosen)
    assert len(found.chosen) <= (len(offers) if most is None else most)
    assert most is not None or found.missing == missing(wanted, offers, best)
    assert not found.proven or found.chosen == best
    for j in found.chosen:  # each gives something that the others do not have
        others = tuple(i for i in found.chosen if i != j)
        assert missing(wanted, offers, others) > found.missing


@pytest.mark.parametrize("most", [None, 3])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.8])
def test_the_greatest_order_ends_soon(share: float, most: int | None) -> None:
    chance = random.Random(f"{share} {most}")
    wanted = [chance.choice([1, 1, 1, 2, 5]) for _ in range(84)]
    offers = [[chance.randint(1, 6) * (chance.random() < share) for _ in wanted] for _ in range(43)]
    weights = [(chance.randint(300, 600), chance.randint(0, 4_000_000)) for _ in offers]
    start = time.thread_time()
    found = cover(wanted, offers, weights, most)
    assert time.thread_time() - start < 0.5
    everything = sum(max(0, w - sum(row[i] for row in offers)) for i, w in enumerate(wanted))
    assert found.missing == everything if most is None else len(found.chosen) <= most
