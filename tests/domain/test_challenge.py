"""The question by which a caller is recognised: what counts as right, and how often one may try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcelway.domain.challenge import LOCKED_FOR, MAX_WRONG, Challenge, agreed, attempt
from parcelway.domain.refusals import Reason, Refusal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SALT = "00" * 16


def challenge(answer: str = "Rosa-Luxemburg-Schule 7") -> Challenge:
    return agreed("Your school?", answer, SALT, NOW, None)


@pytest.mark.parametrize(
    "said", ["rosa luxemburg schule 7", " ROSA-LUXEMBURG-SCHULE 7.", "Rósa Luxemburgschule7"]
)
def test_an_answer_is_right_however_it_is_said(said: str) -> None:
    assert attempt(challenge(), said, NOW, "k")[1]


@pytest.mark.parametrize("said", ["", "rosa luxemburg schule", "rosa luxemburg schule 77"])
def test_another_answer_is_not(said: str) -> None:
    assert not attempt(challenge(), said, NOW, "k")[1]


@pytest.mark.parametrize("answer", ["", "?", "a", "- 7 -"])
def test_an_answer_that_says_nothing_is_refused(answer: str) -> None:
    with pytest.raises(Refusal) as refused:
        challenge(answer)
    assert (refused.value.reason, refused.value.pointer) == (Reason.INVALID, "/answer")


def test_two_with_the_same_answer_do_not_have_the_same_digest() -> None:
    other = agreed("Your school?", "Rosa-Luxemburg-Schule 7", "01" * 16, NOW, None)
    assert other.digest != challenge().digest
    assert agreed("Another?", "else", SALT, NOW, other).version == 2


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=14))
def test_never_more_than_so_many_wrong_answers_in_a_row_are_looked_at(
    tries: list[tuple[bool, int]],
) -> None:
    current, now, looked_at = challenge("right"), NOW, 0
    for number, (right, seconds) in enumerate(tries):
        now += timedelta(seconds=seconds)
        locked = current.locked_until is not None and now < current.locked_until
        if current.locked_until is not None and not locked:
            looked_at = 0
        if locked:
            with pytest.raises(Refusal) as refused:
                attempt(current, "right" if right else "wrong", now, str(number))
            assert refused.value.reason == Reason.CHALLENGE_LOCKED
            continue
        after, found = attempt(current, "right" if right else "wrong", now, str(number))
        assert (found, after.version) == (right, current.version + 1)
        looked_at = 0 if right else looked_at + 1
        assert looked_at <= MAX_WRONG
        assert (after.locked_until == now + LOCKED_FOR) == (looked_at == MAX_WRONG)
        current = after


def test_an_answer_sent_again_counts_once_and_tells_the_same() -> None:
    current = challenge("right")
    for number in range(MAX_WRONG):
        current, _ = attempt(current, "wrong", NOW, f"k{number}")
        assert attempt(current, "wrong", NOW, f"k{number}") == (current, False)
    assert current.locked_until == NOW + LOCKED_FOR
    with pytest.raises(Refusal) as refused:  # nor does a key that was used open a way around it
        attempt(current, "right", NOW, "k0")
    assert refused.value.reason == Reason.KEY_REUSED
    later = NOW + LOCKED_FOR
    current, _ = attempt(current, "right", later, "other")
    assert attempt(current, "right", later, "other") == (current, True)


def test_a_new_question_forgets_answers_to_the_last() -> None:
    answered, _ = attempt(challenge("right"), "wrong", NOW, "k")
    assert not agreed("Another?", "else", SALT, NOW, answered).answers
