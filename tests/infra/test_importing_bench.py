"""An imported row is two reads and a transaction, however many come together."""

from __future__ import annotations

from infra.bench import importing


def test_a_row_costs_the_same_alone_and_among_many() -> None:
    one, many = importing.measured((1, 12), runs=1)
    assert (one.writes, many.writes) == (1, 12)
    assert one.reads <= 3 and many.reads <= 2 * 12 + 1  # one more looks for what is known
    assert many.write / many.rows <= one.write
    assert many.rows_a_second > one.rows_a_second / 2
