// From cart to order in three steps. What each step says is kept at the API, not here.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { cardFields, pay } from "./cardform.js";
import * as cart from "./cart.js";
import * as company from "./company.js";
import { deliveryStep } from "./delivery.js";
import { unitsText } from "./divide.js";
import { addressBlock, addressFields, addressOf, field, form } from "/common/forms.js";
import { leftToPay } from "./giftcards.js";
import { currentLanguage, money, t } from "/common/i18n.js";
import { insteadOf, learn } from "./instead.js";
import { deliveryText } from "./options.js";
import * as shortage from "./shortage.js";
import { on, remember } from "/common/state.js";
import { summary } from "./summary.js";
import { mark, notice, sentence, tell, unmark } from "/common/trouble.js";

const steps = () =>
  shortage.isShort()
    ? ["contact", "delivery", "shortage", "payment"]
    : ["contact", "delivery", "payment"];

/** The page; a mail's link names the cart that it is about. Returns what ends its watching it. */
export async function checkoutPage(main, wanted = "") {
  fill(main, h("p", { class: "empty" }, t("loading")));
  try {
    await cart.load();
    if (cart.count()) await shortage.availability({ fresh: true });
  } catch (error) {
    fill(main, notice(error));
    return;
  }
  if (wanted && cart.heldOrder(wanted)) {
    location.replace(`#/order/${wanted}`); // it was placed meanwhile
    return;
  }
  if (wanted && cart.reference()?.id !== wanted) {
    fill(main, h("p", { class: "empty", id: "elsewhere" }, t("cart.elsewhere")));
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
    next: (after) => next(view, after),
    steps: h("div", { class: "steps stack" }),
    summary: h("aside", { class: "panel summary" }),
  };
  fill(main, h("h1", {}, t("checkout")), h("div", { class: "checkout" }, view.steps, view.summary));
  draw(view, firstOpen());
  const ends = [on("cart", () => follow(view, main)), company.watchWord()];
  return () => ends.forEach((end) => end());
}

function firstOpen() {
  const seen = cart.current();
  if (!seen.contact) return "contact";
  if (!shortage.told()) return "delivery";
  return shortage.chosen() ? "payment" : "shortage";
}

/** Go on; what a delivery leaves short is asked about again. */
async function next(view, after) {
  await shortage.availability();
  if (after === "delivery" && shortage.isShort()) view.go("shortage");
  else view.go(firstOpen());
}

/** Follow the cart: once its lines were changed in the drawer, what is there of them is unknown. */
async function follow(view, main) {
  const seen = cart.current();
  if (!seen) return;
  if (linesOf(seen) === view.lines) {
    // A code changes what is agreed to; where that cannot be asked, ordering it will tell.
    if (shortage.told()) await shortage.availability().catch(() => null);
    if (!cart.current()) return; // it was ordered meanwhile
    if (drawnFor() === view.drawnFor) fill(view.summary, summary());
    else draw(view, firstOpen());
    return;
  }
  view.lines = linesOf(seen);
  if (!cart.count()) {
    await checkoutPage(main);
    return;
  }
  try {
    await shortage.availability();
    const open = firstOpen();
    draw(view, open, open === "contact" ? null : t("choose.changed"));
  } catch (error) {
    draw(view, "delivery", error);
  }
}

const divided = (deliveries) =>
  deliveries.map((delivery, index) =>
    h(
      "span",
      { class: "line-of" },
      `${t("nth.delivery", { number: index + 1 })}: ${deliveryText(delivery)} (${unitsText(delivery)})`,
    ),
  );

const linesOf = (seen) => JSON.stringify(seen.lines.map(({ sku, quantity }) => [sku, quantity]));

const BODIES = {
  contact: contactStep,
  delivery: deliveryStep,
  shortage: shortage.shortageStep,
  payment: paymentStep,
};
const DONE = {
  contact: (seen) => seen.contact && `${seen.contact.name}, ${seen.contact.email}`,
  delivery: ({ deliveries }) => (deliveries.length > 1 ? divided(deliveries) : deliveryText(deliveries[0])),
  shortage: shortage.shortageText,
  payment: () => "",
};

function draw(view, open, error = null) {
  const seen = cart.current();
  view.lines = linesOf(seen);
  view.drawnFor = drawnFor();
  fill(
    view.steps,
    steps().map((name, index) => {
      const isOpen = name === open;
      const done = !isOpen && index < steps().indexOf(open) ? DONE[name](seen) : "";
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
  const box = view.steps.querySelector(".step.open form, .step.open > .stack");
  if (error && box)
    box.prepend(
      notice(error, cart.names()),
      ...cart.current().lines.map((line) => insteadOf(line.sku)),
    );
  fill(view.summary, summary());
}

function go(view, step, error = null) {
  draw(view, step, error);
  document.getElementById(`step-${step}`).focus();
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
  const shipping = seen.deliveries.find((delivery) => delivery.address)?.address;
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
  const billingAddress = (element) => (same?.checked ? shipping : addressOf(element));
  return form(
    { class: "stack", id: "pay" },
    (element) => order(view, element, billingAddress(element)),
    h("h3", {}, t("billing")),
    same ? h("label", { class: "check" }, same, t("billing.same")) : null,
    billing,
    company.companySection(view, (element) => describe(element, billingAddress(element)), complain),
    company.waits() ? null : paying(),
  );
}

/** How it is paid, and the button that places it. */
function paying() {
  const [first, second] = shortage.chosen()?.orders ?? [];
  return [
    needsCard() ? [h("h3", {}, t("card")), cardFields()] : h("p", {}, t("gift.covers")),
    h("button", { class: "button primary wide", id: "place" }, placeText()),
    second
      ? h(
          "p",
          { class: "soft small" },
          t("place.both.text", { first: money(first.total), second: money(second.total) }),
        )
      : null,
  ];
}

/** What is wrong with what the last step's form says, at its fields as far as it has them. */
function complain(element, error) {
  if (!mark(element, error)) tell(element, error, "/billing_address", cart.names());
}

/** What the last step goes by besides the lines. */
const drawnFor = () => `${needsCard()} ${company.standing()}`;

/** Whether gift cards leave something to be paid. */
const needsCard = () => leftToPay(cart.current()) > 0;

function placeText() {
  const both = shortage.chosen()?.orders.length > 1;
  return t(both ? "place.both" : "place", { total: money(shortage.agreed()) });
}

/** Have the cart say what the last step's form does. */
const describe = (element, billingAddress) =>
  cart.change((held) =>
    api.describe(held, {
      billing_address: billingAddress,
      payment_method: "card",
      language: currentLanguage(),
      ...company.companyOf(element),
    }),
  );

async function order(view, element, billingAddress) {
  unmark(element);
  element.querySelector(".notice")?.remove();
  const button = element.querySelector("#place");
  button.textContent = t("paying");
  const held = cart.reference();
  let placed = null;
  try {
    await describe(element, billingAddress);
    const agreed = shortage.agreed();
    placed = await api.once(`place.${held.id}.${agreed.minor}`, (key) =>
      api.place(held, agreed, key),
    );
    cart.placed(placed);
    const trouble = placed.state === "placed" ? await pay(held, element) : null;
    remember(`trouble.${held.id}`, trouble);
    remember(`paid.${held.id}`, trouble ? null : Date.now());
    location.hash = `#/order/${held.id}`;
  } catch (error) {
    if (placed) {
      remember(`trouble.${held.id}`, sentence(error));
      location.hash = `#/order/${held.id}`;
      return;
    }
    button.textContent = placeText();
    if (error.code === "approval-needed") {
      view.above = error.problem.above;
      await cart.load();
      view.go("payment", error);
      document.getElementById("ask-approval")?.focus();
      return;
    }
    if (!["total-changed", "out-of-stock"].includes(error.code)) {
      complain(element, error);
      return;
    }
    learn(error);
    await again(view, error);
  }
}

/** What was agreed to holds no longer: show what does, and what changed. */
async function again(view, error) {
  const before = cart.current().totals;
  await cart.load();
  await shortage.availability({ fresh: true });
  const reason = `${sentence(error, cart.names())} ${differences(before, cart.current().totals)}`;
  view.go(firstOpen(), reason.trim());
}

/** Which parts of the totals changed, in words. */
function differences(before, after) {
  const parts = ["goods", "shipping", "tax"]
    .filter((name) => before[name].minor !== after[name].minor)
    .map((name) =>
      t(`changed.${name}`, { from: money(before[name]), to: money(after[name]) }),
    );
  return parts.length ? t("changed.why", { parts: parts.join(", ") }) : "";
}
