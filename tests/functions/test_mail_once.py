"""One mail per event, whatever crashes; and SES is called exactly as often as we say."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto.backends import get_backend
from parcelway.ports import clock
from parcelway.ports.mail import MailRefused, SesMailer, ses_mailer
from parcelway.store import mails
from parcelway.store.mails import LEASE, MailKey

from tests.functions.mailing import STORIES, Crash, World, confirmed, crash, key_of, mailing
from tests.functions.tables import REGION
from tests.orders import CONTACT, at, store


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mailing(monkeypatch) as made:
        yield made


# One mail per event


def test_duplicate_deliveries_are_one_mail(world: World) -> None:
    event = confirmed(world)
    assert world.tell(event, event) == []
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1
    assert world.state(event) == "sent"


def test_a_claim_that_runs_leaves_the_message_in_the_queue(world: World) -> None:
    event = confirmed(world)
    assert mails.claim(world.db, key_of(event), "somebody", clock.now())
    assert world.tell(event) == ["m0"]
    assert world.mailer.sent == []
    clock.travel(LEASE + timedelta(seconds=1))
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


def test_a_crash_after_sending_is_no_second_mail_once_ses_reported_it(world: World) -> None:
    event = confirmed(world)
    world.mailer.fault = crash("after")
    assert world.tell(event) == ["m0"]
    world.mailer.fault = lambda _when: None
    assert world.tell(event) == ["m0"], "the claim still runs"
    assert world.deliver(*world.reports("Send")) == []
    clock.travel(LEASE + timedelta(seconds=1))
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


def test_without_a_report_a_lapsed_claim_is_sent_again(world: World) -> None:
    event = confirmed(world)
    world.mailer.fault = crash("before")
    assert world.tell(event) == ["m0"]
    world.mailer.fault = lambda _when: None
    clock.travel(LEASE + timedelta(seconds=1))
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


def test_a_refusal_of_ses_is_tried_again_at_once(world: World) -> None:
    event = confirmed(world)

    def refuse(when: str) -> None:
        if when == "before":
            raise MailRefused("TooManyRequestsException")

    world.mailer.fault = refuse
    assert world.tell(event) == ["m0"]
    world.mailer.fault = lambda _when: None
    assert world.tell(event) == []
    assert len(world.mailer.sent) == 1


class Faults:
    """Counts every call to the tables and to SES, before and after; dies at the chosen one."""

    def __init__(self, world: World) -> None:
        self.count, self.fatal = 0, -1
        events = world.function.db().client.meta.events
        events.register("before-call.dynamodb", lambda **_: self.pass_by())
        events.register("after-call.dynamodb", lambda **_: self.pass_by())
        world.mailer.fault = lambda _when: self.pass_by()

    def pass_by(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            raise Crash


def test_a_crash_at_any_call_is_still_exactly_one_mail(world: World) -> None:
    """Every point around every call in turn; SES reports what it took, the queue delivers again."""
    faults = Faults(world)
    points = 0
    for number in itertools.count():
        story = at("confirmed", seed=f"crash-{number}")
        faults.fatal = -1
        store(world.db, story)
        event, before = story.event("order.confirmed"), len(world.mailer.sent)
        faults.count, faults.fatal = 0, number + 1
        left = world.tell(event)
        died, faults.fatal = faults.count >= number + 1, -1
        if not died:
            break
        points += 1
        assert left == ["m0"]
        assert world.deliver(*world.reports("Send")[before:]) == []
        world.tell(event)
        clock.travel(LEASE + timedelta(seconds=1))
        assert world.tell(event) == []
        assert len(world.mailer.sent) == before + 1, f"crash at point {number}"
        assert world.state(event) == "sent"
    assert points >= 10


@given(
    st.from_regex(r"ord_[a-z2-7]{26}", fullmatch=True),
    st.integers(0, 10**11),
    st.sampled_from(sorted(STORIES)),
)
def test_the_tag_leads_back_to_the_mail(order_id: str, sequence: int, kind: str) -> None:
    key = MailKey(order_id, sequence, kind)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", key.id)
    assert MailKey.parse(key.id) == key


@given(st.text(max_size=60))
def test_any_other_tag_is_no_mail_or_a_mail_of_that_name(text: str) -> None:
    key = MailKey.parse(text)
    assert key is None or (key.order_id and key.kind)


# The adapter, and the logs


def test_ses_gets_the_whole_message_with_its_tag(world: World) -> None:
    event = confirmed(world)
    boto3.client("sesv2").create_email_identity(EmailIdentity="mail@teapot.example")
    mailer = ses_mailer()
    seen: dict[str, Any] = {}
    mailer.client.meta.events.register(
        "provide-client-params.sesv2.SendEmail", lambda params, **_: seen.update(params)
    )
    world.function.mailer = lambda: mailer
    assert world.tell(event) == []
    assert seen["EmailTags"] == [{"Name": "mail_id", "Value": key_of(event).id}]
    assert seen["ConfigurationSetName"] == "mails"
    assert seen["FromEmailAddress"] == "Teapot <mail@teapot.example>"
    sent = get_backend("ses")["123456789012"][REGION].sent_messages
    assert [message.destinations["ToAddresses"] for message in sent] == [[CONTACT.email]]
    assert world.state(event) == "sent"


@pytest.mark.parametrize(("status", "error"), [(429, MailRefused), (500, ClientError)])
def test_ses_is_called_once_whatever_it_answers(
    world: World, status: int, error: type[Exception]
) -> None:
    mailer: SesMailer = ses_mailer()
    calls = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        calls.append(request)
        body = b'{"message": "ada@customer.example is not verified"}'
        headers = HTTPHeaders()
        headers["x-amzn-ErrorType"] = "TooManyRequestsException"
        return AWSResponse(request.url, status, headers, _Raw(body))

    mailer.client.meta.events.register("before-send.sesv2.SendEmail", answer)
    with pytest.raises(error) as raised:
        mailer.send("ada@customer.example", "s", "<p>h</p>", "t", {"mail_id": "a-1-b"})
    assert len(calls) == 1
    if error is MailRefused:
        assert "ada@" not in str(raised.value)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body
