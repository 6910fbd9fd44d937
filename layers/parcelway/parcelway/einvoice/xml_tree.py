"""Elements of an XML document, with what is empty left out."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, indent, register_namespace, tostring

# What XML 1.0 does not know as a character (production 2 of its specification).
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def node(name: str, *content: Element | str | None, **attributes: str) -> Element | None:
    """An element with its children or its text; None when nothing is in it: neither the standard
    nor its rules allow empty elements."""
    made = Element(name, attributes)
    for each in content:
        if isinstance(each, str):
            made.text = _NO_CHARACTER.sub("", each)
        elif each is not None:
            made.append(each)
    return made if len(made) or (made.text or "").strip() else None


def written(root: Element | None, namespaces: dict[str, str]) -> bytes:
    """A document in UTF-8. `namespaces` are those of the names in it, by prefix; '' is the root's.

    Raises ValueError for a document without content.
    """
    if root is None:
        raise ValueError("a document without content")
    for prefix, uri in namespaces.items():
        register_namespace(prefix, uri)
    indent(root)
    made: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return made
