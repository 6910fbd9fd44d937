"""The cold start of every function, as a ratio to `import boto3; boto3.client("dynamodb")`.

A function's share is importing its `app` with its layers on the path and nothing else, as Lambda's
runtime does, and making the clients it keeps: the floor makes one too. Bytecode is there for both.
Instructions are counted by valgrind's cachegrind where it is installed: they hardly vary from run
to run, CPU time on a shared machine does.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.bench.opt import lay_out
from infra.bench.text import table
from infra.cli.routes import FUNCTIONS, function_folders
from infra.local.template import read

ROOT = Path(__file__).resolve().parents[2]
COLD = Path(__file__).parent / "cold.py"
FLOOR = "boto3 and a client"
STOREFRONT, CONSUMER = 1.4, 1.2  # the most that a start may take, as a ratio to the floor
_RUNS = 7  # of which the median CPU time counts
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start: median CPU seconds, instructions (0 when they were not counted), modules."""

    name: str
    seconds: float
    instructions: int
    modules: tuple[str, ...]


def starts(names: Iterable[str], *, runs: int = _RUNS, count: bool = True) -> list[Start]:
    """The starts of functions by folder name; FLOOR is the floor's."""
    counting = count and shutil.which("valgrind") is not None
    with TemporaryDirectory() as place, ThreadPoolExecutor(_WORKERS) as pool:
        commands = _commands(Path(place))
        return list(pool.map(lambda name: _start(name, commands[name], runs, counting), names))


def everything() -> list[str]:
    """The floor and all functions."""
    return [FLOOR, *(folder.name for folder in function_folders())]


@cache
def http_functions() -> frozenset[str]:
    """The functions that API Gateway calls; all others consume streams, queues or steps."""
    resources = read(ROOT / "template.yaml")["Resources"].values()
    return frozenset(
        resource["Properties"]["CodeUri"].removeprefix("functions/")
        for resource in resources
        if resource["Type"] == "AWS::Serverless::Function"
        and any(e["Type"] == "Api" for e in resource["Properties"].get("Events", {}).values())
    )


def target(name: str) -> float:
    """The most that a function's start may take, as a ratio to the floor."""
    return STOREFRONT if name in http_functions() else CONSUMER


def report(found: list[Start]) -> str:
    """The table of all starts, dearest last; `over` marks those beyond their target."""
    floor = next(start for start in found if start.name == FLOOR)
    rows = [_row(start, floor) for start in sorted(found, key=lambda s: ratio(s, floor))]
    head = ("FUNCTION", "Minstr", "ratio", "CPU ms", "ratio", "modules", "target", "")
    return table(head, rows)


def _row(start: Start, floor: Start) -> tuple[str, ...]:
    wanted = 1.0 if start is floor else target(start.name)
    return (
        start.name,
        f"{start.instructions / 1e6:.0f}" if start.instructions else "-",
        f"{start.instructions / floor.instructions:.2f}" if start.instructions else "-",
        f"{start.seconds * 1000:.0f}",
        f"{start.seconds / floor.seconds:.2f}",
        str(len(start.modules)),
        f"{wanted:.1f}",
        "over" if ratio(start, floor) > wanted + 0.005 else "",
    )


def ratio(start: Start, floor: Start) -> float:
    """Instructions against the floor's; CPU time where they were not counted."""
    if start.instructions and floor.instructions:
        return start.instructions / floor.instructions
    return start.seconds / floor.seconds


def _commands(place: Path) -> dict[str, list[str]]:
    """How to start each function in a process of its own; `place` is where the layers lie."""
    python = [sys.executable, "-I", "-S", str(COLD)]
    paths = {name: ":".join(map(str, folders)) for name, folders in lay_out(place).items()}
    floor = {FLOOR: [*python, paths.pop("")]}
    return floor | {name: [*python, path, str(FUNCTIONS / name)] for name, path in paths.items()}


def _start(name: str, command: list[str], runs: int, counting: bool) -> Start:
    first = _run(command)  # leaves bytecode behind, and is not counted
    seconds = [_run(command)["seconds"] for _ in range(runs)]
    return Start(
        name,
        statistics.median(seconds or [first["seconds"]]),
        _instructions(command) if counting else 0,
        tuple(first["modules"]),
    )


def _run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _instructions(command: list[str]) -> int:
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no"]
    done = subprocess.run(
        [*valgrind, "--cachegrind-out-file=/dev/null", *command],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    counted = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if counted is None:
        raise RuntimeError(f"cachegrind does not say how many instructions: {done.stderr[-500:]}")
    return int(counted.group(1).replace(",", ""))


def environment() -> dict[str, str]:
    """What the template gives to functions, and Lambda to all; values that no start looks at."""
    template = read(ROOT / "template.yaml")
    variables = {
        name
        for resource in [{"Properties": template["Globals"]["Function"]}, *_functions(template)]
        for name in resource["Properties"].get("Environment", {}).get("Variables", {})
    }
    return dict.fromkeys(variables, "https://bench.example/1") | {
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "0",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }


def _functions(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        each for each in template["Resources"].values() if "Serverless::Function" in each["Type"]
    ]
