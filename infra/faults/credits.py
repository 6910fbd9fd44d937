"""Scenarios of what is given back by credit note."""

from __future__ import annotations

from functools import partial

from infra.faults.people import (
    COLUMBUS,
    Scenario,
    dossier_of,
    goes_shopping,
    takes_pasta,
    works,
    wrong_pasta,
)
from infra.sim.history import History
from infra.sim.people import staff

_DAY = 86400.0


# ---- two of finance credit the same goods at once, one of them twice --------------------------


def _credits(history: History) -> None:
    """Four days after the order."""
    world = history.world
    world.kernel.sleep(4 * _DAY)
    history.differs_from_here()
    desk, path = staff(world, "finance"), f"/staff/orders/{history.orders['ann']}"
    invoices = desk.call("GET", path)["invoices"]
    if not invoices:  # the order was not paid for in time
        return
    goods = [{"sku": "PASTA", "quantity": 2}]
    body = {"invoice": invoices[0], "lines": goods, "reason": "spoilt"}
    keys = {"one": world.new_id(), "other": world.new_id()}
    asks = partial(desk.call, "POST", f"{path}/credit-notes", body)
    history.together(
        *(history.unless_refused(who, partial(asks, keys[who])) for who in ("one", "one", "other"))
    )


def _play_credited(history: History) -> None:
    goes_shopping(history, "ann", takes_pasta)
    works(history, COLUMBUS)
    history.script("finance", lambda: _credits(history))


def _wrong_credited(history: History) -> list[str]:
    dossier, wrong = dossier_of(history, "ann"), wrong_pasta(history)
    units = sum(line.quantity for note in dossier.credit_notes for line in note.lines)
    if dossier.invoices and (len(dossier.credit_notes), units) != (1, 2):
        wrong.append(f"{len(dossier.credit_notes)} credit notes of {units} units in all")
    return wrong


CREDITS = (Scenario("credited", _play_credited, _wrong_credited),)
