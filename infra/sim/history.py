"""One history from the first click until nothing moves any more, and what must be true then."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from parcelway.domain.credit import METHOD
from parcelway.domain.gift_card import GIFT_CARD
from parcelway.domain.mailing import mailed
from parcelway.domain.order import Event, Order
from parcelway.domain.payment import AT_TILL
from parcelway.ports.files import document_key
from parcelway.store.mails import MailKey, state_of
from parcelway.store.orders import Dossier, get_dossier

from infra.demo.people import Refused
from infra.sim.people import Timer, Webhooks
from infra.sim.world import World
from infra.verify import breaks

_ENDED = ("closed", "cancelled", "expired")


@dataclass
class History:
    """A world with people in it. `orders` and `refusals` by the name of a person."""

    world: World
    orders: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    _scripts: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bank = Bank(self.world)

    def script(self, name: str, does: Callable[[], None]) -> None:
        """Set a person in motion."""
        self._scripts.append(self.world.kernel.spawn(name, does))

    def differs_from_here(self) -> None:
        """Up to here it went as another scenario goes: single faults until now are tried there."""
        self.world.injector.known = len(self.world.injector.points)

    def together(self, *does: Callable[[], Any]) -> list[Any]:
        """Do several things at once; their results, in order."""
        tasks = [self.world.kernel.spawn("at once", one) for one in does]
        return [self.world.kernel.join(task) for task in tasks]

    def unless_refused(self, name: str, does: Callable[[], Any]) -> Callable[[], None]:
        """The same, but a refusal is noted under `name` and that is that."""

        def tried() -> None:
            try:
                does()
            except Refused as refused:
                self.refusals[name] = refused.code

        return tried

    def run(self) -> None:
        """Let it happen until nothing is under way and every order has come to its end."""
        timer = Timer(self.world, self.is_over)
        self.world.kernel.spawn("timer", timer.run)
        self.world.kernel.run()

    def is_over(self) -> bool:
        """Whether nothing will happen any more."""
        world = self.world
        return (
            all(task.finished for task in self._scripts)
            and world.queues.is_empty()
            and world.streams.is_idle()
            and not world.executions.running()
            and world.next_due() is None
        )

    def wrong(self) -> list[str]:
        """Every promise that was broken, in words."""
        world = self.world
        found = [str(broken) for broken in breaks(world.database, world.kernel.moment)]
        found += [f"{name} failed: {error!r}" for name, error in world.kernel.failures]
        found += [f"{request} was answered 500" for request in world.faults]
        found += self._undone()
        found += self._money()
        found += self._cards()
        found += self._mails()
        found += self._documents()
        return found

    def alerts(self) -> set[str]:
        """Codes of everything that asks for a person's attention."""
        return {alert.code for order in self.world.orders() for alert in order.alerts}

    def _undone(self) -> list[str]:
        world = self.world
        left = [
            f"{arn.rsplit(':', 1)[1]}: {body[:300]}"
            for arn in world.wiring.queues
            for body in world.queues.left(arn)
        ]
        left += [
            f"execution {e.name} is {e.status}: {e.error}"
            for e in world.executions.executions.values()
            if e.status != "SUCCEEDED"
        ]
        left += [f"the sweeper would go on at {due}" for due in [world.next_due()] if due]
        known = set(self.orders.values())
        for order in world.orders():
            if order.state not in _ENDED and order.state != "draft":
                left.append(f"order {order.id} is still {order.state}")
            if order.id not in known:
                left.append(f"order {order.id} is nobody's")
            left += self._executions(order)
        return left

    def _executions(self, order: Order) -> list[str]:
        """One execution for each wave, and perhaps one that came too late for an order that was
        called off."""
        started = [json.loads(e.input) for e in self.world.executions.executions.values()]
        waves = sorted(told["wave"] for told in started if told["order_id"] == order.id)
        late = order.state == "cancelled"
        if waves == list(range(1, order.waves + 1)) or (
            late and waves == list(range(1, order.waves + 2))
        ):
            return []
        return [f"order {order.id} has executions of waves {waves}, and {order.waves} waves"]

    def _money(self) -> list[str]:
        """The provider, gift cards and accounts have moved for each order what the order says, and
        the provider keeps nothing open."""
        wrong = []
        for order in self.world.orders():
            intents = self.world.provider.intents_of(order.id)
            dossier = self.dossier(order.id)
            ours = [
                paid for paid in dossier.payments if paid.method in (GIFT_CARD, METHOD, *AT_TILL)
            ]
            for name in ("captured", "refunded"):
                moved = sum(getattr(i, name) for i in (*intents, *ours))
                booked = getattr(order, name)
                if moved != booked:
                    wrong.append(f"{order.id}: {name} {moved} at the provider, {booked} here")
            held = sum(intent.capturable for intent in intents)
            if order.state in _ENDED and held:
                wrong.append(f"{order.id}: {order.state}, and {held} held at the provider")
            # One that the order does not know was made while it ended: nobody was given its secret.
            known = {payment.reference for payment in dossier.payments}
            unsettled = (i for i in intents if i.status not in ("canceled", "succeeded"))
            open_ = [intent.status for intent in unsettled if intent.reference in known]
            if order.state in _ENDED and open_:
                wrong.append(f"{order.id}: {order.state}, and a payment is {open_}")
            # Each invoice is taken once, over again for what came from another payment; what was
            # taken by hand was given back.
            taken = [i for i in intents if i.captures]
            most = len(dossier.invoices) + max(0, len(taken) - 1)
            if sum(len(i.captures) for i in taken) > most + sum(1 for i in intents if i.refunded):
                wrong.append(f"{order.id}: captured {[i.captures for i in intents]}")
            kept = sum(i.captured - i.refunded for i in intents)
            if order.state in _ENDED and kept > order.invoiced:
                wrong.append(f"{order.id}: {kept} was kept, {order.invoiced} is the order's")
        return wrong

    def _cards(self) -> list[str]:
        """No card is kept for an order that is over."""
        return [
            f"{order.id}: {order.state}, and its card is still kept"
            for order in self.world.orders()
            if order.state in _ENDED and self.world.provider.kept_cards(order.id)
        ]

    def _mails(self) -> list[str]:
        """Exactly one mail went out for each event that deserves one, unless its address is known
        to bounce; of an order whose customer was forgotten nobody knows, but no more than one."""
        sent = Counter(tag["Value"] for mail in self.world.sent for tag in mail["EmailTags"])
        wanted = {
            MailKey(order.id, event.sequence, event.type).id
            for order in self.world.orders()
            for event in self.dossier(order.id).events
            if mailed(event, order) and not self._left_out(order.id, event)
        }
        erased = {order.id for order in self.world.orders() if order.contact is None}
        names = sorted(wanted | set(sent))
        return [
            f"mail {name} went {sent[name]} times"
            for name in names
            if sent[name] != (name in wanted)
            and not (name.partition("-")[0] in erased and sent[name] == 1)
        ]

    def _left_out(self, order_id: str, event: Event) -> bool:
        item = state_of(self.world.database, MailKey(order_id, event.sequence, event.type)) or {}
        return item.get("state") == "suppressed"

    def _documents(self) -> list[str]:
        """Every invoice and credit note has its file."""
        files = {key for _, key in self.world.files.objects}
        return [
            f"{document.kind} {document.number} has no file"
            for order in self.world.orders()
            for dossier in [self.dossier(order.id)]
            for document in (*dossier.invoices, *dossier.credit_notes)
            if document_key(document) not in files
        ]

    def dossier(self, order_id: str) -> Dossier:
        """An order as the tables have it."""
        found = get_dossier(self.world.database, order_id)
        assert found is not None
        return found


@dataclass
class Bank:
    """Pays at the simulated provider and has its webhooks sent."""

    world: World

    def __post_init__(self) -> None:
        self.webhooks = Webhooks(self.world)
        self.world.on_payment = self.webhooks.tell

    def confirm(
        self, client_secret: str, card: str = "4242424242424242", authenticate: bool | None = True
    ) -> str:
        """See Provider.confirm."""
        status = self.world.provider.confirm(client_secret, card, authenticate)
        self.webhooks.tell()
        return status
