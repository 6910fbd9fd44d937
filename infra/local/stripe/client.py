"""Start the stand-in from Python and play the customer's browser: for tests and the demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local.stripe import forms
from infra.local.stripe.errors import Json

_ROOT = Path(__file__).resolve().parents[3]


class Unanswered(Exception):
    """The stand-in refused a call of this helper; the message is its error."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running stand-in: where it is, its keys, and what can be done to it."""

    api_base: str
    secret_key: str
    publishable_key: str
    webhook_secret: str

    def confirm(
        self,
        client_secret: str,
        card: str = "4242424242424242",
        authenticate: bool | None = True,
        return_url: str = "http://127.0.0.1/return",
    ) -> Json:
        """Pay like Stripe.js with a test card; the PaymentIntent as a browser may see it.

        If the bank wants 3-D Secure, `authenticate` answers it, None leaves the page unanswered.
        A decline is no exception: the intent says `requires_payment_method` and why. A number
        that is no test card never becomes a payment and raises Unanswered.
        """
        card_data = {"number": card, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        reference = client_secret.partition("_secret_")[0]
        values: Json = {
            "client_secret": client_secret,
            "return_url": return_url,
            "payment_method_data": {"type": "card", "card": card_data},
        }
        status, body = self._browser("POST", f"/v1/payment_intents/{reference}/confirm", values)
        if status >= 400 and "payment_intent" not in body["error"]:
            raise Unanswered(body["error"]["message"])
        intent: Json = body["error"]["payment_intent"] if status >= 400 else body
        if intent["status"] == "requires_action" and authenticate is not None:
            self.authenticate(intent["next_action"]["redirect_to_url"]["url"], authenticate)
            query = forms.encode({"client_secret": client_secret})
            _, intent = self._browser("GET", f"/v1/payment_intents/{reference}?{query}")
        return intent

    def authenticate(self, page_url: str, passed: bool) -> str:
        """Press a button on the 3-D Secure page; the URL the browser is sent back to."""
        outcome = forms.encode({"outcome": "complete" if passed else "fail"}).encode()
        request = urllib.request.Request(page_url, data=outcome, method="POST")
        try:
            with _without_redirects().open(request, timeout=10) as answer:
                raise Unanswered(f"the page answered {answer.status} instead of redirecting")
        except urllib.error.HTTPError as answer:
            if answer.code != 303:
                raise Unanswered(answer.read().decode()) from answer
            return answer.headers["Location"]

    def set_webhooks(self, **settings: object) -> None:
        """Change `url`, `secrets`, `copies`, `shuffle`, `spread`, `first_pause` of deliveries."""
        self._control("webhooks", dict(settings))

    def settle(self) -> dict[str, int]:
        """Wait until all queued webhooks are delivered or given up; the counts since the start."""
        return self._control("settle", {})

    def replay(self, event_id: str) -> None:
        """Deliver an event again, as the dashboard's resend button does."""
        self._control("replay", {"event": event_id})

    def travel(self, by: timedelta) -> None:
        """Move the provider's clock: keys are forgotten after a day, holds lapse after seven."""
        self._control("clock", {"travel": by.total_seconds()})

    def break_(self, **faults: object) -> None:
        """Order faults: `latency` seconds, `statuses` to answer next, `lose_answers` to POSTs."""
        self._control("faults", dict(faults))

    def fail_refund(self, refund_id: str) -> None:
        """Let the customer's bank send a refund back."""
        self._control("fail_refund", {"refund": refund_id})

    def decline_off_session(self, times: int = 1) -> None:
        """Have the bank decline the next charges made without the card's holder."""
        self._control("decline_off_session", {"times": times})

    def set_pricing(self, **prices: object) -> None:
        """Change what the account pays and settles in: the fields of `pricing.Pricing`."""
        self._control("pricing", dict(prices))

    def charge_fee(self, amount: int, currency: str) -> None:
        """Take a fee that is for no payment."""
        self._control("charge_fee", {"amount": amount, "currency": currency})

    def pay_out(self) -> list[str]:
        """The day's payouts, one for each currency: their ids."""
        made: list[str] = self._control("pay_out", {})["payouts"]
        return made

    def fail_payout(self, payout_id: str) -> None:
        """Let the shop's bank send a payout back."""
        self._control("fail_payout", {"payout": payout_id})

    def dispute(self, reference: str, **details: object) -> str:
        """The cardholder disputes a payment (`amount`, `reason`, `inquiry`); the dispute's id."""
        return str(self._control("dispute", {"payment": reference, **details})["id"])

    def end_dispute(self, dispute_id: str, *, won: bool) -> None:
        """Let the customer's bank decide a dispute."""
        self._control("end_dispute", {"dispute": dispute_id, "won": won})

    def _browser(self, method: str, path: str, values: Json | None = None) -> tuple[int, Json]:
        data = forms.encode(values).encode() if values else None
        headers = {"Authorization": f"Bearer {self.publishable_key}"}
        return _call(self.api_base + path, method, data, headers)

    def _control(self, name: str, values: Json) -> dict[str, Any]:
        url, data = f"{self.api_base}/_standin/{name}", json.dumps(values).encode()
        status, body = _call(url, "POST", data, {"Content-Type": "application/json"})
        if status >= 400:
            raise Unanswered(body["error"]["message"])
        return body


@contextmanager
def start(
    webhook_url: str = "",
    *,
    port: int = 0,
    webhook_secret: str = "whsec_standin",
    multicapture: bool = True,
) -> Iterator[StandIn]:
    """A stand-in of its own process for the length of the block; `port` 0 takes a free one."""
    command = [sys.executable, "-m", "infra.local.stripe", "--with-parent", f"--port={port}"]
    command += [f"--webhook-url={webhook_url}", f"--webhook-secret={webhook_secret}"]
    command += [] if multicapture else ["--no-multicapture"]
    paths = [str(_ROOT), str(_ROOT / "layers/parcelway"), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us, and we end it
    )
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise RuntimeError(f"the Stripe stand-in did not start: exit code {process.wait()}")
        yield StandIn(**json.loads(line))
    finally:
        with process:  # closes its pipes: the stand-in stops, and localstripe with it
            process.terminate()


def _call(url: str, method: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, Json]:
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _without_redirects() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)
