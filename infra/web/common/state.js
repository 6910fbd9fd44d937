// What this browser remembers between visits, and who wants to know when it changes.

const PREFIX = "parcelway.";
const listeners = new Map();

/** The remembered value of `name`, or `otherwise`. */
export function recall(name, otherwise = null) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Remember `value` (null forgets it). */
export function remember(name, value) {
  if (value === null) localStorage.removeItem(PREFIX + name);
  else localStorage.setItem(PREFIX + name, JSON.stringify(value));
}

/** Call `listener` whenever `topic` changes. */
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  return () => listeners.get(topic).delete(listener);
}

/** Tell everybody that `topic` changed. */
export function tell(topic, value) {
  for (const listener of [...(listeners.get(topic) ?? [])]) listener(value);
}
