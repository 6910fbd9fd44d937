// Choosing a password: by the link of an invitation, in place of a temporary or a forgotten one.

import { fill, h, toast } from "/common/dom.js";
import { field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import { mark, notice, sentence, unmark } from "/common/trouble.js";
import * as api from "./api.js";
import * as cart from "./cart.js";

let link = null; // what an invitation's link held: {secret, email}; it is kept nowhere else

/**
 * Take the secret of an invitation out of the address, so that it stays in no history and nobody
 * copies it on. Whether there was one.
 */
export function takeLink() {
  const found = /^#\/welcome\/([^/]+)\/(.*)$/.exec(location.hash);
  if (!found) return false;
  link = { secret: found[1], email: readable(found[2]) };
  history.replaceState(null, "", `${location.pathname}#/welcome`);
  return true;
}

/** The mail wrote the address as it is; some programs escape a part of a link. */
function readable(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export async function attempt(element, act) {
  unmark(element);
  element.querySelector(".notice")?.remove();
  try {
    await act((name) => element.elements.namedItem(name).value.trim());
  } catch (error) {
    if (!mark(element, error)) element.prepend(notice(error));
  }
}

/** Make the cart that was filled before the customer's own. */
export async function claimCart() {
  const filled = cart.count();
  await cart.change(api.claim);
  if (filled) toast(t("claimed"));
}

export function passwordField(autocomplete) {
  const fresh = autocomplete === "new-password";
  return field(
    "password",
    t(fresh ? "field.password.own" : "field.password"),
    { type: "password", autocomplete, ...(fresh ? { minlength: "12" } : {}) },
    fresh ? { hint: t("field.password.hint") } : {},
  );
}

const passwordOf = (element) => element.elements.namedItem("password").value;

/** The page that an invitation's link leads to. `then` runs once the customer is signed in. */
export function welcomePage(main, then) {
  if (!link) {
    if (api.signedIn()) then();
    else mailPage(main, then, t("welcome.again"));
    return;
  }
  const held = link;
  const { secret, email } = held;
  const known = email.includes("@");
  fill(
    main,
    form(
      { class: "panel stack narrow", id: "welcome" },
      (element) =>
        attempt(element, async (value) => {
          link = null; // the page is shown anew as soon as somebody is signed in
          try {
            await api.acceptInvitation(value("email"), secret, passwordOf(element));
          } catch (error) {
            if (error.code === "sign-in-failed" && known) {
              mailPage(main, then, t("welcome.over"), email);
              return;
            }
            link = held;
            throw error;
          }
          await api.editMe({ consent: { terms_accepted: true } });
          await claimCart().catch((error) => toast(sentence(error), "bad"));
          then();
        }),
      h("h1", {}, t("welcome")),
      h("p", { class: "soft" }, t("welcome.text")),
      field("email", t("field.email"), {
        type: "email",
        autocomplete: "username",
        value: known ? email : "",
        readonly: known,
      }),
      passwordField("new-password"),
      h(
        "label",
        { class: "check" },
        h("input", { type: "checkbox", name: "terms", required: true }),
        t("consent.terms"),
      ),
      h("button", { class: "button primary wide" }, t("welcome.button")),
    ),
  );
  main.querySelector(known ? "[name=password]" : "[name=email]").focus();
}

/** A password of one's own after a sign-in with a temporary one. */
export function ownPasswordPage(main, email, session, then) {
  fill(
    main,
    form(
      { class: "panel stack narrow", id: "own-password" },
      (element) =>
        attempt(element, async () => {
          await api.choosePassword(email, session, passwordOf(element));
          await claimCart().catch((error) => toast(sentence(error), "bad"));
          then();
        }),
      h("h1", {}, t("welcome")),
      h("p", { class: "soft" }, t("own_password.text")),
      passwordField("new-password"),
      h("button", { class: "button primary wide" }, t("welcome.button")),
    ),
  );
  main.querySelector("[name=password]").focus();
}

/** Who cannot sign in has a mail sent. */
export function forgotPage(main, then) {
  if (api.signedIn()) then();
  else mailPage(main, then, t("forgot.text"));
}

function mailPage(main, then, text, email = "") {
  fill(
    main,
    form(
      { class: "panel stack narrow", id: "forgot" },
      (element) =>
        attempt(element, async (value) => {
          await api.forgot(value("email"));
          resetPage(main, then, value("email"));
        }),
      h("h1", {}, t("forgot")),
      h("p", {}, text),
      field("email", t("field.email"), { type: "email", autocomplete: "username", value: email }),
      h("button", { class: "button primary wide" }, t("forgot.button")),
    ),
  );
  main.querySelector("input").focus();
}

function resetPage(main, then, email) {
  fill(
    main,
    form(
      { class: "panel stack narrow", id: "reset" },
      (element) =>
        attempt(element, async (value) => {
          await api.resetPassword(email, value("code"), passwordOf(element));
          await api.signIn(email, passwordOf(element));
          await claimCart().catch((error) => toast(sentence(error), "bad"));
          then();
        }),
      h("h1", {}, t("reset")),
      h("p", {}, t("reset.text", { email })),
      h("p", {}, h("a", { href: "/inbox/", target: "_blank" }, t("confirm.open"))),
      field("code", t("field.code"), { inputmode: "numeric", autocomplete: "one-time-code" }),
      passwordField("new-password"),
      h("button", { class: "button primary wide" }, t("welcome.button")),
    ),
  );
  main.querySelector("[name=code]").focus();
}
