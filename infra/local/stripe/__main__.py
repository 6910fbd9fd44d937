"""`python -m infra.local.stripe`: the stand-in as a process. Prints one line of JSON when ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from aiohttp import web

from infra.local.stripe import upstream
from infra.local.stripe.account import Account
from infra.local.stripe.challenge import Challenges
from infra.local.stripe.controls import Controls
from infra.local.stripe.delivery import Deliveries
from infra.local.stripe.endpoints import Endpoints
from infra.local.stripe.errors import Json
from infra.local.stripe.faults import Faults
from infra.local.stripe.front import Front
from infra.local.stripe.idempotency import Keys
from infra.local.stripe.payment_methods import Wallet


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--webhook-url", default="", help="where events go; '' keeps them")
    parser.add_argument("--webhook-secret", default="whsec_standin")
    parser.add_argument("--secret-key", default="sk_test_standin")
    parser.add_argument("--publishable-key", default="pk_test_standin")
    parser.add_argument(
        "--no-multicapture",
        action="store_true",
        help="one capture per hold, as Stripe accounts without that feature have",
    )
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    return parser.parse_args(argv)


async def serve(options: argparse.Namespace) -> None:
    """Run until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parent = asyncio.create_task(_watch_parent(stop)) if options.with_parent else None
    localstripe = await upstream.start()
    account = Account(on_event=lambda _: None, multicapture=not options.no_multicapture)
    deliveries = Deliveries(now=account.now, url=options.webhook_url)
    deliveries.secrets = [options.webhook_secret]
    account.on_event = deliveries.send
    challenges, faults = Challenges(account), Faults()
    front = Front(
        account=account,
        endpoints=Endpoints(account, challenges),
        wallet=Wallet(localstripe),
        faults=faults,
        keys=Keys(now=account.now),
        secret_key=options.secret_key,
        publishable_key=options.publishable_key,
    )
    app = web.Application()
    app.add_routes(Controls(account, deliveries, faults).routes())
    app.add_routes(challenges.routes())
    app.add_routes(front.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    challenges.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    print(json.dumps(_announcement(challenges.base, options)), flush=True)
    await stop.wait()
    await runner.cleanup()
    await deliveries.close()
    await localstripe.close()
    if parent:
        parent.cancel()


def _announcement(base: str, options: argparse.Namespace) -> Json:
    return {
        "api_base": base,
        "secret_key": options.secret_key,
        "publishable_key": options.publishable_key,
        "webhook_secret": options.webhook_secret,
    }


async def _watch_parent(stop: asyncio.Event) -> None:
    """Whoever started us holds our input open; when they die, however suddenly, it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
    stop.set()


if __name__ == "__main__":
    asyncio.run(serve(arguments(sys.argv[1:])))
