// Whether a customer may sign in and order, and what offers tell them apart by.

import { h, toast } from "/common/dom.js";
import { field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import * as api from "./api.js";

/** Enable, lock or disable, with the reason. */
export function stateForm(record) {
  const who = record.seen.customer;
  const element = form(
    { class: "stack", id: "state" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim();
      const body = { state: value("state"), reason: value("reason") };
      const saved = await record.save(element, (now) => api.setState(now.id, body, now.version));
      if (!saved) return;
      element.elements.namedItem("reason").value = "";
      toast(t("saved.done"));
    },
    field("state", t("state"), {
      options: ["enabled", "locked", "disabled"].map((state) =>
        h("option", { value: state, selected: state === who.state }, t(`state.${state}`)),
      ),
    }),
    field("reason", t("field.reason"), { maxlength: "200" }),
    h("button", { class: "button small primary" }, t("save")),
  );
  return element;
}

/** Customer groups, and the business account. */
export function standingForm(record) {
  const who = record.seen.customer;
  const element = form(
    { class: "stack", id: "standing" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value.trim().toLowerCase();
      const groups = value("groups").split(/[\s,]+/).filter(Boolean);
      const body = { groups, account: value("account") };
      const saved = await record.save(element, async (now) => ({
        customer: await api.setStanding(now.id, body, now.version),
      }));
      if (saved) toast(t("saved.done"));
    },
    h("hr"),
    field("groups", t("standing.groups"), { required: false, value: who.groups.join(", ") }, { hint: t("standing.groups.hint") }),
    field("account", t("account"), { required: false, value: who.account, maxlength: "40" }),
    h("button", { class: "button small primary" }, t("save")),
  );
  return element;
}
