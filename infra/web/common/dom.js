// Elements without a framework. Text is always text: nothing here parses HTML.

/** An element: `props` are attributes, `class`, `on` {event: listener} and `style` {--name: value}. */
export function h(tag, props = {}, ...children) {
  const element =
    tag === "svg" || NESTED_SVG.has(tag)
      ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value))
        element.addEventListener(event, listener);
    } else if (name === "style") {
      for (const [property, text] of Object.entries(value))
        element.style.setProperty(property, text);
    } else if (name === "value" && "value" in element && tag !== "li" && tag !== "button") {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  add(element, children);
  return element;
}

const NESTED_SVG = new Set(["path", "rect", "circle", "ellipse", "g"]);

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replace everything inside `element`. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** A short message at the foot of the page, read out by screen readers. */
export function toast(text, kind = "") {
  let region = document.getElementById("toasts");
  if (!region) {
    region = h("div", { id: "toasts", role: "status", "aria-live": "polite" });
  }
  // An open dialog covers the rest of the page, live regions included.
  (document.querySelector("dialog[open]") ?? document.body).append(region);
  fill(region, h("p", { class: `toast ${kind}` }, text));
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => fill(region), 4000);
}

/** Run `work` now and every `seconds` while the page is visible; returns a function that ends it. */
export function every(seconds, work) {
  let timer = 0;
  let ended = false;
  const turn = async () => {
    if (!document.hidden) await work();
    if (!ended) timer = setTimeout(turn, seconds * 1000);
  };
  turn();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** Replace children only when `key` differs from last time, so that focus and frames survive. */
export function fillIfChanged(element, key, make) {
  const text = JSON.stringify(key);
  if (element.dataset.shown === text) return;
  element.dataset.shown = text;
  fill(element, make());
}
