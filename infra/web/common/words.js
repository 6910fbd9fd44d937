// Words that more than one page needs: English, German. `.one` is the form for a count of 1.

import { SUPPLY_WORDS } from "./words-supply.js";

export const SHARED_WORDS = {
  ...SUPPLY_WORDS,
  close: ["Close", "Schließen"],
  loading: ["One moment …", "Einen Moment …"],
  "stock.in_stock": ["In stock", "Vorrätig"],
  "stock.low_stock": ["Only {units} left", "Nur noch {units}"],
  "stock.backorder": ["Back on {date}", "Wieder da am {date}"],
  "stock.preorder": ["Coming on {date}: pre-order", "Kommt am {date}: vorbestellbar"],
  "stock.out_of_stock": ["Sold out", "Ausverkauft"],
  quantity: ["Quantity of {name}", "Menge von {name}"],
  remove: ["Remove", "Entfernen"],
  "remove.of": ["Remove {name}", "{name} entfernen"],
  each: ["{price} each", "je {price}"],
  goods: ["Goods", "Waren"],
  shipping: ["Delivery", "Lieferung"],
  "shipping.free": ["free", "kostenlos"],
  tax: ["Tax", "Steuer"],
  "tax.included": ["Tax, included", "Steuer, enthalten"],
  "problem.coupon-unavailable": [
    "This code cannot be used. It may be mistyped, used up or over; some need you to sign in.",
    "Dieser Code ist nicht einlösbar. Vielleicht ist er vertippt, verbraucht oder abgelaufen; manche gelten nur nach der Anmeldung.",
  ],
  "problem.too-many-coupons": [
    "No other code can be used for this cart.",
    "Für diesen Warenkorb kann kein weiterer Code eingelöst werden.",
  ],
  "problem.unknown-gift-card": [
    "This is not the code of a gift card that can be used here.",
    "Das ist nicht der Code einer Geschenkkarte, die hier gilt.",
  ],
  "problem.gift-card-unusable": [
    "Nothing can be paid with this gift card at present.",
    "Mit dieser Geschenkkarte kann zurzeit nicht bezahlt werden.",
  ],
  "problem.gift-card-limit": [
    "No other gift card can be used for this cart.",
    "Für diesen Warenkorb kann keine weitere Geschenkkarte eingelöst werden.",
  ],
  "problem.gift-card-locked": [
    "Too many wrong codes: no gift card can be entered here for a while.",
    "Zu viele falsche Codes: hier kann vorerst keine Geschenkkarte eingegeben werden.",
  ],
  total: ["Total", "Summe"],
  continue: ["Continue", "Weiter"],
  change: ["Change", "Ändern"],
  "change.of": ["Change: {name}", "Ändern: {name}"],
  optional: ["optional", "freiwillig"],
  "field.name": ["Name", "Name"],
  "field.email": ["E-mail", "E-Mail"],
  "field.phone": ["Phone, like +15551234567", "Telefon, wie +4930123456"],
  "field.company": ["Company", "Firma"],
  "field.line1": ["Street and number", "Straße und Hausnummer"],
  "field.line2": ["Apartment, floor", "Adresszusatz"],
  "field.city": ["City", "Ort"],
  "field.region": ["State", "Bundesstaat"],
  "field.postal_code": ["ZIP code", "Postleitzahl"],
  "field.country": ["Country", "Land"],
  "field.instructions": ["Note for the delivery", "Hinweis zur Lieferung"],
  "field.password": ["Password", "Passwort"],
  "field.password.hint": ["at least 12 characters", "mindestens 12 Zeichen"],
  "field.code": ["Code from the mail", "Code aus der Mail"],
  "field.label": ["Label, like Home", "Bezeichnung, wie Zuhause"],
  "best.days": ["Best days (none: any time)", "Beste Tage (keine: immer)"],
  "best.from": ["From", "Von"],
  "best.to": ["To", "Bis"],
  "best.zone": ["Time zone", "Zeitzone"],
  saved: ["Saved address", "Gespeicherte Adresse"],
  "saved.new": ["Another address", "Andere Adresse"],
  save: ["Save", "Speichern"],
  "problem.unreachable": [
    "The shop cannot be reached. Try again in a moment.",
    "Der Laden ist nicht erreichbar. Bitte gleich noch einmal versuchen.",
  ],
  "problem.busy": [
    "The shop is very busy. Try again in a moment.",
    "Der Laden ist sehr beschäftigt. Bitte gleich noch einmal versuchen.",
  ],
  "problem.short": [
    "{name}: {available} of {wanted} available.",
    "{name}: {available} von {wanted} verfügbar.",
  ],
  "problem.quantity-limit": [
    "At most {maximum} of one article per order.",
    "Höchstens {maximum} Stück je Artikel und Bestellung.",
  ],
  "problem.quantity-steps": [
    "This is ordered from {minimum} to {maximum}, in steps of {step}.",
    "Dieser Artikel wird von {minimum} bis {maximum} Stück in Schritten von {step} bestellt.",
  ],
  "problem.not-sellable": [
    "This article is not for sale at present.",
    "Dieser Artikel wird zurzeit nicht verkauft.",
  ],
  "kit.inside": ["Inside: {items}", "Inhalt: {items}"],
  "problem.kit-changed": [
    "A set in the cart is made up differently now. Please take it out and put it in again.",
    "Ein Set im Warenkorb hat jetzt einen anderen Inhalt. Bitte herausnehmen und neu hineinlegen.",
  ],
  "problem.in-kit": [
    "These units belong to a set. Please change that instead.",
    "Diese Stücke gehören zu einem Set. Bitte dieses ändern.",
  ],
  "problem.unknown-sku": ["There is no such article.", "Diesen Artikel gibt es nicht."],
  "problem.total-changed": [
    "The total is {total} now. Please check it and order again.",
    "Die Summe beträgt jetzt {total}. Bitte prüfen und noch einmal bestellen.",
  ],
  "problem.channel-closed": [
    "No orders are taken here at present; your cart is kept.",
    "Zurzeit werden hier keine Bestellungen angenommen; Ihr Warenkorb bleibt.",
  ],
  "problem.channel-closed.region": [
    "At present no orders are taken here for {region}. If it goes elsewhere, give the code of its region.",
    "Zurzeit werden hier keine Bestellungen für {region} angenommen. Geht es woandershin, geben Sie das Kürzel der Region an.",
  ],
  "problem.too-late": [
    "Too late: a part is on its way already.",
    "Zu spät: Ein Teil ist schon unterwegs.",
  ],
  "problem.illegal-state": ["This is not possible any more.", "Das ist nicht mehr möglich."],
  "problem.not-found": ["There is nothing here.", "Hier ist nichts."],
  "problem.sign-in-failed": [
    "That does not match an account that can sign in, or its address is not confirmed.",
    "Das passt zu keinem Konto, das sich anmelden kann, oder die Adresse ist noch nicht bestätigt.",
  ],
  "problem.code-refused": [
    "The code is wrong, has expired or was used already.",
    "Der Code ist falsch, abgelaufen oder schon benutzt.",
  ],
  "problem.delivery-unavailable": [
    "This kind of delivery is not possible for this order.",
    "Diese Lieferart ist für diese Bestellung nicht möglich.",
  ],
  "problem.search-unavailable": [
    "The search is being set up; try again shortly.",
    "Die Suche wird gerade eingerichtet; bitte gleich noch einmal.",
  ],
  "problem.unauthenticated": ["Please sign in.", "Bitte anmelden."],
  "problem.card-number-refused": [
    "Card numbers belong into the payment form only.",
    "Kartennummern gehören nur in das Zahlungsformular.",
  ],
};
