"""Write the network's stock of the sample's products to a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from infra.sample.network import sample_articles, stock


def main(target: Path) -> None:
    """Write the rows as JSONL."""
    rows = [json.dumps(row, separators=(",", ":")) for row in stock(sample_articles())]
    target.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"{target}: {len(rows):,} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
