// A customer's record as it is on the page: read once, its parts drawn by themselves, so that saving
// one of them leaves alone what is being typed into another.

import { h } from "/common/dom.js";
import { t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";

/** {seen, update, watch, save}: what was read, and who wants to know when it is other. */
export async function readRecord(id, reason) {
  const record = { seen: await api.customer(id, reason), watchers: [] };
  record.update = (changed) => {
    record.seen = { ...record.seen, ...changed };
    for (const watcher of record.watchers) watcher();
  };
  record.watch = (watcher) => record.watchers.push(watcher);
  /**
   * Have `act(customer)` change the record; it answers the record. True when it did, else what went
   * wrong is shown in `element`. What somebody else changed meanwhile is read, and nothing typed goes.
   */
  record.save = async (element, act, prefix = "") => {
    try {
      record.update(await act(record.seen.customer));
      return true;
    } catch (error) {
      if (error.code === "stale-version") {
        await api.customer(id, reason).then(record.update, () => undefined);
      }
      tell(element, error, prefix);
      return false;
    }
  };
  return record;
}

/**
 * A panel that reads what is in it once it is opened: reading is put on record. `fresh`: each time it
 * is opened; nothing is typed into it then.
 */
export function folded(id, title, load, { fresh = false } = {}) {
  const box = h("div", { class: "stack" });
  let asked = false;
  const element = h(
    "details",
    { class: "panel fold", id, on: { toggle: () => (element.open ? open() : closed()) } },
    h("summary", {}, title),
    box,
  );
  const closed = () => {
    if (fresh) asked = false;
  };
  const open = async () => {
    if (asked) return;
    asked = true;
    box.replaceChildren(h("p", { class: "soft" }, t("loading")));
    try {
      await load(box);
    } catch (error) {
      asked = false; // to be opened again
      box.replaceChildren(notice(error));
    }
  };
  return element;
}
