// Recognising a caller by a question that only the customer can answer. It opens nothing by itself.

import { fill, h, toast } from "/common/dom.js";
import { newKey, Refused } from "/common/http.js";
import { field, form } from "/common/forms.js";
import { moment, t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";

/** The panel; the question is read once it is asked for, because that is put on record. */
export function callerPanel(record) {
  const panel = h("section", { class: "panel caller", id: "caller", "aria-labelledby": "h-caller" });
  const draw = (...content) => fill(panel, h("h2", { id: "h-caller" }, t("caller")), h("div", { class: "grow" }, content));
  const open = async () => {
    draw(h("p", { class: "soft" }, t("loading")));
    try {
      ask(record, draw, await api.challenge(record.seen.customer.id));
    } catch (error) {
      if (error.status === 404) agree(record, draw, t("caller.none"));
      else draw(notice(error), begin(open));
    }
  };
  draw(begin(open));
  return panel;
}

const begin = (open) =>
  h("button", { class: "button small", id: "recognise", title: "v", on: { click: open } }, t("caller.ask"));

function ask(record, draw, challenge, said = null) {
  const { question, attempts_left: left, locked_until: until } = challenge;
  const other = h(
    "button",
    { type: "button", class: "link small", id: "other-question", on: { click: () => agree(record, draw, "", challenge) } },
    t("caller.other"),
  );
  if (!left) {
    draw(h("p", { class: "notice bad", role: "alert", id: "locked" }, t("caller.locked", { at: moment(until) })), other);
    return;
  }
  let key = newKey(); // an answer that is sent again counts once
  const element = form(
    { class: "stack", id: "answer" },
    async () => {
      const input = element.elements.namedItem("answer");
      try {
        const found = await api.verifyAnswer(record.seen.customer.id, input.value.trim(), key);
        if (found.verified) {
          recognised(record, draw);
          return;
        }
        ask(record, draw, { question, attempts_left: found.attempts_left, locked_until: found.locked_until }, found);
      } catch (error) {
        if (error instanceof Refused) key = newKey();
        tell(element, error);
      }
    },
    said ? h("p", { class: "notice bad", role: "alert", id: "wrong-answer" }, t("caller.wrong", { count: left })) : null,
    h("p", { class: "question" }, question),
    field("answer", t("caller.answer"), { maxlength: "120", autocomplete: "off" }, { hint: said ? "" : t("caller.left", { count: left }) }),
    h("div", { class: "row spread" }, h("button", { class: "button small primary" }, t("caller.check")), other),
  );
  draw(element);
  element.querySelector("input").focus();
}

/** For as long as the page is open: the next call is another one. */
function recognised(record, draw) {
  record.recognised = true;
  record.update({});
  draw(h("p", { class: "notice", role: "status", id: "right-answer" }, t("caller.right")));
}

function agree(record, draw, why, before = null) {
  const element = form(
    { class: "stack", id: "question" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      try {
        const body = { question: value("question"), answer: value("answer") };
        const agreed = await api.setChallenge(record.seen.customer.id, body);
        toast(t("saved.done"));
        ask(record, draw, agreed);
      } catch (error) {
        tell(element, error);
      }
    },
    why ? h("p", { class: "soft" }, why) : null,
    field("question", t("caller.question"), { maxlength: "120", autocomplete: "off" }),
    field("answer", t("caller.answer"), { maxlength: "120", autocomplete: "off" }, { hint: t("caller.kept") }),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button small primary" }, t("save")),
      before
        ? h("button", { type: "button", class: "button small", on: { click: () => ask(record, draw, before) } }, t("close"))
        : null,
    ),
  );
  draw(element);
  element.querySelector("input").focus();
}
