"""Tracking numbers: every slip of the pen is noticed, no number is rejected for its form."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.tracking import ALPHABET, new_number, parse

from tests.domain.strategies import chooser

bodies = st.text(ALPHABET, min_size=19, max_size=19)


def number_with(body: str) -> str:
    characters = iter(body)
    return new_number(lambda _: next(characters))


@given(bodies)
def test_a_number_reads_back_however_it_is_written(body: str) -> None:
    number = number_with(body)
    assert re.fullmatch(r"PW(-[0-9A-Y]{5}){4}", number)
    bare = number.replace("-", "")
    for written in (
        number,
        number.lower(),
        bare,
        bare[2:],
        f"  {number} ",
        bare.replace("0", "O").replace("1", "l"),
        bare.replace("0", "o").replace("1", "I"),
        " ".join(bare),
    ):
        assert parse(written) == number


@given(st.text(ALPHABET, min_size=17, max_size=17))
def test_a_number_that_begins_like_its_prefix_reads_back_without_it(rest: str) -> None:
    number = number_with("PW" + rest)
    assert parse(number.removeprefix("PW-")) == parse(number) == number


@given(bodies, st.integers(0, 19), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_found(body: str, place: int, wrong: str) -> None:
    code = number_with(body).replace("-", "")[2:]
    mistyped = code[:place] + wrong + code[place + 1 :]
    assert (parse("PW" + mistyped) is None) == (mistyped != code)


@given(bodies, st.integers(0, 18))
def test_every_exchange_of_neighbours_is_found(body: str, place: int) -> None:
    code = number_with(body).replace("-", "")[2:]
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (parse("PW" + swapped) is None) == (swapped != code)


@given(st.text(max_size=40))
def test_any_text_is_either_a_number_or_none(text: str) -> None:
    number = parse(text)
    assert number is None or parse(number) == number


def test_a_number_uses_its_source_for_every_character() -> None:
    numbers = {new_number(chooser(seed)) for seed in range(200)}
    assert len(numbers) == 200
    assert all(parse(number) == number for number in numbers)
