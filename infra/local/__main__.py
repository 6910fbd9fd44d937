"""Parcelway on this machine: `python -m infra.local`. Serves until Ctrl-C, then forgets all."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

_STARTED = time.monotonic()

_WELCOME = """
Parcelway is ready after {seconds:.0f} s.

  Storefront   {url}/shop/
  Inbox        {url}/inbox/
  Warehouse    {url}/warehouse/
  Service desk {url}/desk/
  API docs     {url}/docs/
  All pages    {url}/
  API          {api}

Everything stays on this machine and is forgotten at the end. Ctrl-C stops it.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C (exit code 0); 2 when a port is taken."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="the API's port (8000)")
    parser.add_argument("--console-port", type=int, default=8001, help="the pages' port (8001)")
    wanted = parser.parse_args(argv)
    complaint = _complaint(wanted.port, wanted.console_port)
    if complaint:
        print(complaint, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _serve(wanted.port, wanted.console_port)
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def _serve(port: int, console_port: int) -> None:
    _say("starting")
    # Imported here, because it takes seconds: a taken port is told at once.
    from infra.local import console
    from infra.local.application import SAMPLE_FILES, running

    with running(port, run_schedules=True, console_port=console_port) as app:
        _say("loading the sample data")
        app.load(SAMPLE_FILES, sys.stdout)
        with console.serving(app, console.create_staff(app), console_port) as url:
            seconds = time.monotonic() - _STARTED
            print(_WELCOME.format(api=app.url, url=url, seconds=seconds), flush=True)
            threading.Event().wait()


def _complaint(port: int, console_port: int) -> str:
    """Why these ports will not do, in one line; '' when they will."""
    if port == console_port:
        return "The API and the pages need different ports."
    for option, number in (("--port", port), ("--console-port", console_port)):
        if not 1 <= number <= 65535:
            return f"{number} is no port; choose another one with {option}."
        if not _is_free(number):
            return f"Port {number} is taken; choose another one with {option}."
    return ""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _say(text: str) -> None:
    print(f"{time.monotonic() - _STARTED:6.1f} s  {text}", flush=True)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
