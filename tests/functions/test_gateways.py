"""What every payment gateway keeps to, whoever is behind it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from parcelway.domain.credit import CreditAccount
from parcelway.domain.money import Money, zero
from parcelway.ports.invoice_gateway import InvoiceGateway
from parcelway.ports.payments import (
    GatewayPayment,
    GatewayRefused,
    PaymentDeclined,
    PaymentGateway,
)
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.store.commit import commit
from parcelway.store.credit import account_write, get_account
from parcelway.store.database import Database

from infra.local.stripe import client
from infra.local.stripe.client import StandIn
from tests.functions.tables import aws

AMOUNTS = [Money(12_340, "USD"), Money(5_000, "JPY"), Money(9_870, "KWD")]
ACCOUNT = {"USD": "acme", "JPY": "acme-jp", "KWD": "acme-kw"}


@dataclass
class Party:
    """A gateway, and how its customers come to pay what they were asked for."""

    gateway: PaymentGateway
    confirm: Callable[[GatewayPayment], Any]

    def asked(self, amount: Money, attempt: int = 1, order: str = "") -> GatewayPayment:
        return self.gateway.create(
            order_id=order or f"ord_{uuid.uuid4().hex}",
            attempt=attempt,
            amount=amount,
            description="Order P-1",
            receipt_reference="P-1",
            account=ACCOUNT[amount.currency],
        )

    def authorized(self, amount: Money) -> GatewayPayment:
        asked = self.asked(amount)
        self.confirm(asked)
        return self.gateway.authorize(asked.reference)


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with client.start() as running:
        yield running


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with aws(monkeypatch) as tables:
        yield tables


@pytest.fixture
def invoices(db: Database) -> InvoiceGateway:
    for currency, name in ACCOUNT.items():
        commit(db.client, [account_write(db, CreditAccount(name, 1, currency, 20_000, 30))])
    return InvoiceGateway(db)


@pytest.fixture(params=["card", "invoice"])
def party(request: pytest.FixtureRequest, standin: StandIn, invoices: InvoiceGateway) -> Party:
    if request.param == "card":
        stripe = StripeGateway(standin.secret_key, api_base=standin.api_base)
        return Party(stripe, lambda asked: standin.confirm(asked.client_secret))
    return Party(invoices, lambda _: None)


@pytest.fixture(params=AMOUNTS, ids=lambda amount: str(amount.currency))
def amount(request: pytest.FixtureRequest) -> Money:
    found: Money = request.param
    return found


def half(amount: Money) -> Money:
    return Money(amount.minor // 20 * 10, amount.currency)


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(GatewayRefused) as refused:
        call()
    return refused.value.code


def test_nothing_is_held_until_it_is_authorized(party: Party, amount: Money) -> None:
    asked = party.asked(amount)
    assert (asked.status, asked.authorized) == ("awaiting_customer", zero(amount.currency))
    party.confirm(asked)
    held = party.gateway.authorize(asked.reference)
    assert (held.status, held.authorized, held.captured) == (
        "authorized",
        amount,
        zero(amount.currency),
    )
    assert (
        held == party.gateway.authorize(asked.reference) == party.gateway.retrieve(held.reference)
    )


def test_an_attempt_is_one_payment(party: Party, amount: Money) -> None:
    first = party.asked(amount)
    again = party.asked(amount, order=first.order_id)
    assert again == first
    assert party.asked(amount, 2, first.order_id).reference != first.reference
    other = Money(amount.minor + 10, amount.currency)
    assert code_of(lambda: party.asked(other, order=first.order_id)) == "idempotency_error"


def test_partial_captures_add_up_and_the_final_one_releases_the_rest(
    party: Party, amount: Money
) -> None:
    held = party.authorized(amount)
    part = Money(amount.minor // 40 * 10, amount.currency)
    for key in ("shp_1", "shp_1", "shp_2"):
        after = party.gateway.capture(held.reference, part, key=key, final=False)
    assert (after.status, after.captured, after.authorized) == ("authorized", part * 2, amount)
    last = party.gateway.capture(held.reference, zero(amount.currency), key="end", final=True)
    assert (last.status, last.captured, last.authorized) == ("captured", part * 2, part * 2)
    assert party.gateway.capture(held.reference, part, key="shp_2", final=False) == last


def test_a_final_capture_of_less_is_all_there_is(party: Party, amount: Money) -> None:
    held = party.authorized(amount)
    party.gateway.capture(held.reference, half(amount), key="shp_1", final=True)
    code = code_of(
        lambda: party.gateway.capture(held.reference, half(amount), key="shp_2", final=True)
    )
    assert code == "payment_intent_unexpected_state"
    assert party.gateway.retrieve(held.reference).captured == half(amount)


def test_no_more_is_captured_than_is_held(party: Party, amount: Money) -> None:
    held = party.authorized(amount)
    more = Money(amount.minor + 10, amount.currency)
    code = code_of(lambda: party.gateway.capture(held.reference, more, key="shp_1", final=True))
    assert code == "amount_too_large"
    assert party.gateway.retrieve(held.reference) == held


def test_what_nobody_authorized_is_not_captured(party: Party, amount: Money) -> None:
    asked = party.asked(amount)
    code = code_of(lambda: party.gateway.capture(asked.reference, amount, key="s", final=True))
    assert code == "payment_intent_unexpected_state"


def test_refunds_are_made_once_and_never_exceed_what_was_captured(
    party: Party, amount: Money
) -> None:
    held = party.authorized(amount)
    nothing_yet = code_of(lambda: party.gateway.refund(held.reference, half(amount), key="ret_1"))
    assert nothing_yet == "refund_exceeds_capture"
    party.gateway.capture(held.reference, amount, key="shp_1", final=True)
    for _ in range(2):
        after = party.gateway.refund(held.reference, half(amount), key="ret_1")
        assert after.refunded == half(amount)
    left = amount - half(amount)
    over = Money(left.minor + 10, amount.currency)
    assert code_of(lambda: party.gateway.refund(held.reference, over, key="ret_2")) == (
        "refund_exceeds_capture"
    )
    assert party.gateway.refund(held.reference, left, key="ret_2").refunded == amount


def test_a_key_names_one_amount(party: Party, amount: Money) -> None:
    held = party.authorized(amount)
    part = half(amount)
    party.gateway.capture(held.reference, amount, key="shp_1", final=True)
    party.gateway.refund(held.reference, part, key="ret_1")
    assert code_of(
        lambda: party.gateway.capture(held.reference, part, key="shp_1", final=True)
    ) == ("idempotency_error")
    other = Money(part.minor - 10, amount.currency)
    assert code_of(lambda: party.gateway.refund(held.reference, other, key="ret_1")) == (
        "idempotency_error"
    )


def test_what_was_captured_is_not_voided(party: Party, amount: Money) -> None:
    held = party.authorized(amount)
    party.gateway.capture(held.reference, half(amount), key="shp_1", final=False)
    code = code_of(lambda: party.gateway.void(held.reference, key="cancel"))
    assert code == "payment_intent_unexpected_state"


@pytest.mark.parametrize("held", [True, False])
def test_a_payment_that_was_given_up_stays_so(party: Party, amount: Money, held: bool) -> None:
    payment = party.authorized(amount) if held else party.asked(amount)
    for _ in range(2):
        after = party.gateway.void(payment.reference, key="cancel")
        assert (after.status, after.captured) == ("voided", zero(amount.currency))
    code = code_of(lambda: party.gateway.capture(payment.reference, amount, key="s", final=True))
    assert code == "payment_intent_unexpected_state"


def test_an_unknown_payment_is_refused(party: Party) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: party.gateway.retrieve("pi_unknown"),
        lambda: party.gateway.authorize("pi_unknown"),
        lambda: party.gateway.capture("pi_unknown", Money(1, "USD"), key="k", final=True),
        lambda: party.gateway.void("pi_unknown", key="k"),
        lambda: party.gateway.refund("pi_unknown", Money(1, "USD"), key="k"),
    ]
    assert {code_of(call) for call in calls} == {"resource_missing"}


# on account


def ask(gateway: InvoiceGateway, minor: int, account: str = "acme") -> GatewayPayment:
    return gateway.create(
        order_id=f"ord_{uuid.uuid4().hex}",
        attempt=1,
        amount=Money(minor, "USD"),
        description="",
        receipt_reference="P-1",
        account=account,
    )


def open_of(db: Database) -> int:
    account = get_account(db, "acme")
    assert account is not None
    return account.open


def test_no_more_is_open_than_the_limit_allows(db: Database, invoices: InvoiceGateway) -> None:
    first, second = ask(invoices, 12_000), ask(invoices, 8_001)
    invoices.authorize(first.reference)
    with pytest.raises(PaymentDeclined) as declined:
        invoices.authorize(second.reference)
    assert (declined.value.code, open_of(db)) == ("credit_limit_exceeded", 12_000)
    invoices.capture(first.reference, Money(5_000, "USD"), key="shp_1", final=True)
    assert open_of(db) == 5_000
    assert invoices.authorize(second.reference).status == "authorized"
    assert open_of(db) == 13_001


def test_what_is_given_up_or_credited_frees_the_limit(
    db: Database, invoices: InvoiceGateway
) -> None:
    given_up, credited = ask(invoices, 4_000), ask(invoices, 6_000)
    for each in (given_up, credited):
        invoices.authorize(each.reference)
    invoices.void(given_up.reference, key="k")
    invoices.capture(credited.reference, Money(6_000, "USD"), key="shp_1", final=True)
    invoices.refund(credited.reference, Money(2_500, "USD"), key="ret_1")
    assert open_of(db) == 3_500


@pytest.mark.parametrize("account", ["", "unknown", "acme-jp"])
def test_who_has_no_terms_in_the_currency_does_not_buy_on_account(
    invoices: InvoiceGateway, account: str
) -> None:
    assert code_of(lambda: ask(invoices, 100, account)) == "no_terms"
