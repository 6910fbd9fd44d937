"""The stand-in's account and state machine, on the clock and with the ids of a simulated run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from infra.local.stripe.account import Account
from infra.local.stripe.errors import Json
from infra.local.stripe.intents import HOLD_SECONDS, expire_holds

_PREFIXES = {"payment_intent": "pi", "charge": "ch", "refund": "re", "event": "evt"}


class VirtualAccount(Account):
    """What one Stripe account holds, with nothing drawn from the machine.

    `clock` is the virtual time in UTC, `ids` makes a new id from its prefix (`pi` -> `pi_...`).
    The stand-in draws ids and time itself; each of them is replaced here before anyone sees it.
    """

    def __init__(
        self,
        on_event: Callable[[Json], None],
        multicapture: bool,
        clock: Callable[[], datetime],
        ids: Callable[[str], str],
    ) -> None:
        super().__init__(on_event=on_event, multicapture=multicapture)
        self._clock = clock
        self._ids = ids

    def now(self) -> int:
        """The virtual time in Unix seconds."""
        return int(self._clock().timestamp())

    def add(self, kind: str, values: Json) -> Json:
        """Keep and return a new object of `kind` with the fields every object has."""
        created: Json = {
            "id": self._ids(_PREFIXES[kind]),
            "object": kind,
            "created": self.now(),
            "livemode": False,
            **values,
        }
        if "request" in created:
            created["request"] = {"id": self._ids("req"), "idempotency_key": None}
        if created.get("balance_transaction"):
            created["balance_transaction"] = self._ids("txn")
        self.objects[kind][created["id"]] = created
        return created

    def emit(self, event_type: str, subject: Json, previous: Json | None = None) -> None:
        """Record that `event_type` happened to `subject`, as it is now, and tell `on_event`."""
        if event_type == "payment_intent.created":
            drawn = self._ids("secret").removeprefix("secret_")
            subject["client_secret"] = f"{subject['id']}_secret_{drawn}"
        super().emit(event_type, subject, previous)

    def lapse(self, intent: Json) -> None:
        """Let the intent's hold lapse now, as if it were seven days old; nothing without a hold."""
        if intent["status"] == "requires_capture":
            charge = self.get("charge", intent["latest_charge"])
            charge["created"] = min(charge["created"], self.now() - HOLD_SECONDS)
            expire_holds(self)
