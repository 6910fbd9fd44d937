"""The service desk's page as static files: whole, and set up for one API."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra.cli.main import main

_IMPORTED = re.compile(r"""(?:from|import|href=|src=)\s*["'](\.{0,2}/[^"'#]+)["']""")


def test_nothing_that_the_page_loads_is_missing(tmp_path: Path) -> None:
    api = "https://api.example.com/live/"
    assert main(["desk", str(tmp_path), "--api", api, "--shop", "Corner shop"]) == 0
    config = json.loads((tmp_path / "desk" / "config.json").read_text())
    assert config == {"api": "https://api.example.com/live", "shop": "Corner shop"}
    loaded = 0
    for file in [*tmp_path.rglob("*.js"), *tmp_path.rglob("*.html")]:
        for path in _IMPORTED.findall(file.read_text()):
            wanted = tmp_path / path[1:] if path.startswith("/") else file.parent / path
            assert wanted.is_file(), f"{file.relative_to(tmp_path)} loads {path}"
            loaded += 1
    assert loaded > 30


def test_an_address_without_encryption_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["desk", str(tmp_path), "--api", "http://a.example", "--shop", "S"]) == 2
    assert "https" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
