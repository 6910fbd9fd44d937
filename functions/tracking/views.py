"""The tracking answer for machines: the public view with the words for it beside each name."""

# No postponed annotations: the API's description reads them after this module has gone from
# sys.modules, where names could no longer be looked up.
from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import quote

from parcelway.domain.invoice import DocumentKind
from parcelway.domain.money import Money
from parcelway.domain.public_view import (
    Destination,
    Expected,
    LinkView,
    PublicDocument,
    PublicLinked,
    PublicOrder,
    PublicParcel,
)
from parcelway.language.wording import WORDS, say
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of the usual way; `state` is done, current or ahead."""

    name: str
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class MilestoneView:
    """Something that happened, to parcel number `parcel` or (0) to the order."""

    name: str
    text: str
    at: datetime
    parcel: int


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """What the carrier reported."""

    status: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ParcelView:
    """A parcel, or what is to be collected, of delivery number `delivery`; the carrier's number is
    '' until it has left. What lies ready is kept until `collect_until` for who says `code`, which
    is null unless the link's token came with the request."""

    number: int
    delivery: int
    status: str
    text: str
    carrier: str
    parcel_number: str
    checkpoints: list[CheckpointView]
    collect_until: date | None
    code: str | None


@dataclass(frozen=True, slots=True)
class TrackedLine:
    """An article; `stages` counts its units by how far they are, `expected` tells when those that
    wait for goods can be had (null: nobody knows)."""

    name: str
    quantity: int
    stages: Mapping[str, int]
    expected: list[Expected]


@dataclass(frozen=True, slots=True)
class ItemView:
    """Units of an article that go with a delivery."""

    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class DestinationView:
    """The town a delivery goes to, or the store where it is collected; `number` counts from 1.

    `promised_from` and `promised_to` are the first promise; `expected_from` and `expected_to` what
    holds now, null where it cannot be told. They differ when `revised`, for `revision_reason`."""

    number: int
    method: str
    store: str
    city: str
    postal_code: str
    country: str
    lines: list[ItemView]
    promised_from: date | None
    promised_to: date | None
    revised: bool
    expected_from: date | None
    expected_to: date | None
    revision_reason: str
    revision_text: str


@dataclass(frozen=True, slots=True)
class LinkedView:
    """An order that units of this one moved to, or came from, and its own page."""

    number: str
    status: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """An invoice or a credit note and where its PDF is; `format=ubl` and `format=cii` there are the
    same for machines."""

    number: str
    issued_at: datetime
    gross: Money
    url: str


@dataclass(frozen=True, slots=True)
class TrackingView:
    """Where an order is. The last nine are null unless the link's token came with the request;
    `to_pay`, until `pay_until`, and the page for that are null too when there is nothing to pay.

    `promised_from` to `promised_to` is when all of it was first promised; `expected_from` to
    `expected_to` what holds now, null where that cannot be told."""

    number: str
    status: str
    text: str
    promised_from: date | None
    promised_to: date | None
    revised: bool
    expected_from: date | None
    expected_to: date | None
    revision_reason: str
    revision_text: str
    steps: list[StepView]
    timeline: list[MilestoneView]
    parcels: list[ParcelView]
    deliveries: int
    lines: list[TrackedLine] | None
    destinations: list[DestinationView] | None
    invoices: list[DocumentLink] | None
    credit_notes: list[DocumentLink] | None
    receipt_url: str | None
    linked_orders: list[LinkedView] | None
    to_pay: Money | None
    pay_until: datetime | None
    payment_url: str | None


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses of one order's pages: `base` is the tracking page's, `token` its `k`, `payment`
    is where it is paid (None: the shop has no page for that)."""

    base: str
    token: str
    payment: str | None = None

    @property
    def page(self) -> str:
        """The tracking page itself, as its reader came to it."""
        return f"{self.base}?k={self.token}" if self.token else self.base

    def other(self, linked: PublicLinked) -> str:
        """The tracking page of a linked order."""
        base = self.base.rsplit("/", 1)[0]
        return f"{base}/{linked.number}?k={quote(linked.token, safe='')}"

    @property
    def receipt(self) -> str:
        """The receipt."""
        return f"{self.base}/receipt?k={self.token}"

    @property
    def receipt_pdf(self) -> str:
        """The receipt as PDF."""
        return f"{self.base}/receipt.pdf?k={self.token}"

    def document(self, document: PublicDocument) -> str:
        """An invoice (by its shipment) or a credit note (by its number)."""
        if document.kind == "invoice":
            return f"{self.base}/invoices/{document.shipment_id}?k={self.token}"
        return f"{self.base}/credit-notes/{quote(document.number, safe='')}?k={self.token}"


def _documents(
    kind: DocumentKind, link: LinkView | None, links: Links
) -> list[DocumentLink] | None:
    if link is None:
        return None
    return [
        DocumentLink(each.number, each.issued_at, each.gross, links.document(each))
        for each in link.documents
        if each.kind == kind
    ]


def revision(reason: str, language: str) -> str:
    """Why a promise was revised, in words; '' when it was not."""
    if not reason:
        return ""
    key = f"revised.{reason}"
    return say(key if key in WORDS else "revised.other", language)


def tracking_view(seen: PublicOrder, language: str, links: Links) -> TrackingView:
    """The public view in the words of `language`."""
    link, due = seen.link, seen.due
    codes = {each.parcel: each.code for each in link.collections} if link else {}
    return TrackingView(
        number=seen.number,
        status=seen.status,
        text=say(f"status.{seen.status}", language),
        promised_from=due.first.earliest if due.first else None,
        promised_to=due.first.latest if due.first else None,
        revised=due.revised,
        expected_from=due.present.earliest if due.present else None,
        expected_to=due.present.latest if due.present else None,
        revision_reason=due.reason,
        revision_text=revision(due.reason, language),
        steps=[StepView(s.name, say(f"step.{s.name}", language), s.state) for s in seen.steps],
        timeline=[
            MilestoneView(m.name, say(f"happened.{m.name}", language), m.at, m.parcel)
            for m in seen.timeline
        ],
        parcels=[_parcel(parcel, codes.get(parcel.number), language) for parcel in seen.parcels],
        deliveries=seen.deliveries,
        lines=[TrackedLine(n.name, n.quantity, n.stages, list(n.expected)) for n in link.lines]
        if link
        else None,
        destinations=[_destination(place, language) for place in link.destinations]
        if link
        else None,
        invoices=_documents("invoice", link, links),
        credit_notes=_documents("credit_note", link, links),
        receipt_url=links.receipt if link else None,
        linked_orders=[
            LinkedView(o.number, o.status, say(f"status.{o.status}", language), links.other(o))
            for o in link.linked
        ]
        if link
        else None,
        to_pay=link.to_pay if link else None,
        pay_until=link.pay_until if link else None,
        payment_url=links.payment if link and link.to_pay else None,
    )


def _parcel(parcel: PublicParcel, code: str | None, language: str) -> ParcelView:
    return ParcelView(
        parcel.number,
        parcel.delivery,
        parcel.status,
        say(f"parcel.{parcel.status}", language),
        parcel.carrier,
        parcel.parcel_number,
        [
            CheckpointView(c.status, say(f"parcel.{c.status}", language), c.at)
            for c in parcel.checkpoints
        ],
        parcel.collect_until,
        code,
    )


def _destination(place: Destination, language: str) -> DestinationView:
    due = place.due
    return DestinationView(
        place.number,
        place.method,
        place.store,
        place.city,
        place.postal_code,
        place.country,
        [ItemView(item.name, item.quantity) for item in place.lines],
        due.first.earliest if due.first else None,
        due.first.latest if due.first else None,
        due.revised,
        due.present.earliest if due.present else None,
        due.present.latest if due.present else None,
        due.reason,
        revision(due.reason, language),
    )
