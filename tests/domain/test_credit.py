"""Buying on account: whatever is done to claims, the account's sum is theirs, and money adds up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import credit
from parcelway.domain.credit import Claim, CreditAccount, CreditRefused, Transfer
from parcelway.domain.money import Money
from parcelway.domain.refusals import Refusal

LIMIT = 1_000
AMOUNTS = st.integers(0, 700)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["authorize", "capture", "final", "void", "refund", "receive", "return"]),
        st.integers(0, 2),
        AMOUNTS,
    ),
    max_size=30,
)


def claim_of(number: int, amount: int) -> Claim:
    order = f"ord_{number}"
    reference = credit.reference_of(order, 1)
    return Claim(reference, 1, order, 1, "acme", Money(amount, "USD"), 30, f"P-{number}")


def step(
    what: str, claim: Claim, account: CreditAccount, minor: int, key: str
) -> Callable[[], Claim]:
    amount = Money(minor, "USD")
    moved = minor if what == "receive" else -minor
    transfer = Transfer(key, moved, date(2026, 1, 1), "fin", datetime(2026, 1, 1, tzinfo=UTC))
    steps: dict[str, Callable[[], Claim]] = {
        "authorize": lambda: credit.authorize(claim, account),
        "capture": lambda: credit.capture(claim, amount, key, final=False),
        "final": lambda: credit.capture(claim, amount, key, final=True),
        "void": lambda: credit.void(claim),
        "refund": lambda: credit.refund(claim, amount, key),
        "receive": lambda: credit.receive(claim, transfer),
        "return": lambda: credit.give_back(claim, transfer),
    }
    return steps[what]


@given(st.lists(AMOUNTS, min_size=3, max_size=3), STEPS)
def test_an_accounts_sum_is_what_its_claims_have_open(
    amounts: list[int], steps: list[tuple[str, int, int]]
) -> None:
    account = CreditAccount("acme", 1, "USD", LIMIT, 30)
    claims = [claim_of(number, amount) for number, amount in enumerate(amounts)]
    for index, (what, which, minor) in enumerate(steps):
        before = claims[which]
        try:
            after = step(what, before, account, minor, f"k{index}")()
        except (CreditRefused, Refusal):
            continue
        account = credit.after(account, before, after)
        claims[which] = after
        assert account.open == sum(claim.open for claim in claims)
        assert what != "authorize" or account.open <= LIMIT
        assert after.authorized >= after.captured >= after.refunded >= 0
        assert not (after.open and after.to_return)
        kept = after.received - after.returned
        assert kept + after.open - after.to_return == after.authorized - after.refunded


@given(st.sampled_from(["capture", "final", "refund"]), st.integers(1, 300))
def test_a_step_with_its_key_is_taken_once(what: str, minor: int) -> None:
    account = CreditAccount("acme", 1, "USD", LIMIT, 30)
    claim = credit.authorize(claim_of(1, 600), account)
    if what == "refund":
        claim = credit.capture(claim, Money(300, "USD"), "first", final=False)
    once = step(what, claim, account, minor, "key")()
    assert step(what, once, account, minor, "key")() is once
