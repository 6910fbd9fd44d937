// Business accounts: the company, who may do what for it, what it asks of its buyers, its terms.

import { fill, h, toast } from "/common/dom.js";
import { addressFields, addressOf, field, form } from "/common/forms.js";
import { money, t, toMajor, toMinor } from "/common/i18n.js";
import { notice, tell } from "/common/trouble.js";
import * as api from "./api.js";
import { check } from "./addresses.js";
import { isOne } from "./session.js";

const AMOUNT = { inputmode: "decimal", pattern: "[0-9]+([.][0-9]+)?" };
const ROLES = ["buyer", "approver"];

/** The page that asks which one. */
export async function accountsPage(main) {
  const element = form(
    { class: "panel stack middling", id: "open-account" },
    () => {
      const name = element.elements.namedItem("account").value.trim().toLowerCase();
      location.hash = `#/account/${name}`;
    },
    h("h1", {}, t("accounts.head")),
    field("account", t("account.name"), { maxlength: "40", pattern: "[A-Za-z0-9][A-Za-z0-9_\\-]*", autocomplete: "off" }),
    h("button", { class: "button primary" }, t("account.open")),
  );
  fill(main, element);
  element.querySelector("input").focus();
}

/** One account. Whoever may not change it reads it. */
export async function accountPage(main, name) {
  fill(main, h("p", { class: "soft" }, t("loading")));
  const [known, facts, members] = await Promise.all([
    api.account(name).catch((error) => (error.status === 404 ? null : Promise.reject(error))),
    api.deskFacts(),
    api.findCustomers({ account: name, reason: t("reason.of_account"), limit: 50 }).catch((error) => error),
  ]);
  const account = known ?? { account: name, version: 0, company: "", billing_address: null, tax_id: "", contacts: [], po_required: false, approval_above: null };
  const page = { account, members: members.customers ?? [], currency: account.approval_above?.currency ?? facts.currencies[0] };
  fill(
    main,
    h("div", { class: "head" }, h("h1", { id: "company-name" }, account.company || name), h("p", { class: "row" }, h("span", { class: "badge" }, name))),
    known ? null : h("p", { class: "notice warn head", id: "account-new" }, t("account.new")),
    h(
      "div",
      { class: "two" },
      accountForm(page),
      h("div", { class: "stack" }, isOne("admin") ? creditPanel(name, page.currency) : null, memberList(members)),
    ),
  );
}

function accountForm(page) {
  const { account } = page;
  const may = isOne("csr_supervisor", "admin");
  const billing = account.billing_address;
  const box = h("div", {}, addressFields(billing ?? { name: account.company }, "billing_address", "billing_address/"));
  const own = check("own-billing", t("account.billing.own"), Boolean(billing));
  const opened = () => {
    const on = own.querySelector("input").checked;
    box.hidden = !on;
    for (const each of box.querySelectorAll("input, select")) each.disabled = !on || !may;
  };
  own.addEventListener("change", opened);
  const contacts = contactRows(page, may);
  const element = form(
    { class: "panel stack", id: "account" },
    async () => {
      try {
        const body = said(element, page, contacts);
        page.account = await api.setAccount(account.account, body, page.account.version);
        toast(t("saved.done"));
        contacts.saved(body.contacts);
        document.getElementById("account-new")?.remove();
        document.getElementById("company-name").textContent = page.account.company;
      } catch (error) {
        if (error.code === "stale-version") await api.account(account.account).then((now) => (page.account = now), () => undefined);
        tell(element, pointed(error));
      }
    },
    h(
      "fieldset",
      { class: "stack", disabled: !may },
      h(
        "div",
        { class: "fields" },
        field("company", t("field.company"), { maxlength: "100", value: account.company }, { kind: "half" }),
        field("tax_id", t("account.tax_id"), { maxlength: "30", value: account.tax_id, required: false }, { kind: "half" }),
      ),
      own,
      box,
      check("po_required", t("account.po_required"), account.po_required),
      field(
        "approval_above/minor",
        `${t("account.above")} (${page.currency})`,
        { ...AMOUNT, required: false, value: account.approval_above ? toMajor(account.approval_above.minor, page.currency) : "" },
        { hint: t("account.above.hint") },
      ),
      contacts.element,
      may ? h("button", { class: "button primary small" }, t("save")) : null,
    ),
  );
  opened();
  return element;
}

function said(element, page, contacts) {
  const value = (name) => element.elements.namedItem(name).value.trim();
  const above = value("approval_above/minor");
  return {
    company: value("company"),
    tax_id: value("tax_id"),
    billing_address: element.elements.namedItem("own-billing").checked ? addressOf(element, "billing_address/") : null,
    contacts: contacts.said(),
    po_required: element.elements.namedItem("po_required").checked,
    approval_above: above === "" ? null : { minor: toMinor(above, page.currency), currency: page.currency },
  };
}

/** A refusal of a contact is told at its row. */
function pointed(error) {
  const own = (pointer) => pointer?.replace(/^(\/contacts\/\d+)\/.*/, "$1");
  const { problem } = error;
  if (problem?.pointer) problem.pointer = own(problem.pointer);
  if (problem?.errors) problem.errors = problem.errors.map((each) => ({ ...each, pointer: own(each.pointer) }));
  return error;
}

/** {element, said, saved}: those with a part to play, and rows for more. */
function contactRows(page, may) {
  const list = h("ul", { class: "stack", id: "account-contacts" });
  let rows = [];
  const draw = () =>
    fill(
      list,
      rows.length ? rows.map((row, index) => contactRow(row, index)) : h("li", { class: "soft small" }, t("account.contacts.none")),
    );
  const contactRow = (row, index) =>
    h(
      "li",
      { class: "row contact-row" },
      row.customer_id
        ? h("a", { class: "grow", href: `#/customer/${row.customer_id}` }, row.shown)
        : h(
            "label",
            { class: "field grow" },
            h("span", { class: "out-of-sight" }, t("account.contact")),
            h("input", {
              type: "email",
              name: `contacts/${index}`,
              required: true,
              value: row.email,
              placeholder: t("account.contact"),
              on: { input: ({ target }) => (row.email = target.value) },
            }),
          ),
      ROLES.map((role) =>
        check(`${role}-${index}`, t(`role.${role}`), row.roles.includes(role), {
          on: {
            change: ({ target }) =>
              (row.roles = target.checked ? [...row.roles, role] : row.roles.filter((each) => each !== role)),
          },
        }),
      ),
      may
        ? h(
            "button",
            {
              type: "button",
              class: "link small",
              "aria-label": t("remove.of", { name: row.shown || row.email }),
              on: {
                click: () => {
                  rows = rows.filter((each) => each !== row);
                  draw();
                },
              },
            },
            t("remove"),
          )
        : null,
    );
  const redraw = () => {
    rows = page.account.contacts.map((each) => {
      const known = page.members.find((member) => member.id === each.customer_id);
      const shown = known ? [known.name, `(${known.email})`].filter(Boolean).join(" ") : each.customer_id;
      return { customer_id: each.customer_id, shown, email: "", roles: [...each.roles] };
    });
    draw();
  };
  const more = () => {
    rows = [...rows, { email: "", shown: "", roles: ["buyer"] }];
    draw();
    list.querySelector("li:last-child input").focus();
  };
  redraw();
  return {
    element: h(
      "fieldset",
      { class: "stack" },
      h("legend", {}, h("strong", {}, t("account.contacts"))),
      list,
      may ? h("button", { type: "button", class: "button small", id: "add-account-contact", on: { click: more } }, t("account.contacts.add")) : null,
    ),
    said: () => rows.map(({ customer_id: id, email, roles }) => ({ ...(id ? { customer_id: id } : { email: email.trim() }), roles })),
    saved: (sent) => {
      // They come back in the order in which they were sent.
      page.account.contacts.forEach(({ customer_id: id }, index) => {
        const { email } = sent[index];
        if (email && !page.members.some((each) => each.id === id)) page.members.push({ id, name: "", email });
      });
      redraw();
    },
  };
}

function creditPanel(name, currency) {
  const panel = h("section", { class: "panel stack", id: "credit" }, h("h2", {}, t("credit")));
  const draw = async () => {
    const known = await api.credit(name).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
    const unit = known?.limit.currency ?? currency;
    const element = form(
      { class: "stack" },
      async () => {
        const value = (field) => element.elements.namedItem(field).value;
        try {
          await api.setCredit(name, { limit: { minor: toMinor(value("limit/minor"), unit), currency: unit }, days: Number(value("days")) });
          toast(t("saved.done"));
          await draw();
        } catch (error) {
          tell(element, error);
        }
      },
      h("p", { class: "soft small" }, known ? t("credit.open", { open: money(known.open) }) : t("credit.none")),
      h(
        "div",
        { class: "fields" },
        field("limit/minor", `${t("credit.limit")} (${unit})`, { ...AMOUNT, value: known ? toMajor(known.limit.minor, unit) : "" }, { kind: "half" }),
        field("days", t("credit.days"), { type: "number", min: "0", max: "365", value: known?.days ?? "30" }, { kind: "half" }),
      ),
      h("button", { class: "button primary small" }, t("save")),
    );
    fill(panel, h("h2", {}, t("credit")), element);
  };
  draw().catch((error) => panel.append(notice(error)));
  return panel;
}

const memberList = (members) =>
  h(
    "section",
    { class: "panel stack" },
    h("h2", {}, t("account.members")),
    members instanceof Error
      ? notice(members)
      : members.customers.length
        ? h(
            "ul",
            { class: "rows", id: "members" },
            members.customers.map((each) =>
              h("li", {}, h("a", { href: `#/customer/${each.id}` }, h("strong", {}, each.name), h("span", { class: "soft" }, each.email))),
            ),
          )
        : h("p", { class: "soft" }, t("account.members.none")),
  );
