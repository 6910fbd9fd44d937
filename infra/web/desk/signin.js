// Signing in, with a password of one's own the first time; and again, over the page, once a session
// is over.

import { fill, h } from "/common/dom.js";
import { field, form } from "/common/forms.js";
import { Refused } from "/common/http.js";
import { t } from "/common/i18n.js";
import { sentence, tell } from "/common/trouble.js";
import { choosePassword, configuration, member, signIn } from "./session.js";

/** The page. `then` runs once somebody is signed in. */
export async function signInPage(main, then) {
  const { people = [] } = await configuration();
  const box = h("div", { class: "panel narrow" });
  fill(main, box);
  askIn(box, { id: "sign-in", title: t("desk"), people, then });
}

/**
 * Have who was signed in do so again, in a dialog over all that they have typed. Rejects when they
 * close it, or when it is somebody else: what is open is not theirs, `left` forgets it.
 */
export async function signInAgain(left) {
  const { people = [] } = await configuration();
  const before = member();
  const box = h("dialog", { id: "again", "aria-labelledby": "again-title" });
  document.body.append(box);
  const signed = new Promise((resolve, reject) => {
    box.addEventListener("close", () => {
      box.remove();
      if (member()?.refresh_token) resolve();
      else reject(new Refused(401, { type: ":unauthenticated", detail: "" }));
    });
    askIn(box, {
      id: "sign-in-again",
      title: t("sign_in.over"),
      note: t("sign_in.over.note"),
      email: before.email,
      people: people.filter((each) => each.email === before.email),
      then: () => {
        if (member().subject !== before.subject) {
          left();
          location.reload();
          reject(new Refused(401, { type: ":unauthenticated", detail: "" }));
          return;
        }
        box.close();
      },
    });
  });
  box.showModal();
  box.querySelector("[name=password]").focus();
  return signed;
}

function askIn(box, { id, title, note = "", email = "", people, then }) {
  const element = form(
    { class: "stack", id },
    async () => {
      const value = (name) => element.elements.namedItem(name).value;
      try {
        await signIn(value("email").trim(), value("password"));
        then();
      } catch (error) {
        if (error.code === "new-password-required") ownPassword(box, error.problem.session, then);
        else tell(element, error);
      }
    },
    h("h1", { id: "again-title" }, title),
    note ? h("p", { class: "soft" }, note) : null,
    field("email", t("field.email"), { type: "email", autocomplete: "username", value: email }),
    field("password", t("field.password"), {
      type: "password",
      autocomplete: "current-password",
    }),
    h("button", { class: "button primary wide" }, t("sign_in")),
    people.length ? demoPeople(people, then) : null,
  );
  fill(box, element);
  element.querySelector("input").focus();
}

function ownPassword(box, session, then) {
  const element = form(
    { class: "stack", id: "first-password" },
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
  fill(box, element);
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
          on: {
            click: async ({ target }) => {
              target.disabled = true;
              try {
                await signIn(each.email, each.password);
                then();
              } catch (error) {
                target.disabled = false;
                tell(target.form, sentence(error));
              }
            },
          },
        },
        `${each.name} (${t(`role.${each.role}`)})`,
      ),
    ),
  );
