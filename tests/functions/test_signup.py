"""The signup function over HTTP: what it does, and what it never tells."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcelway.domain.ids import derived

from tests.functions.signup import EMAIL, FORM, HOME, PASSWORD, Answer, World, world

ADDRESSES = "/customers/me/addresses"
ONE_ADDRESS = "/customers/me/addresses/{address_id}"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made


@pytest.fixture
def token(shop: World) -> str:
    return shop.member()


def status_of(shop: World, email: str = EMAIL) -> str:
    user = shop.client.admin_get_user(UserPoolId=shop.pool_id, Username=email)
    status: str = user["UserStatus"]
    return status


def test_from_sign_up_to_the_own_record(shop: World) -> None:
    token = shop.member()
    answer = shop.call("GET", "/customers/me", token=token)
    me = answer.body
    assert answer.status == 200
    assert answer.headers["ETag"] == f'"{me["version"]}"'
    assert me["id"] == derived("cus", jwt.decode(token, options={"verify_signature": False})["sub"])
    assert (me["state"], me["email"], me["name"]) == ("enabled", "Ada@Example.com", "Ada Byron")
    assert (me["phone"], me["currency"], me["language"]) == ("+12175550100", "USD", "en-US")
    assert [(a["label"], a["default_shipping"]) for a in me["addresses"]] == [
        ("Home", True),
        ("Office", False),
    ]
    assert me["addresses"][1]["address"]["line1"] == "2 Short Street"
    assert me["consents"]["terms"]["granted"] and me["consents"]["terms"]["wording"] == "2026-11"
    assert not me["consents"]["marketing"]["granted"]
    (address,) = shop.items("EMAIL#")
    assert (address["pk"], address["customer_id"]) == (f"EMAIL#{EMAIL}", me["id"])
    assert "expires" not in address
    history = [item for item in shop.items("CUS#") if item["sk"].startswith("HIST#")]
    assert [entry["fields"] for entry in history][1:] == [["state"]]
    assert {"email", "addresses", "consents"} <= set(history[0]["fields"])
    assert history[0]["consents"]["terms"]["granted"]
    assert PASSWORD not in json.dumps(shop.items())


def test_new_pending_and_member_get_one_answer(shop: World) -> None:
    answers = [shop.sign_up(key="one")]
    answers.append(shop.sign_up(key="one"))
    answers.append(shop.sign_up(key="one", name="Somebody else"))  # never "key reused" here
    shop.call("POST", "/customers/confirmation", {"email": EMAIL, "code": shop.pool.mailed[-1]})
    answers.append(shop.sign_up(key="one", name="Somebody else"))
    answers.append(shop.sign_up(key="two", email="ADA@EXAMPLE.COM"))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["message"] for answer in answers}) == 1
    # What names the sign-up depends on the request alone.
    assert answers[0].body == answers[1].body
    assert answers[2].body == answers[3].body != answers[0].body
    assert {str(answer.headers) for answer in answers} == {str(answers[0].headers)}
    weak = [
        shop.sign_up(key="w", email=email, password="short") for email in (EMAIL, "b@b.example")
    ]
    assert weak[0] == weak[1]


def test_a_members_login_and_record_are_not_touched_by_a_sign_up(shop: World) -> None:
    shop.member()
    before, mailed = shop.items(), list(shop.pool.mailed)
    shop.sign_up(key="k2", name="Eve", password="another password")
    assert (shop.items(), shop.pool.mailed) == (before, mailed)
    assert shop.sign_in().status == 200
    assert shop.sign_in(password="another password").status == 401


def test_the_newest_pending_sign_up_wins(shop: World) -> None:
    shop.sign_up(key="k1", name="Eve", password="a planted password")
    planted = shop.pool.mailed[-1]
    shop.sign_up(key="k2")
    old = shop.call("POST", "/customers/confirmation", {"email": EMAIL, "code": planted})
    assert old.status == 422
    code = shop.pool.mailed[-1]
    assert (
        shop.call("POST", "/customers/confirmation", {"email": EMAIL, "code": code}).status == 204
    )
    assert shop.sign_in(password="a planted password").status == 401
    me = shop.call("GET", "/customers/me", token=shop.sign_in().body["id_token"]).body
    assert me["name"] == "Ada Byron"
    (empty,) = [record for record in shop.records() if record["state"] == "replaced"]
    assert (empty["email"], empty["name"], empty.get("addresses")) == ("", "", None)
    assert "Eve" not in json.dumps(shop.items())


def test_a_storefront_that_names_its_sign_up_confirms_no_other(shop: World) -> None:
    mine = shop.sign_up(key="k1").body["sign_up"]
    theirs = shop.sign_up(key="k2", name="Eve", password="a planted password").body["sign_up"]
    code = shop.pool.mailed[-1]  # of Eve's sign-up, in Ada's mailbox
    confirmation = {"email": EMAIL, "code": code, "sign_up": mine}
    assert shop.call("POST", "/customers/confirmation", confirmation).status == 422
    assert status_of(shop) == "UNCONFIRMED"
    confirmation["sign_up"] = theirs
    assert shop.call("POST", "/customers/confirmation", confirmation).status == 204


def test_a_repeat_mails_nothing_and_changes_nothing(shop: World) -> None:
    shop.sign_up()
    before = shop.items()
    assert shop.sign_up().status == 202
    assert (shop.items(), len(shop.pool.mailed)) == (before, 1)


def test_a_pending_sign_up_expires_and_a_confirmed_one_does_not(shop: World) -> None:
    shop.sign_up()
    staying = [item["sk"] for item in shop.items() if "expires" not in item]
    assert staying == ["HIST#000000001"]
    code = {"email": EMAIL, "code": shop.pool.mailed[-1]}
    shop.call("POST", "/customers/confirmation", code)
    assert not [item for item in shop.items() if "expires" in item]


BAD_FORMS: list[tuple[dict[str, Any], str]] = [
    ({"password": "short"}, "/password"),
    ({"password": "x" * 97}, "/password"),
    ({"password": "x" * 300}, "/password"),
    ({"password": "tab\tin the middle"}, "/password"),
    ({"password": " starts with a space"}, "/password"),
    ({"email": "nobody"}, "/email"),
    ({"email": "päda@example.com"}, "/email"),
    ({"email": "a" * 60 + "@" + "b" * 60 + ".example.com"}, "/email"),
    ({"phone": "0217 555 0100"}, "/phone"),
    ({"phone": "+1 217 55"}, "/phone"),
    ({"phone": "+12175550100 ext. 7"}, "/phone"),
    ({"currency": "XYZ"}, "/currency"),
    ({"language": "english"}, "/language"),
    ({"consent": {"terms_accepted": False}}, "/consent/terms_accepted"),
    ({"consent": {"marketing": True}}, "/consent/terms_accepted"),
    ({"addresses": [{"label": "x", "address": HOME}] * 21}, "/addresses"),
    (
        {"addresses": [{"label": "x", "address": HOME | {"postal_code": "x"}}]},
        "/addresses/0/address/postal_code",
    ),
    (
        {"addresses": [{"label": "x", "address": HOME | {"region": "Bavaria"}}]},
        "/addresses/0/address/region",
    ),
    (
        {"addresses": [{"label": "x", "address": HOME, "default_billing": True}] * 2},
        "/addresses/1/default_billing",
    ),
    ({"state": "enabled"}, "/state"),
    ({"version": 7}, "/version"),
]


def test_a_refused_sign_up_leaves_nothing(shop: World) -> None:
    for change, pointer in BAD_FORMS:
        answer = shop.sign_up(**change)
        assert (answer.status, answer.body["pointer"]) == (422, pointer), change
        assert answer.body["type"] == "urn:parcelway:problem:invalid-request"
        assert "password" not in change or change["password"] not in json.dumps(answer.body)
    assert shop.items() == []
    assert shop.client.list_users(UserPoolId=shop.pool_id)["Users"] == []


def test_a_key_is_required(shop: World) -> None:
    assert shop.call("POST", "/customers", FORM).status == 400


def test_wrong_codes_and_unknown_addresses_get_one_answer(shop: World) -> None:
    shop.member()
    shop.sign_up(key="k2", email="pending@example.com")
    answers = [
        shop.call("POST", "/customers/confirmation", {"email": email, "code": "123456"})
        for email in (EMAIL, "pending@example.com", "nobody@example.com")
    ]
    assert answers[0].status == 422 and answers[0].body["pointer"] == "/code"
    assert answers[0].body["type"] == "urn:parcelway:problem:code-refused"
    assert answers[0] == answers[1] == answers[2]


def test_a_code_can_be_had_again(shop: World) -> None:
    shop.sign_up()
    answers = [
        shop.call("POST", "/customers/confirmation/resend", {"email": email})
        for email in (EMAIL, "nobody@example.com")
    ]
    assert answers[0] == answers[1] and answers[0].status == 202
    assert len(shop.pool.mailed) == 2


def test_the_own_record_is_edited(shop: World) -> None:
    token = shop.member()
    me = shop.call("GET", "/customers/me", token=token).body
    change = {
        "name": "Ada Lovelace",
        "phone": None,
        "preferences": {"substitutes": "no"},
        "consent": {"marketing": True, "wording": "2027-01"},
    }
    edited = shop.call("PATCH", "/customers/me", change, token=token, version=me["version"])
    assert edited.status == 200
    assert edited.body["version"] == me["version"] + 1
    assert (edited.body["name"], edited.body["phone"]) == ("Ada Lovelace", "")
    assert edited.body["preferences"] == {"substitutes": "no"}
    assert edited.body["consents"]["marketing"]["wording"] == "2027-01"
    assert edited.body["consents"]["terms"] == me["consents"]["terms"]
    entry = [item for item in shop.items("CUS#") if item["sk"].startswith("HIST#")][-1]
    assert sorted(entry["fields"]) == ["consents", "name", "phone", "preferences"]
    assert entry["consents"]["marketing"]["granted"]
    assert "Lovelace" not in json.dumps(entry)
    # The repeat of a lost answer is no conflict, another change of the old version is.
    repeat = shop.call("PATCH", "/customers/me", change, token=token, version=me["version"])
    assert repeat == edited
    stale = shop.call("PATCH", "/customers/me", {"name": "X"}, token=token, version=me["version"])
    assert (stale.status, stale.body["type"]) == (409, "urn:parcelway:problem:stale-version")
    for body in ({"email": "x@y.example"}, {"name": None}, {"name": ""}, {"state": "enabled"}):
        assert shop.call("PATCH", "/customers/me", body, token=token).status == 422
    assert shop.call("GET", "/customers/me", token=token).body == edited.body


def test_numbers_and_addresses_are_judged_as_at_the_desk(shop: World) -> None:
    token = shop.member()
    said = {"phone": "(217) 555-0199", "phone_country": "US"}
    assert shop.call("PATCH", "/customers/me", said, token=token).body["phone"] == "+12175550199"
    for none in ({"phone": "(217) 555-0199"}, {"phone": "+49 1"}):
        refused = shop.call("PATCH", "/customers/me", none, token=token)
        assert (refused.status, refused.body["pointer"]) == (422, "/phone")
    entry = {"label": "x", "address": HOME | {"postal_code": "99999"}}  # Alaska's
    refused = shop.call("POST", ADDRESSES, entry, token=token, key="add-1")
    assert (refused.status, refused.body["pointer"]) == (422, "/address/postal_code")
    there = {"name": "Ada", "line1": "8 Finance Street", "city": "Central", "country": "HK"}
    entry = {"label": "Work", "address": there | {"region": "Hong Kong Island"}}
    added = shop.call("POST", ADDRESSES, entry, token=token, key="add-2")
    assert added.status == 201
    assert added.body["addresses"][-1]["address"]["postal_code"] == ""
    entry = {"label": "x", "address": there | {"country": "DE"}}
    refused = shop.call("POST", ADDRESSES, entry, token=token, key="add-3")
    assert (refused.status, refused.body["pointer"]) == (422, "/address/postal_code")


def test_other_contacts_are_the_customer_s_own_to_say(shop: World) -> None:
    token = shop.member()
    evenings = {"days": ["tue", "mon"], "start": "18:00", "end": "20:00"}
    evenings |= {"time_zone": "Europe/Berlin"}
    mobile = {"kind": "phone", "value": "0151 12345678", "country": "DE", "label": "mobile"}
    said = {"contacts": [mobile | {"best_time": evenings}, {"kind": "email", "value": "A@B.de"}]}
    kept = shop.call("PATCH", "/customers/me", said, token=token).body["contacts"]
    assert [each["value"] for each in kept] == ["+4915112345678", "a@b.de"]
    assert kept[0]["best_time"] == evenings | {"days": ["mon", "tue"]}
    found_by = "".join(str(item) for item in shop.items("FIND#"))
    assert "4915112345678"[::-1] in found_by and "a@b.de" in found_by
    late = evenings | {"end": "18:00"}
    for wrong, where in (
        ({"kind": "phone", "value": "nobody's"}, "/contacts/0/value"),
        ({"kind": "email", "value": "ada@nowhere"}, "/contacts/0/value"),
        (mobile | {"best_time": late}, "/contacts/0/best_time/end"),
        (mobile | {"best_time": evenings | {"time_zone": "Mars/Base"}}, None),
    ):
        refused = shop.call("PATCH", "/customers/me", {"contacts": [wrong]}, token=token)
        assert refused.status == 422
        assert where is None or refused.body["pointer"] == where
    many = [{"kind": "email", "value": f"a{n}@b.de"} for n in range(11)]
    assert shop.call("PATCH", "/customers/me", {"contacts": many}, token=token).status == 422
    # What is not sent stays; an empty list leaves none.
    edited = shop.call("PATCH", "/customers/me", {"language": "de"}, token=token).body
    assert edited["contacts"] == kept
    assert shop.call("PATCH", "/customers/me", {"contacts": []}, token=token).body["contacts"] == []


def test_the_address_book(shop: World) -> None:
    token = shop.member()
    entry = {"label": "Mum", "address": HOME | {"line1": "3 Wide Way"}, "default_shipping": True}
    added = shop.call("POST", ADDRESSES, entry, token=token, key="add-1")
    assert added.status == 201
    book = {each["label"]: each for each in added.body["addresses"]}
    mum = book["Mum"]
    assert added.headers["Location"] == f"{ADDRESSES}/{mum['id']}"
    assert [each["default_shipping"] for each in book.values()] == [False, False, True]
    assert book["Home"]["default_billing"]
    assert shop.call("POST", ADDRESSES, entry, token=token, key="add-1") == added
    reused = shop.call("POST", ADDRESSES, entry | {"label": "x"}, token=token, key="add-1")
    assert (reused.status, reused.body["type"]) == (
        422,
        "urn:parcelway:problem:idempotency-key-reused",
    )
    path = f"{ADDRESSES}/{mum['id']}"
    bad = entry | {"address": HOME | {"country": "DE"}, "label": "x"}
    assert (
        shop.call("PUT", path, bad | {"address": {**HOME, "postal_code": "1"}}, token=token,
                  resource=ONE_ADDRESS).body["pointer"] == "/address/postal_code"
    )  # fmt: skip
    moved = shop.call("PUT", path, bad, token=token, resource=ONE_ADDRESS)
    assert moved.status == 200
    assert moved.body["addresses"][-1]["address"]["country"] == "DE"
    gone = shop.call("DELETE", path, token=token, resource=ONE_ADDRESS)
    assert [each["label"] for each in gone.body["addresses"]] == ["Home", "Office"]
    for method, body in (("PUT", entry), ("DELETE", None)):
        unknown = shop.call(method, path, body, token=token, resource=ONE_ADDRESS)
        assert unknown.status == 404


def test_only_the_own_record_is_reached(shop: World) -> None:
    ada = shop.member()
    shop.sign_up(key="k2", email="bob@example.com", name="Bob")
    code = {"email": "bob@example.com", "code": shop.pool.mailed[-1]}
    shop.call("POST", "/customers/confirmation", code)
    bob = shop.sign_in("bob@example.com").body["id_token"]
    home = shop.call("GET", "/customers/me", token=ada).body["addresses"][0]["id"]
    path = f"{ADDRESSES}/{home}"
    assert shop.call("DELETE", path, token=bob, resource=ONE_ADDRESS).status == 404
    assert shop.call("GET", "/customers/me", token=bob).body["name"] == "Bob"
    for method in ("GET", "PATCH"):
        body = {} if method == "PATCH" else None
        assert shop.call(method, "/customers/me", body).status == 401


def test_a_login_without_a_record_gets_one(shop: World) -> None:
    """Somebody who signed up at the user pool itself has agreed to nothing."""
    shop.pool.sign_up(EMAIL, PASSWORD, "Ada", "de")
    shop.client.admin_confirm_sign_up(UserPoolId=shop.pool_id, Username=EMAIL)
    me = shop.call("GET", "/customers/me", token=shop.sign_in().body["id_token"]).body
    assert (me["state"], me["name"], me["language"]) == ("enabled", "Ada", "de")
    assert (me["version"], me["consents"]) == (1, {})
    (address,) = shop.items("EMAIL#")
    assert address["customer_id"] == me["id"]


def test_a_token_of_a_deleted_login_makes_no_record(shop: World) -> None:
    shop.pool.sign_up(EMAIL, PASSWORD, "Ada", "")
    shop.client.admin_confirm_sign_up(UserPoolId=shop.pool_id, Username=EMAIL)
    token = shop.pool.sign_in(EMAIL, PASSWORD).id_token  # not through the shop, which makes one
    shop.client.admin_delete_user(UserPoolId=shop.pool_id, Username=EMAIL)
    assert shop.call("GET", "/customers/me", token=token).status == 401
    shop.sign_up()  # the address has another login now
    assert shop.call("GET", "/customers/me", token=token).status == 401
    assert [record["state"] for record in shop.records()] == ["pending"]
    code = {"email": EMAIL, "code": shop.pool.mailed[-1]}
    assert shop.call("POST", "/customers/confirmation", code).status == 204
    assert shop.call("GET", "/customers/me", token=token).status == 401  # nor somebody else's


def test_an_address_outlives_a_deleted_login_until_it_is_proven_anew(shop: World) -> None:
    shop.member()
    (old,) = shop.records()
    shop.client.admin_delete_user(UserPoolId=shop.pool_id, Username=EMAIL)
    shop.sign_up(key="k2")
    assert shop.items("EMAIL#")[0]["customer_id"] == old["id"]
    code = {"email": EMAIL, "code": shop.pool.mailed[-1]}
    assert shop.call("POST", "/customers/confirmation", code).status == 204
    me = shop.call("GET", "/customers/me", token=shop.sign_in().body["id_token"]).body
    assert shop.items("EMAIL#")[0]["customer_id"] == me["id"] != old["id"]
    # Its orders still find the old record, but it is no second one for the address.
    assert old | {"state": "disabled", "version": old["version"] + 1} in shop.records()


def test_a_locked_customer_neither_reads_nor_edits(shop: World) -> None:
    token = shop.member()
    me = shop.call("GET", "/customers/me", token=token).body
    shop.db.client.update_item(
        TableName=shop.db.customers,
        Key={"pk": {"S": f"CUS#{me['id']}"}, "sk": {"S": "CUSTOMER"}},
        UpdateExpression="SET customer.#state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "locked"}},
    )
    before = shop.items()
    assert shop.call("GET", "/customers/me", token=token).status == 401
    answer = shop.call("PATCH", "/customers/me", {"name": "X"}, token=token)
    assert (answer.status, answer.body["type"]) == (401, "urn:parcelway:problem:unauthenticated")
    assert shop.items() == before


class Collected(logging.Handler):
    """Log lines as they would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def test_no_log_line_holds_personal_data_or_a_secret(shop: World) -> None:
    logger, log = logging.getLogger("signup"), Collected()
    log.setFormatter(logger.handlers[0].formatter)
    logger.addHandler(log)
    try:
        token = shop.member()
        session = shop.sign_in().body
        shop.sign_up(key="k2")
        shop.sign_up(key="k3", password="short")
        shop.sign_in(password="not the password")
        shop.call("PATCH", "/customers/me", {"name": "Ada Lovelace"}, token=token)
        shop.call("POST", "/sessions/refresh", {"refresh_token": session["refresh_token"]})
        shop.client.delete_user_pool(UserPoolId=shop.pool_id)  # whatever comes now is a fault
        assert shop.sign_up(key="k4", email="new@example.com").status == 500
        assert shop.sign_in().status == 500
    finally:
        logger.removeHandler(log)
    written = "\n".join(log.lines).lower()
    assert len(log.lines) >= 11 and "identityfault" in written
    secrets = [
        EMAIL,
        "new@example",
        "ada",
        PASSWORD,
        "not the password",
        "12175550100",
        "long lane",
    ]
    secrets += [str(value).lower() for value in session.values() if isinstance(value, str)]
    secrets += [*shop.pool.mailed, "k4"]
    assert not [secret for secret in secrets if secret in written]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ROUTES = [
    ("POST", "/customers"),
    ("POST", "/customers/confirmation"),
    ("POST", "/customers/confirmation/resend"),
    ("POST", "/sessions"),
    ("POST", "/sessions/new-password"),
    ("POST", "/sessions/refresh"),
    ("DELETE", "/sessions"),
    ("POST", "/passwords/reset"),
    ("POST", "/passwords/reset/confirmation"),
    ("PATCH", "/customers/me"),
    ("POST", ADDRESSES),
]
FIELDS = {
    "email": EMAIL,
    "password": PASSWORD,
    "code": "123456",
    "session": "a:b",
    "refresh_token": "x",
    "access_token": "x",
    "name": "Ada",
    "label": "Home",
    "address": HOME,
    "consent": FORM["consent"],
    "addresses": FORM["addresses"],
    "preferences": {"a": "b"},
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.data())
def test_nothing_that_can_be_sent_is_our_fault(
    shop: World, token: str, data: st.DataObject
) -> None:
    method, path = data.draw(st.sampled_from(ROUTES))
    names = data.draw(st.sets(st.sampled_from(sorted(FIELDS))))
    body: Any = {name: FIELDS[name] for name in names}
    for name in data.draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=2)):
        body[name] = data.draw(anything)
    if data.draw(st.integers(0, 9)) == 0:
        body = data.draw(anything | st.text())
    answer: Answer = shop.call(method, path, body, key="fuzz", token=token)
    assert answer.status < 500, answer.body
