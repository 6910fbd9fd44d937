"""The mark by which programs know a PDF as Factur-X 1.0: metadata that typst cannot write.

Factur-X wants four properties in the PDF's XMP packet, and PDF/A that their schema is described
there (ISO 19005-3, 6.6.2.3). They are added as an incremental update (ISO 32000-1, 7.5.6): what
typst made stays byte by byte, and a new version of one object follows it.
"""

from __future__ import annotations

import re

from parcelway.einvoice.cii import FILE_NAME

_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = {
    "DocumentFileName": (FILE_NAME, "The name of the embedded XML document"),
    "DocumentType": ("INVOICE", "The type of the hybrid document, in capital letters"),
    "Version": ("1.0", "The version of the standard that the embedded XML document follows"),
    "ConformanceLevel": ("EN 16931", "The profile of the embedded XML document"),
}
_PACKET = re.compile(
    rb"(?P<number>\d+) 0 obj\n<</Length \d+/Type/Metadata/Subtype/XML>>\n"
    rb"stream\n(?P<xmp>.*?)\nendstream",
    re.DOTALL,
)
_TRAILER = re.compile(
    rb"trailer\n<<(?P<entries>.*)>>\nstartxref\n(?P<offset>\d+)\n%%EOF\s*$", re.DOTALL
)
_SCHEMAS, _DESCRIPTION = b"<pdfaExtension:schemas><rdf:Bag>", b"</rdf:Description></rdf:RDF>"


def marked(pdf: bytes) -> bytes:
    """The PDF as typst made it, with the mark. Raises ValueError when it is laid out otherwise."""
    packet, trailer = _PACKET.search(pdf), _TRAILER.search(pdf)
    if packet is None or trailer is None:
        raise ValueError("a PDF whose metadata is not where it was")
    xmp, number = packet["xmp"], packet["number"]
    if not (_SCHEMAS in xmp and _DESCRIPTION in xmp):
        raise ValueError("metadata without a place for the mark")
    xmp = xmp.replace(_SCHEMAS, _SCHEMAS + _schema().encode(), 1)
    xmp = xmp.replace(_DESCRIPTION, _values().encode() + _DESCRIPTION, 1)
    head = b"%s 0 obj\n<</Length %d/Type/Metadata/Subtype/XML>>\n" % (number, len(xmp))
    update = b"\n" + head + b"stream\n" + xmp + b"\nendstream\nendobj\n"
    table = b"xref\n%s 1\n%010d 00000 n \n" % (number, len(pdf) + 1)
    entries = trailer["entries"] + b"/Prev " + trailer["offset"]
    ending = b"trailer\n<<%s>>\nstartxref\n%d\n%%%%EOF\n" % (entries, len(pdf) + len(update))
    return pdf + update + table + ending


def _schema() -> str:
    """The description of the properties, as PDF/A wants it."""
    described = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{about}</pdfaProperty:description></rdf:li>"
        for name, (_, about) in _PROPERTIES.items()
    )
    return (
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI>"
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )


def _values() -> str:
    return "".join(
        f'<fx:{name} xmlns:fx="{_NAMESPACE}">{value}</fx:{name}>'
        for name, (value, _) in _PROPERTIES.items()
    )
