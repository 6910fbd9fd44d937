// The question by which the service desk recognises a customer who calls. It opens nothing by itself.

import { fill, h, toast } from "/common/dom.js";
import { field, form } from "/common/forms.js";
import { moment, t } from "/common/i18n.js";
import { notice } from "/common/trouble.js";
import * as api from "./api.js";
import { attempt } from "./passwords.js";

/** The panel. */
export function questionPanel() {
  const panel = h("section", { class: "panel stack", id: "own-question", "aria-labelledby": "h-question" });
  const draw = (...content) =>
    fill(
      panel,
      h("h2", { id: "h-question", tabindex: "-1" }, t("question")),
      h("p", { class: "soft" }, t("question.what")),
      content,
    );
  draw(h("p", { class: "soft" }, t("loading")));
  api.question().then(
    (known) => show(draw, known),
    (error) => (error.status === 404 ? show(draw, null) : draw(notice(error))),
  );
  return panel;
}

function show(draw, known) {
  const button = (id, text, click, kind = "button small") =>
    h("button", { class: kind, id, on: { click } }, text);
  const change = () => ask(draw, known);
  if (!known) {
    draw(button("set-question", t("question.set"), change));
    return;
  }
  draw(
    h("p", {}, h("strong", { id: "asked" }, known.question), h("br"), h("span", { class: "soft small" }, t("question.since", { at: moment(known.set_at) }))),
    h(
      "div",
      { class: "row" },
      button("set-question", t("question.change"), change),
      button("withdraw-question", t("question.withdraw"), () => withdraw(draw, known), "link"),
    ),
  );
}

function ask(draw, known) {
  draw(
    form(
      { class: "stack" },
      (element) =>
        attempt(element, async (value) => {
          const agreed = await api.setQuestion({ question: value("question"), answer: value("answer") });
          toast(t("saved.done"));
          shown(draw, agreed);
        }),
      field("question", t("question.question"), { maxlength: "120", autocomplete: "off", value: known?.question ?? "" }),
      field("answer", t("question.answer"), { maxlength: "120", autocomplete: "off" }, { hint: t("question.kept") }),
      h(
        "div",
        { class: "row" },
        h("button", { class: "button primary" }, t("save")),
        h("button", { type: "button", class: "button", on: { click: () => shown(draw, known) } }, t("close")),
      ),
    ),
  );
  document.querySelector(`#own-question [name=${known ? "answer" : "question"}]`).focus();
}

async function withdraw(draw, known) {
  try {
    await api.withdrawQuestion();
    toast(t("question.withdrawn"));
    shown(draw, null);
  } catch (error) {
    show(draw, known);
    document.getElementById("asked").after(notice(error));
  }
}

function shown(draw, known) {
  show(draw, known);
  document.getElementById("h-question").focus();
}
