// How else a customer is reached, and when: more phones and addresses than the first ones.

import { fill, h, toast } from "/common/dom.js";
import { bestTimeFields, bestTimeOf, bestTimeText } from "/common/besttime.js";
import { field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";

const MOST = 10;

/** The panel. It keeps what it read: a list is replaced as a whole, and others may change it, too. */
export function reachPanel(me) {
  const panel = h("section", { class: "panel stack", id: "reach", "aria-labelledby": "h-reach" });
  const view = { contacts: me.contacts, version: me.version };
  view.draw = (open = null, trouble = null) => fill(panel, content(view, open, trouble));
  view.draw();
  return panel;
}

function content(view, open, trouble) {
  const shown = view.contacts.map((each, index) =>
    h("li", {}, open === index ? contactForm(view, index) : entry(view, each, index)),
  );
  return [
    h("h2", { id: "h-reach", tabindex: "-1" }, t("reach")),
    h("p", { class: "soft" }, t("reach.what")),
    trouble ? notice(trouble) : null,
    shown.length ? h("ul", { class: "stack" }, shown) : null,
    open === view.contacts.length ? contactForm(view, open) : null,
    open === null && view.contacts.length < MOST
      ? h(
          "button",
          { class: "button small", id: "add-reach", on: { click: () => openForm(view, view.contacts.length) } },
          t("reach.add"),
        )
      : null,
  ];
}

function entry(view, each, index) {
  const without = view.contacts.filter((_, at) => at !== index);
  const remove = ({ target }) => {
    target.disabled = true;
    save(view, without).catch((error) => view.draw(null, error));
  };
  const button = (name, click) =>
    h(
      "button",
      { class: "link", "aria-label": t(`${name}.of`, { name: each.value }), on: { click } },
      t(name),
    );
  return h(
    "div",
    { class: "row spread" },
    h(
      "div",
      { class: "grow" },
      h("strong", {}, each.value),
      each.label ? ` ${each.label}` : "",
      each.best_time ? h("div", { class: "soft small" }, bestTimeText(each.best_time)) : null,
    ),
    h("div", { class: "row" }, button("change", () => openForm(view, index)), button("remove", remove)),
  );
}

function openForm(view, index) {
  view.draw(index);
  document.querySelector("#reach-form [name=value]").focus();
}

function contactForm(view, index) {
  const known = view.contacts[index] ?? { kind: "phone", value: "", label: "", best_time: null };
  const element = form(
    { class: "stack", id: "reach-form" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const made = { kind: value("kind"), value: value("value"), label: value("label"), best_time: bestTimeOf(element) };
      try {
        await save(view, view.contacts.toSpliced(index, 1, made));
      } catch (error) {
        if (error.code === "stale-version") view.draw(null, error);
        else tell(element, error, `/contacts/${index}`);
      }
    },
    h(
      "div",
      { class: "fields" },
      field(
        "kind",
        t("reach.kind"),
        {
          options: ["phone", "email"].map((kind) =>
            h("option", { value: kind, selected: kind === known.kind }, t(`reach.${kind}`)),
          ),
        },
        { kind: "half" },
      ),
      field("label", t("reach.label"), { value: known.label, maxlength: "40", required: false }, { kind: "half" }),
      field("value", t("reach.value"), { value: known.value, maxlength: "254", placeholder: "+15551234567" }),
    ),
    bestTimeFields(known.best_time),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button primary" }, t("save")),
      h("button", { type: "button", class: "button", on: { click: () => closed(view) } }, t("close")),
    ),
  );
  return element;
}

function closed(view) {
  view.draw();
  document.getElementById("h-reach").focus();
}

/** Where somebody else was first, what they made of it is read; then it is refused. */
async function save(view, contacts) {
  try {
    const me = await api.editMe({ contacts }, view.version);
    Object.assign(view, { contacts: me.contacts, version: me.version });
  } catch (error) {
    if (error.code === "stale-version") {
      const me = await api.me();
      Object.assign(view, { contacts: me.contacts, version: me.version });
    }
    throw error;
  }
  toast(t("saved.done"));
  closed(view);
}
