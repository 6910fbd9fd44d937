"""What a guest ordered becomes theirs once they have signed up, whatever breaks off in between."""

from __future__ import annotations

from parcelway.store.guest_orders import unclaimed

from infra.faults.people import COLUMBUS, Person, Scenario, dossier_of, must, signs_up, works
from infra.sim.history import History
from infra.sim.people import Client

_LOOKS = 8
_SPELLED = ("Ann@Example.com", "ann@EXAMPLE.com")


def _orders(history: History, name: str, email: str) -> None:
    person = Person(history)
    history.orders[name] = person.id
    person.add("PASTA")
    person.deliver()
    person.describe(email)
    person.place()
    person.pay()


def _play_claimed(history: History) -> None:
    """Two orders of a guest, one before she signs up and one at the same time; then she looks, now
    and then: a single look may see the tables as they were."""

    def ann() -> None:
        _orders(history, "ann", _SPELLED[0])
        client = Client(history.world)
        client.headers["Authorization"] = signs_up(history)
        for _ in range(_LOOKS):
            history.world.kernel.sleep(600)
            client.call("GET", "/orders")

    history.script("ann", ann)
    history.script("ann again", lambda: _orders(history, "again", _SPELLED[1]))
    works(history, COLUMBUS)


def _wrong_claimed(history: History) -> list[str]:
    """Both are hers, told once each, and nothing is left to be claimed."""
    wrong, owners = list[str](), set[str]()
    for name in ("ann", "again"):
        wrong += must(history, name, "closed", {"PASTA": 1}, captured=True)
        dossier = dossier_of(history, name)
        owners.add(dossier.order.customer_id)
        told = [event for event in dossier.events if event.type == "order.claimed"]
        if len(told) != 1:
            wrong.append(f"the order of {name} was claimed {len(told)} times")
    if len(owners) != 1 or "" in owners:
        wrong.append(f"the orders are those of {owners}")
    left = unclaimed(history.world.database, "ann@example.com")
    return wrong + [f"{order_id} is still to be claimed" for order_id in left]


CLAIMS = (Scenario("guest-orders", _play_claimed, _wrong_claimed),)
