"""A deterministic interpreter of Amazon States Language (JSONPath), without clock or threads."""

from infra.sim.states.host import Clock, ExecutionFailed, Host, TaskFailed
from infra.sim.states.machine import Machine

__all__ = ["Clock", "ExecutionFailed", "Host", "Machine", "TaskFailed"]
