"""Finance: business accounts' credit, and the transfers that pay what was bought on account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

from parcelway.domain.authorization import observe
from parcelway.domain.credit import Claim, CreditAccount, Transfer, give_back, receive, with_terms
from parcelway.domain.facts import Facts
from parcelway.domain.payment import Payment
from parcelway.domain.refusals import Reason, Refusal
from parcelway.http.access import any_dossier
from parcelway.http.api import Api, staff
from parcelway.http.call import Call
from parcelway.http.paging import Page, from_cursor, to_cursor
from parcelway.http.schemas import Input, MoneyInput, Text
from parcelway.store import credit
from parcelway.store.commit import Stale, commit, until_fresh
from parcelway.store.database import database
from parcelway.store.orders import Dossier
from parcelway.store.saving import writes
from parcelway.store.shop import load_shop
from pydantic import Field
from views import (
    AccountView,
    ClaimsView,
    ClaimView,
    RepaymentsView,
    account_view,
    claim_view,
)

api = Api("credit")
handler = api
db = cache(database)

FINANCE = staff("finance", "admin")


class Terms(Input):
    """How much may be open in all, and how many days after its invoice something is due."""

    limit: MoneyInput
    days: int = Field(ge=0, le=365)


class Moved(Input):
    """A movement on the shop's bank account. `bank_reference` is the bank's own for it."""

    amount: MoneyInput
    value_date: date
    bank_reference: Text(140)  # type: ignore[valid-type]


@api.route("GET", "/staff/accounts/{account}/credit", who=FINANCE, reply=AccountView)
def terms(call: Call[None]) -> AccountView:
    """A business account's terms, and what is open under them."""
    known = credit.get_account(db(), call.path["account"])
    if known is None:
        raise Refusal(Reason.NOT_FOUND, "This account has no credit.")
    return account_view(known)


@api.route("PUT", "/staff/accounts/{account}/credit", who=FINANCE, body=Terms, reply=AccountView)
def set_terms(call: Call[Terms]) -> AccountView:
    """Let a business account buy on account, or change its terms; orders keep theirs."""

    def attempt() -> CreditAccount:
        name, limit = call.path["account"], call.body.limit.money()
        known = credit.get_account(db(), name)
        wanted = with_terms(known, name, limit, call.body.days)
        if wanted != known:
            commit(db().client, [credit.account_write(db(), wanted)])
        return wanted

    return account_view(until_fresh(attempt))


@api.route("GET", "/staff/orders/{order_id}/transfers", who=FINANCE, reply=ClaimsView)
def transfers(call: Call[None]) -> ClaimsView:
    """What an order owes on account, what came, and what is to be given back."""
    dossier = any_dossier(db(), call.path["order_id"])
    return ClaimsView([claim_view(_claim(payment)) for payment in _on_account(dossier)])


@api.route(
    "POST",
    "/staff/orders/{order_id}/transfers",
    who=FINANCE,
    body=Moved,
    reply=ClaimView,
    status=201,
    key=True,
)
def book_transfer(call: Call[Moved]) -> ClaimView:
    """Book money that came for an order; a bank reference counts once. It may be a part of what is
    claimed, or more: that is to be given back."""
    return claim_view(until_fresh(lambda: _booked(call, 1, receive)))


@api.route("GET", "/staff/repayments", who=FINANCE, query=Page, reply=RepaymentsView)
def repayments(call: Call[None]) -> RepaymentsView:
    """The transfers to customers that are to be made."""
    start = from_cursor(call.query.cursor, {"pk", "sk"}, pk=credit.REPAYMENTS)
    found, more = credit.repayments(db(), call.query.limit, start)
    return RepaymentsView([claim_view(each) for each in found], to_cursor(more))


@api.route(
    "POST",
    "/staff/orders/{order_id}/repayments",
    who=FINANCE,
    body=Moved,
    reply=ClaimView,
    status=201,
    key=True,
)
def confirm_repayment(call: Call[Moved]) -> ClaimView:
    """Confirm a transfer to the customer that was made; never more than is to be given back."""
    return claim_view(until_fresh(lambda: _booked(call, -1, give_back)))


def _booked(call: Call[Moved], sign: int, book: Callable[[Claim, Transfer], Claim]) -> Claim:
    """The claim with a movement of the bank, in one transaction with the order and the books."""
    dossier, said = any_dossier(db(), call.path["order_id"]), call.body
    amount = said.amount.money()
    if amount.currency != dossier.order.currency:
        told = f"This order is in {dossier.order.currency}."
        raise Refusal(Reason.INVALID, told, "/amount/currency")
    if not amount:
        raise Refusal(Reason.INVALID, "Nothing is no transfer.", "/amount/minor")
    if said.value_date > call.now.date():
        raise Refusal(Reason.INVALID, "That day is still to come.", "/value_date")
    transfer = Transfer(
        said.bank_reference, sign * amount.minor, said.value_date, call.caller.subject, call.now
    )
    if (repeated := _known(dossier, transfer)) is not None:
        return repeated
    payment = _payment_for(dossier, sign)
    before = _claim(payment)
    after = book(before, transfer)
    made = observe(dossier.order, payment, after.seen(), Facts(load_shop(db()), call.now))
    if made is None:
        raise Stale  # the order knows more than was read of the claim
    account = credit.get_account(db(), before.account)
    commit(
        db().client,
        [*credit.claim_writes(db(), account, before, after), *writes(db(), made, call.now)],
    )
    return after


def _known(dossier: Dossier, transfer: Transfer) -> Claim | None:
    """The claim that the same movement was booked on before; None when it is new. Raises Refusal
    ILLEGAL_STATE when the bank's reference was used for anything else."""
    booked = credit.get_transfer(db(), transfer.reference)
    if booked is None:
        return None
    reference, before = booked
    payment = dossier.payment(reference)
    if payment is None or (before.amount, before.value_date) != (
        transfer.amount,
        transfer.value_date,
    ):
        raise credit.booked_already()
    return _claim(payment)


def _payment_for(dossier: Dossier, sign: int) -> Payment:
    """Which of an order's payments on account a movement is of: the oldest that still waits for
    money, or has some to give back; else the last. Raises Refusal ILLEGAL_STATE when there is none
    that the order counts on or counted on."""
    known = [payment for payment in _on_account(dossier) if not payment.open]
    if not known:
        raise Refusal(Reason.ILLEGAL_STATE, "Nothing was bought on account here.")
    claims = {payment.reference: _claim(payment) for payment in known}
    waiting = [
        payment
        for payment in known
        if (claims[payment.reference].open if sign > 0 else claims[payment.reference].to_return)
    ]
    return waiting[0] if waiting else known[-1]


def _on_account(dossier: Dossier) -> list[Payment]:
    return [payment for payment in dossier.payments if payment.received is not None]


def _claim(payment: Payment) -> Claim:
    claim = credit.get_claim(db(), payment.reference)
    if claim is None:
        raise LookupError(f"claim {payment.reference} is not there")
    return claim
