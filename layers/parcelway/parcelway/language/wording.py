"""The words for what an order is, does and consists of, in every language: said in one place.

Keys are `<kind>.<name>`; `domain.public_view` says which name applies. Values with {fields} are
filled by `say`.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcelway.language.formats import LANGUAGES

Words = Mapping[str, Mapping[str, str]]


def say(key: str, language: str, **fields: object) -> str:
    """The wording of `key` in one of LANGUAGES. Raises KeyError for one that is not there."""
    text = WORDS[key][language]
    return text.format(**fields) if fields else text


def _words(kind: str, table: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    return {
        f"{kind}.{name}": dict(zip(LANGUAGES, texts, strict=True)) for name, texts in table.items()
    }


WORDS: Words = {
    **_words(
        "status",
        {
            "awaiting_payment": ("Waiting for payment", "Wartet auf Zahlung"),
            "confirmed": ("Order confirmed", "Bestellung bestätigt"),
            "preparing": ("Being prepared", "Wird vorbereitet"),
            "partly_shipped": ("Partly shipped", "Teilweise versandt"),
            "shipped": ("On its way", "Unterwegs"),
            "out_for_delivery": ("Out for delivery", "In Zustellung"),
            "available_for_pickup": ("Waiting at the pick-up point", "Liegt zur Abholung bereit"),
            "ready_for_pickup": ("Ready to collect", "Bereit zur Abholung"),
            "problem": ("Delayed", "Verzögert"),
            "partly_delivered": ("Partly delivered", "Teilweise zugestellt"),
            "delivered": ("Delivered", "Zugestellt"),
            "collected": ("Collected", "Abgeholt"),
            "returned": ("Returned", "Zurückgesandt"),
            "cancelled": ("Cancelled", "Storniert"),
            "expired": ("Not completed", "Nicht abgeschlossen"),
        },
    ),
    **_words(
        "about",
        {
            "awaiting_payment": (
                "We keep your items for a short while until the payment is complete.",
                "Wir halten die Artikel kurze Zeit zurück, bis die Zahlung abgeschlossen ist.",
            ),
            "confirmed": (
                "We have your order and your payment. We will start packing soon.",
                "Bestellung und Zahlung sind da. Wir packen bald.",
            ),
            "preparing": ("We are packing your order.", "Wir packen die Bestellung."),
            "partly_shipped": (
                "A part is on its way, the rest follows.",
                "Ein Teil ist unterwegs, der Rest folgt.",
            ),
            "shipped": ("The carrier has your order.", "Der Paketdienst hat die Bestellung."),
            "out_for_delivery": ("It arrives today.", "Sie kommt heute an."),
            "available_for_pickup": (
                "Collect it at the carrier's pick-up point.",
                "Sie kann beim Paketdienst abgeholt werden.",
            ),
            "ready_for_pickup": (
                "It waits for you at the store. Please bring the code or a document.",
                "Sie liegt im Laden bereit. Bitte den Code oder einen Ausweis mitbringen.",
            ),
            "problem": (
                "The carrier reported a problem. It is being taken care of.",
                "Der Paketdienst meldet ein Problem und kümmert sich darum.",
            ),
            "partly_delivered": (
                "A part has arrived, the rest is on its way.",
                "Ein Teil ist angekommen, der Rest ist unterwegs.",
            ),
            "delivered": ("Everything has arrived.", "Alles ist angekommen."),
            "collected": ("Everything was collected.", "Alles wurde abgeholt."),
            "returned": ("The order came back to us.", "Die Bestellung kam zu uns zurück."),
            "cancelled": (
                "This order was cancelled and will not be sent.",
                "Diese Bestellung wurde storniert und wird nicht versandt.",
            ),
            "expired": (
                "The payment was not completed in time, so nothing was ordered or charged.",
                "Die Zahlung wurde nicht rechtzeitig abgeschlossen. Nichts wurde bestellt "
                "oder berechnet.",
            ),
        },
    ),
    **_words(
        "step",
        {
            "confirmed": ("Confirmed", "Bestätigt"),
            "preparing": ("Packing", "Verpacken"),
            "shipped": ("Shipped", "Versandt"),
            "out_for_delivery": ("Out for delivery", "In Zustellung"),
            "delivered": ("Delivered", "Zugestellt"),
            "ready_for_pickup": ("Ready to collect", "Abholbereit"),
            "collected": ("Collected", "Abgeholt"),
            "done": ("done", "erledigt"),
            "current": ("now", "jetzt"),
            "ahead": ("still to come", "steht noch aus"),
        },
    ),
    **_words(
        "happened",
        {
            "placed": ("Order received", "Bestellung eingegangen"),
            "confirmed": ("Payment secured, order confirmed", "Zahlung gesichert, bestätigt"),
            "preparing": ("Being prepared", "Wird vorbereitet"),
            "packed": ("Packed", "Verpackt"),
            "shipped": ("Handed to the carrier", "An den Paketdienst übergeben"),
            "in_transit": ("On its way", "Unterwegs"),
            "out_for_delivery": ("Out for delivery", "In Zustellung"),
            "available_for_pickup": ("Waiting at the pick-up point", "Zur Abholung hinterlegt"),
            "ready_for_pickup": ("Ready to collect", "Bereit zur Abholung"),
            "at_the_store": ("Arrived at the store", "Im Laden angekommen"),
            "lost": ("Lost on its way to the store", "Auf dem Weg zum Laden verloren gegangen"),
            "came_back": ("Came back to us", "Zu uns zurückgekommen"),
            "not_collected": ("Not collected in time", "Nicht rechtzeitig abgeholt"),
            "failed_attempt": ("Delivery attempted", "Zustellung versucht"),
            "exception": ("Delayed by the carrier", "Verzögerung beim Paketdienst"),
            "returned": ("Returned to us", "Zurück an uns"),
            "delivered": ("Delivered", "Zugestellt"),
            "collected": ("Collected", "Abgeholt"),
            "invoiced": ("Invoice issued", "Rechnung ausgestellt"),
            "credited": ("Credit note issued", "Rechnung korrigiert"),
            "refunded": ("Refund sent", "Erstattung veranlasst"),
            "redated": ("New date", "Neuer Termin"),
            "cancelled": ("Cancelled", "Storniert"),
            "partly_cancelled": ("Part of the order cancelled", "Teil der Bestellung storniert"),
            "expired": ("Not paid in time", "Nicht rechtzeitig bezahlt"),
        },
    ),
    **_words(
        "parcel",
        {
            "preparing": ("Being prepared", "Wird vorbereitet"),
            "label_created": ("Handed to the carrier", "An den Paketdienst übergeben"),
            "in_transit": ("On its way", "Unterwegs"),
            "out_for_delivery": ("Out for delivery", "In Zustellung"),
            "available_for_pickup": ("Waiting to be collected", "Liegt zur Abholung bereit"),
            "failed_attempt": ("Delivery attempted", "Zustellung versucht"),
            "exception": ("Delayed", "Verzögert"),
            "returned": ("Returned", "Zurückgesandt"),
            "delivered": ("Delivered", "Zugestellt"),
            "collected": ("Collected", "Abgeholt"),
        },
    ),
    **_words(
        "stage",
        {
            "ordered": ("ordered", "bestellt"),
            "backordered": ("not in stock yet", "noch nicht lieferbar"),
            "preparing": ("being prepared", "in Vorbereitung"),
            "packed": ("packed", "verpackt"),
            "shipped": ("on its way", "unterwegs"),
            "delivered": ("delivered", "zugestellt"),
            "collected": ("collected", "abgeholt"),
            "cancelled": ("cancelled", "storniert"),
            "returned": ("returned", "zurückgesandt"),
        },
    ),
    **_words(
        "revised",
        {
            "supply": (
                "Goods reach us later than we were told.",
                "Ware trifft später bei uns ein, als uns gesagt wurde.",
            ),
            "replanned": (
                "It has to be sent from another place.",
                "Sie muss von einem anderen Ort aus versandt werden.",
            ),
            "lost_on_its_way": (
                "A parcel was lost on its way to the store.",
                "Ein Paket ging auf dem Weg zum Laden verloren.",
            ),
            "returned_on_its_way": (
                "A parcel did not get to the store, and has to be sent again.",
                "Ein Paket kam nicht im Laden an und muss noch einmal versandt werden.",
            ),
            "other": ("The date had to be changed.", "Der Termin musste geändert werden."),
        },
    ),
    **_words(
        "payment",
        {
            "authorized": ("Reserved on your card", "Auf der Karte reserviert"),
            "captured": ("Paid", "Bezahlt"),
            "refunded": ("Refunded", "Erstattet"),
            "card": ("Card", "Karte"),
            "cash": ("Cash", "Bar"),
            "terminal": ("Card, at the till", "Karte, an der Kasse"),
            "gift_card": ("Gift card", "Geschenkkarte"),
            "nothing": ("Nothing has been charged.", "Es wurde nichts berechnet."),
        },
    ),
    **_words(
        "label",
        {
            "order_number": ("Order number", "Bestellnummer"),
            "to_pay": ("{amount} is still to be paid", "{amount} sind noch zu bezahlen"),
            "pay_until": (
                "Your items are kept for you until {day}.",
                "Die Artikel sind bis {day} zurückgelegt.",
            ),
            "pay": ("Pay now", "Jetzt bezahlen"),
            "decide": ("Approve or reject", "Freigeben oder ablehnen"),
            "to_cart": ("Go to your cart", "Zum Warenkorb"),
            "items": ("Items", "Artikel"),
            "quantity": ("Qty", "Menge"),
            "goods": ("Items", "Artikel"),
            "shipping": ("Shipping", "Versand"),
            "tax": ("Tax", "Steuer"),
            "tax_at": ("Tax {rate}", "{rate} Steuer"),
            "tax_within": ("Includes {rate} tax", "Enthält {rate} Steuer"),
            "net": ("Net", "Netto"),
            "total": ("Total", "Gesamt"),
            "order_total": ("Order total, tax included", "Gesamtbetrag mit Steuer"),
            "price": ("Price", "Preis"),
            "expected": ("Expected", "Voraussichtlich"),
            "unknown": ("Date not known yet", "Termin noch unbekannt"),
            "first_promised": ("First promised", "Zuerst zugesagt"),
            "waits": ("{count} expected {day}", "{count} erwartet am {day}"),
            "waits_unknown": (
                "{count} expected, date not known yet",
                "{count} erwartet, Termin noch unbekannt",
            ),
            "later": ("Reaches us later", "Trifft später bei uns ein"),
            "dropped": ("Left out, as you wished", "Entfällt wie gewünscht"),
            "linked": ("Order that belongs to this one", "Bestellung, die dazugehört"),
            "linked_number": ("Your other order", "Ihre andere Bestellung"),
            "deliver_to": ("Delivery to", "Lieferung an"),
            "collect_at": ("Collect at", "Abholung bei"),
            "delivery_of": ("Delivery {number} of {count}", "Lieferung {number} von {count}"),
            "collect_until": ("Kept for you until {day}.", "Liegt bereit bis {day}."),
            "code": ("Code to collect it", "Code zur Abholung"),
            "parcel": ("Parcel", "Paket"),
            "parcel_of": ("Parcel {number} of {count}", "Paket {number} von {count}"),
            "carrier": ("Carrier", "Paketdienst"),
            "parcel_number": ("Parcel number", "Paketnummer"),
            "invoice": ("Invoice", "Rechnung"),
            "receipt": ("Receipt", "Beleg"),
            "payments": ("Payments", "Zahlungen"),
            "paid_by": ("Payment method", "Zahlungsart"),
            "ordered_on": ("Ordered on", "Bestellt am"),
            "track": ("Track your order", "Bestellung verfolgen"),
            "timeline": ("What happened", "Verlauf"),
            "parcels": ("Parcels", "Pakete"),
            "documents": ("Documents", "Dokumente"),
            "all_times": ("Times as in {zone}.", "Uhrzeiten wie in {zone}."),
            "print_hint": (
                "Use your browser's print function to keep this receipt.",
                "Mit der Druckfunktion des Browsers lässt sich der Beleg aufheben.",
            ),
            "back": ("Back to tracking", "Zurück zur Sendungsverfolgung"),
            "progress": ("Progress", "Fortschritt"),
            "questions": ("Questions? Write to {email}.", "Fragen? Einfach an {email} schreiben."),
        },
    ),
    **_words(
        "invoice",
        {
            "title": ("Invoice", "Rechnung"),
            "number": ("Invoice number", "Rechnungsnummer"),
            "issued": ("Issue date", "Rechnungsdatum"),
            "supplied": ("Date of supply", "Leistungsdatum"),
            "ordered": ("Order date", "Bestelldatum"),
            "tax_id": ("Tax ID", "Steuernummer"),
            "bill_to": ("Bill to", "Rechnungsempfänger"),
            "description": ("Description", "Bezeichnung"),
            "unit_net": ("Unit price", "Einzelpreis"),
            "unit_gross": ("Unit price incl. tax", "Einzelpreis mit Steuer"),
            "amount_gross": ("Amount incl. tax", "Betrag mit Steuer"),
            "rate": ("Tax rate", "Steuersatz"),
            "taxable": ("Net amount", "Nettobetrag"),
            "breakdown": ("Tax breakdown", "Steuern nach Satz"),
            "sum_net": ("Total net", "Summe netto"),
            "sum_tax": ("Total tax", "Summe Steuer"),
            "sum_gross": ("Invoice total", "Rechnungsbetrag"),
            "paid_card": (
                "Paid by card with the order. Nothing is left to pay.",
                "Mit der Bestellung per Karte bezahlt. Es ist nichts mehr zu zahlen.",
            ),
            "paid": (
                "Paid with the order. Nothing is left to pay.",
                "Mit der Bestellung bezahlt. Es ist nichts mehr zu zahlen.",
            ),
            "will_pay": ("We pay {amount} by {day}.", "Wir zahlen {amount} bis zum {day}."),
            "pay": ("Please pay {amount} by {day}.", "Bitte {amount} bis zum {day} zahlen."),
            "due": ("To be paid by", "Zu zahlen bis"),
            "open": ("Still to be paid", "Noch zu zahlen"),
            "transfer": (
                "By transfer to {iban}, with reference {number}.",
                "Per Überweisung auf {iban}, Verwendungszweck {number}.",
            ),
            "state_paid": ("Paid", "Bezahlt"),
            "reason": ("Reason", "Grund"),
            "purchase_order": ("Purchase order", "Bestellung des Kunden"),
            "buyer_tax_id": ("Customer's VAT number", "USt-IdNr. des Kunden"),
            "refers_to": ("Of invoice", "Zur Rechnung"),
            "page": ("Page", "Seite"),
        },
    ),
    **_words(
        "credit_note",
        {
            # Not "Gutschrift": that is what German law calls self-billing (UStG, § 14 (2)).
            "title": ("Credit note", "Rechnungskorrektur"),
            "goodwill": ("Goodwill", "Kulanz"),
            "number": ("Credit note number", "Nummer der Korrektur"),
            "sum_gross": ("Credit total", "Betrag der Korrektur"),
            "settled": (
                "The amount goes back the way you paid, as far as it was taken.",
                "Der Betrag geht auf dem Zahlungsweg zurück, soweit er schon erhoben wurde.",
            ),
        },
    ),
    **_words(
        "receipt",
        {
            "title": ("Receipt", "Beleg"),
            "tenders": ("Paid with", "Bezahlt mit"),
            "paid": ("Paid", "Bezahlt"),
            "pdf": ("Receipt as PDF", "Beleg als PDF"),
        },
    ),
    **_words(
        "self_billed",  # in the words that the law asks for
        {
            "title": ("Self-billing invoice", "Gutschrift"),
            "number": ("Invoice number", "Nummer der Gutschrift"),
            "sum_gross": ("Invoice total", "Gesamtbetrag"),
        },
    ),
    **_words(
        "relief",  # by the codes of EN 16931; the words are those that the VAT directive asks for
        {
            "E": ("Exempt from tax.", "Steuerfrei."),
            "AE": (
                "Reverse charge: the recipient owes the tax.",
                "Steuerschuldnerschaft des Leistungsempfängers.",
            ),
            "K": (
                "Intra-Community supply, exempt from tax.",
                "Steuerfreie innergemeinschaftliche Lieferung.",
            ),
            "G": ("Export, exempt from tax.", "Steuerfreie Ausfuhrlieferung."),
            "O": ("Not subject to tax.", "Nicht steuerbar."),
        },
    ),
    **_words(
        "find",
        {
            "title": ("Where is my order?", "Wo ist meine Bestellung?"),
            "hint": (
                "The number starts with PW and is in every mail about the order.",
                "Die Nummer beginnt mit PW und steht in jeder Mail zur Bestellung.",
            ),
            "number": ("Order or tracking number", "Bestell- oder Sendungsnummer"),
            "button": ("Track", "Verfolgen"),
            "not_found": ("We cannot find that", "Das finden wir nicht"),
            "not_found_detail": (
                "There is nothing under this number or link. Please check it for typing errors.",
                "Unter dieser Nummer oder diesem Link gibt es nichts. Bitte auf Tippfehler prüfen.",
            ),
            "trouble": ("Not available right now", "Gerade nicht verfügbar"),
            "trouble_detail": (
                "Please try again in a minute.",
                "Bitte in einer Minute noch einmal versuchen.",
            ),
            "not_ready": ("Not ready yet", "Noch nicht fertig"),
            "not_ready_detail": (
                "The invoice is being made. Please try again in a minute.",
                "Die Rechnung wird erstellt. Bitte in einer Minute noch einmal versuchen.",
            ),
        },
    ),
}
