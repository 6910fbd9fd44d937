"""That whoever an order is for may order: a condition of the transaction that places it."""

from __future__ import annotations

from collections.abc import Sequence

from parcelway.domain.account_state import BLOCKED
from parcelway.domain.order import Order
from parcelway.domain.refusals import Reason, Refusal
from parcelway.store.commit import Write
from parcelway.store.database import Database


def may_order(db: Database, placed: Sequence[Order]) -> list[Write]:
    """The customer of orders that are placed together is neither locked nor disabled. Their record
    is not read: whoever locks it comes either before the orders, or after them. Somebody who signed
    in and has no record yet may order. A failed condition means Refusal CUSTOMER_BLOCKED.
    """
    states = {f":s{index}": state for index, state in enumerate(sorted(BLOCKED))}
    return [
        Write(
            db.customers,
            f"attribute_not_exists(pk) OR NOT customer.#state IN ({', '.join(states)})",
            key={"pk": f"CUS#{customer_id}", "sk": "CUSTOMER"},
            names={"#state": "state"},
            values=states,
            otherwise=_blocked,
            check=True,
        )
        for customer_id in sorted({order.customer_id for order in placed} - {""})
    ]


def _blocked() -> Refusal:
    return Refusal(Reason.CUSTOMER_BLOCKED, "This customer cannot order at present.")
