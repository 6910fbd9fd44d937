// One order: paying for it, watching it, cancelling it.

import { every, fill, fillIfChanged, h } from "/common/dom.js";
import { Refused } from "/common/http.js";
import * as api from "./api.js";
import { cardFields, pay } from "./cardform.js";
import * as cart from "./cart.js";
import { deliveryPanels, parcels, promiseText, storeName, waitingText } from "./deliveries.js";
import { lineDiscounts, lineSum } from "./discounts.js";
import { addressBlock, form } from "/common/forms.js";
import { currentLanguage, moment, money, t } from "/common/i18n.js";
import { insideNote, kitLines, looseLines } from "/common/kits.js";
import { isDue, linkedOf, linkedPanel } from "./linked.js";
import { recall, remember } from "/common/state.js";
import { totals } from "./summary.js";
import { tile } from "./tiles.js";
import { notice, sentence } from "/common/trouble.js";

const ARRIVED = ["delivered", "collected"];
const ENDED = ["closed", "expired"];
const CONFIRMED_WITHIN = 20_000; // milliseconds; then a payment that nobody confirmed may be repeated

/** The page; returns what ends its polling. */
export function orderPage(main, id) {
  const view = {
    id,
    held: cart.heldOrder(id),
    head: h("div"),
    linked: h("div", { class: "stack linked-orders" }),
    body: h("div"),
  };
  fill(main, view.head, view.linked, view.body);
  fill(view.head, h("p", { class: "empty" }, t("loading")));
  view.end = every(2, () => refresh(view));
  return view.end;
}

async function refresh(view) {
  try {
    const order = view.held ? await api.readCart(view.held) : await api.order(view.id);
    const tracked = order.tracking_path ? await tracking(order) : null;
    const linked = await linkedOf(view, order);
    show(view, order, tracked);
    showLinked(view, order, linked);
    if ([order, ...linked].every(({ state }) => ENDED.includes(state))) view.end();
  } catch (error) {
    if (error instanceof Refused && error.status < 500) view.end?.();
    fillIfChanged(view.head, error.message, () => notice(error));
  }
}

/** The tracking answer tells more than the order does; without it the page still works. */
async function tracking(order) {
  try {
    return await api.track(order.tracking_path);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

function show(view, order, tracked) {
  const confirming = isConfirming(order);
  if (!isUnpaid(order)) forget(order.id);
  const key = [order.version, tracked, confirming, currentLanguage()];
  fillIfChanged(view.head, [...key, recall(`trouble.${order.id}`)], () =>
    head(view, order, tracked, confirming),
  );
  fillIfChanged(view.body, key, () => body(view, order, tracked));
}

/** Apart from the rest, so that nothing typed is lost when the order itself goes on. */
function showLinked(view, order, linked) {
  const states = linked.map((each) => {
    if (each.state !== "placed") forget(each.id);
    return [each.version, isConfirming(each), recall(`trouble.${each.id}`), isDue(order, each)];
  });
  fillIfChanged(view.linked, [states, currentLanguage()], () =>
    linked.map((each) =>
      linkedPanel(
        order,
        each,
        isConfirming(each)
          ? h("p", { role: "status" }, t("order.confirming"))
          : view.held && payment(view, each),
      ),
    ),
  );
}

/** Whether it was paid in this browser a moment ago and the shop does not know yet. */
function isConfirming(order) {
  const paidAt = recall(`paid.${order.id}`);
  return Boolean(
    isUnpaid(order) && paidAt && Date.now() - paidAt < CONFIRMED_WITHIN,
  );
}

/** Whether it has to be paid: for the first time, or anew because nothing pays for it any more. */
const isUnpaid = ({ state, to_pay: open, pay_until: until }) =>
  state === "placed" || (state === "confirmed" && open.minor > 0 && until !== null);

function forget(id) {
  remember(`paid.${id}`, null);
  remember(`trouble.${id}`, null);
}

// --- what it is about: the state, and the payment while that is missing ---

function head(view, order, tracked, confirming) {
  const status = tracked?.status ?? order.state;
  const title = confirming
    ? t("order.confirming")
    : isUnpaid(order)
      ? t("order.unpaid")
      : (tracked?.text ?? t(`status.${order.state}`));
  return [
    h("p", { class: "soft numbers" }, `${t("order")} ${order.tracking_number}`),
    h("h1", { id: "order-status", "data-status": status, role: "status" }, title),
    when(order, status),
    tracked?.steps.length && !confirming && order.state !== "placed" ? steps(tracked.steps) : null,
    order.state === "placed" && !confirming && order.linked_orders.length
      ? h("p", { class: "soft" }, t("linked.first"))
      : null,
    isUnpaid(order) && !confirming && view.held ? payment(view, order) : null,
  ];
}

function when(order, status) {
  if (order.state === "expired") return h("p", { class: "soft" }, t("order.expired"));
  if (isUnpaid(order)) {
    return order.pay_until
      ? h("p", { class: "soft" }, t("order.until", { time: moment(order.pay_until) }))
      : null;
  }
  if (order.deliveries.length > 1 || isOver(order, status)) return null;
  return promiseText(order.deliveries[0]);
}

const isOver = (order, status) => order.state !== "confirmed" || ARRIVED.includes(status);

function steps(found) {
  return h(
    "ol",
    { class: "progress" },
    found.map(({ text, state }) =>
      h("li", { class: state, "aria-current": state === "current" ? "step" : undefined }, text),
    ),
  );
}

function payment(view, order) {
  const trouble = recall(`trouble.${order.id}`);
  const total = money(order.to_pay);
  return form(
    { class: "panel stack pay-again", "data-order": order.id },
    async (element) => {
      const button = element.querySelector("button.primary");
      button.textContent = t("paying");
      const reason = await pay({ ...view.held, id: order.id }, element).catch((error) => sentence(error));
      remember(`trouble.${order.id}`, reason);
      remember(`paid.${order.id}`, reason ? null : Date.now());
      button.textContent = t("pay", { total });
      await refresh(view);
    },
    trouble ? h("div", { class: "notice bad", role: "alert" }, trouble) : null,
    cardFields(),
    h("button", { class: "button primary wide" }, t("pay", { total })),
  );
}

// --- everything else ---

function body(view, order, tracked) {
  return h(
    "div",
    { class: "order" },
    h(
      "div",
      { class: "stack" },
      h(
        "section",
        { class: "panel stack" },
        h("h2", {}, t("summary")),
        h("ul", { class: "order-lines" }, [...kitLines(order), ...looseLines(order)].map(line)),
        totals(order),
        cancellation(view, order),
      ),
      tracked?.timeline.length ? history(tracked.timeline) : null,
    ),
    h(
      "div",
      { class: "stack" },
      order.state === "placed" ? null : follow(order, tracked),
      order.deliveries.length > 1
        ? deliveryPanels(order, tracked, isOver(order, tracked?.status ?? order.state))
        : null,
      h("section", { class: "panel" }, facts(order, tracked)),
    ),
  );
}

function line(each) {
  const picture = h("span", { class: "line-tile" });
  api.product(each.sku).then(
    (product) => fill(picture, tile(product)),
    () => undefined,
  );
  return h(
    "li",
    {},
    picture,
    h(
      "span",
      { class: "grow" },
      each.name,
      h("span", { class: "soft small" }, ` × ${each.quantity}`),
      insideNote(each),
      lineDiscounts(each),
      waitingText(each),
    ),
    h("span", { class: "numbers" }, lineSum(each)),
  );
}

function follow(order, tracked) {
  const link = h(
    "a",
    { class: "button primary wide", target: "_blank", rel: "noopener", id: "track" },
    t("order.track"),
  );
  api.trackingPage(order.tracking_path).then((url) => {
    link.href = url;
  });
  const extra = [
    ...(tracked?.invoices ?? []).map(({ number, url }) =>
      h(
        "li",
        {},
        h("a", { href: url, target: "_blank", rel: "noopener" }, t("order.invoice", { number })),
      ),
    ),
    tracked?.receipt_url
      ? h(
          "li",
          {},
          h(
            "a",
            { href: tracked.receipt_url, target: "_blank", rel: "noopener" },
            t("order.receipt"),
          ),
        )
      : null,
  ];
  return h(
    "section",
    { class: "panel stack" },
    h(
      "p",
      {},
      h("span", { class: "soft small" }, t("order.number")),
      h("br"),
      h("strong", { class: "mono", id: "tracking-number" }, order.tracking_number),
    ),
    link,
    order.deliveries.length > 1 ? null : parcels(tracked?.parcels ?? []),
    h("ul", { class: "row small" }, extra),
  );
}

function facts(order, tracked) {
  const [delivery, ...others] = order.deliveries;
  const place = delivery.address
    ? [t("order.goes"), addressBlock(delivery.address)]
    : [t("order.collect"), storeName(delivery, 1, tracked)];
  const rows = [
    [t("order.payment"), t(`pay.${order.payment_status}`)],
    others.length ? null : place,
    order.billing_address ? [t("order.billed"), addressBlock(order.billing_address)] : null,
    order.contact ? [t("field.email"), order.contact.email] : null,
  ];
  return h(
    "dl",
    { class: "facts" },
    rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function history(timeline) {
  return h(
    "section",
    { class: "panel stack history" },
    h("h2", {}, t("order.history")),
    h(
      "ol",
      { class: "timeline" },
      timeline.map(({ text, at }) =>
        h(
          "li",
          {},
          h("span", {}, text),
          h("time", { class: "soft small", datetime: at }, moment(at)),
        ),
      ),
    ),
  );
}

function cancellation(view, order) {
  const started = ["partially_shipped", "shipped", "partially_delivered", "delivered"].includes(
    order.fulfilment_status,
  );
  if (!["placed", "confirmed"].includes(order.state)) return null;
  const waiting = order.lines
    .filter(({ stages }) => stages.backordered)
    .map(({ sku, stages }) => ({ sku, quantity: stages.backordered }));
  if (started && !waiting.length) return null;
  const part = started ? ".part" : "";
  const box = h("div", { class: "cancellation" });
  const ask = () => {
    fill(
      box,
      h(
        "div",
        { class: "notice warn stack" },
        h("p", {}, t(`order.cancel.sure${part}`)),
        h(
          "div",
          { class: "row" },
          h(
            "button",
            { class: "button small", id: "cancel-yes", on: { click: cancel } },
            t("order.cancel.yes"),
          ),
          h("button", { class: "button small", on: { click: offer } }, t("order.cancel.no")),
        ),
      ),
    );
    box.querySelector("button").focus();
  };
  const offer = () =>
    fill(box, h("button", { class: "link", id: "cancel", on: { click: ask } }, t(`order.cancel${part}`)));
  const cancel = async (event) => {
    event.target.disabled = true;
    try {
      const lines = started ? waiting : undefined;
      const send = (key) =>
        view.held ? api.cancelHeld(view.held, key, lines) : api.cancelOwn(order.id, key, lines);
      await api.once(`cancel.${order.id}`, send);
      await refresh(view);
    } catch (error) {
      fill(box, notice(error));
    }
  };
  offer();
  return box;
}
