// The checkout's second step for a cart that goes to several places: what goes where, then how.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { addressFields, addressOf, field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import { option, optionsFor, placeText } from "./options.js";
import { notice, tell, unmark } from "/common/trouble.js";

const COUNTRY = "US"; // whose stores are offered

/** First what goes where; when that is known, how each delivery shall come. */
export function dividedStep(view) {
  const box = h("div", { class: "stack" }, h("p", { class: "soft" }, t("loading")));
  optionsFor({ country: COUNTRY }).then(
    (found) => fill(box, whereForm(view, box, found.filter((each) => each.store))),
    (error) => fill(box, notice(error)),
  );
  return box;
}

// --- what goes where ---

function whereForm(view, box, stores) {
  const seen = cart.current();
  const parts = [];
  const list = h("ol", { class: "stack" });
  const more = h(
    "button",
    {
      type: "button",
      class: "button small",
      id: "another-place",
      on: { click: () => append(null).focus() },
    },
    t("divide.add"),
  );
  const element = form(
    { class: "stack", id: "divide" },
    async () => {
      unmark(element);
      const empty = parts.findIndex((part) => !part.total());
      if (empty >= 0) {
        tell(element, t("divide.empty", { number: empty + 1 }));
        return;
      }
      try {
        const wanted = await Promise.all(parts.map((part) => part.read(element)));
        await cart.change((held) => api.divide(held, wanted));
        fill(box, await howForm(view, wanted));
        box.querySelector("input, button").focus();
      } catch (error) {
        tell(element, error, "/deliveries", cart.names());
      }
    },
    h("p", { class: "soft small" }, t("divide.text")),
    list,
    h("p", {}, more),
    h("button", { class: "button primary" }, t("continue")),
  );

  function append(delivery) {
    const part = partOf(parts, delivery, stores, () => remove(part));
    parts.push(part);
    list.append(part.element);
    recount();
    return part.element.querySelector("input");
  }

  function remove(part) {
    parts.splice(parts.indexOf(part), 1);
    part.element.remove();
    recount();
    more.focus();
  }

  /** The first delivery has what the others leave. */
  function recount() {
    const others = parts.slice(1);
    for (const line of seen.lines) {
      let left = line.quantity;
      for (const part of others) left -= part.take(line.sku, left);
      parts[0].take(line.sku, left);
    }
    parts.forEach((part, index) => part.number(index + 1, parts.length));
  }

  list.addEventListener("change", (event) => event.target.dataset.sku && recount());
  const [first, ...rest] = seen.deliveries;
  append(first);
  for (const delivery of rest.length ? rest : [null]) append(delivery);
  return element;
}

let made = 0; // parts so far: their fields need names of their own, whatever their place is

/** One of the deliveries: where it goes and its units. The first one's are not to be entered. */
function partOf(parts, delivery, stores, remove) {
  const name = `d${(made += 1)}`;
  const isFirst = !parts.length;
  const units = new Map();
  const where = h("div", { class: "stack" });
  let method = delivery?.method === "pickup" ? "pickup" : "delivery";
  const show = () =>
    fill(
      where,
      method === "pickup"
        ? storeField(name, delivery?.store, stores)
        : addressFields(startOf(delivery), name, `${name}/address/`),
    );
  const legend = h("legend", {});
  const drop = h("button", { type: "button", class: "link small", on: { click: remove } });
  const element = h(
    "li",
    {},
    h(
      "fieldset",
      { class: "part stack", "data-part": name },
      legend,
      h(
        "div",
        { class: "segments" },
        [
          ["delivery", t("deliver")],
          ["pickup", t("collect")],
        ].map(([value, label]) =>
          h(
            "label",
            { class: "segment" },
            h("input", {
              type: "radio",
              name: `${name}/method`,
              value,
              checked: value === method,
              on: {
                change: () => {
                  method = value;
                  show();
                },
              },
            }),
            h("span", {}, label),
          ),
        ),
      ),
      where,
      h(
        "ul",
        { class: "part-lines" },
        cart.current().lines.map((line) => {
          const start = delivery?.lines.find((each) => each.sku === line.sku)?.quantity ?? 0;
          const count = isFirst
            ? h("output", { class: "numbers", "data-sku": line.sku })
            : h("input", {
                type: "number",
                inputmode: "numeric",
                min: "0",
                max: String(line.quantity),
                value: String(start),
                name: `${name}/units/${line.sku}`,
                "data-sku": line.sku,
                "aria-label": t("quantity", { name: line.name }),
              });
          units.set(line.sku, count);
          return h("li", {}, count, h("span", {}, line.name));
        }),
      ),
      isFirst ? h("p", { class: "soft small" }, t("divide.rest")) : drop,
    ),
  );
  const counted = (sku) => Math.max(0, Math.trunc(Number(units.get(sku).value)) || 0);
  show();
  return {
    element,
    number(number, count) {
      legend.textContent = t("nth.delivery", { number });
      drop.textContent = t("divide.remove");
      drop.setAttribute("aria-label", t("divide.remove.of", { number }));
      drop.hidden = count < 3;
    },
    /** Have at most `left` units of a SKU (the first one: exactly those); how many it has then. */
    take(sku, left) {
      const wanted = isFirst ? left : Math.min(counted(sku), left);
      units.get(sku).value = String(wanted);
      return wanted;
    },
    total: () => [...units.keys()].reduce((all, sku) => all + counted(sku), 0),
    async read(element) {
      const lines = [...units.keys()]
        .map((sku) => ({ sku, quantity: counted(sku) }))
        .filter(({ quantity }) => quantity);
      const kept = { instructions: delivery?.instructions ?? "", lines };
      if (method === "pickup") {
        const [service, store] = element.elements.namedItem(`${name}/store`).value.split("@");
        return { service, store, ...kept };
      }
      const address = addressOf(element, `${name}/address/`);
      return { service: await serviceFor(delivery, address), address, ...kept };
    },
  };
}

const startOf = (delivery) =>
  delivery?.address ?? { name: cart.current().contact?.name ?? "", country: COUNTRY };

function storeField(name, chosen, stores) {
  const options = stores.map((each) =>
    h(
      "option",
      { value: `${each.service}@${each.store}`, selected: each.store === chosen },
      `${each.store_name}, ${each.store_address.city}`,
    ),
  );
  return field(`${name}/store`, t("delivery.where"), { options });
}

/** The service it had, if that goes there, or the cheapest; which one it shall be comes next. */
async function serviceFor(delivery, { country, postal_code: postal }) {
  const found = (await optionsFor({ country, postal_code: postal })).filter((each) => !each.store);
  const same = found.find((each) => each.service === delivery?.service);
  return (same ?? found[0])?.service ?? delivery?.service ?? "none";
}

// --- how each comes ---

async function howForm(view, wanted) {
  const deliveries = cart.current().deliveries;
  const offered = await Promise.all(
    deliveries.map(async ({ group, address, store }) => {
      const where = { country: address?.country ?? COUNTRY, postal_code: address?.postal_code };
      const found = await optionsFor({ ...where, group });
      return found.filter((each) => each.store === store);
    }),
  );
  const element = form(
    { class: "stack", id: "divided" },
    async () => {
      unmark(element);
      const entered = new FormData(element);
      const chosen = wanted.map((each, index) => ({
        ...each,
        service: entered.get(`service-${index}`) ?? each.service,
        instructions: entered.get(`instructions-${index}`)?.trim() ?? "",
      }));
      try {
        await cart.change((held) => api.divide(held, chosen));
        await view.next("delivery");
      } catch (error) {
        tell(element, error, "/deliveries", cart.names());
      }
    },
    deliveries.map((delivery, index) =>
      h(
        "fieldset",
        { class: "part stack" },
        h("legend", {}, t("nth.delivery", { number: index + 1 })),
        h("p", {}, placeText(delivery, offered[index])),
        h("p", { class: "soft small" }, unitsText(delivery)),
        h(
          "ul",
          { class: "choices" },
          offered[index].map((each) =>
            option(each, { name: `service-${index}`, chosen: delivery.service }),
          ),
        ),
        delivery.address
          ? field(`instructions-${index}`, t("field.instructions"), {
              value: delivery.instructions,
              required: false,
              maxlength: "250",
            })
          : null,
      ),
    ),
    h("button", { class: "button primary" }, t("continue")),
  );
  return element;
}

/** What goes with a delivery, in one line. */
export function unitsText({ lines }) {
  const names = cart.names();
  return lines.map(({ sku, quantity }) => `${quantity} × ${names[sku] ?? sku}`).join(", ");
}
