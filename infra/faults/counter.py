"""A till that says its sale twice at once and once more from its memory, beside an online order
that is collected at the same store; some of what was sold is credited."""

from __future__ import annotations

from functools import partial

from parcelway.domain.decision import Decision
from parcelway.domain.order import advance
from parcelway.store.orders import get_order
from parcelway.store.saving import save

from infra.demo.people import GOOD, Refused
from infra.faults.people import Person, Scenario, dossier_of, goes_shopping, must, works
from infra.sim.history import History
from infra.sim.people import Warehouse, staff

_STORE = "store-dayton"
_HOUR = 3600.0


def _is_at_the_till(person: Person) -> None:
    """The cart as the till has it: of the channel in_person."""
    world = person.history.world
    order = get_order(world.database, person.id)
    assert order is not None
    save(world.database, Decision(advance(order, channel="in_person")), order.created_at)


def _buys_at_the_till(person: Person) -> None:
    history, world = person.history, person.history.world
    _is_at_the_till(person)
    person.add("PASTA", 2)
    history.differs_from_here()
    till, path = staff(world, "csr"), f"/staff/carts/{person.id}/counter-sale"
    paid = {"method": "cash", "amount": {"minor": 100_000, "currency": "USD"}}
    asked = {"store": _STORE, "tenders": [paid]}
    key = world.new_id()
    sells = partial(till.call, "POST", path, asked, key)
    first, second = history.together(sells, sells)
    assert first["change"] == second["change"], "one sale, two changes"
    world.kernel.sleep(_HOUR)
    again = sells()
    assert again["change"] == first["change"], "one sale, two changes"
    try:
        till.call("POST", path, asked, world.new_id())
    except Refused as refused:
        assert refused.code == "illegal-state"
    else:
        raise AssertionError("sold twice")
    _has_one_credited(history)


def _has_one_credited(history: History) -> None:
    desk, path = staff(history.world, "finance"), f"/staff/orders/{history.orders['ann']}"
    (invoice,) = desk.call("GET", path)["invoices"]
    one = [{"sku": "PASTA", "quantity": 1}]
    body = {"invoice": invoice, "lines": one, "reason": "spoilt"}
    desk.call("POST", f"{path}/credit-notes", body)


def _collects(person: Person) -> None:
    person.add("PASTA", 2)
    person.pick_up(_STORE)
    person.describe()
    person.place()
    person.pay(GOOD)


def _play_counter(history: History) -> None:
    goes_shopping(history, "ann", _buys_at_the_till)
    goes_shopping(history, "bob", _collects)
    works(history, _STORE, Warehouse.hand_over)


def _wrong_counter(history: History) -> list[str]:
    """Ann has two, for one of which she has her money back; the till gave no more out than that."""
    wrong = must(history, "ann", "closed", {"PASTA": 2}, captured=True)
    wrong += must(history, "bob", "closed", {"PASTA": 2}, captured=True)
    order, (payment,) = dossier_of(history, "ann").order, dossier_of(history, "ann").payments
    if (payment.method, order.refunded) != ("cash", order.credited) or not order.refunded:
        wrong.append(f"ann got back {order.refunded} by {payment.method} of {order.credited}")
    return wrong


COUNTER = (Scenario("counter", _play_counter, _wrong_counter),)
