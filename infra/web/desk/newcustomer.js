// Making a customer: they are mailed a way to set a password of their own.

import { fill, h, toast } from "/common/dom.js";
import { newKey } from "/common/http.js";
import { addressFields, addressOf, field, form } from "/common/forms.js";
import { currentLanguage, t } from "/common/i18n.js";
import { tell } from "/common/trouble.js";
import * as api from "./api.js";
import { dialled, languageOptions } from "./details.js";

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
      if (value("phone")) body.phone = dialled(value("phone"));
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
        t("phone"),
        { type: "tel", required: false, value: query.get("phone") ?? "", placeholder: "+1 513 555 0100" },
        { kind: "third" },
      ),
      field("language", t("language"), { options: languageOptions(["en", "de"], currentLanguage()) }, { kind: "third" }),
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
