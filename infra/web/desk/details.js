// What a customer is called, how they are reached, in which language and currency, and what they
// agreed to.

import { fill, h, toast } from "/common/dom.js";
import { newKey } from "/common/http.js";
import { field, form } from "/common/forms.js";
import { currentLanguage, moment, t } from "/common/i18n.js";
import { sentence } from "/common/trouble.js";
import * as api from "./api.js";

const CONSENTS = ["marketing", "marketing_sms", "marketing_phone", "marketing_post"];

/** A phone number as it was typed, without what people put between its digits. */
export const dialled = (text) => text.replace(/[\s()/.-]/g, "");

/** Languages to choose from, by their names in the reader's own. */
export const languageOptions = (codes, chosen) =>
  [...new Set([...codes, ...(chosen ? [chosen] : [])])].map((code) =>
    h("option", { value: code, selected: code === chosen }, languageName(code)),
  );

/** A language's name in the reader's own. */
export const languageName = (code) => new Intl.DisplayNames([currentLanguage()], { type: "language" }).of(code);

/** The panel. */
export function detailsPanel(record) {
  const panel = h("section", { class: "panel stack" });
  const draw = async () => {
    const facts = await api.deskFacts().catch(() => ({ languages: [], currencies: [] }));
    fill(panel, head(record), detailsForm(record, facts, draw));
  };
  fill(panel, head(record));
  draw();
  return panel;
}

function head(record) {
  const { customer: who, invited_by: invited } = record.seen;
  return [
    h("h2", {}, t("details")),
    h("p", { id: "email" }, who.email),
    who.state === "pending" && invited ? invitation(who) : null,
  ];
}

/** Who was invited and has not chosen a password yet gets another link, once somebody means it. */
function invitation(who) {
  const box = h("div", { class: "row invitation" });
  const button = (id, text, click, kind = "") =>
    h("button", { type: "button", class: `button small ${kind}`, id, on: { click } }, text);
  const offer = () =>
    fill(box, h("span", { class: "soft small grow" }, t("invite.waits")), button("invite", t("invite.again"), ask));
  const ask = () => {
    fill(
      box,
      h("span", { class: "grow" }, t("invite.sure", { email: who.email })),
      button("invite-yes", t("invite.yes"), send, "primary"),
      button("invite-no", t("close"), () => {
        offer();
        box.querySelector("button").focus();
      }),
    );
    box.querySelector("button").focus();
  };
  const key = newKey(); // a repeat after a lost answer mails nothing more
  const send = async ({ target }) => {
    target.disabled = true;
    const said = (text, kind) => fill(box, h("p", { class: `notice ${kind} grow`, role: "status", id: "invited", tabindex: "-1" }, text));
    try {
      await api.inviteAgain(who.id, key);
      said(t("invite.sent", { email: who.email }), "");
    } catch (error) {
      said(error.code === "illegal-state" ? t("invite.taken") : sentence(error), "bad");
      if (error.code !== "illegal-state") box.append(button("invite", t("invite.again"), ask));
    }
    document.getElementById("invited").focus();
  };
  offer();
  return box;
}

function detailsForm(record, facts, draw) {
  const who = record.seen.customer;
  const element = form(
    { class: "stack", id: "details" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const saved = await record.save(element, async (now) => {
        const body = {
          given_name: value("given_name"),
          family_name: value("family_name"),
          phone: value("phone") ? dialled(value("phone")) : null,
          language: value("language"),
          consent: consentOf(element, now),
        };
        if (value("currency")) body.currency = value("currency");
        return api.editCustomer(now.id, body, now.version);
      });
      if (!saved) return;
      toast(t("saved.done"));
      await draw();
    },
    h(
      "div",
      { class: "fields" },
      field("given_name", t("field.given_name"), { value: who.given_name, maxlength: "60" }, { kind: "half" }),
      field("family_name", t("field.family_name"), { value: who.family_name, maxlength: "60" }, { kind: "half" }),
      field("phone", t("phone"), { type: "tel", value: who.phone, required: false, placeholder: "+1 513 555 0100" }, { kind: "third" }),
      field("language", t("language.of"), { options: languageOptions(facts.languages, who.language) }, { kind: "third" }),
      field(
        "currency",
        t("currency"),
        { options: currencyOptions(facts.currencies, who.currency) },
        { kind: "third" },
      ),
    ),
    h(
      "fieldset",
      { class: "consents" },
      h("legend", { class: "soft small" }, t("consents")),
      CONSENTS.map((purpose) => consent(purpose, who.consents[purpose])),
    ),
    h("button", { class: "button primary small" }, t("save")),
  );
  return element;
}

const currencyOptions = (codes, chosen) =>
  [...new Set([...(chosen ? [chosen] : [""]), ...codes])].map((code) =>
    h("option", { value: code, selected: code === chosen }, code || t("currency.shop")),
  );

const consent = (purpose, word) =>
  h(
    "label",
    { class: "check" },
    h("input", { type: "checkbox", name: `consent-${purpose}`, checked: Boolean(word?.granted) }),
    h(
      "span",
      {},
      t(`consent.${purpose}`),
      word ? h("small", { class: "soft" }, ` ${t(word.granted ? "consent.since" : "consent.not_since", { at: moment(word.at) })}`) : null,
    ),
  );

/** Only what is other than the record has it: an old word keeps its time. */
function consentOf(element, who) {
  const said = {};
  for (const purpose of CONSENTS) {
    const { checked } = element.elements.namedItem(`consent-${purpose}`);
    if (checked !== Boolean(who.consents[purpose]?.granted)) said[purpose] = checked;
  }
  return said;
}

