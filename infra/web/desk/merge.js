// Two records of one person become one: both side by side, and which of them stays.

import { fill, h, toast } from "/common/dom.js";
import { newKey, Refused } from "/common/http.js";
import { addressLines, field, form } from "/common/forms.js";
import { moment, t } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { languageName } from "./details.js";
import { guess, questions } from "./find.js";

/** The page for one record; `query` names the other one once it is found. */
export async function mergePage(main, id, query) {
  const other = query.get("with");
  fill(main, h("p", { class: "soft" }, t("loading")));
  const one = await api.customer(id, t("reason.merge"));
  fill(main, h("h1", { class: "head" }, t("merge.of", { name: one.customer.name })));
  if (!other) {
    main.append(finder(one.customer));
    main.querySelector("input").focus();
    return;
  }
  const two = await api.customer(other, t("reason.merge"));
  const orders = await Promise.all([id, other].map((each) => ordersOf(each)));
  compare(main, [one, two], orders);
}

/** How many orders, as far as one look tells. */
async function ordersOf(id) {
  try {
    const page = await api.orders({ customer_id: id, limit: 20 });
    return `${page.orders.length}${page.next_cursor ? "+" : ""}`;
  } catch {
    return "?";
  }
}

function finder(who) {
  const found = h("div", { "aria-live": "polite" });
  const element = form(
    { class: "panel stack", id: "find-duplicate", role: "search" },
    async () => {
      const text = element.elements.namedItem("q").value.trim();
      try {
        const rows = (await search(text)).filter((each) => each.id !== who.id);
        fill(
          found,
          rows.length
            ? h("ul", { class: "rows", id: "duplicates" }, rows.map((each) => candidate(who, each)))
            : h("p", { class: "empty" }, t("find.none")),
        );
        found.querySelector("a")?.focus();
      } catch (error) {
        fill(found, notice(error));
      }
    },
    h("p", { class: "soft" }, t("merge.find")),
    h(
      "div",
      { class: "row" },
      h("input", { class: "input grow", name: "q", type: "search", required: true, maxlength: "200", value: who.family_name || who.name, "aria-label": t("find.what") }),
      h("button", { class: "button primary" }, t("find")),
    ),
    found,
  );
  return element;
}

async function search(text) {
  const by = guess(text);
  for (const clue of questions(by, text)) {
    const { customers } = await api.findCustomers({ ...clue, reason: t("reason.merge") });
    if (customers.length) return customers;
  }
  return [];
}

const candidate = (who, each) =>
  h(
    "li",
    { "data-customer": each.id },
    h(
      "a",
      { href: `#/merge/${who.id}?with=${each.id}` },
      h("strong", {}, each.name),
      h("span", { class: "soft" }, each.email),
      h("span", { class: "soft numbers" }, each.phone),
      h("span", { class: "soft" }, [each.postal_code, each.city].filter(Boolean).join(" ")),
    ),
  );

/** What is compared, line by line. */
function rows(views, orders) {
  const of = (read) => views.map(({ customer }) => read(customer));
  return [
    ["name", of((who) => who.name)],
    ["email", of((who) => who.email)],
    ["phone", of((who) => who.phone)],
    ["state", of((who) => t(`state.${who.state}`))],
    ["account", of((who) => who.account)],
    ["language", of((who) => (who.language ? languageName(who.language) : ""))],
    ["currency", of((who) => who.currency)],
    ["addresses", of((who) => who.addresses.map((each) => addressLines(each.address).join(", ")).join("\n"))],
    ["contacts", of((who) => who.contacts.map((each) => each.value).join("\n"))],
    ["since", of((who) => moment(who.created_at))],
    ["orders", orders],
  ];
}

function compare(main, views, orders) {
  let key = newKey();
  let kept = 0;
  const choose = (index) =>
    h(
      "th",
      { scope: "col" },
      h(
        "label",
        { class: "check" },
        h("input", { type: "radio", name: "survivor", value: String(index), checked: index === 0, on: { change: () => pick(index) } }),
        h("span", {}, t("merge.stays")),
      ),
    );
  const said = h("p", { id: "merge-says" });
  const pick = (index) => {
    kept = index;
    const [survivor, duplicate] = [views[kept], views[1 - kept]].map(({ customer }) => customer);
    fill(said, t("merge.says", { survivor: `${survivor.name} (${survivor.email})`, duplicate: `${duplicate.name} (${duplicate.email})` }));
    for (const cell of element.querySelectorAll("[data-side]")) cell.classList.toggle("goes", Number(cell.dataset.side) !== kept);
  };
  const element = form(
    { class: "stack", id: "merge-form" },
    async () => {
      const [survivor, duplicate] = [views[kept], views[1 - kept]].map(({ customer }) => customer);
      const body = { duplicate: duplicate.id, reason: element.elements.namedItem("reason").value.trim() };
      try {
        const merged = await api.merge(survivor.id, body, survivor.version, key);
        toast(t(merged.complete ? "merge.done" : "merge.going", { count: merged.orders_moved }));
        location.hash = `#/customer/${survivor.id}`;
      } catch (error) {
        if (error instanceof Refused) key = newKey();
        tell(element, error.code === "stale-version" ? t("merge.stale") : error);
      }
    },
    h(
      "table",
      { class: "compare" },
      h("thead", {}, h("tr", {}, h("td"), choose(0), choose(1))),
      h(
        "tbody",
        {},
        rows(views, orders).map(([name, values]) =>
          h(
            "tr",
            { class: values[0] === values[1] ? "" : "differs" },
            h("th", { scope: "row" }, t(`merge.${name}`)),
            values.map((value, side) => h("td", { "data-side": String(side) }, value || "–")),
          ),
        ),
      ),
    ),
    said,
    field("reason", t("field.reason"), { maxlength: "200" }),
    h(
      "div",
      { class: "row" },
      h("button", { class: "button primary" }, t("merge.do")),
      h("a", { class: "button", href: `#/merge/${views[0].customer.id}` }, t("merge.other")),
    ),
  );
  main.append(h("section", { class: "panel" }, element));
  pick(0);
}
