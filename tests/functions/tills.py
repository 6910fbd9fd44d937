"""A till: carts of the channel in_person, ways to pay for them, and the sale."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from parcelway.ports import clock
from parcelway.store.stock import read_balances

from tests.functions.worlds import Answer, World, new_key, refused
from tests.orders import Story, store

CSR = {"sub": "csr-1", "cognito:groups": "csr"}
STORE = "store-1"


def cart(world: World, seed: str = "1", agreed: bool = False, **more: Any) -> Story:
    """A basket at the till, of somebody nobody knows, or one that approvers have agreed to."""
    now = clock.now() - timedelta(minutes=5)
    story = Story(seed=seed, channel="in_person", now=now, **more)
    story = story.filled().asked().decided("approved") if agreed else story.laden()
    store(world.db, story)
    return story


def cash(minor: int) -> dict[str, Any]:
    return {"method": "cash", "amount": {"minor": minor, "currency": "USD"}}


def terminal(minor: int, reference: str = "T-1") -> dict[str, Any]:
    paid = {"method": "terminal", "amount": {"minor": minor, "currency": "USD"}}
    return paid | {"reference": reference}


def sell(world: World, story: Story, *tenders: Any, key: str = "", **more: Any) -> Answer:
    body = {"store": STORE, "tenders": list(tenders)} | more
    return world.call(
        "POST",
        "/staff/carts/{cart_id}/counter-sale",
        {"cart_id": story.order.id},
        body,
        claims=CSR,
        idempotency_key=key or new_key(),
    )


def total(world: World, story: Story) -> int:
    """What the basket comes to at the till, by asking to pay nothing."""
    answer = refused(sell(world, story), 422, "tender-mismatch")
    return int(answer["total"]["minor"])


def on_hand(world: World, sku: str = "MUG-1") -> int:
    found = read_balances(world.db, [(sku, STORE)], consistent=True)
    return found[sku, STORE].on_hand
