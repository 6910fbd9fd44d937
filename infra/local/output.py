"""What functions print and log, kept per function."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from typing import Any, TextIO

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from infra.local.calls import current_function
from infra.local.patching import Patches

KEPT_LINES = 5000


class Logs(dict[str, "deque[str]"]):
    """Function's logical id -> its latest lines, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def __missing__(self, function: str) -> deque[str]:
        return self.setdefault(function, deque(maxlen=KEPT_LINES))

    def write(self, function: str, text: str) -> None:
        """Append each line of `text`; empty lines are dropped."""
        with self._lock:
            self[function].extend(line for line in text.splitlines() if line.strip())


class _Splitter:
    """A text stream: what a function writes goes to its log, the rest to the real stream."""

    def __init__(self, logs: Logs, real: TextIO) -> None:
        self._logs = logs
        self._real = real

    def write(self, text: str) -> int:
        function = current_function.get()
        if function is None:
            return self._real.write(text)
        self._logs.write(function, text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _LogHandler(logging.Handler):
    """Log records of functions that use the root logger, as Lambda's runtime collects them."""

    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs
        self.setFormatter(logging.Formatter("[%(levelname)s] %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        function = current_function.get()
        if function is not None:
            self._logs.write(function, self.format(record))


class Capture:
    """While installed, functions' output lands in `logs`."""

    def __init__(self, logs: Logs) -> None:
        self._handler = _LogHandler(logs)
        self._real = (sys.stdout, sys.stderr)
        self._ours: tuple[Any, Any] = (_Splitter(logs, sys.stdout), _Splitter(logs, sys.stderr))
        logging.getLogger().addHandler(self._handler)
        sys.stdout, sys.stderr = self._ours
        self._patches = Patches()
        self._follow_loggers(logs)

    def _follow_loggers(self, logs: Logs) -> None:
        """Powertools writes to what sys.stdout was when a logger was made: in a process with more
        than one stack, or whose streams were replaced meanwhile, that is not ours."""
        emit = logging.StreamHandler.emit

        def to_logs(handler: Any, record: logging.LogRecord) -> None:
            function = current_function.get()
            if function is None or not isinstance(handler.formatter, LambdaPowertoolsFormatter):
                emit(handler, record)
            else:
                logs.write(function, handler.format(record))

        self._patches.replace(logging.StreamHandler, "emit", to_logs)

    def remove(self) -> None:
        self._patches.undo()
        logging.getLogger().removeHandler(self._handler)
        if sys.stdout is self._ours[0]:
            sys.stdout = self._real[0]
        if sys.stderr is self._ours[1]:
            sys.stderr = self._real[1]
