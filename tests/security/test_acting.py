"""What a grant opens: every route of its own cart but two, and nothing of any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from parcelway.domain.grant import PREFIX
from parcelway.http.api import CART

from infra.cli.routes import declared
from infra.demo.people import Shopper
from infra.local.application import Application
from infra.local.gateway.messages import Response
from tests.orders import dossier_of
from tests.security.matrix import ROWS, Row
from tests.security.people import Caller, user
from tests.security.watching import nothing_written

CAUSE = {"cause": "assistance"}
OF_CARTS = [row for row in ROWS if row.route.split()[1].startswith("/carts/{cart_id}")]
# In these the customer alone acts, whatever staff were let do for them.
CUSTOMERS_OWN = {"POST /carts/{cart_id}/payment", "POST /carts/{cart_id}/claim"}


@dataclass(frozen=True)
class Desk:
    """A representative, whose cart they act on, and what the rows of the matrix want to know."""

    app: Application
    representative: Caller
    cart: str
    orders: dict[str, Shopper]
    sku: str
    instead: str
    gift_code: str = "BCDF-GHJK-MNPQ-RSTV-WXYZ"

    def grant(self, cart: str) -> tuple[str, str]:
        """A grant for a cart: its id, its token."""
        made = self.representative.call(self.app, "POST", f"/staff/carts/{cart}/grants", CAUSE)
        assert made.status == 201, made.text
        return made.json()["grant"], made.json()["cart_token"]

    def ask(self, row: Row, token: str, **more: str) -> Response:
        method, path = row.route.split()
        body = row.body(self, "grant") if callable(row.body) else row.body
        named = {"cart_id": self.cart, "sku": self.sku, "code": "NONE", "card_id": "gft_none"}
        caller = Caller("grant", {"Cart-Token": token} | more)
        return caller.call(self.app, method, path.format(**named), body, row.query)


@pytest.fixture(scope="module")
def around(app: Application, article: Callable[..., str]) -> Desk:
    """The representative, two articles, and an order that was bought before."""
    csr = user(app, "csr")
    representative = Caller("csr", {"Authorization": csr.authorization})
    bought, sku = Shopper(app.url, app.stripe), article()
    bought.buy((sku, 1))
    return Desk(app, representative, "", {"placed": bought}, sku, article())


@pytest.fixture
def desk(around: Desk) -> Desk:
    """The same with a cart that only has to be placed."""
    cart = Shopper(around.app.url, around.app.stripe)
    cart.add(around.sku)
    cart.deliver()
    cart.describe()
    around.app.settle()
    return replace(around, cart=cart.id, orders=around.orders | {"complete": cart})


def test_the_rows_are_all_routes_of_a_cart() -> None:
    held = {f"{route.method} {route.path}" for _, route in declared() if route.who == CART}
    assert held <= {row.route for row in OF_CARTS}


@pytest.mark.parametrize("row", OF_CARTS, ids=lambda row: row.route)
def test_a_grant_opens_its_own_cart_as_long_as_it_holds(
    app: Application, desk: Desk, row: Row
) -> None:
    signed = desk.representative.headers if row.route.endswith("/claim") else {}
    _, foreign_token = desk.grant(Shopper(app.url, app.stripe).id)
    ended, ended_token = desk.grant(desk.cart)
    desk.representative.call(app, "DELETE", f"/staff/carts/{desk.cart}/grants/{ended}")
    forged = f"{PREFIX}{'a' * 26}.{'0' * 64}"
    app.settle()
    for token, status, code in (
        (foreign_token, 404, "not-found"),
        (forged, 404, "not-found"),
        (f"{ended_token[:-1]}x", 404, "not-found"),
        (ended_token, 403, "grant-over"),
    ):
        own = row.route.endswith("/claim")  # refused to all grants, before anything is looked at
        with nothing_written(app):
            answer = desk.ask(row, token, **signed)
        expected = (403, "not-by-grant") if own else (status, code)
        assert (answer.status, answer.json()["type"].rsplit(":", 1)[1]) == expected
    _, token = desk.grant(desk.cart)
    answer = desk.ask(row, token, **signed)
    if row.route in CUSTOMERS_OWN:
        assert (answer.status, answer.json()["type"].rsplit(":", 1)[1]) == (403, "not-by-grant")
        return
    assert answer.status not in (401, 403, 500), (answer.status, answer.text)
    link = dossier_of(app.database, desk.cart).order.link_token
    assert not link or link not in answer.text


def test_a_grant_is_no_sign_in(app: Application, desk: Desk) -> None:
    """Its token opens no route of the desk, of a customer or of a link."""
    _, token = desk.grant(desk.cart)
    bearer: dict[str, Any] = {"Cart-Token": token, "Authorization": f"Bearer {token}"}
    for method, path in (
        ("GET", f"/staff/orders/{desk.cart}/timeline"),
        ("POST", f"/staff/carts/{desk.cart}/grants"),
        ("GET", "/orders"),
        ("GET", "/customers/me"),
    ):
        assert Caller("grant", bearer).call(app, method, path).status == 401, path
