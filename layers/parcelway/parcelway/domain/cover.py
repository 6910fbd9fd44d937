"""The fewest sources that together have what is wanted, and of those the best: an exact search.

This is set cover by units. Sizes are tried from a lower bound upwards; for each, the item that the
fewest sources have is served by each of them in turn, and a branch ends when what is left needs
more sources than it may still take, or cannot become better than what was found. Sets of sources
are bits of an integer, the best source the lowest bit, so that the last source is found by a few
operations. Beyond a bound of work it takes the best of what was found and of what greed finds, and
says that it is not proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from parcelway.values import dataclass

# Items looked at before a proof is given up: some 50 ms. Most orders need a few hundred.
MOST_WORK = 100_000


@dataclass(frozen=True, slots=True)
class Cover:
    """The chosen sources in ascending order, the units that they do not have, and whether no
    choice is better for certain."""

    chosen: tuple[int, ...]
    missing: int
    proven: bool = True


class _Enough(Exception):
    """The bound of work is reached."""


def cover(
    wanted: Sequence[int],
    offers: Sequence[Sequence[int]],
    weights: Sequence[tuple[int, int]],
    most: int | None = None,
    work: int = MOST_WORK,
) -> Cover:
    """Choose sources: the fewest units missing, then the fewest sources, then the least sum of
    weights (the first numbers count first), then the sources named first.

    `wanted` is units per item, `offers` the same per source, `weights` two numbers per source, none
    of them negative. At most `most` sources are chosen.
    """
    heavy = _as_numbers(weights)
    order = sorted(range(len(offers)), key=heavy.__getitem__)
    items = [i for i, units in enumerate(wanted) if units and any(have[i] for have in offers)]
    there = [sum(have[i] for have in offers) for i in items]
    aims = [min(wanted[i], sum_) for i, sum_ in zip(items, there, strict=True)]
    had = [[min(offers[j][i], aim) for i, aim in zip(items, aims, strict=True)] for j in order]
    problem = _Problem(aims, had, [heavy[j] for j in order], work)
    chosen = problem.fewest(len(order) if most is None else most)
    if chosen is None:
        chosen = problem.fullest(most or 0)
    covered = sum(min(aim, sum(had[j][i] for j in chosen)) for i, aim in enumerate(aims))
    found = sorted(order[j] for j in chosen)
    return Cover(tuple(found), sum(wanted) - covered, problem.proven)


def _as_numbers(weights: Sequence[tuple[int, int]]) -> list[int]:
    """One number per source, so that sums of equally many of them compare like the sums of the
    first weights, then of the second, then by which of them has the source that is named first."""
    count = len(weights)
    spare = count.bit_length()
    low_bits = count + spare
    high_bits = low_bits + max((low for _, low in weights), default=0).bit_length() + spare
    return [
        (high << high_bits) + (low << low_bits) + (1 << count) - (1 << (count - 1 - j))
        for j, (high, low) in enumerate(weights)
    ]


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class _Problem:
    """Sources sorted by weight (`had` is capped at `aims`, which all sources together have)."""

    def __init__(
        self, aims: list[int], had: list[list[int]], weights: list[int], work: int
    ) -> None:
        self.aims, self.had, self.weights = aims, had, weights
        self.work = self.total_work = work
        self.proven = True
        self.best: tuple[int, ...] | None = None
        self.best_weight = self.best_units = 0
        useful = self._useful()
        self.whole = {  # per item and units: the sources that have so many
            (i, aim): sum(1 << j for j in useful if had[j][i] >= aim) for i, aim in enumerate(aims)
        }
        self.some = [sum(1 << j for j in useful if had[j][i]) for i in range(len(aims))]
        self.useful = sum(1 << j for j in useful)

    def fewest(self, most: int) -> tuple[int, ...] | None:
        """The least and lightest set of sources that has all; None when it has more than `most`.

        When that is not known within the bound of work, what greed finds.
        """
        greedy = self._lighter(self._greedy(len(self.had)))
        everything = {i: aim for i, aim in enumerate(self.aims)}
        try:
            for size in range(min(most, len(greedy)) + 1):
                if size == len(greedy):
                    self._note(greedy)
                self._descend(everything, self.useful, size, 0, ())
                if self.best is not None:
                    return self.best
        except _Enough:
            self.proven = False
            if self.best is None and len(greedy) <= most:
                self.best = greedy
        return self.best

    def _useful(self) -> list[int]:
        """The sources without those that a lighter one replaces whatever else is chosen: it has
        everything that they could be chosen for."""
        has = [sum(1 << i for i, units in enumerate(row) if units) for row in self.had]
        full = [
            sum(1 << i for i, units in enumerate(row) if units == self.aims[i]) for row in self.had
        ]
        useful: list[int] = []
        for j, mine in enumerate(has):
            if mine and all(mine & ~full[lighter] for lighter in useful):
                useful.append(j)
        return useful

    def _note(self, chosen: tuple[int, ...]) -> None:
        weight = sum(self.weights[j] for j in chosen)
        if self.best is None or weight < self.best_weight:
            self.best, self.best_weight = chosen, weight

    def _descend(
        self, left: dict[int, int], allowed: int, slots: int, weight: int, chosen: tuple[int, ...]
    ) -> None:
        """Look for sets of `chosen` and `slots` more of the `allowed` that have what is `left`."""
        if not left:
            self._note(chosen)
        elif slots == 1:
            self._last(left, allowed, chosen)
        elif slots and (item := self._hardest(left, allowed, slots, weight)) is not None:
            lightest = self.weights[(allowed & -allowed).bit_length() - 1]
            for j in _bits(self.some[item] & allowed):
                heavier = weight + self.weights[j]
                if self.best is not None and heavier + (slots - 1) * lightest >= self.best_weight:
                    break
                allowed &= ~(1 << j)  # the branches after this one do without it
                row = self.had[j]
                rest = {i: units - row[i] for i, units in left.items() if units > row[i]}
                self._descend(rest, allowed, slots - 1, heavier, (*chosen, j))

    def _last(self, left: dict[int, int], allowed: int, chosen: tuple[int, ...]) -> None:
        """One source must have all that is left: the lightest that does."""
        self._spend(len(left))
        for item in left.items():
            allowed &= self._having(*item)
            if not allowed:
                return
        self._note((*chosen, (allowed & -allowed).bit_length() - 1))

    def _having(self, item: int, units: int) -> int:
        """The useful sources that have so many units of an item."""
        if (item, units) not in self.whole:
            self.whole[item, units] = sum(
                1 << j for j in _bits(self.some[item]) if self.had[j][item] >= units
            )
        return self.whole[item, units]

    def _hardest(self, left: dict[int, int], allowed: int, slots: int, weight: int) -> int | None:
        """The item that the fewest of the `allowed` have; None when `slots` of them cannot have
        all, or not without being heavier than the best set.

        Items that no source has in common need sources of their own: so many there must be.
        """
        self._spend(len(left))
        by_rarity = sorted(left, key=lambda i: (self.some[i] & allowed).bit_count())
        taken, free, least = 0, slots, weight
        for i in by_rarity:
            sources = self.some[i] & allowed
            if sources & taken:
                continue
            needed = self._at_least(i, left[i], sources, free)
            if needed > free:
                return None
            taken |= sources
            free -= needed
            for j in islice(_bits(sources), needed):
                least += self.weights[j]
        least += free * self.weights[(allowed & -allowed).bit_length() - 1]
        return None if self.best is not None and least >= self.best_weight else by_rarity[0]

    def _at_least(self, item: int, units: int, sources: int, most: int) -> int:
        """How many of the sources there must be for so many units of an item; more than `most`
        when that many do not have them."""
        if self._having(item, units) & sources:
            return 1
        self._spend(sources.bit_count())
        held = sorted((self.had[j][item] for j in _bits(sources)), reverse=True)
        for number, more in enumerate(held[:most], start=1):
            units -= more
            if units <= 0:
                return number
        return most + 1

    def fullest(self, most: int) -> tuple[int, ...]:
        """At most `most` sources that have as much as so many can; the fewest, the lightest."""
        self.proven, self.work = True, self.total_work
        self.best = self._lighter(self._greedy(most))
        self.best_weight = sum(self.weights[j] for j in self.best)
        self.best_units = self._units(self.best)
        try:
            self._fill(self.aims, list(_bits(self.useful)), most, 0, ())
        except _Enough:
            self.proven = False
        return self.best

    def _fill(
        self, left: list[int], allowed: list[int], slots: int, units: int, chosen: tuple[int, ...]
    ) -> None:
        """Look for sets of `chosen` and at most `slots` of the `allowed` that have more."""
        if not slots:
            return
        self._spend(len(left) * len(allowed))
        gains = sorted(((self._gain(left, j), -j) for j in allowed), reverse=True)
        gains = [(gain, j) for gain, j in gains if gain]
        for place, (gain, minus_j) in enumerate(gains):
            hoped = units + sum(gain for gain, _ in gains[place : place + slots])
            if hoped < self.best_units:
                return
            taken = (*chosen, -minus_j)
            self._note_filled(taken, units + gain)
            rest = [
                max(0, want - have) for want, have in zip(left, self.had[-minus_j], strict=True)
            ]
            others = [-j for _, j in gains[place + 1 :]]
            self._fill(rest, others, slots - 1, units + gain, taken)

    def _note_filled(self, chosen: tuple[int, ...], units: int) -> None:
        assert self.best is not None
        weight = sum(self.weights[j] for j in chosen)
        rank = (-units, len(chosen), weight)
        if rank < (-self.best_units, len(self.best), self.best_weight):
            self.best, self.best_units, self.best_weight = chosen, units, weight

    def _greedy(self, most: int) -> tuple[int, ...]:
        """Each time the source that has most of what is left, the lightest of those."""
        left, chosen, unused = list(self.aims), list[int](), list(_bits(self.useful))
        while len(chosen) < most and any(left):
            best = max(unused, key=lambda j: (self._gain(left, j), -j))
            chosen.append(best)
            unused.remove(best)
            left = [max(0, want - have) for want, have in zip(left, self.had[best], strict=True)]
        return tuple(chosen)

    def _lighter(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """`chosen` with no source too many, and none that a lighter one could stand in for."""
        units = self._units(chosen)
        for j in sorted(chosen, reverse=True):
            others = tuple(i for i in chosen if i != j)
            if self._units(others) == units:
                chosen = others
                continue
            for lighter in _bits(self.useful & ((1 << j) - 1)):
                if lighter not in chosen and self._units((*others, lighter)) >= units:
                    chosen = (*others, lighter)
                    break
        return chosen

    def _gain(self, left: list[int], j: int) -> int:
        return sum(map(min, left, self.had[j]))

    def _units(self, chosen: tuple[int, ...]) -> int:
        rows = [self.had[j] for j in chosen]
        return sum(min(aim, sum(row[i] for row in rows)) for i, aim in enumerate(self.aims))

    def _spend(self, work: int) -> None:
        self.work -= work
        if self.work < 0:
            raise _Enough
