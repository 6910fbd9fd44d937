// The storefront: which page the address asks for, and what is around every page.

import { fill, h } from "/common/dom.js";
import { configuration } from "/common/http.js";
import { accountPage } from "./account.js";
import * as api from "./api.js";
import { approvalsPage } from "./approvals.js";
import * as cart from "./cart.js";
import { cataloguePage, homePage } from "./catalogue.js";
import { checkoutPage } from "./checkout.js";
import * as drawer from "./drawer.js";
import { currentLanguage, LANGUAGES, money, setLanguage, setWords, t } from "/common/i18n.js";
import { orderPage } from "./order.js";
import { ordersPage } from "./orders.js";
import { forgotPage, takeLink, welcomePage } from "./passwords.js";
import { payPage } from "./paypage.js";
import { productPage } from "./product.js";
import { searchBox } from "./searchbox.js";
import { on, remember } from "/common/state.js";
import { WORDS } from "./words.js";

setWords(WORDS);

const main = document.getElementById("main");
const top = document.getElementById("top");
const foot = document.getElementById("foot");
let leave = null; // ends what the page that is shown keeps doing
let shown = false;

function route() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  const [, name = "", id = "", rest = ""] = path.split("/").map(decodeURIComponent);
  return { name, id, rest, query: new URLSearchParams(query) };
}

const PAGES = {
  "": browsing(({ query }) => (query.size ? cataloguePage(main, query) : homePage(main))),
  product: browsing(({ id }) => productPage(main, id)),
  checkout: ({ id }) => checkoutPage(main, id),
  order: ({ id }) => orderPage(main, id),
  pay: ({ id, rest }) => payPage(main, id, rest),
  orders: () => ordersPage(main),
  account: () => accountPage(main),
  approvals: ({ id }) => approvalsPage(main, id),
  welcome: () => welcomePage(main, toAccount),
  forgot: () => forgotPage(main, toAccount),
};

function toAccount() {
  location.hash = "#/account";
}

/** A page of the catalogue. Should there be no cart to be had, it has what everybody may see. */
function browsing(page) {
  return async (asked) => {
    await cart.ready().catch(() => undefined);
    return page(asked);
  };
}

async function show() {
  leave?.();
  leave = null;
  takeLink();
  const asked = route();
  const page = PAGES[asked.name] ?? PAGES[""];
  scrollTo(0, 0);
  if (shown) main.focus({ preventScroll: true });
  shown = true;
  const box = top.querySelector("[name=q]");
  if (box) box.value = asked.query.get("q") ?? "";
  const end = await page(asked);
  if (typeof end === "function") leave = end;
}

function count() {
  const button = document.getElementById("open-cart");
  const units = cart.count();
  button.setAttribute("aria-label", t("cart.count", { count: units }));
  fill(
    button,
    h("span", {}, t("cart")),
    units ? h("strong", { class: "numbers", id: "cart-count" }, units) : null,
    units ? h("span", { class: "numbers wide-only" }, money(cart.current().totals.goods)) : null,
  );
}

async function around() {
  const { shop } = await configuration();
  document.title = shop;
  document.getElementById("skip").textContent = t("skip");
  fill(
    top,
    h("a", { class: "wordmark", href: "#/" }, shop),
    searchBox(route().query.get("q") ?? ""),
    h(
      "nav",
      { class: "row tools", "aria-label": shop },
      h(
        "div",
        { class: "languages", role: "group", "aria-label": t("language") },
        LANGUAGES.map((code) =>
          h(
            "button",
            {
              class: "language",
              lang: code,
              "aria-pressed": String(code === currentLanguage()),
              on: { click: () => speak(code) },
            },
            code.toUpperCase(),
          ),
        ),
      ),
      tool("#/orders", t("orders"), "M5 8l7-4 7 4v8l-7 4-7-4zM5 8l7 4 7-4M12 12v8"),
      tool(
        "#/account",
        api.signedIn() ? t("account") : t("sign_in"),
        "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 4-7 8-7s7 2 8 7",
      ),
      h("button", { class: "button small primary", id: "open-cart", on: { click: drawer.open } }),
    ),
  );
  count();
  fill(
    foot,
    h("p", { class: "soft small" }, t("demo")),
    h(
      "p",
      { class: "row small" },
      h("a", { href: "/inbox/", target: "_blank" }, t("demo.inbox")),
      h("a", { href: "/warehouse/", target: "_blank" }, t("demo.warehouse")),
    ),
  );
}

/** A link in the header; where there is little room its picture alone. */
function tool(href, words, drawing) {
  return h(
    "a",
    { href, class: "tool" },
    h("span", {}, words),
    h("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: drawing })),
  );
}

async function speak(code) {
  setLanguage(code);
  if (cart.reference())
    await cart.change((held) => api.describe(held, { language: code })).catch(() => undefined);
}

/** The bank's page came back: note how it went, and have the address tell it no more. */
function comeBack() {
  const query = new URLSearchParams(location.search);
  if (!query.has("redirect_status")) return;
  const { id } = route();
  const passed = query.get("redirect_status") === "succeeded";
  remember(`paid.${id}`, passed ? Date.now() : null);
  remember(`trouble.${id}`, passed ? null : t("declined.authentication"));
  history.replaceState(null, "", `/shop/${location.hash}`);
}

comeBack();
takeLink();
drawer.install();
on("cart", count);
on("session", () => around().then(show));
on("language", () => around().then(show));
addEventListener("hashchange", show);
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which page it is
  main.focus();
});
await around();
await cart.load().catch(() => undefined); // what is shown goes by it; one that is gone is forgotten
await show();
