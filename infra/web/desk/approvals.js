// What others propose to take off a price, and a supervisor's word on it.

import { fill, h, toast } from "/common/dom.js";
import { money, moment, t } from "/common/i18n.js";
import { sentence } from "/common/trouble.js";
import * as api from "./api.js";

/** The page. */
export async function approvalsPage(main) {
  const page = await api.proposals("");
  fill(
    main,
    h("h1", {}, t("approvals")),
    page.proposals.length
      ? h("ul", { class: "stack", id: "proposals" }, page.proposals.map((each) => row(main, each)))
      : h("p", { class: "empty" }, t("approvals.none")),
  );
}

function row(main, { cart_id: cart, adjustment }) {
  const say = (verdict) => async ({ target }) => {
    target.disabled = true;
    try {
      await api.decide(cart, adjustment.id, verdict);
      toast(t(`decided.${verdict}`));
      await approvalsPage(main);
    } catch (error) {
      target.disabled = false;
      toast(sentence(error), "bad");
    }
  };
  const button = (verdict, kind) =>
    h("button", { class: `button small ${kind}`, "data-verdict": verdict, on: { click: say(verdict) } }, t(verdict));
  return h(
    "li",
    { class: "panel row spread" },
    h(
      "span",
      { class: "grow" },
      h("strong", {}, `${t(`adjust.${adjustment.kind}`)}: ${money(adjustment.old)} → ${money(adjustment.new)}`),
      h("span", { class: "soft small line-of" }, [adjustment.reason, adjustment.note, moment(adjustment.at)].filter(Boolean).join(" · ")),
    ),
    h("a", { href: `#/order/${cart}` }, t("order")),
    button("approve", "primary"),
    button("reject", ""),
  );
}
