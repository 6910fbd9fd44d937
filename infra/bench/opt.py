"""What Lambda's runtime and layers put on a function's `sys.path`, and nothing else, as links.

A development environment has more, and some packages import another wherever they find it: the
payment SDK takes aiohttp along here, which no layer carries, and would look twice as dear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from infra.local.template import read

ROOT = Path(__file__).resolve().parents[2]
# boto3 with all that it needs: what the runtime itself has.
_RUNTIME = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
_ROUTER = {"__init__.py", "app.py"}  # all that the layer keeps of chalice


def lay_out(place: Path) -> dict[str, list[Path]]:
    """Make folders of links in `place`; the answer is each function's path, '' the floor's."""
    template = read(ROOT / "template.yaml")
    resources = template["Resources"].values()
    runtime = _linked(place / "runtime", _RUNTIME)
    carried = {
        name: _layer(place / name, ROOT / each["Properties"]["ContentUri"])
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Serverless::LayerVersion"
    }
    everywhere = template["Globals"]["Function"]["Layers"]
    paths = {"": [runtime]}
    for each in (one["Properties"] for one in resources if "::Serverless::Function" in one["Type"]):
        layers: list[dict[str, Any]] = everywhere + each.get("Layers", [])
        folders = [carried[layer["Ref"]] for layer in layers]
        paths[each["CodeUri"].removeprefix("functions/")] = [*folders, runtime]
    return paths


def _layer(place: Path, source: Path) -> Path:
    lines = (source / "requirements.txt").read_text().splitlines()
    names = [found[0] for line in lines if (found := re.match(r"[\w.-]+", line))]
    _linked(place, names)
    if (source / "parcelway").is_dir():
        (place / "parcelway").symlink_to(source / "parcelway")
    return place


def _linked(place: Path, names: tuple[str, ...] | list[str]) -> Path:
    place.mkdir()
    for name in names:
        for module in _modules(name):
            if name == "chalice":
                (place / name).mkdir()
                for file in _ROUTER:
                    (place / name / file).symlink_to(module / file)
            else:
                (place / module.name).symlink_to(module)
    return place


def _modules(name: str) -> Iterator[Path]:
    """The top-level packages and modules that a distribution has installed."""
    installed = distribution(name)
    tops = {file.parts[0] for file in installed.files or ()}
    for top in sorted(tops - {"..", "__pycache__"}):
        path = Path(str(installed.locate_file(top)))
        if path.suffix in (".py", ".so") or (path.is_dir() and path.suffix != ".dist-info"):
            yield path
