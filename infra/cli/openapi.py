"""The API as an OpenAPI 3.1 document, made of nothing but what the functions declare."""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from parcelway.http.api import ANYONE, LINK, Route

from infra.cli.answers import Reach, Refused, Sources
from infra.cli.openapi_examples import BODIES
from infra.cli.openapi_schemas import Schemas
from infra.cli.routes import HttpFunction, http_functions

NAME = "openapi"
HELP = "print or write the OpenAPI document of the API"

Json = dict[str, Any]
_PROBLEM_TYPE = "urn:parcelway:problem:"
_PARAMETERS = {
    "cart_id": "The id of the cart, which stays that of the order it becomes.",
    "order_id": "The order's id.",
    "shipment_id": "The shipment's id.",
    "address_id": "The id of an address in the caller's book.",
    "sku": "The stock keeping unit, as the catalogue has it.",
    "node": "The id of a distribution centre, warehouse or store.",
    "reference": "The purchase order line or delivery note that a supply comes with.",
    "channel": "Where orders come from: online, marketplace and so on.",
    "transfer_id": "The transfer's id.",
    "region": "A country or a part of it: US, US-OH.",
    "adjustment_id": "The adjustment's id.",
    "grant_id": "The grant's id, which is not its token.",
    "card_id": "The gift card's id, which is not its code.",
    "document": "The number of an invoice or a credit note.",
    "supplier_id": "The supplier's id: capital letters, digits and hyphens.",
    "credit_note": "The credit note's number.",
    "period": "A month in UTC, such as 2026-11.",
    "payout_id": "The payment provider's id of the payout.",
    "item_id": "The id of an item in the queue of what is unmatched.",
    "source": "Where imported orders come from, as the shop's settings name it.",
    "external_id": "The order's id where it comes from.",
    "account": "A business account, as customers' standing names it.",
    "customer_id": "The customer's id.",
    "offer_id": "The price list's, promotion's or assortment's id, as the shop chose it.",
    "code": "The code, in capitals or not.",
    "number": "The order's tracking number; hyphens and case do not matter.",
}
_DESCRIPTIONS = {
    400: "The request could not be read.",
    401: "Not signed in.",
    403: "Not as the one who asks, or with a grant that is over.",
    404: "There is nothing here, or nothing for this caller: the two look the same.",
    406: "It cannot be said in the form that was asked for.",
    409: "Not possible as things are now; nothing was changed.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "Read, but refused for what it says; nothing was changed.",
    429: "Too many requests; try again later.",
    500: "A fault of the shop's own; it was recorded.",
    503: "No answer in time. Repeat the request with the same Idempotency-Key.",
}
_TOO_MANY = Refused(429, "too-many-requests", "Too many requests")  # API Gateway's own
_ROUTER, _CALL, _PROBLEMS = (f"parcelway.http.{name}" for name in ("api", "call", "problems"))
_TAXES = "parcelway.http.taxes"
_TAXED = ("parcelway.domain.taxing", "taxed")  # who comes to this may have to ask for taxes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--out", type=Path, help="the file to write; without it, standard output")


def run(arguments: argparse.Namespace) -> int:
    """Write the document as JSON."""
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        arguments.out.write_text(text)
    return 0


@cache
def document() -> Json:
    """The document; the same object every time, so do not change it.

    Imports every function: not for a process in which another thread does so at the same time.
    """
    schemas = Schemas()
    tags, paths = [], dict[str, Json]()
    for function in http_functions():
        about = inspect.getdoc(function.module) or ""
        tags.append({"name": function.name, "description": about})
        sources = Sources(function.folder)
        for route in function.api.routes:
            reach = sources.reach(("app", route.view.__name__))
            refused = _refused(route, reach, sources, function.api.around is not None)
            operation = _operation(function, route, reach, refused, schemas)
            paths.setdefault(route.path, {})[route.method.lower()] = operation
    return schemas.named(
        {
            "openapi": "3.1.0",
            "info": _info(),
            "servers": [{"url": "/", "description": "The stack's `ApiUrl`."}],
            "tags": tags,
            "paths": dict(sorted(paths.items())),
            "components": {
                "securitySchemes": _security_schemes(),
                "schemas": {"Problem": _PROBLEM},
            },
        }
    )


def _info() -> Json:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    return {
        "title": "Parcelway",
        "version": project["version"],
        "summary": project["description"],
        "license": {"name": project["license"], "identifier": project["license"]},
        "description": (
            "Amounts are integers in minor units of an ISO 4217 currency, times are UTC in ISO "
            "8601. Unknown members in a request are refused; in an answer, ignore them: more will "
            "come. Members of an answer that equal their `default` here are left out. Errors are "
            "problem details (RFC 9457) with a stable `type`."
        ),
    }


def _security_schemes() -> Json:
    return {
        "SignedIn": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The ID token that signing in gives.",
        },
        "CartToken": {
            "type": "apiKey",
            "in": "header",
            "name": "Cart-Token",
            "description": "The `cart_token` that came with the new cart: who has it has the cart.",
        },
    }


def _operation(
    function: HttpFunction, route: Route, reach: Reach, refused: set[Refused], schemas: Schemas
) -> Json:
    operation_id = f"{function.name}_{route.view.__name__}"
    operation: Json = {
        "operationId": operation_id,
        "tags": [function.name],
        "summary": route.summary,
        "description": _description(route),
        "security": _security(route, reach),
        "parameters": _parameters(route, reach),
        "x-parcelway-who": {"name": route.who.name, "groups": sorted(route.who.groups)},
    }
    body = route.body or next((getattr(function.module, name) for name in reach.parsed), None)
    if body is not None or route.who.name == "signed":
        schema = schemas.add(function.name, body, "validation") if body else {"type": "object"}
        media = {"schema": schema} | (
            {"example": BODIES[operation_id]} if operation_id in BODIES else {}
        )
        operation["requestBody"] = {"required": True, "content": {route.media: media}}
    operation["responses"] = _successes(function, route, reach, schemas) | _problems(
        refused, for_people=route.who == LINK
    )
    return operation


def _description(route: Route) -> str:
    _, _, more = (inspect.getdoc(route.view) or "").partition("\n")
    groups = " or ".join(f"`{group}`" for group in sorted(route.who.groups))
    needed = f"For staff of the group {groups}." if groups else ""
    return "\n\n".join(part for part in (more.strip(), needed) if part)


def _security(route: Route, reach: Reach) -> list[Json]:
    needed: Json = {}
    if route.who.signed_in:
        needed["SignedIn"] = []
    if "cart_token" in reach.attributes:
        needed["CartToken"] = []
    if not needed:
        return []
    return [{}, needed] if route.who == ANYONE else [needed]  # anyone need not hold a cart


def _parameters(route: Route, reach: Reach) -> list[Json]:
    found = [
        _parameter("path", name, {"type": "string"}, True, _PARAMETERS.get(name, ""))
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query is not None:
        query = route.query.model_json_schema()
        if "$defs" in query:
            raise ValueError(f"{route.path}: query parameters must be flat")
        found += [
            _query(name, schema, name in query.get("required", ()))
            for name, schema in query["properties"].items()
        ]
    return found + [_header(*header) for header in _headers(route, reach)]


def _parameter(where: str, name: str, schema: Json, required: bool, about: str) -> Json:
    described = {"description": about} if about else {}
    return {"name": name, "in": where, "required": required, "schema": schema} | described


def _query(name: str, schema: Json, required: bool) -> Json:
    about = schema.pop("description", "")
    schema.pop("title", None)
    choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
    if choices:  # optional: not sent, never null
        schema |= choices[0]
        schema.pop("default", None)
    return _parameter("query", name, schema, required, about)


def _headers(route: Route, reach: Reach) -> list[tuple[str, bool, str]]:
    found = []
    if route.key:
        about = "Names this request: repeat it with the same key and it happens once."
        found.append(("Idempotency-Key", True, about))
    if "if_match" in reach.attributes:
        about = 'The `version` the caller has seen, as `"3"`: refused when there is a newer one.'
        found.append(("If-Match", False, about))
    signatures = {
        "verify_stripe": [("Stripe-Signature", "Stripe's signature of the raw body.")],
        "verify_standard": [
            ("webhook-id", "Standard Webhooks: the message's id."),
            ("webhook-timestamp", "Standard Webhooks: when it was sent, in Unix seconds."),
            ("webhook-signature", "Standard Webhooks: `v1,` and the signature in base64."),
        ],
    }
    for verifier, headers in signatures.items():
        if ("parcelway.ports.webhooks", verifier) in reach.names:
            found += [(name, True, about) for name, about in headers]
    return found


def _header(name: str, required: bool, about: str) -> Json:
    return _parameter("header", name, {"type": "string"} | _FORMS.get(name, {}), required, about)


_FORMS: dict[str, Json] = {  # as `http.call` reads them
    "Idempotency-Key": {"minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    "If-Match": {"pattern": r'^(?:\*|(?:W/)?"?[0-9]{1,9}"?)?$'},
}


def _successes(function: HttpFunction, route: Route, reach: Reach, schemas: Schemas) -> Json:
    answers: dict[int, Json] = {}
    if route.reply is not None:
        schema = schemas.add(function.name, route.reply, "serialization")
        answers[route.status] = {"application/json": {"schema": schema}}
    for given, kind in sorted(reach.replies, key=str):
        status = given or route.status
        content = answers.setdefault(status, {})
        if status not in (204, 303):
            content.setdefault(kind.split(";")[0], {"schema": _of_medium(kind)})
    return {
        str(status): {"description": _SUCCESSES[status]} | ({"content": media} if media else {})
        for status, media in sorted(answers.items())
    }


_SUCCESSES = {
    200: "Done; how it is now.",
    201: "Done; what there is now.",
    202: "Accepted.",
    204: "Done.",
    303: "See the address in `Location`.",
}


def _of_medium(kind: str) -> Json:
    if kind == "application/json":
        return {"type": "object"}
    return {"type": "string"} | ({} if kind.startswith("text/") else {"contentMediaType": kind})


def _refused(route: Route, reach: Reach, sources: Sources, priced: bool) -> set[Refused]:
    """What the view refuses, and what the router and API Gateway refuse before it runs."""
    around = [(_CALL, "read_if_match"), (_PROBLEMS, "busy"), (_PROBLEMS, "internal")]
    around += [(_CALL, "read_command")] if route.key else []
    around += [(_CALL, "read_json")] if route.body else []
    around += [(_CALL, "read_query")] if route.query else []
    around += [(_ROUTER, "_authorize")] if route.who.signed_in else []
    around += [(_ROUTER, "_require_sane")] if "{" in route.path else []
    around += [(_TAXES, "with_taxes")] if priced and _TAXED in reach.names else []
    found = reach.problems | sources.reach(*around).problems | {_TOO_MANY}
    if route.method not in ("GET", "DELETE"):
        own = sources.reach((_ROUTER, "_OWN")).problems
        found |= {refused for refused in own if refused.status == 415}
    if route.who.signed_in and not route.who.groups:
        found = {refused for refused in found if refused.code != "forbidden"}
    return found


def _problems(refused: set[Refused], for_people: bool) -> Json:
    """The problems by status; where people come by a link, they get a page instead."""
    responses = {}
    for status in sorted({each.status for each in refused}):
        reasons = {each.code: each.title for each in sorted(refused) if each.status == status}
        listed = "\n".join(f"- `{code}`: {title}" for code, title in reasons.items())
        types = [_PROBLEM_TYPE + code for code in reasons]
        schema = {
            "allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {"properties": {"type": {"enum": types}}},
            ]
        }
        content: Json = {"application/problem+json": {"schema": schema}}
        if for_people:
            content["text/html"] = {"schema": {"type": "string"}}
        responses[str(status)] = {
            "description": f"{_DESCRIPTIONS[status]}\n\n{listed}",
            "content": content,
        }
    return responses


_PROBLEM: Json = {
    "description": "Why a request was refused (RFC 9457). Some types have members of their own.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "Stable: what a program may rely on."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people."},
        "pointer": {"type": "string", "description": "JSON pointer to the member concerned."},
        "errors": {
            "description": "Every member that is wrong.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
