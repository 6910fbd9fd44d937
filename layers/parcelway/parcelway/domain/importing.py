"""Orders that were sold elsewhere: a marketplace's, or another system's.

Its source knows an order by an id of its own, from which ours is derived: so the same order never
becomes two, whoever sends it how often. The source is a business account of the shop and pays by
invoice. The order is placed, paid for and confirmed by one decision, so that there is no moment
at which it is one without the other: an order that waits for its payment would lapse, and its id
with it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from parcelway.domain import credit
from parcelway.domain.audience import visible
from parcelway.domain.authorization import observe
from parcelway.domain.checkout import Names, place
from parcelway.domain.credit import METHOD, Claim, CreditAccount
from parcelway.domain.decision import Decision
from parcelway.domain.delivery import deliver_to
from parcelway.domain.dues import to_pay
from parcelway.domain.facts import Facts
from parcelway.domain.ids import derived
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import Money, zero
from parcelway.domain.order import EVENTS_PER_COMMIT, Order, totals
from parcelway.domain.parties import Actor, Address, Contact
from parcelway.domain.postal_codes import plausible
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import require_one_transaction
from parcelway.domain.shop import ImportSource, Shop
from parcelway.domain.slots import counted
from parcelway.values import dataclass

# What an order that is paid for at once has in its transaction besides what others have: the
# payment, the claim, its account, and two events.
_PAID_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class SoldLine:
    """Units of a SKU that were sold, each for `unit_price`; None: at the shop's price."""

    sku: str
    quantity: int
    unit_price: Money | None = None


@dataclass(frozen=True, slots=True)
class Sold:
    """What a source says of an order. `total` is all that was paid for it, `delivery_charge` what
    of that for delivery, as the shop's prices are meant: with or without tax. `digest` stands for
    all of it: another order, or the same with a word changed, has another one."""

    external_id: str
    digest: str
    contact: Contact
    address: Address
    billing_address: Address
    lines: tuple[SoldLine, ...]
    total: Money
    delivery_charge: Money | None = None
    service: str = ""
    instructions: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Seller:
    """Where imported orders come from: the source, by its name, and who brings them in."""

    name: str
    source: ImportSource
    actor: Actor


@dataclass(frozen=True, slots=True)
class Imported:
    """An order as it is imported, with the claim on its source's account that pays for it; None
    where there is nothing to pay."""

    decision: Decision
    claim: Claim | None


def order_id_of(source: str, external_id: str) -> str:
    """The id of the order that a source knows by an id of its own."""
    return derived("ord", "import", source, external_id)


def require_same(order: Order, sold: Sold) -> None:
    """Refuse with OTHER_CONTENT an order that was imported before and was another one then."""
    if order.told_by_source != sold.digest:
        raise Refusal(
            Reason.OTHER_CONTENT,
            "An order of this id was imported with other content; it stays as it is.",
            "/external_id",
            order_id=order.id,
        )


def draft(sold: Sold, seller: Seller, shop: Shop, now: datetime) -> Order:
    """The order before anything is decided about it: what facts are to be read for. It has no
    version yet, and of its lines those of the same SKU are one.

    Raises Refusal INVALID for prices that are missing or that are not the source's to say, or where
    one SKU has two; CURRENCY_UNAVAILABLE for amounts in another currency than the source's.
    """
    source, languages = seller.source, shop.settings.languages
    _require_prices(sold, source)
    language = sold.language or source.language
    return Order(
        id=order_id_of(seller.name, sold.external_id),
        version=0,
        state="draft",
        currency=source.currency,
        language=language if language in languages else languages[0],
        created_at=now,
        access_hash="",  # it is nobody's cart
        channel="marketplace",
        source=seller.name,
        external_id=sold.external_id,
        told_by_source=sold.digest,
        segment="b2b",
        account=source.account,
        actor=seller.actor,
        contact=sold.contact,
        billing_address=sold.billing_address,
        payment_method=METHOD,
        shortage=source.shortage,
        lines=_lines(sold, seller),
        as_sold=source.own_prices,
    )


def taken_apart(draft: Order, sold: Sold, facts: Facts) -> Order:
    """The draft with its kits taken apart, for which there are further facts to be read; itself
    when it has none. Raises Refusal UNKNOWN_SKU, NOT_SELLABLE, QUANTITY_LIMIT, INVALID."""
    _require_goods(draft, sold, facts)
    if not any(facts.products[line.sku].components for line in draft.lines):
        return draft
    from parcelway.domain.sold_kits import apart  # few rows have any

    return apart(draft, [line.sku for line in sold.lines], facts)


def import_order(draft: Order, sold: Sold, service: str, names: Names, facts: Facts) -> Imported:
    """Place the draft as it was sold, and have its source's account pay for it. `service` delivers
    it unless the source says which.

    `facts.credit` is that account's. Raises Refusal UNKNOWN_SKU, NOT_SELLABLE, QUANTITY_LIMIT,
    DELIVERY_UNAVAILABLE (also for a postal code that cannot be one), TOTAL_MISMATCH with both sums,
    PAYMENT_METHOD_UNAVAILABLE (no terms, or no room in the limit), OUT_OF_STOCK, TOO_MANY_LINES,
    CHANNEL_CLOSED, CHANNEL_BUSY, PURCHASE_LIMIT; each points at the member of the row concerned.
    """
    draft = taken_apart(draft, sold, facts)
    _require_postal_codes(sold)
    facts.shop.settings.require_sold_in(draft.currency)
    by = sold.service or service
    chosen = deliver_to(draft, sold.address, by, sold.instructions, facts).order
    if draft.as_sold:
        group = replace(chosen.group, charge_price=sold.delivery_charge)
        chosen = replace(chosen, groups=(group,))
    priced = price(replace(chosen, version=0), facts)
    _require_total(priced, sold)
    try:
        placed = place(priced, facts, None, names=(names, names), expected_total=None)
    except Refusal as refusal:
        refusal.pointer = _in_row(refusal.pointer, priced, sold)
        raise
    return _paid(placed, facts)


def _in_row(pointer: str, order: Order, sold: Sold) -> str:
    """Where in the row it is what a pointer into the order points at."""
    _, *parts = pointer.split("/")
    if len(parts) < 2 or not parts[1].isdecimal():
        return pointer
    lines, kits = [line.sku for line in order.lines], [kit.sku for kit in order.kits]
    sku = {"lines": lines, "kits": kits}[parts[0]][int(parts[1])]
    holds = {sku, *(kit.sku for kit in order.kits if sku in kit.components)}
    for wanted in ({sku}, holds):
        for index, line in enumerate(sold.lines):
            if line.sku in wanted:
                return "/".join(("", "lines", str(index), *parts[2:]))
    return pointer


def _paid(placed: Decision, facts: Facts) -> Imported:
    order, account = placed.order, facts.credit
    amount = to_pay(order)
    if not amount or account is None:  # without an account `place` has refused what costs something
        return Imported(placed, None)
    # Of what is authorised as it comes to be there is no earlier version.
    claim = replace(credit.authorize(_claim(order, amount, account), account), version=1)
    left = replace(facts, busy=counted(facts.busy, placed.taken))
    confirmed = observe(order, None, claim.seen(), left)
    if confirmed is None or confirmed.order.state != "confirmed":
        raise ValueError(f"order {order.id} is paid for and not confirmed")
    return Imported(_at_once(placed, confirmed), claim)


def _claim(order: Order, amount: Money, account: CreditAccount) -> Claim:
    reference = credit.reference_of(order.id, 1)
    return Claim(
        reference, 1, order.id, 1, account.account, amount, account.days, order.tracking_number
    )


def _at_once(first: Decision, then: Decision) -> Decision:
    """Two decisions about an order, one upon the other, as one: at the first one's version."""
    version = first.order.version
    begin = version * EVENTS_PER_COMMIT + len(first.events)
    events = tuple(
        replace(event, sequence=begin + index) for index, event in enumerate(then.events)
    )
    moves, order = (*first.moves, *then.moves), replace(then.order, version=version)
    slots = {*first.taken, *then.taken, *then.given}
    others = len(slots) + len(first.uses) + _PAID_AT_ONCE
    require_one_transaction(moves, order.lines, others)
    return replace(
        then,
        order=order,
        events=(*first.events, *events),
        moves=moves,
        uses=first.uses,
        taken=(*first.taken, *then.taken),
    )


def _require_prices(sold: Sold, source: ImportSource) -> None:
    amounts = {
        "/total": sold.total,
        "/delivery_charge": sold.delivery_charge,
        **{f"/lines/{n}/unit_price": line.unit_price for n, line in enumerate(sold.lines)},
    }
    for pointer, amount in amounts.items():
        if amount is not None and amount.currency != source.currency:
            told = f"Orders of this source are in {source.currency}."
            raise Refusal(Reason.CURRENCY_UNAVAILABLE, told, f"{pointer}/currency")
        if pointer != "/total" and (amount is None) == source.own_prices:
            told = "Say what it was sold for." if source.own_prices else "The price is the shop's."
            raise Refusal(Reason.INVALID, told, pointer)


def _lines(sold: Sold, seller: Seller) -> tuple[Line, ...]:
    """The lines, those of one SKU as one. Raises Refusal INVALID where it has two prices."""
    units: dict[str, int] = {}
    prices: dict[str, Money] = {}
    nothing = zero(seller.source.currency)
    for index, line in enumerate(sold.lines):
        units[line.sku] = units.get(line.sku, 0) + line.quantity
        each = nothing if line.unit_price is None else line.unit_price
        if prices.setdefault(line.sku, each) != each:
            told = f"All units of {line.sku} in an order have one price."
            raise Refusal(Reason.INVALID, told, f"/lines/{index}/unit_price")
    source = f"source:{seller.name}"
    return tuple(
        Line(
            number,
            sku,
            sku,
            prices[sku],
            (Portion("g1", "open", count),),
            nothing,
            nothing,
            price_source=source,
        )
        for number, (sku, count) in enumerate(units.items(), start=1)
    )


def _require_goods(order: Order, sold: Sold, facts: Facts) -> None:
    maximum = facts.shop.settings.max_quantity
    for index, line in enumerate(sold.lines):
        product = facts.products.get(line.sku)
        if product is None or not visible(product, order.buyer, facts.shop.assortments):
            told = f"There is no SKU {line.sku!r}."
            raise Refusal(Reason.UNKNOWN_SKU, told, f"/lines/{index}/sku")
        if not product.active:
            told = f"{line.sku} is not for sale at present."
            raise Refusal(Reason.NOT_SELLABLE, told, f"/lines/{index}/sku")
        merged = order.line(line.sku)
        if merged is not None and merged.quantity > maximum:
            told = f"At most {maximum} units of one SKU per order."
            raise Refusal(Reason.QUANTITY_LIMIT, told, f"/lines/{index}/quantity", maximum=maximum)


def _require_postal_codes(sold: Sold) -> None:
    addresses = {"/address": sold.address, "/billing_address": sold.billing_address}
    for pointer, address in addresses.items():
        if not plausible(address):
            told = f"This is no postal code of {address.country}."
            raise Refusal(Reason.DELIVERY_UNAVAILABLE, told, f"{pointer}/postal_code")


def _require_total(order: Order, sold: Sold) -> None:
    computed = totals(order).gross
    if computed != sold.total:
        raise Refusal(
            Reason.TOTAL_MISMATCH,
            f"The row says {sold.total}; its lines, delivery and tax come to {computed}.",
            "/total",
            stated={"minor": sold.total.minor, "currency": sold.total.currency},
            computed={"minor": computed.minor, "currency": computed.currency},
        )
