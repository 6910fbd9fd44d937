"""A folder of pages plus a few callables that answer JSON: the console's server."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from infra.local.gateway.messages import Request, Response

Answer = Callable[[Request], Response]


def static_site(root: Path, extra: Mapping[str, Answer]) -> Answer:
    """Serves files under `root`.

    `extra` maps "GET /local/mails" (method and path), or a path for every method, to a callable.
    """
    root = root.resolve()

    def handle(request: Request) -> Response:
        answer = extra.get(f"{request.method} {request.path}", extra.get(request.path))
        if answer is not None:
            return answer(request)
        if request.method not in ("GET", "HEAD"):
            return Response(405, [("Content-Type", "text/plain")], b"method not allowed")
        file = (root / unquote(request.path).lstrip("/")).resolve()
        if file.is_dir():
            file = file / "index.html"
        if not file.is_relative_to(root) or not file.is_file():
            return Response(404, [("Content-Type", "text/plain")], b"not found")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        kind += "; charset=utf-8" if kind.startswith("text/") else ""
        headers = [("Content-Type", kind), ("Cache-Control", "no-store")]
        return Response(200, headers, file.read_bytes())

    return handle
