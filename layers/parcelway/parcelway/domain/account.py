"""A business account: the company that is billed, who buys for it, and what it asks of its buyers.

Its terms and its credit limit are in `credit`. Who belongs to it is told by the customers' own
records (`Customer.account`); its contacts say which of them have a part to play.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from datetime import datetime
from typing import Literal

from parcelway.domain.money import Money
from parcelway.domain.parties import Actor, Address
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

Role = Literal["buyer", "approver"]
ApprovalStatus = Literal["asked", "approved", "rejected"]
MAX_CONTACTS = 50
MAX_APPROVERS = 10  # each is written to when one is asked


@dataclass(frozen=True, slots=True)
class AccountContact:
    """A customer with a part to play: who buys, and who approves what others buy."""

    customer_id: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """A business account. Carts of its customers are billed to `billing_address` and bear `tax_id`,
    a VAT number, unless they say otherwise.

    Where it names buyers, they and its approvers alone may order. With `po_required` every order
    bears a number of the company's own. What comes to more than `approval_above` (None: nothing)
    must be approved.
    """

    id: str
    version: int
    company: str
    billing_address: Address | None = None
    tax_id: str = ""
    contacts: tuple[AccountContact, ...] = ()
    po_required: bool = False
    approval_above: Money | None = None

    def has(self, role: Role, customer_ids: Collection[str]) -> bool:
        """Whether one of these, all of one customer, has a role."""
        return any(
            role in each.roles and each.customer_id in customer_ids for each in self.contacts
        )

    def those(self, role: Role) -> tuple[str, ...]:
        """The customers with a role."""
        return tuple(each.customer_id for each in self.contacts if role in each.roles)

    @property
    def billed_to(self) -> Address | None:
        """The billing address, with the company's name on it."""
        address = self.billing_address
        return address and replace(address, company=address.company or self.company)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A record at its next version, with the names of the fields that changed and who did it."""

    account: Account
    fields: tuple[str, ...]
    at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class Approval:
    """An approver's word on a cart, from when it is asked for.

    It is on the `content` of the cart (a digest) at no more than `total`; `number` counts how often
    the cart's buyer has asked. `decided_by` is the approver, a customer's id; `reason` is theirs.
    """

    id: str
    number: int
    status: ApprovalStatus
    content: str
    total: Money
    asked_by: Actor
    asked_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""


def changed(
    known: Account | None, wanted: Account, now: datetime, actor: Actor
) -> AccountChange | None:
    """The account as it is wanted, at its next version; None when it is so already.

    Raises Refusal INVALID for a contact that comes twice, too many approvers, or an amount above
    which nobody could approve.
    """
    names = [each.customer_id for each in wanted.contacts]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Refusal(
                Reason.INVALID, "This customer is a contact already.", f"/contacts/{index}"
            )
    approvers = len(wanted.those("approver"))
    if wanted.approval_above is not None and not approvers:
        raise Refusal(Reason.INVALID, "Somebody must be there to approve.", "/contacts")
    if approvers > MAX_APPROVERS:
        raise Refusal(Reason.INVALID, f"At most {MAX_APPROVERS} approvers.", "/contacts")
    before = known or Account(wanted.id, 0, "")
    named = [each.name for each in fields(Account) if each.name not in ("id", "version")]
    different = tuple(name for name in named if getattr(before, name) != getattr(wanted, name))
    if not different:
        return None
    return AccountChange(replace(wanted, version=before.version + 1), different, now, actor)
