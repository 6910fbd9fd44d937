"""The login and the record never drift apart: every crash point, every interleaving of two.

A crash is an exception after a remote call took effect and before its answer was used. Whatever
it leaves, the requests that follow must end in one proven login, one enabled record that belongs
to it, the address held by that record, and nothing personal left of any other.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from parcelway.domain.customer import Customer, Profile, SavedAddress
from parcelway.domain.login import customer_id_of
from parcelway.domain.parties import Address
from parcelway.http.call import Caller
from parcelway.http.problems import Problem
from parcelway.ports.identity import CodeRefused, SignInRefused
from parcelway.store.customers import get_customer
from parcelway.store.database import Database

from tests.functions.signup import EMAIL, FOLDER, PASSWORD, Pool, World, world

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOME = Address("Ada Byron", "1 Long Lane", "Springfield", "62701", "US", region="IL")


@dataclass(frozen=True)
class Person:
    """Somebody who signs up for EMAIL."""

    name: str
    password: str

    @property
    def sign_up_name(self) -> str:
        return f"sgn_{self.name}"

    @property
    def profile(self) -> Profile:
        home = SavedAddress(f"adr_{self.name}", f"home of {self.name}", HOME, True, True)
        return Profile(
            self.sign_up_name, "Ada@Example.com", EMAIL, self.name, language="en", addresses=(home,)
        )


ADA = Person("Ada", PASSWORD)
EVE = Person("Eve", "a planted password")


class Crash(Exception):
    """The process ended here."""


@dataclass
class Wire:
    """Every remote call goes over it; `after` is run after each and may raise."""

    calls: int = 0
    after: Callable[[int], None] = field(default=lambda _: None)

    def watch(self, target: Any, names: set[str]) -> Any:
        return _Watched(target, names, self)

    def called(self) -> None:
        self.calls += 1
        self.after(self.calls)


class _Watched:
    def __init__(self, target: Any, names: set[str], wire: Wire) -> None:
        self._target, self._names, self._wire = target, names, wire

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name not in self._names:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = found(*args, **kwargs)
            self._wire.called()
            return answer

        return call


@dataclass
class Desk:
    """The account flows on a wire."""

    accounts: Any
    db: Database
    pool: Pool

    def on(self, wire: Wire) -> Desk:
        client = wire.watch(self.db.client, {"get_item", "put_item", "transact_write_items"})
        pool = wire.watch(self.pool, {"find", "sign_up", "forget", "confirm"})
        return Desk(self.accounts, replace(self.db, client=client), pool)

    def sign_up(self, person: Person) -> None:
        self.accounts.sign_up(self.db, self.pool, person.profile, person.password, NOW)

    def confirm(self, code: str, person: Person | None = None) -> None:
        name = person.sign_up_name if person else ""
        self.accounts.confirm(self.db, self.pool, EMAIL, code, name, NOW)

    def read(self, password: str) -> Customer:
        """Sign in and read the own record."""
        token = self.pool.sign_in(EMAIL, password).id_token
        claims = jwt.decode(token, options={"verify_signature": False})
        own: Customer = self.accounts.own_record(
            self.db, self.pool, Caller(claims["sub"], claims["email"]), NOW
        )
        return own


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(monkeypatch) as made:
        yield made


@pytest.fixture
def desk(shop: World, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.syspath_prepend(str(FOLDER))
    return Desk(importlib.import_module("accounts"), shop.db, shop.pool)


def clear(shop: World) -> None:
    for user in shop.client.list_users(UserPoolId=shop.pool_id)["Users"]:
        shop.client.admin_delete_user(UserPoolId=shop.pool_id, Username=user["Username"])
    clear_records(shop)
    shop.pool.mailed.clear()


def clear_records(shop: World) -> None:
    for item in shop.items():
        key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
        shop.db.client.delete_item(TableName=shop.db.customers, Key=key)


def crash_at(count: int) -> Wire:
    def after(calls: int) -> None:
        if calls == count:
            raise Crash

    return Wire(after=after)


def every_crash(
    shop: World, desk: Desk, prepare: Callable[[], None], act: Callable[[Desk], None]
) -> Iterator[int]:
    """Run `act` once for each of its calls, crashed after that call; yields there."""
    for count in itertools.count(1):
        clear(shop)
        prepare()
        wire = crash_at(count)
        try:
            act(desk.on(wire))
        except Crash:
            yield count
        else:
            assert count > 3  # the flow was really taken apart
            return


def assert_settled(shop: World, own: Customer, lost: int = 0) -> None:
    """One proven login, its record, its address, and nobody else but `lost` disabled records."""
    (user,) = shop.client.list_users(UserPoolId=shop.pool_id)["Users"]
    subject = next(a["Value"] for a in user["Attributes"] if a["Name"] == "sub")
    assert user["UserStatus"] == "CONFIRMED"
    assert own.id == customer_id_of(subject) and own.state == "enabled"
    (address,) = shop.items("EMAIL#")
    assert address["customer_id"] == own.id and "expires" not in address
    others = [record for record in shop.records() if record["id"] != own.id]
    assert [record["state"] for record in others].count("disabled") == lost
    for record in others:
        if record["state"] == "pending":  # could never have the address; TTL takes it
            assert lost and "expires" in shop.items(f"CUS#{record['id']}")[0]
        elif record["state"] != "disabled":
            assert record["state"] == "replaced"
            assert not {record["email"], record["email_key"], record["name"]} - {""}
            assert not {"phone", "addresses", "consents"} & set(record)
    versions = [i["sk"] for i in shop.items(f"CUS#{own.id}") if i["sk"].startswith("HIST#")]
    assert versions == [f"HIST#{number:09d}" for number in range(1, own.version + 1)]


def assert_from(own: Customer, person: Person) -> None:
    assert own.name == person.name
    assert [saved.label for saved in own.addresses] == [f"home of {person.name}"]
    assert own.consents["terms"].granted


def test_a_first_sign_up_crashed_anywhere_and_repeated(shop: World, desk: Desk) -> None:
    for _ in every_crash(shop, desk, lambda: None, lambda d: d.sign_up(ADA)):
        desk.sign_up(ADA)
        desk.confirm(shop.pool.mailed[-1], ADA)
        own = desk.read(PASSWORD)
        assert_settled(shop, own)
        assert_from(own, ADA)


def test_a_first_sign_up_crashed_anywhere_and_confirmed_without_a_repeat(
    shop: World, desk: Desk
) -> None:
    outcomes = set()
    for _ in every_crash(shop, desk, lambda: None, lambda d: d.sign_up(ADA)):
        if not shop.pool.mailed:
            assert shop.items() == []
            continue
        desk.confirm(shop.pool.mailed[-1])
        own = desk.read(PASSWORD)
        assert_settled(shop, own)
        assert own.name == "Ada"
        outcomes.add(bool(own.consents))
    # Crashed before the record, what was agreed to is lost, and nothing is claimed instead.
    assert outcomes == {True, False}


def test_a_replacing_sign_up_crashed_anywhere_and_repeated(shop: World, desk: Desk) -> None:
    for _ in every_crash(shop, desk, lambda: desk.sign_up(EVE), lambda d: d.sign_up(ADA)):
        desk.sign_up(ADA)
        desk.confirm(shop.pool.mailed[-1], ADA)
        own = desk.read(PASSWORD)
        assert_settled(shop, own)
        assert_from(own, ADA)
        with pytest.raises(SignInRefused):
            desk.pool.sign_in(EMAIL, EVE.password)


def test_a_replacing_sign_up_crashed_anywhere_and_not_repeated(shop: World, desk: Desk) -> None:
    """Whoever's sign-up stands then, the newest code or a third sign-up settles it."""
    for count in every_crash(shop, desk, lambda: desk.sign_up(EVE), lambda d: d.sign_up(ADA)):
        if count % 2 or desk.pool.find(EMAIL) is None:
            desk.sign_up(replace(ADA, name="Third"))
        desk.confirm(shop.pool.mailed[-1])
        password = EVE.password if len(shop.pool.mailed) == 1 else PASSWORD
        assert_settled(shop, desk.read(password))


def test_a_confirmation_crashed_anywhere(shop: World, desk: Desk) -> None:
    def confirm(crashing: Desk) -> None:
        crashing.confirm(shop.pool.mailed[-1], ADA)

    for _ in every_crash(shop, desk, lambda: desk.sign_up(ADA), confirm):
        login = desk.pool.find(EMAIL)
        assert login is not None
        if login.proven:
            with pytest.raises(CodeRefused):
                desk.confirm(shop.pool.mailed[-1])
        else:
            desk.confirm(shop.pool.mailed[-1], ADA)
        own = desk.read(PASSWORD)
        assert_settled(shop, own)
        assert_from(own, ADA)


def test_a_sign_in_does_what_a_crash_left_undone(shop: World, desk: Desk) -> None:
    """Whoever never asks for the own record has it all the same: guests' orders go to nobody who is
    not enabled."""
    for told in (True, False):  # whether the sign-up came as far as its record
        clear(shop)
        desk.sign_up(ADA)
        if not told:
            clear_records(shop)
        desk.pool.confirm(EMAIL, shop.pool.mailed[-1])
        tokens = desk.pool.sign_in(EMAIL, PASSWORD)
        assert desk.accounts.admitted(desk.db, desk.pool, tokens, NOW) == tokens
        record = get_customer(shop.db, customer_id_of(tokens.claims["sub"]))
        assert record is not None and record.state == "enabled"


def test_who_works_for_the_shop_gets_no_record_by_signing_in(shop: World, desk: Desk) -> None:
    desk.sign_up(ADA)
    clear_records(shop)
    desk.pool.confirm(EMAIL, shop.pool.mailed[-1])
    about = {"UserPoolId": shop.pool_id, "GroupName": "csr"}
    shop.client.create_group(**about)
    shop.client.admin_add_user_to_group(**about, Username=EMAIL)
    desk.accounts.admitted(desk.db, desk.pool, desk.pool.sign_in(EMAIL, PASSWORD), NOW)
    assert shop.items() == []


def test_a_first_read_crashed_anywhere(shop: World, desk: Desk) -> None:
    def confirm_at_the_pool_only() -> None:
        desk.sign_up(ADA)
        desk.pool.confirm(EMAIL, shop.pool.mailed[-1])

    def read(crashing: Desk) -> None:
        token = desk.pool.sign_in(EMAIL, PASSWORD).id_token
        subject = jwt.decode(token, options={"verify_signature": False})["sub"]
        crashing.accounts.own_record(crashing.db, crashing.pool, Caller(subject, EMAIL), NOW)

    for _ in every_crash(shop, desk, confirm_at_the_pool_only, read):
        own = desk.read(PASSWORD)
        assert_settled(shop, own)
        assert_from(own, ADA)


def interleaved(
    shop: World,
    desk: Desk,
    prepare: Callable[[], None],
    act: Callable[[Desk], None],
    other: Callable[[], None],
) -> Iterator[int]:
    """Run `act` once for each of its calls, with all of `other` happening after that call."""
    for count in itertools.count(1):
        clear(shop)
        prepare()
        happened = []

        def after(calls: int, count: int = count, happened: list[int] = happened) -> None:
            if calls == count:
                happened.append(count)
                other()

        act(desk.on(Wire(after=after)))
        if not happened:
            return
        yield count


@pytest.mark.parametrize("prepared", [False, True])
def test_two_sign_ups_at_once_end_as_one_of_them(shop: World, desk: Desk, prepared: bool) -> None:
    """The password and the details are one person's: whose login was made last."""

    def prepare() -> None:
        if prepared:
            desk.sign_up(Person("First", "the very first one"))

    def eve() -> None:
        desk.sign_up(EVE)

    adas_sign_up = 5 if prepared else 3  # which of her calls it is
    for count in interleaved(shop, desk, prepare, lambda d: d.sign_up(ADA), eve):
        desk.confirm(shop.pool.mailed[-1])
        standing = []
        for person in (ADA, EVE):
            try:
                own = desk.read(person.password)
            except SignInRefused:
                continue
            assert_settled(shop, own)
            assert_from(own, person)
            standing.append(person)
        assert standing == [ADA if count < adas_sign_up else EVE]


def test_a_confirmation_while_somebody_else_signs_up(shop: World, desk: Desk) -> None:
    """Eve's sign-up, with Ada's confirmation after any of its calls, and the other way round.

    Cognito deletes a user whatever became of them since they were looked at. So one moment is
    left in which Ada's proven login goes: she signs up again, and the record is kept disabled.
    """
    lost = 0

    def confirm(at: Desk) -> None:
        with suppress(CodeRefused):
            at.confirm(shop.pool.mailed[0], ADA)

    def check() -> None:
        nonlocal lost
        with pytest.raises(SignInRefused):
            desk.pool.sign_in(EMAIL, EVE.password)
        login = desk.pool.find(EMAIL)
        kept = 0
        if login is None or not login.proven:
            again = replace(ADA, name="Ada again")
            kept = [record["state"] for record in shop.records()].count("enabled")
            desk.sign_up(again)
            desk.confirm(shop.pool.mailed[-1], again)
        assert_settled(shop, desk.read(PASSWORD), kept)
        lost += kept

    def ada_signs_up() -> None:
        desk.sign_up(ADA)

    for _ in interleaved(shop, desk, ada_signs_up, lambda d: d.sign_up(EVE), lambda: confirm(desk)):
        check()
    for _ in interleaved(shop, desk, ada_signs_up, confirm, lambda: desk.sign_up(EVE)):
        check()
    assert lost == 2  # between looking at the login (and its record) and deleting it


def test_a_token_of_a_replaced_login_reads_nothing(shop: World, desk: Desk) -> None:
    """Ada proved her address while Eve's sign-up was deleting the pending login."""
    desk.sign_up(ADA)
    desk.pool.confirm(EMAIL, shop.pool.mailed[-1])
    token = desk.pool.sign_in(EMAIL, PASSWORD).id_token
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    login = desk.pool.find(EMAIL)
    assert login is not None
    desk.pool.forget(login)
    desk.sign_up(EVE)
    with pytest.raises(Problem) as refused:
        desk.accounts.own_record(desk.db, desk.pool, Caller(subject, EMAIL), NOW)
    assert refused.value.status == 401
    states = {record["id"]: record["state"] for record in shop.records()}
    assert states[customer_id_of(subject)] == "replaced"
    assert sorted(states.values()) == ["pending", "replaced"]
