"""The stock books: a projection of their journal, never promising what is not there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain.stock import Balance, Change, Kind, Move, after, allowed, apply, net

KINDS: tuple[Kind, ...] = (
    "receive",
    "adjust",
    "reserve",
    "release",
    "allocate",
    "deallocate",
    "ship",
    "backorder",
    "unqueue",
    "return",
    "send",
    "repair",
    "scrap",
)
moves = st.lists(
    st.builds(
        Move,
        st.sampled_from("AB"),
        st.sampled_from(["n1", "n2"]),
        st.sampled_from(KINDS),
        st.integers(1, 5),
    ),
    max_size=6,
)
commits = st.lists(moves, max_size=20)
EMPTY = Balance("A", "n1")


def counters(balance: Balance) -> tuple[int, int, int, int]:
    return balance.on_hand, balance.reserved, balance.allocated, balance.available


@given(commits)
def test_replaying_the_journal_gives_the_balances(made: list[list[Move]]) -> None:
    books: dict[tuple[str, str], Balance] = {}
    for commit in made:
        books = after(books, commit)
    replayed = after({}, [move for commit in made for move in commit])
    for key in books | replayed:
        assert counters(books.get(key, EMPTY)) == counters(replayed.get(key, EMPTY))


@given(commits)
def test_books_that_only_allow_what_is_allowed_are_never_negative(made: list[list[Move]]) -> None:
    books: dict[tuple[str, str], Balance] = {}
    for commit in made:
        if all(allowed(books.get((c.sku, c.node), EMPTY), c) for c in net(commit)):
            books = after(books, commit)
        assert all(min(counters(balance)) >= 0 for balance in books.values())


@given(moves)
def test_net_touches_each_balance_once_and_only_if_it_changes(made: list[Move]) -> None:
    changes = net(made)
    keys = [(change.sku, change.node) for change in changes]
    assert len(keys) == len(set(keys))
    assert all(any(change.deltas) for change in changes)
    order = list(dict.fromkeys((move.sku, move.node) for move in made))
    assert keys == [key for key in order if key in keys]


@given(
    st.permutations(["receive", "reserve", "release", "allocate", "deallocate"]), st.integers(1, 9)
)
def test_moves_of_one_commit_commute(kinds: list[Kind], units: int) -> None:
    forth = net([Move("A", "n1", kind, units) for kind in kinds])
    assert forth == net([Move("A", "n1", kind, units) for kind in reversed(kinds)])


@given(st.integers(1, 50))
def test_opposite_moves_undo_each_other(units: int) -> None:
    for do, undo in (("reserve", "release"), ("allocate", "deallocate")):
        assert not net([Move("A", "n1", do, units), Move("A", "n1", undo, units)])  # type: ignore[arg-type]
    both = net([Move("A", "n1", "allocate", units), Move("A", "n1", "ship", units)])
    assert both == [Change("A", "n1", -units, 0, 0, least_available=units)]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_available_is_what_nobody_has_a_claim_on(
    free: int, reserved: int, allocated: int, damaged: int
) -> None:
    balance = Balance(
        "A", "n1", free + reserved + allocated + damaged, reserved, allocated, damaged
    )
    assert balance.available == free
    if free:
        assert allowed(balance, *net([Move("A", "n1", "reserve", free)]))
    assert not allowed(balance, *net([Move("A", "n1", "reserve", free + 1)]))
    assert not allowed(balance, *net([Move("A", "n1", "allocate", free + 1)]))
    assert not allowed(balance, Change("A", "n1", 0, -reserved - 1, 0))
    assert apply(balance, Change("A", "n1", 3, 2, 1)).available == free


def test_shipping_takes_nothing_from_what_is_promised_to_others() -> None:
    balance = Balance("A", "n1", on_hand=5, reserved=3, allocated=2)
    shipped = apply(balance, *net([Move("A", "n1", "ship", 2)]))
    assert shipped == Balance("A", "n1", on_hand=3, reserved=3, allocated=0)
    assert not allowed(balance, *net([Move("A", "n1", "ship", 3)]))


def test_a_balance_that_a_count_made_negative_can_be_filled_and_emptied_but_not_promised() -> None:
    short = Balance("A", "n1", on_hand=1, reserved=3, allocated=0)
    assert short.available == -2
    assert allowed(short, *net([Move("A", "n1", "receive", 1)]))
    assert allowed(short, *net([Move("A", "n1", "release", 1)]))
    assert allowed(short, *net([Move("A", "n1", "release", 1), Move("A", "n1", "allocate", 1)]))
    assert not allowed(short, *net([Move("A", "n1", "reserve", 1)]))


@given(st.integers(1, 9), st.integers(0, 9), st.sampled_from(["adjust", "damage"]))
def test_what_came_back_and_is_gone_is_not_there_for_another_claim(
    units: int, free: int, kind: Kind
) -> None:
    gone = Move("A", "n1", kind, -units if kind == "adjust" else units)
    back = [Move("A", "n1", "return", units), gone, Move("A", "n1", "reserve", units)]
    balance = Balance("A", "n1", on_hand=free)
    assert allowed(balance, *net(back)) == (free >= units)
