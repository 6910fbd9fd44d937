// Lists of orders: of who is signed in, and those that were placed in this browser.

import { fill, h } from "/common/dom.js";
import * as api from "./api.js";
import { moment, money, t } from "/common/i18n.js";
import { recall } from "/common/state.js";
import { notice } from "/common/trouble.js";

/** The page. */
export async function ordersPage(main) {
  const here = recall("orders", []);
  const own = h("div", { class: "stack" });
  fill(main, h("h1", {}, t("orders")), own);
  if (api.signedIn()) await ownOrders(own);
  else
    fill(
      own,
      h("p", { class: "soft" }, t("sign_in.why"), " ", h("a", { href: "#/account" }, t("sign_in"))),
    );
  if (here.length) {
    main.append(
      h(
        "section",
        { class: "stack here" },
        h("h2", {}, t("orders.here")),
        h(
          "ul",
          { class: "order-list" },
          here.map((each) =>
            h(
              "li",
              {},
              h(
                "a",
                { href: `#/order/${each.id}` },
                h("strong", { class: "mono" }, each.number),
                h("span", { class: "soft" }, moment(each.placedAt)),
              ),
            ),
          ),
        ),
      ),
    );
  }
}

async function ownOrders(box) {
  const list = h("ul", { class: "order-list" });
  const button = h("button", { class: "button" }, t("more"));
  let cursor = null;
  const load = async () => {
    const page = await api.orders(cursor);
    list.append(...page.orders.map(entry));
    cursor = page.next_cursor;
    button.hidden = !cursor;
    if (!list.children.length) fill(box, h("p", { class: "soft" }, t("orders.none")));
  };
  button.addEventListener("click", () => load().catch((error) => box.append(notice(error))));
  fill(box, list, button);
  try {
    await load();
  } catch (error) {
    fill(box, notice(error));
  }
}

function entry(order) {
  const units = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/order/${order.id}` },
      h("strong", { class: "mono" }, order.tracking_number),
      h("span", { class: "soft" }, moment(order.placed_at)),
      h("span", {}, t(`status.${order.state}`)),
      h("span", { class: "soft" }, t("orders.items", { count: units })),
      h("span", { class: "numbers right" }, money(order.totals.gross)),
    ),
  );
}
