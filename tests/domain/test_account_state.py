"""Who is locked and disabled, and what only the owner of a mailbox can do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from parcelway.domain.account_state import BLOCKED, Wanted, put_in_state
from parcelway.domain.customer import Customer, found
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAFF = Actor("staff", "sub-csr")
OWN = found("sub-1", "ada@example.com", "Ada", "en", NOW).customer


def state(state: str, **more: object) -> Customer:
    return replace(OWN, state=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("blocked", sorted(BLOCKED - {"erased"}))
def test_who_is_shut_out_is_let_in_as_far_as_they_have_shown_who_they_are(blocked: str) -> None:
    change = put_in_state(OWN, blocked, "stolen cards", True, OWN.id, NOW, STAFF)  # type: ignore[arg-type]
    assert change is not None
    assert (change.customer.state, change.customer.state_reason) == (blocked, "stolen cards")
    assert (change.reason, change.actor, change.before) == ("stolen cards", STAFF, OWN)
    for proven, then in ((True, "enabled"), (False, "pending")):
        back = put_in_state(change.customer, "enabled", "cleared up", proven, OWN.id, NOW, STAFF)
        assert back is not None
        assert (back.customer.state, back.customer.state_reason) == (then, "")


def test_the_same_state_is_no_change() -> None:
    assert put_in_state(state("locked"), "locked", "again", True, OWN.id, NOW, STAFF) is None


@pytest.mark.parametrize(
    "record",
    [state("pending"), state("disabled", merged_into="cus_2"), state("erased")],
    ids=["pending", "merged", "erased"],
)
def test_what_the_desk_cannot_enable(record: Customer) -> None:
    with pytest.raises(Refusal) as refused:
        put_in_state(record, "enabled", "please", False, OWN.id, NOW, STAFF)
    assert (refused.value.reason, refused.value.pointer) == (Reason.ILLEGAL_STATE, "/state")


def test_a_record_without_a_login_has_nothing_to_show() -> None:
    back = put_in_state(state("locked", subject=""), "enabled", "fine", False, OWN.id, NOW, STAFF)
    assert back is not None
    assert back.customer.state == "enabled"


def test_an_address_that_another_record_has_keeps_this_one_out_of_use() -> None:
    with pytest.raises(Refusal) as refused:
        put_in_state(state("disabled"), "enabled", "please", True, "cus_other", NOW, STAFF)
    assert (refused.value.reason, refused.value.pointer) == (Reason.ILLEGAL_STATE, "/state")
    locked = put_in_state(state("disabled"), "locked", "a while", True, "cus_other", NOW, STAFF)
    assert locked is not None
    free = put_in_state(state("disabled"), "enabled", "please", True, "", NOW, STAFF)
    assert free is not None
    assert free.customer.state == "enabled"


@pytest.mark.parametrize("wanted", ["enabled", "locked", "disabled"])
@pytest.mark.parametrize("record", [OWN, replace(OWN, id="cus_2", absorbed=(OWN.id,))])
def test_nobody_decides_on_their_own_record(record: Customer, wanted: Wanted) -> None:
    with pytest.raises(Refusal) as refused:
        put_in_state(record, wanted, "mine", True, record.id, NOW, Actor("staff", "sub-1"))
    assert refused.value.reason == Reason.FOUR_EYES
