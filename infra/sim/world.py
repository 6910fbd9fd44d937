"""One history: every AWS service, the payment provider and the functions, on virtual time.

Calls of handlers come in at one place, `World.reached`, where the injector may hurt them.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar, cast

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from parcelway.domain.order import Order
from parcelway.store.codec import iso
from parcelway.store.database import Database
from parcelway.store.items import from_item
from parcelway.store.orders import to_order
from parcelway.store.shards import CALM

from infra.local.functions import Function, Result
from infra.local.gateway.api import Gateway
from infra.local.gateway.messages import Request, Response
from infra.local.mail import Mail, Outbox
from infra.local.pumps.mapping import Mapping as SourceMapping
from infra.sim import limits
from infra.sim.bus import Bus
from infra.sim.dynamodb import DynamoDB
from infra.sim.dynamodb.client import ModelClient
from infra.sim.errors import client_error, not_simulated
from infra.sim.executions import Executions
from infra.sim.files import Files
from infra.sim.injection import CONDITIONAL, Injector, Mode
from infra.sim.kernel import Kernel, Schedule
from infra.sim.lambdas import Died, Invocation, Lambdas, current
from infra.sim.queues import Queues
from infra.sim.secrets import Parameters
from infra.sim.streams import Streams
from infra.sim.stripe.provider import Provider
from infra.sim.stripe.transport import connection_error, too_many_requests
from infra.sim.tokens import Tokens
from infra.sim.wiring import Wiring

T = TypeVar("T")
_SLOWEST_CALL = 9.0
_LONG = 12  # calls that a crowd, or a throttled partition, lasts
_THROTTLED_SECONDS = 300.0  # for which a function is

START = datetime.fromisoformat("2026-03-02T10:00:00+00:00")
"""A Monday morning; every history begins then."""
CALL_SECONDS = 0.004
"""What a call to a service takes; only order matters, not the figure."""


@dataclass(frozen=True)
class Conditions:
    """What is done to a history: faults, turns, and how the outside misbehaves.

    `repeats` is how often webhooks come, `shuffle` the longest delay of a webhook in seconds,
    `skew` the most by which a handler's clock may be off, `stale` the share of eventually
    consistent reads that do not see the last write yet. When `slow`, one call in twenty takes up
    to nine seconds.
    """

    seed: int = 0
    repeats: int = 1
    shuffle: float = 0.0
    skew: timedelta = timedelta(0)
    stale: float = 0.0
    slow: bool = False


@dataclass
class World:
    """Everything of one history. Made by `Laboratory.world`."""

    wiring: Wiring
    lambdas: Lambdas
    dynamodb: DynamoDB
    conditions: Conditions
    injector: Injector
    schedule: Schedule
    parameters: Parameters
    elsewhere: Callable[[Any, str, Mapping[str, Any]], Any]  # Cognito, in moto
    login_mails: Callable[[], Sequence[Mail]]
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    requests: int = 0
    units: dict[tuple[str, str], float] = field(default_factory=dict)  # (table or index, kind)
    sent: list[dict[str, Any]] = field(default_factory=list)  # what SES was given, in order
    faults: list[str] = field(default_factory=list)  # requests that were answered 500
    crowds: Counter[str] = field(default_factory=Counter)  # SKU: conflicts still to come at it
    # Seconds after which SES reports a mail's `Send`, `Bounce`, ..., once each; else at once.
    mail_reports: dict[str, tuple[float, ...]] = field(default_factory=dict)
    mail_paused: float = 0.0  # until when SES refuses every mail

    on_payment: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._lasting: dict[tuple[str, str], tuple[Mode, int]] = {}  # how often a fault comes yet
        self._throttled: dict[str, float] = {}  # until when a function is
        self._due: tuple[int, str | None] = (-1, None)
        self.random = Random(self.conditions.seed)
        self._ids = Random(f"ids of {self.conditions.seed}")
        self.kernel = Kernel(START, self.schedule)
        wiring = self.wiring
        self.queues = Queues(
            self.kernel, wiring.queues, wiring.queue_mappings, self._source, self.new_id
        )
        self.bus = Bus(
            self.kernel,
            wiring.rules,
            self.queues.send,
            self.new_id,
            wiring.account,
            wiring.region,
        )
        self.streams = Streams(
            self.kernel,
            wiring.stream_mappings,
            self.dynamodb.records,
            self._source,
            self.queues.send,
        )
        self.executions = Executions(
            self.kernel, wiring.machines, self.lambdas.find, self.handle, self.new_id, self.random
        )
        self.files = Files(lambda: self.kernel.moment)
        self.outbox = Outbox(wiring.account, wiring.region, wiring.mail_events, self._report)
        self.provider = Provider(
            lambda: self.kernel.moment, self._provider_id, self.parameters.webhook_secret
        )
        self.dynamodb.stale = self._stale
        self.lambdas.begin(self.kernel, self._skew)
        self.streams.begin()
        self._gateway = Gateway(
            wiring.api,
            self.lambdas,
            Tokens(),
            wiring.account,
            wiring.region,
        )

    # ---- the outside ----------------------------------------------------------------------

    def request(self, request: Request) -> Response:
        """One HTTP request to the API, in the caller's task."""
        self.requests += 1
        fault = self.injector.at("Client", f"http.{request.method}")
        if fault == "throttled":
            return Response(429)
        response = self._gateway.handle(request)
        # Of a process that died the gateway has no more to say than that.
        if response.status == 500 and "detail" in response.json():
            self.faults.append(f"{request.method} {request.path}")
        return Response(504) if fault == "lost" else response

    def handle(self, function: Function, event: Any) -> Result:
        """An asynchronous invocation: it may be made once more although it succeeded."""
        name = function.logical_id
        fault = self.injector.at(name, "invoke")
        if fault == "throttled":
            self.throttle(name, _THROTTLED_SECONDS)
        if self.kernel.now < self._throttled.get(name, 0):
            return limits.throttled_function()
        if fault == "parallel":
            self.kernel.spawn(f"again {name}", lambda: self.lambdas.invoke(function, event))
        result = self.lambdas.invoke(function, event)
        if fault == "again" and not result.is_error:
            result = self.lambdas.invoke(function, event)
        return result

    def throttle(self, function: str, seconds: float) -> None:
        """Let no asynchronous invocation reach a function for so long."""
        self._throttled[function] = self.kernel.now + seconds

    def orders(self) -> list[Order]:
        """Every order there is."""
        return [to_order(item) for item in self._order_items()]

    def next_due(self) -> str | None:
        """When the sweeper will next find something to do (ISO 8601); None for never."""
        table = self.wiring.logical_tables["Orders"]
        written = len(self.dynamodb.records(table, 0))
        if written != self._due[0]:
            due = [item["due_at"] for item in self._order_items() if "due_at" in item]
            self._due = (written, min(due, default=None))
        calm = [iso(crowded_at + CALM) for crowded_at in self.splits().values()]
        calm += [item["until"] for item in self._mergers()]
        calm += [item["next_look"] for item in self.erasures()]
        return min((due for due in (self._due[1], *calm) if due), default=None)

    def _mergers(self) -> list[dict[str, Any]]:
        """Merged customers whose orders are still looked after."""
        return self.database.query(self.wiring.logical_tables["Customers"], "MERGES")

    def erasures(self) -> list[dict[str, Any]]:
        """People who are still being forgotten."""
        return self.database.query(self.wiring.logical_tables["Customers"], "ERASURES")

    def splits(self) -> dict[str, datetime]:
        """SKU and node of the stock balances that are split, and when each was crowded last."""
        items = self.database.query(self.wiring.logical_tables["Stock"], "SPLIT")
        return {item["sk"]: datetime.fromisoformat(item["crowded_at"]) for item in items}

    def _order_items(self) -> list[dict[str, Any]]:
        answer = self.dynamodb.call("Scan", {"TableName": self.wiring.logical_tables["Orders"]})
        assert "LastEvaluatedKey" not in answer
        return [from_item(item) for item in answer["Items"] if item["sk"]["S"] == "ORDER"]

    def _source(self, mapping: SourceMapping, event: Any) -> Result:
        return self.handle(mapping.function, event)

    @property
    def database(self) -> Database:
        """The tables as an operator reads them: nothing can go wrong there."""
        return Database(ModelClient(self.dynamodb), **_table_names(self.wiring))

    # ---- what handlers reach ----------------------------------------------------------------

    def aws(self, client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
        """An AWS call of whoever is running."""
        service = client.meta.service_model.service_name
        if operation == "TransactWriteItems" and "ClientRequestToken" not in parameters:
            parameters = {**parameters, "ClientRequestToken": self.new_id()}  # as botocore does
        given = parameters

        def send() -> Any:
            return self._serve(client, service, operation, given)

        invocation = current.get()
        if invocation is None:
            return send()
        what = f"{service}.{operation}"
        fault = self._or_still(invocation.function, what, self._reach(invocation, what))
        if fault == "refused":
            raise EndpointConnectionError(endpoint_url=service)
        if fault == "conflict":
            raise limits.conflict(operation, parameters)
        if fault == "throttled":
            return self._throttle(service, operation, parameters)
        if fault == "partial":
            return self.bus.refuse_last(parameters)
        self._crowd(operation, parameters)
        answer = self._send(invocation, what, fault, send)
        if fault == "lost":
            raise ReadTimeoutError(endpoint_url=service)
        return answer

    def _or_still(self, function: str, what: str, fault: Mode | None) -> Mode | None:
        """The fault at a call, or the one that an earlier call began and that goes on."""
        call = (function, what)
        if fault == "crowd":
            self._lasting[call] = ("conflict", _LONG)
        elif fault == "throttled" and what in CONDITIONAL:
            self._lasting[call] = (fault, _LONG)
        if call not in self._lasting:
            return fault
        mode, left = self._lasting.pop(call)
        if left > 1:
            self._lasting[call] = (mode, left - 1)
        return mode

    def _throttle(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Any:
        """A call that is too much for the service: it says so, or leaves out a part."""
        if operation == "BatchGetItem":
            served, left_out = limits.without_last_key(parameters["RequestItems"])
            if served:
                answer = self._tables(operation, {**parameters, "RequestItems": served})
                return answer | {"UnprocessedKeys": left_out}
        raise limits.throttled(service, operation, parameters)

    def _crowd(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Raise a conflict where a SKU is so wanted that another buyer always comes first."""
        if operation == "TransactWriteItems" and any(self.crowds.values()):
            for sku in +self.crowds:
                if places := limits.writes_to(f"SKU#{sku}", parameters):
                    self.crowds[sku] -= 1
                    raise limits.conflict(operation, parameters, places)

    def payments(self, label: str, send: Callable[[], T]) -> T:
        """One HTTP attempt of the provider's SDK."""
        invocation = current.get()
        if invocation is None:
            return send()
        fault = self._reach(invocation, label)
        if fault == "refused":
            raise connection_error()
        if fault == "throttled":
            return cast(T, too_many_requests())
        try:
            answer = self._send(invocation, label, fault, send)
        finally:
            self.on_payment()
        if fault == "lost":
            raise connection_error()
        return answer

    def _reach(self, invocation: Invocation, what: str) -> Mode | None:
        """A handler is about to call: others may come first, or it dies here."""
        if invocation.dead:
            raise Died
        self.calls[invocation.function, what] += 1
        fault = self.injector.at(invocation.function, what, first=not invocation.has_read)
        invocation.has_read = self.injector.points[-1].reads
        self.kernel.pause()
        if self.conditions.slow and self.random.randrange(20) == 0:
            self.kernel.sleep(self.random.uniform(0, _SLOWEST_CALL))
        self.kernel.now += CALL_SECONDS
        if fault == "before" or self.kernel.now > invocation.dies_at:
            invocation.dead = True
            raise Died
        return fault

    def _send(
        self, invocation: Invocation, what: str, fault: Mode | None, send: Callable[[], T]
    ) -> T:
        if fault == "after":
            invocation.dead = True
        try:
            answer = send()
            if fault == "twice" and not what.startswith("sesv2"):  # that client never repeats
                answer = send()
        finally:
            self.streams.wrote()
            if invocation.dead:
                raise Died
        return answer

    def _serve(
        self, client: Any, service: str, operation: str, parameters: Mapping[str, Any]
    ) -> Any:
        if service == "dynamodb":
            return self._tables(operation, parameters)
        if service == "sqs":
            return self.queues.call(operation, parameters)
        if service == "events":
            return self.bus.call(operation, parameters)
        if service == "stepfunctions":
            return self.executions.call(operation, parameters)
        if service == "sesv2":
            return self._mail(operation, parameters)
        if service == "s3":
            return self.files.call(operation, parameters)
        if service == "ssm":
            return self.parameters.call(operation, parameters)
        return self.elsewhere(client, operation, parameters)

    def _tables(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A call to DynamoDB, and what AWS bills for it, whether or not it succeeds."""
        try:
            return self.dynamodb.call(operation, parameters)
        finally:
            for used in self.dynamodb.consumed:
                name = f"{used.table}/{used.index}" if used.index else used.table
                for kind, amount in (("read", used.read), ("write", used.write)):
                    self.units[name, kind] = self.units.get((name, kind), 0.0) + amount

    def log_bytes(self) -> int:
        """Bytes that the functions have logged."""
        lines = (line for log in self.wiring.logs.values() for line in log)
        return sum(len(line.encode()) + 1 for line in lines)

    def _mail(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation != "SendEmail":
            raise not_simulated(f"sesv2.{operation}")
        if self.kernel.now < self.mail_paused:
            raise client_error("SendingPausedException", operation)
        message_id = self.new_id()
        self.sent.append(dict(parameters))
        self.outbox.sent(dict(parameters), message_id)
        return {"MessageId": message_id}

    def _report(self, event: dict[str, Any]) -> None:
        """What SES tells of a mail, as late and as often as it does in this history."""
        for delay in self.mail_reports.get(event["detail"]["eventType"], (0.0,)):
            self.kernel.spawn("mail report", partial(self.bus.publish, event), delay)

    # ---- dice -----------------------------------------------------------------------------

    def new_uuid(self) -> uuid.UUID:
        """A UUID of this history."""
        return uuid.UUID(int=self._ids.getrandbits(128), version=4)

    def new_id(self) -> str:
        """An id of this history."""
        return str(self.new_uuid())

    def new_token(self, nbytes: int | None = None) -> str:
        """As secrets.token_urlsafe and token_hex give."""
        return f"{self._ids.getrandbits(8 * (nbytes or 32)):0{2 * (nbytes or 32)}x}"

    def choice(self, options: Any) -> Any:
        """As secrets.choice."""
        return self._ids.choice(options)

    def _provider_id(self, prefix: str) -> str:
        return f"{prefix}_{self._ids.getrandbits(96):024x}"

    def _skew(self) -> timedelta:
        most = self.conditions.skew.total_seconds()
        return timedelta(seconds=self.random.uniform(-most, most)) if most else timedelta(0)

    def _stale(self, _table: str, _operation: str) -> bool:
        lags = current.get() is not None and self.conditions.stale > 0
        return lags and self.random.random() < self.conditions.stale

    def clock(self) -> datetime:
        """The time as the running handler's machine shows it."""
        invocation = current.get()
        return self.kernel.moment + (invocation.skew if invocation else timedelta(0))


def _table_names(wiring: Wiring) -> dict[str, Any]:
    return {name.lower(): table for name, table in wiring.logical_tables.items()}
