"""Pages by typst, with nothing but our own templates and the fonts that come with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typst

_FOLDER = Path(__file__).parent


def compiled(template: str, data: Mapping[str, Any], **inputs: str) -> tuple[bytes, bool]:
    """The PDF of a template with `data`, and whether it is PDF/A-3b.

    It is a plain PDF, with boxes in their place, when a name has letters that none of the fonts
    has: put one that has them into `fonts/`. Raises typst.TypstError when there is no way.
    """
    given = inputs | {"data": json.dumps(data, ensure_ascii=False)}
    try:
        return _compile(template, given, ["a-3b"]), True
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise
    return _compile(template, given, None), False


def _compile(template: str, inputs: dict[str, str], standards: Any) -> bytes:
    made: bytes = typst.compile(
        str(_FOLDER / template),
        sys_inputs=inputs,
        font_paths=_fonts(),
        pdf_standards=standards,
        format="pdf",
    )
    return made


@cache
def _fonts() -> typst.Fonts:
    """The fonts found once: what the machine has installed must not change a document."""
    more = [str(_FOLDER / "fonts")] if (_FOLDER / "fonts").is_dir() else []
    return typst.Fonts(include_system_fonts=False, font_paths=more)
