"""Parcelway itself on the embedded stack: the stack, the payment stand-in, secrets, sample data."""

from __future__ import annotations

import io
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from parcelway.ports import clock, secret_values
from parcelway.store.database import Database

from infra.cli.load import load
from infra.local.stack import Stack
from infra.local.stripe import client as stripe
from infra.local.stripe.client import StandIn

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "infra" / "sample"
MAIL_FROM = "shop@parcelway.example"
SAMPLE_FILES = {
    "shop": SAMPLE / "shop.json",
    "nodes": SAMPLE / "nodes.json",
    "places": SAMPLE / "places.json",
    "services": SAMPLE / "services.json",
    "catalogue": SAMPLE / "catalogue.jsonl",
    "kits": SAMPLE / "kits.jsonl",
    "offers": SAMPLE / "offers.json",
    "stock": SAMPLE / "stock.jsonl",
}


@dataclass(frozen=True, slots=True)
class Application:
    """A running Parcelway: its stack, the payment stand-in, and where its API is."""

    stack: Stack
    stripe: StandIn
    url: str
    carrier_secret: str

    @property
    def database(self) -> Database:
        """The tables, reached like an operator would."""
        names = ("Customers", "Catalogue", "Stock", "Orders", "Ledger")
        tables = [self.stack.resource(f"{name}Table") for name in names]
        return Database(self.stack.client("dynamodb"), *tables)

    def load(self, files: Mapping[str, Path], to: TextIO | None = None) -> None:
        """Load data files and wait until they are searchable. Raises ValueError for bad rows."""
        report = load(self.database, dict(files), to or io.StringIO())
        if report.bad:
            raise ValueError(f"{len(report.bad)} bad rows, the first: {report.bad[0]}")
        self.stack.settle(120)

    def travel(self, by: timedelta) -> None:
        """Move the clock of the whole application."""
        clock.travel(by)
        self.stripe.travel(by)

    def settle(self, timeout: float = 60) -> None:
        """Wait until nothing is under way any more: here, at the provider, and here again."""
        self.stack.settle(timeout)
        self.stripe.settle()
        self.stack.settle(timeout)


_PAYMENT_PAGE = "http://127.0.0.1:{port}/shop/#/pay/{{number}}/{{token}}"
_APPROVAL_PAGE = "http://127.0.0.1:{port}/shop/#/approvals/{{cart}}"
_CART_PAGE = "http://127.0.0.1:{port}/shop/#/checkout/{{cart}}"
_PASSWORD_PAGE = "http://127.0.0.1:{port}/shop/#/welcome/"


@contextmanager
def running(
    port: int = 0,
    *,
    template: Path = ROOT / "template.yaml",
    public_url: str = "",
    console_port: int = 0,
    run_schedules: bool = False,
    multicapture: bool = True,
) -> Iterator[Application]:
    """Parcelway for the length of the block, without data; `port` 0 takes a free one. Who is to pay
    an order by a link is led to the storefront at `console_port`; with 0 there is none, and links
    lead to where nothing is."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    carrier_secret = "whsec_" + secrets.token_urlsafe(24).replace("-", "A").replace("_", "B")
    webhook = f"{url}/webhooks/stripe"
    with stripe.start(webhook, multicapture=multicapture) as stand_in:
        parameters = {
            "PublicUrl": public_url or url,
            "PaymentPage": _PAYMENT_PAGE.format(port=console_port or port),
            "ApprovalPage": _APPROVAL_PAGE.format(port=console_port or port),
            "CartPage": _CART_PAGE.format(port=console_port or port),
            "PasswordPage": _PASSWORD_PAGE.format(port=console_port or port),
            "MailFrom": MAIL_FROM,
            "StripePublishableKey": stand_in.publishable_key,
            "StripeApiBase": stand_in.api_base,
        }
        with Stack(template, parameters, run_schedules=run_schedules) as stack:
            for name, value in (
                ("stripe-secret-key", stand_in.secret_key),
                ("stripe-webhook-secrets", stand_in.webhook_secret),
                ("carrier-webhook-secrets", carrier_secret),
            ):
                stack.client("ssm").put_parameter(
                    Name=f"/parcelway/{name}", Value=value, Type="SecureString"
                )
            secret_values.forget()  # those of an application before this one
            stack.client("sesv2").create_email_identity(EmailIdentity=MAIL_FROM)
            stack.serve(port=port)
            try:
                yield Application(stack, stand_in, url, carrier_secret)
                refused = stack.permissions.denied()
                if refused:
                    raise RuntimeError(f"used, but not granted: {refused}")
            finally:
                clock.reset()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
