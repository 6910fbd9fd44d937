"""`python -m infra.cost`: what an order costs, step by step, and a month without orders."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from infra.cost.idle import month
from infra.cost.journey import abandoned, order, shop_files
from infra.cost.report import by_service, monthly, table
from infra.sim.laboratory import laboratory

SIZES = (1, 3, 10, 40)


def main() -> None:
    """Print the bill."""
    with laboratory(log_level="INFO") as lab, TemporaryDirectory() as folder:
        lab.load(shop_files(Path(folder)))
        orders = {lines: order(lab, lines) for lines in SIZES}
        left = {lines: abandoned(lab, lines) for lines in SIZES}
        idle = month(lab)
    print("One order of three lines, one parcel; dollars per 1,000 orders:\n")
    print(table({**orders[3].steps, "total": orders[3].total()}))
    print("\nBy service:\n")
    print(by_service(orders[3].total()))
    print("\nOrders by size, and carts that were left:\n")
    rows = {f"order, {lines} lines": meter.total() for lines, meter in orders.items()}
    rows |= {f"cart left, {lines} lines": meter.total() for lines, meter in left.items()}
    print(table(rows))
    print("\nA month in which nobody buys; dollars:\n")
    print(monthly(idle))


if __name__ == "__main__":
    main()
