// What is not there now, and what the customer wants done about it: by dates and totals.

import { h } from "/common/dom.js";
import { day, days, money, t } from "/common/i18n.js";
import * as api from "./api.js";

/** The section's content. */
export function choiceSection(view) {
  const { found, order } = view;
  if (!found || found.complete) return [];
  const head = h("h2", { id: "h-choice" }, t("step.shortage"));
  if (!found.choices.length) return [head, h("p", { class: "notice warn" }, t("choose.none"))];
  return [
    head,
    h(
      "fieldset",
      {},
      h("legend", { class: "soft" }, t("choose.how")),
      h(
        "ul",
        { class: "choices" },
        found.choices.map((choice) => h("li", {}, option(view, choice, order.shortage))),
      ),
    ),
  ];
}

function option(view, choice, chosen) {
  const sum = choice.orders.reduce((all, { total }) => all + total.minor, 0);
  const { currency } = choice.orders[0].total;
  return h(
    "label",
    { class: "choice" },
    h("input", {
      type: "radio",
      name: "shortage",
      value: choice.shortage,
      checked: choice.shortage === chosen,
      on: {
        change: () => view.change((held) => api.describe(held, { shortage: choice.shortage })),
      },
    }),
    h(
      "span",
      { class: "grow" },
      h("strong", {}, t(`choice.${choice.shortage}`)),
      choice.orders.map((part, index) =>
        h(
          "span",
          { class: "soft small part" },
          choice.orders.length > 1 ? `${t("nth.order", { number: index + 1 })}: ` : "",
          [...part.lines.flatMap((line) => there(view, line)), ...part.deliveries.map(window)]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
    ),
    h("span", { class: "numbers" }, money({ minor: sum, currency })),
  );
}

function there(view, { sku, now, later }) {
  const name = view.order.lines.find((line) => line.sku === sku)?.name ?? sku;
  const parts = now ? [t("there.now", { count: now })] : [];
  for (const { quantity: count, due } of later)
    parts.push(due ? t("there.later", { count, day: day(due) }) : t("there.sometime", { count }));
  return parts.length ? [`${name}: ${parts.join(", ")}`] : [];
}

const window = ({ from_date: from, to_date: to }) => (from ? t("arrives", { days: days(from, to) }) : "");
