"""What DynamoDB refuses, before it becomes botocore's ClientError."""

from __future__ import annotations

from typing import Any

CONDITION_FAILED = "The conditional request failed"


class Refused(Exception):
    """A request that DynamoDB answers with an error.

    `code` and `message` are those of the answer's Error; `more` are fields beside it
    (CancellationReasons, Item).
    """

    def __init__(self, message: str, code: str = "ValidationException", **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.more = more


class ConditionFailed(Refused):
    """A condition did not hold. `item` is what was there."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        super().__init__(CONDITION_FAILED, "ConditionalCheckFailedException")
        self.item = item
