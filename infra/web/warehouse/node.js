// What a node may say to a shipment besides sending it: the part of each shipment that folds open.

import { h } from "/common/dom.js";

const REJECTIONS = {
  out_of_stock: "Not there",
  damaged: "Damaged",
  capacity: "No room or time",
  closed: "Closed",
  other: "Something else",
};
const HOLDS = {
  address: "The address",
  goods: "The goods",
  papers: "The papers",
  customer: "The customer asks for it",
  suspicion: "Something is suspicious",
  other: "Something else",
};
const open = new Set(); // shipments whose part is open: the list is drawn anew now and then

/** Whether its node has accepted a shipment, and what holds it. */
export function marks(one) {
  return [
    one.held
      ? h("span", { class: "badge bad" }, `On hold: ${(HOLDS[one.held] ?? one.held).toLowerCase()}`)
      : null,
    one.accepted_at && one.status === "released"
      ? h("span", { class: "badge good" }, "Accepted")
      : null,
  ];
}

/** Buttons and forms; `report(what, body)` tells the shop, `nodes` are where it could go instead. */
export function atNode(one, report, nodes) {
  const unpacked = one.status === "released";
  const parts = [
    unpacked && !one.accepted_at
      ? h("div", { class: "row" }, button("Accept", "accept", () => report("accept")))
      : null,
    unpacked ? quantities(one, report) : null,
    choice("Reject because of", "reject", REJECTIONS, (reason) => report("reject", { reason })),
    one.held
      ? h(
          "div",
          { class: "row" },
          one.held_note ? h("span", { class: "small" }, one.held_note) : null,
          button("Release the hold", "release-hold", () => report("release-hold")),
        )
      : one.status === "ready_for_pickup"
        ? null
        : choice("Hold because of", "hold", HOLDS, (reason) => report("hold", { reason })),
    unpacked && one.method === "delivery"
      ? choice(
          "Have it sent by",
          "move",
          Object.fromEntries(
            nodes.filter(({ id }) => id !== one.node).map(({ id, name }) => [id, name]),
          ),
          (node) => report("move", { node }),
        )
      : null,
  ];
  const box = h(
    "details",
    {
      class: "at-node",
      open: open.has(one.id),
      on: { toggle: () => (box.open ? open.add(one.id) : open.delete(one.id)) },
    },
    h("summary", {}, "Something is different"),
    parts,
  );
  return box;
}

/** Units of each line: how many were found, or how many go in another parcel. */
function quantities(one, report) {
  const inputs = one.lines.map((line) =>
    h("input", {
      type: "number",
      name: line.sku,
      min: "0",
      max: String(line.quantity),
      value: String(line.quantity),
      required: true,
    }),
  );
  const named = (key) =>
    one.lines
      .map((line, index) => ({ sku: line.sku, [key]: inputs[index].valueAsNumber }))
      .filter((line) => line[key] > 0 || key === "picked");
  return h(
    "form",
    { on: { submit: (event) => event.preventDefault() } },
    h(
      "div",
      { class: "parcel-form" },
      one.lines.map((line, index) =>
        h("label", { class: "field" }, h("span", {}, line.name), inputs[index]),
      ),
    ),
    h(
      "div",
      { class: "row" },
      button("Only these were found", "short-pick", () =>
        report("short-pick", { lines: named("picked") }),
      ),
      button("These in another parcel", "split", () =>
        report("split", { lines: named("quantity") }),
      ),
    ),
  );
}

function choice(label, what, options, act) {
  const chosen = h(
    "select",
    { name: what },
    Object.entries(options).map(([value, words]) => h("option", { value }, words)),
  );
  const words = what[0].toUpperCase() + what.slice(1);
  return h(
    "div",
    { class: "parcel-form" },
    h("label", { class: "field" }, h("span", {}, label), chosen),
    button(words, what, () => act(chosen.value)),
  );
}

function button(words, what, act) {
  return h(
    "button",
    { class: "button small", type: "button", "data-act": what, on: { click: act } },
    words,
  );
}
