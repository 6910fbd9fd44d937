// The checkout's second step: how the goods get to the customer.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { dividedStep } from "./divide.js";
import { addressFields, addressOf, field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import { option, optionsFor } from "./options.js";
import { notice, tell, unmark } from "/common/trouble.js";

const COUNTRY = "US"; // whose stores are offered
const FORMS = { delivery: addressForm, pickup: pickupForm, several: dividedStep };

/** The step: by a carrier to an address, at a store, or to several places. */
export function deliveryStep(view) {
  const { deliveries } = cart.current();
  const body = h("div", { class: "stack" });
  const show = (method) => fill(body, FORMS[method](view));
  const single = deliveries[0].method === "pickup" ? "pickup" : "delivery";
  const method = deliveries.length > 1 ? "several" : single;
  const choice = (value, label) =>
    h(
      "label",
      { class: "segment" },
      h("input", {
        type: "radio",
        name: "method",
        value,
        checked: value === method,
        on: { change: () => show(value) },
      }),
      h("span", {}, label),
    );
  show(method);
  return h(
    "div",
    { class: "stack" },
    h(
      "fieldset",
      { class: "segments" },
      h("legend", { class: "out-of-sight" }, t("step.delivery")),
      choice("delivery", t("deliver")),
      choice("pickup", t("collect")),
      cart.count() > 1 ? choice("several", t("divide")) : null,
    ),
    body,
  );
}

function addressForm(view) {
  const delivery = cart.current().deliveries[0];
  const saved = view.own?.addresses ?? [];
  const contact = cart.current().contact;
  const start = delivery.address ??
    saved.find((each) => each.default_shipping)?.address ?? {
      name: contact?.name ?? "",
      country: "US",
    };
  const place = h("div", {}, addressFields(start, "shipping"));
  const options = h("div", { class: "options-box" });
  const load = () =>
    offer(options, placeOf(place), "delivery", delivery.service);
  const element = form(
    { class: "stack" },
    async () => {
      unmark(element);
      const service = new FormData(element).get("service");
      if (!service) {
        tell(element, t("delivery.pick"));
        return;
      }
      const instructions = element.elements.namedItem("instructions").value.trim();
      await choose(view, element, { service, address: addressOf(element), instructions });
    },
    saved.length ? savedAddresses(saved, place, load) : null,
    place,
    field("instructions", t("field.instructions"), {
      value: delivery.instructions,
      required: false,
      maxlength: "250",
    }),
    options,
    h("button", { class: "button primary" }, t("continue")),
  );
  place.addEventListener("change", ({ target }) => WHERE.includes(target.name) && load());
  load();
  return element;
}

const WHERE = ["country", "postal_code"]; // what the offers depend on

const placeOf = (place) =>
  Object.fromEntries(WHERE.map((name) => [name, place.querySelector(`[name=${name}]`).value.trim()]));

function savedAddresses(saved, place, load) {
  const select = h(
    "select",
    {
      on: {
        change: () => {
          const found = saved.find((each) => each.id === select.value);
          fill(place, addressFields(found?.address ?? null, "shipping"));
          load();
        },
      },
    },
    h("option", { value: "" }, t("saved.new")),
    saved.map((each) =>
      h("option", { value: each.id }, `${each.label}: ${each.address.line1}, ${each.address.city}`),
    ),
  );
  return h("label", { class: "field" }, h("span", {}, t("saved")), select);
}

function pickupForm(view) {
  const delivery = cart.current().deliveries[0];
  const options = h("div", { class: "options-box" });
  const postal = () => element.elements.namedItem("near").value.trim();
  const load = () => {
    const where = { country: COUNTRY, postal_code: postal() };
    return offer(options, where, "pickup", `${delivery.service}@${delivery.store}`);
  };
  const element = form(
    { class: "stack" },
    async () => {
      const picked = new FormData(element).get("service");
      if (!picked) {
        tell(element, t("delivery.pick"));
        return;
      }
      const [service, store] = picked.split("@");
      await choose(view, element, { service, store, instructions: "" });
    },
    h(
      "div",
      { class: "row near" },
      field(
        "near",
        t("delivery.near"),
        {
          autocomplete: "postal-code",
          maxlength: "16",
          required: false,
          on: {
            keydown: (event) => {
              if (event.key !== "Enter") return;
              event.preventDefault(); // it asks for the stores, the step goes on by its button
              load();
            },
          },
        },
        { kind: "third" },
      ),
      h("button", { type: "button", class: "button small", on: { click: load } }, t("delivery.find")),
    ),
    options,
    h("button", { class: "button primary" }, t("continue")),
  );
  load();
  return element;
}

async function offer(box, where, method, chosen) {
  fill(box, h("p", { class: "soft" }, t("loading")));
  try {
    const found = (await optionsFor(where)).filter((each) => each.method === method);
    const legend = t(method === "pickup" ? "delivery.where" : "delivery.how");
    fill(
      box,
      found.length
        ? h(
            "fieldset",
            {},
            h("legend", {}, legend),
            h(
              "ul",
              { class: "choices" },
              found.map((each) => option(each, { chosen })),
            ),
          )
        : h("p", { class: "notice warn" }, t("delivery.none")),
    );
  } catch (error) {
    fill(box, notice(error));
  }
}

async function choose(view, element, delivery) {
  try {
    await cart.change((held) => api.deliver(held, delivery));
    await view.next("delivery");
  } catch (error) {
    tell(element, error, "/address");
  }
}
