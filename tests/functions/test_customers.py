"""The service desk's customers: made by invitation, read and changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from parcelway.domain.customer import Consent, Customer, edited
from parcelway.domain.demographics import Demographics
from parcelway.domain.invitation import Particulars
from parcelway.domain.parties import Actor
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.taking_over import taken_over
from parcelway.ports import clock
from parcelway.ports.identity import IdentityUnavailable, Login, SignInRefused
from parcelway.store.challenges import agree
from parcelway.store.codec import encode
from parcelway.store.customers import get_customer, holder_of, save_with_email
from parcelway.store.demographics import save_demographics

from tests.functions.signup import EMAIL, HOME, PASSWORD, World, world

NEW: dict[str, Any] = {
    "email": " Ada@Example.com ",
    "given_name": "Ada",
    "family_name": "Byron",
    "phone": "+12175550100",
    "language": "en-US",
    "addresses": [{"label": "Home", "address": HOME, "default_shipping": True}],
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made
    clock.reset()


def at(hour: int, minute: int = 0) -> None:
    """Set the clock to a time of a Saturday."""
    clock.use(lambda: datetime(2026, 11, 21, hour, minute, tzinfo=UTC))


def invited(shop: World, key: str = "k1", **changes: Any) -> Any:
    """A customer that the desk has made, as the desk sees them."""
    answer = shop.desk("POST", "", NEW | changes, key=key)
    assert answer.status == 201, answer.body
    return answer.body["customer"]


def choose_password(shop: World, email: str = EMAIL) -> str:
    """The invited person's first sign-in; the ID token of the session."""
    first = shop.sign_in(email, shop.pool.mailed[-1])
    assert first.status == 409, first.body
    body = {"session": first.body["session"], "password": PASSWORD}
    token: str = shop.call("POST", "/sessions/new-password", body).body["id_token"]
    return token


def test_an_invited_customer_chooses_their_password_and_is_enabled(shop: World) -> None:
    made = invited(shop)
    assert (made["state"], made["name"], made["email"]) == (
        "pending",
        "Ada Byron",
        NEW["email"].strip(),
    )
    assert made["addresses"][0]["default_shipping"]
    token = choose_password(shop)
    own = shop.call("GET", "/customers/me", token=token).body
    assert (own["id"], own["state"], own["family_name"]) == (made["id"], "enabled", "Byron")
    assert shop.sign_in().status == 200


def test_an_invitation_is_mailed_again_until_it_is_used(shop: World) -> None:
    made = invited(shop)
    path, first = f"/{made['id']}/invitation", shop.pool.mailed[-1]
    assert shop.desk("POST", path).status == 204
    assert shop.pool.mailed[-1] != first
    assert shop.sign_in(EMAIL, first).status == 401
    choose_password(shop)
    assert shop.desk("POST", path).status == 409
    assert len(shop.pool.mailed) == 2


def test_an_invitation_asked_for_twice_by_one_request_is_mailed_once(shop: World) -> None:
    path = f"/{invited(shop)['id']}/invitation"
    for _ in range(2):
        assert shop.desk("POST", path, key="i1").status == 204
    assert len(shop.pool.mailed) == 2
    choose_password(shop)
    assert shop.desk("POST", path, key="i1").status == 204  # it was sent
    assert len(shop.pool.mailed) == 2
    entry = next(item for item in shop.items("CUS#") if item.get("fields") == ["invitation"])
    assert entry["actor"]["id"] == "sub-csr"


def test_who_was_invited_and_never_came_forgets_no_password(shop: World) -> None:
    """They get a new link, one in five minutes at most, and nobody learns that they may."""
    invited(shop)
    member, nobody = "eve@example.com", "nobody@example.com"
    shop.sign_up(email=member)
    confirmation = {"email": member, "code": shop.pool.mailed[-1]}
    assert shop.call("POST", "/customers/confirmation", confirmation).status == 204
    mailed = len(shop.pool.mailed)
    for wait, more in ((0, 0), (6, 1), (6, 2)):
        clock.travel(timedelta(minutes=wait))
        asked = [
            shop.call("POST", "/passwords/reset", {"email": email})
            for email in (EMAIL, member, nobody)
        ]
        assert [answer.status for answer in asked] == [202, 202, 202]
        assert asked[0].body == asked[1].body == asked[2].body
        assert len(shop.pool.mailed) == mailed + more
    assert shop.sign_in(EMAIL, shop.pool.mailed[-2]).status == 401
    choose_password(shop)
    clock.travel(timedelta(minutes=6))
    assert shop.call("POST", "/passwords/reset", {"email": EMAIL}).status == 202
    assert len(shop.pool.mailed) == mailed + 2  # a code by now


def test_who_was_shut_out_is_mailed_no_link(shop: World) -> None:
    made = invited(shop)
    state = {"state": "disabled", "reason": "fraud"}
    assert shop.desk("PUT", f"/{made['id']}/state", state).status == 200
    clock.travel(timedelta(hours=1))
    assert shop.call("POST", "/passwords/reset", {"email": EMAIL}).status == 202
    assert len(shop.pool.mailed) == 1


def test_nobody_at_the_desk_sees_a_password(shop: World) -> None:
    answer = shop.desk("POST", "", NEW)
    assert shop.pool.mailed[-1] not in json.dumps([answer.body, answer.headers, shop.items()])
    refused = shop.desk("POST", "", NEW | {"email": "b@b.example", "password": PASSWORD})
    assert (refused.status, refused.body["pointer"]) == (422, "/password")


def test_the_same_request_is_one_customer(shop: World) -> None:
    first, again = invited(shop, "k1"), invited(shop, "k1")
    assert (first, len(shop.pool.mailed), len(shop.records())) == (again, 1, 1)
    other = shop.desk("POST", "", NEW | {"given_name": "Eve"}, key="k1")
    assert (other.status, other.body["type"]) == (
        422,
        "urn:parcelway:problem:idempotency-key-reused",
    )


@pytest.mark.parametrize("spelling", ["ada@example.com", "ADA@EXAMPLE.COM", "ａda@example.com"])
def test_a_twin_in_another_spelling_is_refused_and_named(shop: World, spelling: str) -> None:
    made, before = invited(shop), shop.items()
    twin = shop.desk("POST", "", NEW | {"email": spelling}, key="k2")
    assert (twin.status, twin.body["type"]) == (409, "urn:parcelway:problem:email-taken")
    assert (twin.body["pointer"], twin.body["customer_id"]) == ("/email", made["id"])
    assert (shop.items(), len(shop.pool.mailed)) == (before, 1)


def test_a_members_address_is_taken(shop: World) -> None:
    shop.member()
    before = shop.items()
    assert shop.desk("POST", "", NEW).status == 409
    assert shop.items() == before
    assert shop.sign_in().status == 200


def test_an_unproven_sign_up_gives_way_to_the_desk(shop: World) -> None:
    shop.sign_up(name="Eve", password="a planted password")
    made = invited(shop)
    assert shop.sign_in(password="a planted password").status == 401
    states = {record["id"]: record["state"] for record in shop.records()}
    assert sorted(states.values()) == ["pending", "replaced"]
    assert states[made["id"]] == "pending"
    token = choose_password(shop)
    assert shop.call("GET", "/customers/me", token=token).body["id"] == made["id"]


def test_a_sign_up_does_not_touch_an_invited_customer(shop: World) -> None:
    invited(shop)
    before = shop.items()
    assert shop.sign_up().status == 202
    assert shop.items() == before
    assert shop.sign_in().status == 401
    choose_password(shop)


def test_what_the_desk_made_is_never_deleted_by_its_age(shop: World) -> None:
    invited(shop)
    assert not any("expires" in item for item in shop.items())


def test_editing_needs_the_version_and_is_told_in_the_history(shop: World) -> None:
    made = invited(shop)
    path = f"/{made['id']}"
    stale = shop.desk("PATCH", path, {"family_name": "King"}, version=7)
    assert stale.status == 409
    done = shop.desk("PATCH", path, {"family_name": "King", "phone": None}, version=1)
    assert done.status == 200
    assert (done.body["customer"]["name"], done.body["customer"]["phone"]) == ("Ada King", "")
    (*_, entry) = [item for item in shop.items("CUS#") if item["sk"].startswith("HIST#")]
    assert set(entry["fields"]) == {"name", "family_name", "phone"}
    assert entry["actor"] == {"kind": "staff", "id": "sub-csr"}
    assert shop.desk("GET", path, query={"reason": "test"}).body == done.body


def test_who_is_not_there_and_what_was_emptied_are_nobody(shop: World) -> None:
    assert (
        shop.desk("GET", "/cus_aaaaaaaaaaaaaaaaaaaaaaaaaa", query={"reason": "test"}).status == 404
    )
    shop.sign_up(key="k1")
    (first,) = shop.records()
    shop.sign_up(key="k2")
    assert shop.desk("GET", f"/{first['id']}", query={"reason": "test"}).status == 404


# Locked and disabled


def state(shop: World, customer_id: str, wanted: str, **sent: Any) -> Any:
    body = {"state": wanted, "reason": "a test"}
    return shop.desk("PUT", f"/{customer_id}/state", body, **sent)


def member(shop: World) -> tuple[str, str]:
    """A customer who signed up: their id and an ID token."""
    token = shop.member()
    own: str = shop.call("GET", "/customers/me", token=token).body["id"]
    return own, token


@pytest.mark.parametrize("wanted", ["locked", "disabled"])
def test_who_is_shut_out_neither_signs_in_nor_uses_an_old_session(shop: World, wanted: str) -> None:
    own, token = member(shop)
    refresh = shop.sign_in().body["refresh_token"]
    answer = state(shop, own, wanted)
    assert (answer.body["customer"]["state"], answer.body["state_reason"]) == (wanted, "a test")
    assert shop.sign_in().status == 401
    renewed = shop.call("POST", "/sessions/refresh", {"refresh_token": refresh})
    assert renewed.status == 401
    assert shop.call("GET", "/customers/me", token=token).status == 401
    assert state(shop, own, "enabled").body["customer"]["state"] == "enabled"
    assert shop.sign_in().status == 200
    history = [item for item in shop.items("CUS#") if item["sk"].startswith("HIST#")]
    assert [(item.get("reason"), item["fields"]) for item in history[-2:]] == [
        ("a test", ["state", "state_reason"]),
        ("a test", ["state", "state_reason"]),
    ]


def test_the_record_binds_though_the_user_pool_has_not_heard(
    shop: World,
) -> None:
    own, _ = member(shop)

    def lost(_: str) -> None:
        raise IdentityUnavailable

    shop.pool.shut_out = lost  # type: ignore[method-assign]
    assert state(shop, own, "locked").status == 503
    refused = shop.sign_in()
    assert (refused.status, refused.body["type"]) == (401, "urn:parcelway:problem:sign-in-failed")
    del shop.pool.shut_out  # type: ignore[attr-defined]
    assert state(shop, own, "locked").status == 200  # the repeat tells the pool
    with pytest.raises(SignInRefused):
        shop.pool.sign_in(EMAIL, PASSWORD)


def test_two_who_change_a_state_at_once_leave_login_and_record_as_one(shop: World) -> None:
    own, _ = member(shop)
    shut_out = shop.pool.shut_out

    def slow(email: str) -> None:
        shop.pool.shut_out = shut_out  # type: ignore[method-assign]
        assert state(shop, own, "enabled").status == 200  # all of it comes between
        shut_out(email)

    shop.pool.shut_out = slow  # type: ignore[method-assign]
    assert state(shop, own, "locked").status == 200
    assert shop.records()[0]["state"] == "enabled"
    assert shop.sign_in().status == 200


def test_the_desk_does_not_enable_what_nobody_has_proven(shop: World) -> None:
    made = invited(shop)
    assert state(shop, made["id"], "enabled").status == 409
    assert state(shop, made["id"], "locked").status == 200
    assert shop.sign_in(EMAIL, shop.pool.mailed[-1]).status == 401
    assert state(shop, made["id"], "enabled").body["customer"]["state"] == "pending"
    choose_password(shop)


def displaced(shop: World) -> tuple[str, str]:
    """Who moved to another address at the pool, and the newcomer who has the old one: their ids."""
    old, _ = member(shop)
    shop.moves(EMAIL, "moved@example.com")
    shop.member("key-2")
    (new,) = (record["id"] for record in shop.records() if record["id"] != old)
    return old, new


def test_who_changed_the_address_at_the_pool_is_shut_out_and_let_in_all_the_same(
    shop: World,
) -> None:
    own, _ = member(shop)
    shop.moves(EMAIL, "moved@example.com")
    assert state(shop, own, "locked").status == 200
    with pytest.raises(SignInRefused):
        shop.pool.sign_in("moved@example.com", PASSWORD)
    assert state(shop, own, "enabled").body["customer"]["state"] == "enabled"
    assert shop.sign_in("moved@example.com").status == 200


def test_a_state_touches_no_other_login_that_has_the_address_now(shop: World) -> None:
    old, _ = displaced(shop)
    assert state(shop, old, "locked").status == 200
    assert shop.sign_in().status == 200
    with pytest.raises(SignInRefused):
        shop.pool.sign_in("moved@example.com", PASSWORD)


def test_no_two_records_that_share_an_address_are_in_use(shop: World) -> None:
    old, new = displaced(shop)
    before = shop.items()
    refused = state(shop, old, "enabled")
    assert (refused.status, refused.body["type"]) == (409, "urn:parcelway:problem:illegal-state")
    assert shop.items() == before
    assert holder_of(shop.db, EMAIL) == new


def test_who_proves_the_address_while_the_desk_enables_its_record_has_it(shop: World) -> None:
    own, _ = member(shop)
    assert state(shop, own, "disabled").status == 200
    shop.moves(EMAIL, "moved@example.com")
    find_subject = shop.pool.find_subject

    def slow(subject: str) -> Login | None:
        shop.pool.find_subject = find_subject  # type: ignore[method-assign]
        shop.member("key-2")  # all of it comes between
        return find_subject(subject)

    shop.pool.find_subject = slow  # type: ignore[method-assign]
    assert state(shop, own, "enabled").status == 409
    states = {record["id"]: record["state"] for record in shop.records()}
    assert sorted(states.values()) == ["disabled", "enabled"]
    assert states[own] == "disabled"


def test_the_proof_of_another_login_does_not_count(shop: World) -> None:
    made = invited(shop)
    shop.moves(EMAIL, "moved@example.com")
    assert state(shop, made["id"], "locked").status == 200
    shop.sign_up(key="key-2")
    shop.pool.confirm(EMAIL, shop.pool.mailed[-1])  # a crash: the record has not heard of it
    assert state(shop, made["id"], "enabled").body["customer"]["state"] == "pending"


def test_a_customer_who_was_taken_over_is_enabled_again_and_kept(shop: World) -> None:
    who = Particulars(EMAIL, EMAIL, "Ada Byron", "Ada", "Byron")
    change = taken_over("r1", who, None, clock.now())
    assert change is not None
    save_with_email(shop.db, change, "", None)
    own = change.customer.id
    assert state(shop, own, "locked").status == 200
    assert state(shop, own, "enabled").body["customer"]["state"] == "enabled"
    assert not any("expires" in item for item in shop.items())
    assert holder_of(shop.db, EMAIL) == own


@pytest.mark.parametrize("role", ["csr", "csr_supervisor", "admin"])
def test_nobody_decides_on_their_own_record(shop: World, role: str) -> None:
    own, token = member(shop)
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    assert state(shop, own, "locked").status == 200
    before = shop.items()
    refused = state(shop, own, "enabled", role=role, subject=subject)
    assert (refused.status, refused.body["type"]) == (403, "urn:parcelway:problem:four-eyes")
    if role != "csr":
        standing = {"groups": ["trade"], "account": ""}
        refused = shop.desk("PUT", f"/{own}/standing", standing, role=role, subject=subject)
        assert (refused.status, refused.body["type"]) == (403, "urn:parcelway:problem:four-eyes")
    assert shop.items() == before


@pytest.mark.parametrize("group", ["csr", "admin"])
def test_only_an_admin_shuts_a_colleague_out_or_sets_their_standing(
    shop: World, group: str
) -> None:
    own, _ = member(shop)
    shop.employs(EMAIL, group)
    before = shop.items()
    for role in ("csr", "csr_supervisor"):
        refused = state(shop, own, "disabled", role=role)
        assert (refused.status, refused.body["type"]) == (403, "urn:parcelway:problem:four-eyes")
    standing = {"groups": ["trade"], "account": ""}
    refused = shop.desk("PUT", f"/{own}/standing", standing, role="csr_supervisor")
    assert (refused.status, refused.body["type"]) == (403, "urn:parcelway:problem:four-eyes")
    assert (shop.items(), shop.sign_in().status) == (before, 200)
    assert state(shop, own, "disabled", role="admin").status == 200
    assert shop.sign_in().status == 401


# Phones, addresses and what else the desk notes


def test_phones_are_kept_in_one_form_however_they_are_said(shop: World) -> None:
    made = invited(shop, phone="(217) 555-0100", phone_country="US")
    assert made["phone"] == "+12175550100"
    contacts = [
        {"kind": "phone", "value": "+49 (0)151 / 12345678", "label": "mobile"},
        {"kind": "email", "value": " Ada@Work.Example "},
    ]
    done = shop.desk("PATCH", f"/{made['id']}", {"contacts": contacts}).body["customer"]
    assert [point["value"] for point in done["contacts"]] == ["+4915112345678", "ada@work.example"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"phone": "555"}, "/phone"),
        ({"phone": "(217) 555-0100"}, "/phone"),  # of which country?
        ({"phone": "+1 217 555 0100 ext. 5"}, "/phone"),
        ({"phone": "+999 1234567"}, "/phone"),
        ({"contacts": [{"kind": "phone", "value": "nobody's"}]}, "/contacts/0/value"),
        ({"contacts": [{"kind": "email", "value": "ada@nowhere"}]}, "/contacts/0/value"),
        ({"preferences": {"Not A Name": "x"}}, "/preferences/Not A Name/[key]"),
        ({"password": "a pass phrase"}, "/password"),
    ],
)
def test_what_is_no_contact_is_refused_and_changes_nothing(
    shop: World, body: dict[str, Any], pointer: str
) -> None:
    made = invited(shop)
    before = shop.items()
    refused = shop.desk("PATCH", f"/{made['id']}", body)
    assert (refused.status, refused.body["pointer"]) == (422, pointer)
    assert shop.items() == before


def test_the_best_time_to_call_is_told_while_it_is(shop: World) -> None:
    made = invited(shop)
    when = {"days": ["sat"], "start": "06:00", "end": "07:00", "time_zone": "America/Chicago"}
    point = {"kind": "phone", "value": "+12175550111"}
    never = {"contacts": [point | {"best_time": when | {"end": "06:00"}}]}
    assert shop.desk("PATCH", f"/{made['id']}", never).status == 422
    shop.desk("PATCH", f"/{made['id']}", {"contacts": [point | {"best_time": when}]})
    for hour, reachable in ((11, []), (12, ["+12175550111"]), (13, [])):
        at(hour)
        told = shop.desk("GET", f"/{made['id']}", query={"reason": "test"}).body
        assert told["reachable_now"] == reachable


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"postal_code": "90210"}, "postal_code"),  # of California
        ({"region": ""}, "region"),
        ({"region": "QQ"}, "region"),
        ({"country": "XX"}, "country"),
        ({"country": "DE", "region": "", "postal_code": "01999 9"}, "postal_code"),
    ],
)
def test_an_address_that_its_country_has_not_is_refused(
    shop: World, change: dict[str, str], field: str
) -> None:
    entry = {"label": "Home", "address": HOME | change}
    refused = shop.desk("POST", "", NEW | {"addresses": [entry]})
    assert (refused.status, refused.body["pointer"]) == (422, f"/addresses/0/address/{field}")
    assert not shop.items()
    made = invited(shop)
    refused = shop.desk("POST", f"/{made['id']}/addresses", entry)
    assert (refused.status, refused.body["pointer"]) == (422, f"/address/{field}")


def test_the_desk_keeps_the_address_book(shop: World) -> None:
    made = invited(shop)
    entry = {"label": "Work", "address": HOME | {"line1": "2 Short Street"}}
    entry |= {"default_shipping": True}
    path, key = f"/{made['id']}/addresses", "the-same-key"
    added = shop.desk("POST", path, entry, key=key)
    assert shop.desk("POST", path, entry, key=key).body == added.body
    home, work = added.body["customer"]["addresses"]
    assert (home["default_shipping"], work["default_shipping"]) == (False, True)
    resource = "/{customer_id}/addresses/{address_id}"
    under = f"{path}/{work['id']}"
    changed = shop.desk("PUT", under, entry | {"label": "Office"}, resource=resource)
    assert changed.body["customer"]["addresses"][1]["label"] == "Office"
    left = shop.desk("DELETE", under, resource=resource).body["customer"]["addresses"]
    assert [saved["id"] for saved in left] == [home["id"]]
    assert shop.desk("DELETE", under, resource=resource).status == 404


def test_consents_are_by_channel_with_who_noted_them(shop: World) -> None:
    made = invited(shop)
    path = f"/{made['id']}"
    consent = {"consent": {"marketing_sms": True, "marketing_post": False}}
    done = shop.desk("PATCH", path, consent).body["customer"]["consents"]
    assert {name: word["granted"] for name, word in done.items()} == {
        "marketing_sms": True,
        "marketing_post": False,
    }
    page = shop.desk("GET", f"{path}/history", query={"reason": "test", "limit": "1"}).body
    (entry,) = page["entries"]
    assert (entry["fields"], entry["actor"]["id"]) == (["consents"], "sub-csr")
    assert entry["consents"]["marketing_sms"]["granted"]
    rest = {"reason": "test", "cursor": page["next_cursor"]}
    (first,) = shop.desk("GET", f"{path}/history", query=rest).body["entries"]
    assert "email" in first["fields"]
    assert shop.desk("GET", f"{path}/history").status == 422  # without a reason


# Recognising a caller


QUESTION = {"question": "Your first teacher?", "answer": "Fräulein  Müller"}


def test_a_caller_is_recognised_and_the_answer_is_kept_nowhere(shop: World) -> None:
    made = invited(shop)
    path = f"/{made['id']}/challenge"
    assert shop.desk("GET", path).status == 404
    assert shop.desk("PUT", path, QUESTION).status == 200
    told = shop.desk("GET", path).body
    assert (told["question"], told["attempts_left"]) == (QUESTION["question"], 5)
    right = shop.desk("POST", f"{path}/verify", {"answer": "fraulein muller!"}).body
    assert right == {"verified": True, "attempts_left": 5, "locked_until": None}
    everything = json.dumps(shop.items(), ensure_ascii=False, default=str)
    assert not re.search("m(ü|u)ller", everything, re.IGNORECASE)
    assert set(told) == {"question", "set_at", "attempts_left", "locked_until"}
    page = shop.desk("GET", f"/{made['id']}/history", query={"reason": "test"}).body
    assert [entry["fields"] for entry in page["entries"][:2]] == [
        ["challenge.answered"],
        ["challenge"],
    ]


def test_customers_choose_their_question_themselves(shop: World) -> None:
    token, path = shop.member(), "/customers/me/challenge"
    assert shop.call("PUT", path, QUESTION).status == 401
    assert shop.call("GET", path, token=token).status == 404
    weak = shop.call("PUT", path, QUESTION | {"answer": "!"}, token=token)
    assert (weak.status, weak.body["pointer"]) == (422, "/answer")
    told = shop.call("PUT", path, QUESTION, token=token)
    assert (told.status, set(told.body)) == (200, {"question", "set_at"})
    assert shop.call("GET", path, token=token).body == told.body
    own = shop.call("GET", "/customers/me", token=token).body["id"]
    right = {"answer": "fraulein muller"}
    assert shop.desk("POST", f"/{own}/challenge/verify", right).body["verified"]
    page = shop.desk("GET", f"/{own}/history", query={"reason": "test"}).body
    (entry,) = [each for each in page["entries"] if each["fields"] == ["challenge"]]
    assert entry["actor"] == {"kind": "customer", "id": own}
    state = {"state": "locked", "reason": "test"}
    assert shop.desk("PUT", f"/{own}/state", state).status == 200
    assert shop.call("PUT", path, QUESTION, token=token).status == 401


def test_customers_withdraw_their_question(shop: World) -> None:
    token, path = shop.member(), "/customers/me/challenge"
    own = shop.call("GET", "/customers/me", token=token).body["id"]
    verify = f"/{own}/challenge/verify"
    assert shop.call("DELETE", path, token=token).status == 204  # there is none: nothing to note
    shop.call("PUT", path, QUESTION, token=token)
    assert not shop.desk("POST", verify, {"answer": "Miller"}).body["verified"]
    assert shop.call("DELETE", path, token=token).status == 204
    assert shop.call("GET", path, token=token).status == 404
    assert shop.desk("POST", verify, {"answer": "fraulein muller"}).status == 404
    shop.call("PUT", path, QUESTION, token=token)
    assert shop.desk("GET", f"/{own}/challenge").body["attempts_left"] == 5
    page = shop.desk("GET", f"/{own}/history", query={"reason": "test"}).body
    told = [each["fields"] for each in page["entries"] if "challenge" in each["fields"][0]]
    assert told == [["challenge"], ["challenge.withdrawn"], ["challenge.failed"], ["challenge"]]
    assert page["entries"][1]["actor"] == {"kind": "customer", "id": own}


def test_no_question_is_agreed_on_with_a_record_that_is_merged_meanwhile(shop: World) -> None:
    ann, dup = invited(shop), invited(shop, "k2", email="dup@example.com")
    reads = iter([True, False])

    def read() -> Customer:
        known = get_customer(shop.db, dup["id"])
        assert known is not None
        if next(reads):
            body = {"duplicate": dup["id"], "reason": "one person"}
            assert shop.desk("POST", f"/{ann['id']}/merge", body, role="admin").status == 200
        return known

    with pytest.raises(Refusal) as refused:
        agree(shop.db, read, "Who?", "Somebody", "00" * 16, Actor("staff", "s"), clock.now())
    assert refused.value.reason is Reason.ILLEGAL_STATE
    assert not beside(shop, dup["id"])


def test_wrong_answers_lock_it_for_a_while_whoever_asks(shop: World) -> None:
    made = invited(shop)
    path = f"/{made['id']}/challenge"
    at(12)
    shop.desk("PUT", path, QUESTION)
    for left in (4, 3, 2, 1, 0):
        wrong = shop.desk("POST", f"{path}/verify", {"answer": "Schmidt"}).body
        assert (wrong["verified"], wrong["attempts_left"]) == (False, left)
    right = {"answer": QUESTION["answer"]}
    locked = shop.desk("POST", f"{path}/verify", right, role="admin")
    assert (locked.status, locked.body["type"]) == (409, "urn:parcelway:problem:challenge-locked")
    at(12, 15)
    assert shop.desk("POST", f"{path}/verify", right).body["verified"]


def test_an_answer_that_is_sent_again_counts_once(shop: World) -> None:
    made = invited(shop)
    path = f"/{made['id']}/challenge"
    shop.desk("PUT", path, QUESTION)
    first = shop.desk("POST", f"{path}/verify", {"answer": "Schmidt"}, key="a1").body
    before = shop.items()
    assert shop.desk("POST", f"{path}/verify", {"answer": "Schmidt"}, key="a1").body == first
    assert (first["attempts_left"], shop.items()) == (4, before)
    other = shop.desk("POST", f"{path}/verify", {"answer": QUESTION["answer"]}, key="a1")
    assert (other.status, shop.items()) == (422, before)


# Demographics


LEFT = Demographics(("statistics",), datetime(2026, 11, 1, tzinfo=UTC), age="45-54")
TOLD = {"uses": ["statistics", "service"], "consent": True, "age": "45-54", "children": 0}


def test_demographics_are_read_for_what_they_were_told_and_are_in_nothing_else(
    shop: World,
) -> None:
    made = invited(shop)
    path = f"/{made['id']}/demographics"
    asked = {"reason": "test", "use": "statistics"}
    assert shop.desk("GET", path, query=asked).status == 404
    assert shop.desk("PUT", path, TOLD).status == 200
    told = shop.desk("GET", path, query=asked).body
    assert (told["age"], told["children"], told["uses"]) == ("45-54", 0, ["service", "statistics"])
    other = shop.desk("GET", path, query=asked | {"use": "marketing"})
    assert (other.status, other.body["type"]) == (403, "urn:parcelway:problem:not-for-this-use")
    seen = shop.desk("GET", f"/{made['id']}", query={"reason": "test"}).body
    assert "45-54" not in json.dumps(seen)
    holding = [item["sk"] for item in shop.items() if "45-54" in json.dumps(item, default=str)]
    assert holding == ["DEMOGRAPHICS"]
    reasons = [item for item in shop.items() if "statistics: test" in json.dumps(item, default=str)]
    assert reasons  # who read them, and what for


def test_demographics_go_with_their_consent(shop: World) -> None:
    made = invited(shop)
    path = f"/{made['id']}/demographics"
    assert shop.desk("DELETE", path).status == 204  # there was nothing
    assert shop.desk("PUT", path, {**TOLD, "consent": False}).status == 422
    assert shop.desk("PUT", path, {**TOLD, "uses": []}).status == 422
    assert not [item for item in shop.items() if item["sk"] == "DEMOGRAPHICS"]
    shop.desk("PUT", path, TOLD)
    assert shop.desk("DELETE", path).status == 204
    assert not [item for item in shop.items() if item["sk"] == "DEMOGRAPHICS"]
    query = {"reason": "test"}
    consents = shop.desk("GET", f"/{made['id']}", query=query).body["customer"]["consents"]
    assert not consents["demographics"]["granted"]
    entries = shop.desk("GET", f"/{made['id']}/history", query=query).body["entries"]
    assert [entry["fields"] for entry in entries[:2]] == [["consents", "demographics"]] * 2


def beside(shop: World, customer_id: str) -> list[str]:
    """What lies beside a record and goes with it."""
    kinds = ("DEMOGRAPHICS", "CHALLENGE")
    return [item["sk"] for item in shop.items(f"CUS#{customer_id}") if item["sk"] in kinds]


def known_well(shop: World, key: str = "k1", **changes: Any) -> str:
    """A customer who told something about themselves, and has a question: their id."""
    customer_id: str = invited(shop, key, **changes)["id"]
    assert shop.desk("PUT", f"/{customer_id}/demographics", TOLD).status == 200
    assert shop.desk("PUT", f"/{customer_id}/challenge", QUESTION).status == 200
    return customer_id


def test_demographics_are_not_shown_without_their_consent_and_can_be_deleted_then(
    shop: World,
) -> None:
    made = invited(shop)["id"]
    shop.put({"pk": f"CUS#{made}", "sk": "DEMOGRAPHICS", "demographics": encode(LEFT)})
    asked = {"reason": "test", "use": "statistics"}
    assert shop.desk("GET", f"/{made}/demographics", query=asked).status == 404
    assert shop.desk("DELETE", f"/{made}/demographics").status == 204
    assert not beside(shop, made)


def test_whoever_is_disabled_can_still_withdraw(shop: World) -> None:
    made = known_well(shop)
    shop.desk("PUT", f"/{made}/state", {"state": "disabled", "reason": "test"}, role="admin")
    assert shop.desk("PUT", f"/{made}/demographics", TOLD).status == 409
    assert shop.desk("DELETE", f"/{made}/demographics").status == 204
    assert beside(shop, made) == ["CHALLENGE"]


def test_a_merger_takes_what_lies_beside_the_duplicate_and_what_the_survivor_withdrew_there(
    shop: World,
) -> None:
    ann, dup = known_well(shop), known_well(shop, "k2", email="dup@example.com")
    cid = known_well(shop, "k3", email="cid@example.com")
    assert shop.desk("DELETE", f"/{dup}/demographics").status == 204
    for duplicate, left in ((cid, ["CHALLENGE", "DEMOGRAPHICS"]), (dup, ["CHALLENGE"])):
        body = {"duplicate": duplicate, "reason": "one person"}
        assert shop.desk("POST", f"/{ann}/merge", body, role="admin").status == 200
        assert (beside(shop, ann), beside(shop, duplicate)) == (left, [])
    consents = shop.desk("GET", f"/{ann}", query={"reason": "test"}).body["customer"]["consents"]
    assert not consents["demographics"]["granted"]


def test_nothing_is_kept_beside_a_sign_up_that_may_go_by_itself(shop: World) -> None:
    shop.sign_up()
    (record,) = shop.records()
    for what, body in (("demographics", TOLD), ("challenge", QUESTION)):
        assert shop.desk("PUT", f"/{record['id']}/{what}", body).status == 409
    assert not beside(shop, record["id"])


def test_what_lies_beside_a_record_that_is_emptied_goes_with_it(shop: World) -> None:
    shop.sign_up()
    (record,) = shop.records()
    known = get_customer(shop.db, record["id"])
    assert known is not None
    told = {"demographics": Consent(True, known.created_at, "w")}
    change = edited(known, {"consents": told}, clock.now(), Actor("staff", "sub-csr"))
    assert change is not None
    save_demographics(shop.db, change, LEFT)
    shop.put({"pk": f"CUS#{known.id}", "sk": "CHALLENGE", "version": 1})
    assert len(beside(shop, known.id)) == 2
    invited(shop, email=EMAIL)
    assert not beside(shop, known.id)


# Who looked at whom


def looks(shop: World, customer_id: str) -> list[str]:
    """Why somebody read a record, the latest first."""
    audit = shop.desk("GET", f"/{customer_id}/audit", role="admin").body
    return [each["reason"] for each in audit["accesses"]]


def test_a_repeat_that_answers_a_record_is_a_look_at_it(shop: World) -> None:
    made = invited(shop, "k1")["id"]
    assert not looks(shop, made)
    invited(shop, "k1")
    assert looks(shop, made) == ["a customer made before"]
    other = invited(shop, "k2", email="dup@example.com")["id"]
    body = {"duplicate": other, "reason": "one person"}
    for _ in range(2):
        assert shop.desk("POST", f"/{made}/merge", body, role="admin").status == 200
    assert looks(shop, made) == ["a merger made before", "a customer made before"]


def test_the_question_is_read_on_record(shop: World) -> None:
    made = known_well(shop)
    shop.desk("GET", f"/{made}/challenge")
    assert looks(shop, made) == ["the question that recognises a caller"]
