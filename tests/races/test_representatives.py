"""Two representatives on one draft, each with a grant, in every order in which they can meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from parcelway.ports import clock
from parcelway.store.database import Database

from tests.functions.worlds import World, new_key, ok
from tests.orders import Story, dossier_of
from tests.races.desk import CLERK, Call, claims, draft, order_of, tables
from tests.races.interleavings import in_every_order

OTHER = claims("other", "csr")
_LINES, _GRANTS = "/carts/{cart_id}/lines", "/staff/carts/{cart_id}/grants"


@pytest.fixture
def db() -> Iterator[Database]:
    yield tables()
    clock.reset()


def granted(db: Database, story: Story, who: dict[str, str]) -> tuple[str, str]:
    """A grant for somebody of the desk: its id, and the token that proves it."""
    path, body = {"cart_id": story.order.id}, {"cause": "assistance"}
    given = World(db, "desk").call(
        "POST", _GRANTS, path, body, claims=who, idempotency_key=new_key()
    )
    told = ok(given, 201)
    return told["grant"], told["cart_token"]


def add(story: Story, token: str) -> Call:
    body = {"sku": "TEA-9", "quantity": 1}
    return Call("cart", f"POST {_LINES}", {"cart_id": story.order.id}, body, token=token)


def teas(db: Database, story: Story) -> int:
    line = order_of(db, story).line("TEA-9")
    return line.quantity if line else 0


def test_what_two_representatives_add_is_all_there(db: Database) -> None:
    story = draft(db)
    tokens = [granted(db, story, who)[1] for who in (CLERK, OTHER)]
    before = teas(db, story)

    def check(_: Sequence[str]) -> None:
        assert teas(db, story) == before + 2
        order = order_of(db, story)
        assert set(order.acted_by) == {CLERK["sub"], OTHER["sub"]}

    played = in_every_order(db, [add(story, token) for token in tokens], check)
    assert set(played) == {("done", "done")}


def test_of_two_representatives_who_place_one_does(db: Database) -> None:
    story = draft(db)
    path = {"cart_id": story.order.id}
    calls = [
        Call(
            "checkout", "POST /carts/{cart_id}/checkout", path, {}, token=granted(db, story, who)[1]
        )
        for who in (CLERK, OTHER)
    ]

    def check(outcomes: Sequence[str]) -> None:
        told = [event.type for event in dossier_of(db, story.order.id).events]
        assert told.count("order.placed") == 1
        actor = order_of(db, story).actor
        assert actor.id == (CLERK, OTHER)[outcomes.index("done")]["sub"]

    played = in_every_order(db, calls, check)
    assert set(played) == {("done", "illegal-state"), ("illegal-state", "done")}


def test_nothing_is_added_by_a_grant_that_has_ended(db: Database) -> None:
    """Whoever is told that it is over knows that nothing comes after it."""
    story = draft(db)
    grant, token = granted(db, story, CLERK)
    path = {"cart_id": story.order.id, "grant_id": grant}
    end = Call("desk", f"DELETE {_GRANTS}/{{grant_id}}", path, None, OTHER)
    before, late = teas(db, story), list[int]()

    def ends(db: Database) -> str:
        outcome = end(db)
        late.append(teas(db, story))
        return outcome

    def check(outcomes: Sequence[str]) -> None:
        assert late == [teas(db, story)], "it was added after the end"
        assert late[0] - before == (outcomes[1] == "done")

    played = in_every_order(db, [ends, add(story, token)], check, begin=late.clear)
    assert set(played) == {("done", "done"), ("done", "grant-over")}
