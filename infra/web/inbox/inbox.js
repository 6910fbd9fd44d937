// The mails that were sent, newest first.

import { every, fillIfChanged, h } from "/common/dom.js";
import { request } from "/common/http.js";

const list = document.getElementById("mails");
const pane = document.getElementById("mail");
const count = document.getElementById("count");
const inbox = document.querySelector(".inbox");
const read = new Set();
let mails = [];
let openId = null;
let tab = "html";

const time = (text) =>
  new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" }).format(
    new Date(text),
  );

function draw() {
  count.textContent = mails.length === 1 ? "1 mail" : `${mails.length} mails`;
  fillIfChanged(list, [mails.map((mail) => mail.id), openId, [...read]], () =>
    mails.length
      ? mails.map(row)
      : h("li", { class: "empty" }, "Nothing yet. Mails appear here by themselves."),
  );
  const mail = mails.find((each) => each.id === openId);
  fillIfChanged(pane, [openId, tab], () =>
    mail ? shown(mail) : h("p", { class: "empty" }, "Choose a mail."),
  );
}

function row(mail) {
  return h(
    "li",
    {},
    h(
      "button",
      {
        class: read.has(mail.id) ? "" : "unread",
        "aria-current": mail.id === openId ? "true" : undefined,
        "data-mail": mail.id,
        on: { click: () => open(mail) },
      },
      h("strong", {}, mail.subject),
      h("span", { class: "soft small" }, mail.to.join(", "), h("br"), time(mail.sent_at)),
    ),
  );
}

function open(mail) {
  openId = mail.id;
  tab = mail.html ? "html" : "text";
  read.add(mail.id);
  inbox.classList.add("reading");
  draw();
  pane.focus();
}

function back() {
  const button = list.querySelector(`[data-mail="${openId}"]`);
  inbox.classList.remove("reading");
  button?.focus();
}

const VIEWS = {
  html: (mail) =>
    h("iframe", {
      src: `/local/mails/html?id=${encodeURIComponent(mail.id)}`,
      title: "The mail as HTML",
      sandbox: "allow-popups allow-popups-to-escape-sandbox",
    }),
  text: (mail) =>
    h("pre", { class: "panel", tabindex: "0" }, mail.text || "This mail has no text part."),
  headers: (mail) =>
    h(
      "dl",
      { class: "panel headers" },
      [
        ["From", mail.from],
        ["To", mail.to.join(", ")],
        ["Subject", mail.subject],
        ["Date", time(mail.sent_at)],
        ["Message-ID", mail.id],
        ["Configuration set", mail.configuration_set || "none"],
        ...Object.entries(mail.tags).map(([name, value]) => [`Tag ${name}`, value]),
      ].map(([name, value]) => [h("dt", {}, name), h("dd", { class: "mono" }, value)]),
    ),
};

function shown(mail) {
  const names = { html: "HTML", text: "Text", headers: "Headers" };
  const usable = Object.keys(names).filter((name) => name !== "html" || mail.html);
  const choose = (name) => {
    tab = name;
    draw();
    pane.querySelector(`#tab-${name}`).focus();
  };
  const keys = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) choose(usable[(usable.indexOf(tab) + step + usable.length) % usable.length]);
  };
  return [
    h("button", { class: "button small back", on: { click: back } }, "← All mails"),
    h(
      "div",
      {},
      h("h1", {}, mail.subject),
      h(
        "p",
        { class: "soft small" },
        `${mail.from} to ${mail.to.join(", ")}, ${time(mail.sent_at)}`,
      ),
    ),
    h(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "Parts of the mail", on: { keydown: keys } },
      usable.map((name) =>
        h(
          "button",
          {
            class: "button small",
            role: "tab",
            id: `tab-${name}`,
            "aria-selected": String(name === tab),
            "aria-controls": "part",
            tabindex: name === tab ? "0" : "-1",
            on: { click: () => choose(name) },
          },
          names[name],
        ),
      ),
    ),
    h(
      "div",
      { class: "shown", id: "part", role: "tabpanel", "aria-labelledby": `tab-${tab}` },
      VIEWS[tab](mail),
    ),
  ];
}

every(2, async () => {
  try {
    mails = (await request("GET", "/local/mails")).mails;
    draw();
  } catch {
    count.textContent = "The application has stopped.";
  }
});
