// What was typed and not sent yet outlives that a part of the page is drawn anew around it.

/** Notice what is typed anywhere in `root`. */
export function watchTyping(root) {
  root.addEventListener("input", ({ target }) => (target.dataset.typed = "1"));
}

/** What is in a form has been sent: it is not typed any more. */
export function wasSent(form) {
  for (const each of form.querySelectorAll("[data-typed]")) delete each.dataset.typed;
}

/** Have `draw` replace what is in `element`; what was typed there, and where, is put back. */
export async function keepingTyped(element, draw) {
  const active = element.contains(document.activeElement) ? placeOf(document.activeElement) : "";
  const typed = [...element.querySelectorAll("[data-typed]")].map((each) => ({
    place: placeOf(each),
    value: each.value,
    checked: each.checked,
  }));
  const drawn = draw();
  if (drawn instanceof Promise) await drawn; // else all of it happens before the next key
  for (const each of typed) putBack(element, each);
  if (active && !element.contains(document.activeElement)) find(element, active)?.focus();
}

function placeOf({ id, name, form }) {
  const own = name ? `[name="${CSS.escape(name)}"]` : `#${CSS.escape(id)}`;
  if (!id && !name) return "";
  return form?.id ? `#${CSS.escape(form.id)} ${own}` : own;
}

const find = (element, place) => (place ? element.querySelector(place) : null);

function putBack(element, { place, value, checked }) {
  const field = find(element, place);
  if (!field || field.type === "radio") return; // a choice is told at once
  if (field.type === "checkbox") {
    if (field.checked === checked) return;
    field.checked = checked;
  } else {
    if (field.value === value) return;
    field.value = value;
  }
  field.dataset.typed = "1";
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
