"""localstripe behind our front: customers, payment methods, tokens and whatever else it knows."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import aiohttp

from infra.local.stripe.errors import Json, Refusal

# localstripe accepts any secret key; ours is checked before a call comes here.
_KEY = {"Authorization": "Bearer sk_test_localstripe"}


@dataclass(slots=True)
class Localstripe:
    """The running process and a connection to it. It dies with this process: its input closes."""

    process: asyncio.subprocess.Process
    base: str
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, values: Json | None = None) -> Json:
        """One call with a JSON body. Raises Refusal with localstripe's own error."""
        async with self.session.request(
            method, self.base + path, json=values, headers=_KEY
        ) as answer:
            body: Json = await answer.json(content_type=None)
            if answer.status >= 400:
                raise Refusal(answer.status, body["error"], executed=False)
            return body

    async def forward(self, method: str, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        """A call passed on as it came; `path` includes the query. The answer's status and body."""
        headers = {**_KEY, "Content-Type": kind}
        async with self.session.request(
            method, self.base + path, data=body, headers=headers
        ) as answer:
            return answer.status, await answer.read()

    async def close(self) -> None:
        """End the process."""
        await self.session.close()
        if self.process.stdin:
            self.process.stdin.close()
        await self.process.wait()


async def start() -> Localstripe:
    """Start localstripe. Raises RuntimeError when it does not come up within ten seconds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.local.stripe.localstripe_runner",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us; its end is its input's
    )
    if process.stdout is None:
        raise RuntimeError("localstripe has no output to read its port from")
    line = await asyncio.wait_for(process.stdout.readline(), timeout=10)
    if not line.strip().isdigit():
        raise RuntimeError(f"localstripe did not start: {await process.wait()}")
    base = f"http://127.0.0.1:{int(line)}"
    return Localstripe(process, base, aiohttp.ClientSession())
