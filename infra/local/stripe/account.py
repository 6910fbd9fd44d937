"""What one Stripe account holds: intents, charges, refunds, events. In memory only."""

from __future__ import annotations

import copy
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from infra.local.stripe.cards import PresentedCard
from infra.local.stripe.errors import Json, invalid, missing
from infra.local.stripe.pricing import Pricing

API_VERSION = "2026-10-28.endive"
_PREFIXES = {
    "customer": "cus",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "dispute": "du",
    "balance_transaction": "txn",
    "payout": "po",
    "event": "evt",
}
_KINDS = {prefix: kind for kind, prefix in _PREFIXES.items()}
# What may be expanded (docs.stripe.com/api/expanding_objects), of what Parcelway could ask for.
_EXPANDABLE = frozenset(
    ("latest_charge", "charge", "customer", "payment_intent", "balance_transaction", "source")
)
_DEEPEST = 4


def new_id(prefix: str) -> str:
    """A fresh id in Stripe's form, `pi_3a5c...`; not guessable."""
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass(slots=True)
class Account:
    """The objects by kind and id, in order of creation, as Stripe's own JSON.

    `on_event` is called with every event as it happens. `clock` tells Unix seconds, which `shift`
    moves; `ids` makes a new id from its prefix (`pi` -> `pi_...`). Nothing else is drawn from the
    machine. `bundles` are the balance transactions of each payout, `saved` the cards kept for
    customers, by payment method; `refusals` is how many charges without their holder are still to
    be declined. Everything here is synchronous, so each call is atomic.
    """

    on_event: Callable[[Json], None]
    multicapture: bool = True
    clock: Callable[[], float] = time.time
    ids: Callable[[str], str] = new_id
    shift: float = 0.0
    pricing: Pricing = field(default_factory=Pricing)
    bundles: dict[str, list[str]] = field(default_factory=dict)
    saved: dict[str, PresentedCard] = field(default_factory=dict)
    refusals: int = 0
    objects: dict[str, dict[str, Json]] = field(
        default_factory=lambda: {kind: {} for kind in _PREFIXES}
    )

    def now(self) -> int:
        """The account's time in Unix seconds."""
        return int(self.clock() + self.shift)

    def add(self, kind: str, values: Json) -> Json:
        """Keep and return a new object of `kind` with the fields every object has."""
        created: Json = {
            "id": self.ids(_PREFIXES[kind]),
            "object": kind,
            "created": self.now(),
            "livemode": False,
            **values,
        }
        self.objects[kind][created["id"]] = created
        return created

    def get(self, kind: str, reference: str) -> Json:
        """The object itself, not a copy. Raises Refusal `resource_missing`."""
        if reference not in self.objects[kind]:
            raise missing(kind, reference)
        return self.objects[kind][reference]

    def emit(self, event_type: str, subject: Json, previous: Json | None = None) -> None:
        """Record that `event_type` happened to `subject`, as it is now, and tell `on_event`."""
        data: Json = {"object": copy.deepcopy(subject)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.add(
            "event",
            {
                "api_version": API_VERSION,
                "type": event_type,
                "data": data,
                "pending_webhooks": 1,
                "request": {"id": self.ids("req"), "idempotency_key": None},
            },
        )
        self.on_event(event)

    def expanded(self, subject: Json, expand: object) -> Json:
        """A copy of `subject` with the ids named in `expand` replaced by their objects.

        Of what a balance transaction comes from, which may be of any kind, a part that it has not
        is passed over.
        """
        result: Json = copy.deepcopy(subject)
        for path in expand if isinstance(expand, list) else []:
            self._expand(result, str(path).split("."), str(path), "")
        return result

    def _expand(self, subject: Json, steps: list[str], path: str, inside: str) -> None:
        name = steps[0]
        if inside == "source" and name not in subject:
            return
        if name not in _EXPANDABLE or name not in subject or len(steps) > _DEEPEST:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        if isinstance(subject[name], str):
            prefix = subject[name].partition("_")[0]
            subject[name] = copy.deepcopy(self.get(_KINDS[prefix], subject[name]))
        if steps[1:] and subject[name]:
            self._expand(subject[name], steps[1:], path, name)

    def page(
        self,
        kind: str,
        url: str,
        query: Json,
        keep: Iterable[str],
        among: frozenset[str] | None = None,
    ) -> Json:
        """A Stripe list of `kind`, newest first, of the objects whose `keep` fields match `query`,
        `among` those of these ids only.

        Understands `limit` (1 to 100, 10 when absent), `starting_after`, `expand[]=data.x` and
        `created`, a moment or a range of them.
        """
        for name in ("ending_before", "types", "delivery_success", "arrival_date", "destination"):
            if name in query:
                raise invalid(f"The stand-in cannot filter by {name}.", param=name)
        limit, within = _limit(query.get("limit", "10")), _range(query.get("created", {}))
        found = [
            item
            for item in reversed(self.objects[kind].values())
            if all(item.get(name) == query[name] for name in keep if name in query)
            and within(item["created"])
            and (among is None or item["id"] in among)
        ]
        if after := query.get("starting_after"):
            self.get(kind, after)
            ids = [item["id"] for item in found]
            found = found[ids.index(after) + 1 :] if after in ids else []
        expand = [path.removeprefix("data.") for path in query.get("expand", [])]
        return {
            "object": "list",
            "url": url,
            "has_more": len(found) > limit,
            "data": [self.expanded(item, expand) for item in found[:limit]],
        }


def _limit(text: str) -> int:
    if not (isinstance(text, str) and text.isdecimal() and 1 <= int(text) <= 100):
        raise invalid("limit must be between 1 and 100", param="limit")
    return int(text)


def _range(wanted: object) -> Callable[[int], bool]:
    """Whether a Unix time is as asked for: docs.stripe.com/api/balance_transactions/list, created.
    Raises Refusal for what is neither a time nor a range."""
    if isinstance(wanted, str):
        wanted = {"gte": wanted, "lte": wanted}
    if not isinstance(wanted, dict) or not wanted.keys() <= {"gt", "gte", "lt", "lte"}:
        raise invalid("Invalid range", param="created")
    bounds = {name: integer(wanted, name) or 0 for name in wanted}

    def within(moment: int) -> bool:
        return (
            moment >= bounds.get("gte", moment)
            and moment > bounds.get("gt", moment - 1)
            and moment <= bounds.get("lte", moment)
            and moment < bounds.get("lt", moment + 1)
        )

    return within


def integer(values: Json, name: str) -> int | None:
    """The whole number in `values[name]`, None when absent. Raises Refusal for anything else."""
    text = values.get(name)
    if text is None:
        return None
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 16):
        raise invalid(f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)


def merge_metadata(target: Json, changes: object) -> None:
    """Apply Stripe's metadata rules: 50 keys of 40 characters, values of 500, '' removes one."""
    if changes in (None, ""):
        return
    if not isinstance(changes, dict):
        raise invalid("Invalid hash", param="metadata")
    merged = {**target["metadata"], **changes}
    merged = {name: value for name, value in merged.items() if value != ""}
    if len(merged) > 50 or any(len(name) > 40 or len(str(v)) > 500 for name, v in merged.items()):
        raise invalid("Metadata is too large", param="metadata")
    target["metadata"] = merged
