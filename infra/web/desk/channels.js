// How the channels are set: whether they sell, how fast, how much to one customer, whether they ship.

import { fill, h, toast } from "/common/dom.js";
import { field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { check } from "./addresses.js";
import { CHANNELS } from "./orders.js";

/** The page: a panel for each. */
export async function channelsPage(main) {
  fill(main, h("p", { class: "soft" }, t("loading")));
  const all = await Promise.all(CHANNELS.map((name) => api.channel(name).catch((error) => error)));
  fill(
    main,
    h("div", { class: "head" }, h("h1", {}, t("channels")), h("p", { class: "soft" }, t("channels.note"))),
    h("div", { class: "tiles" }, all.map((each, index) => (each instanceof Error ? notice(each) : panel(CHANNELS[index], each)))),
  );
}

function panel(name, set) {
  let known = set;
  let limits = Object.entries(set.purchase_limits).map(([sku, { units, days }]) => ({ sku, units, days }));
  const state = h("p", { class: "row" });
  const list = h("ul", { class: "stack" });
  const drawState = () =>
    fill(
      state,
      h("span", { class: `badge ${known.sellable ? "good" : "bad"}` }, t(known.sellable ? "channels.sells" : "channels.closed")),
      known.closed_regions.length ? h("span", { class: "badge warn" }, t("channels.not_to", { regions: known.closed_regions.join(", ") })) : null,
      known.stop_ship ? h("span", { class: "badge bad" }, t("channels.stopped")) : null,
      known.orders_per_minute ? h("span", { class: "badge warn" }, t("channels.rate", { count: known.orders_per_minute })) : null,
    );
  const drawLimits = () => fill(list, limits.map((limit, index) => limitRow(limit, index, () => {
    limits = limits.filter((each) => each !== limit);
    drawLimits();
  })));
  const element = form(
    { class: "panel stack", id: `channel-${name}` },
    async () => {
      const value = (field) => element.elements.namedItem(field).value.trim();
      const body = {
        sellable: element.elements.namedItem("sellable").checked,
        orders_per_minute: value("orders_per_minute") ? Number(value("orders_per_minute")) : null,
        stop_ship: value("stop_ship"),
        closed_regions: value("closed_regions").toUpperCase().split(/[\s,;]+/).filter(Boolean),
        purchase_limits: Object.fromEntries(limits.map(({ sku, units, days }) => [sku.trim(), { units: Number(units), days: Number(days) }])),
      };
      try {
        known = await api.setChannel(name, body, known.version);
        drawState();
        toast(t("channels.saved"));
      } catch (error) {
        if (error.code === "stale-version") await api.channel(name).then((now) => (known = now), () => undefined);
        drawState();
        tell(element, atRegions(error));
      }
    },
    h("h2", {}, t(`channel.${name}`)),
    state,
    check("sellable", t("channels.sellable"), set.sellable),
    field("orders_per_minute", t("channels.throttle"), { type: "number", min: "1", max: "100000", required: false, value: set.orders_per_minute ?? "" }, { hint: t("channels.throttle.hint") }),
    field("closed_regions", t("channels.regions"), { maxlength: "900", required: false, value: set.closed_regions.join(", "), autocomplete: "off" }, { hint: t("channels.regions.hint") }),
    field("stop_ship", t("channels.stop_ship"), { maxlength: "200", required: false, value: set.stop_ship }, { hint: t("channels.stop_ship.hint") }),
    h(
      "fieldset",
      { class: "stack" },
      h("legend", {}, h("strong", {}, t("channels.limits"))),
      list,
      h(
        "button",
        {
          type: "button",
          class: "link small",
          on: {
            click: () => {
              limits = [...limits, { sku: "", units: "1", days: "1" }];
              drawLimits();
              list.querySelector("li:last-child input").focus();
            },
          },
        },
        t("channels.limits.add"),
      ),
    ),
    h("button", { class: "button primary small" }, t("save")),
  );
  drawState();
  drawLimits();
  return element;
}

/** A refusal of one of the regions is told at the field that has them all. */
function atRegions(error) {
  for (const each of error.problem?.errors ?? []) each.pointer = each.pointer.replace(/^(\/closed_regions)\/.*/, "$1");
  return error;
}

const limitRow = (limit, index, remove) => {
  const kept = (name) => ({ input: ({ target }) => (limit[name] = target.value) });
  return h(
    "li",
    { class: "limit" },
    field(`purchase_limits/${index}/sku`, t("channels.sku"), { maxlength: "40", value: limit.sku, on: kept("sku") }),
    field(`purchase_limits/${index}/units`, t("channels.units"), { type: "number", min: "1", value: String(limit.units), on: kept("units") }),
    field(`purchase_limits/${index}/days`, t("channels.days"), { type: "number", min: "1", value: String(limit.days), on: kept("days") }),
    h("button", { type: "button", class: "link small", "aria-label": t("remove.of", { name: limit.sku }), on: { click: remove } }, t("remove")),
  );
};
