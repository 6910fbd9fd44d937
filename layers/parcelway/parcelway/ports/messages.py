"""Messages from a queue: each handled on its own, and only those that fail come again.

Our own loop, because Powertools' batch processing imports asyncio and a class for every kind of
AWS event: a tenth of boto3's whole start for these twenty lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from parcelway.ports.faults import told

T = TypeVar("T")


def consume(
    event: dict[str, Any],
    logger: Logger,
    handle: Callable[[dict[str, Any]], None],
    expected: type[Exception] | tuple[()] = (),
) -> dict[str, Any]:
    """Handle a batch of SQS messages with JSON bodies; the answer names those that failed, as the
    event source mapping's ReportBatchItemFailures wants it.

    An exception is logged without its message: as an error, or for `expected` ones, after which a
    message simply has to come again, as information.
    """
    failed = []
    for record in event["Records"]:
        try:
            handle(json.loads(record["body"]))
        except Exception as error:
            log = logger.info if isinstance(error, expected) else logger.error
            log("not handled", message_id=record["messageId"], **told(error))
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def consume_together(
    event: dict[str, Any],
    logger: Logger,
    read: Callable[[dict[str, Any]], T],
    handle: Callable[[list[T]], Mapping[T, Exception]],
) -> dict[str, Any]:
    """Handle a batch of SQS messages at once. `read` makes of a message what is to be done,
    `handle` tells what of it was not done, and why; the answer is as that of `consume`."""
    wanted: dict[str, T] = {}
    failed: dict[str, Exception] = {}
    for record in event["Records"]:
        try:
            wanted[record["messageId"]] = read(json.loads(record["body"]))
        except Exception as error:
            failed[record["messageId"]] = error
    try:
        reasons = handle(list(dict.fromkeys(wanted.values())))
    except Exception as error:
        reasons = dict.fromkeys(wanted.values(), error)
    failed |= {name: reasons[what] for name, what in wanted.items() if what in reasons}
    for name, reason in failed.items():
        logger.error("not handled", message_id=name, **told(reason))
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
