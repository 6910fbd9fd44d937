"""More scenarios: what the bank, the post and the shop's own people do to an order."""

from __future__ import annotations

from infra.demo.people import GOOD
from infra.faults.people import Person, Scenario, dossier_of, goes_shopping, must, takes
from infra.sim.history import History
from infra.sim.people import Warehouse, staff
from infra.sim.world import World

_COLUMBUS = "dc-columbus"


def _takes_pasta(person: Person) -> None:
    takes(person, "PASTA", 2)


# ---- captured by hand at the provider, then cancelled: the money goes back ---------------------


def _cancels_what_was_captured(person: Person) -> None:
    _takes_pasta(person)
    world = person.history.world
    world.kernel.sleep(20)
    _capture_by_hand(world, person.id)
    person.history.bank.webhooks.tell()
    world.kernel.sleep(20)
    person.cancel()


def _capture_by_hand(world: World, order_id: str) -> None:
    """Somebody presses the button in the provider's dashboard."""
    for intent in world.provider.intents_of(order_id):
        path = f"https://api.stripe.com/v1/payment_intents/{intent.reference}/capture"
        world.provider.request("POST", path, {"Authorization": "Bearer sk_test_owner"}, "")


def _play_dashboard(history: History) -> None:
    goes_shopping(history, "ann", _cancels_what_was_captured)


def _wrong_dashboard(history: History) -> list[str]:
    return must(history, "ann", "cancelled", {}, captured=False)


# ---- the hold lapses before anything is packed, and the order is paid again ---------------------


def _pays_again(person: Person) -> None:
    _takes_pasta(person)
    world = person.history.world
    world.kernel.sleep(1800)
    for intent in world.provider.intents_of(person.id):
        world.provider.lapse(intent.reference)
    person.history.bank.webhooks.tell()
    world.kernel.sleep(7200)
    person.pay(GOOD)


def _play_lapsed(history: History) -> None:
    goes_shopping(history, "ann", _pays_again)
    late = Warehouse(history.world, _COLUMBUS, late=6 * 3600)
    history.script(f"staff of {_COLUMBUS}", late.work)


def _wrong_pasta(history: History) -> list[str]:
    return must(history, "ann", "closed", {"PASTA": 2}, captured=True)


# ---- mails to an address that does not exist ---------------------


def _bounces(person: Person) -> None:
    person.add("PASTA", 2)
    person.deliver()
    person.describe("bounce@example.com")
    person.place()
    person.pay(GOOD)


def _play_bounced(history: History) -> None:
    goes_shopping(history, "ann", _bounces)
    history.script(f"staff of {_COLUMBUS}", Warehouse(history.world, _COLUMBUS).work)


def _wrong_bounced(history: History) -> list[str]:
    """Hours after the first one came back nothing is sent there any more."""
    sent = [tag["Value"] for mail in history.world.sent for tag in mail["EmailTags"]]
    last = [name for name in sent if name.endswith("-shipment-delivered")]
    return _wrong_pasta(history) + [f"{name} was sent to nobody" for name in last]


# ---- the service desk cancels while the customer does ---------------------


def _is_cancelled_twice(person: Person) -> None:
    _takes_pasta(person)
    person.history.world.kernel.sleep(20)
    desk = staff(person.history.world, "csr")
    reason = {"reason": "customer called"}
    path = f"/staff/orders/{person.id}/cancel"
    person.history.together(
        person.history.unless_refused("desk", lambda: desk.call("POST", path, reason)),
        person.history.unless_refused("ann herself", person.cancel),
    )


def _play_desk(history: History) -> None:
    goes_shopping(history, "ann", _is_cancelled_twice)
    history.script(f"staff of {_COLUMBUS}", Warehouse(history.world, _COLUMBUS).work)


def _wrong_desk(history: History) -> list[str]:
    if dossier_of(history, "ann").order.state == "closed":
        return _wrong_pasta(history)
    return must(history, "ann", "cancelled", {}, captured=False)


TROUBLE = (
    Scenario("dashboard", _play_dashboard, _wrong_dashboard),
    Scenario("lapsed", _play_lapsed, _wrong_pasta),
    Scenario("bounced", _play_bounced, _wrong_bounced),
    Scenario("desk", _play_desk, _wrong_desk),
)
