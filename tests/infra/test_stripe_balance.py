"""The stand-in's balance, payouts and disputes, through the official SDK: every cent is told of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe
from parcelway.domain.payout import BalanceTransaction
from parcelway.ports.payments import GatewayRefused
from parcelway.ports.stripe_disputes import StripeDisputes
from parcelway.ports.stripe_gateway import StripeGateway
from parcelway.ports.stripe_settlements import StripeSettlements

from infra.local.stripe import client
from infra.local.stripe.client import StandIn, Unanswered
from tests.infra.stripe_calls import create, events_of, usd

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    """One of its own: a payout takes all there is."""
    with client.start() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_left(standin: StandIn) -> Iterator[None]:
    """A test never finds another's funds."""
    yield
    standin.set_pricing(
        charge_rate=290, charge_fixed=30, dispute=1500, dispute_returned=False, tax=0, rates={}
    )
    standin.travel(3 * DAY)
    standin.pay_out()


def paid(
    standin: StandIn, gateway: StripeGateway, amount: int = 1000, card: str = "4242424242424242"
) -> str:
    """A payment that was captured whole."""
    payment = create(gateway, amount)
    standin.confirm(payment.client_secret, card)
    gateway.capture(payment.reference, usd(amount), key="s1", final=True)
    return payment.reference


def moved(sdk: stripe.StripeClient, **query: Any) -> list[dict[str, Any]]:
    """The balance's movements that a query finds, oldest first."""
    found = sdk.v1.balance_transactions.list({"limit": 100, **query})  # type: ignore[typeddict-item]
    return [made.to_dict() for made in found.auto_paging_iter()][::-1]


def sums(made: list[dict[str, Any]]) -> list[tuple[str, int, int, int]]:
    return [(each["reporting_category"], each["amount"], each["fee"], each["net"]) for each in made]


def of_payment(sdk: stripe.StripeClient, reference: str) -> list[dict[str, Any]]:
    """The movements that come from a payment, whatever it was: by what they expand to."""
    return [
        made
        for made in moved(sdk, expand=["data.source.payment_intent"])
        if ((made["source"] or {}).get("payment_intent") or {}).get("id") == reference
    ]


def test_each_capture_and_refund_moves_the_balance_once(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    payment = create(gateway, order="ord_balance")
    standin.confirm(payment.client_secret)
    assert of_payment(sdk, payment.reference) == []
    assert (
        sdk.v1.payment_intents.retrieve(
            payment.reference, {"expand": ["latest_charge"]}
        ).latest_charge.balance_transaction
        is None
    )  # type: ignore[union-attr]
    gateway.capture(payment.reference, usd(400), key="s1", final=False)
    gateway.capture(payment.reference, usd(300), key="s2", final=True)
    gateway.refund(payment.reference, usd(150), key="r1")
    made = of_payment(sdk, payment.reference)
    # 2.9 % and 30 cents of each capture; the rest of the hold is no movement, a refund costs
    # nothing and gives no fee back.
    assert sums(made) == [
        ("charge", 400, 42, 358),
        ("charge", 300, 39, 261),
        ("refund", -150, 0, -150),
    ]
    assert {each["source"]["payment_intent"]["metadata"]["order_id"] for each in made} == {
        "ord_balance"
    }
    assert [each["source"]["object"] for each in made] == ["charge", "charge", "refund"]
    assert {each["status"] for each in made} == {"pending"}
    assert sdk.v1.balance_transactions.retrieve(made[2]["id"]).type == "refund"
    assert sums(moved(sdk, source=made[2]["source"]["id"])) == sums(made[2:])


def test_a_refund_that_failed_comes_back(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    reference = paid(standin, gateway, card="4000000000005126")
    gateway.refund(reference, usd(150), key="r1")
    made = of_payment(sdk, reference)
    assert sums(made)[1:] == [("refund", -150, 0, -150), ("refund_failure", 150, 0, 150)]
    refund = sdk.v1.refunds.retrieve(made[1]["source"]["id"])
    assert refund.balance_transaction == made[1]["id"]
    assert refund.failure_balance_transaction == made[2]["id"]


def test_tax_on_fees_and_conversion_are_told_apart(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    standin.set_pricing(tax=1900, rates={"usd": ["eur", "0.9123"]})
    reference = paid(standin, gateway)
    (made,) = of_payment(sdk, reference)
    # 912.3 are 912; 2.9 % of it are 26, and 30 make 56; 19 % of those are 11.
    assert (made["amount"], made["currency"], made["exchange_rate"]) == (912, "eur", 0.9123)
    assert [(d["type"], d["amount"], d["currency"]) for d in made["fee_details"]] == [
        ("stripe_fee", 56, "eur"),
        ("tax", 11, "eur"),
    ]
    assert (made["fee"], made["net"]) == (67, 845)


def test_a_payout_takes_what_is_available_and_tells_of_what(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    first, second = paid(standin, gateway), paid(standin, gateway, 2000)
    gateway.refund(first, usd(100), key="r1")
    standin.charge_fee(70, "usd")
    early = paid(standin, gateway, card="4000000000000077")
    (at_once,) = standin.pay_out()
    assert sums(moved(sdk, payout=at_once)) == [
        ("fee", -70, 0, -70),
        ("charge", 1000, 59, 941),
        ("payout", -871, 0, -871),
    ]
    assert standin.pay_out() == []
    standin.travel(2 * DAY)
    (payout_id,) = standin.pay_out()
    payout = sdk.v1.payouts.retrieve(payout_id)
    bundle = moved(sdk, payout=payout_id)
    assert sums(bundle) == [
        ("charge", 1000, 59, 941),
        ("charge", 2000, 88, 1912),
        ("refund", -100, 0, -100),
        ("payout", -2753, 0, -2753),
    ]
    assert (payout.amount, payout.currency, payout.status) == (2753, "usd", "paid")
    assert (payout.automatic, payout.reconciliation_status) == (True, "completed")
    assert payout.balance_transaction == bundle[-1]["id"]
    assert sum(each["net"] for each in bundle) == 0
    assert {first, second}.isdisjoint({early})
    assert [made.id for made in sdk.v1.payouts.list({"limit": 2})] == [payout_id, at_once]
    since = sdk.v1.payouts.list({"created": {"gt": sdk.v1.payouts.retrieve(at_once).created}})
    assert [made.id for made in since] == [payout_id]
    assert events_of(sdk, payout_id) == [
        "payout.created",
        "payout.paid",
        "payout.reconciliation_completed",
    ]
    assert standin.pay_out() == []


def test_each_currency_is_paid_out_by_itself(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    paid(standin, gateway, card="4000000000000077")
    standin.charge_fee(50, "eur")
    standin.charge_fee(-80, "eur")
    amounts = {
        payout.currency: payout.amount for payout in map(sdk.v1.payouts.retrieve, standin.pay_out())
    }
    assert amounts == {"usd": 941, "eur": 30}


def test_a_payout_that_failed_is_paid_out_once_more(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    paid(standin, gateway, card="4000000000000077")
    (failed,) = standin.pay_out()
    standin.fail_payout(failed)
    payout = sdk.v1.payouts.retrieve(failed)
    assert (payout.status, payout.failure_code) == ("failed", "account_closed")
    assert events_of(sdk, failed)[-1] == "payout.failed"
    with pytest.raises(Unanswered):
        standin.fail_payout(failed)
    (again,) = standin.pay_out()
    assert sums(moved(sdk, payout=again)) == [
        ("payout_reversal", 941, 0, 941),
        ("payout", -941, 0, -941),
    ]


def test_a_chargeback_takes_the_money_and_its_fee(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    reference = paid(standin, gateway, card="4000000000000259")
    (dispute,) = sdk.v1.disputes.list({"payment_intent": reference})
    assert (dispute.amount, dispute.reason, dispute.status) == (
        1000,
        "fraudulent",
        "needs_response",
    )
    assert dispute.evidence_details.due_by and not dispute.is_charge_refundable
    assert sums(of_payment(sdk, reference))[1:] == [("dispute", -1000, 1500, -2500)]
    with pytest.raises(GatewayRefused) as refused:
        gateway.refund(reference, usd(100), key="r1")
    assert refused.value.code == "charge_disputed"
    closed = sdk.v1.disputes.close(dispute.id)
    assert (closed.status, len(closed.balance_transactions)) == ("lost", 1)
    assert events_of(sdk, dispute.id) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    ]
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.disputes.close(dispute.id)


@pytest.mark.parametrize("returned", [False, True])
def test_evidence_wins_the_money_back(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient, returned: bool
) -> None:
    standin.set_pricing(dispute_returned=returned)
    reference = paid(standin, gateway, card="4000000000002685")
    (dispute,) = sdk.v1.disputes.list({"payment_intent": reference})
    staged = sdk.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "soon"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    under_review = sdk.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "a photograph"}}
    )
    assert (under_review.status, under_review.evidence_details.submission_count) == (
        *("under_review", 1),
    )
    won = sdk.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}
    )
    assert won.status == "won"
    fee = -1500 if returned else 0
    assert sums(of_payment(sdk, reference))[1:] == [
        ("dispute", -1000, 1500, -2500),
        ("dispute_reversal", 1000, fee, 1000 - fee),
    ]
    assert events_of(sdk, dispute.id)[-2:] == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert gateway.refund(reference, usd(100), key="r1").refunded == usd(100)


def test_an_inquiry_moves_no_money_and_allows_a_refund(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    reference = paid(standin, gateway, card="4000000000001976")
    (dispute,) = sdk.v1.disputes.list({"payment_intent": reference})
    assert dispute.status == "warning_needs_response" and dispute.is_charge_refundable
    assert gateway.refund(reference, usd(1000), key="r1").refunded == usd(1000)
    standin.end_dispute(dispute.id, won=False)
    assert sdk.v1.disputes.retrieve(dispute.id).status == "warning_closed"
    assert [each[0] for each in sums(of_payment(sdk, reference))] == ["charge", "refund"]


def test_part_of_a_payment_and_a_refunded_one_can_be_disputed(
    standin: StandIn, gateway: StripeGateway, sdk: stripe.StripeClient
) -> None:
    reference = paid(standin, gateway)
    gateway.refund(reference, usd(1000), key="r1")
    standin.dispute(reference, amount=250, reason="duplicate")
    assert sums(of_payment(sdk, reference))[2:] == [("dispute", -250, 1500, -1750)]
    for wrong in ({"amount": 1001}, {"reason": "whim"}):
        with pytest.raises(Unanswered):
            standin.dispute(reference, **wrong)
    with pytest.raises(Unanswered):
        standin.dispute(create(gateway).reference)


def test_the_port_tells_how_a_payments_disputes_are(
    standin: StandIn, gateway: StripeGateway
) -> None:
    port = StripeDisputes(standin.secret_key, api_base=standin.api_base)
    reference = paid(standin, gateway)
    assert port.of_payment(reference) == ()
    asked = standin.dispute(reference, amount=400, reason="unrecognized", inquiry=True)
    (inquiry,) = port.of_payment(reference)
    assert (inquiry.reference, inquiry.payment, inquiry.amount) == (asked, reference, usd(400))
    assert (inquiry.status, inquiry.inquiry, inquiry.taken) == ("needs_response", True, 0)
    assert inquiry.due_by == inquiry.opened_at + timedelta(days=14)
    standin.end_dispute(asked, won=True)
    charged = standin.dispute(reference, reason="duplicate")
    known = {each.reference: each for each in port.of_payment(reference)}
    assert (known[asked].status, known[asked].open) == ("closed", False)
    assert (known[charged].reason, known[charged].taken) == ("duplicate", 1000)
    standin.end_dispute(charged, won=False)
    known = {each.reference: each for each in port.of_payment(reference)}
    assert (known[charged].status, known[charged].lost) == ("lost", 1000)


def settlements(standin: StandIn, deployment: str = "shop") -> StripeSettlements:
    return StripeSettlements(standin.secret_key, deployment=deployment, api_base=standin.api_base)


def everything(port: StripeSettlements, payout: str, limit: int) -> list[BalanceTransaction]:
    """A payout's movements, read in pages of `limit`."""
    found: list[BalanceTransaction] = []
    more = True
    while more:
        page = port.transactions(payout, found[-1].id if found else "", limit)
        found += page.transactions
        more = page.more
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_port_tells_what_a_payout_is_made_of(
    standin: StandIn, gateway: StripeGateway, limit: int
) -> None:
    """In euros, of dollars that were captured in parts, refunded and disputed; fees have tax."""
    standin.set_pricing(tax=1900, rates={"usd": ["eur", "0.9123"]})
    port = settlements(standin)
    payment = create(gateway, 30000)
    standin.confirm(payment.client_secret)
    gateway.capture(payment.reference, usd(12345), key="s1", final=False)
    gateway.capture(payment.reference, usd(10001), key="s2", final=True)
    gateway.refund(payment.reference, usd(999), key="r1")
    dispute = standin.dispute(payment.reference, amount=501)
    standin.charge_fee(70, "eur")
    standin.travel(3 * DAY)
    (payout,) = standin.pay_out()
    seen = port.payout(payout)
    assert (seen.status, seen.itemised, seen.gateway) == ("paid", "yes", "stripe")
    found = everything(port, payout, limit)
    assert [each.kind for each in found] == ["fee", "dispute", "refund", "charge", "charge"]
    assert all(each.adds_up for each in found)
    assert sum(each.net.minor for each in found) == seen.amount.minor
    assert {each.net.currency for each in found} == {"EUR"}
    fee, disputed, refund, second, first = found
    # A fee for no payment is no gross; the rest is exactly what was taken and given in dollars.
    assert (fee.gross.minor, fee.fee.minor, fee.payment, fee.original) == (0, 70, "", None)
    originals = [each.original for each in (first, second, refund, disputed)]
    assert originals == [usd(12345), usd(10001), usd(-999), usd(-501)]
    assert (disputed.source, disputed.fee.minor, disputed.fee_tax.minor) == (dispute, 1500, 285)
    assert {each.payment for each in found[1:]} == {payment.reference}
    assert {(each.order_id, each.attempt) for each in found[1:]} == {(payment.order_id, 1)}
    assert {each.exchange_rate for each in found[1:]} == {"0.9123"}
    assert next(port.since(seen.created_at)).id == payout
    with pytest.raises(GatewayRefused) as refused:
        port.payout("po_none")
    assert refused.value.code == "resource_missing"


def test_what_another_system_at_the_account_moved_is_foreign(
    standin: StandIn, sdk: stripe.StripeClient
) -> None:
    """Each deployment sees its own payments with their orders; the other's, and what a till made,
    are foreign whatever they are, and can be read."""
    standin.charge_fee(-100_000, "usd")  # whatever other tests have left is paid out before
    standin.travel(3 * DAY)
    standin.pay_out()
    shops = {
        name: StripeGateway(standin.secret_key, deployment=name, api_base=standin.api_base)
        for name in ("shop", "test")
    }
    made = {name: paid(standin, gateway, 9000) for name, gateway in shops.items()}
    shops["test"].refund(made["test"], usd(400), key="r1")
    standin.dispute(made["test"], amount=300)
    till = sdk.v1.payment_intents.create(
        {"amount": 700, "currency": "usd", "metadata": {"deployment": "till", "attempt": "first"}}
    )
    assert till.client_secret
    standin.confirm(till.client_secret)
    standin.charge_fee(70, "usd")
    standin.travel(3 * DAY)
    (payout,) = standin.pay_out()
    ours = everything(settlements(standin), payout, 100)
    assert [each.kind for each in ours] == ["fee", *["foreign"] * 4, "charge"]
    assert ours[-1].payment == made["shop"] and ours[-1].order_id
    assert {(each.order_id, each.attempt) for each in ours[:-1]} == {("", 0)}
    theirs = everything(settlements(standin, "test"), payout, 100)
    kinds = ["fee", "foreign", "dispute", "refund", "charge", "foreign"]
    assert [each.kind for each in theirs] == kinds
    assert {each.payment for each in theirs[2:5]} == {made["test"]}
    nets = [each.net for each in ours]
    assert nets == [each.net for each in theirs]
    assert sum(net.minor for net in nets) == settlements(standin).payout(payout).amount.minor


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"payout": "po_none"}, "id"),
        ({"ending_before": "txn_none"}, "ending_before"),
        ({"created": {"after": 1}}, "created"),
        ({"limit": 101}, "limit"),
        ({"expand": ["data.colour"]}, "expand"),
    ],
)
def test_a_list_is_asked_for_rightly_or_not_at_all(
    standin: StandIn,
    gateway: StripeGateway,
    sdk: stripe.StripeClient,
    query: dict[str, Any],
    param: str,
) -> None:
    paid(standin, gateway)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        moved(sdk, **query)
    assert refused.value.param == param


def test_prices_that_do_not_exist_are_refused(standin: StandIn) -> None:
    for wrong in ({"discount": 1}, {"tax": "much"}):
        with pytest.raises(Unanswered):
            standin.set_pricing(**wrong)
