// What changed about a customer, when, by whom and why; for supervisors also who looked.

import { fill, h } from "/common/dom.js";
import { has, moment, t } from "/common/i18n.js";
import { notice } from "/common/trouble.js";
import * as api from "./api.js";
import { decides } from "./session.js";

const INNER = ["subject", "email_key", "sign_up", "invited_by"]; // follow from others

/** What a record's field is called. */
const fieldName = (name) => (has(`record.${name}`) ? t(`record.${name}`) : name.replace(/_/g, " "));

/** Fill the panel. */
export async function historyPanel(box, record) {
  const { id } = record.seen.customer;
  const changes = h("ol", { class: "timeline", id: "changes" });
  const looks = h("ol", { class: "timeline", id: "looks" });
  fill(box, changes, decides() ? [h("h2", {}, t("history.looks")), looks] : null);
  await Promise.all([
    pages(changes, (cursor) => api.history(id, { reason: t("reason.history"), limit: 20, cursor }), ({ entries }) => entries.map(change)),
    decides() ? pages(looks, (cursor) => api.audit(id, { limit: 20, cursor }), ({ accesses }) => accesses.map(look)) : null,
  ]);
}

async function pages(list, read, rows, cursor = "") {
  const page = await read(cursor);
  list.append(...rows(page));
  if (!page.next_cursor) return;
  const more = h("button", { class: "button small" }, t("more"));
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      await pages(list, read, rows, page.next_cursor);
      more.remove();
    } catch (error) {
      more.disabled = false;
      more.before(notice(error));
    }
  });
  list.after(more);
}

const change = ({ at, actor, fields, reason, consents = {} }) =>
  h(
    "li",
    {},
    h("time", { class: "soft small numbers" }, moment(at)),
    h("span", {}, fields.filter((name) => !INNER.includes(name)).map(fieldName).join(", ")),
    h("span", { class: "soft small" }, has(`actor.${actor.kind}`) ? t(`actor.${actor.kind}`) : actor.kind),
    reason ? h("p", { class: "said" }, reason) : null,
    Object.entries(consents).map(([purpose, word]) =>
      has(`consent.${purpose}`) ? h("p", { class: "said" }, `${t(`consent.${purpose}`)}: ${t(word.granted ? "yes" : "no")}`) : null,
    ),
  );

const look = ({ at, staff, reason, how }) =>
  h(
    "li",
    {},
    h("time", { class: "soft small numbers" }, moment(at)),
    h("span", {}, reason),
    h("span", { class: "soft small", title: staff }, has(`find.${how}`) ? t(`find.${how}`) : has(`how.${how}`) ? t(`how.${how}`) : how),
  );
