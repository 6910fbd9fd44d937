"""Who takes part in a history, and what they and the shop must have come to in the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parcelway.store.orders import Dossier, get_dossier

from infra.demo.people import GOOD, Json, Refused, Shopper
from infra.local.application import SAMPLE_FILES
from infra.sim.history import History
from infra.sim.people import Client, Warehouse

SHOP = {
    **{name: SAMPLE_FILES[name] for name in ("shop", "nodes", "services")},
    "catalogue": Path(__file__).parent / "shop" / "catalogue.jsonl",
    "offers": Path(__file__).parent / "shop" / "offers.json",
    "stock": Path(__file__).parent / "shop" / "stock.jsonl",
}
HOLD_SECONDS = 1800  # of the sample shop's settings
COLUMBUS, LOUISVILLE = "dc-columbus", "wh-louisville"


@dataclass(frozen=True)
class Scenario:
    """`play` sets the people in motion; `wrong` says what came out other than it had to; `alerts`
    are what people of the shop have to look at even when nothing fails."""

    name: str
    play: Callable[[History], None]
    wrong: Callable[[History], list[str]]
    alerts: frozenset[str] = frozenset()


class Person(Shopper):
    """A shopper in a simulated world. What could not be done is in `gave_up`."""

    def __init__(self, history: History) -> None:
        self.history = history
        super().__init__("", history.bank, "en", Client(history.world))


_PASSWORD = "quite long enough 7"
_EMAIL = "ann@example.com"


def signs_up(history: History, email: str = _EMAIL) -> str:
    """Sign somebody (ann) up, confirmed by the code in their mail; their Authorization header."""
    api = Client(history.world)
    form = {
        "name": "Ann Example",
        "email": email,
        "password": _PASSWORD,
        "consent": {"terms_accepted": True},
    }
    told = api.call("POST", "/customers", form)
    mail = [mail for mail in history.world.login_mails() if email in mail.to][-1]
    code = re.findall(r"\b\d{6}\b", mail.text or "")[0]
    proof = {"email": email, "code": code, "sign_up": told["sign_up"]}
    try:
        api.call("POST", "/customers/confirmation", proof)
    except Refused as refused:  # the code was used by a try whose answer got lost
        history.refusals["confirmation"] = refused.code
    tokens = api.call("POST", "/sessions", {"email": email, "password": _PASSWORD})
    return f"Bearer {tokens['id_token']}"


def goes_shopping(history: History, name: str, does: Callable[[Person], None]) -> None:
    """Let somebody shop; whoever is refused has learned something and goes home."""

    def shop() -> None:
        person = Person(history)
        history.orders[name] = person.id
        try:
            does(person)
        except Refused as refused:
            history.refusals[name] = refused.code

    history.script(name, shop)


def takes(person: Person, sku: str, quantity: int) -> None:
    """One line, one parcel, from cart to payment."""
    person.add(sku, quantity)
    person.deliver()
    person.describe()
    person.place()
    person.pay(GOOD)


def takes_pasta(person: Person) -> None:
    """Two packets, of which Columbus has enough."""
    takes(person, "PASTA", 2)


def fills_basket(person: Person) -> None:
    """Three lines at two nodes, one of them changed: two parcels."""
    person.add("PASTA", 2)
    person.add("LAMP", 1)
    person.api.call("PUT", f"{person.path}/lines/PASTA", {"quantity": 3})
    person.deliver()
    person.describe()


def buys(person: Person) -> None:
    """All of the basket."""
    fills_basket(person)
    person.place()
    person.pay(GOOD)


def works(
    history: History,
    node: str,
    react: Callable[[Warehouse, Json], None] | None = None,
    late: float = 0.0,
) -> None:
    """Let a node's staff come to work, so many seconds late; see Warehouse."""
    history.script(f"staff of {node}", Warehouse(history.world, node, react, late).work)


def both_nodes_work(history: History) -> None:
    for node in (COLUMBUS, LOUISVILLE):
        works(history, node)


def wrong_pasta(history: History) -> list[str]:
    """Unless ann has her two packets and paid for them."""
    return must(history, "ann", "closed", {"PASTA": 2}, captured=True)


def wrong_basket(history: History) -> list[str]:
    """Unless ann has all of the basket and paid for it."""
    return must(history, "ann", "closed", {"PASTA": 3, "LAMP": 1}, captured=True)


def must(
    history: History, name: str, state: str, sold: dict[str, int], *, captured: bool
) -> list[str]:
    order = dossier_of(history, name).order
    if heard_late(history) and order.state == "expired":
        state, sold, captured = "expired", {}, False
    wrong = []
    if order.state != state:
        wrong.append(f"{name}'s order is {order.state}, not {state}")
    units = {line.sku: line.count("delivered") + line.count("picked_up") for line in order.lines}
    if {sku: count for sku, count in units.items() if count} != sold:
        wrong.append(f"{name} has {units}, not {sold}")
    if bool(order.captured - order.refunded) != captured:
        wrong.append(f"{name} paid {order.captured}, got back {order.refunded}")
    return wrong


def heard_late(history: History) -> bool:
    """Whether a webhook may have come only after the hold was over, by clocks that differ; it is
    refused, and sent again, while they differ by more than its signature allows. Then there is no
    order, no money."""
    skew = history.world.conditions.skew.total_seconds()
    return history.bank.webhooks.slowest + 2 * skew >= HOLD_SECONDS


def until_over(history: History) -> None:
    """Wait until every order has come to its end, whichever that is."""
    while any(dossier_of(history, name).order.ended_at is None for name in history.orders):
        history.world.kernel.sleep(3600)


def who_got_it(history: History) -> list[str]:
    return [name for name in history.orders if dossier_of(history, name).order.state == "closed"]


def dossier_of(history: History, name: str) -> Dossier:
    dossier = get_dossier(history.world.database, history.orders[name])
    assert dossier is not None
    return dossier
