"""Random sequences of calls to Stripe's API and of what customers do, each from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

STEPS = 45
CARDS = (
    *("4242424242424242", "4000000000007726", "4000000000005126", "5555555555554444") * 3,
    *("4000000000000002", "4000000000009995", "4000000000000069", "4000000000000119"),
    *("4000002500003155", "4000008260003178", "4111111111111111", "1234"),
)
READY_MADE = (
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_threeDSecureRequired",
)
# Sums of these are never just a day or a week: there the machine's own seconds would decide.
HOURS = (13, 73, 170)
RETURN_URL = "https://shop.example/return"


@dataclass(frozen=True, slots=True)
class Step:
    """One call; `intent` says which of the payments (or refunds) made so far it is about."""

    kind: str
    params: Json = field(default_factory=dict)
    key: str = ""
    intent: int = 0


def draw(seed: int) -> list[Step]:
    """A sequence of calls in which earlier ones are now and then repeated, or their keys are."""
    dice = random.Random(seed)
    steps = _life(dice, f"{seed}-0")
    while len(steps) < STEPS:
        key = f"{seed}-{len(steps)}"
        used = dice.choice([step for step in steps if step.key])
        chance = dice.random()
        if chance < 0.1:
            steps.append(used)
        elif chance < 0.15:
            steps.append(dice.choice(MAKERS)(dice, used.key))
        elif chance < 0.25:
            steps += _life(dice, key)
        else:
            steps.append(dice.choice(MAKERS)(dice, key))
    spoiled = {"amount": 1000, "currency": "usd", **_SPOILED[seed % len(_SPOILED)]}
    steps.append(Step("create", spoiled, f"{seed}-spoiled"))
    nowhere = {"payment_method": "pm_card_visa", "return_url": "nowhere"}
    steps.append(Step("confirm", nowhere, f"{seed}-nowhere", -1))
    return [*steps, *(_payments(limit, dice) for limit in (1, 2, 100, 101))]


def _life(dice: random.Random, key: str) -> list[Step]:
    """A payment that is made and held, so that what follows finds something to capture."""
    params: Json = {"amount": 1000, "currency": "usd", "capture_method": "manual"}
    params["metadata"] = {"order_id": f"ord_{dice.randrange(3)}"}
    offer = {"payment_method_options": {"card": {"request_multicapture": "if_available"}}}
    card = {"card": dice.choice(CARDS[:4]), "authenticate": None}
    return [
        Step("create", {**params, **offer}, f"{key}-life"),
        Step("browser", card, "", -1),
        *([_capture(dice, f"{key}-take")] if dice.random() < 0.8 else []),
        *([_refund(dice, f"{key}-back")] if dice.random() < 0.6 else []),
    ]


_SPOILED: tuple[Json, ...] = (
    {"amount": 49},
    {"amount": 100_000_000},
    {"amount": "1.5"},
    {"currency": "USD"},
    {"capture_method": "odd"},
    {"payment_method": "pm_card_nonsense"},
    {"confirm": True},
    {"colour": "red"},
    *(
        {"payment_method_data": {"type": "card", "card": card}}
        for card in (
            {"number": "4242424242424242", "exp_month": "13", "exp_year": "2040", "cvc": "123"},
            {"number": "4242424242424242", "exp_month": "1", "exp_year": "2020", "cvc": "123"},
            {"number": "4000000000003220", "exp_month": "1", "exp_year": "40", "cvc": "123"},
        )
    ),
)


def _create(dice: random.Random, key: str) -> Step:
    params: Json = {
        "amount": dice.choice([1000, 1000, 1000, 5000, 777]),
        "currency": dice.choice(["usd", "usd", "usd", "eur", "jpy"]),
        "capture_method": dice.choice(["manual", "manual", "manual", "automatic"]),
        "metadata": {"order_id": f"ord_{dice.randrange(3)}"},
        "description": "a payment",
    }
    if dice.random() < 0.8:
        multicapture = {"card": {"request_multicapture": "if_available"}}
        params["payment_method_options"] = multicapture
    if dice.random() < 0.3:
        params |= {"payment_method": dice.choice(READY_MADE)}
        params |= {"confirm": dice.random() < 0.7, "return_url": RETURN_URL}
    return Step("create", params, key)


def _any(dice: random.Random) -> int:
    return dice.choice([-1, -1, -1, -1, -2, -3, dice.randrange(8)])


def _browser(dice: random.Random, _: str) -> Step:
    answer = dice.choice([True, True, False, None])
    return Step("browser", {"card": dice.choice(CARDS), "authenticate": answer}, "", _any(dice))


def _confirm(dice: random.Random, key: str) -> Step:
    params: Json = {} if dice.random() < 0.3 else {"payment_method": dice.choice(READY_MADE)}
    if dice.random() < 0.1:
        params["return_url"] = "nowhere"
    return Step("confirm", params, key, _any(dice))


def _capture(dice: random.Random, key: str) -> Step:
    params: Json = {"expand": ["latest_charge"]} if dice.random() < 0.7 else {}
    if dice.random() < 0.8:
        params["amount_to_capture"] = dice.choice([1, 100, 300, 300, 400, 777, 1000, 0, 6000])
    if dice.random() < 0.6:
        params["final_capture"] = dice.random() < 0.3
    if dice.random() < 0.4:
        params["metadata"] = {f"capture_{dice.randrange(3)}": "yes", "order_id": ""}
    return Step("capture", params, key, _any(dice))


def _cancel(dice: random.Random, key: str) -> Step:
    reason = dice.choice([None, None, "abandoned", "bored"])
    params = {"cancellation_reason": reason} if reason else {}
    return Step("cancel", params, key, _any(dice))


def _refund(dice: random.Random, key: str) -> Step:
    params: Json = {"metadata": {"parcelway_key": key}}
    if dice.random() < 0.85:
        params["amount"] = dice.choice([1, 50, 100, 100, 300, 700, 5000, 0])
    if dice.random() < 0.2:
        params["reason"] = dice.choice(["duplicate", "whim"])
    return Step("refund", params, key, _any(dice))


def _update(dice: random.Random, key: str) -> Step:
    params: Json = {
        "metadata": {"a": dice.choice(["1", "2", ""]), "b": "x" * dice.choice([1, 501])}
    }
    if dice.random() < 0.3:
        params["amount"] = dice.choice([500, 1500, 3])
    return Step("update", params, key, _any(dice))


def _read(dice: random.Random, _: str) -> Step:
    expand = dice.choice([["latest_charge"], ["latest_charge"], [], ["metadata"], ["nonsense"]])
    return Step("read", {"expand": expand} if expand else {}, "", _any(dice))


def _refunds(dice: random.Random, _: str) -> Step:
    return Step("refunds", {"limit": dice.choice([1, 2, 100, 101])}, "", _any(dice))


def _payments(limit: int, dice: random.Random) -> Step:
    """All that were made in the sequence, in pages, from after one of them on."""
    params = {"limit": limit, "expand": ["data.latest_charge", "data.customer"]}
    return Step("payments", params, "", _any(dice))


def _travel(dice: random.Random, _: str) -> Step:
    return Step("travel", {"hours": dice.choice(HOURS)})


def _fail_refund(dice: random.Random, _: str) -> Step:
    return Step("fail_refund", {}, "", _any(dice))


MAKERS: list[Callable[[random.Random, str], Step]] = [
    *[_create] * 3,
    *[_browser] * 6,
    *[_capture] * 6,
    *[_refund] * 5,
    *(_confirm, _cancel, _update, _read, _refunds, _travel, _fail_refund),
]
