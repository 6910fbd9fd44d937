"""Run localstripe on a free loopback port, in a process of its own, until standard input closes.

Its own command binds every interface and pickles its objects into the temporary folder; this one
binds 127.0.0.1 and keeps them in memory. localstripe is GPL-3: nothing of ours imports this module.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web
from localstripe.resources import store  # type: ignore[import-untyped]
from localstripe.server import app  # type: ignore[import-untyped]


async def main() -> None:
    """Serve, print the port, wait for the parent to go."""
    store.dump_to_disk = lambda: None
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
