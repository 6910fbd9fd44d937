// One order: what is in it, where it is, what happened and by whom, and what can be done.

import { fill, h, toast } from "/common/dom.js";
import { newKey } from "/common/http.js";
import { addressLines, form } from "/common/forms.js";
import { days, has, money, moment, t } from "/common/i18n.js";
import { notice, sentence, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { hold } from "./drafts.js";
import { goOn } from "./entry.js";
import { linkButton } from "./price.js";

/** The page. */
export async function orderPage(main, id) {
  fill(main, h("p", { class: "soft" }, t("loading")));
  const [seen, line] = await Promise.all([api.order(id), api.timeline(id).catch((error) => error)]);
  draw(main, id, seen, line);
}

function draw(main, id, seen, line) {
  const { order } = seen;
  fill(
    main,
    h(
      "div",
      { class: "row spread head" },
      h(
        "div",
        {},
        h("h1", {}, order.tracking_number || t("draft")),
        h(
          "p",
          { class: "row" },
          h("span", { class: "badge", id: "order-state" }, t(`order.${order.state}`)),
          h("span", { class: "badge" }, t(`channel.${order.channel}`)),
          h("span", { class: "badge", id: "payment-status" }, t(`payment.${order.payment_status}`)),
          [...seen.holds, ...seen.alerts].map((each) =>
            h("span", { class: "badge bad", title: each.detail }, each.code.replace(/_/g, " ")),
          ),
          h("span", { class: "soft small mono" }, order.id),
        ),
      ),
      actions(main, id, seen),
    ),
    h(
      "div",
      { class: "two" },
      h("div", { class: "stack" }, contents(order, seen.customer_id), shipments(seen)),
      h("div", { class: "stack" }, notes(main, id), timeline(line)),
    ),
  );
}

function actions(main, id, seen) {
  const { order } = seen;
  const act = (work) => async ({ target }) => {
    target.disabled = true;
    try {
      await work();
    } catch (error) {
      toast(sentence(error), "bad");
    }
    target.disabled = false;
  };
  const button = (name, text, work) => h("button", { class: "button small", "data-act": name, on: { click: act(work) } }, text);
  const again = async () => {
    const body = { channel: "phone", cause: "phone_order" };
    if (seen.customer_id) body.customer_id = seen.customer_id;
    const held = hold(await api.beginCart(body, newKey()), order.contact?.name ?? "", body.channel);
    await api.reorder(held, id, newKey());
    location.hash = `#/entry/${held.id}`;
  };
  const cancelled = async () => {
    if (!confirm(t("cancel.sure"))) return;
    await api.cancel(id, "customer", newKey());
    await orderPage(main, id);
  };
  return h(
    "div",
    { class: "row" },
    order.state === "draft" ? button("go-on", t("go_on"), () => goOn(id, order.contact?.name ?? "")) : null,
    order.state === "placed" ? linkButton(id) : null,
    order.state !== "draft" ? button("reorder", t("reorder"), again) : null,
    ["placed", "confirmed"].includes(order.state) ? button("cancel", t("cancel"), cancelled) : null,
  );
}

const contents = (order, customerId) =>
  h(
    "section",
    { class: "panel stack" },
    order.contact || customerId
      ? h(
          "p",
          { class: "row spread" },
          h("span", {}, [order.contact?.name, order.contact?.email, order.contact?.phone].filter(Boolean).join(" · ")),
          customerId ? h("a", { class: "small", href: `#/customer/${customerId}` }, t("record")) : null,
        )
      : null,
    order.purchase_order ? h("p", { class: "small" }, `${t("company.po")}: ${order.purchase_order}`) : null,
    h(
      "ul",
      {},
      order.lines.map((line) =>
        h(
          "li",
          { class: "line" },
          h("span", { class: "numbers" }, `${line.quantity} ×`),
          h("span", {}, line.name, " ", Object.entries(line.stages).map(([stage, count]) =>
            h("small", { class: "soft" }, `${count} ${has(`stage.${stage}`) ? t(`stage.${stage}`) : stage} `),
          )),
          h("span", { class: "numbers right" }, money({ minor: line.unit_price.minor * line.quantity, currency: order.currency })),
        ),
      ),
    ),
    order.deliveries.map((each) =>
      h(
        "p",
        { class: "small" },
        each.address ? addressLines(each.address).join(", ") : each.store,
        h("span", { class: "soft line-of" }, [each.service, each.promised_from ? days(each.expected_from ?? each.promised_from, each.expected_to ?? each.promised_to) : ""].filter(Boolean).join(" · ")),
      ),
    ),
    h("p", { class: "row spread" }, h("strong", {}, t("total")), h("strong", { class: "numbers" }, money(order.totals.gross))),
    order.gift_cards.map((each) =>
      h(
        "p",
        { class: "row spread small" },
        h("a", { href: `#/card/${each.card}` }, `${t(`card.${each.kind}`)} …${each.ending}`),
        h("span", { class: "numbers" }, `−${money(each.amount)}`),
      ),
    ),
    order.linked_orders.length
      ? h("p", { class: "small" }, `${t("linked")}: `, order.linked_orders.map((other) => h("a", { href: `#/order/${other}` }, other)))
      : null,
  );

const shipments = (seen) =>
  seen.shipments.length
    ? h(
        "section",
        { class: "panel stack" },
        h("h2", {}, t("shipments")),
        h(
          "ul",
          {},
          seen.shipments.map((each) =>
            h("li", { class: "row spread" }, h("span", {}, each.node), h("span", { class: "badge" }, each.status), h("span", { class: "soft small" }, each.parcel_number)),
          ),
        ),
      )
    : null;

function notes(main, id) {
  const key = newKey();
  const element = form(
    { class: "panel stack", id: "note" },
    async () => {
      try {
        await api.addNote(id, element.elements.namedItem("text").value.trim(), key);
        await orderPage(main, id);
      } catch (error) {
        tell(element, error);
      }
    },
    h("h2", {}, t("note.new")),
    h("textarea", { class: "input", name: "text", rows: "2", maxlength: "2000", required: true, "aria-label": t("note.new") }),
    h("button", { class: "button small primary" }, t("note.add")),
  );
  return element;
}

function whoDid(actor, staff) {
  const kind = has(`actor.${actor.kind}`) ? t(`actor.${actor.kind}`) : actor.kind;
  const name = staff[actor.id];
  return name ? `${kind}: ${name}` : kind;
}

function timeline(line) {
  if (line instanceof Error) return notice(line);
  return h(
    "section",
    { class: "panel stack" },
    h("h2", {}, t("timeline")),
    h(
      "ol",
      { class: "timeline", id: "timeline" },
      line.entries.map((each) =>
        h(
          "li",
          { "data-kind": each.type },
          h("time", { class: "soft small numbers" }, moment(each.at)),
          h("span", {}, has(`event.${each.type}`) ? t(`event.${each.type}`) : each.type.replace(/[._]/g, " ")),
          h("span", { class: "soft small" }, whoDid(each.actor, line.staff)),
          each.note ? h("p", { class: "said" }, each.note) : null,
        ),
      ),
    ),
  );
}
