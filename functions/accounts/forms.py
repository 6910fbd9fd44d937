"""What finance says of a business account, what its approvers say, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Literal

from parcelway.domain.account import MAX_CONTACTS, Account, AccountContact
from parcelway.domain.money import Money
from parcelway.domain.order import Order
from parcelway.domain.parties import Address
from parcelway.http.customers import LoginEmail
from parcelway.http.schemas import AddressInput, Input, MoneyInput, Text
from parcelway.http.views import ApprovalView, OrderView, approval_view, order_view
from parcelway.values import dataclass
from pydantic import Field


class ContactOfAccount(Input):
    """A customer with a part to play, by their id or by the e-mail address of their login."""

    customer_id: str | None = Field(default=None, pattern=r"^cus_[a-z2-7]{26}$")
    email: LoginEmail | None = None
    roles: Annotated[list[Literal["buyer", "approver"]], Field(min_length=1, max_length=2)]


class AccountInput(Input):
    """A business account as it is to be; what is left out, it has not."""

    company: Text(100)  # type: ignore[valid-type]
    billing_address: AddressInput | None = None
    tax_id: Text(30, 0) = ""  # type: ignore[valid-type]
    contacts: Annotated[list[ContactOfAccount], Field(max_length=MAX_CONTACTS)] = Field(
        default_factory=list
    )
    po_required: bool = False
    approval_above: MoneyInput | None = None


class Approve(Input):
    """Which question is answered: a cart may have been asked about anew."""

    approval_id: Text(60)  # type: ignore[valid-type]


class Reject(Approve):
    """The same, and why not: the buyer is told."""

    reason: Text(200)  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class AccountView:
    """A business account; its `version` goes into If-Match."""

    account: str
    version: int
    company: str
    billing_address: Address | None
    tax_id: str
    contacts: list[AccountContact]
    po_required: bool
    approval_above: Money | None


@dataclass(frozen=True, slots=True)
class ToApproveView:
    """A cart that waits for an approver's word. `own`: that of the one who asks, on which somebody
    else decides."""

    approval: ApprovalView
    order: OrderView
    own: bool


@dataclass(frozen=True, slots=True)
class ToApprovesView:
    """A page of them, the oldest question first."""

    approvals: list[ToApproveView]
    next_cursor: str | None


def account_view(account: Account) -> AccountView:
    """An account as it is answered."""
    return AccountView(
        account.id,
        account.version,
        account.company,
        account.billing_address,
        account.tax_id,
        list(account.contacts),
        account.po_required,
        account.approval_above,
    )


def to_approve(order: Order, own: bool) -> ToApproveView:
    """A cart as an approver sees it: without the secrets of its holder."""
    approval = approval_view(order)
    assert approval is not None
    return ToApproveView(approval, order_view(order, staff=True), own)
