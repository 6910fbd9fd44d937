"""What the routes of billing answer."""

# No postponed annotations: the API's description reads them after this module has gone from
# sys.modules, where names could no longer be looked up.
from datetime import datetime

from parcelway.domain.invoice import DocumentKind, Invoice, LineKind
from parcelway.domain.money import Money
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line of a document; amounts are positive on a credit note too."""

    kind: LineKind
    sku: str
    description: str
    quantity: int
    net: Money
    tax: Money
    tax_rate: int


@dataclass(frozen=True, slots=True)
class DocumentView:
    """An invoice or a credit note; `refers_to` is the number of the invoice it credits."""

    kind: DocumentKind
    number: str
    refers_to: str
    reason: str
    issued_at: datetime
    lines: list[BilledLine]
    net: Money
    tax: Money
    gross: Money


def document_view(document: Invoice) -> DocumentView:
    """A document without the people on it."""
    return DocumentView(
        document.kind,
        document.number,
        document.refers_to,
        document.reason,
        document.issued_at,
        [
            BilledLine(
                line.kind,
                line.sku,
                line.description,
                line.quantity,
                line.net,
                line.tax,
                line.tax_rate,
            )
            for line in document.lines
        ],
        document.net,
        document.tax,
        document.gross,
    )
