"""Gift cards: one pays for a part, one for all of an order that is cancelled, one for nothing."""

from __future__ import annotations

from parcelway.store.gift_cards import get_card

from infra.demo.people import GOOD
from infra.faults.people import (
    COLUMBUS,
    Person,
    Scenario,
    dossier_of,
    goes_shopping,
    must,
    works,
)
from infra.sim.history import History
from infra.sim.people import staff

_WORTH = {"ann": 100, "bob": 99_999, "cid": 100}


def _places(person: Person, name: str) -> None:
    """An order for which a new card pays first."""
    boss = staff(person.history.world, "finance")
    value = {"minor": _WORTH[name], "currency": "USD"}
    card = {"kind": "gift_card", "value": value, "reason": "late"}
    code = boss.call("POST", "/staff/gift-cards", card)["code"]
    person.add("PASTA")
    person.deliver()
    person.describe()
    person.api.call("PUT", f"{person.path}/gift-cards", {"code": code})
    person.place()


def _buys(person: Person) -> None:
    _places(person, "ann")
    person.pay(GOOD)


def _cancels(person: Person) -> None:
    _places(person, "bob")
    person.history.world.kernel.sleep(20)
    person.cancel()


def _play_gift(history: History) -> None:
    goes_shopping(history, "ann", _buys)
    goes_shopping(history, "bob", _cancels)
    goes_shopping(history, "cid", lambda person: _places(person, "cid"))
    works(history, COLUMBUS)


def _wrong_gift(history: History) -> list[str]:
    """What no order that is left has taken is on the cards."""
    wrong = must(history, "ann", "closed", {"PASTA": 1}, captured=True)
    for name in history.orders:
        dossier = dossier_of(history, name)
        for tender in dossier.order.gift_cards:
            card = get_card(history.world.database, tender.card)
            mine = [paid for paid in dossier.payments if paid.reference == tender.card]
            kept = sum(payment.captured - payment.refunded for payment in mine)
            if dossier.order.state in ("cancelled", "expired") and kept:
                wrong.append(f"{name}'s {dossier.order.state} order keeps {kept} of the card")
            if card is None or card.balance + kept != _WORTH[name]:
                wrong.append(f"{name}'s card is {card}, and {kept} was taken of it")
    return wrong


GIFTS = (Scenario("gift cards", _play_gift, _wrong_gift),)
