// The counter of a store: what is to be paid, how it is paid, and the change.

import { fill, h } from "/common/dom.js";
import { Refused, newKey } from "/common/http.js";
import { field, form } from "/common/forms.js";
import { money, t, toMajor, toMinor } from "/common/i18n.js";
import { recall, remember } from "/common/state.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { companySection } from "./company.js";
import { adjustments, codes } from "./price.js";
import { configuration } from "./session.js";

const NOTES = [1, 5, 10, 20, 50, 100]; // in major units
const MOST_OFFERED = 4;
const MOST_SLIPS = 4; // one more way of paying is the cash

/** The section's content. */
export function tillSection(view) {
  view.till ??= { store: recall("till.store", ""), slips: [], cash: "", due: null };
  const pay = h("div", { class: "stack", id: "pay" });
  view.till.pay = pay;
  return [
    h("h2", { id: "h-price" }, t("till")),
    storeChoice(view),
    buyer(view),
    codes(view),
    adjustments(view),
    quoted(view, pay),
  ];
}

/** Which store the till stands in, kept on this machine. */
function storeChoice(view) {
  const select = h("select", { name: "store", id: "store", "aria-label": t("till.store") });
  select.addEventListener("change", () => {
    view.till.store = select.value;
    remember("till.store", select.value);
    quoted(view, view.till.pay);
  });
  const named = async () => {
    view.stores ??= (await api.stores("in_person")).stores;
    const known = view.stores.some((each) => each.id === view.till.store);
    if (!known) view.till.store = view.stores[0]?.id ?? "";
    fill(
      select,
      view.stores.map((each) => h("option", { value: each.id, selected: each.id === view.till.store }, each.name)),
    );
    if (!known) quoted(view, view.till.pay);
  };
  named().catch((error) => select.after(notice(error)));
  return h("label", { class: "field" }, h("span", {}, t("till.store")), select);
}

/** Nobody has to tell who they are; whoever does has a receipt mailed. */
function buyer(view) {
  const { order, own } = view;
  const { contact } = order;
  const element = form(
    { class: "stack", id: "receipt-to" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      try {
        const body = { contact: { name: value("name"), email: value("email") } };
        await view.change((held) => api.describe(held, body), element);
      } catch (error) {
        tell(element, error, "/contact");
      }
    },
    h(
      "div",
      { class: "fields" },
      field("name", t("field.name"), { maxlength: "100", value: contact?.name ?? own?.name ?? "" }, { kind: "half" }),
      field("email", t("field.email"), { type: "email", value: contact?.email ?? own?.email ?? "" }, { kind: "half" }),
    ),
    h("button", { class: "button small" }, t("save")),
  );
  return [
    h(
      "p",
      { class: "row spread" },
      h("strong", {}, own ? own.name : (contact?.name ?? t("till.anybody"))),
      own ? h("a", { class: "small", href: `#/customer/${own.id}` }, t("record")) : null,
    ),
    h("details", {}, h("summary", {}, contact ? `${t("till.receipt_to")} ${contact.email}` : t("till.receipt_to")), element),
    own?.account ? companySection(view) : null,
  ];
}

/** What it comes to in this store, taxes of the place included, and then how it is paid. */
function quoted(view, pay) {
  const { till, order } = view;
  till.asked = (till.asked ?? 0) + 1;
  const mine = till.asked;
  if (!order.lines.length || !till.store) {
    till.due = null;
    fill(pay, h("p", { class: "soft" }, t("till.empty")));
    return pay;
  }
  fill(pay, h("p", { class: "soft" }, t("loading")));
  api
    .counterTotal(order, till.store)
    .then((due) => {
      if (mine !== till.asked) return;
      till.due = due;
      drawPay(view, pay);
    })
    .catch((error) => {
      if (mine !== till.asked) return;
      till.due = null;
      const again = h("button", { class: "button small", on: { click: () => quoted(view, pay) } }, t("again"));
      fill(pay, notice(error), again);
    });
  return pay;
}

function drawPay(view, pay) {
  const { till } = view;
  const { currency } = till.due;
  const change = h("output", { class: "change row spread", id: "change", for: "cash" });
  const slips = h("ul", { class: "stack", id: "slips" });
  const typed = () => toMinor(element.elements.namedItem("cash").value || 0, currency);
  const told = () => {
    till.cash = element.elements.namedItem("cash").value;
    till.slips = slipsOf(element, till.slips.length);
    const left = typed() + till.slips.reduce((sum, each) => sum + minorOf(each.amount, currency), 0) - till.due.minor;
    const amount = { minor: Math.abs(left), currency };
    fill(
      change,
      h("span", {}, t(left < 0 ? "till.missing" : "till.change")),
      h("strong", { class: `numbers ${left < 0 ? "soft" : ""}` }, money(amount)),
    );
  };
  const cash = (text) => {
    element.elements.namedItem("cash").value = text;
    told();
  };
  const element = form(
    { class: "stack", id: "tenders", on: {} },
    () => sell(view, element),
    h("p", { class: "due row spread", id: "due" }, h("span", {}, t("till.due")), h("strong", { class: "numbers" }, money(till.due))),
    slips,
    h(
      "button",
      {
        type: "button",
        class: "link small",
        id: "add-slip",
        on: {
          click: () => {
            if (till.slips.length >= MOST_SLIPS) return;
            const paid = typed() + till.slips.reduce((sum, each) => sum + minorOf(each.amount, currency), 0);
            till.slips.push({ amount: toMajor(Math.max(0, till.due.minor - paid), currency), reference: "" });
            drawSlips(till, slips, told);
            told();
            element.elements.namedItem(`reference-${till.slips.length - 1}`).focus();
          },
        },
      },
      t("till.card"),
    ),
    field(
      "cash",
      `${t("till.cash")} (${currency})`,
      { id: "cash", inputmode: "decimal", pattern: "[0-9]+([.][0-9]+)?", required: false, autocomplete: "off", value: till.cash },
      { hint: t("till.handed") },
    ),
    h(
      "div",
      { class: "row notes-of" },
      handed(till.due).map((minor) =>
        h(
          "button",
          { type: "button", class: "button small numbers", on: { click: () => cash(toMajor(minor, currency)) } },
          money({ minor, currency }),
        ),
      ),
    ),
    change,
    h("button", { class: "button primary wide", id: "sell", title: "Ctrl+Enter" }, t("till.sell")),
  );
  element.addEventListener("input", told);
  drawSlips(till, slips, told);
  fill(pay, element);
  told();
}

const minorOf = (text, currency) => toMinor(text || 0, currency);

function drawSlips(till, list, told) {
  fill(
    list,
    till.slips.map((slip, index) =>
      h(
        "li",
        { class: "slip" },
        field(`amount-${index}`, t("till.amount"), { inputmode: "decimal", pattern: "[0-9]+([.][0-9]+)?", value: slip.amount }),
        field(`reference-${index}`, t("till.reference"), { maxlength: "60", autocomplete: "off", value: slip.reference }),
        h(
          "button",
          {
            type: "button",
            class: "link small",
            on: {
              click: () => {
                till.slips.splice(index, 1);
                drawSlips(till, list, told);
                told();
              },
            },
          },
          t("remove"),
        ),
      ),
    ),
  );
}

const slipsOf = (element, count) =>
  Array.from({ length: count }, (_, index) => ({
    amount: element.elements.namedItem(`amount-${index}`)?.value ?? "",
    reference: element.elements.namedItem(`reference-${index}`)?.value ?? "",
  }));

/** Amounts that people hand over for what is due: exactly that, and the next notes. */
export function handed({ minor, currency }) {
  const one = toMinor(1, currency);
  const rounded = NOTES.map((note) => Math.ceil(minor / (note * one)) * note * one);
  return [...new Set([minor, ...rounded])].sort((a, b) => a - b).slice(0, MOST_OFFERED);
}

async function sell(view, element) {
  const { till, order } = view;
  const { currency } = till.due;
  const nothing = till.slips.findIndex((each) => !minorOf(each.amount, currency));
  if (nothing >= 0) {
    tell(element, new Refused(422, { pointer: `/amount-${nothing}`, detail: t("till.nothing") }));
    return;
  }
  const amount = (text) => ({ minor: minorOf(text, currency), currency });
  const tenders = till.slips.map((each) => ({ method: "terminal", amount: amount(each.amount), reference: each.reference.trim() }));
  if (minorOf(till.cash, currency)) tenders.push({ method: "cash", amount: amount(till.cash) });
  const body = { store: till.store, tenders, expected_total: till.due };
  till.key ??= newKey(); // until it is known how it ended, a repeat is the same sale
  try {
    view.sold(await api.sellOverCounter(order.id, body, till.key));
  } catch (error) {
    if (error instanceof Refused) till.key = null;
    if (error.code === "total-changed") {
      till.due = error.problem.total;
      drawPay(view, till.pay);
      tell(till.pay.querySelector("form"), error);
      return;
    }
    if (["illegal-state", "idempotency-key-reused"].includes(error.code)) {
      tell(element, t("till.sold_already"));
      element.querySelector(".notice").append(" ", h("a", { href: `#/order/${order.id}` }, t("order")));
      return;
    }
    tell(element, pointed(error, tenders));
  }
}

/** A refusal whose pointers are the form's own fields. */
function pointed(error, tenders) {
  if (!(error instanceof Refused) || error.code === "tender-mismatch") return error;
  const own = (pointer) => {
    const [, index, what] = /^\/tenders\/(\d+)\/?(\w*)/.exec(pointer ?? "") ?? [];
    if (index === undefined) return pointer;
    if (tenders[Number(index)]?.method === "cash") return "/cash";
    return `/${what === "amount" ? "amount" : "reference"}-${index}`;
  };
  const { problem } = error;
  if (problem.pointer) problem.pointer = own(problem.pointer);
  if (problem.errors) problem.errors = problem.errors.map((each) => ({ ...each, pointer: own(each.pointer) }));
  return error;
}

/** What was sold, the change to give back, and the receipt. */
export function soldPanel(sale, again) {
  const receipt = h("a", { class: "button", id: "receipt", target: "_blank", rel: "noopener" }, t("till.receipt"));
  configuration().then(({ api: root }) => receipt.setAttribute("href", root + sale.receipt_path));
  return h(
    "section",
    { class: "panel stack narrow", id: "sold" },
    h("h1", {}, t("till.sold")),
    h("p", { class: "row spread" }, h("span", {}, t("total")), h("span", { class: "numbers" }, money(sale.total))),
    h("p", { class: "row spread change" }, h("span", {}, t("till.change")), h("strong", { class: "numbers", id: "change-due" }, money(sale.change))),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button primary", id: "next-sale", on: { click: () => again(null) } }, t("till.next")),
      receipt,
      h("a", { class: "button", href: `#/order/${sale.order.id}` }, t("order")),
    ),
  );
}
