"""Bring dead letters back to where they failed, once what they failed of is mended.

Without a queue: the stack's dead letter queues and how much is in each. A message is sent to where
it came from and only then deleted, so none is lost; after a crash in between it comes twice, which
every consumer stands. Messages that nobody can place stay where they are (exit code 1).
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import boto3

from infra.cli.dead_letters import Depot
from infra.cli.stack import resources

NAME = "redrive"
HELP = "bring dead letters back to their queues"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("queue", nargs="?", help="a dead letter queue, or `all`")
    parser.add_argument("--stack", required=True, metavar="NAME", help="CloudFormation stack")
    parser.add_argument("--max", type=int, metavar="N", help="messages at most, per queue")


def run(arguments: argparse.Namespace) -> int:
    """List, or redrive. Exit code 1 when messages had to stay, 2 for a queue there is not."""
    depot = Depot(resources(arguments.stack), _client)
    return redrive(depot, arguments.queue, arguments.max)


def _client(service: Any) -> Any:
    return boto3.client(service)


def redrive(depot: Depot, name: str | None, most: int | None) -> int:
    """What the command does, with the stack's queues in `depot`."""
    if name is None:
        for queue in depot.names():
            print(f"{queue:<28}{depot.depth(queue):>7}")
        return 0
    if name != "all" and name not in depot.names():
        print(f"parcelway redrive: there is no {name}", file=sys.stderr)
        return 2
    stayed = 0
    for queue in depot.names() if name == "all" else [name]:
        outcome = depot.redrive(queue, most)
        stayed += outcome.stayed
        told = [f"{count} {what}" for what, count in sorted(outcome.done.items())]
        print(f"{queue}: {', '.join(told) or 'nothing'}")
        for reason, count in sorted(outcome.reasons.items()):
            print(f"{queue}: {count} stayed: {reason}", file=sys.stderr)
    return 1 if stayed else 0
