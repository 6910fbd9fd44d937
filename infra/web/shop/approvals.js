// What waits for the word of somebody who approves for their company.

import { fill, h, toast } from "/common/dom.js";
import { Refused } from "/common/http.js";
import { addressBlock, field, form } from "/common/forms.js";
import { moment, money, t } from "/common/i18n.js";
import { notice, sentence, tell } from "/common/trouble.js";
import { signInForm } from "./account.js";
import * as api from "./api.js";
import { lineDiscounts, lineSum } from "./discounts.js";
import { insideNote, kitLines, looseLines } from "/common/kits.js";
import { totals } from "./summary.js";

/** The page; a mail's link names the cart that it asks about, which is shown first. */
export async function approvalsPage(main, wanted = "") {
  const head = h("h1", { id: "approvals-head", tabindex: "-1" }, t("approvals"));
  if (!api.signedIn()) {
    show(main, head, h("p", { class: "soft" }, t("approvals.sign_in")), h("div", { class: "sign-in" }, signInForm(main)));
    return;
  }
  const list = h("ul", { class: "stack approvals", id: "approvals" });
  const more = h("button", { class: "button" }, t("more"));
  const view = { list, wanted, read: () => approvalsPage(main) };
  fill(main, h("p", { class: "empty" }, t("loading")));
  try {
    const first = await api.approvals();
    show(main, head, h("p", { class: "soft" }, t("approvals.what")), list, more);
    add(view, first, more);
    if (wanted && !first.approvals.some(({ order }) => order.id === wanted) && !first.next_cursor)
      list.before(h("p", { class: "notice", role: "status", id: "not-waiting" }, t("approvals.gone")));
  } catch (error) {
    const none = error.status === 404;
    show(main, head, none ? h("p", { class: "empty", id: "no-approver" }, t("approvals.not_yours")) : notice(error));
  }
}

const show = (main, ...content) => fill(main, h("div", { class: "stack approvals-page" }, content));

function add(view, { approvals, next_cursor: cursor }, more) {
  const first = ({ order }) => (order.id === view.wanted ? 0 : 1);
  const sorted = [...approvals].sort((one, other) => first(one) - first(other));
  view.list.append(...sorted.map((each) => entry(view, each)));
  if (!view.list.children.length && !cursor) fill(view.list, nothing());
  more.hidden = !cursor;
  more.onclick = () =>
    api.approvals(cursor).then(
      (page) => add(view, page, more),
      (error) => toast(sentence(error), "bad"),
    );
}

const nothing = () => h("li", { class: "empty", id: "nothing-waits" }, t("approvals.none"));

function entry(view, { approval, order, own }) {
  const title = `approval-${order.id}`;
  return h(
    "li",
    {},
    h(
      "article",
      { class: "panel stack", "data-cart": order.id, "aria-labelledby": title },
      h(
        "div",
        { class: "row spread" },
        h("h2", { id: title }, t("approvals.by", { name: order.contact.name })),
        h("strong", { class: "numbers amount" }, money(approval.total)),
      ),
      facts(approval, order),
      h("ul", { class: "approval-lines" }, [...kitLines(order), ...looseLines(order)].map(line)),
      totals(order),
      h("div", { class: "approval-places" }, places(order)),
      own ? h("p", { class: "notice warn" }, t("approvals.own")) : verdict(view, approval, order),
    ),
  );
}

function facts(approval, order) {
  const rows = [
    [t("approvals.asked"), moment(approval.asked_at)],
    [t("field.email"), order.contact.email],
    order.purchase_order ? [t("approvals.number"), order.purchase_order] : null,
    order.tax_id ? [t("company.tax_id"), order.tax_id] : null,
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

const line = (each) =>
  h(
    "li",
    {},
    h("span", { class: "soft numbers" }, `${each.quantity} ×`),
    h("span", {}, each.name, lineDiscounts(each), insideNote(each)),
    h("span", { class: "numbers" }, lineSum(each)),
  );

const places = (order) => [
  order.deliveries.map((delivery) =>
    place(
      t(delivery.address ? "order.goes" : "order.collect"),
      delivery.address ? addressBlock(delivery.address) : delivery.store,
    ),
  ),
  order.billing_address ? place(t("order.billed"), addressBlock(order.billing_address)) : null,
];

const place = (name, content) => h("div", {}, h("h3", {}, name), content);

/** Approve, or say why not. A repeat after a lost answer is the same word. */
function verdict(view, approval, order) {
  const box = h("div", { class: "verdict stack" });
  const body = { approval_id: approval.id };
  const approve = form(
    { class: "row" },
    (element) => say(view, element, order, "approve", body),
    h("button", { class: "button primary" }, t("approvals.approve")),
    h("button", { type: "button", class: "button", "data-verdict": "reject", on: { click: () => refuse() } }, t("approvals.reject")),
  );
  const refuse = () => {
    const element = form(
      { class: "stack" },
      () => say(view, element, order, "reject", { ...body, reason: element.elements.namedItem("reason").value.trim() }),
      field("reason", t("approvals.why"), { maxlength: "200", rows: 2 }, { hint: t("approvals.why.hint") }),
      h(
        "div",
        { class: "row" },
        h("button", { class: "button primary" }, t("approvals.reject")),
        h("button", { type: "button", class: "button", on: { click: back } }, t("approvals.back")),
      ),
    );
    fill(box, element);
    element.querySelector("textarea").focus();
  };
  const back = () => {
    fill(box, approve);
    approve.querySelector("[data-verdict]").focus();
  };
  fill(box, approve);
  return box;
}

async function say(view, element, order, word, body) {
  try {
    await api.once(`decide.${body.approval_id}.${word}`, (key) => api.decide(order.id, word, body, key));
    toast(t(`approvals.done.${word}`, { name: order.contact.name }));
  } catch (error) {
    if (!(error instanceof Refused) || !OVER.includes(error.code)) {
      tell(element, error);
      return;
    }
    toast(t("approvals.over"), "bad");
  }
  await view.read();
  document.getElementById("approvals-head")?.focus();
}

/** It cannot be decided on as it is shown: somebody has, or it has changed. */
const OVER = ["illegal-state", "stale-version", "not-found"];
