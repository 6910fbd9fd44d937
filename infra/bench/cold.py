"""One cold start, in a process of its own: run with `python -I -S`, standard library only up here.

    cold.py PATHS            the floor: import boto3, make a DynamoDB client
    cold.py PATHS FOLDER     a function: import its `app` as Lambda does, make the clients it keeps

PATHS are what Lambda's runtime and layers put on `sys.path`, separated by colons. Prints what was
imported and the CPU seconds it took as one JSON object, after the clock has stopped, and ends
without taking the interpreter apart: nobody waits for that.
"""

import os
import sys
import time
from types import ModuleType


def main() -> None:
    """The floor or a function, by the arguments."""
    began = time.process_time()
    sys.path[:0] = sys.argv[1].split(":")
    if len(sys.argv) > 2:
        sys.path.insert(0, sys.argv[2])
        import app  # type: ignore[import-not-found]

        make_clients(app)
    else:
        import boto3

        boto3.client("dynamodb")
    seconds = time.process_time() - began
    modules = sorted(sys.modules)
    import json

    print(json.dumps({"seconds": seconds, "modules": modules}), flush=True)
    os._exit(0)


# What the usual first event does not make: only the route for an invoice's PDF reads files, only
# the step that asks for an invoice sends messages.
_LATER = {"tracking": {"files"}, "fulfillment_steps": {"sqs"}}


def make_clients(app: ModuleType) -> None:
    """What the first event makes and all later ones share: everything that `app` keeps in a
    `functools.cache` without arguments, and the client that secrets are read with."""
    from functools import _lru_cache_wrapper
    from inspect import signature

    later = _LATER.get(sys.argv[2].rpartition("/")[2], ())
    for name, value in list(vars(app).items()):
        if name in later:
            continue
        if isinstance(value, _lru_cache_wrapper) and not signature(value).parameters:
            value()
    if secrets := sys.modules.get("parcelway.ports.secret_values"):
        secrets.client()


main()
