"""The HTTP face: Stripe's API under /v1, our controls and the 3-D Secure page under /_standin."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from infra.local.stripe import customers, forms, intents
from infra.local.stripe.account import Account, new_id
from infra.local.stripe.endpoints import CALLS, Call, Endpoints
from infra.local.stripe.errors import Json, Refusal, invalid
from infra.local.stripe.faults import Faults
from infra.local.stripe.idempotency import Answer, Keys
from infra.local.stripe.parameters import check_parameters
from infra.local.stripe.payment_methods import Wallet

Endpoint = Callable[[str, Json], Awaitable[Json]]

# What Stripe.js is told about a payment; the rest is the shop's business.
_PUBLIC = (
    *("id", "object", "amount", "capture_method", "client_secret", "created", "currency"),
    *("description", "livemode", "status", "last_payment_error", "next_action"),
    *("payment_method", "payment_method_types", "canceled_at"),
)
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Stripe-Version",
    "Access-Control-Max-Age": "600",
}


@dataclass(slots=True)
class Front:
    """One account behind HTTP.

    `secret_key` opens everything, `publishable_key` what a browser may.
    """

    account: Account
    endpoints: Endpoints
    wallet: Wallet
    faults: Faults
    keys: Keys
    secret_key: str
    publishable_key: str

    def routes(self) -> list[web.RouteDef]:
        """Everything under /v1. What is not the front's own goes to localstripe."""
        routes = [
            web.route(
                *_aiohttps(where), self._endpoint(call.name, self._handler(call), call.public)
            )
            for where, call in CALLS.items()
        ]
        creates = self._endpoint("", self._create_payment_method, True)
        return [
            *routes,
            web.post("/v1/payment_methods", creates),
            web.options("/v1/{path:.*}", _preflight),
            web.route("*", "/v1/{path:.*}", self._forward),
        ]

    # the endpoints: (id, parameters) -> Stripe's JSON

    def _handler(self, call: Call) -> Endpoint:
        does = getattr(self.endpoints, call.does)

        async def handle(reference: str, params: Json) -> Json:
            answer: Json = does(reference, params)
            return answer

        async def handle_card(reference: str, params: Json) -> Json:
            if reference:
                self.account.get("payment_intent", reference)
            card = customers.saved_card(self.account, params) or await self.wallet.present(params)
            answer: Json = does(reference, params, card)
            return answer

        return handle_card if call.presents else handle

    async def _create_payment_method(self, _: str, params: Json) -> Json:
        return await self.wallet.create(params)

    # around the endpoints: keys, parameters, idempotency, faults

    def _endpoint(
        self, name: str, handler: Endpoint, public: bool
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                params = forms.parse(await request.text() or request.query_string)
                browser = self._who(request, params, public)
                if name:
                    check_parameters(name, params)
                self.faults.refuse()
                answer = await self._once(request, params, handler)
            except Refusal as refusal:
                return _respond(refusal.status, refusal.body)
            if request.method == "POST" and self.faults.lose() and request.transport:
                request.transport.abort()
            body = _public(answer.body) if browser else answer.body
            return _respond(answer.status, body)

        return handle

    async def _once(self, request: web.Request, params: Json, handler: Endpoint) -> Answer:
        key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        fingerprint = json.dumps([request.path, params], sort_keys=True)
        if key and (answer := self.keys.begin(key, fingerprint)):
            return answer
        answer = None
        try:
            answer = await self._answer(request.match_info.get("id", ""), params, handler)
        finally:
            if key:
                self.keys.end(key, answer)
        return answer

    async def _answer(self, reference: str, params: Json, handler: Endpoint) -> Answer:
        await asyncio.sleep(self.faults.latency)
        intents.expire_holds(self.account)
        try:
            return Answer(200, await handler(reference, params))
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body, refusal.executed)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        try:
            self._who(request, {}, False)
        except Refusal as refusal:
            return _respond(refusal.status, refusal.body)
        status, body = await self.wallet.upstream.forward(
            request.method,
            request.path_qs,
            await request.read(),
            request.headers.get("Content-Type", "application/x-www-form-urlencoded"),
        )
        return web.Response(status=status, body=body, content_type="application/json")

    def _who(self, request: web.Request, params: Json, public: bool) -> bool:
        """Whether a browser calls. Raises Refusal 401 for anybody but the account and, where
        `public`, a holder of the publishable key who knows the intent's client secret.
        """
        key = _api_key(request) or str(params.pop("key", ""))
        given = str(params.pop("client_secret", ""))
        if hmac.compare_digest(key.encode(), self.secret_key.encode()):
            return False
        if not (public and hmac.compare_digest(key.encode(), self.publishable_key.encode())):
            raise invalid("Invalid API Key provided", status=401)
        if reference := request.match_info.get("id"):
            secret: str = self.account.get("payment_intent", reference)["client_secret"]
            if not hmac.compare_digest(given.encode(), secret.encode()):
                message = "The client_secret provided does not match this PaymentIntent's."
                code = "payment_intent_invalid_parameter"
                raise invalid(message, code=code, param="client_secret")
        return True


def _aiohttps(where: str) -> tuple[str, str]:
    """The method and path of a key of CALLS as aiohttp writes them."""
    method, path = where.split(" ")
    return method, f"/v1/{path.replace('*', '{id}')}"


def _api_key(request: web.Request) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""


def _public(body: Json) -> Json:
    if "error" in body:
        shown = dict(body["error"])
        if "payment_intent" in shown:
            shown["payment_intent"] = _public(shown["payment_intent"])
        return {"error": shown}
    if body.get("object") != "payment_intent":
        return body
    return {name: body[name] for name in _PUBLIC}


def _respond(status: int, body: Json) -> web.Response:
    headers = {**_CORS, "Request-Id": new_id("req")}
    return web.json_response(body, status=status, headers=headers)


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204, headers=_CORS)
