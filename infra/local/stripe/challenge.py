"""The page of the customer's bank: 3-D Secure with a button for each outcome."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web
from parcelway.domain.money import CURRENCIES
from parcelway.ports.stripe_api import from_stripe_amount

from infra.local.stripe import intents
from infra.local.stripe.account import Account
from infra.local.stripe.errors import Json, Refusal

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(slots=True)
class Challenges:
    """The open challenges by payment. A page's address holds a token, so it cannot be guessed."""

    account: Account
    base: str = ""
    _tokens: dict[str, str] = field(default_factory=dict)
    _open: dict[str, tuple[intents.PresentedCard, str]] = field(default_factory=dict)

    def url(self, reference: str) -> str:
        """The address of the payment's page."""
        token = self._tokens.setdefault(reference, secrets.token_urlsafe(18))
        return f"{self.base}/_standin/3ds/{reference}?{urlencode({'token': token})}"

    def open(self, reference: str, card: intents.PresentedCard, return_url: str) -> None:
        """Wait for the customer; `return_url` is where the page sends the browser afterwards."""
        self._open[reference] = (card, return_url)

    def routes(self) -> list[web.RouteDef]:
        """GET shows the page, POST answers it."""
        return [
            web.get("/_standin/3ds/{id}", self._show),
            web.post("/_standin/3ds/{id}", self._answer),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        intent = self._find(request)
        if intent["status"] != "requires_action":
            return self._back(intent)
        card, _ = self._open[intent["id"]]
        page = _page(intent, card.payment_method["card"]["last4"])
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)

    async def _answer(self, request: web.Request) -> web.Response:
        intent = self._find(request)
        if intent["status"] == "requires_action":
            outcome = (await request.post()).get("outcome")
            if outcome not in ("complete", "fail"):
                raise web.HTTPBadRequest(text="outcome is complete or fail")
            card, _ = self._open[intent["id"]]
            intents.authenticate(self.account, intent, card, outcome == "complete")
        return self._back(intent)

    def _find(self, request: web.Request) -> Json:
        reference, token = request.match_info["id"], request.query.get("token", "")
        expected = self._tokens.get(reference, "")
        known = reference in self._open
        if not (known and hmac.compare_digest(token.encode(), expected.encode())):
            raise web.HTTPNotFound(text="There is nothing to authenticate here.")
        try:
            return self.account.get("payment_intent", reference)
        except Refusal as refusal:
            raise web.HTTPNotFound(text=str(refusal)) from refusal

    def _back(self, intent: Json) -> web.Response:
        """To the shop, with the three parameters Stripe adds to a return URL."""
        _, return_url = self._open[intent["id"]]
        succeeded = intent["status"] in ("requires_capture", "succeeded", "processing")
        added = urlencode(
            {
                "payment_intent": intent["id"],
                "payment_intent_client_secret": intent["client_secret"],
                "redirect_status": "succeeded" if succeeded else "failed",
            }
        )
        if not return_url:
            return web.Response(text="Done. You can close this page.", headers=_HEADERS)
        parts = urlsplit(return_url)
        query = f"{parts.query}&{added}" if parts.query else added
        target = urlunsplit(parts._replace(query=query))
        return web.Response(status=303, headers={**_HEADERS, "Location": target})


def _amount(intent: Json) -> str:
    if intent["currency"].upper() not in CURRENCIES:
        return f"{intent['amount']} {intent['currency'].upper()} (minor units)"
    return str(from_stripe_amount(intent["amount"], intent["currency"]))


def _page(intent: Json, last4: str) -> str:
    description = escape(intent["description"] or "Your purchase")
    return _TEMPLATE.format(
        amount=escape(_amount(intent)), description=description, last4=escape(last4)
    )


_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Confirm your payment</title>
<style>
  :root {{ color-scheme: light dark; --ink: #1d2433; --soft: #667085; --line: #e4e7ec;
    --card: #fff; --page: #f2f4f7; --accent: #2348d6; }}
  @media (prefers-color-scheme: dark) {{ :root {{ --ink: #f2f4f7; --soft: #98a2b3;
    --line: #344054; --card: #1d2433; --page: #101828; --accent: #8ea6ff; }} }}
  * {{ box-sizing: border-box; }}
  body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
    background: var(--page); color: var(--ink);
    font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }}
  main {{ width: 100%; max-width: 26rem; background: var(--card); border: 1px solid var(--line);
    border-radius: 14px; padding: 1.75rem; box-shadow: 0 12px 32px rgb(16 24 40 / .12); }}
  header {{ display: flex; justify-content: space-between; font-size: .8rem; color: var(--soft);
    letter-spacing: .04em; text-transform: uppercase; }}
  h1 {{ font-size: 1.35rem; margin: 1rem 0 .25rem; }}
  p {{ margin: 0 0 1.25rem; color: var(--soft); }}
  dl {{ margin: 0 0 1.5rem; border-block: 1px solid var(--line); padding: .5rem 0;
    display: grid; grid-template-columns: auto 1fr; gap: .35rem 1rem; }}
  dt {{ color: var(--soft); }}
  dd {{ margin: 0; text-align: right; font-variant-numeric: tabular-nums;
    overflow-wrap: anywhere; }}
  button {{ width: 100%; min-height: 44px; padding: .7rem 1rem; border-radius: 9px; font: inherit;
    font-weight: 600; cursor: pointer; border: 1px solid var(--line); background: none;
    color: inherit; }}
  button:focus-visible {{ outline: 3px solid var(--accent); outline-offset: 2px; }}
  button.primary {{ background: #2348d6; border-color: #2348d6; color: #fff;
    margin-bottom: .6rem; }}
  small {{ display: block; margin-top: 1.25rem; color: var(--soft); text-align: center; }}
</style>
</head>
<body>
<main>
  <header><span>Test bank</span><span>3-D Secure</span></header>
  <h1>Is this you?</h1>
  <p>Your bank asks you to confirm this card payment.</p>
  <dl>
    <dt>Amount</dt><dd><strong>{amount}</strong></dd>
    <dt>For</dt><dd>{description}</dd>
    <dt>Card</dt><dd>•••• {last4}</dd>
  </dl>
  <form method="post">
    <button class="primary" name="outcome" value="complete">Complete authentication</button>
    <button name="outcome" value="fail">Fail authentication</button>
  </form>
  <small>A local test page. No money moves.</small>
</main>
</body>
</html>
"""
