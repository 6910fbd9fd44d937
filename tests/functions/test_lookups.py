"""Look-ups of the service desk through the API: who is found, and what is put on record of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from parcelway.domain import cart
from parcelway.domain.decision import Decision
from parcelway.domain.importing import order_id_of
from parcelway.domain.parties import Contact
from parcelway.http.paging import to_cursor
from parcelway.ports import clock
from parcelway.store.saving import save

from infra.verify import breaks
from tests.functions.signup import EMAIL, FORM, HOME, Answer, World, world
from tests.functions.test_customers import NEW, invited
from tests.orders import Story, at, store

WHY = "asks where the parcel is"
MISSING = "cus_aaaaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made


def look_up(shop: World, reason: str = WHY, **clues: str) -> Answer:
    return shop.desk("GET", query={"reason": reason, **clues})


def found(shop: World, **clues: str) -> list[str]:
    answer = look_up(shop, **clues)
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.body["customers"]]


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.get("pointer", "")


def audit(shop: World, customer_id: str, **query: str) -> Any:
    answer = shop.desk("GET", f"/{customer_id}/audit", role="csr_supervisor", query=query)
    assert answer.status == 200, answer.body
    return answer.body


def look_ups(shop: World, **query: str) -> Any:
    supervisor = {"sub": "sub-boss", "cognito:groups": "csr_supervisor"}
    answer = shop.call("GET", "/staff/look-ups", query=query, claims=supervisor)
    assert answer.status == 200, answer.body
    return answer.body


def test_whoever_the_desk_made_is_found_at_once_by_all_they_may_tell(shop: World) -> None:
    made = invited(shop)
    for clues in (
        {"family_name": "byr"},
        {"given_name": "ADA"},
        {"family_name": "Byron", "given_name": "a"},
        {"email": "ada@"},
        {"logon": "ADA@example.com"},
        {"phone": "(217) 555-0100"},
        {"postal_code": "62701"},
    ):
        assert found(shop, **clues) == [made["id"]]
    (shown,) = look_up(shop, family_name="byron").body["customers"]
    assert shown == {
        "id": made["id"],
        "state": "pending",
        "name": "Ada Byron",
        "email": made["email"],
        "phone": NEW["phone"],
        "city": "Springfield",
        "postal_code": "62701",
        "country": "US",
    }


def test_whoever_signed_up_is_found_by_any_word_of_the_name(shop: World) -> None:
    shop.member()
    (record,) = shop.records()
    assert found(shop, family_name="byron") == found(shop, given_name="byron") == [record["id"]]
    (shown,) = look_up(shop, family_name="ada").body["customers"]
    assert shown["state"] == "enabled"


def test_what_changed_is_found_as_it_is_now_and_not_as_it_was(shop: World) -> None:
    made = invited(shop)
    shop.desk("PATCH", f"/{made['id']}", {"family_name": "King", "phone": None})
    assert found(shop, family_name="byron") == found(shop, phone="2175550100") == []
    (shown,) = look_up(shop, family_name="king").body["customers"]
    assert (shown["name"], shown.get("phone", "")) == ("Ada King", "")


def test_an_account_is_found_by_its_members(shop: World) -> None:
    made = invited(shop)
    path, standing = f"/{made['id']}/standing", {"groups": [], "account": "acme"}
    assert shop.desk("PUT", path, standing, role="csr_supervisor").status == 200
    assert found(shop, account="acme") == [made["id"]]


def test_a_sign_up_that_gave_way_is_not_found(shop: World) -> None:
    shop.sign_up(key="k1")
    shop.sign_up(key="k2")
    there = [each["id"] for each in shop.records() if each["state"] == "pending"]
    assert found(shop, email=EMAIL) == found(shop, logon=EMAIL) == there
    assert len(there) == 1


def test_of_merged_records_the_survivor_is_found_by_what_either_had(shop: World) -> None:
    mine = invited(shop, "k1")
    work = {"email": "ada@work.example", "phone": "+16145559876", "family_name": "King"}
    other = invited(shop, "k2", **work)
    body = {"reason": "is one person", "duplicate": other["id"]}
    merged = shop.desk("POST", f"/{mine['id']}/merge", body, role="csr_supervisor")
    assert merged.status == 200, merged.body
    for clues in ({"logon": EMAIL}, {"logon": work["email"]}, {"email": "ada@"}, {"phone": "9876"}):
        assert found(shop, **clues) == [mine["id"]], clues
    assert found(shop, family_name="king") == []
    assert breaks(shop.db, clock.now()) == []


def placed(shop: World, customer_id: str, seed: str = "1") -> Story:
    """A placed and invoiced order; a guest's when there is no `customer_id`."""
    story = Story(seed=seed).filled()
    if customer_id:
        who = cart.Claimant(customer_id, Contact("Ada Byron", EMAIL))
        story._apply(cart.claim(story.order, who, story.facts))
    for step in ("placed", "confirmed", "scheduled", "released", "packed", "shipped", "invoiced"):
        getattr(story, step)()
    store(shop.db, story)
    return story


def numbers_of(story: Story) -> list[dict[str, str]]:
    return [
        {"order_id": story.order.id},
        {"order_id": f" {story.order.id.upper()}"},
        {"tracking_number": story.order.tracking_number},
        {"tracking_number": story.order.tracking_number.lower().replace("-", " ")},
        {"invoice_number": story.invoices[0].number},
    ]


def test_a_number_of_an_order_leads_to_it_and_to_its_customer(shop: World) -> None:
    made = invited(shop)
    story = placed(shop, made["id"])
    for clues in numbers_of(story):
        answer = look_up(shop, **clues)
        assert [each["id"] for each in answer.body["customers"]] == [made["id"]], clues
        assert answer.body["order"] == {
            "order_id": story.order.id,
            "tracking_number": story.order.tracking_number,
            "customer_id": made["id"],
        }


def test_an_order_that_was_sold_elsewhere_is_found_by_its_id_there(shop: World) -> None:
    story = at("placed")
    order_id = order_id_of("bazaar", "B-17")
    sold = replace(story.order, id=order_id, version=1, source="bazaar", external_id="B-17")
    save(shop.db, Decision(sold), clock.now())
    answer = look_up(shop, external_id="B-17", source="bazaar")
    assert answer.body["order"]["order_id"] == order_id
    assert look_up(shop, external_id="B-17", source="market").body["order"] is None
    assert refused(look_up(shop, external_id="B-17")) == (422, "/source")


def test_a_guests_order_is_found_without_a_customer(shop: World) -> None:
    story = placed(shop, "")
    for clues in numbers_of(story):
        answer = look_up(shop, **clues).body
        assert answer["customers"] == []
        assert answer["order"]["order_id"] == story.order.id


def test_a_mistyped_tracking_number_is_told_from_one_that_is_not_there(shop: World) -> None:
    number = at("placed").order.tracking_number
    slip = number[:-1] + ("1" if number[-1] != "1" else "2")
    assert refused(look_up(shop, tracking_number=slip)) == (422, "/tracking_number")
    answer = look_up(shop, tracking_number=number)
    assert (answer.status, answer.body) == (
        200,
        {"customers": [], "order": None, "next_cursor": None},
    )


@pytest.mark.parametrize("number", ["INV-000001", "INV", "1", "-1", "INV-x", "INV-" + "9" * 40])
def test_numbers_that_nothing_has_find_nothing(shop: World, number: str) -> None:
    assert found(shop, invoice_number=number) == found(shop, order_id=number) == []


@pytest.mark.parametrize(
    ("clues", "pointer"),
    [
        ({}, ""),
        ({"family_name": "s"}, "/family_name"),
        ({"phone": "12"}, "/phone"),
        ({"logon": "ada"}, "/logon"),
        ({"logon": EMAIL, "phone": "2175550100"}, ""),
        ({"order_id": "ord_1", "tracking_number": "PW-1"}, ""),
        ({"family_name": "byron", "reason": ""}, "/reason"),
        ({"family_name": "byron", "reason": "  x "}, "/reason"),
        ({"family_name": "byron", "limit": "51"}, "/limit"),
        ({"surname": "byron"}, "/surname"),
    ],
)
def test_what_is_too_little_or_too_much_is_refused_and_not_looked_up(
    shop: World, clues: dict[str, str], pointer: str
) -> None:
    assert refused(look_up(shop, **clues)) == (422, pointer)
    assert look_ups(shop)["accesses"] == []


def test_without_a_reason_nobody_is_shown(shop: World) -> None:
    made = invited(shop)
    assert refused(shop.desk("GET", query={"family_name": "byron"})) == (422, "/reason")
    assert refused(shop.desk("GET", f"/{made['id']}")) == (422, "/reason")
    assert audit(shop, made["id"])["accesses"] == []


def test_every_look_up_is_put_on_record(shop: World) -> None:
    made = invited(shop)
    found(shop, family_name="byron")
    found(shop, phone="99999999")
    nobody, somebody = look_ups(shop)["accesses"]  # latest first
    assert {**somebody, "at": ""} == {
        "at": "",
        "staff": "sub-csr",
        "reason": WHY,
        "how": "family_name",
        "found": 1,
    }
    assert (nobody["how"], nobody["found"]) == ("phone", 0)
    assert audit(shop, made["id"])["accesses"] == [somebody]


def test_opening_a_record_is_put_on_record(shop: World) -> None:
    made = invited(shop)
    path = f"/{made['id']}"
    answer = shop.desk("GET", path, query={"reason": WHY})
    assert answer.body["customer"]["id"] == made["id"]
    (opened,) = audit(shop, made["id"])["accesses"]
    assert (opened["how"], opened["staff"], opened["reason"]) == ("opened", "sub-csr", WHY)
    assert look_ups(shop)["accesses"] == []
    # An edit of nothing shows the record as well; one of something is in its history.
    shop.desk("PATCH", path, {})
    shop.desk("PATCH", path, {"family_name": "King"})
    assert [each["how"] for each in audit(shop, made["id"])["accesses"]] == ["opened", "opened"]


def test_opening_what_is_not_there_leaves_nothing(shop: World) -> None:
    assert shop.desk("GET", f"/{MISSING}", query={"reason": WHY}).status == 404
    assert audit(shop, MISSING)["accesses"] == []


def test_what_was_typed_is_not_kept(shop: World) -> None:
    invited(shop)
    found(shop, family_name="byron")
    found(shop, email="ada@example")
    kept = [item for item in shop.items() if item["sk"].startswith("SEEN#")]
    kept += shop.items("LOOKUPS#")
    assert len(kept) == 4
    assert not any(text in str(kept).casefold() for text in ("byron", "example"))
    assert all("expires" in item for item in kept)


def test_only_supervisors_see_who_looked(shop: World) -> None:
    made = invited(shop)
    for role, status in (("csr", 403), ("finance", 403), ("csr_supervisor", 200), ("admin", 200)):
        assert shop.desk("GET", f"/{made['id']}/audit", role=role).status == status
        claims = {"sub": "x", "cognito:groups": role}
        assert shop.call("GET", "/staff/look-ups", claims=claims).status == status


def people(shop: World, *names: str) -> set[str]:
    return {
        invited(shop, f"key-{name}", given_name=name, email=f"{name}@example.com")["id"]
        for name in names
    }


def test_a_name_that_many_have_comes_page_by_page(shop: World) -> None:
    everybody = people(shop, "Ann", "Ben", "Cem", "Dan", "Eva")
    shown: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        answer = look_up(shop, family_name="byron", limit="2", **cursor).body
        assert len(answer["customers"]) <= 2
        shown += [each["id"] for each in answer["customers"]]
        cursor = {"cursor": answer["next_cursor"]}
    assert (sorted(shown), answer["next_cursor"]) == (sorted(everybody), None)
    first, *others = look_ups(shop)["accesses"]
    assert (first["found"], [each["found"] for each in others]) == (1, [2, 2])
    assert ("more" in first, all(each["more"] for each in others)) == (False, True)


def test_a_cursor_leads_on_in_its_own_list_only(shop: World) -> None:
    (ann, *_) = people(shop, "Ann", "Ben", "Anna")
    cursor = look_up(shop, family_name="byron", limit="1").body["next_cursor"]
    for clues in ({"family_name": "byr"}, {"family_name": "byron"}):
        assert look_up(shop, cursor=cursor, **clues).status == 200
    for clues in ({"family_name": "byrons"}, {"family_name": "smith"}, {"given_name": "ann"}):
        assert look_up(shop, cursor=cursor, **clues).status == 400
    assert look_up(shop, family_name="byron", cursor="x").status == 400
    made_up = to_cursor({"pk": f"CUS#{ann}", "sk": "CUSTOMER"})
    for other in (cursor, made_up):
        answer = shop.desk("GET", f"/{ann}/audit", role="admin", query={"cursor": other})
        assert answer.status == 400


def test_accesses_come_page_by_page_latest_first(shop: World) -> None:
    made = invited(shop)
    for reason in ("one", "two", "three"):
        look_up(shop, reason, family_name="byron")
    for read in (lambda **q: audit(shop, made["id"], **q), lambda **q: look_ups(shop, **q)):
        first = read(limit="2")
        last = read(limit="2", cursor=first["next_cursor"])
        reasons = [each["reason"] for each in first["accesses"] + last["accesses"]]
        assert (reasons, last["next_cursor"]) == (["three", "two", "one"], None)
    assert look_ups(shop, day="2020-02-29")["accesses"] == []


class TakesNoWrites:
    """DynamoDB that answers reads only."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if name in ("put_item", "transact_write_items"):
            raise EndpointConnectionError(endpoint_url="dynamodb")
        return getattr(self._inner, name)


def test_when_it_cannot_be_put_on_record_nobody_is_told(shop: World) -> None:
    made = invited(shop)
    mute = replace(shop.db, client=TakesNoWrites(shop.db.client))
    shop.customers.db = lambda: mute
    for answer in (
        look_up(shop, family_name="byron"),
        shop.desk("GET", f"/{made['id']}", query={"reason": WHY}),
    ):
        assert answer.status == 503
        assert "Ada" not in str(answer.body)


def test_the_postal_code_of_every_address_leads_there(shop: World) -> None:
    token = shop.member()
    book = {"label": "Parents", "address": HOME | {"postal_code": "60601"}}
    added = shop.call("POST", "/customers/me/addresses", book, key="k9", token=token)
    assert len(found(shop, postal_code="606")) == 1
    address_id = added.headers["Location"].rpartition("/")[2]
    path = "/customers/me/addresses/{address_id}"
    where = path.format(address_id=address_id)
    assert shop.call("DELETE", where, token=token, resource=path).status == 200
    assert found(shop, postal_code="606") == []
    assert len(found(shop, postal_code=FORM["addresses"][0]["address"]["postal_code"])) == 1
