"""HTTP over loopback: threads, keep-alive, no Nagle stalls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra.local.gateway.messages import Request, Response

log = logging.getLogger("infra.local")

Handle = Callable[[Request], Response]
_READ_LIMIT = 16 * 1024 * 1024


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True


class Server:
    """Serves `handle` on `host`:`port` in the background until `stop` (port 0: any free one)."""

    def __init__(self, handle: Handle, host: str, port: int, name: str) -> None:
        if host not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("the embedded stack serves loopback only")
        handler = type("Handler", (_Handler,), {"answer": staticmethod(handle)})
        self._server = _Server((host, port), handler)
        self.url = f"http://{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name=name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Handler(BaseHTTPRequestHandler):
    """One connection; `answer` is set by the subclass `Server` makes for its callable."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    answer: Handle

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            return
        target = urlsplit(self.path)
        request = Request(
            self.command,
            target.path,
            parse_qsl(target.query, keep_blank_values=True),
            list(self.headers.items()),
            body,
            self.client_address[0],
        )
        try:
            response = type(self).answer(request)
        except Exception:
            log.exception("%s %s", self.command, target.path)
            response = Response(500, [("Content-Type", "text/plain")], b"see the log")
        self._send(response)

    def __getattr__(self, name: str) -> Any:
        """Whatever the method, API Gateway has the answer: it is 404 for one nobody declared."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _body(self) -> bytes | None:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length > _READ_LIMIT:
            self.close_connection = True
            self._send(Response(413, [("Content-Type", "text/plain")], b"too large"))
            return None
        return self.rfile.read(length)

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _send(self, response: Response) -> None:
        has_body = response.status not in (204, 304)
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if has_body:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """No access log: paths carry personal data."""
