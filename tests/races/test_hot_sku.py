"""A sale of one article: split when crowded, it sells faster, cheaper, and refuses nobody."""

from __future__ import annotations

import pytest

from infra.bench.hot_sku import Sale, main, sell
from infra.bench.tables import in_model


def a_sale(splitting: bool, window: float = 0.01) -> Sale:
    return sell(in_model(), buyers=300, units=150, doors=48, window=window, splitting=splitting)


def test_splitting_a_crowded_balance_pays() -> None:
    one, split = a_sale(splitting=False), a_sale(splitting=True)
    assert (one.wrong, split.wrong) == ((), ())
    assert one.sold + one.sold_out + one.gave_up == 300
    assert split.sold == 150
    assert split.gave_up <= one.gave_up / 3
    assert (one.shards, split.shards) == (1, 16)
    assert split.rate > 2 * one.rate
    assert split.conflicts < one.conflicts
    assert split.units / split.sold < one.units / one.sold


def test_a_sale_is_the_same_every_time() -> None:
    assert a_sale(splitting=True) == a_sale(splitting=True)


def test_nothing_is_split_where_nobody_is_in_the_way() -> None:
    quiet = sell(in_model(), buyers=60, units=30, doors=1)
    assert (quiet.sold, quiet.sold_out, quiet.shards, quiet.conflicts) == (30, 30, 1, 0)


def test_the_command_prints_both_designs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--buyers", "30", "--units", "16", "--doors", "8"]) == 0
    told = capsys.readouterr().out
    assert "one counter, 10 ms" in told
    assert "split when crowded, 10 ms" in told
