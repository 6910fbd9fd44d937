// From cart to order in three steps. What each step says is kept at the API, not here.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { cardFields, pay } from "./cardform.js";
import * as cart from "./cart.js";
import { totals } from "./drawer.js";
import { addressBlock, addressFields, addressLines, addressOf, field, form } from "./forms.js";
import { currentLanguage, days, money, named, t } from "./i18n.js";
import { recall, remember } from "./state.js";
import { mark, notice, sentence, unmark } from "./trouble.js";

const STEPS = ["contact", "delivery", "payment"];

/** The page. */
export async function checkoutPage(main) {
  fill(main, h("p", { class: "empty" }, t("loading")));
  try {
    await cart.load();
  } catch (error) {
    fill(main, notice(error));
    return;
  }
  if (!cart.count()) {
    fill(
      main,
      h("p", { class: "empty" }, t("cart.empty"), " ", h("a", { href: "#/" }, t("order.again"))),
    );
    return;
  }
  const own = api.signedIn() ? await api.me().catch(() => null) : null;
  const view = {
    main,
    own,
    steps: h("div", { class: "steps stack" }),
    summary: h("aside", { class: "panel summary" }),
  };
  fill(main, h("h1", {}, t("checkout")), h("div", { class: "checkout" }, view.steps, view.summary));
  draw(view, firstOpen());
}

function firstOpen() {
  const seen = cart.current();
  if (!seen.contact) return "contact";
  return seen.deliveries[0].service ? "payment" : "delivery";
}

const BODIES = { contact: contactStep, delivery: deliveryStep, payment: paymentStep };
const DONE = {
  contact: (seen) => seen.contact && `${seen.contact.name}, ${seen.contact.email}`,
  delivery: (seen) => deliveryText(seen.deliveries[0]),
  payment: () => "",
};

function draw(view, open, error = null) {
  const seen = cart.current();
  fill(
    view.steps,
    STEPS.map((name, index) => {
      const isOpen = name === open;
      const done = !isOpen && index < STEPS.indexOf(open) ? DONE[name](seen) : "";
      return h(
        "section",
        { class: `panel step ${isOpen ? "open" : ""}`, "aria-labelledby": `step-${name}` },
        h(
          "div",
          { class: "row spread" },
          h(
            "h2",
            { id: `step-${name}`, tabindex: "-1" },
            h("span", { class: "numeral" }, String(index + 1)),
            t(`step.${name}`),
          ),
          done
            ? h(
                "button",
                {
                  class: "link",
                  "aria-label": t("change.of", { name: t(`step.${name}`) }),
                  on: { click: () => go(view, name) },
                },
                t("change"),
              )
            : null,
        ),
        done ? h("p", { class: "soft" }, done) : null,
        isOpen ? BODIES[name](view) : null,
      );
    }),
  );
  if (error) view.steps.querySelector(".step.open form").prepend(notice(error, cart.names()));
  drawSummary(view);
}

function go(view, step, error = null) {
  draw(view, step, error);
  document.getElementById(`step-${step}`).focus();
}

function drawSummary({ summary }) {
  const seen = cart.current();
  fill(
    summary,
    h("h2", {}, t("summary")),
    h(
      "ul",
      { class: "summary-lines" },
      seen.lines.map((line) =>
        h(
          "li",
          {},
          h("span", { class: "soft numbers" }, `${line.quantity} ×`),
          h("span", {}, line.name),
          h("span", { class: "numbers" }, money(line.net)),
        ),
      ),
    ),
    totals(seen),
  );
}

/** Show what went wrong in the form it happened in. */
function tell(element, error, prefix) {
  element.querySelector(".notice")?.remove();
  if (!mark(element, error, prefix)) {
    element.prepend(notice(error, cart.names()));
    element.querySelector(".notice").scrollIntoView({ block: "center" });
  }
}

// --- who ---

function contactStep(view) {
  const known =
    cart.current().contact ??
    (view.own && { name: view.own.name, email: view.own.email, phone: view.own.phone });
  return form(
    { class: "stack" },
    async (element) => {
      unmark(element);
      const value = (name) => element.elements.namedItem(name).value.trim();
      const contact = { name: value("name"), email: value("email") };
      if (value("phone")) contact.phone = value("phone").replace(/[\s()/-]/g, "");
      try {
        await cart.change((held) => api.describe(held, { contact, language: currentLanguage() }));
        go(view, "delivery");
      } catch (error) {
        tell(element, error, "/contact");
      }
    },
    h(
      "div",
      { class: "fields" },
      field(
        "name",
        t("field.name"),
        { value: known?.name ?? "", autocomplete: "name", maxlength: "100" },
        { kind: "half" },
      ),
      field(
        "email",
        t("field.email"),
        { type: "email", value: known?.email ?? "", autocomplete: "email" },
        { kind: "half" },
      ),
      field("phone", t("field.phone"), {
        type: "tel",
        value: known?.phone ?? "",
        autocomplete: "tel",
        required: false,
      }),
    ),
    h("button", { class: "button primary" }, t("continue")),
  );
}

// --- how it gets there ---

function deliveryText(delivery) {
  if (!delivery.service) return "";
  const name = recall("service-names", {})[delivery.service + delivery.store];
  const where = delivery.address ? addressLines(delivery.address).slice(0, 4).join(", ") : "";
  return [name ? named(name) : delivery.service, where].filter(Boolean).join(" · ");
}

function deliveryStep(view) {
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
    go(view, "payment");
  } catch (error) {
    tell(element, error, "/address");
  }
}

// --- the bill ---

function paymentStep(view) {
  const seen = cart.current();
  const shipping = seen.deliveries[0].address;
  const billing = h("div", {});
  const start =
    seen.billing_address ?? (shipping ? null : { name: seen.contact.name, country: "US" });
  const same = shipping
    ? h("input", {
        type: "checkbox",
        checked: true,
        on: {
          change: () =>
            fill(billing, same.checked ? addressBlock(shipping) : addressFields(start, "billing")),
        },
      })
    : null;
  fill(billing, same ? addressBlock(shipping) : addressFields(start, "billing"));
  return form(
    { class: "stack", id: "pay" },
    (element) => order(view, element, () => (same?.checked ? shipping : addressOf(element))),
    h("h3", {}, t("billing")),
    same ? h("label", { class: "check" }, same, t("billing.same")) : null,
    billing,
    h("h3", {}, t("card")),
    cardFields(),
    h(
      "button",
      { class: "button primary wide", id: "place" },
      t("place", { total: money(seen.totals.gross) }),
    ),
  );
}

async function order(view, element, billingAddress) {
  unmark(element);
  element.querySelector(".notice")?.remove();
  const button = element.querySelector("#place");
  button.textContent = t("paying");
  const held = cart.reference();
  let placed = null;
  try {
    const details = {
      billing_address: billingAddress(),
      payment_method: "card",
      language: currentLanguage(),
    };
    await cart.change(() => api.describe(held, details));
    const agreed = cart.current().totals.gross;
    placed = await api.once(`place.${held.id}.${agreed.minor}`, (key) =>
      api.place(held, agreed, key),
    );
    cart.placed(placed);
    const trouble = await pay(held, element);
    remember(`trouble.${held.id}`, trouble);
    remember(`paid.${held.id}`, trouble ? null : Date.now());
    location.hash = `#/order/${held.id}`;
  } catch (error) {
    if (placed) {
      remember(`trouble.${held.id}`, sentence(error));
      location.hash = `#/order/${held.id}`;
      return;
    }
    button.textContent = t("place", { total: money(cart.current().totals.gross) });
    if (error.code !== "total-changed") {
      tell(element, error, "/billing_address");
      return;
    }
    await cart.load();
    go(view, "payment", error);
  }
}
