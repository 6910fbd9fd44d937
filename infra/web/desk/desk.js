// The service desk: which page the address asks for, what is around every page, and the keys.

import { fill, h, toast } from "/common/dom.js";
import { currentLanguage, LANGUAGES, setLanguage, setWords, t } from "/common/i18n.js";
import { on } from "/common/state.js";
import { sentence } from "/common/trouble.js";
import { accountPage, accountsPage } from "./accounts.js";
import { approvalsPage } from "./approvals.js";
import { cardPage, cardsPage } from "./cards.js";
import { channelsPage } from "./channels.js";
import { customerPage } from "./customer.js";
import { draft, drafts, dropAll } from "./drafts.js";
import { beginFor, beginSale, entryPage } from "./entry.js";
import { findPage } from "./find.js";
import { mergePage } from "./merge.js";
import { newCustomerPage } from "./newcustomer.js";
import { orderPage } from "./order.js";
import { ordersPage } from "./orders.js";
import { guestPage } from "./privacy.js";
import { configuration, decides, isOne, member, signOut, whenOver } from "./session.js";
import { signInAgain, signInPage } from "./signin.js";
import { keepingTyped, watchTyping } from "./typed.js";
import { WORDS } from "./words.js";

setWords(WORDS);

const main = document.getElementById("main");
const top = document.getElementById("top");
const help = document.getElementById("help");
let leave = null; // ends what the page that is shown keeps doing
let awaited = ""; // the first of two keys, as in "g o"

const PAGES = {
  "": ({ query }) => findPage(main, query),
  new: ({ query }) => newCustomerPage(main, query),
  customer: ({ id }) => customerPage(main, id),
  entry: ({ id }) => entryPage(main, id),
  orders: ({ query }) => ordersPage(main, query),
  order: ({ id }) => orderPage(main, id),
  approvals: () => approvalsPage(main),
  merge: ({ id, query }) => mergePage(main, id, query),
  account: ({ id }) => (id ? accountPage(main, id) : accountsPage(main)),
  card: ({ id, query }) => (id ? cardPage(main, id) : cardsPage(main, query)),
  privacy: () => guestPage(main),
  channels: () => channelsPage(main),
};

/** What keys do anywhere outside a field. */
const KEYS = {
  "/": focusFind,
  n: () => go("#/new"),
  g: null, // first of two
  "g f": () => go("#/"),
  "g o": () => go("#/orders"),
  "g a": () => decides() && go("#/approvals"),
  "g b": () => go("#/account"),
  "g c": () => go("#/card"),
  "g p": () => decides() && go("#/privacy"),
  "g s": () => isOne("admin") && go("#/channels"),
  "g e": () => drafts().length && go(`#/entry/${drafts()[0].id}`),
  b: () => beginFor(null),
  c: () => beginSale(null),
  "?": showHelp,
};

function route() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  const [, name = "", id = ""] = path.split("/").map(decodeURIComponent);
  return { name, id, query: new URLSearchParams(query) };
}

function go(hash) {
  if (location.hash === hash) show();
  else location.hash = hash;
}

async function show() {
  leave?.();
  leave = null;
  frame();
  if (!member()) {
    await signInPage(main, show);
    return;
  }
  const wanted = route();
  const page = PAGES[wanted.name] ?? PAGES[""];
  try {
    leave = (await page(wanted)) ?? null;
  } catch (error) {
    fill(main, h("div", { class: "notice bad", role: "alert" }, sentence(error)));
  }
}

function frame() {
  const who = member();
  document.title = t("desk");
  const skip = document.getElementById("skip");
  fill(skip, t("skip"));
  if (!who) {
    fill(top);
    return;
  }
  const { name, id } = route();
  const link = (hash, text, here) =>
    h("a", { href: hash, "aria-current": here ? "page" : null }, text);
  fill(
    top,
    h("strong", {}, t("desk")),
    h(
      "nav",
      { "aria-label": t("pages") },
      link("#/", t("find"), name === ""),
      link("#/orders", t("orders"), name === "orders" || name === "order"),
      decides() ? link("#/approvals", t("approvals"), name === "approvals") : null,
      link("#/account", t("accounts"), name === "account"),
      link("#/card", t("cards"), name === "card"),
      decides() ? link("#/privacy", t("privacy.guests"), name === "privacy") : null,
      isOne("admin") ? link("#/channels", t("channels"), name === "channels") : null,
    ),
    h(
      "div",
      { class: "drafts", role: "group", "aria-label": t("drafts") },
      drafts().map((each) =>
        link(
          `#/entry/${each.id}`,
          each.title || t(each.channel === "in_person" ? "till" : "guest"),
          name === "entry" && id === each.id,
        ),
      ),
      h(
        "button",
        { class: "link small", id: "begin", title: "b", on: { click: () => beginFor(null) } },
        t("begin.guest"),
      ),
      h(
        "button",
        { class: "link small", id: "begin-sale", title: "c", on: { click: () => beginSale(null) } },
        t("till.begin"),
      ),
    ),
    h(
      "div",
      { class: "who row" },
      h("span", { class: "soft small" }, who.name),
      languageChoice(),
      h("button", { class: "link small", title: "?", on: { click: showHelp } }, t("keys")),
      h("button", { class: "link small", id: "sign-out", on: { click: leaveDesk } }, t("sign_out")),
    ),
  );
}

const languageChoice = () =>
  h(
    "select",
    {
      class: "small",
      "aria-label": t("language"),
      on: { change: ({ target }) => setLanguage(target.value) },
    },
    LANGUAGES.map((code) =>
      h("option", { value: code, selected: code === currentLanguage() }, code.toUpperCase()),
    ),
  );

async function leaveDesk() {
  dropAll();
  await signOut().catch(() => undefined);
}

/** At once, so that nothing of what is typed next is lost. */
function focusFind() {
  if (route().name !== "") {
    history.pushState(null, "", "#/");
    show();
  }
  document.getElementById("q")?.select();
}

function showHelp() {
  const known = ["/", "n", "b", "c", "g f", "g o", "g e", "g b", "g c"];
  if (decides()) known.push("g a", "g p");
  if (isOne("admin")) known.push("g s");
  const more = ["o", "v", "ArrowDown", "Enter", "Ctrl+Enter", "Escape"];
  fill(
    help,
    h("h2", {}, t("keys")),
    h(
      "dl",
      { class: "keys" },
      [...known, ...more].map((key) => [
        h("dt", {}, key.split(" ").map((each) => h("kbd", {}, each))),
        h("dd", {}, t(`key.${key}`)),
      ]),
    ),
    h("form", { method: "dialog" }, h("button", { class: "button primary" }, t("close"))),
  );
  help.showModal();
}

function pressed(event) {
  const { target, key } = event;
  const writing = target.closest("input, select, textarea, [contenteditable]");
  if (writing && key === "Escape") target.blur();
  if (writing || event.ctrlKey || event.metaKey || event.altKey || !member()) return;
  if (document.querySelector("dialog[open]")) return;
  const wanted = awaited ? `${awaited} ${key}` : key;
  awaited = "";
  if (!(wanted in KEYS)) return;
  event.preventDefault();
  if (KEYS[wanted]) Promise.resolve(KEYS[wanted]()).catch((error) => toast(sentence(error), "bad"));
  else awaited = key;
}

whenOver(() => signInAgain(dropAll));
addEventListener("hashchange", show);
addEventListener("keydown", pressed);
on("session", () => member() || show());
on("drafts", frame);
watchTyping(main);
on("language", () => keepingTyped(main, show));
document.documentElement.dataset.shop = (await configuration()).shop;
show();

// A draft whose grant is over is opened anew where it is used, so an old tab is not an error.
if (route().name === "entry" && !draft(route().id)) go("#/orders");
