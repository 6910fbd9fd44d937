"""What all histories of a process share: the stack as wired, the loaded modules, the first state.

Reaching into other people's modules (boto3's transport, the clock, dice) happens here only.
"""

from __future__ import annotations

import gc
import io
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import seed as seed_dice
from typing import Any, TypeVar

from botocore.client import BaseClient
from greenlet import getcurrent
from parcelway import aws
from parcelway.ports import clock, secret_values

from infra.cli.load import load
from infra.local.application import MAIL_FROM, ROOT
from infra.local.mail import Mail
from infra.local.moto_patches.cognito import forget_users
from infra.local.patching import Patches
from infra.local.stack import Stack
from infra.sim.dynamodb import DynamoDB
from infra.sim.injection import Injector
from infra.sim.kernel import InOrder, Schedule, Task
from infra.sim.lambdas import Lambdas
from infra.sim.secrets import Parameters
from infra.sim.stripe.transport import installed
from infra.sim.wiring import Wiring, wiring_of
from infra.sim.world import START, Conditions, World

T = TypeVar("T")

PARAMETERS = {
    "PublicUrl": "https://shop.example",
    "MailFrom": MAIL_FROM,
    "StripePublishableKey": "pk_test_simulated",
    "PasswordPage": "https://shop.example/#/welcome/",
}


class Laboratory:
    """Makes worlds, one at a time, all from the same beginning."""

    def __init__(self, wiring: Wiring, login_mails: Callable[[], Sequence[Mail]]) -> None:
        self.wiring = wiring
        self._login_mails = login_mails
        self._lambdas = Lambdas(wiring.functions)
        self._world: World | None = None
        self._dynamodb = DynamoDB(self._seconds)
        for table in wiring.tables.values():
            self._dynamodb.create_table(table)
        self._start = self._dynamodb.snapshot()
        self._clients: dict[tuple[str, str], Any] = {}
        self._make_client: Any = aws.client
        self._elsewhere: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
        self._sleep = time.sleep

    @contextmanager
    def world(
        self,
        conditions: Conditions | None = None,
        injector: Injector | None = None,
        schedule: Schedule | None = None,
    ) -> Iterator[World]:
        """A history's world for the length of the block."""
        conditions = conditions or Conditions()
        self._dynamodb.restore(self._start)
        secret_values.forget()
        seed_dice(conditions.seed)
        forget_users(self.wiring.account, self.wiring.region)
        world = World(
            self.wiring,
            self._lambdas,
            self._dynamodb,
            conditions,
            injector or Injector(),
            schedule or InOrder(),
            Parameters(),
            self._elsewhere,
            self._login_mails,
        )
        transport = Patches()
        installed(world.provider, transport, world.payments)
        self._world = world
        try:
            yield world
        finally:
            world.kernel.close()
            self._world = None
            transport.undo()

    def load(self, files: Mapping[str, Path]) -> None:
        """Load shop data into the beginning of every world to come."""
        with self.world() as world:
            report = load(world.database, dict(files), io.StringIO())
            if report.bad:
                raise ValueError(f"{len(report.bad)} bad rows, the first: {report.bad[0]}")
            self._start = self._dynamodb.snapshot()
        gc.collect()
        gc.freeze()  # what is there now stays: looking through it took a third of every history

    @contextmanager
    def planted(self, name: str, value: Any) -> Iterator[None]:
        """Plant a bug in the handlers that were loaded so far: their global `name` is `value`."""
        with self._lambdas.planted(name, value):
            yield

    def install(self, patches: Patches) -> None:
        """Take over AWS clients, the clock and dice until `patches` are undone."""
        call = self._call
        patches.replace(
            BaseClient, "_make_api_call", lambda client, name, given: call(client, name, given)
        )
        patches.replace(aws, "client", self._client)
        patches.replace(time, "sleep", self._pass_time)
        monotonic, counter = time.monotonic, time.perf_counter
        patches.replace(time, "monotonic", lambda: self._elapsed(monotonic))
        patches.replace(time, "perf_counter", lambda: self._elapsed(counter))
        uuid4, choice = uuid.uuid4, secrets.choice
        url, hexadecimal = secrets.token_urlsafe, secrets.token_hex
        here = self._here
        patches.replace(uuid, "uuid4", lambda: here(World.new_uuid, uuid4))
        patches.replace(secrets, "choice", lambda options: here(World.choice, choice, options))
        patches.replace(secrets, "token_urlsafe", lambda n=None: here(World.new_token, url, n))
        patches.replace(secrets, "token_hex", lambda n=None: here(World.new_token, hexadecimal, n))
        clock.use(self._moment)

    def _here(self, virtual: Callable[..., T], real: Callable[..., T], *given: Any) -> T:
        """From the world's dice if there is one."""
        return virtual(self._world, *given) if self._world else real(*given)

    def _call(self, client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
        if self._world is None:
            return self._elsewhere(client, operation, parameters)
        return self._world.aws(client, operation, parameters)

    def _client(self, service: str, *given: Any, **settings: Any) -> Any:
        """One client per service and settings: making one takes longer than a whole history."""
        key = (service, repr(given) + repr(sorted(settings)))
        if key not in self._clients:
            self._clients[key] = self._make_client(service, *given, **settings)
        return self._clients[key]

    def _pass_time(self, seconds: float) -> None:
        if self._world is not None and isinstance(getcurrent(), Task):
            self._world.kernel.sleep(seconds)
        else:
            self._sleep(seconds)

    def _elapsed(self, real: Callable[[], float]) -> float:
        """What caches and durations go by: a world's own time inside of it."""
        if self._world is not None and isinstance(getcurrent(), Task):
            return self._world.kernel.now
        return real()

    def _seconds(self) -> float:
        return self._world.kernel.now if self._world else START.timestamp()

    def _moment(self) -> datetime:
        return self._world.clock() if self._world else datetime.now(UTC)


@contextmanager
def laboratory(log_level: str = "CRITICAL") -> Iterator[Laboratory]:
    """A laboratory for the length of the block, without shop data."""
    environment = {"POWERTOOLS_LOG_LEVEL": log_level}
    with Stack(ROOT / "template.yaml", PARAMETERS, environment) as stack:
        stack.client("sesv2").create_email_identity(EmailIdentity=MAIL_FROM)
        found = Laboratory(wiring_of(stack), stack.mails)
        patches = Patches()
        found.install(patches)
        try:
            yield found
        finally:
            patches.undo()
            clock.reset()
