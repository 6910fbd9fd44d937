// How else a customer can be reached and when, and what they want of every order.

import { fill, h } from "/common/dom.js";
import { bestTimeFields, bestTimeOf, bestTimeText } from "/common/besttime.js";
import { field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import * as api from "./api.js";

/** The panel. */
export function contactsPanel(record) {
  const panel = h("section", { class: "panel stack", id: "contacts" });
  const draw = (open = "") => fill(panel, content(record, open, draw));
  draw();
  return panel;
}

function content(record, open, draw) {
  const { customer: who, reachable_now: now } = record.seen;
  const without = (index) => who.contacts.filter((_, at) => at !== index);
  const wishes = Object.entries(who.preferences);
  return [
    h("h2", {}, t("contacts")),
    h(
      "ul",
      {},
      who.contacts.map((each, index) => contact(each, now, ({ target }) => save(record, target.closest("li"), { contacts: without(index) }, draw))),
    ),
    open === "contact" ? contactForm(record, draw) : null,
    h("h2", {}, t("wishes")),
    h(
      "ul",
      { id: "wishes" },
      wishes.map(([name, value]) =>
        h(
          "li",
          { class: "row spread" },
          h("span", { class: "grow" }, h("strong", {}, name.replace(/_/g, " ")), `: ${value}`),
          h(
            "button",
            {
              class: "link small",
              "aria-label": t("remove.of", { name }),
              on: {
                click: ({ target }) =>
                  save(record, target.closest("li"), { preferences: Object.fromEntries(wishes.filter(([other]) => other !== name)) }, draw),
              },
            },
            t("remove"),
          ),
        ),
      ),
    ),
    open === "wish" ? wishForm(record, draw) : null,
    open
      ? null
      : h(
          "div",
          { class: "row" },
          h("button", { class: "button small", id: "add-contact", on: { click: () => edit(draw, "contact") } }, t("contacts.add")),
          h("button", { class: "button small", id: "add-wish", on: { click: () => edit(draw, "wish") } }, t("wishes.add")),
        ),
  ];
}

function edit(draw, what) {
  draw(what);
  document.querySelector("#contacts form input, #contacts form select")?.focus();
}

/** Lists are replaced as a whole. */
async function save(record, element, body, draw) {
  const saved = await record.save(element, (who) => api.editCustomer(who.id, body, who.version), pointer(record, body));
  if (saved) draw();
}

/** Where what is added is in the body, so that what is wrong with it is told at its field. */
const pointer = (record, { contacts }) => (contacts ? `/contacts/${contacts.length - 1}` : "/preferences");

const contact = (each, now, remove) =>
  h(
    "li",
    { class: "row spread" },
    h(
      "span",
      { class: "grow" },
      h("strong", {}, each.value),
      each.label ? ` ${each.label}` : "",
      each.best_time ? h("span", { class: "soft small line-of" }, bestTimeText(each.best_time)) : null,
    ),
    now.includes(each.value) ? h("span", { class: "badge good" }, t("contacts.now")) : null,
    h("button", { class: "link small", "aria-label": t("remove.of", { name: each.value }), on: { click: remove } }, t("remove")),
  );

function contactForm(record, draw) {
  const element = form(
    { class: "stack", id: "contact-form" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const made = { kind: value("kind"), value: value("value"), label: value("label") };
      made.best_time = bestTimeOf(element);
      await save(record, element, { contacts: [...record.seen.customer.contacts, made] }, draw);
    },
    h(
      "div",
      { class: "fields" },
      field("kind", t("contacts.kind"), { options: ["phone", "email"].map((kind) => h("option", { value: kind }, t(`find.${kind}`))) }, { kind: "third" }),
      field("value", t("contacts.value"), { maxlength: "254", placeholder: "+1 513 555 0100" }, { kind: "third" }),
      field("label", t("contacts.label"), { maxlength: "40", required: false }, { kind: "third" }),
    ),
    bestTimeFields(),
    ending(draw),
  );
  return element;
}

function wishForm(record, draw) {
  const element = form(
    { class: "stack", id: "wish-form" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const name = value("name").toLowerCase().replace(/[^a-z0-9]+/g, "_");
      const preferences = { ...record.seen.customer.preferences, [name]: value("wish") };
      await save(record, element, { preferences }, draw);
    },
    h(
      "div",
      { class: "fields" },
      field("name", t("wishes.name"), { maxlength: "40", pattern: "[A-Za-z].*" }, { kind: "half" }),
      field("wish", t("wishes.value"), { maxlength: "200" }, { kind: "half" }),
    ),
    ending(draw),
  );
  return element;
}

const ending = (draw) =>
  h(
    "div",
    { class: "row" },
    h("button", { class: "button primary small" }, t("save")),
    h("button", { type: "button", class: "button small", on: { click: () => draw() } }, t("close")),
  );
