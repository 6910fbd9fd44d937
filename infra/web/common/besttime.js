// When somebody wants to be called: told in a line, and asked for in a form.

import { h } from "./dom.js";
import { field } from "./forms.js";
import { currentLanguage, t } from "./i18n.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONDAY = Date.UTC(2024, 0, 1);

/** Days and hours in one line. */
export const bestTimeText = ({ days, start, end, time_zone: zone }) =>
  `${days.map(dayName).join(" ")} ${start}–${end} (${zone.replace(/_/g, " ")})`;

const dayName = (day) =>
  new Intl.DateTimeFormat(currentLanguage(), { weekday: "short", timeZone: "UTC" }).format(
    new Date(MONDAY + DAYS.indexOf(day) * 86_400_000),
  );

/** The fields; without a day there is no best time. */
export function bestTimeFields(best = null) {
  const zone = best?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const one = (name, label, props) => field(`best_time/${name}`, t(label), props, { kind: "third" });
  return [
    h(
      "fieldset",
      {},
      h("legend", { class: "soft small" }, t("best.days")),
      h("div", { class: "row days" }, DAYS.map((day) => dayBox(day, Boolean(best?.days.includes(day))))),
    ),
    h(
      "div",
      { class: "fields" },
      one("start", "best.from", { type: "time", value: best?.start ?? "09:00" }),
      one("end", "best.to", { type: "time", value: best?.end ?? "17:00" }),
      one("time_zone", "best.zone", { value: zone, maxlength: "40" }),
    ),
  ];
}

const dayBox = (day, checked) =>
  h("label", { class: "check" }, h("input", { type: "checkbox", name: day, checked }), dayName(day));

/** What was entered; null for any time. */
export function bestTimeOf(form) {
  const value = (name) => form.elements.namedItem(`best_time/${name}`).value.trim();
  const days = DAYS.filter((day) => form.elements.namedItem(day).checked);
  if (!days.length) return null;
  return { days, start: value("start"), end: value("end"), time_zone: value("time_zone") };
}
