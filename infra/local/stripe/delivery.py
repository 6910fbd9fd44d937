"""Webhook delivery: at least once, in no promised order, signed, repeated until a 2xx."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from parcelway.ports.webhooks import sign_stripe

from infra.local.stripe.errors import Json, invalid

_ATTEMPTS = 12
_PARALLEL = 8


@dataclass(slots=True)
class Deliveries:
    """Where events go and how; all fields may change while running.

    Stripe repeats a failed delivery for three days; here the same dozen attempts take about twenty
    seconds. `copies` deliveries of each event are made, with `shuffle` each at a random moment of
    `spread` seconds. With two secrets both sign, as Stripe does while one is being rotated.
    """

    now: Callable[[], float]
    url: str = ""
    secrets: list[str] = field(default_factory=list)
    copies: int = 1
    shuffle: bool = False
    spread: float = 0.3
    first_pause: float = 0.1
    counts: dict[str, int] = field(
        default_factory=lambda: {"attempts": 0, "delivered": 0, "given_up": 0}
    )
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PARALLEL))
    _session: aiohttp.ClientSession | None = None

    def configure(self, changes: Json) -> None:
        """Take over the fields named in `changes`. Raises Refusal for one that does not exist."""
        kinds: dict[str, type | tuple[type, ...]] = {
            "url": str,
            "secrets": list,
            "copies": int,
            "shuffle": bool,
            "spread": (int, float),
            "first_pause": (int, float),
        }
        for name, value in changes.items():
            if name not in kinds or not isinstance(value, kinds[name]):
                raise invalid(f"No such webhook setting: {name}={value!r}", param=name)
        for name, value in changes.items():
            setattr(self, name, value)

    def send(self, event: Json) -> None:
        """Queue `copies` deliveries of `event`; without a URL nothing is sent."""
        if not self.url:
            return
        body = json.dumps(event, indent=2).encode()
        for _ in range(self.copies):
            pause = random.uniform(0, self.spread) if self.shuffle else 0.0
            task = asyncio.get_running_loop().create_task(self._deliver(body, pause))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settle(self) -> dict[str, Any]:
        """Wait until every queued delivery is made or given up; the counts since the start."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        return dict(self.counts)

    async def close(self) -> None:
        """Drop what is queued and close the connections."""
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def _deliver(self, body: bytes, pause: float) -> None:
        await asyncio.sleep(pause)
        backoff = self.first_pause
        for _ in range(_ATTEMPTS):
            async with self._slots:
                self.counts["attempts"] += 1
                delivered = await self._post(body)
            if delivered:
                self.counts["delivered"] += 1
                return
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
            backoff = min(2 * backoff, 4.0)
        self.counts["given_up"] += 1

    async def _post(self, body: bytes) -> bool:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        # Signed anew for each attempt, so that a late one is not refused as old.
        moment = datetime.fromtimestamp(self.now(), UTC)
        signatures = [sign_stripe(body, secret, moment) for secret in self.secrets]
        stamp = signatures[0].partition(",")[0] if signatures else f"t={int(self.now())}"
        header = ",".join([stamp, *(text.partition(",")[2] for text in signatures)])
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header}
        try:
            async with self._session.post(
                self.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False
