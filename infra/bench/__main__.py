"""`make bench`: start, warm CPU and growth as tables, on the screen and in .local/bench."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from infra.bench import chart, growth, start, warm

OUT = Path(__file__).resolve().parents[2] / ".local" / "bench"


def main() -> None:
    """Run the parts that are named, all when none is."""
    parts: dict[str, Callable[[], None]] = {"start": _start, "warm": _warm, "growth": _growth}
    parser = argparse.ArgumentParser(prog="python -m infra.bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=", ".join(parts))
    wanted = parser.parse_args().part or list(parts)
    if unknown := set(wanted) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    OUT.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        parts[name]()
    print(f"\nAlso in {OUT.relative_to(Path.cwd())}" if OUT.is_relative_to(Path.cwd()) else "")


def _start() -> None:
    found = start.starts(start.everything())
    floor = next(each for each in found if each.name == start.FLOOR)
    _told("start", "Cold start: import and clients, against bare boto3", start.report(found))
    values = sorted(
        (each.name, start.ratio(each, floor), start.target(each.name))
        for each in found
        if each is not floor
    )
    _drawn("start", chart.bars("Cold start against bare boto3 (dashed: target)", values, "x"))


def _warm() -> None:
    found = warm.measured()
    checkout = next(each for each in found if each.name == warm.CHECKOUT)
    verdict = (
        f"checkout: {checkout.handler * 1000:.2f} ms of CPU, "
        f"at most {warm.CHECKOUT_SECONDS * 1000:.0f} ms wanted on a quiet core"
    )
    title = "Warm CPU of each request with the network stubbed, against botocore's own"
    _told("warm", title, f"{warm.report(found)}\n{verdict}")
    values = [(each.name, each.handler * 1000, 0.0) for each in found]
    _drawn("warm", chart.bars("Warm CPU per request", values, "ms"))


def _growth() -> None:
    found = growth.measured()
    title = "Growth: the same requests among so many orders, customers and products each"
    _told("growth", title, growth.report(found))
    series = {
        name: [
            (size, next(cost for cost in costs if cost.name == name).seconds * 1000)
            for size, costs in found.items()
        ]
        for name in ("add line 1", "checkout", "track", "order list")
    }
    _drawn("growth", chart.lines("CPU per request by orders in the tables", series, "ms"))


def _told(name: str, title: str, body: str) -> None:
    text = f"{title}\n\n{body}\n"
    print(f"\n{text}")
    (OUT / f"{name}.txt").write_text(text)


def _drawn(name: str, svg: str) -> None:
    (OUT / f"{name}.svg").write_text(svg)


if __name__ == "__main__":
    main()
