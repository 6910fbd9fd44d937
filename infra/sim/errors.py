"""Errors as botocore raises them, and the one for what is not simulated."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


def client_error(
    code: str, operation: str, message: str = "", status: int = 400, **more: Any
) -> ClientError:
    """A service's refusal; `more` are further fields of the answer."""
    answer: Any = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0},
        **more,
    }
    return ClientError(answer, operation)


def not_simulated(what: str) -> NotImplementedError:
    """For a call or parameter that no handler used so far: better loud than wrong."""
    return NotImplementedError(
        f"{what} is not simulated: no handler used it so far; add it where this was raised"
    )
