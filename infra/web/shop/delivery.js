// The checkout's second step: how the goods get to the customer.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { addressFields, addressLines, addressOf, field, form } from "./forms.js";
import { days, money, named, t } from "./i18n.js";
import { recall, remember } from "./state.js";
import { notice, tell, unmark } from "./trouble.js";

/** How and where, in one line; "" while nothing is chosen. */
export function deliveryText(delivery) {
  if (!delivery.service) return "";
  const name = recall("service-names", {})[delivery.service + delivery.store];
  const where = delivery.address ? addressLines(delivery.address).slice(0, 4).join(", ") : "";
  return [name ? named(name) : delivery.service, where].filter(Boolean).join(" · ");
}

/** The step: by a carrier to an address, or at a store. */
export function deliveryStep(view) {
  const delivery = cart.current().deliveries[0];
  const body = h("div", { class: "stack" });
  const show = (method) => fill(body, method === "pickup" ? pickupForm(view) : addressForm(view));
  const method = delivery.method === "pickup" ? "pickup" : "delivery";
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
    offer(options, place.querySelector("[name=country]").value, "delivery", delivery.service);
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
  place.addEventListener("change", (event) => event.target.name === "country" && load());
  load();
  return element;
}

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
    options,
    h("button", { class: "button primary" }, t("continue")),
  );
  offer(options, "US", "pickup", `${delivery.service}@${delivery.store}`);
  return element;
}

async function offer(box, country, method, chosen) {
  fill(box, h("p", { class: "soft" }, t("loading")));
  try {
    const found = (await api.deliveryOptions(cart.reference(), country)).options.filter(
      (option) => option.method === method,
    );
    const names = recall("service-names", {});
    for (const each of found)
      names[each.service + each.store] = each.store ? { en: each.store_name } : each.name;
    remember("service-names", names);
    const short = method === "pickup" ? await shortAt(found.map((each) => each.store)) : new Set();
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
              found.map((each) => choice(each, chosen, short.has(each.store))),
            ),
          )
        : h("p", { class: "notice warn" }, t("delivery.none")),
    );
  } catch (error) {
    fill(box, notice(error));
  }
}

/** The stores among `stores` that do not have everything at present. */
async function shortAt(stores) {
  const lines = cart.current().lines;
  const products = await Promise.all(lines.map((line) => api.product(line.sku, { fresh: true })));
  return new Set(
    stores.filter((store) =>
      lines.some(
        (line, index) => (products[index].availability.pickup[store] ?? 0) < line.quantity,
      ),
    ),
  );
}

function choice(option, chosen, short) {
  const value = option.store ? `${option.service}@${option.store}` : option.service;
  const at = option.store_address;
  const when = option.store
    ? t("delivery.ready", { days: days(option.from_date, option.to_date) })
    : days(option.from_date, option.to_date);
  return h(
    "li",
    {},
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "radio",
        name: "service",
        value,
        checked: value === chosen && !short,
        disabled: short,
      }),
      h(
        "span",
        { class: "grow" },
        h("strong", {}, option.store ? option.store_name : named(option.name)),
        h(
          "span",
          { class: "soft small" },
          option.store ? `${at.line1}, ${at.city}` : option.carrier,
          " · ",
          short ? t("delivery.short") : when,
        ),
      ),
      h(
        "span",
        { class: "numbers" },
        option.price.minor ? money(option.price) : t("shipping.free"),
      ),
    ),
  );
}

async function choose(view, element, delivery) {
  try {
    await cart.change((held) => api.deliver(held, delivery));
    await view.next("delivery");
  } catch (error) {
    tell(element, error, "/address");
  }
}
