"""`python -m infra.local`: serve the application of a template until interrupted."""

from __future__ import annotations

import argparse
import logging
import threading
from pathlib import Path

from infra.local.stack import Stack


def main() -> None:
    """Command line: see --help."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("--template", type=Path, default=Path("template.yaml"))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--wait-scale", type=float, default=1.0)
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    parameters = dict(text.split("=", 1) for text in arguments.parameter)
    stack = Stack(
        arguments.template, parameters, wait_scale=arguments.wait_scale, run_schedules=True
    )
    with stack:
        print(f"API on {stack.serve(port=arguments.port)}")
        for name, value in stack.outputs.items():
            print(f"{name}: {value}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("closing")


if __name__ == "__main__":
    main()
