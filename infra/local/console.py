"""The console: the demo pages, and the JSON under /local/ that only they use.

It plays what stands around Parcelway: the mailbox, the member of staff who is signed in, the
carrier with its signing secret, the clock on the wall. None of it is part of what is deployed,
and everything a customer or the warehouse does goes through the public API.
"""

from __future__ import annotations

import importlib.util
import json
import mimetypes
import secrets
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import Any

from parcelway.domain.shipment import Shipment
from parcelway.ports import clock
from parcelway.ports.webhooks import sign_standard
from parcelway.store.codec import decode, encode
from parcelway.store.items import from_item, to_item
from parcelway.store.shop import load_shop
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.local.application import Application
from infra.local.gateway.messages import Request, Response
from infra.local.gateway.server import Server
from infra.local.gateway.static import Answer, static_site
from infra.local.mail import Mail

PAGES = Path(__file__).resolve().parents[1] / "web"
STAFF_GROUPS = ("warehouse", "admin")
# Who sits at the service desk.
DESK = {"csr": "Robin Reyes", "csr_supervisor": "Sam Okafor", "admin": "Alex Lindqvist"}
_MAILS_SHOWN = 200
_VIEWER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")


@dataclass(frozen=True, slots=True)
class Staff:
    """A demo member of staff; the password was made up at this start and is kept nowhere else."""

    email: str
    password: str


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ClockBody(_Body):
    """How far to move the clock; never back, which nothing here is made for."""

    minutes: int = Field(ge=1, le=60 * 24 * 60)


class CarrierBody(_Body):
    """What the carrier says of a parcel; Parcelway itself checks the status."""

    carrier: str = Field(min_length=1, max_length=60)
    parcel_number: str = Field(min_length=1, max_length=60)
    status: str = Field(min_length=1, max_length=40)
    place: str = Field("", max_length=100)


class NoBody(_Body):
    """Nothing to say."""


def create_staff(
    app: Application, groups: Sequence[str] = STAFF_GROUPS, name: str = "Demo staff"
) -> Staff:
    """A confirmed Cognito user in `groups`, by default one who may use the warehouse's routes."""
    staff = Staff(f"staff-{uuid.uuid4().hex[:8]}@parcelway.example", secrets.token_urlsafe(18))
    pool, cognito = app.stack.resource("UserPool"), app.stack.client("cognito-idp")
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=staff.email,
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": staff.email},
            {"Name": "email_verified", "Value": "true"},
            {"Name": "name", "Value": name},
        ],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=staff.email, Password=staff.password, Permanent=True
    )
    for group in groups:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=staff.email, GroupName=group)
    return staff


@contextmanager
def serving(app: Application, staff: Staff, port: int = 0) -> Iterator[str]:
    """The console on loopback for the length of the block; its address (`port` 0: any free)."""
    with ThreadPoolExecutor(1) as pool:
        desk = {role: create_staff(app, [role], name) for role, name in DESK.items()}
        console = Console(app, staff, desk, pool.submit(_openapi))
        site = static_site(PAGES, console.answers())
        server = Server(_guarded(site, _policy(app)), "127.0.0.1", port, "console")
        try:
            yield server.url
        finally:
            server.stop()


@dataclass(frozen=True, slots=True)
class Console:
    """Answers the requests of the pages that no file answers."""

    app: Application
    staff: Staff
    desk: Mapping[str, Staff]
    description: Future[dict[str, Any]]

    def answers(self) -> dict[str, Answer]:
        """By method and path, as `static_site` takes them."""
        return {
            "GET /local/config.json": self.config,
            "GET /desk/config.json": self.desk_config,
            "GET /local/mails": self.mails,
            "GET /local/mails/html": self.mail_html,
            "GET /local/parcels": self.parcels,
            "GET /local/clock": self.clock,
            "POST /local/clock": _reads(ClockBody, self.travel),
            "POST /local/sweep": _reads(NoBody, self.sweep),
            "POST /local/staff-session": _reads(NoBody, self.staff_session),
            "POST /local/carrier-event": _reads(CarrierBody, self.carrier_event),
            "GET /openapi.json": self.openapi,
            **{f"GET /docs/viewer/{name}": partial(_viewer_file, name) for name in _VIEWER_FILES},
        }

    def config(self, _: Request) -> Response:
        """Where the API is, and what the warehouse's pages cannot ask it for."""
        shop = load_shop(self.app.database)
        return Response.of_json(
            {
                "api": self.app.url,
                "payments": self.app.stripe.api_base,
                "shop": shop.settings.name,
                "languages": list(shop.settings.languages),
                "nodes": [
                    {
                        "id": node.id,
                        "name": node.name,
                        "kind": node.kind,
                        "capabilities": list(node.capabilities),
                    }
                    for node in shop.nodes.values()
                ],
                "carriers": {s.id: s.carrier for s in shop.services.values() if s.carrier},
            }
        )

    def desk_config(self, _: Request) -> Response:
        """What `parcelway desk` writes beside the service desk's files, and who may sit at it."""
        people = [
            {"name": DESK[role], "role": role, "email": who.email, "password": who.password}
            for role, who in self.desk.items()
        ]
        shop = load_shop(self.app.database).settings.name
        return Response.of_json({"api": self.app.url, "shop": shop, "people": people})

    def mails(self, _: Request) -> Response:
        """The newest mails first. Cognito's, which do not go through SES here, are among them."""
        newest = list(reversed(self.app.stack.mails()))[:_MAILS_SHOWN]
        return Response.of_json({"mails": [_described(mail) for mail in newest]})

    def mail_html(self, request: Request) -> Response:
        """The HTML of one mail, for a frame without scripts; its links open outside the frame."""
        wanted = dict(request.query).get("id", "")
        mail = next((m for m in self.app.stack.mails() if m.message_id == wanted), None)
        if mail is None or mail.html is None:
            return _problem(404, "There is no such mail.")
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox "
        policy += "allow-popups allow-popups-to-escape-sandbox"
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", policy),
        ]
        return Response(200, headers, ('<base target="_blank">' + mail.html).encode())

    def parcels(self, _: Request) -> Response:
        """Every parcel that was handed to a carrier, the latest first: the carrier's own books."""
        pages = (
            self.app.stack.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self.app.database.orders,
                FilterExpression="begins_with(sk, :shipment)",
                ExpressionAttributeValues=to_item({":shipment": "SHP#"}),
            )
        )
        shipments = [
            decode(Shipment, from_item(item)["shipment"])
            for page in pages
            for item in page["Items"]
        ]
        sent = [shipment for shipment in shipments if shipment.parcel_number]
        sent.sort(key=lambda s: s.shipped_at or s.created_at, reverse=True)
        names = ("carrier", "parcel_number", "order_id", "node", "tracking", "shipped_at")
        return Response.of_json(
            {
                "parcels": [
                    {name: encode(getattr(shipment, name)) for name in names}
                    | {"checkpoints": encode(shipment.checkpoints)}
                    for shipment in sent
                ]
            }
        )

    def clock(self, _: Request) -> Response:
        """The application's time."""
        return Response.of_json({"now": clock.now().isoformat()})

    def travel(self, body: ClockBody) -> Response:
        """Move the clock of the application and of the payment provider."""
        self.app.travel(timedelta(minutes=body.minutes))
        return Response.of_json({"now": clock.now().isoformat()})

    def sweep(self, _: NoBody) -> Response:
        """Run the sweeper now, which otherwise runs every minute."""
        self.app.stack.fire("SweeperFunction")
        return Response.of_json({"swept": True})

    def staff_session(self, _: NoBody) -> Response:
        """Sign the demo staff in by the public route, and pass on what it answers."""
        body = {"email": self.staff.email, "password": self.staff.password}
        return self.app.stack.request("POST", "/sessions", body)

    def carrier_event(self, body: CarrierBody) -> Response:
        """Sign a tracking event like the carrier and post it to the public webhook."""
        event = body.model_dump() | {
            "event_id": f"evt_{uuid.uuid4().hex[:12]}",
            "at": clock.now().isoformat(),
        }
        request = Request.build("POST", "/webhooks/carrier", event)
        signed = sign_standard(
            request.body, event["event_id"], self.app.carrier_secret, clock.now()
        )
        headers = [*request.headers, *signed.items()]
        return self.app.stack.request("POST", "/webhooks/carrier", request.body, headers)

    def openapi(self, _: Request) -> Response:
        """The API's description, with this machine's address in it."""
        document = self.description.result()
        return Response.of_json(document | {"servers": [{"url": self.app.url}]})


def _openapi() -> dict[str, Any]:
    """Made by a process of its own: it imports every function, which the stack is doing, too."""
    command = [sys.executable, "-m", "infra.cli.main", "openapi"]
    made = subprocess.run(command, cwd=PAGES.parents[1], capture_output=True, check=True)
    document: dict[str, Any] = json.loads(made.stdout)
    return document


def _reads(kind: type[_Body], answer: Callable[[Any], Response]) -> Answer:
    def handle(request: Request) -> Response:
        # A page of another origin can post a form here without asking, but not this content type.
        if (request.header("content-type") or "").split(";")[0].strip() != "application/json":
            return _problem(415, "Send application/json.")
        try:
            return answer(kind.model_validate_json(request.body))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return _problem(422, f"{where or 'body'}: {first['msg']}.")

    return handle


def _policy(app: Application) -> dict[str, str]:
    """Content security policies by the start of a path, the longest one counts."""
    reach = f"connect-src 'self' {app.url} {app.stripe.api_base}; "
    common = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    common += f"form-action 'self'; frame-ancestors 'self'; {reach}"
    # The OpenAPI viewer writes style attributes.
    return {"/": common, "/docs/": common + "style-src 'self' 'unsafe-inline'; "}


def _guarded(handle: Answer, policies: Mapping[str, str]) -> Answer:
    """`handle` for requests that name this machine, with the headers a page ought to have.

    A foreign name in Host means that a page elsewhere had its own name point here (DNS rebinding)
    to read the staff's tokens.
    """

    def guarded(request: Request) -> Response:
        if (request.header("host") or "").partition(":")[0] not in ("127.0.0.1", "localhost"):
            return _problem(421, "This console answers to 127.0.0.1 only.")
        response = handle(request)
        headers = [
            *response.headers,
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ]
        if response.header("content-security-policy") is None:
            longest = max((p for p in policies if request.path.startswith(p)), key=len)
            headers.append(("Content-Security-Policy", policies[longest]))
        return Response(response.status, headers, response.body)

    return guarded


def _described(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.message_id,
        "from": mail.sender,
        "to": list(mail.to),
        "subject": mail.subject,
        "sent_at": mail.sent_at.isoformat(),
        "text": mail.text or "",
        "html": mail.html is not None,
        "tags": dict(mail.tags),
        "configuration_set": mail.configuration_set or "",
    }


@cache
def _viewer() -> Path:
    """Where the installed package keeps Swagger UI's files (it is found, not imported: importing
    would bring in the web framework it is meant for)."""
    spec = importlib.util.find_spec("flask_swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("flask-swagger-ui is not installed; /docs/ shows its files")
    return Path(spec.submodule_search_locations[0]) / "dist"


def _viewer_file(name: str, _: Request) -> Response:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = [("Content-Type", kind), ("Cache-Control", "max-age=3600")]
    return Response(200, headers, (_viewer() / name).read_bytes())


def _problem(status: int, detail: str) -> Response:
    answer = Response.of_json({"title": "Refused", "status": status, "detail": escape(detail)})
    return Response(status, [("Content-Type", "application/problem+json")], answer.body)
