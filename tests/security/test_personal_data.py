"""A marker in every field that people fill in, a fault at every call: where the markers may be, and
that they are nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress

import pytest

from infra.local.application import Application
from infra.local.stack import FunctionFailed
from tests.security.marked import NOWHERE, Faults, Journey, Marks, faults
from tests.security.watching import TABLES, Watch, executions, logged, queued, rows, watched


@pytest.fixture(scope="module", params=[False, True], ids=["all well", "all failing"])
def travelled(
    request: pytest.FixtureRequest, app: Application, article: Callable[..., str]
) -> tuple[Application, Marks, Watch, Faults]:
    marks = Marks()
    journey = Journey(app, marks, article())
    with watched(app) as watch, faults(app, request.param) as made:
        journey.sign_up()
        journey.look_up()
        shopper = journey.shop()
        journey.ask_in_vain(shopper)
        journey.mistakes(shopper)
        journey.pay(shopper)
        journey.send(shopper)
        journey.credit(shopper)
        journey.account()
        journey.settle()
        journey.wait(article(units=0))
        journey.regret()
        for _ in range(4):
            with suppress(FunctionFailed):
                app.stack.fire("SweeperFunction")
        journey.until(lambda: len(_pdfs(app)) > 0)
    assert len(marks.words) > 60
    return app, marks, watch, made


def _pdfs(app: Application) -> list[str]:
    bucket = app.stack.resource("DocumentsBucket")
    found = app.stack.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return [each["Key"] for each in found]


Travelled = tuple[Application, Marks, Watch, Faults]


def test_every_function_was_there_and_the_markers_are_real(travelled: Travelled) -> None:
    """What is looked through is not empty, and the markers did arrive where they belong."""
    app, marks, watch, made = travelled
    silent = {
        "CaptureFunction",
        "EventsFunction",
        "FulfillmentWorkerFunction",
        "OrderImportFunction",  # what other systems sold; this journey's orders are the shop's own
        "OffersFunction",  # what admins offer to groups; nobody on this journey is one
        "PaymentWorkerFunction",
    }
    assert {name for name in app.stack.functions() if not app.stack.logs[name]} <= silent
    assert len(watch.sent) > 20
    kept = "\n".join(text for name in TABLES for _, _, text in rows(app, name))
    lost = {name for name, _ in marks.words if marks.kept[name]} - set(marks.found(kept))
    assert lost <= {"own name", "own phone"}  # edited since
    if made.wanted:
        assert "no good: {'" not in logged(app)
        assert "lost: {'" not in logged(app)
        assert {name for name, _ in made.made} >= {"CaptureFunction", "SignupFunction"}


def test_no_log_line_holds_any(travelled: Travelled) -> None:
    app, marks, _, _ = travelled
    assert marks.found(logged(app)) == []


def test_nothing_that_was_sent_on_holds_any(travelled: Travelled) -> None:
    """Events, queue messages, what executions begin with; parcel numbers are the carrier's."""
    app, marks, watch, _ = travelled
    for what, text in watch.sent:
        assert set(marks.found(text)) <= {"parcel number"}, what
    assert set(marks.found(queued(app))) <= {"parcel number"}
    assert marks.found(executions(app)) == []


def test_tables_keep_them_only_where_they_belong(travelled: Travelled) -> None:
    app, marks, _, _ = travelled
    for table in TABLES:
        for pk, sk, text in rows(app, table):
            for name in marks.found(text):
                allowed = {start for where, start in marks.kept[name] if where == table}
                place = pk if pk.startswith(("FIND#", "LOOKUPS#")) else sk
                assert any(place.startswith(start) for start in allowed), (name, table, pk[:4], sk)


def test_mails_hold_them_only_for_their_own_reader(travelled: Travelled) -> None:
    """And never a secret, a phone number, what was told to the carrier, or a reason."""
    app, marks, _, _ = travelled
    private = re.compile(
        "password|_token|cart token|code|phone|instructions|reason|why|key|note|place"
    )
    personal = 0
    for mail in app.stack.mails():
        text = f"{mail.subject} {mail.html} {mail.text}"
        found = set(marks.found(text))
        if not found:
            continue
        personal += 1
        assert marks.found(" ".join(mail.to)), "a marker in somebody else's mail"
        assert not {name for name in found if private.search(name)}, mail.subject
    assert personal > 2


def test_files_are_named_after_nothing_personal(travelled: Travelled) -> None:
    app, marks, _, _ = travelled
    s3 = app.stack.client("s3")
    keys = [
        found["Key"]
        for name in ("DocumentsBucket", "SearchBucket")
        for found in s3.list_objects_v2(Bucket=app.stack.resource(name)).get("Contents", [])
    ]
    assert any(key.endswith(".pdf") for key in keys)
    assert marks.found("\n".join(keys)) == []


def test_the_tracking_page_shows_the_town_and_no_more(travelled: Travelled) -> None:
    app, marks, _, _ = travelled
    for name, word in marks.words:
        if not name.startswith("link token"):
            continue
        order_id = name.rpartition(" ")[2]
        (path,) = [
            json.loads(text)["order"]["tracking_number"]
            for pk, sk, text in rows(app, "Orders")
            if pk == f"ORD#{order_id}" and sk == "ORDER"
        ]
        for accept in ("application/json", "text/html"):
            plain = app.stack.request("GET", f"/track/{path}", None, {"Accept": accept})
            assert set(marks.found(plain.text)) <= {"parcel number"}
            linked = app.stack.request(
                "GET", f"/track/{path}", None, {"Accept": accept}, {"k": word}
            )
            assert set(marks.found(linked.text)) <= {"parcel number", "shipping city", name}


def test_a_marker_would_be_found() -> None:
    marks = Marks()
    word = marks.new("word", NOWHERE)
    assert marks.found(json.dumps({"a": [word.upper()]})) == ["word"]
