"""Check what must always be true of the tables, and mend what can be mended.

Names each contradiction, one per line, and ends with exit code 1 when there is one, also when it
was mended: verify again to see. The system may be in use: what looks broken is looked at again, and
what is younger than --grace is not judged. Kinds of breaks and what --repair does about each:
infra/verify/README.md.
"""

from __future__ import annotations

import argparse
import os
from datetime import timedelta

import boto3
from parcelway.ports import clock
from parcelway.ports.bus import EventBridge

from infra.cli.stack import add_arguments as add_stack
from infra.cli.stack import open_database, resources
from infra.verify import LIVE, Care, breaks, repair

NAME = "verify"
HELP = "check what must always be true of the tables, and mend it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_stack(parser)
    parser.add_argument("--repair", action="store_true", help="mend what can be mended")
    parser.add_argument(
        "--rate",
        type=float,
        default=LIVE.rate,
        metavar="PAGES",
        help="pages (1 MB, 256 read units) per second at most, 0: no limit; default %(default)g",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=LIVE.grace / timedelta(minutes=1),
        metavar="MINUTES",
        help="what is younger may still be under way; 0: nothing is; default %(default)g",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check and, if asked, mend. Exit code 1 when anything was broken."""
    db, now = open_database(arguments.stack), clock.now()
    grace = timedelta(minutes=arguments.grace)
    care = Care(grace, LIVE.pause if grace else 0.0, arguments.rate)
    found = breaks(db, now, care)
    for broken in found:
        mend = f" [--repair: {broken.repair}]" if broken.repair else " [for a person]"
        print(f"{broken}{mend}")
    if arguments.repair:
        for told in repair(db, found, now, care, _bus(arguments.stack)):
            print(f"repair: {told}")
    print(f"{len(found)} broken" if found else "nothing is broken")
    return 1 if found else 0


def _bus(stack: str | None) -> EventBridge | None:
    """The bus of order events, from the stack or the environment; None when neither tells."""
    name = resources(stack).get("OrderEvents") if stack else os.environ.get("EVENT_BUS")
    return EventBridge(boto3.client("events"), name) if name else None
