"""Step Functions in moto: scaled waits, cached clients, honest task tokens, and who is busy.

An execution is idle when every branch of it waits for a task token (or sleeps for long).
moto keeps the branches as a tree of environments ("frames"), which is what `_is_idle` reads.
"""

from __future__ import annotations

import contextvars
import json
import logging
import sys
import threading
import time
import types
import uuid
from collections.abc import Callable
from typing import Any

from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    InvalidOutput,
    InvalidToken,
    TaskTimedOut,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    inline_iteration_component,
    iteration_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackPoolManager,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from infra.local.activity import HORIZON, Activity
from infra.local.calls import Calls, current_function
from infra.local.patching import Patches

Callback = state_task_service_callback.StateTaskServiceCallback
Iteration = inline_iteration_component.InlineIterationComponent
BranchesDecl = branches_decl.BranchesDecl

current_environment: contextvars.ContextVar[Environment] = contextvars.ContextVar("environment")
"""The frame whose task is being evaluated in this thread."""


def install(
    patches: Patches,
    activity: Activity,
    calls: Calls,
    machine_of_role: Callable[[str], str | None],
    wait_scale: float,
    timeout_scale: float,
) -> None:
    """`machine_of_role` names the state machine that runs under a role's ARN."""
    _scale_waits(patches, wait_scale, timeout_scale)
    _count_transitions(patches, activity, calls)
    _show_branches(patches)
    _share_clients(patches, machine_of_role)
    _check_tokens(patches)
    _name_executions(patches)
    _name_errors(patches)
    _stop_at_once(patches)
    # moto logs every failing state with its whole definition; the history has the cause
    patches.replace(logging.getLogger("moto.stepfunctions"), "level", logging.CRITICAL)


def pending(account: str, region: str) -> list[str]:
    """Executions that are doing something, or will within the horizon."""
    busy = []
    for name, execution in _running(account, region):
        env = execution.exec_worker.env
        if env is None or not _is_idle(env):
            busy.append(f"execution {name}/{execution.name}")
    return busy


def stop_all(account: str, region: str) -> None:
    """Abort what still runs and let its threads end."""
    for _, execution in _running(account, region):
        env = execution.exec_worker.env
        if env is not None:
            env.set_stop(stop_date=None, cause="the stack was closed", error=None)
            _interrupt_waits(env)
    for thread in list(TMP_THREADS):
        thread.join(timeout=2)
    TMP_THREADS.clear()


def _running(account: str, region: str) -> list[tuple[str, Any]]:
    """(state machine's name, execution) of all that run."""
    return [
        (machine.name, execution)
        for machine in list(stepfunctions_parser_backends[account][region].state_machines)
        for execution in list(machine.executions)
        if getattr(execution, "exec_status", None) == ExecutionStatus.RUNNING
    ]


def _interrupt_waits(env: Environment) -> None:
    for endpoint in list(env.callback_pool_manager._pool.values()):
        endpoint.interrupt_all()


def _stop_at_once(patches: Patches) -> None:
    """StopExecution ends waits for tokens too, and what fails afterwards does not change that."""
    stop, set_error = ExecutionWorker.stop, Environment.set_error

    def stop_now(self: ExecutionWorker, *args: Any, **kwargs: Any) -> None:
        stop(self, *args, **kwargs)
        if self.env is not None:
            _interrupt_waits(self.env)

    def set_error_while_running(self: Environment, error: Any) -> None:
        with self._state_mutex:
            if not isinstance(self._program_state, (ProgramStopped, ProgramTimedOut)):
                set_error(self, error)

    patches.replace(ExecutionWorker, "stop", stop_now)
    patches.replace(Environment, "set_error", set_error_while_running)


def _is_idle(env: Environment) -> bool:
    endpoint: CallbackEndpoint | None = getattr(env, "_waits_for", None)
    if endpoint is not None:
        return not endpoint._notify_event.is_set()
    if getattr(env, "_sleeps_until", 0.0) > time.monotonic() + HORIZON:
        return True
    with env._state_mutex:
        frames = [frame for frame in env._frames if frame.is_running()]
    if getattr(env, "_announced", 0) > 0 or not frames:
        return False
    return all(_is_idle(frame) for frame in frames)


def _scale_waits(patches: Patches, wait_scale: float, timeout_scale: float) -> None:
    def wait_interval(_self: WaitFunction, env: Environment, wait_seconds: float) -> None:
        until = time.monotonic() + wait_seconds * wait_scale
        env._sleeps_until = until  # type: ignore[attr-defined]
        while env.is_running() and (left := until - time.monotonic()) > 0:
            env.program_state_event.wait(min(left, 1.0))
        env._sleeps_until = 0.0  # type: ignore[attr-defined]

    scaled_time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * wait_scale))
    eval_timeout = Timeout._eval_body

    def eval_body(self: Timeout, env: Environment) -> None:
        eval_timeout(self, env)
        if not self.is_default_value():
            env.stack[-1] *= timeout_scale

    patches.replace(WaitFunction, "_wait_interval", wait_interval)
    patches.replace(retrier_decl, "time", scaled_time)
    patches.replace(Timeout, "_eval_body", eval_body)


def _count_transitions(patches: Patches, activity: Activity, calls: Calls) -> None:
    eval_state = CommonStateField._eval_body
    terminated = BaseExecutionWorkerCommunication.terminated

    def eval_body(self: CommonStateField, env: Environment) -> None:
        activity.tick()
        machine = env.states.context_object.context_object_data["StateMachine"]["Name"]
        calls.count("transition", machine)
        eval_state(self, env)

    def ended(self: BaseExecutionWorkerCommunication) -> None:
        activity.tick()
        terminated(self)

    patches.replace(CommonStateField, "_eval_body", eval_body)
    patches.replace(BaseExecutionWorkerCommunication, "terminated", ended)


def _show_branches(patches: Patches) -> None:
    """Record on each environment what it waits for and how many branches are still to come."""
    wait_for_token = Callback._eval_wait_for_task_token
    parallel, iterate = BranchesDecl._eval_body, Iteration._eval_body
    open_frame, open_inner = Environment.open_frame, Environment.open_inner_frame

    def eval_wait_for_task_token(
        self: Any, env: Environment, timeout_seconds: Any, callback_endpoint: Any, **rest: Any
    ) -> Any:
        env._waits_for = callback_endpoint  # type: ignore[attr-defined]
        try:
            return wait_for_token(
                self,
                env=env,
                timeout_seconds=timeout_seconds,
                callback_endpoint=callback_endpoint,
                **rest,
            )
        finally:
            env._waits_for = None  # type: ignore[attr-defined]

    def eval_parallel(self: BranchesDecl, env: Environment) -> None:
        env._announced = len(self.programs)  # type: ignore[attr-defined]
        parallel(self, env)

    def eval_map(self: Any, env: Environment) -> None:
        asked = env.stack[-1]
        env._announced = asked.max_concurrency or len(asked.input_items)  # type: ignore[attr-defined]
        iterate(self, env)

    def opened(opening: Callable[..., Environment]) -> Callable[..., Environment]:
        def open_one(self: Environment, *args: Any, **kwargs: Any) -> Environment:
            frame = opening(self, *args, **kwargs)
            with self._state_mutex:
                announced = getattr(self, "_announced", 0)
                self._announced = max(0, announced - 1)  # type: ignore[attr-defined]
            return frame

        return open_one

    patches.replace(Callback, "_eval_wait_for_task_token", eval_wait_for_task_token)
    patches.replace(BranchesDecl, "_eval_body", eval_parallel)
    patches.replace(Iteration, "_eval_body", eval_map)
    patches.replace(Environment, "open_frame", opened(open_frame))
    patches.replace(Environment, "open_inner_frame", opened(open_inner))


def _share_clients(patches: Patches, machine_of_role: Callable[[str], str | None]) -> None:
    create = boto_client.boto_client_for
    clients: dict[tuple[str, str], Any] = {}
    lock = threading.Lock()

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        role = getattr(state_credentials, "role_arn", None)
        current_function.set(machine_of_role(role) if role else None)
        with lock:
            if (service, region) not in clients:
                clients[service, region] = create(region, service, state_credentials)
            return clients[service, region]

    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser") and hasattr(module, "boto_client_for"):
            patches.replace(module, "boto_client_for", boto_client_for)


def _check_tokens(patches: Patches) -> None:
    """A token works once; a second answer, or one after the end, is TaskTimedOut as on AWS."""
    tokens: dict[str, Environment] = {}
    create, wait = CallbackPoolManager.add, Callback._eval_body
    lock = threading.Lock()

    def eval_body(self: Any, env: Environment) -> None:
        current_environment.set(env)
        wait(self, env)

    def add_token(self: CallbackPoolManager, callback_id: str) -> CallbackEndpoint:
        tokens[callback_id] = current_environment.get()
        return create(self, callback_id)

    def answer(token: str, outcome: CallbackOutcome) -> None:
        with lock:
            _open_endpoint(tokens, token).notify(outcome)

    def success(_self: Any, task_token: str, outcome: str) -> None:
        try:
            json.loads(outcome)
        except ValueError as error:
            raise InvalidOutput(f"Invalid Output: '{error}'", "InvalidOutput") from error
        answer(task_token, CallbackOutcomeSuccess(task_token, output=outcome))

    def failure(
        _self: Any, task_token: str, error: str | None = None, cause: str | None = None
    ) -> None:
        answer(task_token, CallbackOutcomeFailure(task_token, error=error, cause=cause))

    def failure_with_cause(self: StepFunctionResponse) -> EmptyResult:
        token, error, cause = (self._get_param(n) for n in ("taskToken", "error", "cause"))
        failure(self, token, error, cause)
        return EmptyResult()

    def heartbeat(_self: Any, task_token: str) -> None:
        with lock:
            _open_endpoint(tokens, task_token).notify_heartbeat()

    patches.replace(CallbackPoolManager, "add", add_token)
    patches.replace(Callback, "_eval_body", eval_body)
    patches.replace(StepFunctionsParserBackend, "send_task_success", success)
    patches.replace(StepFunctionsParserBackend, "send_task_failure", failure)
    patches.replace(StepFunctionResponse, "send_task_failure", failure_with_cause)
    patches.replace(StepFunctionsParserBackend, "send_task_heartbeat", heartbeat)


def _open_endpoint(tokens: dict[str, Environment], token: str) -> CallbackEndpoint:
    env = tokens.get(token)
    if env is None:
        raise InvalidToken()  # type: ignore[no-untyped-call]
    endpoint = env.callback_pool_manager.get(token)
    if not env.is_running() or endpoint is None or endpoint._notify_event.is_set():
        raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'", "TaskTimedOut")
    return endpoint


def _name_errors(patches: Patches) -> None:
    """moto crashes when a branch or iteration fails with one of the States.* errors."""

    def error_name(error_name: str) -> Any:
        if error_name.startswith("States."):
            return StatesErrorName(typ=StatesErrorNameType.from_name(error_name))
        return CustomErrorName(error_name=error_name)

    for module in (branches_decl, iteration_worker, state_task_service_callback):
        patches.replace(module, "CustomErrorName", error_name)


def _name_executions(patches: Patches) -> None:
    start = StepFunctionsParserBackend.start_execution
    lock = threading.Lock()

    def start_execution(
        self: StepFunctionsParserBackend,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: Any = None,
    ) -> Any:
        with lock:
            return start(
                self,
                state_machine_arn,
                name or str(uuid.uuid4()),
                execution_input or "{}",
                trace_header,
            )

    patches.replace(StepFunctionsParserBackend, "start_execution", start_execution)
