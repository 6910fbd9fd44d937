"""Payment on account behind `PaymentGateway`: our own claims are the truth, nobody is asked."""

from __future__ import annotations

from collections.abc import Callable

from parcelway.domain import credit
from parcelway.domain.credit import Claim, CreditAccount, CreditRefused
from parcelway.domain.money import Money
from parcelway.ports.payments import (
    GatewayPayment,
    GatewayRefused,
    GatewayUnavailable,
    PaymentDeclined,
)
from parcelway.store.commit import Busy, commit, until_fresh
from parcelway.store.credit import claim_writes, get_account, get_claim
from parcelway.store.database import Database

Decide = Callable[[Claim, CreditAccount | None], Claim]


class InvoiceGateway:
    """Claims on business accounts, in the tables of `db`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,  # noqa: ARG002 - nobody else reads of it
        receipt_reference: str,
        account: str = "",
    ) -> GatewayPayment:
        """See PaymentGateway.create. Refused with `no_terms` when `account` has no credit."""
        reference = credit.reference_of(order_id, attempt)

        def attempted() -> Claim:
            known = get_claim(self._db, reference)
            if known is not None:
                return known
            terms = get_account(self._db, account) if account else None
            if terms is None or terms.currency != amount.currency:
                raise GatewayRefused("no_terms", "This account cannot pay by invoice.")
            claim = Claim(
                reference, 1, order_id, attempt, account, amount, terms.days, receipt_reference
            )
            commit(self._db.client, claim_writes(self._db, terms, None, claim))
            return claim

        claim = _kept(attempted)
        if (claim.amount, claim.account) != (amount, account):
            raise GatewayRefused("idempotency_error", f"{reference} is of another amount")
        return claim.seen()

    def authorize(self, reference: str) -> GatewayPayment:
        """See PaymentGateway.authorize."""

        def decide(claim: Claim, account: CreditAccount | None) -> Claim:
            if account is None:
                raise CreditRefused("no_terms")
            return credit.authorize(claim, account)

        return self._change(reference, decide)

    def retrieve(self, reference: str) -> GatewayPayment:
        """See PaymentGateway.retrieve."""
        return self._read(reference).seen()

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        """See PaymentGateway.capture."""
        return self._change(
            reference, lambda claim, _: credit.capture(claim, amount, key, final=final)
        )

    def void(self, reference: str, *, key: str) -> GatewayPayment:  # noqa: ARG002 - once is all
        """See PaymentGateway.void."""
        return self._change(reference, lambda claim, _: credit.void(claim))

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        """See PaymentGateway.refund. What has come already is given back by finance."""
        return self._change(reference, lambda claim, _: credit.refund(claim, amount, key))

    def _read(self, reference: str) -> Claim:
        claim = get_claim(self._db, reference)
        if claim is None:
            raise GatewayRefused("resource_missing", reference)
        return claim

    def _change(self, reference: str, decide: Decide) -> GatewayPayment:
        def attempted() -> Claim:
            before = self._read(reference)
            account = get_account(self._db, before.account)
            claim = decide(before, account)
            if claim is not before:
                commit(self._db.client, claim_writes(self._db, account, before, claim))
            return claim

        return _kept(attempted).seen()


def _kept(attempted: Callable[[], Claim]) -> Claim:
    """The claim after an attempt, again while somebody else's comes between."""
    try:
        return until_fresh(attempted)
    except CreditRefused as refused:
        if refused.code == credit.OVER_LIMIT:
            raise PaymentDeclined(refused.code) from None
        raise GatewayRefused(refused.code) from None
    except Busy:
        raise GatewayUnavailable("the tables are busy") from None
