"""The tracking pages for people: HTML without scripts and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from parcelway.domain.public_view import PublicOrder
from parcelway.domain.receipt import Receipt
from parcelway.http.api import Reply
from parcelway.language import formats
from parcelway.language.amounts import allowances, line_amount, means, total_rows
from parcelway.language.wording import say
from views import Links, revision

if TYPE_CHECKING:  # what answers with JSON, a redirect or a PDF does not pay for templates
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"
HTML = "text/html; charset=utf-8"


def prefers_html(accept: str) -> bool:
    """Whether an Accept header asks for a page: it names HTML, and JSON no more than that.

    `*/*` alone does not: that is what programs send.
    """
    weights = dict(formats.weighed(accept))
    html = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    json = max(weights.get("application/json", 0.0), weights.get("application/problem+json", 0.0))
    return html > 0 and html >= json


def tracking_page(seen: PublicOrder, language: str, links: Links, shop: str, zone: str) -> Reply:
    """Where the order is, with times as the clocks of `zone` show them."""
    return _page("order.html", language, shop=shop, seen=seen, links=links, zone=zone)


def receipt_page(bought: Receipt, language: str, links: Links, shop: str, inclusive: bool) -> Reply:
    """What was bought and paid, to print. `inclusive`: the shop's prices include tax."""
    lines = [
        (
            line.quantity,
            line.description,
            formats.money(line_amount(line, inclusive), language),
            allowances(line, language),
        )
        for line in bought.lines
    ]
    rows = total_rows(bought, inclusive, language)
    return _page(
        "receipt.html", language, shop=shop, bought=bought, lines=lines, rows=rows, links=links
    )


def find_page(language: str) -> Reply:
    """The form to enter a number."""
    return _page("find.html", language)


def trouble_page(what: str, language: str) -> str:
    """A page for an answer other than success: `what` is not_found, not_ready or trouble."""
    body: str = _page("trouble.html", language, what=what).body
    return body


def page_headers() -> Mapping[str, str]:
    """What a page may do: nothing but be shown and send its own form."""
    home = urlsplit(os.environ["PUBLIC_URL"])
    policy = [
        "default-src 'none'",
        f"style-src 'sha256-{_style_hash()}'",
        f"form-action 'self' {home.scheme}://{home.netloc}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        "Content-Type": HTML,
        "Content-Security-Policy": "; ".join(policy),
        "X-Frame-Options": "DENY",
    }


def _page(template: str, language: str, **context: Any) -> Reply:
    from markupsafe import Markup

    body = (
        _templates()
        .get_template(template)
        .render(
            language=language,
            say=partial(say, language=language),
            money=partial(formats.money, language=language),
            means=partial(means, language=language),
            window=partial(formats.window, language=language),
            revision=partial(revision, language=language),
            moment=partial(formats.moment, language=language),
            town=formats.town,
            day=partial(formats.day, language=language),
            weekday=partial(formats.weekday, language=language),
            style=Markup(_style()),  # noqa: S704  # our own file
            form_url=os.environ["PUBLIC_URL"].rstrip("/") + "/track",
            **context,
        )
    )
    return Reply(body, content_type=HTML, headers=page_headers())


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return (_FOLDER / "style.css").read_text("utf-8")


@cache
def _style_hash() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
