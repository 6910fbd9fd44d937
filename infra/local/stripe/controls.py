"""What tests and the demo may do that Stripe's API cannot: settle, replay, travel, break."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from infra.local.stripe import balance, disputes, intents, payouts, refunds
from infra.local.stripe.account import Account
from infra.local.stripe.delivery import Deliveries
from infra.local.stripe.errors import Json, Refusal, invalid
from infra.local.stripe.faults import Faults


@dataclass(slots=True)
class Controls:
    """Every control is a POST of JSON under /_standin and answers JSON."""

    account: Account
    deliveries: Deliveries
    faults: Faults

    def routes(self) -> list[web.RouteDef]:
        """The controls by path."""
        controls: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "webhooks": self.webhooks,
            "settle": self.settle,
            "replay": self.replay,
            "clock": self.clock,
            "faults": self.break_,
            "fail_refund": self.fail_refund,
            "decline_off_session": self.decline_off_session,
            "pricing": self.pricing,
            "charge_fee": self.charge_fee,
            "pay_out": self.pay_out,
            "fail_payout": self.fail_payout,
            "dispute": self.dispute,
            "end_dispute": self.end_dispute,
        }
        return [web.post(f"/_standin/{name}", _json(control)) for name, control in controls.items()]

    async def webhooks(self, body: Json) -> Json:
        """`{"url", "secrets", "copies", "shuffle", "spread", "first_pause"}`, any of them."""
        self.deliveries.configure(body)
        return {}

    async def settle(self, _: Json) -> Json:
        """Answers once every queued delivery is made or given up."""
        return await self.deliveries.settle()

    async def replay(self, body: Json) -> Json:
        """`{"event": "evt_..."}`: deliver that event again."""
        self.deliveries.send(self.account.get("event", str(body.get("event"))))
        return {}

    async def clock(self, body: Json) -> Json:
        """`{"travel": seconds}`: move this account's clock; holds older than 7 days lapse."""
        seconds = body.get("travel")
        if not isinstance(seconds, int | float):
            raise invalid("travel is a number of seconds", param="travel")
        self.account.shift += seconds
        intents.expire_holds(self.account)
        return {"now": self.account.now()}

    async def break_(self, body: Json) -> Json:
        """`{"latency", "statuses", "lose_answers"}`, any of them."""
        self.faults.configure(body)
        return {}

    async def fail_refund(self, body: Json) -> Json:
        """`{"refund": "re_..."}`: the customer's bank sends the refund back."""
        return refunds.fail(self.account, str(body.get("refund")))

    async def decline_off_session(self, body: Json) -> Json:
        """`{"times": 1}`: the bank declines so many of the next charges without their holder."""
        self.account.refusals = int(body["times"])
        return {}

    async def pricing(self, body: Json) -> Json:
        """Any of the fields of Pricing: what the account pays, and settles in."""
        self.account.pricing = self.account.pricing.changed(body)
        return {}

    async def charge_fee(self, body: Json) -> Json:
        """`{"amount", "currency"}`: a fee that is for no payment."""
        return balance.charge_fee(
            self.account, int(body["amount"]), str(body["currency"]), "Radar for Fraud Teams"
        )

    async def pay_out(self, _: Json) -> Json:
        """The day's payouts, one for each currency."""
        return {"payouts": [payout["id"] for payout in payouts.pay_out(self.account)]}

    async def fail_payout(self, body: Json) -> Json:
        """`{"payout": "po_..."}`: the shop's bank sends it back."""
        return payouts.fail(self.account, str(body.get("payout")))

    async def dispute(self, body: Json) -> Json:
        """`{"payment": "pi_...", "amount", "reason", "inquiry"}`, all but the first optional."""
        return disputes.of_payment(self.account, body)

    async def end_dispute(self, body: Json) -> Json:
        """`{"dispute": "du_...", "won": true}`: the customer's bank has decided."""
        dispute = self.account.get("dispute", str(body.get("dispute")))
        return disputes.end(self.account, dispute, won=body.get("won") is True)


def _json(
    control: Callable[[Json], Awaitable[Json]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        # A page of another site can send a form here, but not this content type without asking.
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="application/json only")
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise invalid("a JSON object is expected")
            return web.json_response(await control(body))
        except json.JSONDecodeError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)

    return handle
