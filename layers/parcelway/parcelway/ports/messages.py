"""Messages from a queue: each handled on its own, and only those that fail come again.

Our own loop, because Powertools' batch processing imports asyncio and a class for every kind of
AWS event: a tenth of boto3's whole start for these twenty lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from parcelway.ports.faults import told


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
