"""The rules of the house that neither linter nor import-linter can see."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "parcelway" / "parcelway"
DOMAIN = sorted((PACKAGE / "domain").glob("*.py"))
LAMBDA_CODE = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")])

# What a pure decision may need of the standard library; no clock, no dice, no environment, no I/O.
PURE = {
    "__future__",
    "abc",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "base64",
    "math",
    "re",
    "string",
    "typing",
    "unicodedata",
    "zoneinfo",
    "idna",  # the one package: domain names written in other scripts, a table and no I/O
}
CLOCKS = {"now", "utcnow", "today"}  # of datetime and date


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}: relative import"
            yield str(node.module)


def clocks_in(source: str) -> list[int]:
    """The lines that ask for the time."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            (
                node.func.attr in CLOCKS
                and ast.unparse(node.func.value).endswith(("datetime", "date"))
            )
            or ast.unparse(node.func) in ("time.time", "time.time_ns", "time.localtime")
        )
    ]


@pytest.mark.parametrize("path", DOMAIN, ids=named)
def test_the_domain_is_pure(path: Path) -> None:
    for module in imported(path):
        own = module.startswith(("parcelway.domain", "parcelway.values"))
        pure = own or module.split(".")[0] in PURE
        assert pure, f"{named(path)} imports {module}"
    assert clocks_in(path.read_text()) == []


def test_time_comes_from_one_clock() -> None:
    found = [named(path) for path in LAMBDA_CODE if clocks_in(path.read_text())]
    assert found == [named(PACKAGE / "ports" / "clock.py")]


@pytest.mark.parametrize(
    "call", ["datetime.now()", "datetime.datetime.now(UTC)", "date.today()", "time.time()"]
)
def test_a_clock_that_is_read_is_found(call: str) -> None:
    assert clocks_in(f"value = {call}\n") == [1]


def test_functions_share_nothing_but_the_layers() -> None:
    """A function imports the package, packages, and files beside it; never another function."""
    folders = [path for path in (ROOT / "functions").iterdir() if (path / "app.py").exists()]
    beside = {folder: {path.stem for path in folder.glob("*.py")} for folder in folders}
    for folder in folders:
        others = {stem for other in folders if other != folder for stem in beside[other]}
        for path in folder.glob("*.py"):
            tops = {module.split(".")[0] for module in imported(path)}
            assert "functions" not in tops, named(path)
            assert not (tops & others) - beside[folder], named(path)


def test_every_folder_says_what_belongs_there() -> None:
    folders = [ROOT, ROOT / "functions", ROOT / "layers", ROOT / "infra", ROOT / "tests"]
    for above in (PACKAGE, ROOT / "infra", ROOT / "tests"):
        folders += [f for f in above.iterdir() if f.is_dir() and f.name != "__pycache__"]
    missing = [named(path) for path in folders if not (path / "README.md").exists()]
    assert missing == []
