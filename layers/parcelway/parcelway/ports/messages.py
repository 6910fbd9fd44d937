"""Messages from a queue: each handled on its own, and only those that fail come again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)


def consume(
    event: dict[str, Any],
    context: Any,
    logger: Logger,
    handle: Callable[[dict[str, Any]], None],
    expected: type[Exception] | tuple[()] = (),
) -> Any:
    """Handle a batch of SQS messages with JSON bodies; the answer names those that failed.

    What an exception says may hold personal data, so only its type is logged: as an error, or for
    `expected` ones, after which a message simply has to come again, as information.
    """

    def one(record: Any) -> None:
        try:
            handle(json.loads(record.body))
        except Exception as error:
            told = logger.info if isinstance(error, expected) else logger.error
            told("not handled", message_id=record.message_id, error=type(error).__name__)
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, one, processor, context)
