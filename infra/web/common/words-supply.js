// Words for what is there, what comes later, and what goes where. English, German.

export const SUPPLY_WORDS = {
  "step.shortage": ["Not all of it is there", "Nicht alles ist da"],
  "there.all": ["{count} there", "{count} da"],
  "there.now": ["{count} there now", "{count} jetzt da"],
  "there.later": ["{count} on {day}", "{count} am {day}"],
  "there.sometime": ["{count} later, day not known yet", "{count} später, Tag noch unbekannt"],
  "there.none": ["{count} not to be had", "{count} nicht zu haben"],

  "supply.of": ["Of {count}: {text}.", "Von {count}: {text}."],
  "supply.backorder": [
    "Order now: it is yours when it comes on {day}, first come first served.",
    "Jetzt bestellen: Am {day} kommt es, wer zuerst bestellt, bekommt es zuerst.",
  ],
  "supply.preorder": [
    "Pre-order: it is sent from {day} on.",
    "Vorbestellung: Versand ab {day}.",
  ],
  "supply.most": ["At most {count} can be had.", "Höchstens {count} sind zu haben."],
  "supply.arrives": [
    "With you {days}, by standard delivery in the US.",
    "Bei Ihnen {days}, mit Standardlieferung in den USA.",
  ],

  "choose.how": ["What shall we do?", "Was sollen wir tun?"],
  "choose.pick": ["Please choose one of these.", "Bitte eine Möglichkeit wählen."],
  "choose.none": [
    "Nothing of this can be had at present. Please change the cart.",
    "Nichts davon ist zurzeit zu haben. Bitte den Warenkorb ändern.",
  ],
  "choose.changed": [
    "The cart has changed, so please look at this again.",
    "Der Warenkorb hat sich geändert, bitte noch einmal ansehen.",
  ],
  "choice.ship_complete": ["Everything together", "Alles zusammen"],
  "choice.ship_complete.text": [
    "We send it when the last thing is here.",
    "Wir senden es, wenn das Letzte da ist.",
  ],
  "choice.ship_available": [
    "What is there now, the rest when it comes",
    "Jetzt, was da ist, den Rest, sobald er kommt",
  ],
  "choice.ship_available.text": [
    "One order in several parcels, delivery charged once.",
    "Eine Bestellung in mehreren Paketen, Lieferung einmal berechnet.",
  ],
  "choice.drop": ["Only what is there now", "Nur, was jetzt da ist"],
  "choice.drop.text": [
    "Left out: {items}. Without them it is {total} instead of {before}.",
    "Es entfällt: {items}. Ohne das sind es {total} statt {before}.",
  ],
  "choice.separate_order": [
    "The rest as an order of its own",
    "Den Rest als eigene Bestellung",
  ],
  "choice.separate_order.text": [
    "Two orders at today's prices, each paid and delivered by itself.",
    "Zwei Bestellungen zu heutigen Preisen, je für sich bezahlt und geliefert.",
  ],
  "arrives": ["Arrives {days}", "Ankunft {days}"],
  "arrives.parts": ["First part {first}, all of it by {last}", "Erster Teil {first}, alles bis {last}"],
  "arrives.unknown": ["Day not known yet", "Tag noch unbekannt"],
  "ready": ["Ready {days}", "Bereit {days}"],
  "ready.parts": ["First part ready {first}, all of it by {last}", "Erster Teil bereit {first}, alles bis {last}"],
  "nth.order": ["Order {number}", "Bestellung {number}"],
  "nth.order.now": ["Now", "Jetzt"],
  "nth.order.later": ["Later", "Später"],
  "nth.delivery": ["Delivery {number}", "Lieferung {number}"],
  together: ["Together", "Zusammen"],
  "total.before": ["With everything", "Mit allem"],
  "total.more": [
    "{more} more than as one order: delivery is charged for each.",
    "{more} mehr als in einer Bestellung: Jede hat ihre Lieferkosten.",
  ],
  "left.out": ["{count} left out", "{count} entfallen"],
  "place.both": ["Place both orders · {total}", "Beides bestellen · {total}"],
  "place.both.text": [
    "{first} is paid now; then you pay {second} for the second order.",
    "Jetzt werden {first} bezahlt, danach {second} für die zweite Bestellung.",
  ],
  "changed.goods": ["goods {from} → {to}", "Waren {from} → {to}"],
  "changed.shipping": ["delivery {from} → {to}", "Lieferung {from} → {to}"],
  "changed.tax": ["tax {from} → {to}", "Steuer {from} → {to}"],
  "changed.why": ["What changed: {parts}.", "Geändert: {parts}."],

  divide: ["Divide over several places", "Auf mehrere Orte verteilen"],
  "divide.text": [
    "Say what goes to the other places; the first one gets the rest.",
    "Was geht an die anderen Orte? Der erste bekommt den Rest.",
  ],
  "divide.rest": ["What the others leave", "Was die anderen übrig lassen"],
  "divide.add": ["Another place", "Noch ein Ort"],
  "divide.remove": ["Remove", "Entfernen"],
  "divide.remove.of": ["Remove delivery {number}", "Lieferung {number} entfernen"],
  "divide.empty": [
    "Delivery {number} has nothing in it.",
    "Lieferung {number} enthält noch nichts.",
  ],
  "delivery.near": ["Near ZIP code", "Nahe Postleitzahl"],
  "delivery.find": ["Show nearest stores", "Nächste Filialen zeigen"],
  "delivery.open": ["open today {hours}", "heute geöffnet {hours}"],
  "delivery.closed": ["closed today", "heute geschlossen"],
  "delivery.lacks": ["Not there at present: {items}", "Zurzeit nicht da: {items}"],
  instead: ["Instead, there are {count} of:", "Stattdessen gibt es {count} von:"],
  "instead.take": ["Take it instead", "Stattdessen nehmen"],
  "instead.take.of": ["Take {name} instead", "{name} stattdessen nehmen"],
  "problem.short.later": ["More later: {later}.", "Später mehr: {later}."],
  "problem.quantity-mismatch": [
    "The cart has changed meanwhile. Please divide it again.",
    "Der Warenkorb hat sich inzwischen geändert. Bitte noch einmal verteilen.",
  ],

  "linked.second": ["Your second order", "Ihre zweite Bestellung"],
  "linked.other": ["The order that belongs to this one", "Die Bestellung, die dazugehört"],
  "linked.unpaid": [
    "One more step: pay for what comes later, and we keep its place in the queue.",
    "Noch ein Schritt: Bezahlen Sie, was später kommt, und sein Platz in der Reihe bleibt.",
  ],
  "linked.first": [
    "Pay this one first; the order for what comes later follows.",
    "Erst diese bezahlen; die Bestellung für den Rest folgt.",
  ],

  "waiting": ["Waiting for goods", "Wartet auf Ware"],
  "waiting.on": ["{count} expected {day}", "{count} erwartet am {day}"],
  "waiting.unknown": ["{count} expected, day not known yet", "{count} erwartet, Tag noch unbekannt"],
  "collect.code": ["Code to collect it", "Code zur Abholung"],
  "collect.until": ["kept until {day}", "liegt bereit bis {day}"],
  "shelf.coming": ["Coming soon", "Kommt bald"],
  "revised.was": ["First promised", "Zuerst zugesagt"],
  "revised.supply": [
    "Goods reach us later than we were told.",
    "Ware trifft später bei uns ein, als uns gesagt wurde.",
  ],
  "revised.replanned": [
    "It has to be sent from another place.",
    "Sie muss von einem anderen Ort aus versandt werden.",
  ],
  "revised.other": ["The date had to be changed.", "Der Termin musste geändert werden."],
};
