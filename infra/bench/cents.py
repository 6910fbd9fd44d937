"""The lives of drawn orders (see `lives`), and whether a cent was lost in one of them.

    python -m infra.bench.cents [--orders 100000] [--jobs 2] [--seed 4711]

In the end: what was invoiced and cancelled is the total; what is kept is what the documents say;
the books balance, owe nobody anything, and hold the tax of the documents per rate; every document
adds up, line by line and rate by rate. With `--seed` that one life is told.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from parcelway.domain.dues import payable
from parcelway.domain.money import Money, total
from parcelway.domain.order import totals

from infra.bench.lives import Life, lived

_BATCH = 500


def main(argv: Sequence[str] | None = None) -> int:
    """Draw, live, count; 1 when a cent was lost."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench.cents", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int)
    asked = parser.parse_args(argv)
    if asked.seed is not None:
        life = lived(asked.seed)
        print("\n".join([*life.told, *(f"WRONG: {each}" for each in wrong(life))]))
        return 0
    seen, lost = Counter[str](), list[str]()
    starts = range(0, asked.orders, _BATCH)
    with ProcessPoolExecutor(asked.jobs) as pool:
        for counts, told in pool.map(_batch, starts, [asked.orders] * len(starts)):
            seen += counts
            lost += told
    print(report(seen))
    print("\n".join(lost[:20]) or "no cent was lost")
    return 1 if lost else 0


def report(seen: Counter[str]) -> str:
    """How much happened."""
    return ", ".join(f"{count:,} {what}" for what, count in sorted(seen.items()))


def _batch(first: int, end: int) -> tuple[Counter[str], list[str]]:
    seen, lost = Counter[str](), []
    for seed in range(first, min(first + _BATCH, end)):
        life = lived(seed)
        seen += counted(life)
        lost += [f"--seed {seed}: {each}" for each in wrong(life)]
    return seen, lost


def counted(life: Life) -> Counter[str]:
    """What there was of a life."""
    payments = [p for p in life.payments.values() if p.captured]
    return Counter(
        {
            "orders": 1,
            f"in {life.order.currency}": 1,
            "invoices": len(life.invoices),
            "credit notes": len(life.notes),
            "with discounts": bool(totals(life.order).discount),
            "with units cancelled": bool(life.order.cancelled_gross),
            "with refunds": bool(life.order.refunded),
            "paid twice": len(payments) > 1,
        }
    )


# --- what must be true in the end


def wrong(life: Life) -> list[str]:
    """Every cent that is not where it must be."""
    return [*_wrong_money(life), *_wrong_books(life), *_wrong_documents(life)]


def _wrong_money(life: Life) -> Iterator[str]:
    order = life.order
    if order.state in ("cancelled", "expired"):
        return
    gross, currency = totals(order).gross, order.currency
    invoiced = total((invoice.gross for invoice in life.invoices), currency)
    credited = total((note.gross for note in life.notes), currency)
    cancelled = Money(order.cancelled_gross, currency)
    if invoiced + cancelled != gross:
        yield f"{invoiced} invoiced and {cancelled} cancelled of {gross}"
    kept = total((held.captured - held.refunded for held in life.held.values()), currency)
    if not kept == invoiced - credited == payable(order):
        yield f"{kept} kept, {invoiced} invoiced, {credited} credited, {payable(order)} to pay"
    if any(held.status == "authorized" for held in life.held.values()):
        yield "something is still held"


def _wrong_books(life: Life) -> Iterator[str]:
    accounts, order = life.accounts, life.order
    if sum(accounts.values()):
        yield f"the books are {sum(accounts.values())} off balance"
    for name in ("receivables", "customer_deposits"):
        if accounts[name] and order.state not in ("cancelled", "expired"):
            yield f"{name} is left with {accounts[name]}"
    kept = sum(held.captured.minor - held.refunded.minor for held in life.held.values())
    if accounts["gateway_clearing"] != kept:
        yield f"the provider has {kept}, the books say {accounts['gateway_clearing']}"
    taxes = Counter[str]()
    for sign, documents in ((-1, life.invoices), (1, life.notes)):
        for document in documents:
            for tax in document.taxes:
                taxes[f"tax_payable:{tax.rate}"] += sign * tax.tax.minor
    booked = {name: minor for name, minor in accounts.items() if name.startswith("tax_payable")}
    if {n: m for n, m in taxes.items() if m} != {n: m for n, m in booked.items() if m}:
        yield f"the documents have the taxes {dict(taxes)}, the books {booked}"


def _wrong_documents(life: Life) -> Iterator[str]:
    for document in [*life.invoices, *life.notes]:
        currency = document.currency
        net = total((line.net for line in document.lines), currency)
        if net != document.net or net + document.tax != document.gross:
            yield f"{document.number}: lines {net}, net {document.net}, gross {document.gross}"
        taxes = total((tax.tax for tax in document.taxes), currency)
        bases = total((tax.net for tax in document.taxes), currency)
        if (taxes, bases) != (document.tax, document.net):
            yield f"{document.number}: its breakdown comes to {bases} and {taxes}"
        if any(min(line.net.minor, line.tax.minor) < 0 for line in document.lines):
            yield f"{document.number}: a line is negative"


if __name__ == "__main__":
    sys.exit(main())
