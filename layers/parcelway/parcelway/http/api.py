"""Routes: declared once, with who may call and what goes in and out.

`Api` registers each declaration with Chalice, which routes inside the function; the declarations
are also what the OpenAPI document, the template's events and the authorisation matrix are compared
with. Chalice turns exceptions inside a view into its own 500, so refusals become problem+json here.
"""

from __future__ import annotations

import json
import os
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Chalice, Response

from parcelway.domain.refusals import Refusal
from parcelway.http.call import (
    Call,
    Caller,
    caller_of,
    fingerprint,
    read_command,
    read_if_match,
    read_json,
    read_query,
)
from parcelway.http.problems import (
    CONTENT_TYPE,
    Problem,
    busy,
    internal,
    not_found,
    not_set_up,
    of_refusal,
)
from parcelway.ports import clock
from parcelway.ports.faults import told
from parcelway.ports.payments import GatewayUnavailable
from parcelway.store.codec import encode
from parcelway.store.commit import TRANSIENT, Busy
from parcelway.store.shop import NotSetUp
from parcelway.values import dataclass

if TYPE_CHECKING:  # a function without input models does not pay for pydantic
    from parcelway.http.schemas import Input

View = Callable[[Any], Any]
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Who:
    """Who may call a route. `groups` are the Cognito groups of which one is needed."""

    name: str
    signed_in: bool = False
    groups: frozenset[str] = frozenset()


ANYONE = Who("anyone")
CART = Who("cart")  # the holder of the cart's token; the view compares it
LINK = Who("link")  # the holder of a tracking number or mail link; the view compares it
SIGNED = Who("signed")  # a webhook whose signature the view verifies
CUSTOMER = Who("customer", signed_in=True)


def staff(*groups: str) -> Who:
    """Signed-in staff of one of `groups`."""
    return Who("staff", signed_in=True, groups=frozenset(groups))


DESK = staff("csr", "csr_supervisor", "admin")


@dataclass(frozen=True, slots=True)
class Route:
    """One declared route. `reply` is the dataclass of the success body, None for other media."""

    method: str
    path: str
    who: Who
    view: View
    status: int
    body: type[Input] | None
    query: type[Input] | None
    reply: Any
    key: bool
    summary: str
    media: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A success that is not plain JSON, or that needs headers or another status."""

    body: Any
    status: int = 200
    content_type: str = _JSON
    headers: Mapping[str, str] | None = None


class Api:
    """The HTTP side of one function. Calling it handles one API Gateway proxy event."""

    def __init__(self, name: str, around: Callable[[Callable[[], Any]], Any] | None = None) -> None:
        """`around` runs every view: what it needs besides the request."""
        self.routes: list[Route] = []
        self.around = around
        self._chalice = Chalice(app_name=name, configure_logs=False)
        self._logger = Logger(service=name)

    def route(
        self,
        method: str,
        path: str,
        *,
        who: Who,
        body: type[Input] | None = None,
        query: type[Input] | None = None,
        reply: Any = None,
        status: int = 200,
        key: bool = False,
        media: str = _JSON,
    ) -> Callable[[View], View]:
        """Declare a route. With `key` an Idempotency-Key is required. Where the `media` type of its
        body is not JSON, `body` is what the view itself reads of each line of it."""

        def declare(view: View) -> View:
            summary = (view.__doc__ or "").strip().split("\n")[0].rstrip(".")
            route = Route(method, path, who, view, status, body, query, reply, key, summary, media)
            self.routes.append(route)
            self._register(route)
            return view

        return declare

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one request; never raises."""
        started = time.perf_counter()
        answer: dict[str, Any] = self._chalice(event, context)
        answer = _as_problem(answer)
        answer["headers"] = _HEADERS | _cors() | (answer.get("headers") or {})
        answer["isBase64Encoded"] = answer["headers"].pop(_BINARY, None) is not None
        self._logger.info(
            "request",
            method=event["httpMethod"],
            route=event["requestContext"]["resourcePath"],
            status=answer["statusCode"],
            ms=round((time.perf_counter() - started) * 1000, 1),
            request_id=getattr(context, "aws_request_id", ""),
        )
        return answer

    def _register(self, route: Route) -> None:
        def run(**path: str) -> Response:
            try:
                return self._success(route, self._call(route, path))
            except Problem as problem:
                return _problem(problem)
            except Refusal as refusal:
                return _problem(of_refusal(refusal))
            except (Busy, GatewayUnavailable, BotoCoreError):
                return _problem(busy())
            except NotSetUp:
                return _problem(not_set_up())
            except ClientError as error:
                if error.response["Error"]["Code"] in _THROTTLED:
                    return _problem(busy())
                self._logger.error("fault", **told(error))
                return _problem(internal())
            except Exception as error:
                self._logger.error("fault", **told(error))
                return _problem(internal())

        run.__name__ = f"{route.method.lower()}{route.path}"
        types = {} if route.method in ("GET", "DELETE") else {"content_types": [route.media]}
        self._chalice.route(route.path, methods=[route.method], name=run.__name__, **types)(run)

    def _call(self, route: Route, path: Mapping[str, str]) -> Call[Any]:
        request = self._chalice.current_request
        if request is None:
            raise RuntimeError("no request is being handled")
        event: dict[str, Any] = request.to_original_event()
        caller = caller_of(event)
        _authorize(route.who, caller)
        _require_sane(path)
        raw = bytes(request.raw_body or b"")  # type: ignore[arg-type]
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        query = event.get("queryStringParameters") or {}
        return Call(
            body=read_json(raw, route.body) if route.body and route.media == _JSON else None,
            query=read_query(query, route.query) if route.query else None,
            path=path,
            headers=headers,
            raw=raw,
            caller=caller,
            command=read_command(headers, route.key, route.method, event["path"], fingerprint(raw)),
            now=clock.now(),
            if_match=read_if_match(headers),
            source_ip=(event["requestContext"].get("identity") or {}).get("sourceIp", ""),
        )

    def _success(self, route: Route, call: Call[Any]) -> Response:
        view = partial(route.view, call)
        result = self.around(view) if self.around else view()
        reply = result if isinstance(result, Reply) else Reply(result, route.status)
        body = reply.body
        if reply.content_type == _JSON:
            body = json.dumps(encode(body), ensure_ascii=False)
        headers: dict[str, Any] = {"Content-Type": reply.content_type, **(reply.headers or {})}
        if isinstance(body, bytes):
            # Not by Chalice: it refuses binary answers unless Accept names exactly their type.
            body, headers[_BINARY] = b64encode(body).decode(), "1"
        return Response(body=body, status_code=reply.status, headers=headers)


_LONGEST_ID = 128
# What other services than DynamoDB say: SQS, S3, and most of the rest.
_THROTTLED = TRANSIENT | {"RequestThrottled", "SlowDown", "TooManyRequestsException"}
_BINARY = "x-parcelway-binary"  # between a view and the end of __call__ only
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Chalice's own answers, by their Code, as ours.
_OWN = {
    403: lambda: not_found(),
    404: lambda: not_found(),
    405: lambda: not_found(),
    415: lambda: Problem(
        415,
        "unsupported-media-type",
        "Unsupported media type",
        "Send application/json or, for imports, application/x-ndjson.",
    ),
}


def _cors() -> dict[str, str]:
    return {"Access-Control-Allow-Origin": os.environ.get("STOREFRONT_ORIGIN", "*")}


def _authorize(who: Who, caller: Caller) -> None:
    """The gateway has verified the token; whose it must be is checked here.

    Somebody signed in without the group is told that the route is not theirs (403): routes are
    public knowledge, unlike what lies behind them.
    """
    if who.signed_in and not caller.subject:
        raise Problem(401, "unauthenticated", "Sign in first")
    if who.groups and not who.groups & caller.groups:
        raise Problem(403, "forbidden", "Not for you", f"Needs {' or '.join(sorted(who.groups))}.")


def _require_sane(path: Mapping[str, str]) -> None:
    """An id of that length or with such characters cannot be one of ours, nor be looked up."""
    if any(len(value) > _LONGEST_ID or not value.isprintable() for value in path.values()):
        raise not_found()


def _problem(problem: Problem) -> Response:
    headers: dict[str, Any] = {"Content-Type": CONTENT_TYPE, **problem.headers}
    body = json.dumps(problem.body, ensure_ascii=False)
    return Response(body=body, status_code=problem.status, headers=headers)


def _as_problem(answer: dict[str, Any]) -> dict[str, Any]:
    """Chalice's own error answers rewritten; all others untouched."""
    headers = answer.get("headers") or {}
    if answer["statusCode"] < 400 or headers.get("Content-Type") == CONTENT_TYPE:
        return answer
    problem = _OWN.get(answer["statusCode"], internal)()
    return {
        "statusCode": problem.status,
        "headers": {"Content-Type": CONTENT_TYPE},
        "multiValueHeaders": {},
        "body": json.dumps(problem.body),
    }
