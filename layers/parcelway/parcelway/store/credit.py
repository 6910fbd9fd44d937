"""LedgerTable: business accounts' credit, what orders owe under it, and the transfers that pay it.

    CREDIT#<account>            ACCOUNT      its terms, and what is open in all
    CLAIM#<reference>           CLAIM        what one order owes, with its transfers
    TRANSFER#<bank reference>   TRANSFER     -> claim; holds each movement of the bank to one claim
    REPAYMENTS                  <reference>  -> claim of which money is to be given back

A claim is written together with its account, so that the sum of what is open is never off, and two
orders cannot both have the last of a limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parcelway.domain.credit import Claim, CreditAccount, Transfer, after
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.codec import decode, encode
from parcelway.store.commit import Write, put_new, put_version
from parcelway.store.database import Database

REPAYMENTS = "REPAYMENTS"


def get_account(db: Database, account: str) -> CreditAccount | None:
    """The credit of a business account; None when it has none."""
    item = db.get(db.ledger, f"CREDIT#{account}", "ACCOUNT")
    return decode(CreditAccount, item["credit"]) if item else None


def get_claim(db: Database, reference: str) -> Claim | None:
    """A claim by its reference; None when there is none."""
    item = db.get(db.ledger, f"CLAIM#{reference}", "CLAIM")
    return decode(Claim, item["claim"]) if item else None


def get_transfer(db: Database, bank_reference: str) -> tuple[str, Transfer] | None:
    """A movement of the bank, with the reference of the claim it was booked on."""
    item = db.get(db.ledger, f"TRANSFER#{bank_reference}", "TRANSFER")
    return (item["claim"], decode(Transfer, item["transfer"])) if item else None


def repayments(
    db: Database, limit: int, start: Mapping[str, Any] | None
) -> tuple[list[Claim], Mapping[str, Any] | None]:
    """A page of the claims of which money is to be given back, and where the next one starts."""
    items, more = db.page(db.ledger, REPAYMENTS, limit, start)
    return [decode(Claim, item["claim"]) for item in items], more


def account_write(db: Database, account: CreditAccount) -> Write:
    """An account at its next version."""
    key = {"pk": f"CREDIT#{account.account}", "sk": "ACCOUNT"}
    item = key | {"version": account.version, "credit": encode(account)}
    return put_version(db.ledger, item, account.version - 1)


def claim_writes(
    db: Database, account: CreditAccount | None, before: Claim | None, claim: Claim
) -> Sequence[Write]:
    """A claim at its next version, with all that follows from it. A condition that fails makes the
    commit Stale: read and decide again. Raises LookupError when open money moves on no account."""
    key = {"pk": f"CLAIM#{claim.reference}", "sk": "CLAIM"}
    item = key | {"version": claim.version, "claim": encode(claim)}
    made = [put_version(db.ledger, item, claim.version - 1)]
    if claim.open != (before.open if before else 0):
        if account is None:
            raise LookupError(f"account {claim.account} has no credit")
        made.append(account_write(db, after(account, before, claim)))
    made += _repayment_writes(db, before, claim)
    for transfer in claim.transfers[len(before.transfers) if before else 0 :]:
        made.append(_transfer_write(db, claim, transfer))
    return made


def _repayment_writes(db: Database, before: Claim | None, claim: Claim) -> list[Write]:
    key = {"pk": REPAYMENTS, "sk": claim.reference}
    if claim.to_return:
        return [Write(db.ledger, "", key | {"claim": encode(claim)})]
    return [Write(db.ledger, "", key=key)] if before and before.to_return else []


def _transfer_write(db: Database, claim: Claim, transfer: Transfer) -> Write:
    key = {"pk": f"TRANSFER#{transfer.reference}", "sk": "TRANSFER"}
    item = key | {"claim": claim.reference, "transfer": encode(transfer)}
    return put_new(db.ledger, item, otherwise=booked_already)


def booked_already() -> Refusal:
    """The refusal of a movement whose bank reference was used before."""
    return Refusal(
        Reason.ILLEGAL_STATE, "This bank reference was booked already.", "/bank_reference"
    )
