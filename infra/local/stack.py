"""The whole application in this process: create it, talk to it, wait for it, close it."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from infra.local import resources  # noqa: F401 registers what can be created
from infra.local.activity import Activity, Work
from infra.local.calls import Calls
from infra.local.cognito import CognitoEvents
from infra.local.environment import Environment
from infra.local.functions import Function, Functions
from infra.local.gateway.api import Gateway
from infra.local.gateway.messages import Headers, Request, Response
from infra.local.gateway.server import Server
from infra.local.gateway.static import Answer, static_site
from infra.local.gateway.tokens import TokenChecker
from infra.local.iam.check import Permissions, check_wiring
from infra.local.mail import Mail, Outbox
from infra.local.moto_patches import Hooks, Moto
from infra.local.moto_patches.streams import Stream
from infra.local.output import Capture, Logs
from infra.local.provision import Build, provision
from infra.local.pumps.deliver import Deliverer
from infra.local.pumps.mapping import Mapping as SourceMapping
from infra.local.pumps.queues import QueuePump
from infra.local.pumps.schedules import Schedules
from infra.local.pumps.streams import StreamPump
from infra.local.template import TemplateError, load

log = logging.getLogger("infra.local")

ACCOUNT = "123456789012"


class NotSettled(TimeoutError):
    """Work was left when `settle` ran out of time; the message lists it."""


class FunctionFailed(Exception):
    """A function invoked by `Stack.invoke` or `Stack.fire` answered an error payload."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(f"{payload.get('errorType')}: {payload.get('errorMessage')}")
        self.payload = payload


class Stack:
    """A running copy of a SAM template. One at a time per process; use it as a context manager.

    `wait_scale` shortens every wait AWS would make (Wait states, retries, delays, visibility
    timeouts); `timeout_scale` does so for the timeouts of Step Functions tasks. Functions may call
    only what their role allows (`permissions` remembers what they used).
    """

    def __init__(
        self,
        template: Path,
        parameters: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        wait_scale: float = 0.01,
        timeout_scale: float = 1.0,
        region: str = "eu-central-1",
        name: str = "local",
        run_schedules: bool = False,
        check_permissions: bool = True,
    ) -> None:
        self._template = template
        self._parameters = dict(parameters or {})
        self._extra_environment = dict(environment or {})
        self._wait_scale = wait_scale
        self._timeout_scale = timeout_scale
        self._run_schedules = run_schedules
        self._check_permissions = check_permissions
        self.region = region
        self.name = name
        self.logs = Logs()
        self.calls = Calls()
        self.outputs: dict[str, Any] = {}
        self.url = ""
        self._closing = ExitStack()

    # ---- life ---------------------------------------------------------------------------

    def __enter__(self) -> Stack:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every thread, give back the environment, forget all state."""
        self._closing.close()

    def _start(self) -> None:
        self._environment = Environment(self.region, ACCOUNT)
        self._closing.callback(self._environment.restore)
        self._capture = Capture(self.logs)
        self._closing.callback(self._capture.remove)
        self._activity = Activity()
        self._functions = Functions(self._activity, self.calls, self.logs)
        self._closing.callback(self._functions.close)
        self._work = Work(self._activity)
        self._closing.callback(self._work.stop)
        self._moto = Moto(ACCOUNT, self.region)
        self._closing.callback(self._moto.stop)
        self._build = Build(
            self._template.resolve().parent,
            self.name,
            ACCOUNT,
            self.region,
            self._moto.client,
            self._functions,
        )
        self._outbox = Outbox(ACCOUNT, self.region, self._build.mail_events, self._moto.publish)
        self._deliverer = Deliverer(
            self._functions, self._work, self._moto.client, self._wait_scale
        )
        self._queue_pumps: dict[str, list[QueuePump]] = {}
        self._stream_pumps: dict[str, list[StreamPump]] = {}
        self._moto.install(self._hooks())
        translated = load(self._template, self._parameters, self.region)
        self._resolver, self.outputs = provision(translated, self._build)
        check_wiring(self._build)
        self.permissions = Permissions(self._build)
        if self._check_permissions:
            self.calls.before.insert(0, self.permissions.check)
            self.calls.after.insert(0, self.permissions.hide_missing_keys)
        self._environment.set(self._functions.environment(), self._extra_environment)
        self._add_layers()
        self._open_gateway()
        self._start_pumps()

    def _hooks(self) -> Hooks:
        return Hooks(
            activity=self._activity,
            calls=self.calls,
            run_now=self._run_now,
            run_later=self._run_later,
            on_message=lambda arn: _wake(self._queue_pumps.get(arn, [])),
            on_record=lambda table: _wake(self._stream_pumps.get(table, [])),
            deliver=lambda _rule, target, event: self._deliverer.target(target, event),
            on_mail=self._outbox.sent,
            cognito=CognitoEvents(
                self._functions,
                self._outbox,
                self._build.triggers,
                self._build.hidden_users,
                self.region,
            ),
            machine_of_role=self._machine_of_role,
            wait_scale=self._wait_scale,
            timeout_scale=self._timeout_scale,
        )

    def _run_now(self, name: str, event: Any) -> tuple[str, bool, str]:
        function = self._functions.find(name)
        result = self._functions.invoke(function, event)
        return result.payload, result.is_error, "\n".join(self.logs[function.logical_id])

    def _run_later(self, name: str, event: Any) -> None:
        self._deliverer.later(self._functions.find(name), event)

    def _machine_of_role(self, role_arn: str) -> str | None:
        name = role_arn.rsplit("/", 1)[1]
        for machine, role in self._build.machine_roles.items():
            if role == name:
                return machine
        return None

    def _add_layers(self) -> None:
        for folder in self._build.layers.values():
            for path in (str(folder), str(folder / "python")):
                if Path(path).is_dir() and path not in sys.path:
                    sys.path.append(path)
                    self._closing.callback(sys.path.remove, path)

    def _open_gateway(self) -> None:
        if len(self._build.apis) > 1:
            raise TemplateError("one REST API per template is enough here")
        self._gateway: Gateway | None = None
        for api in self._build.apis.values():
            tokens = TokenChecker(list(self._build.triggers), ACCOUNT, self.region)
            self._gateway = Gateway(api, self._functions, tokens, ACCOUNT, self.region)

    def _start_pumps(self) -> None:
        for logical_id, settings in self._build.mappings:
            if settings.get("Enabled", True):
                self._add_pump(logical_id, settings)
        self._schedules = Schedules(
            self._build.schedules, self._functions, self._deliverer, ACCOUNT, self.region
        )
        if self._run_schedules:
            self._schedules.start()
            self._closing.callback(self._schedules.stop)

    def _add_pump(self, logical_id: str, settings: dict[str, Any]) -> None:
        mapping = _source_mapping(logical_id, settings, self._functions)
        service = mapping.source_arn.split(":")[2]
        if service == "sqs":
            queue_pump = QueuePump(mapping, self._functions, self._activity, self._wait_scale)
            self._queue_pumps.setdefault(mapping.source_arn, []).append(queue_pump)
            self._run_pump(queue_pump)
        elif service == "dynamodb":
            table = mapping.source_arn.split("/")[1]
            stream_pump = StreamPump(
                mapping,
                Stream(table, ACCOUNT, self.region),
                self._functions,
                self._deliverer,
                self._activity,
                self._wait_scale,
            )
            self._stream_pumps.setdefault(table, []).append(stream_pump)
            self._run_pump(stream_pump)
        else:
            raise TemplateError(f"{logical_id}: no event source mapping for {service}")

    def _run_pump(self, pump: QueuePump | StreamPump) -> None:
        pump.start()
        self._closing.callback(pump.stop)

    # ---- use ----------------------------------------------------------------------------

    @property
    def counts(self) -> Counter[tuple[str, ...]]:
        """("call", function, service, operation), ("invoke", function), ("transition", machine)."""
        return self.calls.counts

    @property
    def build(self) -> Build:
        """What was made of the template: functions, APIs, rules, schedules, permissions."""
        return self._build

    def mappings(self) -> list[SourceMapping]:
        """The event source mappings."""
        pumps: list[list[Any]] = [*self._queue_pumps.values(), *self._stream_pumps.values()]
        return [pump.mapping for group in pumps for pump in group]

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource (a table's name, a queue's URL, a pool's id)."""
        return self._resolver.resources[logical_id].physical_id

    def attribute(self, logical_id: str, name: str) -> Any:
        """What Fn::GetAtt gives."""
        return self._resolver.resources[logical_id].attributes[name]

    def client(self, service: str) -> Any:
        """A cached boto3 client; its calls are not tied to any function."""
        return self._moto.client(service)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | Headers | None = None,
        query: Mapping[str, str | list[str]] | None = None,
    ) -> Response:
        """A request through the API without a socket; dict and list bodies are sent as JSON."""
        if self._gateway is None:
            raise TemplateError("the template has no API")
        return self._gateway.handle(Request.build(method, path, body, headers, query))

    def serve(self, host: str = "127.0.0.1", port: int = 8000) -> str:
        """Serve the API in the background; returns (and keeps in `url`) its address."""
        if self._gateway is None:
            raise TemplateError("the template has no API")
        server = Server(self._gateway.handle, host, port, "api")
        self._closing.callback(server.stop)
        self.url = server.url
        return server.url

    def serve_static(self, port: int, root: Path, extra: Mapping[str, Answer] | None = None) -> str:
        """Serve files and JSON callables (see `static_site`) on loopback; returns the address."""
        server = Server(static_site(root, extra or {}), "127.0.0.1", port, "console")
        self._closing.callback(server.stop)
        return server.url

    def invoke(self, function: str, event: Any) -> Any:
        """Invoke a function by logical id and wait. Raises FunctionFailed for an error."""
        result = self._functions.invoke(self._functions.find(function), event)
        if result.is_error:
            raise FunctionFailed(json.loads(result.payload))
        return result.value

    def fire(self, schedule: str) -> Any:
        """Run a schedule now: by the rule's logical id, or by function if it has just one.

        Functions run before this returns (FunctionFailed if one fails); others are sent to.
        """
        answer = None
        for result in self._schedules.fire(schedule):
            if result.is_error:
                raise FunctionFailed(json.loads(result.payload))
            answer = result.value
        return answer

    def mails(self) -> list[Mail]:
        """All mails sent so far, oldest first."""
        return self._outbox.all()

    @property
    def schedules(self) -> list[str]:
        """Names `fire` knows."""
        return sorted(self._build.schedules)

    def functions(self) -> dict[str, Function]:
        """The functions by logical id."""
        return dict(self._functions.by_id)

    # ---- waiting ------------------------------------------------------------------------

    def pending(self) -> list[str]:
        """What is running or waits to run within a second; empty when idle.

        Executions that wait for a task token, long waits and long delays are idle.
        """
        found = self._activity.running()
        pumps: list[list[Any]] = [*self._stream_pumps.values(), *self._queue_pumps.values()]
        for pump in (pump for group in pumps for pump in group):
            found += pump.pending()
        return found + self._work.pending() + self._moto.busy_executions()

    def settle(self, timeout: float = 30) -> None:
        """Return once everything set in motion has come to rest.

        Raises NotSettled with what is left after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        pause = 0.002
        while True:
            epoch = self._activity.epoch
            left = self.pending()
            if not left and epoch == self._activity.epoch:
                return
            if time.monotonic() > deadline:
                raise NotSettled("; ".join(left) or "work keeps starting")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)


def _wake(pumps: Sequence[QueuePump | StreamPump]) -> None:
    for pump in pumps:
        pump.wake()


def _source_mapping(
    logical_id: str, settings: dict[str, Any], functions: Functions
) -> SourceMapping:
    retries = int(settings.get("MaximumRetryAttempts", -1))
    filters = settings.get("FilterCriteria", {}).get("Filters", [])
    destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    scaling = settings.get("ScalingConfig", {})
    return SourceMapping(
        logical_id=logical_id,
        function=functions.find(settings["FunctionName"]),
        source_arn=settings["EventSourceArn"],
        batch_size=int(settings.get("BatchSize", 10)),
        reports_failures="ReportBatchItemFailures" in settings.get("FunctionResponseTypes", []),
        filters=tuple(item["Pattern"] for item in filters),
        concurrency=min(4, int(scaling.get("MaximumConcurrency", 2))),
        from_start=settings.get("StartingPosition", "TRIM_HORIZON") == "TRIM_HORIZON",
        retries=None if retries < 0 else retries,
        bisect=bool(settings.get("BisectBatchOnFunctionError", False)),
        on_failure=destination,
        window=float(settings.get("MaximumBatchingWindowInSeconds", 0)),
    )
