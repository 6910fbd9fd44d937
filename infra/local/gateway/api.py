"""The REST API in front of the functions: what API Gateway does between socket and Lambda."""

from __future__ import annotations

import base64
import fnmatch
import json
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any, Protocol

from infra.local.functions import Function, Result
from infra.local.gateway import answers
from infra.local.gateway.messages import Request, Response, header
from infra.local.gateway.routes import Route, Routes
from infra.local.gateway.tokens import Refused
from infra.local.provision import Api

log = logging.getLogger("infra.local")

MAX_PAYLOAD = 10 * 1024 * 1024
"""Bytes of a request body API Gateway takes at most."""
MAX_EVENT = 6 * 1024 * 1024
"""Bytes of JSON Lambda takes, or answers, at most."""


class Handlers(Protocol):
    """The functions behind the API. See functions.Functions."""

    def find(self, name_or_arn: str, /) -> Function:
        """By logical id, name or ARN."""
        ...

    def invoke(self, function: Function, event: Any, /) -> Result:
        """Run the handler now."""
        ...


class Claims(Protocol):
    """Who is signed in. See tokens.TokenChecker."""

    def claims(self, header: str | None, scopes: tuple[str, ...], /) -> dict[str, str]:
        """What the token claims. Raises Refused."""
        ...


class Gateway:
    """Serves one API: `handle` turns a request into a response."""

    def __init__(
        self, api: Api, functions: Handlers, tokens: Claims, account: str, region: str
    ) -> None:
        self.api = api
        self.routes = Routes(api.body)
        self._answers = answers.Answers(api.body)
        self._functions = functions
        self._tokens = tokens
        self._account = account
        self._domain = f"{api.api_id}.execute-api.{region}.amazonaws.com"

    def handle(self, request: Request) -> Response:
        """Route, authorize, invoke, translate the answer. Never raises for a bad request."""
        request_id = str(uuid.uuid4())
        context = self._context(request, request_id)
        found = self.routes.find(request.method, request.path)
        if found is None:
            message = "Missing Authentication Token"
            return self._answers.error("MISSING_AUTHENTICATION_TOKEN", message, context)
        route, parameters = found
        context["resourcePath"] = route.resource
        if len(request.body) > MAX_PAYLOAD:
            return self._answers.error("REQUEST_TOO_LARGE", "Request Too Long", context)
        if route.mock is not None:
            return answers.mock(route.mock)
        claims: dict[str, str] | None = None
        if route.authorizer is not None:
            try:
                claims = self._tokens.claims(request.header("authorization"), route.scopes)
            except Refused as refused:
                return self._answers.error("UNAUTHORIZED", str(refused), context)
        event = self._event(request, route, parameters, context, claims)
        if len(json.dumps(event)) > MAX_EVENT:
            return self._answers.error("REQUEST_TOO_LARGE", "Request Too Long", context)
        return self._invoke(request, route, event, context)

    def _invoke(
        self, request: Request, route: Route, event: dict[str, Any], context: dict[str, str]
    ) -> Response:
        assert route.function_arn is not None
        result = self._functions.invoke(self._functions.find(route.function_arn), event)
        if result.is_error:
            return self._broken(context)
        try:
            return self._response(request, result.value, context)
        except (ValueError, TypeError, AttributeError) as error:
            log.error("%s %s: malformed answer: %s", route.method, route.resource, error)
            return self._broken(context)

    def _broken(self, context: dict[str, str]) -> Response:
        return self._answers.error("INTEGRATION_FAILURE", "Internal server error", context)

    def _response(self, request: Request, answer: Any, context: dict[str, str]) -> Response:
        unknown = set(answer) - {
            "statusCode",
            "headers",
            "multiValueHeaders",
            "body",
            "isBase64Encoded",
            "cookies",
        }
        if unknown:
            raise ValueError(f"unknown keys {sorted(unknown)}")
        body = answer.get("body") or ""
        if not isinstance(body, str):
            raise TypeError("the body is not a string")
        headers = [(name, _text(value)) for name, value in (answer.get("headers") or {}).items()]
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            headers = [pair for pair in headers if pair[0].lower() != name.lower()]
            headers += [(name, _text(value)) for value in values]
        if header(headers, "content-type") is None:
            headers.append(("Content-Type", "application/json"))
        headers.append(("x-amzn-RequestId", context["requestId"]))
        raw = body.encode()
        if answer.get("isBase64Encoded"):
            if self._is_binary((request.header("accept") or "").split(",")[0]):
                raw = base64.b64decode(body, validate=True)
            else:
                log.warning(
                    "%s: binary answer stays base64 as on AWS: the first type of Accept (%r) is "
                    "not among the API's BinaryMediaTypes",
                    context["resourcePath"],
                    request.header("accept"),
                )
        return Response(int(answer["statusCode"]), headers, raw)

    def _is_binary(self, content_type: str | None) -> bool:
        """Without a type API Gateway assumes JSON, which `*/*` covers too."""
        kind = (content_type or "").split(";")[0].strip().lower() or "application/json"
        return any(fnmatch.fnmatchcase(kind, pattern.lower()) for pattern in self.api.binary_types)

    def _context(self, request: Request, request_id: str) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "requestId": request_id,
            "extendedRequestId": request_id[:15],
            "httpMethod": request.method,
            "identity.sourceIp": request.source_ip,
            "path": f"/{self.api.stage}{request.path}",
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": str(int(time.time() * 1000)),
            "resourcePath": request.path,
            "stage": self.api.stage,
        }

    def _event(
        self,
        request: Request,
        route: Route,
        parameters: dict[str, str],
        context: dict[str, str],
        claims: dict[str, str] | None,
    ) -> dict[str, Any]:
        """The complete event of a Lambda proxy integration (payload format 1.0)."""
        binary = self._is_binary(request.header("content-type"))
        body: str | None = None
        if request.body:
            as_text = request.body.decode(errors="replace")
            body = base64.b64encode(request.body).decode() if binary else as_text
        authorizer = {} if claims is None else {"authorizer": {"claims": claims}}
        return {
            "resource": route.resource,
            "path": request.path,
            "httpMethod": request.method,
            "headers": dict(request.headers) or None,
            "multiValueHeaders": _grouped(request.headers),
            "queryStringParameters": dict(request.query) or None,
            "multiValueQueryStringParameters": _grouped(request.query),
            "pathParameters": parameters or None,
            "stageVariables": dict(self.api.variables) or None,
            "requestContext": {
                "accountId": self._account,
                "apiId": self.api.api_id,
                "domainName": self._domain,
                "domainPrefix": self.api.api_id,
                "extendedRequestId": context["extendedRequestId"],
                "httpMethod": request.method,
                "identity": {
                    "sourceIp": request.source_ip,
                    "userAgent": request.header("user-agent"),
                    "cognitoIdentityId": None,
                    "user": None,
                },
                "path": context["path"],
                "protocol": "HTTP/1.1",
                "requestId": context["requestId"],
                "requestTime": context["requestTime"],
                "requestTimeEpoch": int(context["requestTimeEpoch"]),
                "resourceId": "local",
                "resourcePath": route.resource,
                "stage": self.api.stage,
                **authorizer,
            },
            "body": body,
            "isBase64Encoded": bool(body) and binary,
        }


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]] | None:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped or None


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise TypeError("a header's value must be a string")
    return str(value).lower() if isinstance(value, bool) else str(value)
