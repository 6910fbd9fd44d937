// A cart of a business account: its own number for the order, and its approvers' word.

import { fill, h } from "/common/dom.js";
import { newKey } from "/common/http.js";
import { field, form } from "/common/forms.js";
import { money, t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";

/** The section's content; the account is read once for a page. */
export function companySection(view) {
  const box = h("div", { class: "stack company", id: "company" });
  view.account ??= api.account(view.own.account);
  view.account
    .then((account) => fill(box, head(account), numberForm(view, account), approval(view, account)))
    .catch((error) => {
      view.account = null;
      // A standing may name an account of which nothing else was noted yet.
      fill(box, error.status === 404 ? numberForm(view, { po_required: false }) : notice(error));
    });
  return box;
}

const head = (account) =>
  h(
    "p",
    { class: "row" },
    h("strong", {}, account.company),
    h("a", { class: "small", href: `#/account/${account.account}` }, account.account),
    account.tax_id ? h("span", { class: "soft small" }, account.tax_id) : null,
  );

function numberForm(view, account) {
  const element = form(
    { class: "row", id: "po" },
    async () => {
      const purchase_order = element.elements.namedItem("purchase_order").value.trim();
      try {
        await view.change((held) => api.describe(held, { purchase_order }), element);
      } catch (error) {
        tell(element, error);
      }
    },
    field(
      "purchase_order",
      t("company.po"),
      { maxlength: "60", required: account.po_required, value: view.order.purchase_order, autocomplete: "off" },
      { kind: "grow", hint: account.po_required ? t("company.po.needed") : "" },
    ),
    h("button", { class: "button small" }, t("save")),
  );
  return element;
}

/** Above an amount somebody of the company has to agree; they are mailed when one asks. */
function approval(view, account) {
  if (!account.approval_above) return null;
  const stands = view.order.approval?.status ?? "";
  const key = newKey();
  const ask = async ({ target }) => {
    target.disabled = true;
    await view.change((held) => api.askApprovers(held, key));
    target.disabled = false;
  };
  return h(
    "p",
    { class: "row spread", id: "approval", "data-status": stands },
    h(
      "span",
      {},
      t("company.above", { amount: money(account.approval_above) }),
      stands ? " " : null,
      stands ? h("span", { class: `badge ${TONES[stands] ?? ""}` }, t(`approval.${stands}`)) : null,
      view.order.approval?.reason ? h("span", { class: "soft small" }, ` ${view.order.approval.reason}`) : null,
    ),
    ["approved", "asked"].includes(stands) || !view.order.lines.length
      ? null
      : h("button", { type: "button", class: "button small", on: { click: ask } }, t("approval.ask")),
  );
}

const TONES = { approved: "good", asked: "warn", rejected: "bad", void: "warn" };
