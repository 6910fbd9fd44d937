"""The address book of a customer: what is added, changed and removed, and the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from parcelway.domain.commands import Command, remember, repeated
from parcelway.domain.customer import Change, Customer, SavedAddress, edited
from parcelway.domain.parties import Actor
from parcelway.domain.postal_codes import plausible
from parcelway.domain.refusals import Reason, Refusal

MAX_ADDRESSES = 20
REMEMBERED = 16  # Idempotency-Keys per record, oldest forgotten first


def with_address(
    customer: Customer,
    saved: SavedAddress,
    now: datetime,
    actor: Actor,
    asked: Command | None = None,
) -> Change | None:
    """The record with an address added, or changed when it has one with that id.

    `asked` is the command that adds it: applied once, None from then on, even when the address
    was edited or removed since. Raises Refusal INVALID, QUANTITY_LIMIT, KEY_REUSED.
    """
    if asked is not None and repeated(customer, asked):
        return None
    check_addresses([saved], "")
    known = any(each.id == saved.id for each in customer.addresses)
    if not known and len(customer.addresses) >= MAX_ADDRESSES:
        raise Refusal(
            Reason.QUANTITY_LIMIT, f"At most {MAX_ADDRESSES} addresses.", maximum=MAX_ADDRESSES
        )
    others = [_yielding(each, saved) for each in customer.addresses]
    book = [saved if each.id == saved.id else each for each in others]
    values: dict[str, Any] = {"addresses": tuple(book if known else [*others, saved])}
    if asked is not None:
        values["commands"] = remember(customer, asked, REMEMBERED)
    return edited(customer, values, now, actor)


def without_address(customer: Customer, address_id: str, now: datetime, actor: Actor) -> Change:
    """The record without one of its addresses. Raises Refusal NOT_FOUND."""
    gone = customer.address(address_id)
    left = tuple(each for each in customer.addresses if each is not gone)
    change = edited(customer, {"addresses": left}, now, actor)
    assert change is not None
    return change


def check_addresses(addresses: Sequence[SavedAddress], pointer: str = "/addresses/{}") -> None:
    """Refuse postal codes that their country has not, and two defaults for one use.

    `pointer` leads to the address of an index in the request. Raises Refusal INVALID.
    """
    for index, saved in enumerate(addresses):
        where = pointer.format(index)
        if not plausible(saved.address):
            raise Refusal(
                Reason.INVALID,
                f"That is no postal code of {saved.address.country}.",
                f"{where}/address/postal_code",
            )
        for use in ("default_shipping", "default_billing"):
            if getattr(saved, use) and any(getattr(other, use) for other in addresses[:index]):
                raise Refusal(
                    Reason.INVALID, "There is one default for each use.", f"{where}/{use}"
                )


def _yielding(saved: SavedAddress, newcomer: SavedAddress) -> SavedAddress:
    """An address of the book, no default any more for what the newcomer is the default for."""
    return replace(
        saved,
        default_shipping=saved.default_shipping and not newcomer.default_shipping,
        default_billing=saved.default_billing and not newcomer.default_billing,
    )
