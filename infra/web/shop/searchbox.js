// The search field with suggestions as one types (a combobox with a list box, as WAI-ARIA has it).

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { t } from "/common/i18n.js";
import { address } from "./places.js";

const PAUSE = 120; // milliseconds without a key before suggestions are asked for

/** The form; `words` is what is being searched for now. */
export function searchBox(words) {
  let asked = 0;
  let timer = 0;
  let active = -1;
  const list = h("ul", {
    id: "suggestions",
    role: "listbox",
    hidden: true,
    "aria-label": t("search"),
  });
  const input = h("input", {
    type: "search",
    name: "q",
    role: "combobox",
    autocomplete: "off",
    "aria-expanded": "false",
    "aria-controls": "suggestions",
    "aria-autocomplete": "list",
    "aria-label": t("search"),
    placeholder: t("search.placeholder"),
    value: words,
    maxlength: "200",
    on: {
      input: () => {
        clearTimeout(timer);
        timer = setTimeout(offer, PAUSE);
      },
      keydown: keys,
      blur: () => setTimeout(close, 150),
    },
  });

  async function offer() {
    const mine = ++asked;
    const text = input.value.trim();
    const found = text
      ? (await api.suggest(text).catch(() => ({ suggestions: [] }))).suggestions
      : [];
    if (mine !== asked || document.activeElement !== input) return;
    active = -1;
    fill(
      list,
      found.map(({ value, count }, index) =>
        h(
          "li",
          {
            role: "option",
            id: `suggestion-${index}`,
            "data-value": value,
            on: {
              mousedown: (event) => {
                event.preventDefault();
                choose(value);
              },
            },
          },
          h("span", {}, value),
          h("small", { class: "soft numbers" }, count),
        ),
      ),
    );
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  }

  function close() {
    asked += 1;
    clearTimeout(timer);
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  function choose(value) {
    input.value = value;
    close();
    const target = address(value ? { q: value } : {});
    if (location.hash === target) dispatchEvent(new HashChangeEvent("hashchange"));
    location.hash = target;
  }

  function keys(event) {
    const options = [...list.children];
    if (event.key === "Escape") close();
    if (list.hidden || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    active = (active + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length;
    options.forEach((each, index) => each.setAttribute("aria-selected", String(index === active)));
    input.setAttribute("aria-activedescendant", options[active].id);
  }

  return h(
    "form",
    {
      class: "search",
      role: "search",
      on: {
        submit: (event) => {
          event.preventDefault();
          choose(
            list.hidden || active < 0 ? input.value.trim() : list.children[active].dataset.value,
          );
        },
      },
    },
    input,
    h("button", { class: "button small", type: "submit" }, t("search")),
    list,
  );
}
