"""The routes as the functions declare them, and who may call each."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from parcelway.http.api import Api, Route

NAME = "routes"
HELP = "print every route with who may call it"

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"


@dataclass(frozen=True, slots=True)
class HttpFunction:
    """A function that answers HTTP: its folder, its `app` module, what it declares."""

    folder: Path
    module: ModuleType
    api: Api

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


def http_functions() -> Iterator[HttpFunction]:
    """Each function with an `api`, by name.

    While the iteration stands at a function the modules beside its `app.py` can be looked up in
    `sys.modules` (types are resolved through it); afterwards they are gone, so that two functions
    may each have a `forms.py`. Not for a process in which another thread imports functions.
    """
    for folder in function_folders():
        with _imported(folder) as module:
            api = getattr(module, "api", None)
            if isinstance(api, Api):
                yield HttpFunction(folder, module, api)


def function_folders() -> list[Path]:
    """The folders of all functions, by name."""
    return sorted(file.parent for file in FUNCTIONS.glob("*/app.py"))


def declared() -> list[tuple[str, Route]]:
    """Every route with the name of its function, by path and method."""
    found = [
        (function.name, route) for function in http_functions() for route in function.api.routes
    ]
    return sorted(found, key=lambda each: (each[1].path, each[1].method))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(_: argparse.Namespace) -> int:
    """Print the table."""
    print(table())
    return 0


def table() -> str:
    """Method, path, who may call it, its function and what it does: one route a line.

    `key` marks those that want an Idempotency-Key.
    """
    head = ("METHOD", "PATH", "WHO", "KEY", "FUNCTION", "WHAT")
    rows = [head] + [
        (
            route.method,
            route.path,
            ", ".join([route.who.name, *sorted(route.who.groups)]).replace(",", ":", 1),
            "key" if route.key else "",
            name,
            route.summary,
        )
        for name, route in declared()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


@contextmanager
def _imported(folder: Path) -> Iterator[ModuleType]:
    """A function's `app.py` under a name of its own, importing like in Lambda."""
    name = f"function_{folder.name}"
    spec = importlib.util.spec_from_file_location(name, folder / "app.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(folder))
        _forget(folder)


def _forget(folder: Path) -> None:
    inside = str(folder) + os.sep
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(inside):
            del sys.modules[name]
