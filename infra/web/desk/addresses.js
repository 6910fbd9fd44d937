// The addresses of a customer.

import { fill, h } from "/common/dom.js";
import { newKey } from "/common/http.js";
import { addressBlock, addressFields, addressOf, field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import * as api from "./api.js";

/** The panel. */
export function addressBook(record) {
  const panel = h("section", { class: "panel stack", id: "addresses" });
  const draw = (open = null) => fill(panel, content(record, open, draw));
  draw();
  return panel;
}

function content(record, open, draw) {
  const who = record.seen.customer;
  return [
    h("h2", {}, t("addresses")),
    h(
      "ul",
      { class: "stack" },
      who.addresses.map((each) => h("li", {}, each.id === open ? entryForm(record, each, draw) : entry(record, each, draw))),
      open === "" ? h("li", {}, entryForm(record, null, draw)) : null,
    ),
    open === null
      ? h("button", { class: "button small", id: "add-address", on: { click: () => edit(draw, "") } }, t("addresses.add"))
      : null,
  ];
}

function edit(draw, id) {
  draw(id);
  document.querySelector("#address-form input")?.focus();
}

function entry(record, each, draw) {
  const remove = async ({ target }) => {
    const box = target.closest("li");
    const gone = await record.save(box, (who) => api.removeAddress(who.id, each.id, who.version));
    if (gone) draw();
  };
  return h(
    "div",
    { class: "row spread place" },
    h(
      "div",
      { class: "grow" },
      h(
        "p",
        { class: "row" },
        h("strong", {}, each.label),
        each.default_shipping ? h("span", { class: "badge" }, t("default.shipping")) : null,
        each.default_billing ? h("span", { class: "badge" }, t("default.billing")) : null,
      ),
      addressBlock(each.address),
    ),
    h("button", { class: "link small", "aria-label": t("change.of", { name: each.label }), on: { click: () => edit(draw, each.id) } }, t("change")),
    h("button", { class: "link small", "aria-label": t("remove.of", { name: each.label }), on: { click: remove } }, t("remove")),
  );
}

function entryForm(record, each, draw) {
  const key = newKey();
  const who = record.seen.customer;
  const element = form(
    { class: "stack", id: "address-form" },
    async () => {
      const body = {
        label: element.elements.namedItem("label").value.trim(),
        address: addressOf(element),
        default_shipping: element.elements.namedItem("default_shipping").checked,
        default_billing: element.elements.namedItem("default_billing").checked,
      };
      const saved = await record.save(
        element,
        (now) => (each ? api.replaceAddress(now.id, each.id, body, now.version) : api.addAddress(now.id, body, key)),
        "/address",
      );
      if (saved) draw();
    },
    field("label", t("field.label"), { maxlength: "40", value: each?.label ?? t("home") }),
    addressFields(each?.address ?? { name: who.name }, "book"),
    check("default_shipping", t("default.shipping"), each ? each.default_shipping : !who.addresses.length),
    check("default_billing", t("default.billing"), each ? each.default_billing : !who.addresses.length),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button primary small" }, t("save")),
      h("button", { type: "button", class: "button small", on: { click: () => draw() } }, t("close")),
    ),
  );
  return element;
}

/** A box to tick. */
export const check = (name, text, checked, more = {}) =>
  h("label", { class: "check" }, h("input", { type: "checkbox", name, checked, ...more }), h("span", {}, text));
