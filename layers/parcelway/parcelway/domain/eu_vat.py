"""Where the EU's VAT applies: Directive 2006/112/EC, Articles 5 to 7.

Not the same as where a member state is: some of their territories are outside (Article 6), Monaco
is treated as France (Article 7), and for goods Northern Ireland is still inside, with numbers that
begin with XI (Windsor Framework, Article 8 and Annex 3).
"""

from __future__ import annotations

from dataclasses import replace

from parcelway.domain.parties import Address

_CODES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
MEMBERS = frozenset(_CODES.split())
# By country the beginnings of postal codes whose places are outside. Those that have a country code
# of their own as well (Åland AX, Guadeloupe GP, ...) are no members by that.
_OUTSIDE = {
    "DE": ("27498", "78266"),  # Heligoland, Büsingen
    "ES": ("35", "38", "51", "52"),  # Canary Islands, Ceuta, Melilla
    "FI": ("22",),  # Åland
    "FR": ("97", "984", "986", "987", "988"),  # overseas departments and territories
    "GR": ("63086",),  # Mount Athos
    "IT": ("23041", "22061"),  # Livigno, Campione d'Italia
}


def seen_by_vat(address: Address) -> Address:
    """The address in the state as a part of which the VAT treats it."""
    monaco = address.country == "MC"
    return replace(address, country="FR", region="") if monaco else address


def vat_state(address: Address) -> str:
    """The state whose VAT applies to goods there: a member's country code, `XI` for Northern
    Ireland, '' outside."""
    code = address.postal_code.replace(" ", "").upper()
    if address.country == "GB" and code.startswith("BT"):
        return "XI"
    outside = code.startswith(_OUTSIDE.get(address.country, ()))
    return address.country if address.country in MEMBERS and not outside else ""


def issuer(tax_id: str) -> str:
    """The state that gave a VAT number (with its prefix), '' for no number of the EU."""
    prefix = tax_id[:2]
    state = "GR" if prefix == "EL" else prefix
    return state if state in MEMBERS or state == "XI" else ""
