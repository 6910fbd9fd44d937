// Buying for a company: its own number for the order, and the word of those who approve.

import { every, h } from "/common/dom.js";
import * as api from "./api.js";
import * as cart from "./cart.js";
import { field } from "/common/forms.js";
import { moment, money, t } from "/common/i18n.js";
import { tell } from "/common/trouble.js";

const TONES = { asked: "warn", rejected: "bad", void: "warn" };

/** How the approvers' word on the cart stands: asked, approved, rejected, void; "" for not asked. */
export const standing = () => cart.current()?.approval?.status ?? "";

/** Whether the cart waits for it: until then it is not placed. */
export const waits = () => standing() === "asked";

const isCompanys = ({ own }) =>
  Boolean(own?.account || cart.current().approval || cart.current().purchase_order);

/**
 * The part of the last step. `describe(form)` has the cart say what the form does, `complain(form,
 * error)` shows what is wrong with it.
 */
export function companySection(view, describe, complain) {
  if (!isCompanys(view)) return null;
  return h(
    "section",
    { class: "stack company", id: "company", "data-approval": standing() },
    h("h3", {}, t("company")),
    waits() ? null : numberField(),
    word(view),
    waits() || standing() === "approved" ? null : askButton(view, describe, complain),
  );
}

/** What the form says of it, for the cart. */
export function companyOf(form) {
  const input = form.elements.namedItem("purchase_order");
  return input ? { purchase_order: input.value.trim() } : {};
}

const numberField = () =>
  field(
    "purchase_order",
    t("company.po"),
    { maxlength: "60", autocomplete: "off", required: false, value: cart.current().purchase_order },
    { hint: t("company.po.hint") },
  );

function word(view) {
  const { approval } = cart.current();
  if (!approval)
    return view.above ? h("p", { class: "notice warn" }, t("company.above", { above: money(view.above) })) : null;
  const { status, total, asked_at: asked, reason } = approval;
  return h(
    "div",
    { class: `notice ${TONES[status] ?? ""}`, role: "status", id: "approval", "data-status": status },
    h("strong", {}, t(`approval.${status}`, { total: money(total) })),
    status === "rejected" && reason ? h("p", {}, t("approval.why", { reason })) : null,
    h("p", { class: "small" }, t(`approval.${status}.next`, { at: moment(asked) })),
  );
}

function askButton(view, describe, complain) {
  const ask = async ({ target }) => {
    target.disabled = true;
    try {
      await describe(target.form);
      await cart.change((held) => api.once(`approval.${held.id}`, (key) => api.askApprovers(held, key)));
      view.go("payment");
    } catch (error) {
      target.disabled = false;
      if (error.code === "illegal-state") tell(target.form, t("company.no_need"));
      else complain(target.form, error);
    }
  };
  const needed = Boolean(standing() || view.above);
  return h(
    "p",
    { class: "row" },
    h(
      "button",
      { type: "button", class: `button small ${needed ? "primary" : ""}`, id: "ask-approval", on: { click: ask } },
      t(standing() ? "company.ask.again" : "company.ask"),
    ),
    needed ? null : h("span", { class: "soft small" }, t("company.ask.when")),
  );
}

/** Look every few seconds whether they have decided; returns what ends it. */
export function watchWord() {
  return every(3, async () => {
    const held = cart.reference();
    if (!held || !waits()) return;
    const now = await api.readCart(held).catch(() => null);
    if (now && now.version !== cart.current()?.version) await cart.load().catch(() => undefined);
  });
}
