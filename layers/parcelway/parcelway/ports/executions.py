"""The state machine that takes an order from stock to door, as the functions see it."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from parcelway.domain.shipment import Shipment
from parcelway.store.database import Database
from parcelway.store.orders import Dossier
from parcelway.store.waits import Wait, answered, over

_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
# A token that was used, or whose wait timed out, is no fault: the execution has gone on.
_GONE = ("TaskDoesNotExist", "TaskTimedOut", "InvalidToken")


class OrderCancelled(Exception):
    """The order ended before what was waited for; the state machine catches this by name."""


def start(client: Any, machine_arn: str, order_id: str, wave: int = 1) -> None:
    """Start the execution of an order's wave, named after both: a second start is the first one.

    One that failed is not the end of its order: the next start takes it up anew under the next
    name. Every step decides on the order as it is, so nothing is done twice.
    """
    first = order_id if wave == 1 else f"{order_id}-w{wave}"
    for number in count(1):
        name = first if number == 1 else f"{first}-{number}"
        try:
            client.start_execution(
                stateMachineArn=machine_arn,
                name=name,
                input=json.dumps({"order_id": order_id, "wave": wave}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
        else:
            return
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        if client.describe_execution(executionArn=arn)["status"] not in _FAILED:
            return


def answer(client: Any, db: Database, dossier: Dossier) -> None:
    """Answer every wait of an order that is over. A wait begun after the dossier was read looks at
    the shipment by itself."""
    shipments = {shipment.id: shipment for shipment in dossier.shipments}
    for wait in dossier.waits:
        answer_one(client, db, wait, shipments[wait.shipment_id])


def answer_one(client: Any, db: Database, wait: Wait, shipment: Shipment) -> None:
    """Answer a wait if it is over: success, or OrderCancelled for a shipment that will not be."""
    try:
        if shipment.status == "cancelled":
            client.send_task_failure(taskToken=wait.token, error=OrderCancelled.__name__, cause="")
        elif over(wait, shipment):
            client.send_task_success(taskToken=wait.token, output="{}")
        else:
            return
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
    answered(db, wait)
