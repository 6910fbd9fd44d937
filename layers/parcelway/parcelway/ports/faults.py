"""What may be told of an exception: its type and where it came from, never its message.

Messages quote what they are about: a key, a parameter, a line of an address. Lambda itself logs
the message of whatever leaves a handler, and Step Functions keeps it in the execution's history.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import PurePath
from traceback import walk_tb
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

_FRAMES = 12  # the innermost ones

Handler = Callable[[Any, Any], Any]


class Fault(Exception):
    """Stands in for an exception that cannot be parted from its message; names its type."""


def told(error: BaseException) -> dict[str, Any]:
    """The fields of a log line about an exception: type, AWS's code if there is one, and where."""
    places = [
        f"{'/'.join(PurePath(frame.f_code.co_filename).parts[-2:])}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    fields: dict[str, Any] = {"error": type(error).__name__, "at": places[-_FRAMES:]}
    if isinstance(error, ClientError):
        fields["code"] = error.response["Error"]["Code"]
    return fields


def discreet(logger: Logger) -> Callable[[Handler], Handler]:
    """A decorator for a handler whose exceptions leave it, for whoever invokes it to act on.

    They keep their type and lose their message, after a log line about those that had one.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def run(event: Any, context: Any) -> Any:
            try:
                return handler(event, context)
            except Exception as error:
                if str(error):
                    logger.error("fault", **told(error))
                    error.args = ()
                if str(error):
                    raise Fault(type(error).__name__) from None
                raise

        return run

    return decorate
