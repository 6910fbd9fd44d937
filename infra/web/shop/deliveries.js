// The deliveries of an order: where, when, what of it waits, and its parcels.

import { h } from "/common/dom.js";
import { addressBlock } from "/common/forms.js";
import { day, days, has, t } from "/common/i18n.js";

/** When a delivery is to be there: the first promise, and the present one where it was revised. */
export function promiseText(delivery) {
  const { promised_from: first, expected_from: from, revised } = delivery;
  if (!first && !revised) return null;
  const kind = delivery.method === "pickup" ? "ready" : "arrives";
  const present = from
    ? t(kind, { days: days(from, delivery.expected_to) })
    : t("arrives.unknown");
  if (!revised) return h("p", { class: "soft promise" }, present);
  const reason = `revised.${delivery.revision_reason}`;
  return h(
    "div",
    { class: "promise revised" },
    h("p", {}, h("strong", {}, present)),
    first
      ? h(
          "p",
          { class: "soft small" },
          t("revised.was"),
          " ",
          h("s", {}, days(first, delivery.promised_to)),
        )
      : null,
    h("p", { class: "soft small" }, t(has(reason) ? reason : "revised.other")),
  );
}

/** Units of a line that wait for goods, with their days; null where none does. */
export function waitingText({ expected }) {
  if (!expected.length) return null;
  const text = expected.map(({ quantity: count, due }) =>
    due ? t("waiting.on", { count, day: day(due) }) : t("waiting.unknown", { count }),
  );
  return h("span", { class: "line-note small" }, text.join(", "));
}

/** One panel for each delivery of an order that has several. */
export function deliveryPanels(order, tracked, over) {
  const names = Object.fromEntries(order.lines.map(({ sku, name }) => [sku, name]));
  return order.deliveries.map((delivery, index) => {
    const number = index + 1;
    return h(
      "section",
      { class: "panel stack delivery", "aria-labelledby": `delivery-${number}` },
      h("h2", { id: `delivery-${number}` }, t("nth.delivery", { number })),
      over ? null : promiseText(delivery),
      delivery.address ? addressBlock(delivery.address) : h("p", {}, storeName(delivery, number, tracked)),
      h(
        "ul",
        { class: "small" },
        delivery.lines.map(({ sku, quantity }) => h("li", {}, `${quantity} × ${names[sku]}`)),
      ),
      parcels((tracked?.parcels ?? []).filter((parcel) => parcel.delivery === number)),
    );
  });
}

/** Parcels with how far each is; those that have no number yet are told too once there are more. */
export function parcels(found) {
  return found
    .filter((parcel) => parcel.parcel_number || parcel.code || found.length > 1)
    .map((parcel) =>
      h(
        "p",
        { class: "small parcel" },
        parcelName(parcel),
        h("br"),
        h("span", { class: "soft" }, parcel.text),
        parcel.code ? [h("br"), collection(parcel)] : null,
      ),
    );
}

const parcelName = ({ carrier, number, parcel_number: tracked }) =>
  tracked ? t("order.parcel", { carrier, number: tracked }) : t("order.parcel.nth", { number });

/** What to say in the store, and until when. */
const collection = ({ code, collect_until: until }) => [
  t("collect.code"),
  " ",
  h("strong", { class: "mono", id: "collect-code" }, code),
  until ? `, ${t("collect.until", { day: day(until) })}` : null,
];

/** The name of the store where delivery `number` is collected, which tracking knows. */
export function storeName(delivery, number, tracked) {
  const place = tracked?.destinations?.find((each) => each.number === number);
  return place?.store || delivery.store;
}
