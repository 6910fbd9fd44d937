// A person's data: all of it as a file, and forgetting them. For supervisors.

import { fill, h } from "/common/dom.js";
import { newKey, Refused } from "/common/http.js";
import { field, form } from "/common/forms.js";
import { moment, t } from "/common/i18n.js";
import { tell } from "/common/trouble.js";
import * as api from "./api.js";

const GROUNDS = ["requested", "not_needed", "unlawful"];

/** Fill a customer's panel. */
export function privacyPanel(box, record) {
  const who = record.seen.customer;
  fill(box, exportForm(who), h("hr"), eraseForm(who));
}

function exportForm(who) {
  const done = h("p", { role: "status", class: "soft small" });
  const element = form(
    { class: "stack", id: "export" },
    async () => {
      const reason = element.elements.namedItem("reason").value.trim();
      try {
        fill(done, t("loading"));
        const document = await wholeOf(who.id, reason);
        save(document, `${who.id}.json`);
        fill(done, t("export.done", { count: document.orders.length }));
      } catch (error) {
        fill(done);
        tell(element, error);
      }
    },
    h("h2", {}, t("export")),
    field("reason", t("field.why"), { minlength: "3", maxlength: "200" }),
    h("button", { class: "button small primary" }, t("export.do")),
    done,
  );
  return element;
}

/** All parts of an export as one document. */
async function wholeOf(id, reason) {
  const document = await api.exported(id, { reason });
  let cursor = document.next_cursor;
  while (cursor) {
    const part = await api.exported(id, { reason, cursor });
    document.orders.push(...part.orders);
    cursor = part.next_cursor;
  }
  delete document.next_cursor;
  return document;
}

function save(document, name) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const grounds = () =>
  field("grounds", t("erase.grounds"), { options: GROUNDS.map((each) => h("option", { value: each }, t(`grounds.${each}`))) });

function eraseForm(who) {
  const send = (element, key) => api.erase(who.id, element.elements.namedItem("grounds").value, key);
  return erasing("erase", h("h2", {}, t("erase")), send, (element) =>
    element.elements.namedItem("typed").value.trim().toLowerCase() === who.email.toLowerCase(),
    grounds(),
    field("typed", t("erase.type", { what: who.email }), { autocomplete: "off", spellcheck: "false" }),
  );
}

/** The page for those who ordered as guests only. */
export async function guestPage(main) {
  const value = (element, name) => element.elements.namedItem(name).value.trim();
  const send = (element, key) => api.eraseGuest({ email: value(element, "email"), grounds: value(element, "grounds") }, key);
  const element = erasing(
    "erase-guest",
    h("h1", {}, t("erase.guest")),
    send,
    () => value(element, "typed").toLowerCase() === value(element, "email").toLowerCase(),
    h("p", { class: "soft" }, t("erase.guest.note")),
    field("email", t("field.email"), { type: "email", autocomplete: "off" }),
    grounds(),
    field("typed", t("erase.type_email"), { autocomplete: "off", spellcheck: "false" }),
  );
  fill(main, h("div", { class: "panel middling" }, element));
  element.querySelector("input").focus();
}

/** A form that forgets somebody once it is confirmed by typing; `send(element, key)` answers how far. */
function erasing(id, head, send, confirmed, ...fields) {
  let key = newKey();
  const state = h("div", { "aria-live": "polite" });
  const element = form(
    { class: "stack", id },
    async () => {
      if (!confirmed(element)) {
        tell(element, new Refused(422, { pointer: "/typed", detail: t("erase.mistyped") }));
        return;
      }
      try {
        fill(state, progress(await send(element, key)));
        key = newKey(); // asked again, it tells how far it is
        element.querySelector(".notice.bad")?.remove();
      } catch (error) {
        if (error instanceof Refused) key = newKey();
        fill(state);
        tell(element, error);
        obstacles(element, error);
      }
    },
    head,
    h("p", { class: "soft small" }, t("erase.note")),
    fields,
    h("button", { class: "button small primary danger" }, t("erase.do")),
    state,
  );
  return element;
}

const progress = ({ status, asked_at: at }) =>
  h("p", { class: "notice", "data-erasure": status }, t(`erase.${status}`, { at: at ? moment(at) : "" }));

/** What is still open between the person and the shop, or whose address it is. */
function obstacles(element, error) {
  const shown = element.querySelector(".notice.bad, .wrong");
  const { in_the_way: found = [], customer_id: id } = error.problem ?? {};
  if (id) shown?.append(" ", h("a", { href: `#/customer/${id}` }, t("record")));
  if (!shown || !found.length) return;
  shown.append(
    h(
      "ul",
      { id: "in-the-way" },
      found.map(({ what, reference }) =>
        h("li", {}, `${t(`obstacle.${what}`)}: `, h("a", { href: what === "store_credit" ? `#/card/${reference}` : `#/order/${reference}` }, reference)),
      ),
    ),
  );
}
