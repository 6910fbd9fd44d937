// Signing in, with a password of one's own the first time.

import { fill, h } from "/common/dom.js";
import { field, form } from "/common/forms.js";
import { t } from "/common/i18n.js";
import { tell } from "/common/trouble.js";
import { choosePassword, configuration, signIn } from "./session.js";

/** The page. `then` runs once somebody is signed in. */
export async function signInPage(main, then) {
  const { people = [] } = await configuration();
  const element = form(
    { class: "panel stack narrow", id: "sign-in" },
    async () => {
      const value = (name) => element.elements.namedItem(name).value;
      try {
        await signIn(value("email").trim(), value("password"));
        then();
      } catch (error) {
        if (error.code === "new-password-required") ownPassword(main, error.problem.session, then);
        else tell(element, error);
      }
    },
    h("h1", {}, t("desk")),
    field("email", t("field.email"), { type: "email", autocomplete: "username" }),
    field("password", t("field.password"), {
      type: "password",
      autocomplete: "current-password",
    }),
    h("button", { class: "button primary wide" }, t("sign_in")),
    people.length ? demoPeople(people, then) : null,
  );
  fill(main, element);
  element.querySelector("input").focus();
}

function ownPassword(main, session, then) {
  const element = form(
    { class: "panel stack narrow", id: "first-password" },
    async () => {
      try {
        await choosePassword(session, element.elements.namedItem("password").value);
        then();
      } catch (error) {
        tell(element, error);
      }
    },
    h("h1", {}, t("sign_in.first")),
    field(
      "password",
      t("field.password"),
      { type: "password", autocomplete: "new-password", minlength: "12" },
      { hint: t("field.password.hint") },
    ),
    h("button", { class: "button primary wide" }, t("save")),
  );
  fill(main, element);
  element.querySelector("input").focus();
}

/** On one machine there are people to be signed in as; a deployment's configuration has none. */
const demoPeople = (people, then) =>
  h(
    "div",
    { class: "stack demo" },
    h("p", { class: "soft small" }, t("sign_in.demo")),
    people.map((each) =>
      h(
        "button",
        {
          type: "button",
          class: "button wide",
          "data-person": each.role,
          on: { click: () => signIn(each.email, each.password).then(then) },
        },
        `${each.name} (${t(`role.${each.role}`)})`,
      ),
    ),
  );
