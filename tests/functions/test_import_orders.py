"""`parcelway import-orders`: a file in pieces, gone on with after whatever cut it off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.cli import import_orders
from infra.cli.import_orders import MOST_BYTES, MOST_ROWS, Answer, Bookmark, Stopped, pieces, send
from infra.cli.main import main


@dataclass
class Shop:
    """An API that imports a row once, and does not always answer."""

    answers: Iterator[Answer | OSError] = field(default_factory=lambda: iter(()))
    orders: set[str] = field(default_factory=set)
    asked: list[bytes] = field(default_factory=list)

    def __call__(self, text: bytes) -> Answer:
        self.asked.append(text)
        failing = next(self.answers, None)
        if isinstance(failing, OSError):
            self._import(text)  # it was the answer that got lost
            raise failing
        return failing or Answer(200, {"results": self._import(text)})

    def _import(self, text: bytes) -> list[dict[str, Any]]:
        lines = [(n, line) for n, line in enumerate(text.split(b"\n"), 1) if line.strip()]
        assert len(lines) <= MOST_ROWS and len(text) <= MOST_BYTES
        return [{"row": number, "status": self._one(line.decode())} for number, line in lines]

    def _one(self, name: str) -> str:
        if name.startswith("bad"):
            return "refused"
        status = "known" if name in self.orders else "created"
        self.orders.add(name)
        return status


def written(file: Path) -> list[dict[str, Any]]:
    text = file.with_name(f"{file.name}.bazaar.results.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """250 rows, with an empty line after the second, and a bad one in line 120."""
    names = [f"row{n}" for n in range(1, 251)]
    names[118] = "bad"
    made = tmp_path / "sold.jsonl"
    made.write_text("\n".join([*names[:2], "", *names[2:]]) + "\n")
    return made


def test_each_row_has_a_result_with_its_line(file: Path) -> None:
    shop = Shop()
    assert send(file, "bazaar", shop) == {"created": 249, "refused": 1}
    found = written(file)
    assert [each["row"] for each in found] == [1, 2, *range(4, 252)]
    assert [each["row"] for each in found if each["status"] == "refused"] == [120]
    assert len(shop.asked) == 3
    assert send(file, "bazaar", shop) == {"created": 249, "refused": 1}
    assert len(shop.asked) == 3  # nothing is left to send


def test_what_passes_is_waited_for_and_the_same_is_sent_again(file: Path) -> None:
    failing = [Answer(429, {}, 7.0), Answer(503, {}), ConnectionError()]
    shop, waits = Shop(iter(failing)), list[float]()
    assert send(file, "bazaar", shop, waits.append)["known"] == 100  # their answer was lost
    assert shop.asked[0] == shop.asked[1] == shop.asked[2] == shop.asked[3]
    assert len(waits) == 3 and waits[0] >= 7.0
    assert len(shop.orders) == 249


@pytest.mark.parametrize("cut", range(3))
def test_a_run_that_was_cut_off_is_gone_on_with(file: Path, cut: int) -> None:
    stopping = [None] * cut + [Answer(403, {"title": "Not for you"})]
    shop = Shop(iter(stopping))  # type: ignore[arg-type]
    with pytest.raises(Stopped, match="403 Not for you"):
        send(file, "bazaar", shop)
    assert send(file, "bazaar", shop) == {"created": 249, "refused": 1}
    assert [each["row"] for each in written(file)] == [1, 2, *range(4, 252)]


def test_results_of_a_piece_that_was_not_noted_are_not_told_twice(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    shop = Shop()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(import_orders, "_keep", crash)
        send(file, "bazaar", shop)
    assert send(file, "bazaar", shop) == {"known": 100, "created": 149, "refused": 1}
    assert [each["row"] for each in written(file)] == [1, 2, *range(4, 252)]


def test_a_file_that_has_grown_is_gone_on_with_and_one_that_was_changed_is_begun(
    file: Path,
) -> None:
    shop = Shop()
    send(file, "bazaar", shop)
    with file.open("a") as more:
        more.write("late\n")
    assert send(file, "bazaar", shop)["created"] == 250
    assert shop.asked[-1] == b"late\n"
    file.write_text(file.read_text().replace("bad", "mended"))
    assert send(file, "bazaar", shop) == {"known": 250, "created": 1}


def test_a_line_that_is_ended_later_is_sent_whole(tmp_path: Path) -> None:
    made, shop = tmp_path / "sold.jsonl", Shop()
    made.write_text("one\ntw")
    send(made, "bazaar", shop)
    with made.open("a") as more:
        more.write("o\n")
    send(made, "bazaar", shop)
    assert shop.asked[-1] == b"one\ntwo\n"


def test_a_line_that_no_request_takes_is_refused_here(tmp_path: Path) -> None:
    made, shop = tmp_path / "sold.jsonl", Shop()
    made.write_text("one\n" + "x" * (MOST_BYTES + 1) + "\ntwo\n")
    assert send(made, "bazaar", shop) == {"created": 2, "refused": 1}
    assert [(each["row"], each["status"]) for each in written(made)] == [
        (1, "created"),
        (2, "refused"),
        (3, "created"),
    ]


ROWS = st.lists(st.sampled_from([b"", b"a", b"bc" * 500, b"d" * 70_000]), max_size=300)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, ended=st.booleans())
def test_pieces_are_the_file_and_no_request_is_too_much(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes], ended: bool
) -> None:
    made = tmp_path_factory.mktemp("pieces") / "sold.jsonl"
    made.write_bytes(b"\n".join(rows) + (b"\n" if ended else b""))
    found = list(pieces(made, Bookmark()))
    assert b"".join(piece.text for piece in found) == made.read_bytes()
    line = 1
    for piece in found:
        assert piece.first == line and piece.rows <= MOST_ROWS and len(piece.text) <= MOST_BYTES
        line += piece.lines


def test_without_a_token_nothing_is_sent(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(import_orders.TOKEN, raising=False)
    assert main(["import-orders", str(file), "--source", "bazaar", "--api", "http://x"]) == 2
    assert import_orders.TOKEN in capsys.readouterr().err
