"""What the gateway says itself: errors (GatewayResponses) and CORS preflights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from infra.local.gateway.messages import Response, header
from infra.local.template import TemplateError

# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
_STATUS = {
    "ACCESS_DENIED": 403,
    "BAD_REQUEST_BODY": 400,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 502,
    "INTEGRATION_TIMEOUT": 504,
    "MISSING_AUTHENTICATION_TOKEN": 403,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}
_OTHER_TYPES = {
    "API_CONFIGURATION_ERROR",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "BAD_REQUEST_PARAMETERS",
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "INVALID_API_KEY",
    "INVALID_SIGNATURE",
    "QUOTA_EXCEEDED",
    "THROTTLED",
    "WAF_FILTERED",
}
_CONTEXT = {
    "error.message",
    "error.messageString",
    "error.responseType",
    "error.validationErrorString",
    "extendedRequestId",
    "httpMethod",
    "identity.sourceIp",
    "path",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "resourcePath",
    "stage",
}
_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)")
_DEFAULT = {"application/json": '{"message":$context.error.messageString}'}


class Answers:
    """The API's gateway responses, as configured."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._configured = body.get("x-amazon-apigateway-gateway-responses", {})
        if unknown := set(self._configured) - set(_STATUS) - _OTHER_TYPES:
            raise TemplateError(f"no such gateway responses: {sorted(unknown)}")
        for name, configured in self._configured.items():
            for template in configured.get("responseTemplates", {}).values():
                if unknown := set(_VARIABLE.findall(template)) - _CONTEXT:
                    raise TemplateError(f"{name}: unknown $context.{sorted(unknown)}")

    def error(self, kind: str, message: str, context: Mapping[str, str]) -> Response:
        """The response of type `kind`; `context` fills the template's $context variables."""
        default = _STATUS[kind]
        family = "DEFAULT_4XX" if default < 500 else "DEFAULT_5XX"
        configured = self._configured.get(kind, self._configured.get(family, {}))
        status = int(configured.get("statusCode", default))
        templates = configured.get("responseTemplates") or _DEFAULT
        content_type, template = next(iter(templates.items()))
        values = {
            **context,
            "error.message": message,
            "error.messageString": json.dumps(message),
            "error.responseType": kind,
            "error.validationErrorString": json.dumps(message),
        }
        text = _VARIABLE.sub(lambda found: str(values[found.group(1)]), template)
        headers = _static(configured.get("responseParameters", {}), "gatewayresponse.header.")
        if header(headers, "content-type") is None:
            headers.append(("Content-Type", content_type))
        headers.append(("x-amzn-RequestId", context["requestId"]))
        return Response(status, headers, text.encode())


def mock(integration: dict[str, Any]) -> Response:
    """The answer of a mock integration, which is how SAM implements CORS preflights."""
    answer = integration["responses"]["default"]
    content_type, body = next(iter(answer.get("responseTemplates", {}).items()), ("", ""))
    headers = [("Content-Type", content_type)] if content_type else []
    headers += _static(answer.get("responseParameters", {}), "method.response.header.")
    return Response(int(answer["statusCode"]), headers, body.encode())


def _static(parameters: Mapping[str, str], prefix: str) -> list[tuple[str, str]]:
    headers = []
    for name, value in parameters.items():
        if not name.startswith(prefix) or not (value.startswith("'") and value.endswith("'")):
            raise TemplateError(f"only static headers are supported, not {name}: {value}")
        headers.append((name.removeprefix(prefix), value[1:-1]))
    return headers
