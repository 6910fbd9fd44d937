// Fields, and the address form.

import { h } from "/common/dom.js";
import { currentLanguage, t } from "./i18n.js";

const COUNTRIES = ["US", "CA", "MX", "GB", "DE", "AT", "CH", "FR"];

/** A labelled input. `props` are the input's. */
export function field(name, label, props = {}, { kind = "", hint = "" } = {}) {
  const required = props.required ?? true;
  const note = hint || (required ? "" : t("optional"));
  return h(
    "label",
    { class: `field ${kind}` },
    h("span", {}, label, note ? h("em", {}, ` (${note})`) : null),
    props.options
      ? h(
          "select",
          {
            name,
            id: props.id,
            autocomplete: props.autocomplete,
            disabled: props.disabled,
            value: props.value,
            on: props.on,
          },
          props.options,
        )
      : h(props.rows ? "textarea" : "input", { ...(props.rows ? {} : { type: "text" }), ...props, name, required }),
  );
}

/**
 * The fields of a postal address; `section` keeps two addresses on one page apart, `prefix` their
 * names in one form.
 */
export function addressFields(address, section, prefix = "") {
  const one = (name, autocomplete, kind, required, most) =>
    field(
      prefix + name,
      t(`field.${name}`),
      {
        value: address?.[name] ?? "",
        autocomplete: `section-${section} ${autocomplete}`,
        required,
        maxlength: most,
        id: `${section}-${name}`,
      },
      { kind },
    );
  const country = field(
    `${prefix}country`,
    t("field.country"),
    {
      autocomplete: `section-${section} country`,
      id: `${section}-country`,
      options: COUNTRIES.map((code) =>
        h(
          "option",
          { value: code, selected: code === (address?.country || "US") },
          countryName(code),
        ),
      ),
    },
    { kind: "half" },
  );
  return h(
    "div",
    { class: "fields" },
    one("name", "name", "half", true, 100),
    one("company", "organization", "half", false, 100),
    one("line1", "address-line1", "", true, 120),
    one("line2", "address-line2", "half", false, 120),
    one("city", "address-level2", "half", true, 80),
    one("region", "address-level1", "third", false, 40),
    one("postal_code", "postal-code", "third", true, 16),
    country,
  );
}

function countryName(code) {
  return new Intl.DisplayNames([currentLanguage()], { type: "region" }).of(code);
}

/** What was entered in the address fields of a form, those named with `prefix`. */
export function addressOf(form, prefix = "") {
  const address = {};
  for (const name of [
    "name",
    "company",
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "country",
  ]) {
    address[name] = form.elements.namedItem(prefix + name).value.trim();
  }
  return address;
}

/** An address as people write it, a line per line. */
export function addressLines(address) {
  const town = [address.city, [address.region, address.postal_code].filter(Boolean).join(" ")]
    .filter(Boolean)
    .join(", ");
  return [
    address.name,
    address.company,
    address.line1,
    address.line2,
    town,
    countryName(address.country),
  ].filter(Boolean);
}

/** The same as a block. */
export function addressBlock(address) {
  return h(
    "address",
    {},
    addressLines(address).flatMap((line, index) => (index ? [h("br"), line] : [line])),
  );
}

/** A form that runs `send` once at a time, its button disabled meanwhile. */
export function form(props, send, ...children) {
  let busy = false;
  const element = h(
    "form",
    {
      ...props,
      on: {
        submit: async (event) => {
          event.preventDefault();
          if (busy) return;
          busy = true;
          const buttons = element.querySelectorAll("button.primary");
          for (const button of buttons) button.disabled = true;
          try {
            await send(element);
          } finally {
            busy = false;
            for (const button of buttons) button.disabled = false;
          }
        },
      },
    },
    children,
  );
  return element;
}
