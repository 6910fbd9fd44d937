"""Business accounts: what they ask of orders, and what an approver's word is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcelway.domain import approving, cart, delivery
from parcelway.domain.account import (
    MAX_APPROVERS,
    Account,
    AccountContact,
    ApprovalStatus,
    changed,
)
from parcelway.domain.account_rules import content_of, needs_approval, standing
from parcelway.domain.claimants import claimant
from parcelway.domain.commands import Command
from parcelway.domain.money import Money
from parcelway.domain.order import Order, totals
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal

from tests.orders import ACCOUNT, APPROVER, AWAY, BUYER, CONTACT, HOME, START, Story, at

FINANCE = Actor("staff", "sub-fin")
WITH_NUMBER = replace(ACCOUNT, po_required=True, approval_above=None)
OTHER_APPROVER = replace(APPROVER, id="cus_other", subject="sub-other")


def refused(step: Any, reason: Reason) -> Refusal:
    with pytest.raises(Refusal) as caught:
        step()
    assert caught.value.reason is reason
    return caught.value


def described(story: Story, **details: Any) -> Story:
    return story._apply(cart.describe(story.order, story.facts, **details))


# The record


def test_a_change_names_what_it_changes_and_no_change_is_none() -> None:
    made = changed(None, replace(ACCOUNT, version=0), START, FINANCE)
    assert made is not None and made.account.version == 1
    assert made.fields == ("company", "contacts", "approval_above")
    assert changed(made.account, ACCOUNT, START, FINANCE) is None
    again = changed(made.account, replace(ACCOUNT, po_required=True), START, FINANCE)
    assert again is not None
    assert (again.fields, again.account.version) == (("po_required",), 2)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"contacts": ()}, "/contacts"),
        ({"contacts": (AccountContact("cus_1", ("buyer",)),)}, "/contacts"),
        ({"contacts": ACCOUNT.contacts * 2}, "/contacts/1"),
        (
            {
                "contacts": tuple(
                    AccountContact(f"cus_{n}", ("approver",)) for n in range(MAX_APPROVERS + 1)
                )
            },
            "/contacts",
        ),
    ],
)
def test_an_account_that_cannot_be_is_refused(wrong: Any, pointer: str) -> None:
    refusal = refused(
        lambda: changed(None, replace(ACCOUNT, **wrong), START, FINANCE), Reason.INVALID
    )
    assert refusal.pointer == pointer


def test_its_carts_are_billed_to_the_company_unless_they_say_otherwise() -> None:
    account = replace(ACCOUNT, billing_address=AWAY, tax_id="ATU13585627")
    claimed = Story(account=account).order
    assert claimed.billing_address == replace(AWAY, company="Acme, Inc.")
    assert (claimed.tax_id, claimed.account, claimed.segment) == ("ATU13585627", "acme", "b2b")
    story = Story()
    described(story, billing_address=HOME)
    own = cart.claim(story.order, claimant(BUYER, CONTACT, account), story.facts)
    assert own is not None and own.order.billing_address == HOME


# What an order has to have


def test_its_own_number_is_asked_for_with_all_else_that_is_missing() -> None:
    story = at("draft", account=WITH_NUMBER)
    refusal = refused(story.placed, Reason.INCOMPLETE_CHECKOUT)
    assert (refusal.pointer, refusal.facts["missing"]) == ("/purchase_order", ["/purchase_order"])
    described(story, purchase_order="PO-7").placed()
    assert story.order.purchase_order == "PO-7"


def test_the_number_stays_until_it_is_taken_back_and_is_on_the_invoice() -> None:
    story = described(at("draft"), purchase_order="PO-7")
    described(story, language="de")
    assert story.order.purchase_order == "PO-7"
    story.placed().confirmed().scheduled().released().packed().shipped().invoiced()
    assert [invoice.purchase_order for invoice in story.invoices] == ["PO-7"]
    gone = described(described(at("draft"), purchase_order="X"), purchase_order="")
    assert gone.order.purchase_order == ""


def test_where_buyers_are_named_nobody_else_orders() -> None:
    named = replace(ACCOUNT, approval_above=None)
    named = replace(named, contacts=(*named.contacts, AccountContact("cus_else", ("buyer",))))
    refused(at("draft", account=named).placed, Reason.NOT_A_BUYER)
    refused(
        at("draft", account=replace(named, approval_above=Money(0, "USD"))).asked,
        Reason.NOT_A_BUYER,
    )
    theirs = replace(named, contacts=(*named.contacts, AccountContact(BUYER.id, ("buyer",))))
    assert at("draft", account=theirs).placed().order.state == "placed"


# Approval


@given(above=st.integers(0, 20_000), gross=st.integers(0, 20_000))
def test_only_what_comes_to_more_needs_an_approval(above: int, gross: int) -> None:
    order = Story(account=ACCOUNT).order
    account = replace(ACCOUNT, approval_above=Money(above, "USD"))
    assert needs_approval(order, Money(gross, "USD"), account) == (gross > above)
    assert needs_approval(order, Money(gross, "EUR"), account)  # who knows what that is worth
    assert not needs_approval(order, Money(gross, "USD"), replace(account, approval_above=None))
    own = replace(order, customer_id=APPROVER.id)
    assert not needs_approval(own, Money(gross, "USD"), account)
    merged = replace(order, customer_id="cus_new", formerly=(APPROVER.id,))
    assert not needs_approval(merged, Money(gross, "EUR"), account)


def test_where_everything_needs_one_the_refusal_says_so_too() -> None:
    strict = replace(ACCOUNT, approval_above=Money(0, "USD"))
    refusal = refused(at("draft", account=strict).placed, Reason.APPROVAL_NEEDED)
    assert refusal.facts["above"] == {"minor": 0, "currency": "USD"}


def test_it_is_asked_for_then_given_then_placed() -> None:
    story = at("draft", account=ACCOUNT)
    refusal = refused(story.placed, Reason.APPROVAL_NEEDED)
    assert refusal.facts["approval"] == ""
    assert refusal.facts["above"] == {"minor": 5000, "currency": "USD"}
    assert f"POST /carts/{story.order.id}/approval" in refusal.detail
    story.asked()
    assert refused(story.placed, Reason.APPROVAL_NEEDED).facts["approval"] == "asked"
    story.decided("approved")
    assert story.placed().order.state == "placed"
    assert standing(story.order) == "approved"
    told = [(e.type, e.actor.id) for e in story.events if "approval" in e.type]
    assert told == [("order.approval_asked", BUYER.id), ("order.approval_approved", APPROVER.id)]
    assert story.event("order.approval_asked").data["approver"] == APPROVER.id


def test_every_approver_is_told_and_a_repeat_tells_nobody() -> None:
    more = (*ACCOUNT.contacts, AccountContact("cus_2", ("approver", "buyer")))
    account = replace(ACCOUNT, contacts=(*more, AccountContact(BUYER.id, ("buyer",))))
    story = at("draft", account=account).asked()
    asked = [e for e in story.events if e.type == "order.approval_asked"]
    assert [event.data["approver"] for event in asked] == [APPROVER.id, "cus_2"]
    assert approving.ask(story.order, account, story.facts, Command("again", "")) is None
    story.decided("approved")
    assert approving.ask(story.order, account, story.facts, Command("3rd", "")) is None


def test_a_rejected_order_is_not_placed_but_may_be_asked_about_again() -> None:
    story = at("draft", account=ACCOUNT).asked().decided("rejected", "Too dear")
    assert refused(story.placed, Reason.APPROVAL_NEEDED).facts["approval"] == "rejected"
    story.asked("again")
    assert story.order.approval is not None
    assert (story.order.approval.status, story.order.approval.number) == ("asked", 2)
    story.decided("approved").placed()


_CHANGES: dict[str, Any] = {
    "one more": lambda s: cart.add(s.order, "TEA-9", 1, s.facts, Command("more", "")),
    "one less": lambda s: cart.set_quantity(s.order, "MUG-1", 2, s.facts),
    "another article": lambda s: cart.set_quantity(s.order, "BOOK-3", 0, s.facts),
    "another place": lambda s: delivery.deliver_to(s.order, AWAY, "standard", "", s.facts),
    "another bill": lambda s: cart.describe(s.order, s.facts, billing_address=AWAY),
    "another number": lambda s: cart.describe(s.order, s.facts, purchase_order="PO-8"),
}


@pytest.mark.parametrize("change", _CHANGES)
@pytest.mark.parametrize("status", ["asked", "approved"])
def test_any_change_voids_it(change: str, status: ApprovalStatus) -> None:
    story = at("draft", account=ACCOUNT).asked()
    if status == "approved":
        story.decided("approved")
    story._apply(_CHANGES[change](story))
    assert standing(story.order) == "void"
    assert refused(story.placed, Reason.APPROVAL_NEEDED).facts["approval"] == "void"
    if status == "asked":
        refused(lambda: story.decided("approved"), Reason.STALE_VERSION)
    story.asked("anew").decided("approved").placed()


def test_what_is_no_change_of_content_keeps_it() -> None:
    story = at("draft", account=ACCOUNT).asked().decided("approved")
    described(story, language="de", contact=replace(CONTACT, phone=""))
    assert story.placed().order.state == "placed"


@given(more=st.integers(-2000, 2000))
def test_it_holds_up_to_its_total_and_no_cent_beyond(more: int) -> None:
    order = at("draft", account=ACCOUNT).asked().decided("approved").order
    gross = totals(order).gross + Money(more, "USD")
    assert standing(order, gross) == ("void" if more > 0 else "approved")


def test_dearer_goods_void_it_at_the_checkout_itself() -> None:
    story = at("draft", account=ACCOUNT).asked().decided("approved")
    dearer = replace(story.products["MUG-1"], price=Money(1296, "USD"))
    story.products = {**story.products, "MUG-1": dearer}
    assert refused(story.placed, Reason.APPROVAL_NEEDED).facts["approval"] == "void"
    dearer = replace(dearer, price=Money(1294, "USD"))
    story.products = {**story.products, "MUG-1": dearer}
    assert story.placed().order.state == "placed"


def decide(order: Order, customer: Any, account: Account, **more: Any) -> Any:
    by = approving.approver(customer, account, more.pop("subject", customer.subject))
    assert order.approval is not None
    return approving.decide(
        order,
        more.pop("approval", order.approval.id),
        "approved",
        by,
        at("draft").facts,
        Command("d", ""),
    )


def test_nobody_approves_their_own_order() -> None:
    both = (*ACCOUNT.contacts, AccountContact("cus_other", ("approver",)))
    account = replace(ACCOUNT, contacts=both)
    order = at("draft", account=account).asked().order
    own = (
        replace(order, customer_id=APPROVER.id),
        replace(order, formerly=(APPROVER.id,)),
        replace(order, acted_by=("sub-boss",)),
    )
    for each in own:
        refused(lambda: decide(each, APPROVER, account), Reason.FOUR_EYES)  # noqa: B023
    merged = replace(APPROVER, absorbed=(BUYER.id,))
    refused(lambda: decide(order, merged, account), Reason.FOUR_EYES)
    assert decide(order, APPROVER, account).order.approval.status == "approved"


@pytest.mark.parametrize(
    "who",
    [
        None,
        BUYER,
        replace(APPROVER, account=""),
        replace(APPROVER, account="other"),
        replace(APPROVER, state="locked"),
        replace(APPROVER, state="disabled"),
    ],
)
def test_only_approvers_of_the_account_decide(who: Any) -> None:
    refused(lambda: approving.approver(who, ACCOUNT, "sub"), Reason.NOT_FOUND)
    refused(lambda: approving.approver(APPROVER, None, "sub"), Reason.NOT_FOUND)


def test_an_approver_of_another_account_finds_nothing() -> None:
    order = at("draft", account=ACCOUNT).asked().order
    other = replace(ACCOUNT, id="other")
    refused(lambda: decide(order, replace(APPROVER, account="other"), other), Reason.NOT_FOUND)


def test_it_is_decided_on_once_and_on_what_was_last_asked() -> None:
    story = at("draft", account=ACCOUNT).asked()
    first = story.order.approval
    assert first is not None
    story._apply(_CHANGES["one more"](story))
    story.asked("anew")
    refused(lambda: decide(story.order, APPROVER, ACCOUNT, approval=first.id), Reason.STALE_VERSION)
    story.decided("rejected", "No")
    refused(lambda: decide(story.order, APPROVER, ACCOUNT), Reason.ILLEGAL_STATE)


def test_nothing_is_asked_where_nobody_need_agree() -> None:
    for account in (None, replace(ACCOUNT, approval_above=None)):
        story = at("draft", account=account)
        refused(story.asked, Reason.ILLEGAL_STATE)
    refused(
        at("draft", account=replace(ACCOUNT, approval_above=Money(9999, "USD"))).asked,
        Reason.ILLEGAL_STATE,
    )
    refused(Story(account=ACCOUNT).asked, Reason.EMPTY_CART)
    refused(
        lambda: at("draft", account=replace(ACCOUNT, po_required=True)).asked(),
        Reason.INCOMPLETE_CHECKOUT,
    )


def test_approvers_are_not_asked_for_ever() -> None:
    story = at("draft", account=ACCOUNT)
    for number in range(approving.MOST):
        described(story, purchase_order=f"PO-{number}").asked(f"ask-{number}")
    described(story, purchase_order="PO-one-more")
    refused(lambda: story.asked("one more"), Reason.QUANTITY_LIMIT)


def test_the_order_of_lines_is_no_content() -> None:
    order = at("draft", account=ACCOUNT).order
    assert content_of(order) == content_of(replace(order, lines=order.lines[::-1]))
