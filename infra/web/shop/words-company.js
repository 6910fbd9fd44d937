// Words for buying for a company: English, German. `.one` is the form for a count of 1.

export const COMPANY_WORDS = {
  company: ["For your company", "Für Ihr Unternehmen"],
  "company.po": ["Your order number", "Ihre Bestellnummer"],
  "company.po.hint": ["if your company wants one", "falls Ihr Unternehmen eine verlangt"],
  "company.tax_id": ["Tax number", "Steuernummer"],
  "company.above": [
    "Your company approves orders above {above} before they are placed.",
    "Ihr Unternehmen gibt Bestellungen über {above} frei, bevor sie aufgegeben werden.",
  ],
  "company.ask": ["Ask for approval", "Um Freigabe bitten"],
  "company.ask.again": ["Ask again", "Erneut bitten"],
  "company.ask.when": [
    "if it is more than you may order alone",
    "falls es mehr ist, als Sie allein bestellen dürfen",
  ],
  "company.no_need": [
    "This order needs no approval: you can place it.",
    "Diese Bestellung braucht keine Freigabe: Sie können sie aufgeben.",
  ],
  "approval.asked": ["Waiting for approval", "Wartet auf Freigabe"],
  "approval.asked.next": [
    "Asked {at}. You may leave this page: a mail tells you what was decided, and your cart stays as it is.",
    "Gefragt {at}. Sie können diese Seite verlassen: Eine Mail sagt Ihnen, wie entschieden wurde, und der Warenkorb bleibt, wie er ist.",
  ],
  "approval.approved": ["Approved, for up to {total}", "Freigegeben, bis zu {total}"],
  "approval.approved.next": [
    "Now place it. Whatever is changed first has to be approved again.",
    "Geben Sie sie jetzt auf. Was vorher geändert wird, muss erneut freigegeben werden.",
  ],
  "approval.rejected": ["Not approved", "Nicht freigegeben"],
  "approval.rejected.next": [
    "Change the order, or ask again.",
    "Ändern Sie die Bestellung, oder bitten Sie erneut.",
  ],
  "approval.void": ["It has changed since you asked", "Seit der Anfrage geändert"],
  "approval.void.next": [
    "What was asked about is not what is in the cart now: ask again.",
    "Gefragt wurde nach etwas anderem, als jetzt im Warenkorb ist: Bitten Sie erneut.",
  ],
  "approval.why": ["Why: {reason}", "Grund: {reason}"],
  "cart.elsewhere": [
    "This cart is not in this browser. Open the link where you filled the cart; if our service filled it for you, call us.",
    "Dieser Warenkorb ist nicht in diesem Browser. Öffnen Sie den Link dort, wo Sie ihn gefüllt haben; hat unser Service ihn für Sie gefüllt, rufen Sie uns an.",
  ],

  approvals: ["Orders to approve", "Bestellungen freigeben"],
  "approvals.wait": ["{count} orders wait for your approval", "{count} Bestellungen warten auf Ihre Freigabe"],
  "approvals.wait.one": ["1 order waits for your approval", "1 Bestellung wartet auf Ihre Freigabe"],
  "approvals.sign_in": [
    "Sign in to decide on orders of your company.",
    "Melden Sie sich an, um über Bestellungen Ihres Unternehmens zu entscheiden.",
  ],
  "approvals.what": [
    "What you approve may be placed exactly as it is shown here. Another approver may decide as well.",
    "Was Sie freigeben, darf genau so bestellt werden, wie es hier steht. Auch andere Freigebende können entscheiden.",
  ],
  "approvals.none": ["No order waits for your approval.", "Keine Bestellung wartet auf Ihre Freigabe."],
  "approvals.not_yours": [
    "Here those decide whom a company has named as its approvers. You are not one of them.",
    "Hier entscheiden die, die ein Unternehmen dafür benannt hat. Sie gehören nicht dazu.",
  ],
  "approvals.gone": [
    "The order of your mail waits no more: somebody has decided on it, or it has changed.",
    "Die Bestellung aus Ihrer Mail wartet nicht mehr: Jemand hat entschieden, oder sie wurde geändert.",
  ],
  "approvals.by": ["{name} wants to order", "{name} möchte bestellen"],
  "approvals.number": ["Purchase order", "Bestellnummer"],
  "approvals.asked": ["Asked", "Gefragt"],
  "approvals.own": [
    "This is your own order. Nobody approves their own: another approver of your company decides.",
    "Das ist Ihre eigene Bestellung. Die gibt niemand selbst frei: Andere Freigebende Ihres Unternehmens entscheiden.",
  ],
  "approvals.approve": ["Approve", "Freigeben"],
  "approvals.reject": ["Reject", "Ablehnen"],
  "approvals.why": ["Why not?", "Warum nicht?"],
  "approvals.why.hint": ["the buyer reads it", "wer bestellt hat, liest es"],
  "approvals.back": ["Back", "Zurück"],
  "approvals.done.approve": ["Approved. {name} can place it now.", "Freigegeben. {name} kann jetzt bestellen."],
  "approvals.done.reject": ["Rejected. {name} is told why.", "Abgelehnt. {name} erfährt den Grund."],
  "approvals.over": [
    "It can no longer be decided on: somebody has, or it has changed.",
    "Darüber ist nicht mehr zu entscheiden: Jemand hat es schon getan, oder es wurde geändert.",
  ],
  "problem.approval-needed": [
    "Your company has to approve this order before it is placed.",
    "Ihr Unternehmen muss diese Bestellung freigeben, bevor sie aufgegeben wird.",
  ],
  "problem.four-eyes": [
    "It is your own order: somebody else decides on it.",
    "Es ist Ihre eigene Bestellung: Jemand anderes entscheidet.",
  ],
  "problem.not-a-buyer": [
    "Your company has not named you as somebody who orders for it.",
    "Ihr Unternehmen hat Sie nicht als jemanden benannt, der dafür bestellt.",
  ],
};
