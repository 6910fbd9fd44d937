// Refusals in the customer's words.

import { Refused, Unreachable } from "/common/http.js";
import { h } from "/common/dom.js";
import { day, has, money, t } from "./i18n.js";

/** One sentence for an error (one that is a sentence already stays as it is). */
export function sentence(error, names = {}) {
  if (typeof error === "string") return error;
  if (error instanceof Unreachable) return t("problem.unreachable");
  if (!(error instanceof Refused)) throw error;
  const problem = error.problem;
  if (error.code === "out-of-stock" && problem.lines?.length) {
    return problem.lines.map((line) => short(line, names[line.sku] ?? line.sku)).join(" ");
  }
  if (error.code === "quantity-limit" && (problem.minimum > 1 || problem.step > 1)) {
    return t("problem.quantity-steps", problem);
  }
  if (problem.region && has(`problem.${error.code}.region`)) return t(`problem.${error.code}.region`, problem);
  if (has(`problem.${error.code}`)) return t(`problem.${error.code}`, readable(problem));
  return error.message;
}

/** A problem's members, amounts as people write them. */
const readable = (problem) =>
  Object.fromEntries(
    Object.entries(problem).map(([name, value]) => [name, value?.currency ? money(value) : value]),
  );

function short(line, name) {
  const later = (line.later ?? []).map(({ quantity: count, date }) =>
    t("there.later", { count, day: day(date) }),
  );
  const text = t("problem.short", { ...line, name });
  return later.length ? `${text} ${t("problem.short.later", { later: later.join(", ") })}` : text;
}

/** A notice for an error, read out at once. */
export function notice(error, names = {}) {
  return h("div", { class: "notice bad", role: "alert" }, sentence(error, names));
}

/**
 * Mark the form's fields that an invalid-request names by pointer (`prefix` is where the form is in
 * the body). True when at least one was found and focused.
 */
export function mark(form, error, prefix = "") {
  unmark(form);
  const errors =
    error.problem?.errors ??
    (error.problem?.pointer ? [{ pointer: error.problem.pointer, detail: error.message }] : []);
  let first = null;
  for (const { pointer, detail } of errors) {
    if (!pointer.startsWith(prefix)) continue;
    const input = form.elements.namedItem(pointer.slice(prefix.length).replace(/^\//, ""));
    if (!(input instanceof Element)) continue;
    const id = `wrong-${input.id || input.name}`;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", id);
    input.after(h("span", { class: "wrong", id }, plain(detail)));
    first ??= input;
  }
  first?.focus();
  return first !== null;
}

/** What a checker says, without the checker's own words before it. */
const plain = (detail) => {
  const said = detail.replace(/^(Value|Assertion) error, /, "");
  return said.charAt(0).toUpperCase() + said.slice(1);
};

export function unmark(form) {
  for (const wrong of form.querySelectorAll(".wrong")) wrong.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}

/** Show what went wrong in the form it happened in: at its fields, else at its top. */
export function tell(form, error, prefix = "", names = {}) {
  form.querySelector(".notice")?.remove();
  if (mark(form, error, prefix)) return;
  const shown = notice(error, names);
  form.prepend(shown);
  shown.scrollIntoView({ block: "center" });
}
