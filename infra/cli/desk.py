"""Write the service desk's page as static files, to be served by a bucket or any web server.

Serve them where the storefront is: the API answers pages of one origin, the stack's
StorefrontOrigin, unless that is `*`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

NAME = "desk"
HELP = "write the service desk's page as static files"

PAGES = Path(__file__).resolve().parents[1] / "web"
_FOLDERS = ("common", "desk")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder to write to, and where the API is."""
    parser.add_argument("folder", type=Path, help="the web server's root; it may exist already")
    parser.add_argument("--api", required=True, help="the API's address, the stack's output ApiUrl")
    parser.add_argument("--shop", required=True, help="the shop's name, for the page's title")


def run(arguments: argparse.Namespace) -> int:
    """Write the files; 2 when the address is none that a page served by HTTPS may call."""
    if not arguments.api.startswith("https://"):
        print(f"parcelway desk: {arguments.api} is no https:// address", file=sys.stderr)
        return 2
    for name in _FOLDERS:
        shutil.copytree(PAGES / name, arguments.folder / name, dirs_exist_ok=True)
    config = {"api": arguments.api.rstrip("/"), "shop": arguments.shop}
    (arguments.folder / "desk" / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    print(f"Written to {arguments.folder}; the page is /desk/.")
    return 0
