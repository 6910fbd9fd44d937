"""Handing out a document that was issued: for people as PDF, for machines as XML."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from parcelway.domain.invoice import Invoice
from parcelway.http.api import Reply
from parcelway.http.problems import Problem
from parcelway.ports.files import Files, document_key

Format = Literal["pdf", "ubl", "cii"]
_RENDERED_IN = 30  # seconds; a document's PDF is there a moment after the document


def issued(document: Invoice | None, wanted: Format, files: Files) -> Reply:
    """The document as PDF (with the structured one attached), UBL 2.1 or CII.

    None means that it is still to come. Raises Problem: 404 while there is none, or no PDF of it
    yet; 406 for CII when EN 16931 cannot say what it says.
    """
    if document is None:
        raise _not_ready()
    if wanted == "pdf":
        return _pdf(document, files)
    from parcelway.einvoice import cii, semantics, ubl  # who wants PDF does not pay for it

    obstacles = semantics.obstacles(document)
    if wanted == "cii" and obstacles:
        detail = " ".join(obstacles)
        raise Problem(406, "not-an-e-invoice", "EN 16931 cannot say this", detail)
    xml = ubl.write(document) if wanted == "ubl" else cii.write(document)
    return Reply(xml, content_type="application/xml", headers=_named(document, "attachment", "xml"))


def _pdf(document: Invoice, files: Files) -> Reply:
    pdf = files.get(document_key(document))
    if pdf is None:
        raise _not_ready()
    return Reply(pdf, content_type="application/pdf", headers=_named(document, "inline", "pdf"))


def _named(document: Invoice, how: str, ending: str) -> dict[str, str]:
    name = f"{quote(document.number)}.{ending}"
    return {"Content-Disposition": f'{how}; filename="{name}"'}


def _not_ready() -> Problem:
    return Problem(
        404,
        "invoice-not-ready",
        "Invoice not ready",
        "It is issued when the parcel leaves and made a moment later. Try again then.",
        headers={"Retry-After": str(_RENDERED_IN)},
    )
