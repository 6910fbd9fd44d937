"""Send orders that were sold elsewhere to the shop, a file of them in pieces.

What became of each row is written beside the file, a line of JSON each, with the row's line in the
file. How far it came is kept in a bookmark: a run that was cut off goes on from there, and a file
that has grown since is gone on with. Sending rows twice is harmless.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

NAME = "import-orders"
HELP = "send orders that were sold elsewhere to the shop"

TOKEN = "PARCELWAY_TOKEN"
MOST_ROWS, MOST_BYTES = 100, 256 * 1024  # what one request takes
_TRIES = 8
_PASSING = {429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API; `wait` is what its Retry-After asks for, in seconds."""

    status: int
    body: dict[str, Any]
    wait: float = 0.0


Post = Callable[[bytes], Answer]  # raises OSError when nobody answers


class Stopped(Exception):
    """It cannot go on for now; what was done is kept, and the next run goes on."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a file was sent: `offset` bytes, `digest` of which stands for them, and `line` lines.
    `results` is the length of what was written about them, `counts` how many rows became what."""

    offset: int = 0
    digest: str = hashlib.sha256().hexdigest()
    line: int = 0
    results: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of the file that are sent together: from line `first` on, `rows` of them with something
    in them."""

    text: bytes
    first: int
    rows: int

    @property
    def lines(self) -> int:
        """How many lines of the file it is."""
        return self.text.count(b"\n") + (not self.text.endswith(b"\n"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", type=Path, help="one order to a line of JSON")
    parser.add_argument("--source", required=True, metavar="NAME", help="of the shop's settings")
    parser.add_argument("--api", required=True, metavar="URL", help="the stack's ApiUrl")


def run(arguments: argparse.Namespace) -> int:
    """Send the file. Exit code 1 when rows were refused or not all were sent, 2 without a token."""
    token = os.environ.get(TOKEN, "")
    if not token:
        told = f"{TOKEN} must have the ID token of somebody who may import orders"
        print(f"parcelway import-orders: {told}", file=sys.stderr)
        return 2
    try:
        counts = send(arguments.file, arguments.source, _poster(arguments, token))
    except (OSError, Stopped) as stopped:
        print(f"parcelway import-orders: {stopped}; run it again to go on", file=sys.stderr)
        return 1
    print(", ".join(f"{number:,} {status}" for status, number in counts.items()) or "nothing")
    return 1 if counts.get("refused") else 0


def send(
    file: Path, source: str, post: Post, pause: Callable[[float], None] = time.sleep
) -> dict[str, int]:
    """Send what of the file was not sent yet; how many rows of all it has became what.

    Raises Stopped when the API refuses a request or has not answered after many tries.
    """
    kept = file.with_name(f"{file.name}.{source}.bookmark")
    written = file.with_name(f"{file.name}.{source}.results.jsonl")
    mark, seen = _found(kept, file)
    with written.open("r+b" if written.exists() else "w+b") as results:
        results.truncate(mark.results)  # what was written of a piece that was not noted as done
        results.seek(mark.results)
        for piece in pieces(file, mark):
            for result in _results(piece, post, pause):
                results.write(json.dumps(result, ensure_ascii=False).encode() + b"\n")
                status = result["status"]
                counts = mark.counts | {status: mark.counts.get(status, 0) + 1}
                mark = replace(mark, counts=counts)
            results.flush()
            os.fsync(results.fileno())
            seen.update(piece.text)
            mark = replace(
                mark,
                offset=mark.offset + len(piece.text),
                digest=seen.hexdigest(),
                line=mark.line + piece.lines,
                results=results.tell(),
            )
            _keep(kept, mark)
    return mark.counts


def pieces(file: Path, mark: Bookmark) -> Iterator[Piece]:
    """The rest of the file in pieces that a request takes; a line that is too long is alone."""
    text, line, rows = b"", mark.line + 1, 0
    with file.open("rb") as lines:
        lines.seek(mark.offset)
        for each in lines:
            full = rows == MOST_ROWS or len(text) + len(each) > MOST_BYTES
            if text and full:
                piece = Piece(text, line, rows)
                yield piece
                text, line, rows = b"", line + piece.lines, 0
            text, rows = text + each, rows + bool(each.strip())
    if text:
        yield Piece(text, line, rows)


def _results(piece: Piece, post: Post, pause: Callable[[float], None]) -> Iterator[dict[str, Any]]:
    if not piece.rows:
        return
    if len(piece.text) > MOST_BYTES:
        problem = {"title": "Body too large", "status": 413}
        yield {"row": piece.first, "status": "refused", "problem": problem}
        return
    for result in _answered(piece, post, pause)["results"]:
        yield result | {"row": piece.first + result["row"] - 1}


def _answered(piece: Piece, post: Post, pause: Callable[[float], None]) -> dict[str, Any]:
    """The answer to a piece, which is sent again while it is only for now that there is none."""
    told = "no answer"
    for attempt in range(_TRIES):
        try:
            answer = post(piece.text)
        except OSError as error:
            told, wait = f"no answer ({type(error).__name__})", 0.0
        else:
            if answer.status == 200:
                return answer.body
            told = f"{answer.status} {answer.body.get('title', '')} {answer.body.get('detail', '')}"
            if answer.status not in _PASSING:
                break
            wait = answer.wait
        pause(max(wait, random.uniform(0, min(30.0, 0.5 * 2**attempt))))
    raise Stopped(f"line {piece.first}: {told.strip()}")


def _found(kept: Path, file: Path) -> tuple[Bookmark, Hash]:
    """Where to go on, and the digest of what is before it. At the start where nothing was sent yet,
    and where the file has become another one: also when its last line has only now been ended."""
    try:
        mark = Bookmark(**json.loads(kept.read_text()))
    except FileNotFoundError:
        return Bookmark(), hashlib.sha256()
    seen, left, last = hashlib.sha256(), mark.offset, b"\n"
    with file.open("rb") as text:
        while left and (part := text.read(min(left, 1 << 20))):
            seen.update(part)
            left, last = left - len(part), part[-1:]
        whole = last == b"\n" or not text.read(1)
    same = seen.hexdigest() == mark.digest
    return (mark, seen) if same and whole else (Bookmark(), hashlib.sha256())


def _keep(kept: Path, mark: Bookmark) -> None:
    new = kept.with_name(f"{kept.name}.new")
    new.write_text(json.dumps(asdict(mark)))
    new.replace(kept)


def _poster(arguments: argparse.Namespace, token: str) -> Post:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    session.headers["Content-Type"] = "application/x-ndjson"
    url = f"{arguments.api.rstrip('/')}/staff/imports/{arguments.source}/orders"

    def post(text: bytes) -> Answer:
        answer = session.post(url, data=text, timeout=60)
        try:
            body = answer.json()
        except ValueError:  # whoever answered was not the API
            body = {}
        wait = answer.headers.get("Retry-After", "0")
        return Answer(answer.status_code, body, float(wait) if wait.isdigit() else 0.0)

    return post
