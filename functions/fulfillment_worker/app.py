"""Events of orders, told to the state machine: start for a paid order, go on for a done wait."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from parcelway import aws
from parcelway.domain.waves import has_wave
from parcelway.ports.executions import answer, start
from parcelway.ports.messages import consume
from parcelway.store.database import database
from parcelway.store.orders import get_dossier

logger = Logger(service="fulfillment_worker")
db = cache(database)
executions = cache(lambda: aws.client("stepfunctions"))


# After one of these an order may have units for another wave.
_TO_SCHEDULE = (
    "order.confirmed",
    "order.replenished",
    "order.replanned",
    "order.units_cancelled",
    "order.funded",
)


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Handle a batch of FulfillmentQueue; messages that fail come again, alone."""
    return consume(event, logger, _handle)


def _handle(told: dict[str, Any]) -> None:
    """Act on the order as it is now: the event only says that it is worth a look. One that is
    confirmed for the second time may have waits whose answer got lost, and whatever happened may
    have made room for a wave that had to wait (`undoing`)."""
    order_id = told["detail"]["order_id"]
    dossier = get_dossier(db(), order_id)
    if dossier is None:
        raise LookupError("an event of an order that does not exist")
    known = dossier.order.waves
    first = 1 if told["detail-type"] in _TO_SCHEDULE else known + 1
    for wave in range(first, known + 1 + has_wave(dossier.order)):
        start(executions(), os.environ["FULFILLMENT_ARN"], order_id, wave)
    answer(executions(), db(), dossier)
