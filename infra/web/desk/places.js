// Where the goods go: to one place or several, by a carrier or to be collected.

import { fill, h } from "/common/dom.js";
import { addressFields, addressLines, addressOf, field, form } from "/common/forms.js";
import { days, kilometres, moment, money, named, t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";

const WHERE = ["country", "postal_code"]; // what the offers depend on
const STORES_IN = "US"; // where a postal code alone is looked for
const NEW = -1;

/** The section's content. */
export function placesSection(view) {
  const { order } = view;
  const open = view.place ?? (order.deliveries[0].service ? null : 0);
  const units = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  return [
    h("h2", { id: "h-places" }, t("step.delivery")),
    h(
      "ol",
      { class: "stack" },
      order.deliveries.map((each, index) =>
        h("li", {}, open === index ? placeForm(view, index) : placeRow(view, each, index)),
      ),
      open === NEW ? h("li", {}, placeForm(view, NEW)) : null,
    ),
    open === null && units > 1
      ? h("button", { class: "button small", id: "another-place", on: { click: () => edit(view, NEW) } }, t("place.another"))
      : null,
  ];
}

function edit(view, index) {
  view.place = index;
  delete view.places.dataset.shown;
  view.redraw();
  view.places.querySelector("form input, form select")?.focus();
}

function placeRow(view, delivery, index) {
  const several = view.order.deliveries.length > 1;
  const names = Object.fromEntries(view.order.lines.map((line) => [line.sku, line.name]));
  const units = delivery.lines.map(({ sku, quantity }) => `${quantity} × ${names[sku] ?? sku}`);
  return h(
    "div",
    { class: "row spread place" },
    h(
      "span",
      { class: "grow" },
      h("strong", {}, several ? t("nth.delivery", { number: index + 1 }) : t(delivery.store ? "collect" : "deliver")),
      " ",
      delivery.address ? addressLines(delivery.address).join(", ") : delivery.store,
      h(
        "small",
        { class: "soft line-of" },
        [
          delivery.service,
          delivery.charge ? money(delivery.charge) : "",
          several ? units.join(", ") : "",
          delivery.instructions,
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    h("button", { class: "link small", on: { click: () => edit(view, index) } }, t("change")),
    several
      ? h("button", { class: "link small", on: { click: () => without(view, index) } }, t("remove"))
      : null,
  );
}

/** A delivery as the API takes it. */
const asked = (delivery) => ({
  service: delivery.service,
  ...(delivery.store ? { store: delivery.store } : { address: delivery.address }),
  instructions: delivery.instructions,
});

const lines = (counts) =>
  Object.entries(counts)
    .filter(([, quantity]) => quantity > 0)
    .map(([sku, quantity]) => ({ sku, quantity }));

const counts = (delivery) =>
  Object.fromEntries(delivery.lines.map(({ sku, quantity }) => [sku, quantity]));

/** The units of a delivery that is no more go with the first of the others. */
function without(view, index) {
  const left = view.order.deliveries.filter((_, at) => at !== index);
  const freed = counts(view.order.deliveries[index]);
  if (left.length === 1) return view.change((held) => api.deliver(held, asked(left[0])));
  const all = left.map((each, at) => {
    const own = counts(each);
    if (at === 0) for (const [sku, count] of Object.entries(freed)) own[sku] = (own[sku] ?? 0) + count;
    return { ...asked(each), lines: lines(own) };
  });
  return view.change((held) => api.divide(held, all));
}

/** The request that sends `moved` units to `place`, as delivery `index` or as a new one. */
function divided(order, index, place, moved) {
  const others = order.deliveries.map((each) => ({ each, own: counts(each) }));
  const now = index === NEW ? {} : others[index].own;
  for (const { sku, quantity } of order.lines) {
    let change = (moved[sku] ?? 0) - (now[sku] ?? 0);
    for (const [at, { own }] of others.entries()) {
      if (at === index || !change) continue;
      // Units are taken from, or left with, the first other delivery that can.
      const part = change > 0 ? Math.min(change, own[sku] ?? 0) : change;
      own[sku] = (own[sku] ?? 0) - part;
      change -= part;
    }
    moved[sku] = Math.min(moved[sku] ?? 0, quantity);
  }
  const all = others
    .map(({ each, own }, at) => (at === index ? { ...place, lines: lines(moved) } : { ...asked(each), lines: lines(own) }))
    .concat(index === NEW ? [{ ...place, lines: lines(moved) }] : []);
  return all.filter((each) => each.lines.length);
}

function placeForm(view, index) {
  const { order, own } = view;
  const delivery = index === NEW ? { address: null, store: "", service: "", instructions: "", lines: [] } : order.deliveries[index];
  const several = index === NEW || order.deliveries.length > 1;
  const place = h("div");
  let offered = null; // what goes there, being asked for
  const offers = h("div", { class: "offers-box" });
  const ways = h("select", { name: "way", "aria-label": t("step.delivery") },
    h("option", { value: "delivery", selected: !delivery.store }, t("deliver")),
    h("option", { value: "pickup", selected: Boolean(delivery.store) }, t("collect")),
  );
  const element = form(
    { class: "stack", id: "place" },
    async () => {
      const value = (name) => element.elements.namedItem(name)?.value.trim() ?? "";
      await offered; // the first of what is on its way is chosen unless another one is
      if (!new FormData(element).get("service")) await load(); // the last look may have failed
      const picked = new FormData(element).get("service");
      if (!picked) {
        tell(element, t("delivery.pick"));
        return;
      }
      const [service, store] = picked.split("@");
      const wanted = { service, instructions: value("instructions") };
      if (store) wanted.store = store;
      else wanted.address = addressOf(element);
      const moved = Object.fromEntries(
        order.lines.map(({ sku }) => [sku, Number(value(`units-${sku}`) || 0)]),
      );
      try {
        view.place = undefined;
        await view.change(
          (held) =>
            several
              ? api.divide(held, divided(order, index, wanted, moved))
              : api.deliver(held, wanted),
          element,
        );
      } catch (error) {
        view.place = index;
        tell(element, error, "/address");
      }
    },
    h("div", { class: "row" }, ways, saved(own, (address) => show(address))),
    place,
    several ? unitFields(order, delivery) : null,
    offers,
    field("instructions", t("field.instructions"), {
      value: delivery.instructions,
      required: false,
      maxlength: "250",
    }),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button small primary" }, t("save")),
      index === NEW || delivery.service
        ? h("button", { type: "button", class: "button small", on: { click: () => edit(view, null) } }, t("close"))
        : null,
    ),
  );

  const load = () => (offered = offer(view, element, offers, ways.value, delivery));
  const show = (address) => {
    fill(
      place,
      ways.value === "delivery"
        ? addressFields(address, "place")
        : field("postal_code", t("field.postal_code"), { required: false, maxlength: "16" }, { kind: "third" }),
    );
    load();
  };
  ways.addEventListener("change", () => show(delivery.address));
  place.addEventListener("change", ({ target }) => WHERE.includes(target.name) && load());
  const first = own?.addresses.find((each) => each.default_shipping)?.address;
  show(delivery.address ?? (index === NEW ? null : first) ?? { name: order.contact?.name ?? own?.name ?? "", country: "US" });
  return element;
}

function saved(own, choose) {
  if (!own?.addresses.length) return null;
  const select = h(
    "select",
    {
      "aria-label": t("saved"),
      on: {
        change: () => choose(own.addresses.find((each) => each.id === select.value)?.address ?? null),
      },
    },
    h("option", { value: "" }, t("saved")),
    own.addresses.map((each) => h("option", { value: each.id }, `${each.label}: ${each.address.line1}`)),
  );
  return select;
}

const unitFields = (order, delivery) =>
  h(
    "fieldset",
    { class: "units-of" },
    h("legend", {}, t("place.units")),
    order.lines.map((line) =>
      h(
        "label",
        { class: "row" },
        h("input", {
          class: "input units numbers",
          type: "number",
          name: `units-${line.sku}`,
          min: "0",
          max: String(line.quantity),
          value: String(counts(delivery)[line.sku] ?? 0),
        }),
        h("span", {}, `${t("of", { count: line.quantity })} ${line.name}`),
      ),
    ),
  );

async function offer(view, element, box, way, delivery) {
  const value = (name) => element.elements.namedItem(name)?.value.trim() ?? "";
  const where = { country: value("country") || STORES_IN, postal_code: value("postal_code") };
  fill(box, h("p", { class: "soft small" }, t("loading")));
  try {
    const found = (await api.deliveryOptions(view.held, where)).options.filter((each) => each.method === way);
    const chosen = delivery.store ? `${delivery.service}@${delivery.store}` : delivery.service;
    fill(
      box,
      found.length
        ? h("ul", { class: "choices" }, found.slice(0, 8).map((each, at) => option(each, chosen, at)))
        : h("p", { class: "notice warn" }, t("delivery.none")),
    );
  } catch (error) {
    fill(box, notice(error));
    if (error.code === "grant-over") view.failed(error);
  }
}

function option(each, chosen, at) {
  const value = each.store ? `${each.service}@${each.store}` : each.service;
  const text = each.store
    ? [
        `${each.store_address.line1}, ${each.store_address.city}`,
        each.distance_km === null ? "" : kilometres(each.distance_km),
        each.ready_by ? moment(each.ready_by, each.time_zone) : days(each.from_date, each.to_date),
      ]
    : [each.carrier, days(each.from_date, each.to_date)];
  return h(
    "li",
    {},
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name: "service", value, checked: chosen ? value === chosen : at === 0 }),
      h(
        "span",
        { class: "grow" },
        h("strong", {}, each.store ? each.store_name : named(each.name)),
        h("span", { class: "soft small" }, text.filter(Boolean).join(" · ")),
      ),
      h("span", { class: "numbers" }, each.price.minor ? money(each.price) : t("shipping.free")),
    ),
  );
}
