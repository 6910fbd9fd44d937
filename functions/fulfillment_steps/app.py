"""The state machine's own steps: schedule, release, wait, ask for the invoice, escalate, close.

Each step decides on the order as it is, so the state machine may retry any of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway import aws
from parcelway.domain import fulfilment
from parcelway.domain.cancellation import cancel
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.parties import SYSTEM
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.scheduling import schedule
from parcelway.ports import clock
from parcelway.ports.executions import OrderCancelled, answer_one
from parcelway.ports.faults import discreet
from parcelway.store.commit import until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier, get_dossier
from parcelway.store.saving import save
from parcelway.store.selling import read_facts
from parcelway.store.shop import load_shop
from parcelway.store.waits import Wait, keep, over

logger = Logger(service="fulfillment_steps")
db = cache(database)
executions = cache(lambda: aws.client("stepfunctions"))
sqs = cache(lambda: aws.client("sqs"))


class OnHold(Exception):
    """The order may not go on for now; the state machine catches this by name."""


class OutOfStock(Exception):
    """The goods are not there (any more); the state machine catches this by name."""


@discreet(logger)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Do one step; OrderCancelled, OnHold and OutOfStock are for the state machine to branch on."""
    logger.info("step", step=event["step"], order=event["order_id"])
    return _STEPS[event["step"]](event)


def _schedule(event: dict[str, Any]) -> dict[str, Any]:
    wave = event["wave"]

    def attempt() -> Dossier:
        dossier = _live(event)
        if dossier.order.waves >= wave:
            return dossier
        facts = read_facts(db(), dossier.order, clock.now())
        decision = schedule(dossier.order, dossier.shipments, wave, facts)
        if decision is None:
            return dossier
        save(db(), decision, facts.now)
        return Dossier(decision.order, shipments=decision.shipments)

    try:
        dossier = until_fresh(attempt)  # a confirmed order holds its units: nothing to take back
    except Refusal as refusal:
        if refusal.reason is Reason.OUT_OF_STOCK:
            raise OutOfStock from None
        raise
    shipments = [
        {"order_id": s.order_id, "shipment_id": s.id} for s in dossier.shipments if s.wave == wave
    ]
    return {"order_id": event["order_id"], "shipments": shipments}


def _release(event: dict[str, Any]) -> dict[str, Any]:
    """Release the shipment to its node and wait until it is packed."""

    def decide(dossier: Dossier, facts: Facts) -> Decision | None:
        shipment = dossier.shipment(event["shipment_id"])
        if shipment.status == "cancelled":
            raise OrderCancelled
        if dossier.order.holds and shipment.status == "scheduled":
            raise OnHold
        return fulfilment.release(dossier.order, shipment, facts)

    _commit(event, decide)
    return _wait(event)


def _wait(event: dict[str, Any]) -> dict[str, Any]:
    """Keep the task token, then answer it at once if what it waits for has happened already."""
    wait = _kept(event)
    answer_one(executions(), db(), wait, _dossier(event).shipment(wait.shipment_id))
    return {}


def _invoice(event: dict[str, Any]) -> dict[str, Any]:
    """Ask the writer of invoices for the shipment's, and wait until it is there."""
    wait = _kept(event)
    shipment = _dossier(event).shipment(wait.shipment_id)
    if over(wait, shipment):
        answer_one(executions(), db(), wait, shipment)
    else:
        asked = {"order_id": wait.order_id, "shipment_id": wait.shipment_id}
        sqs().send_message(QueueUrl=os.environ["INVOICES_QUEUE_URL"], MessageBody=json.dumps(asked))
    return {}


def _kept(event: dict[str, Any]) -> Wait:
    wait = Wait(event["order_id"], event["shipment_id"], event["until"], event["token"])
    keep(db(), wait)
    return wait


def _overdue(event: dict[str, Any]) -> dict[str, Any]:
    logger.warning("overdue", order=event["order_id"], until=event["until"])
    _commit(
        event,
        lambda dossier, facts: fulfilment.overdue(
            dossier.order, dossier.shipment(event["shipment_id"]), event["until"], facts
        ),
    )
    return {}


def _sold_out(event: dict[str, Any]) -> dict[str, Any]:
    """End an order whose goods are not there; its event has the money given back."""

    def decide(dossier: Dossier, facts: Facts) -> Decision | None:
        if dossier.order.state != "confirmed":
            return None
        return cancel(dossier.order, dossier.shipments, "out_of_stock", SYSTEM, facts.now)

    _commit(event, decide)
    return {}


def _close(event: dict[str, Any]) -> dict[str, Any]:
    _commit(event, lambda dossier, facts: fulfilment.close(dossier.order, facts))
    return {}


_STEPS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "schedule": _schedule,
    "release": _release,
    "wait": _wait,
    "invoice": _invoice,
    "overdue": _overdue,
    "sold_out": _sold_out,
    "close": _close,
}


def _commit(event: dict[str, Any], decide: Callable[[Dossier, Facts], Decision | None]) -> None:
    def attempt() -> None:
        facts = Facts(load_shop(db()), clock.now())
        decision = decide(_dossier(event), facts)
        if decision is not None:
            save(db(), decision, facts.now)

    until_fresh(attempt)


def _live(event: dict[str, Any]) -> Dossier:
    dossier = _dossier(event)
    if dossier.order.state == "cancelled":
        raise OrderCancelled
    return dossier


def _dossier(event: dict[str, Any]) -> Dossier:
    dossier = get_dossier(db(), event["order_id"])
    if dossier is None:
        raise LookupError(f"no order {event['order_id']}")
    return dossier
