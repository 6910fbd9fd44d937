// From cart to order in three steps. What each step says is kept at the API, not here.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { cardFields, pay } from "./cardform.js";
import * as cart from "./cart.js";
import { deliveryStep, deliveryText } from "./delivery.js";
import { totals } from "./drawer.js";
import { addressBlock, addressFields, addressOf, field, form } from "./forms.js";
import { currentLanguage, money, t } from "./i18n.js";
import { remember } from "./state.js";
import { notice, sentence, tell, unmark } from "./trouble.js";

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
    own,
    go: (step, error) => go(view, step, error),
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
                  on: { click: () => view.go(name) },
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
        view.go("delivery");
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
      tell(element, error, "/billing_address", cart.names());
      return;
    }
    await cart.load();
    view.go("payment", error);
  }
}
