// Who the order is for, whom the shop writes to, and where the bill goes.

import { h } from "/common/dom.js";
import { addressFields, addressLines, addressOf, field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import { tell } from "/common/trouble.js";
import * as api from "./api.js";
import { companySection } from "./company.js";

/** The section's content. */
export function buyerSection(view) {
  const { order, own } = view;
  const head = h(
    "div",
    { class: "row spread" },
    h("h2", { id: "h-buyer" }, own ? own.name : t("guest")),
    own ? h("a", { href: `#/customer/${own.id}`, class: "small" }, t("record")) : null,
  );
  const whole = order.contact && order.billing_address;
  const company = own?.account ? companySection(view) : null;
  if (!whole || view.editing === "buyer") return [head, company, buyerForm(view)];
  return [
    head,
    company,
    h(
      "p",
      { class: "row spread" },
      h(
        "span",
        {},
        [order.contact.name, order.contact.email, order.contact.phone].filter(Boolean).join(" · "),
        h("br"),
        h("span", { class: "soft small" }, `${t("billing")}: ${addressLines(order.billing_address).join(", ")}`),
      ),
      h("button", { class: "link small", on: { click: () => edit(view, true) } }, t("change")),
    ),
  ];
}

function edit(view, on) {
  view.editing = on ? "buyer" : "";
  delete view.buyer.dataset.shown;
  view.redraw();
}

function buyerForm(view) {
  const { order, own } = view;
  const delivered = () => view.order.deliveries.find((each) => each.address)?.address;
  const saved = own?.addresses.find((each) => each.default_billing)?.address ?? null;
  const billing = order.billing_address ?? saved ?? delivered();
  const same = h("input", { type: "checkbox", name: "same", checked: !order.billing_address && !saved });
  const box = h("div", { hidden: same.checked }, addressFields(billing, "billing"));
  const require = () => {
    box.hidden = same.checked;
    for (const each of box.querySelectorAll("input, select")) each.disabled = same.checked;
  };
  same.addEventListener("change", require);
  require();
  const element = form(
    { class: "stack", id: "buyer" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const contact = { name: value("contact-name"), email: value("email") };
      if (value("phone")) contact.phone = value("phone").replace(/[\s()/.-]/g, "");
      // In its turn: the delivery may be on its way to the API still.
      const body = () => {
        const billing = same.checked ? delivered() : addressOf(element);
        return billing ? { contact, billing_address: billing } : { contact };
      };
      try {
        view.editing = "";
        await view.change((held) => api.describe(held, body()), element);
      } catch (error) {
        view.editing = "buyer";
        tell(element, error, error.problem?.pointer?.startsWith("/contact") ? "/contact" : "/billing_address");
      }
    },
    h(
      "div",
      { class: "fields" },
      field("contact-name", t("field.name"), { value: order.contact?.name ?? own?.name ?? "", maxlength: "100" }, { kind: "half" }),
      field("email", t("field.email"), { type: "email", value: order.contact?.email ?? own?.email ?? "" }, { kind: "half" }),
      field("phone", t("phone"), { type: "tel", required: false, placeholder: "+1 513 555 0100", value: order.contact?.phone ?? own?.phone ?? "" }, { kind: "half" }),
    ),
    h("label", { class: "check" }, same, t("billing.same")),
    box,
    h("button", { class: "button small primary" }, t("save")),
  );
  return element;
}
