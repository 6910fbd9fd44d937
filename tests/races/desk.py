"""The functions of the desk and the shop on our model's tables, a container for each call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from parcelway.domain.decision import Decision
from parcelway.domain.order import Order, advance
from parcelway.ports import clock
from parcelway.store import catalogue
from parcelway.store.database import Database
from parcelway.store.orders import get_order
from parcelway.store.saving import save

from infra.bench.tables import container, in_model
from tests.functions.worlds import World, new_key
from tests.orders import PRODUCTS, Story, at, store
from tests.races.interleavings import GivingWay
from tests.races.logins import Logins


def claims(name: str, group: str = "") -> dict[str, str]:
    """Who is signed in, of a group of the staff or of none."""
    told = {"sub": f"sub-{name}", "email": f"{name}@shop.example"}
    return told | ({"cognito:groups": f"[{group}]"} if group else {})


BOSS, CLERK = claims("chief", "csr_supervisor"), claims("clerk", "csr")


def tables() -> Database:
    """The model's tables with the articles of the stories."""
    db = container(in_model())
    catalogue.upsert(db, PRODUCTS.values(), clock.now())
    return db


def draft(db: Database, seed: str = "1", owner: str = "", **more: Any) -> Story:
    """A cart that is ready to be placed, perhaps a customer's."""
    now = clock.now() - timedelta(minutes=5)
    story = at("draft", seed=seed, now=now, **more)
    order = store(db, story)
    if owner:
        save(db, Decision(advance(order, customer_id=owner)), now)
    return story


def order_of(db: Database, story: Story) -> Order:
    """The order as it is kept."""
    order = get_order(db, story.order.id)
    assert order is not None
    return order


@dataclass
class Call:
    """A request to one function, which is loaded for it alone; each time under the same key."""

    function: str
    route: str
    path: Mapping[str, str]
    body: Any = None
    claims: Mapping[str, str] | None = None
    token: str = ""
    key: str = field(default_factory=new_key)
    logins: Logins = field(default_factory=Logins)

    def __post_init__(self) -> None:
        self.world = World(tables(), self.function)
        self.world.function.identity = lambda: self.logins

    def __call__(self, db: Database) -> str:
        """ "done", or the code of the refusal; who is told to come again later does."""
        self.world.db = db
        if isinstance(db.client, GivingWay):
            self.logins.pause = db.client.kernel.pause
        method, resource = self.route.split()
        more = {"cart_token": self.token} if self.token else {}
        if method == "POST":
            more["idempotency_key"] = self.key
        for _ in range(100):
            answer = self.world.call(
                method, resource, self.path, self.body, claims=self.claims, **more
            )
            if answer["statusCode"] < 400:
                return "done"
            if answer["statusCode"] != 503:
                code: str = json.loads(answer["body"])["type"].rpartition(":")[2]
                return code
        raise AssertionError("it was always busy")


def placing(story: Story) -> Call:
    """The checkout of a cart."""
    path = {"cart_id": story.order.id}
    return Call("checkout", "POST /carts/{cart_id}/checkout", path, {}, token=story.token)
