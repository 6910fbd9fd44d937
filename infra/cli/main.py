"""The operator's command: `parcelway <command>`. Each command is a module of its own here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from infra.cli import desk, import_orders, load, openapi, redrive, routes, secrets, verify

_COMMANDS = (
    desk,
    import_orders,
    load,
    openapi,
    redrive,
    routes,
    secrets,
    verify,
)  # each has NAME, HELP, add_arguments(parser) and run(arguments) -> exit code


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code is 0 for success, 1 for a failure, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="parcelway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        command = commands.add_parser(module.NAME, help=module.HELP, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(argv)
    return int(arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
