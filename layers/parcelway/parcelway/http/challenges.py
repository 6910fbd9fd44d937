"""What goes in and out about the question by which the service desk recognises a caller."""

from __future__ import annotations

from datetime import datetime

from parcelway.domain.challenge import Challenge
from parcelway.http.schemas import Input, Text
from parcelway.values import dataclass


class Question(Input):
    """A question whose answer only the customer knows, as they tell it."""

    question: Text(120)  # type: ignore[valid-type]
    answer: Text(120)  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class OwnChallengeView:
    """The customer's own question. Nobody is shown what is kept of its answer."""

    question: str
    set_at: datetime


def own_challenge_view(challenge: Challenge) -> OwnChallengeView:
    """The challenge as its owner sees it."""
    return OwnChallengeView(challenge.question, challenge.set_at)
