// What a customer told about themselves: for uses that they agreed to, and only while they do.

import { fill, h, toast } from "/common/dom.js";
import { field, form } from "/common/forms.js";
import { moment, t } from "/common/i18n.js";
import { sentence, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { check } from "./addresses.js";

const USES = ["service", "statistics", "marketing"];
const CHOICES = {
  age: ["18-24", "25-34", "35-44", "45-54", "55-64", "65+"],
  gender: ["female", "male", "diverse"],
  income: ["under-15k", "15-34k", "35-49k", "50-74k", "75-99k", "100k+"],
  home: ["owner", "renter"],
  marital_status: ["married", "unmarried"],
};
const COUNTS = { household_size: "1", children: "0" };

/** Fill the panel: who wants to read it says what for. */
export async function demographicsPanel(box, record) {
  const word = record.seen.customer.consents.demographics;
  if (!word?.granted) {
    tellForm(box, record, null);
    return;
  }
  const element = form(
    { class: "stack", id: "read-demographics" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      try {
        const told = await api.demographics(record.seen.customer.id, { use: value("use"), reason: value("reason") });
        show(box, record, told);
      } catch (error) {
        if (error.status === 404) tellForm(box, record, null);
        else tell(element, error);
      }
    },
    h("p", { class: "soft small" }, t("demographics.since", { at: moment(word.at) })),
    field("use", t("demographics.use"), { options: USES.map((use) => h("option", { value: use }, t(`use.${use}`))) }),
    field("reason", t("field.why"), { minlength: "3", maxlength: "200" }),
    h("div", { class: "row spread" }, h("button", { class: "button small primary" }, t("demographics.read")), withdrawal(box, record)),
  );
  fill(box, element);
}

function show(box, record, told) {
  const rows = Object.keys({ ...CHOICES, ...COUNTS }).filter((name) => (told[name] ?? "") !== "");
  fill(
    box,
    h("p", { class: "soft small" }, t("demographics.for", { uses: told.uses.map((use) => t(`use.${use}`)).join(", "), at: moment(told.told_at) })),
    h(
      "dl",
      { class: "sums", id: "told" },
      rows.map((name) => [h("dt", {}, t(`demographics.${name}`)), h("dd", { class: "right" }, worded(name, told[name]))]),
    ),
    h(
      "div",
      { class: "row spread" },
      h("button", { class: "button small", on: { click: () => tellForm(box, record, told) } }, t("change")),
      withdrawal(box, record),
    ),
  );
}

const worded = (name, value) => (["gender", "home", "marital_status"].includes(name) ? t(`demographics.${value}`) : String(value));

function withdrawal(box, record) {
  const withdraw = async ({ target }) => {
    if (!confirm(t("demographics.withdraw.sure"))) return;
    target.disabled = true;
    try {
      await api.forgetDemographics(record.seen.customer.id);
      await reread(record);
      await demographicsPanel(box, record);
    } catch (error) {
      target.disabled = false;
      toast(sentence(error), "bad");
    }
  };
  return h("button", { type: "button", class: "link small", id: "withdraw", on: { click: withdraw } }, t("demographics.withdraw"));
}

function tellForm(box, record, told) {
  const element = form(
    { class: "stack", id: "tell-demographics" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value;
      const body = { uses: USES.filter((use) => element.elements.namedItem(`use-${use}`).checked), consent: true };
      for (const name of Object.keys(CHOICES)) body[name] = value(name);
      for (const name of Object.keys(COUNTS)) body[name] = value(name) === "" ? null : Number(value(name));
      if (!body.uses.length) {
        tell(element, t("demographics.no_use"));
        return;
      }
      try {
        const kept = await api.setDemographics(record.seen.customer.id, body);
        await reread(record);
        show(box, record, kept);
        toast(t("saved.done"));
      } catch (error) {
        tell(element, error);
      }
    },
    h("p", { class: "soft small" }, t("demographics.optional")),
    h(
      "div",
      { class: "fields" },
      Object.entries(CHOICES).map(([name, values]) =>
        field(
          name,
          t(`demographics.${name}`),
          {
            options: ["", ...values].map((value) =>
              h("option", { value, selected: value === (told?.[name] ?? "") }, value ? worded(name, value) : "–"),
            ),
          },
          { kind: "half" },
        ),
      ),
      Object.entries(COUNTS).map(([name, min]) =>
        field(name, t(`demographics.${name}`), { type: "number", min, max: "30", required: false, value: told?.[name] ?? "" }, { kind: "half" }),
      ),
    ),
    h(
      "fieldset",
      {},
      h("legend", { class: "soft small" }, t("demographics.uses")),
      USES.map((use) => check(`use-${use}`, t(`use.${use}`), told?.uses.includes(use) ?? false)),
    ),
    check("consent", t("demographics.consent"), false, { required: true }),
    h("button", { class: "button small primary" }, t("save")),
  );
  fill(box, element);
}

/** The record's version and consents went on with what was told. */
const reread = (record) =>
  api.customer(record.seen.customer.id, t("reason.order")).then(record.update, () => undefined);
