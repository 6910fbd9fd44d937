// Words for what an account keeps besides name and addresses: English, German.

export const ACCOUNT_WORDS = {
  reach: ["How else we reach you", "Wie wir Sie sonst erreichen"],
  "reach.what": [
    "More phones and e-mail addresses, and when it suits you. We use them when the first ones do not reach you.",
    "Weitere Telefone und E-Mail-Adressen, und wann es Ihnen passt. Wir nutzen sie, wenn wir Sie sonst nicht erreichen.",
  ],
  "reach.add": ["Add another", "Weitere hinzufügen"],
  "reach.kind": ["Kind", "Art"],
  "reach.phone": ["Phone", "Telefon"],
  "reach.email": ["E-mail", "E-Mail"],
  "reach.value": ["Number or address", "Nummer oder Adresse"],
  "reach.label": ["What it is, like Work", "Was es ist, wie Arbeit"],
  question: ["When you call us", "Wenn Sie uns anrufen"],
  "question.what": [
    "A question that only you can answer tells us on the phone that it is you. Nothing is opened by it alone.",
    "An einer Frage, die nur Sie beantworten können, erkennen wir Sie am Telefon. Sie allein öffnet nichts.",
  ],
  "question.set": ["Choose a question", "Frage wählen"],
  "question.change": ["Change it", "Ändern"],
  "question.withdraw": ["Remove it", "Entfernen"],
  "question.withdrawn": ["The question is removed.", "Die Frage ist entfernt."],
  "question.since": ["chosen {at}", "gewählt {at}"],
  "question.question": ["Question", "Frage"],
  "question.answer": ["Answer", "Antwort"],
  "question.kept": ["nobody can read it afterwards", "danach für niemanden lesbar"],
  "problem.stale-version": [
    "This was changed elsewhere meanwhile. Here it is as it is now: please change it again.",
    "Das wurde inzwischen anderswo geändert. Hier ist der neue Stand: Bitte ändern Sie es noch einmal.",
  ],
};
