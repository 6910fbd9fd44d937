"""Scenarios of what is left of the money: a dispute that is lost, one that is won, payouts."""

from __future__ import annotations

from functools import partial

from parcelway.domain.ledger import balances
from parcelway.store import settlements
from parcelway.store.ledger import postings_of

from infra.faults.people import (
    Scenario,
    both_nodes_work,
    buys,
    dossier_of,
    goes_shopping,
    must,
    takes_pasta,
)
from infra.sim.history import History
from infra.sim.stripe.views import Intent

_HOUR, _DAY = 3600.0, 86400.0


def _taken(history: History) -> list[Intent]:
    """The payments of which something was captured."""
    provider = history.world.provider
    found = [each for order in history.orders.values() for each in provider.intents_of(order)]
    return [each for each in found if each.captured]


# ---- a bank takes money back, and decides; then all there is is paid out ------------------------


def _disputes(history: History, won: bool) -> None:
    """Two days after the order: part of its payment is questioned for a day."""
    world = history.world
    world.kernel.sleep(2 * _DAY)
    history.differs_from_here()
    for intent in _taken(history):
        dispute = world.provider.dispute(intent.reference, amount=100, reason="duplicate")
        history.bank.webhooks.tell()
        world.kernel.sleep(_DAY)
        world.provider.end_dispute(dispute, won=won)
        history.bank.webhooks.tell()
    world.kernel.sleep(3 * _DAY)
    world.provider.charge_fee(-2000, "usd")  # or the chargeback's fee leaves nothing to pay out
    world.provider.pay_out()
    history.bank.webhooks.tell()


def _play_disputed(history: History, won: bool) -> None:
    goes_shopping(history, "ann", buys)
    both_nodes_work(history)
    history.script("the bank", partial(_disputes, history, won))


def _wrong_disputed(history: History, won: bool) -> list[str]:
    wrong = must(history, "ann", "closed", {"PASTA": 3, "LAMP": 1}, captured=True)
    disputes = dossier_of(history, "ann").disputes
    statuses = [dispute.status for dispute in disputes]
    if statuses != ["won" if won else "lost"] * len(_taken(history)):
        wrong.append(f"ann's disputes are {statuses}")
    return wrong + _unsettled(history)


# ---- the bank sends a payout back; the next one has it again -------------------------------------


def _pays_out_twice(history: History) -> None:
    world = history.world
    world.kernel.sleep(4 * _DAY)
    history.differs_from_here()
    payouts = world.provider.pay_out()
    history.bank.webhooks.tell()
    world.kernel.sleep(12 * _HOUR)
    for payout in payouts:
        world.provider.fail_payout(payout)
    history.bank.webhooks.tell()
    world.kernel.sleep(12 * _HOUR)
    world.provider.pay_out()
    history.bank.webhooks.tell()


def _play_sent_back(history: History) -> None:
    for name in ("ann", "bob"):
        goes_shopping(history, name, takes_pasta)
    both_nodes_work(history)
    history.script("the bank", partial(_pays_out_twice, history))


def _wrong_sent_back(history: History) -> list[str]:
    wrong = [
        line
        for name in ("ann", "bob")
        for line in must(history, name, "closed", {"PASTA": 2}, captured=True)
    ]
    return wrong + _unsettled(history)


def _unsettled(history: History) -> list[str]:
    """Whatever was paid out is booked, all of it is explained, and the provider holds no more than
    it says it does."""
    database, wrong = history.world.database, []
    known, _ = settlements.payouts(database, 100, None)
    waiting, _ = settlements.unmatched(database, 100, None)
    wrong += [f"{each.payout.id} is {each.state}" for each in known if each.state == "importing"]
    wrong += [f"{item.id} is unmatched: {item.why}" for item in waiting]
    subjects = [*history.orders.values(), *(each.payout.id for each in known)]
    posted = [each.posting for name in subjects for each in postings_of(database, name)]
    held = balances(posted).get("gateway_clearing", 0)
    if known and held:
        wrong.append(f"{held} are on gateway_clearing, and all was paid out")
    return wrong


SETTLEMENT = (
    Scenario(
        "disputed",
        partial(_play_disputed, won=False),
        partial(_wrong_disputed, won=False),
        frozenset({"dispute_opened", "dispute_lost"}),
    ),
    Scenario(
        "won back",
        partial(_play_disputed, won=True),
        partial(_wrong_disputed, won=True),
        frozenset({"dispute_opened"}),
    ),
    Scenario("sent back", _play_sent_back, _wrong_sent_back),
)
