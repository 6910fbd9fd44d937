// One customer: who they are, where their parcels go, what they ordered; and making a new one.

import { fill, h, toast } from "/common/dom.js";
import { newKey } from "/common/http.js";
import { addressBlock, addressFields, addressOf, field, form } from "/common/forms.js";
import { currentLanguage, money, moment, t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { beginFor } from "./entry.js";
import { decides } from "./session.js";

const digits = (text) => text.replace(/[\s()/.-]/g, "");

/** Make a customer; `query` may say what was looked for in vain. */
export function newCustomerPage(main, query) {
  const key = newKey();
  const element = form(
    { class: "panel stack", id: "new-customer" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const body = {
        email: value("email"),
        given_name: value("given_name"),
        family_name: value("family_name"),
        language: value("language"),
      };
      if (value("phone")) body.phone = digits(value("phone"));
      if (value("line1"))
        body.addresses = [
          { label: t("home"), address: addressOf(element), default_shipping: true, default_billing: true },
        ];
      try {
        const made = await api.createCustomer(body, key);
        toast(t("customer.made", { email: body.email }));
        location.hash = `#/customer/${made.customer.id}`;
      } catch (error) {
        tell(element, error);
      }
    },
    h("h1", {}, t("customer.new")),
    h("p", { class: "soft" }, t("customer.invited")),
    h(
      "div",
      { class: "fields" },
      field(
        "given_name",
        t("field.given_name"),
        { maxlength: "60", value: query.get("given_name") ?? "" },
        { kind: "third" },
      ),
      field(
        "family_name",
        t("field.family_name"),
        { maxlength: "60", value: query.get("family_name") ?? "" },
        { kind: "third" },
      ),
      field("email", t("field.email"), { type: "email", value: query.get("email") ?? "" }, { kind: "third" }),
      field(
        "phone",
        t("field.phone"),
        { type: "tel", required: false, value: query.get("phone") ?? "", placeholder: "+1 513 555 0100" },
        { kind: "third" },
      ),
      field("language", t("language"), { options: languages(currentLanguage()) }, { kind: "third" }),
    ),
    h("h2", {}, t("address"), h("em", { class: "soft small" }, ` (${t("optional")})`)),
    addressFields(null, "new"),
    h("button", { class: "button primary" }, t("customer.make")),
  );
  // An address is optional as a whole: its fields are needed once its first line is there.
  const needed = ["name", "line1", "city", "postal_code"].map((name) => element.elements.namedItem(name));
  const relax = () => {
    for (const each of needed) each.required = Boolean(element.elements.namedItem("line1").value);
  };
  relax();
  element.addEventListener("input", () => {
    relax();
    const name = element.elements.namedItem("name");
    if (!name.dataset.touched)
      name.value = ["given_name", "family_name"]
        .map((part) => element.elements.namedItem(part).value.trim())
        .filter(Boolean)
        .join(" ");
  });
  element.elements.namedItem("name").addEventListener("input", ({ target }) => {
    target.dataset.touched = "1";
  });
  fill(main, element);
  element.querySelector("input").focus();
}

const languages = (chosen) =>
  ["en", "de"].map((code) => h("option", { value: code, selected: code === chosen }, t(`language.${code}`)));

/** The record, the orders, and what can be done. */
export async function customerPage(main, id) {
  fill(main, h("p", { class: "soft" }, t("loading")));
  const [seen, placed] = await Promise.all([
    api.customer(id, t("reason.order")),
    api.orders({ customer_id: id, limit: 10 }).catch((error) => error),
  ]);
  drawRecord(main, seen, placed);
}

function drawRecord(main, seen, placed) {
  const who = seen.customer;
  const again = (changed) => drawRecord(main, changed, placed);
  fill(
    main,
    h(
      "div",
      { class: "row spread head" },
      h(
        "div",
        {},
        h("h1", { id: "name" }, who.name),
        h(
          "p",
          { class: "row" },
          h("span", { class: `badge ${who.state === "enabled" ? "good" : "warn"}` }, t(`state.${who.state}`)),
          who.account ? h("span", { class: "badge" }, who.account) : null,
          who.groups.map((group) => h("span", { class: "badge" }, group)),
          h("span", { class: "soft small mono" }, who.id),
        ),
      ),
      h(
        "button",
        {
          class: "button primary",
          id: "order-for",
          disabled: !["enabled", "pending"].includes(who.state),
          on: { click: () => beginFor(who) },
        },
        t("begin.for"),
      ),
    ),
    h(
      "div",
      { class: "two" },
      h("div", { class: "stack" }, detailsForm(seen, again), addressBook(seen, again)),
      h("div", { class: "stack" }, orderList(placed), decides() ? stateForm(seen, again) : null),
    ),
  );
}

function detailsForm(seen, again) {
  const who = seen.customer;
  const element = form(
    { class: "panel stack", id: "details" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const body = {
        given_name: value("given_name"),
        family_name: value("family_name"),
        phone: value("phone") ? digits(value("phone")) : null,
        language: value("language"),
      };
      try {
        again(await api.editCustomer(who.id, body, who.version));
        toast(t("saved.done"));
      } catch (error) {
        tell(element, error);
      }
    },
    h("h2", {}, t("details")),
    h("p", {}, who.email),
    h(
      "div",
      { class: "fields" },
      field("given_name", t("field.given_name"), { value: who.given_name, maxlength: "60" }, { kind: "half" }),
      field("family_name", t("field.family_name"), { value: who.family_name, maxlength: "60" }, { kind: "half" }),
      field("phone", t("field.phone"), { type: "tel", value: who.phone, required: false }, { kind: "half" }),
      field("language", t("language"), { options: languages(who.language) }, { kind: "half" }),
    ),
    h("button", { class: "button primary small" }, t("save")),
  );
  return element;
}

function addressBook(seen, again) {
  const box = h("div");
  const who = seen.customer;
  const add = () => {
    const key = newKey();
    const element = form(
      { class: "stack" },
      async () => {
        const body = {
          label: element.elements.namedItem("label").value.trim(),
          address: addressOf(element),
          default_shipping: !who.addresses.length,
        };
        try {
          again(await api.addAddress(who.id, body, key));
        } catch (error) {
          tell(element, error, "/address");
        }
      },
      field("label", t("field.label"), { maxlength: "40", value: t("home") }),
      addressFields({ name: who.name }, "book"),
      h("button", { class: "button primary small" }, t("save")),
    );
    fill(box, element);
    element.querySelector("input").focus();
  };
  return h(
    "section",
    { class: "panel stack" },
    h("h2", {}, t("addresses")),
    h(
      "ul",
      { class: "stack" },
      who.addresses.map((each) =>
        h("li", {}, h("strong", {}, each.label), addressBlock(each.address)),
      ),
    ),
    box,
    h("button", { class: "button small", id: "add-address", on: { click: add } }, t("addresses.add")),
  );
}

const orderList = (placed) =>
  h(
    "section",
    { class: "panel stack" },
    h("h2", {}, t("orders")),
    placed instanceof Error
      ? notice(placed)
      : placed.orders.length
        ? h(
            "ul",
            { class: "rows" },
            placed.orders.map((each) =>
              h(
                "li",
                {},
                h(
                  "a",
                  { href: `#/order/${each.id}` },
                  h("strong", {}, each.tracking_number || each.id),
                  h("span", { class: "soft" }, each.placed_at ? moment(each.placed_at) : ""),
                  h("span", { class: "badge" }, t(`status.${each.status}`)),
                  h("span", { class: "numbers" }, money(each.total)),
                ),
              ),
            ),
          )
        : h("p", { class: "soft" }, t("orders.none")),
  );

function stateForm(seen, again) {
  const who = seen.customer;
  const element = form(
    { class: "panel stack", id: "state" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      try {
        again(await api.setState(who.id, { state: value("state"), reason: value("reason") }, who.version));
      } catch (error) {
        tell(element, error);
      }
    },
    h("h2", {}, t("state")),
    field("state", t("state"), {
      options: ["enabled", "locked", "disabled"].map((state) =>
        h("option", { value: state, selected: state === who.state }, t(`state.${state}`)),
      ),
    }),
    field("reason", t("field.reason"), { maxlength: "200" }),
    h("button", { class: "button small primary" }, t("save")),
  );
  return element;
}
