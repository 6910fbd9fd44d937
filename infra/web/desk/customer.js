// One customer: who they are, where their parcels go, what they ordered, and what can be done.

import { fill, h } from "/common/dom.js";
import { money, moment, t } from "/common/i18n.js";
import { notice } from "/common/trouble.js";
import * as api from "./api.js";
import { addressBook } from "./addresses.js";
import { callerPanel } from "./caller.js";
import { contactsPanel } from "./contacts.js";
import { demographicsPanel } from "./demographics.js";
import { detailsPanel } from "./details.js";
import { beginFor, beginSale } from "./entry.js";
import { historyPanel } from "./history.js";
import { privacyPanel } from "./privacy.js";
import { folded, readRecord } from "./record.js";
import { decides } from "./session.js";
import { standingForm, stateForm } from "./standing.js";

/** The page; returns what ends its keys. */
export async function customerPage(main, id) {
  fill(main, h("p", { class: "soft" }, t("loading")));
  const [record, placed] = await Promise.all([
    readRecord(id, t("reason.order")),
    api.orders({ customer_id: id, limit: 10 }).catch((error) => error),
  ]);
  const head = h("div", { class: "row spread head" });
  const draw = () => fill(head, title(record), doings(record));
  record.watch(draw);
  draw();
  fill(
    main,
    head,
    callerPanel(record),
    h(
      "div",
      { class: "two" },
      h("div", { class: "stack" }, detailsPanel(record), addressBook(record), contactsPanel(record)),
      h(
        "div",
        { class: "stack" },
        orderList(placed),
        folded("history", t("history"), (box) => historyPanel(box, record), { fresh: true }),
        folded("demographics", t("demographics"), (box) => demographicsPanel(box, record)),
        folded("standing-of", t("standing"), async (box) =>
          fill(box, stateForm(record), decides() ? [standingForm(record), creditLink(record)] : null),
        ),
        decides() ? folded("privacy", t("privacy"), async (box) => privacyPanel(box, record)) : null,
      ),
    ),
  );
  return keysOf(main);
}

const creditLink = (record) =>
  h("p", {}, h("a", { class: "small", href: `#/card?customer=${record.seen.customer.id}` }, t("card.give")));

/** What single keys do here, outside a field. */
function keysOf(main) {
  const doing = { o: "#order-for", v: "#recognise" };
  const pressed = (event) => {
    if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!doing[event.key] || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    main.querySelector(doing[event.key])?.click();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

function title(record) {
  const { customer: who, merged_into: into, absorbed, state_reason: why } = record.seen;
  return h(
    "div",
    {},
    h("h1", { id: "name" }, who.name),
    h(
      "p",
      { class: "row" },
      h("span", { class: `badge ${who.state === "enabled" ? "good" : "warn"}`, id: "record-state" }, t(`state.${who.state}`)),
      record.recognised ? h("span", { class: "badge good", id: "recognised" }, t("caller.recognised")) : null,
      who.account ? h("a", { class: "badge", href: `#/account/${who.account}` }, who.account) : null,
      who.groups.map((group) => h("span", { class: "badge" }, group)),
      h("span", { class: "soft small mono" }, who.id),
    ),
    why ? h("p", { class: "soft small" }, why) : null,
    into ? h("p", { class: "notice warn" }, t("merged.into"), " ", h("a", { href: `#/customer/${into}` }, into)) : null,
    absorbed.length ? h("p", { class: "soft small" }, t("merged.absorbed", { count: absorbed.length })) : null,
  );
}

function doings(record) {
  const { customer: who } = record.seen;
  const may = ["enabled", "pending"].includes(who.state);
  return h(
    "div",
    { class: "row" },
    h(
      "button",
      { class: "button primary", id: "order-for", title: "o", disabled: !may, on: { click: () => beginFor(who) } },
      t("begin.for"),
    ),
    h("button", { class: "button", id: "sale-for", disabled: !may, on: { click: () => beginSale(who) } }, t("till.begin")),
    decides() && !record.seen.merged_into
      ? h("a", { class: "button", id: "merge", href: `#/merge/${who.id}` }, t("merge"))
      : null,
  );
}

const orderList = (placed) =>
  h(
    "section",
    { class: "panel stack" },
    h("h2", {}, t("orders")),
    placed instanceof Error
      ? notice(placed)
      : placed.orders.length
        ? h(
            "ul",
            { class: "rows" },
            placed.orders.map((each) =>
              h(
                "li",
                {},
                h(
                  "a",
                  { href: `#/order/${each.id}` },
                  h("strong", {}, each.tracking_number || each.id),
                  h("span", { class: "soft" }, each.placed_at ? moment(each.placed_at) : ""),
                  h("span", { class: "badge" }, t(`status.${each.status}`)),
                  h("span", { class: "numbers" }, money(each.total)),
                ),
              ),
            ),
          )
        : h("p", { class: "soft" }, t("orders.none")),
  );
