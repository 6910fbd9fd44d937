"""Scenarios of mails: addresses that do not exist, complaints, reports that come late, SES shut."""

from __future__ import annotations

from infra.demo.people import GOOD
from infra.faults.people import COLUMBUS, Person, Scenario, goes_shopping, works, wrong_pasta
from infra.sim.history import History

_DAY = 86400.0


def _buys_as(person: Person, email: str) -> None:
    person.add("PASTA", 2)
    person.deliver()
    person.describe(email)
    person.place()
    person.history.differs_from_here()
    person.pay(GOOD)


def _sent(history: History, kind: str) -> list[str]:
    """The mails about one kind of event that SES was given, by id."""
    ids = [tag["Value"] for mail in history.world.sent for tag in mail["EmailTags"]]
    return [name for name in ids if name.endswith(f"-{kind}")]


# ---- mails to an address that does not exist ---------------------


def _play_bounced(history: History) -> None:
    goes_shopping(history, "ann", lambda ann: _buys_as(ann, "bounce@example.com"))
    works(history, COLUMBUS)


def _wrong_bounced(history: History) -> list[str]:
    """Hours after the first one came back nothing is sent there any more."""
    late = _sent(history, "shipment-delivered")
    return wrong_pasta(history) + [f"{name} was sent to nobody" for name in late]


# ---- it comes back a day after it left; SES tells everything late and twice ---------------------


def _play_late_bounce(history: History) -> None:
    history.world.mail_reports = {"Send": (20.0, 90.0), "Bounce": (_DAY, _DAY + 3600)}
    goes_shopping(history, "ann", lambda ann: _buys_as(ann, "bounce@example.com"))
    works(history, COLUMBUS, late=2 * _DAY)


def _wrong_late(history: History) -> list[str]:
    """The parcel leaves a day after the last report came: nobody is told of it any more."""
    late = _sent(history, "shipment-shipped") + _sent(history, "shipment-delivered")
    return wrong_pasta(history) + [f"{name} was sent all the same" for name in late]


# ---- somebody complains of the first mail, and hears no more ------------------------------


def _play_complained(history: History) -> None:
    history.world.mail_reports = {"Complaint": (3600.0,)}
    goes_shopping(history, "ann", lambda ann: _buys_as(ann, "complaint@example.com"))
    works(history, COLUMBUS, late=_DAY)


# ---- SES takes no mail for six minutes -------------------------------------------------------


def _play_paused(history: History) -> None:
    history.world.mail_paused = history.world.kernel.now + 360
    goes_shopping(history, "ann", lambda ann: _buys_as(ann, "ann@example.com"))
    works(history, COLUMBUS)


MAILS = (
    Scenario("bounced", _play_bounced, _wrong_bounced),
    Scenario("late-bounce", _play_late_bounce, _wrong_late),
    Scenario("complained", _play_complained, _wrong_late),
    Scenario("paused", _play_paused, wrong_pasta),
)
